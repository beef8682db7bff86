"""TRC files of other programs: Pose2Sim's and Sports2D's names, laboratories with Z up, pixels, damage."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_body import made_motion  # pyright: ignore[reportMissingImports]

from maquette.errors import InputError
from maquette.exporters.trc import write_trc
from maquette.motion import Motion
from maquette.readers.motion import read_motion
from maquette.readers.motion_trc import read_motion_trc
from maquette.skeletons import HALPE_26

PIXELS = Path("data", "real", "sports2d_demo", "walker_formats", "demo_Sports2D_px_person00.trc")
MARKERS: list[str] = [
    *("Hip", "RHip", "RKnee", "RAnkle", "RBigToe", "RSmallToe", "RHeel"),
    *("LHip", "LKnee", "LAnkle", "LBigToe", "LSmallToe", "LHeel"),
    *("Neck", "Head", "Nose", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist"),
]
"""Of Sports2D and Pose2Sim with RTMPose's body with feet, in their order."""


def trc_text(
    points: np.ndarray, markers: list[str], *, rate: str = "60", unit: str = "m", times_s: np.ndarray | None = None
) -> str:
    """A file as Pose2Sim writes it; empty cells where NaN."""
    n = len(markers)
    times = np.arange(len(points)) / 60 if times_s is None else times_s
    lines = [
        "PathFileType\t4\t(X/Y/Z)\ta.trc",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{rate}\t{rate}\t{len(points)}\t{n}\t{unit}\t{rate}\t0\t{len(points)}",
        "Frame#\tTime\t" + "\t\t\t".join(markers) + "\t\t",
        "\t\t" + "\t".join(f"{axis}{i + 1}" for i in range(n) for axis in "XYZ"),
    ]
    for i, frame in enumerate(points):
        cells = "\t".join("" if np.isnan(value) else repr(float(value)) for value in frame.ravel())
        lines.append(f"{i}\t{times[i]}\t{cells}")
    return "\n".join(lines) + "\n"


def standing(up: int = 1) -> np.ndarray:
    points = np.random.default_rng(1).normal(scale=0.05, size=(10, len(MARKERS), 3))
    heights = {"Ankle": 0.1, "Toe": 0.0, "Heel": 0.0, "Knee": 0.5, "Hip": 0.9, "Shoulder": 1.4, "Neck": 1.4}
    points[..., up] += [next((h for part, h in heights.items() if part in name), 1.6) for name in MARKERS]
    return points


def read(text: str) -> Motion:
    return read_motion_trc(Path("a.trc"), text.encode())


@pytest.mark.parametrize(("unit", "metre"), [("m", 1.0), ("mm", 0.001), ("cm", 0.01)])
def test_markers_of_pose2sim_are_joints(unit: str, metre: float) -> None:
    points = standing()
    points[3, 2] = np.nan
    motion = read(trc_text(points / metre, MARKERS, unit=unit))
    assert motion.skeleton == HALPE_26
    assert (motion.fps, motion.frame, motion.timestamps_s) == (60, "world", None)
    x, y, z = np.moveaxis(points, -1, 0)
    ours = np.stack([-z, y, x], axis=-1)
    for name, marker in (("r_knee", "RKnee"), ("mid_hip", "Hip"), ("l_big_toe", "LBigToe"), ("head", "Head")):
        np.testing.assert_allclose(motion.joint(name), ours[:, MARKERS.index(marker)], atol=1e-12)
    assert np.isnan(motion.joint("l_eye")).all()
    assert any("without l_eye, r_eye, l_ear, r_ear" in note for note in motion.notes)


def test_a_laboratory_with_z_up_is_told_by_who_stands_in_it() -> None:
    points = standing(up=2)
    motion = read(trc_text(points, MARKERS))
    np.testing.assert_allclose(motion.joint("head"), points[:, MARKERS.index("Head")][:, [1, 2, 0]], atol=1e-12)
    assert any("taken as Z up" in note for note in motion.notes)


def test_markers_on_the_skin_stay_bare_and_those_among_joints_are_kept() -> None:
    points = standing()
    bare = read(trc_text(points[:, :4], ["LASI", "RASI", "T10", "T10"]))
    assert bare.skeleton.joints == ("LASI", "RASI", "T10", "T10_2")
    assert bare.skeleton.mirror_pairs == (("LASI", "RASI"),)
    assert not bare.skeleton.bones
    mixed = read(trc_text(np.concatenate([points, points[:, :2]], axis=1), [*MARKERS, "r.ASIS_study", "C7_study"]))
    assert mixed.skeleton.joints == (*MARKERS, "r.ASIS_study", "C7_study")
    parents = dict(zip(mixed.skeleton.joints, mixed.skeleton.parents, strict=True))
    assert mixed.skeleton.joints[parents["RKnee"]] == "RHip"
    assert parents["C7_study"] == -1


def test_times() -> None:
    points = standing()
    late = read(trc_text(points, MARKERS, times_s=2.5 + np.arange(10) / 60))
    np.testing.assert_allclose(late.times_s, 2.5 + np.arange(10) / 60)
    wrong = read(trc_text(points, MARKERS, rate="30"))
    assert wrong.fps == 60
    assert any("DataRate says 30, the times 60" in note for note in wrong.notes)
    uneven = np.cumsum(np.linspace(0.01, 0.05, 10))
    np.testing.assert_allclose(read(trc_text(points, MARKERS, times_s=uneven)).times_s, uneven)
    assert (
        str(read(trc_text(points, MARKERS, rate="29.97", times_s=np.round(np.arange(10) / 29.97, 3))).fps)
        == "30000/1001"
    )


def test_a_file_that_was_cut_off_is_told_and_loses_its_last_line(tmp_path: Path) -> None:
    motion = made_motion(8)
    write_trc(motion, tmp_path / "whole.trc")
    lines = (tmp_path / "whole.trc").read_text().splitlines(keepends=True)
    (tmp_path / "cut.trc").write_text("".join(lines[:9]) + lines[9][:60])
    seen = read_motion(tmp_path / "cut.trc")
    np.testing.assert_allclose(seen.positions, motion.positions[:3], atol=1e-6)
    assert "the header says 8 frames, the file holds 4; the whole ones were taken" in seen.notes


def test_pixels_are_sent_to_the_2d_reader(shared_dir: Path) -> None:
    with pytest.raises(InputError, match=r"holds pixels.*'maquette lift'"):
        read_motion(shared_dir / PIXELS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (trc_text(standing(), MARKERS, unit="furlong"), "its unit is 'furlong'"),
        (trc_text(standing()[:0], MARKERS), "holds no frames"),
        (trc_text(standing() * np.inf, MARKERS), "more than 1000 km away"),
        (trc_text(standing(), MARKERS).replace("\t60\t", "\tx\t").replace("60\tx", "x\tx").replace("0.0", "0"), None),
        ("PathFileType\n", "expected five header lines"),
        (trc_text(standing()[:1], MARKERS, rate="?", times_s=np.zeros(1)), "the frame rate is not known"),
        (trc_text(standing(), MARKERS).replace("Hip", ""), None),
    ],
)
def test_files_that_cannot_be_read(text: str, says: str | None) -> None:
    with contextlib.suppress(InputError) if says is None else pytest.raises(InputError, match=says):
        read(text)


@pytest.fixture(scope="module")
def own_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "a.trc"
    motion = made_motion(4)
    write_trc(motion.with_notes(sigma_m=np.full((4, 21), 0.1)), path)
    return path


DAMAGE = st.one_of(st.binary(max_size=6), st.sampled_from([b"1e308", b"nan", b"inf", b"\t\t", b"\n", b"-"]))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_damage_gives_a_motion_or_an_input_error(own_file: Path, data: st.DataObject) -> None:
    foreign = data.draw(st.booleans())
    raw = bytearray(trc_text(standing(), MARKERS).encode() if foreign else own_file.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.one_of(st.integers(0, 600), st.integers(0, len(raw))))
        raw[at : at + data.draw(st.integers(0, 20))] = data.draw(DAMAGE)
    with contextlib.suppress(InputError):
        read_motion_trc(own_file, bytes(raw))
