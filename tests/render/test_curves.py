"""Pictures of curves: files, panels, and that a curve runs where its numbers say."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from maquette.errors import OutputError
from maquette.keypoints import Keypoints
from maquette.refine import legacy_fork
from maquette.refine.keypoints_repair import repair
from maquette.refine.keypoints_resample import resample
from maquette.render.curve_panel import COLOURS, nice_ticks, thinned
from maquette.render.curves import draw_curves, write_curves
from maquette.skeletons import COCO_17, OPENPOSE_135, SKELETONS


def track(n_frames: int = 60, skeleton=COCO_17) -> Keypoints:
    """x of every joint runs from 0 to 600 in a straight line, y stands at 100."""
    points = np.stack((np.linspace(0, 600, n_frames), np.full(n_frames, 100.0)), axis=-1)
    points = np.repeat(points[:, None], len(skeleton), axis=1)
    return Keypoints(points, np.ones(points.shape[:2]), skeleton, Fraction(30), source="walk.json")


def near(
    picture: Image.Image, colour: tuple[int, int, int], box: tuple[int, int, int, int] | None = None, tolerance: int = 8
) -> int:
    """Number of pixels of nearly this colour."""
    pixels = np.asarray(picture.crop(box) if box else picture).astype(int)
    return int((np.abs(pixels - np.array(colour)).max(-1) < tolerance).sum())


def test_three_files_or_two(tmp_path: Path) -> None:
    raw = track()
    names = [path.name for path in write_curves(tmp_path / "plots", raw, repair(raw), resample(raw, 60))]
    assert names == ["raw.png", "repaired.png", "resampled.png"]
    for name in names:
        with Image.open(tmp_path / "plots" / name) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 500
    assert [path.name for path in write_curves(tmp_path, raw, raw)] == ["raw.png", "repaired.png"]


def test_the_curve_runs_where_its_numbers_say() -> None:
    """First panel: its frame is 272 px wide from x = 68 and 130 high from y = 94; x rises through it corner to corner,
    less the 6 % of room at both ends."""
    picture = draw_curves(track(), "raw")
    pixels = np.asarray(picture).astype(int)
    blue = np.abs(pixels - np.array(COLOURS["x"])).max(-1) < 60
    for share in (0.1, 0.37, 0.6, 0.9):
        column = round(68 + share * 272)
        low, high = 0 - 0.06 * 600, 600 + 0.06 * 600
        expected = 94 + 130 * (1 - (600 * share - low) / (high - low))
        rows = np.flatnonzero(blue[94:224, column]) + 94
        assert abs(rows.mean() - expected) < 2.5


def test_what_is_missing_is_grey_and_not_drawn() -> None:
    whole = track()
    confidence = whole.confidence.copy()
    confidence[20:40, 0] = 0.0
    box = (68 + 272 * 21 // 59, 96, 68 + 272 * 38 // 59, 220)
    holed = draw_curves(whole.with_notes(confidence=confidence), "raw")
    assert near(holed, COLOURS["missing"], box) > 0.8 * (box[2] - box[0]) * (box[3] - box[1])
    assert near(holed, COLOURS["x"], box) == 0
    assert near(draw_curves(whole, "raw"), COLOURS["x"], box) > 0


def test_edits_are_marked_in_the_repaired_picture_only(tmp_path: Path) -> None:
    raw = track(90)
    points, confidence = raw.points.copy(), raw.confidence.copy()
    left, right = COCO_17.indices(["l_ankle", "l_knee"]), COCO_17.indices(["r_ankle", "r_knee"])
    points[:, left, 1] += 80
    mended = raw.with_notes(points=points.copy())
    points[30:40, left], points[30:40, right] = mended.points[30:40, right], mended.points[30:40, left]
    confidence[60:66, 0] = 0.0
    points[50, COCO_17.index("l_wrist"), 1] += 200
    paths = write_curves(tmp_path, raw.with_notes(points=points, confidence=confidence), mended)
    raw_picture, repaired = (Image.open(path).convert("RGB") for path in paths)
    for kind in ("swapped", "filled", "replaced"):
        assert near(repaired, COLOURS[kind]) > 100, kind
        assert near(raw_picture, COLOURS[kind]) == 0, kind


def test_the_forks_cleaning_changes_the_skeleton(tmp_path: Path) -> None:
    raw = track()
    assert len(write_curves(tmp_path, raw, legacy_fork.clean(raw), resample(raw, 60))) == 3


@pytest.mark.parametrize("n_frames", [0, 1, 2])
def test_very_short_tracks(tmp_path: Path, n_frames: int) -> None:
    whole = track(3)
    short = whole.with_notes(points=whole.points[:n_frames], confidence=whole.confidence[:n_frames])
    assert len(write_curves(tmp_path, short, repair(short))) == 2


def test_nobody_seen(tmp_path: Path) -> None:
    nobody = track().with_notes(confidence=np.zeros((60, 17)))
    assert len(write_curves(tmp_path, nobody, repair(nobody), resample(nobody, 25))) == 3


def test_every_skeleton_and_no_endless_picture() -> None:
    for name in ("openpose-body-25", "blazepose-33", "h36m-32", "halpe-136"):
        picture = draw_curves(track(5, SKELETONS[name]), "raw")
        assert picture.height < 3000, name
    assert draw_curves(track(5, OPENPOSE_135), "raw").width < 2500


def test_long_tracks() -> None:
    rng = np.random.default_rng(0)
    long = track(50_000)
    noisy = long.with_notes(points=long.points + rng.normal(size=long.points.shape))
    assert near(draw_curves(noisy, "raw"), COLOURS["x"]) > 1000


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(OutputError):
        write_curves(blocker / "plots", track(), track())


@given(st.floats(-1e4, 1e4), st.floats(1e-2, 1e4), st.integers(2, 6))
def test_ticks_are_round_and_inside(low: float, span: float, about: int) -> None:
    ticks = nice_ticks(low, low + span, about)
    assert len(ticks) <= about + 2
    assert all(low - 1e-6 * span <= tick <= low + span * (1 + 1e-6) for tick in ticks)
    if len(ticks) > 2:
        np.testing.assert_allclose(np.diff(ticks), ticks[1] - ticks[0], rtol=1e-3)


def test_thinning_keeps_every_extreme() -> None:
    y = np.zeros(10_007)
    y[[17, 5003, 10_006]] = (5.0, -7.0, 3.0)
    line = thinned(np.arange(10_007.0), y, 500)
    assert len(line) <= 600
    assert {(17.0, 5.0), (5003.0, -7.0), (10_006.0, 3.0)} <= {(a, b) for a, b in line.tolist()}
    assert (np.diff(line[:, 0]) > 0).all()
