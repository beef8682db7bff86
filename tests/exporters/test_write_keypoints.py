"""Written keypoints come back: to the last bit from ``.npz``, to 0.001 px from OpenPose JSON."""

from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import made_clips as made
import numpy as np
import pytest

from maquette.errors import OutputError
from maquette.exporters.keypoints import write_keypoints
from maquette.keypoints import Keypoints
from maquette.readers import read_keypoints
from maquette.skeleton import Skeleton
from maquette.skeletons import BODY_25, COCO_17


def clip(skeleton: Skeleton = BODY_25, **changes) -> Keypoints:
    rng = np.random.default_rng(5)
    points = rng.uniform(0, 700, (30, len(skeleton), 2))
    points[7] = np.nan
    points[11, 2] = np.nan
    return Keypoints(points=points, confidence=rng.uniform(0.1, 1, points.shape[:2]), skeleton=skeleton, **changes)


def assert_same(a: Keypoints, b: Keypoints) -> None:
    for field in fields(Keypoints):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if isinstance(x, np.ndarray):
            np.testing.assert_array_equal(x, y)
        else:
            assert x == y, field.name


OWN = Skeleton("my-own", ("a", "l_b", "r_b"), (-1, 0, 0), (("l_b", "r_b"),))


@pytest.mark.parametrize(
    "keypoints",
    [
        clip(fps=Fraction(30000, 1001), image_size=(1920, 1080), person_id=3, source="gångsätt.mp4", notes=("ä", "b")),
        clip(COCO_17, fps=Fraction(25), timestamps_s=np.cumsum(np.linspace(0.03, 0.05, 30))),
        clip(OWN, fps=Fraction(1, 3), source="x"),
    ],
    ids=["everything", "timestamps", "own skeleton"],
)
def test_archive_is_lossless(keypoints: Keypoints, tmp_path: Path) -> None:
    write_keypoints(keypoints, tmp_path / "k.npz")
    back = read_keypoints(tmp_path / "k.npz")
    assert len(back) == 1
    if not keypoints.source:
        back = [back[0].with_notes(source="")]
    assert_same(keypoints, back[0])
    with np.load(tmp_path / "k.npz", allow_pickle=False) as archive:
        assert str(archive["kind"]) == "keypoints"
        np.testing.assert_array_equal(archive["points"], keypoints.points)


def test_openpose_folder(tmp_path: Path) -> None:
    one = clip(fps=Fraction(30)).with_notes(points=made.figure(BODY_25, 30))
    other = one.with_notes(points=made.figure(BODY_25, 30, start=(900.0, 380.0), height_px=250.0))
    write_keypoints([one, other], tmp_path / "walk")
    assert (tmp_path / "walk" / "walk_000000000000_keypoints.json").is_file()
    back = read_keypoints(tmp_path / "walk", fps=30)
    assert len(back) == 2
    for written, read in zip((one, other), back, strict=True):
        np.testing.assert_allclose(read.points, written.points, atol=0.0005001)
        np.testing.assert_allclose(read.confidence, written.confidence, atol=5.001e-7)


def test_what_cannot_be_written(tmp_path: Path) -> None:
    keypoints = clip(COCO_17, fps=Fraction(30))
    with pytest.raises(OutputError, match="no layout for 'coco-17'"):
        write_keypoints(keypoints, tmp_path / "folder")
    with pytest.raises(OutputError, match=r"'\.xyz'"):
        write_keypoints(keypoints, tmp_path / "a.xyz")
    with pytest.raises(OutputError, match="one person"):
        write_keypoints([keypoints, keypoints], tmp_path / "a.npz")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(OutputError, match="not an empty folder"):
        write_keypoints(clip(fps=Fraction(30)), tmp_path / "full")
    assert not list(tmp_path.glob(".*"))
