"""Footage -> people: who is who, every frame at its time, whatever the footage does."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_people import RADIUS_PX, SIZE, SpotDetector, drawn, walking, write_folder, write_people
from PIL import Image

import maquette as mq
from maquette.detect.detector import Detector
from maquette.detect.footage import open_footage
from maquette.detect.people import people_in_footage
from maquette.detect.run import Detected
from maquette.errors import InputError, NoPersonError

SPOT_PX = 0.5
"""Spots are whole pixels."""


def even(count: int, fps: Fraction | int = 30) -> np.ndarray:
    return np.arange(count) / float(fps)


def far(found: np.ndarray, truth: np.ndarray) -> float:
    """The worst distance of a point, pixels; all must be there."""
    return float(np.linalg.norm(found - truth, axis=-1).max())


def run(path: Path, **options) -> Detected:
    return people_in_footage(path, SpotDetector(), **options)


def test_every_point_of_every_frame(tmp_path: Path) -> None:
    truth = walking(even(40))
    detector = SpotDetector()
    assert isinstance(detector, Detector)
    path = write_people(tmp_path / "walk.mkv", [truth], Fraction(30000, 1001))
    told: list[tuple[int, int | None]] = []
    detected = people_in_footage(path, detector, progress=lambda done, total: told.append((done, total)))
    (person,) = detected.people
    assert far(person.points, truth) < SPOT_PX
    assert (person.fps, person.image_size, person.timestamps_s) == (Fraction(30000, 1001), SIZE, None)
    assert person.source == str(path)
    assert "2D by spots" in person.notes
    assert told == [(i + 1, 40) for i in range(40)]
    assert (detector.resets, detector.closes) == (1, 0)  # it is ours, so it stays open


def test_two_people_who_cross_keep_their_frames(tmp_path: Path) -> None:
    times_s = even(60)
    one, other = walking(times_s, (60, 110), 70), walking(times_s, (260, 130), -70, height=130)
    one[:10] = np.nan  # comes in later
    path = write_people(tmp_path / "two.mkv", [one, other])
    people = run(path).people
    assert len(people) == 2
    assert all(person.n_frames == 60 for person in people)
    assert not people[0].observed[:10].any()
    # Where the two cover each other, the middle of what is left of a spot is up to its radius off.
    assert far(people[0].points[10:], one[10:]) < RADIUS_PX
    assert far(people[1].points, other) < RADIUS_PX
    detected = run(path, people=1)
    assert len(detected.people) == len(detected.depth_px) == 1
    assert any("the 1 most prominent kept" in note for note in detected.notes)


def test_uneven_pictures_are_moved_in_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    stamps = np.cumsum(rng.choice([25, 33, 40, 66], 80))
    stamps -= stamps[0]
    truth = walking(stamps / 1000)
    path = write_people(tmp_path / "phone.mkv", [truth], 30, stamps=stamps.tolist(), tick_s=Fraction(1, 1000))
    with open_footage(path) as footage:
        assert footage.is_variable
        fps = footage.fps
    (person,) = run(path).people
    assert person.fps == fps
    assert person.timestamps_s is None
    assert person.n_frames == round(stamps[-1] / 1000 * fps) + 1
    ends = person.times_s <= stamps[-1] / 1000
    assert far(person.points[ends], walking(person.times_s)[ends]) < 2 * SPOT_PX
    # As if they were even, the same points would be this far off.
    even_points = walking(np.arange(len(stamps)) / float(fps))[: person.n_frames]
    assert far(truth[: len(even_points)], even_points) > 8
    assert any("unevenly" in note for note in person.notes)


def test_every_nth_frame(tmp_path: Path) -> None:
    truth = walking(even(50))
    path = write_people(tmp_path / "walk.mkv", [truth])
    detector = SpotDetector()
    (person,) = people_in_footage(path, detector, every=4).people
    np.testing.assert_allclose(detector.times_s, [*(np.arange(13) * 4 / 30), 49 / 30], atol=1e-3)
    assert person.n_frames == 50
    assert far(person.points, truth) < 2 * SPOT_PX
    looked = np.zeros(50, dtype=bool)
    looked[::4] = looked[49] = True
    np.testing.assert_allclose(person.confidence[looked], 0.8)
    between = ~looked
    between[48:] = False
    np.testing.assert_allclose(person.confidence[between], 0.4)
    assert any("every 4th of 50" in note for note in person.notes)


def test_what_a_look_misses_is_not_made_up(tmp_path: Path) -> None:
    truth = walking(even(41))
    truth[20, 9] = np.nan  # the left wrist, in a picture that is looked at
    (person,) = run(write_people(tmp_path / "walk.mkv", [truth]), every=5).people
    hidden = ~person.observed[:, 9]
    assert np.flatnonzero(hidden).tolist() == list(range(16, 25))
    assert person.observed[:, 8].all()


def test_looks_too_far_apart_are_refused(tmp_path: Path) -> None:
    path = write_people(tmp_path / "walk.mkv", [walking(even(5))])
    with pytest.raises(InputError, match=r"--every 16.*at most 15"):
        run(path, every=16)
    for options in ({"every": 0}, {"people": 0}):
        with pytest.raises(InputError, match="expected 1"):
            run(path, **options)


def test_a_lost_frame_of_a_folder(tmp_path: Path) -> None:
    truth = walking(even(12, 25))
    folder = write_folder(tmp_path / "shots", [truth])  # 0.png to 11.png: 10 comes after 9
    (folder / "4.png").write_bytes(b"\x89PNG broken")
    (person,) = run(folder, fps=25).people
    assert person.n_frames == 12
    assert far(person.points, truth) < 2 * SPOT_PX
    np.testing.assert_allclose(person.confidence[4], 0.4)
    assert any("4.png" in note for note in person.notes)


def test_a_corrupt_video_keeps_what_comes_before_the_fault(tmp_path: Path) -> None:
    truth = walking(even(60))
    h264 = {"codec": "libx264rgb", "pixels": "rgb24", "options": {"crf": "0", "g": "20", "threads": "1"}}
    path = write_people(tmp_path / "walk.mp4", [truth], container_options={"movflags": "faststart"}, **h264)
    path.write_bytes(path.read_bytes()[: int(0.6 * path.stat().st_size)])
    (person,) = run(path).people
    assert 20 < person.n_frames < 60
    assert far(person.points, truth[: person.n_frames]) < SPOT_PX
    assert any("breaks off" in note for note in person.notes), person.notes


def test_nobody(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "empty.png")
    with pytest.raises(NoPersonError, match=r"empty\.png: nobody found in the picture by spots.*--detector"):
        run(tmp_path / "empty.png")
    path = write_people(tmp_path / "empty.mkv", [np.full((5, 17, 2), np.nan)])
    with pytest.raises(NoPersonError, match="in any of the 5 pictures"):
        run(path)


def test_depths_go_with_their_people(tmp_path: Path) -> None:
    times_s = even(20)
    one, other = walking(times_s, (60, 110), 70), walking(times_s, (260, 130), -30, height=130)
    path = write_people(tmp_path / "two.mkv", [one, other])
    detected = people_in_footage(path, SpotDetector(with_depth=True), every=3)
    for person, depth_px in zip(detected.people, detected.depth_px, strict=True):
        assert depth_px is not None
        np.testing.assert_allclose(depth_px, person.points[..., 0] / 10, atol=1e-9)
    assert run(path).depth_px == [None, None]


@pytest.mark.parametrize("mode", ["L", "RGBA", "LA", "P", "1"])
def test_pictures_of_any_kind(tmp_path: Path, mode: str) -> None:
    seen = []

    class Watcher(SpotDetector):
        def __call__(self, picture, time_s):
            seen.append((picture.shape, picture.dtype))
            return super().__call__(drawn([walking(even(1))[0]]), time_s)

    Image.new(mode, SIZE).save(tmp_path / "photo.png")
    (person,) = people_in_footage(tmp_path / "photo.png", Watcher()).people
    assert (person.n_frames, person.image_size) == (1, SIZE)
    assert seen == [((SIZE[1], SIZE[0], 3), np.uint8)]


def test_read_keypoints_reads_footage(tmp_path: Path) -> None:
    truth = walking(even(30))
    path = write_people(tmp_path / "walk.mkv", [truth])
    (person,) = mq.read_keypoints(path, detector=SpotDetector())
    assert far(person.points, truth) < SPOT_PX
    (sparse,) = mq.read_keypoints(path, detector=SpotDetector(), every=5)
    assert sparse.n_frames == 30
    with pytest.raises(InputError, match="--skeleton"):
        mq.read_keypoints(path, detector=SpotDetector(), skeleton="coco-17")
    with pytest.raises(InputError, match="--image-size"):
        mq.read_keypoints(path, detector=SpotDetector(), image_size=(1, 1))


def test_keypoints_beside_pictures_win(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "both", [walking(even(3))])
    frame = '{"people":[{"pose_keypoints_2d":' + str([10.0, 20.0, 0.9] * 25) + "}]}"
    for number in range(3):
        (folder / f"{number}_keypoints.json").write_text(frame)
    (person,) = mq.read_keypoints(folder)
    assert person.skeleton.name == "openpose-body-25"
    assert any("3 pictures were left alone" in note for note in person.notes)
    with pytest.raises(InputError, match="holds keypoints"):
        mq.read_keypoints(folder, detector="mediapipe")


def test_texts_beside_pictures_are_no_keypoints(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "shots", [walking(even(3))])
    (folder / "readme.txt").write_text("filmed on Sunday")
    (person,) = mq.read_keypoints(folder, detector=SpotDetector())
    assert person.n_frames == 3
