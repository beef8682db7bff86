"""C3D files as other programs read them: ezc3d, and py-c3d where it is installed."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_body import made_motion  # pyright: ignore[reportMissingImports]

from maquette.errors import MissingExtraError, OutputError
from maquette.exporters.c3d import write_c3d
from maquette.motion import Motion
from maquette.readers.motion import read_motion
from maquette.skeleton import Skeleton

ezc3d = pytest.importorskip("ezc3d")


def full_motion() -> Motion:
    """With gaps, uncertainties, guesses and steps."""
    motion = made_motion(40, seed=3)
    positions = motion.positions.copy()
    positions[7] = positions[20:25, 4] = np.nan
    sigma_m = np.linspace(0.01, 0.1, 40 * 21).reshape(40, 21)
    sigma_m[30], sigma_m[7] = np.inf, np.nan
    contacts = np.zeros((40, 3), dtype=bool)
    contacts[5:12, 0] = contacts[10:15, 1] = contacts[20:40, 2] = True
    return dataclasses.replace(
        motion,
        positions=positions,
        fps=Fraction(30000, 1001),
        sigma_m=sigma_m,
        contacts=contacts,
        contact_joints=("l_heel", "l_toe", "r_toe"),
        scale_source="height 1.75 m; given",
        person_id=4,
        notes=("one, with a  double space", "ü"),
    )


def lab_mm(positions: np.ndarray) -> np.ndarray:
    """X forward, Y left, Z up."""
    x, y, z = np.moveaxis(positions, -1, 0)
    return np.stack([z, x, y], axis=-1) * 1000


def test_ezc3d_sees_a_laboratory_with_z_up(tmp_path: Path) -> None:
    motion = full_motion()
    write_c3d(motion, tmp_path / "walk.c3d")
    file = ezc3d.c3d(str(tmp_path / "walk.c3d"))
    point = file["parameters"]["POINT"]
    assert point["LABELS"]["value"] == list(motion.skeleton.joints)
    assert (point["UNITS"]["value"], point["RATE"]["value"][0]) == (["mm"], np.float32(30000 / 1001))
    assert (point["X_SCREEN"]["value"], point["Y_SCREEN"]["value"]) == (["+X"], ["+Z"])
    missing = np.isnan(motion.positions).any(axis=-1)
    points = file["data"]["points"][:3].transpose(2, 1, 0)
    np.testing.assert_allclose(points[~missing], lab_mm(motion.positions)[~missing], rtol=0, atol=1e-3)
    np.testing.assert_array_equal(file["data"]["meta_points"]["residuals"][0].T, np.where(missing, -1.0, 0.0))
    labels = file["parameters"]["ANALOG"]["LABELS"]["value"]
    assert motion.sigma_m is not None
    wrist = file["data"]["analogs"][0, labels.index("l_wrist_sigma")]
    np.testing.assert_allclose(wrist[:7], motion.sigma_m[:7, 13] * 1000, rtol=1e-6)
    assert (wrist[7], wrist[30]) == (-1, -2)
    assert file["data"]["analogs"][0, labels.index("l_heel_contact")].tolist() == [0] * 5 + [1] * 7 + [0] * 28


def test_feet_that_come_down_and_leave_are_events(tmp_path: Path) -> None:
    write_c3d(full_motion(), tmp_path / "walk.c3d")
    event = ezc3d.c3d(str(tmp_path / "walk.c3d"))["parameters"]["EVENT"]
    frames = [round(float(s) * 30000 / 1001, 3) for s in event["TIMES"]["value"][1]]
    told = list(zip(frames, event["CONTEXTS"]["value"], event["LABELS"]["value"], strict=True))
    # The left foot stands from frame 5 to 14 on heel, then toe; the right one to the end of the clip.
    assert told == [(5, "Left", "Foot Strike"), (15, "Left", "Foot Off"), (20, "Right", "Foot Strike")]


@pytest.mark.parametrize(("frame", "unit"), [("world", None), ("camera", "m"), ("world", "cm")])
def test_our_file_comes_back(tmp_path: Path, frame, unit) -> None:
    motion = dataclasses.replace(
        full_motion(), frame=frame, timestamps_s=np.cumsum(np.linspace(0.01, 0.05, 40)), model="m"
    )
    write_c3d(motion, tmp_path / "a.C3D", unit=unit)
    again = read_motion(tmp_path / "a.C3D")
    for name in ("positions", "sigma_m", "timestamps_s"):
        np.testing.assert_allclose(getattr(again, name), getattr(motion, name), rtol=0, atol=1e-6, err_msg=name)
    np.testing.assert_array_equal(again.contacts, motion.contacts)
    for name in ("skeleton", "fps", "frame", "scale_source", "person_id", "notes", "model", "contact_joints"):
        assert getattr(again, name) == getattr(motion, name), name


@pytest.mark.filterwarnings("ignore:No analog data")
def test_more_frames_than_16_bits_count(tmp_path: Path) -> None:
    n = 66_000
    positions = np.stack([np.zeros(n), np.ones(n), np.arange(n) / n], axis=-1)[:, None]
    motion = Motion(positions=positions, skeleton=Skeleton("one", ("a",), (-1,)), fps=Fraction(200), frame="world")
    write_c3d(motion, tmp_path / "long.c3d")
    # ezc3d 1.7 counts in the header, with 16 bits; py-c3d in the group TRIAL.
    assert ezc3d.c3d(str(tmp_path / "long.c3d"))["data"]["points"].shape == (4, 1, 65_535)
    np.testing.assert_allclose(read_motion(tmp_path / "long.c3d").positions, positions, atol=1e-6)
    c3d = pytest.importorskip("c3d")
    with (tmp_path / "long.c3d").open("rb") as stream:
        forward = [points[0, 0] for _, points, _ in c3d.Reader(stream).read_frames(copy=True)]
    np.testing.assert_allclose(forward, 1000 * np.arange(n) / n, atol=1e-3)


def test_more_joints_and_longer_names_than_one_byte_counts(tmp_path: Path) -> None:
    names = tuple(f"joint {i} é " + "x" * (i % 60) for i in range(300))
    positions = np.random.default_rng(0).normal(size=(3, 300, 3))
    motion = Motion(
        positions=positions, skeleton=Skeleton("many", names, (-1, *range(299))), fps=Fraction(50), frame="world"
    )
    write_c3d(motion, tmp_path / "many.c3d")
    point = ezc3d.c3d(str(tmp_path / "many.c3d"))["parameters"]["POINT"]
    labels = point["LABELS"]["value"] + point["LABELS2"]["value"]
    assert len(set(labels)) == 300
    assert labels[59].startswith("joint_59___xxx")
    again = read_motion(tmp_path / "many.c3d")
    assert again.skeleton == motion.skeleton
    np.testing.assert_allclose(again.positions, positions, atol=1e-6)
    with pytest.raises(OutputError, match=r"take 300 analog channels, C3D has room for 255"):
        write_c3d(motion.with_notes(sigma_m=np.ones((3, 300))), tmp_path / "b.c3d")
    assert not (tmp_path / "b.c3d").exists()


def test_py_c3d_reads_it(tmp_path: Path) -> None:
    c3d = pytest.importorskip("c3d")
    motion = full_motion()
    write_c3d(motion, tmp_path / "walk.c3d")
    with (tmp_path / "walk.c3d").open("rb") as stream:
        frames = [points.copy() for _, points, _ in c3d.Reader(stream).read_frames(copy=True)]
    points = np.stack(frames)
    missing = np.isnan(motion.positions).any(axis=-1)
    np.testing.assert_allclose(points[..., :3][~missing], lab_mm(motion.positions)[~missing], rtol=0, atol=1e-3)
    np.testing.assert_array_equal(points[..., 3], np.where(missing, -1, 0))


def test_without_ezc3d_its_pip_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ezc3d", None)
    with pytest.raises(MissingExtraError, match=r"'ezc3d'.*pip install 'maquette\[formats\]'"):
        write_c3d(made_motion(2), tmp_path / "a.c3d")
