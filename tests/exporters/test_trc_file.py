"""TRC files as OpenSim reads them: by a reader written from the rules of its TRCFileAdapter, not by ours."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_body import made_motion  # pyright: ignore[reportMissingImports]

from maquette.errors import OutputError
from maquette.exporters.trc import write_trc
from maquette.motion import Motion
from maquette.readers.motion import read_motion
from maquette.skeleton import Skeleton

KEYS = "DataRate CameraRate NumFrames NumMarkers Units OrigDataRate OrigDataStartFrame OrigNumFrames".split()


def gappy_motion() -> Motion:
    """With unknown joints at the start and the end of lines, and frames without any."""
    motion = made_motion(30, seed=2)
    positions = motion.positions.copy()
    positions[4] = positions[-1] = np.nan
    positions[5:8, 0] = positions[6, -1] = positions[9, -5:] = positions[0, 3] = np.nan
    return dataclasses.replace(motion, positions=positions, fps=Fraction(30000, 1001))


def as_opensim(path: Path) -> tuple[dict[str, str], list[str], np.ndarray, np.ndarray]:
    """``(header, markers, times, positions)`` by the rules of OpenSim 4's TRCFileAdapter, which drops one tab at the
    end of a line and then wants every line to have the same number of cells."""

    def cells(line: str) -> list[str]:
        return line.removesuffix("\t").split("\t")

    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines[0].split()[0] == "PathFileType"
    keys, values = ([cell for cell in cells(line) if cell] for line in lines[1:3])
    assert keys == KEYS
    assert len(values) == 8
    header = dict(zip(keys, values, strict=True))
    labels = [cell for cell in cells(lines[3]) if cell]
    assert labels[:2] == ["Frame#", "Time"]
    assert len(labels) == int(header["NumMarkers"]) + 2
    numbered = [cell for cell in cells(lines[4]) if cell]
    assert numbered == [f"{axis}{i}" for i in range(1, len(labels) - 1) for axis in "XYZ"]
    rows = [cells(line) for line in lines[5:] if line.strip()]
    assert len(rows) == int(header["NumFrames"])
    assert {len(row) for row in rows} == {3 * (len(labels) - 2) + 2}
    numbers = np.array([[float(cell) if cell else np.nan for cell in row] for row in rows])
    assert numbers[:, 0].tolist() == list(range(1, len(rows) + 1))
    return header, labels[2:], numbers[:, 1], numbers[:, 2:].reshape(len(rows), -1, 3)


@pytest.mark.parametrize(("unit", "per_metre"), [(None, 1.0), ("cm", 100.0), ("mm", 1000.0)])
def test_opensim_sees_the_joints_on_its_ground(tmp_path: Path, unit, per_metre: float) -> None:
    motion = gappy_motion()
    write_trc(motion, tmp_path / "walk.trc", unit=unit)
    header, markers, times_s, positions = as_opensim(tmp_path / "walk.trc")
    assert header["Units"] == (unit or "m")
    assert float(header["DataRate"]) == 30000 / 1001
    assert markers == list(motion.skeleton.joints)
    np.testing.assert_allclose(times_s, np.arange(30) * 1001 / 30000, rtol=0, atol=1e-9)
    x, y, z = np.moveaxis(motion.positions, -1, 0)
    np.testing.assert_allclose(positions / per_metre, np.stack([z, y, -x], axis=-1), rtol=0, atol=1e-6)


def test_forward_is_x_and_right_is_z(tmp_path: Path) -> None:
    skeleton = Skeleton("three", ("l_foot", "r_foot", "r_toe"), (-1, -1, 1))
    standing = np.array([[[0.1, 0.0, 0.0], [-0.1, 0.0, 0.0], [-0.1, 0.0, 0.2]]])
    write_trc(Motion(positions=standing, skeleton=skeleton, fps=Fraction(50), frame="world"), tmp_path / "a.trc")
    left, right, toe = as_opensim(tmp_path / "a.trc")[3][0]
    assert (right - left).tolist() == [0.0, 0.0, 0.2]
    assert (toe - right).tolist() == [0.2, 0.0, 0.0]


@pytest.mark.parametrize("frame", ["world", "camera"])
def test_our_file_comes_back(tmp_path: Path, frame) -> None:
    motion = dataclasses.replace(gappy_motion(), frame=frame, person_id=2, model="m", scale_source="height; given")
    write_trc(motion, tmp_path / "a.trc")
    again = read_motion(tmp_path / "a.trc")
    np.testing.assert_allclose(again.positions, motion.positions, rtol=0, atol=1e-6)
    assert (again.frame, again.fps, again.skeleton, again.person_id) == (frame, motion.fps, motion.skeleton, 2)
    assert (again.model, again.scale_source, again.timestamps_s) == ("m", "height, given", None)


def test_uncertainty_and_contacts_are_beside_it(tmp_path: Path) -> None:
    motion = gappy_motion()
    sigma_m = np.linspace(0.01, 0.1, 30 * 21).reshape(30, 21)
    sigma_m[8] = np.inf
    contacts = np.arange(60).reshape(30, 2) % 3 == 0
    full = motion.with_notes(sigma_m=sigma_m, contacts=contacts, contact_joints=("r_heel", "l_toe"))
    write_trc(full, tmp_path / "a.trc")
    table = np.genfromtxt(tmp_path / "a_confidence.csv", delimiter=",", names=True, skip_header=1)
    np.testing.assert_allclose(table["l_wrist_sigma_m"][:8], sigma_m[:8, 13], atol=1e-6)
    assert table["hip_observed"][[0, 4, 5, 8]].tolist() == [1, 0, 0, 0]
    again = read_motion(tmp_path / "a.trc")
    assert again.sigma_m is not None
    np.testing.assert_allclose(again.sigma_m, sigma_m, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(again.contacts, contacts)
    assert again.contact_joints == ("r_heel", "l_toe")
    write_trc(motion, tmp_path / "a.trc")
    assert [file.name for file in tmp_path.iterdir()] == ["a.trc"]
    assert read_motion(tmp_path / "a.trc").sigma_m is None


def test_the_table_may_be_lost_and_other_tables_stay(tmp_path: Path) -> None:
    motion = made_motion(5)
    write_trc(motion.with_notes(sigma_m=np.full((5, 21), 0.1)), tmp_path / "a.trc")
    (tmp_path / "a_confidence.csv").write_text("mine\n")
    write_trc(motion, tmp_path / "a.trc")
    assert (tmp_path / "a_confidence.csv").read_text() == "mine\n"
    write_trc(motion.with_notes(sigma_m=np.full((5, 21), 0.1)), tmp_path / "a.trc")
    (tmp_path / "a_confidence.csv").unlink()
    assert any("is not beside the file" in note for note in read_motion(tmp_path / "a.trc").notes)


def test_names_times_and_units_that_trc_cannot_hold(tmp_path: Path) -> None:
    skeleton = Skeleton("odd", ("left\tfoot", "left foot", "b"), (-1, 0, 0))
    times_s = np.array([0.5, 0.6, 0.9])
    motion = Motion(
        positions=np.arange(27.0).reshape(3, 3, 3),
        skeleton=skeleton,
        fps=Fraction(10),
        frame="world",
        timestamps_s=times_s,
    )
    write_trc(motion, tmp_path / "a.trc")
    _, markers, times, _ = as_opensim(tmp_path / "a.trc")
    assert markers == ["left_foot", "left_foot_2", "b"]
    np.testing.assert_allclose(times, times_s)
    again = read_motion(tmp_path / "a.trc")
    assert again.skeleton.parents == (-1, 0, 0)
    np.testing.assert_allclose(again.times_s, times_s)
    with pytest.raises(OutputError, match="in m, cm and mm, not in 'inch'"):
        write_trc(motion, tmp_path / "b.trc", unit="inch")
    assert not (tmp_path / "b.trc").exists()
