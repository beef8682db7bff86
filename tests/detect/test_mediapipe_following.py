"""Who is followed, waited for and dropped, by a landmarker that sees figures of one colour each; without MediaPipe."""

import numpy as np
import pytest

from maquette.detect import mediapipe_people
from maquette.detect.mediapipe_landmarker import Landmarker
from maquette.detect.mediapipe_people import MediaPipeDetector
from maquette.errors import InputError

SIZE = (640, 480)
_RNG = np.random.default_rng(1)
_FIGURE = _RNG.uniform(0, 1, (33, 2)) * [30, 90]


class ColourLandmarker(Landmarker):
    """Sees the boxes of each colour; when following, the one it saw last if it is near there, else the largest."""

    alive = 0

    def __init__(self, bundle, model_name, *, people=1, follow=False):
        self.people, self.follow = people, follow
        self.last: np.ndarray | None = None
        ColourLandmarker.alive += 1

    def look(self, picture, window, time_s):
        left, top, right, bottom = window
        part = picture[top:bottom, left:right]
        found = []
        for colour in np.unique(part[..., 0])[1:]:
            rows, columns = np.nonzero(part[..., 0] == colour)
            if len(rows) < 0.5 * 30 * 90:
                continue
            corner = np.array([columns.max() + 1 - 30 + left, rows.max() + 1 - 90 + top])
            found.append(np.concatenate([_FIGURE + corner, np.full((33, 1), colour / 255)], axis=1))
        if found and (last := self.last) is not None:
            found.sort(key=lambda pose: np.linalg.norm(pose[0, :2] - last[0, :2]))
        elif found:
            found.sort(key=lambda pose: -pose[0, 2])
        if self.follow:
            self.last = found[0] if found else None
        return np.array(found[: self.people]).reshape(-1, 33, 3)

    def close(self):
        ColourLandmarker.alive -= 1


@pytest.fixture(autouse=True)
def colours(monkeypatch):
    ColourLandmarker.alive = 0
    monkeypatch.setattr(mediapipe_people, "Landmarker", ColourLandmarker)


def drawn(*figures, size=SIZE):
    picture = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    for colour, x, y in figures:
        picture[max(y, 0) : y + 90, max(x, 0) : x + 30] = colour
    return picture


def colours_of(seen):
    return sorted(round(float(row[0]) * 255) for row in seen.confidence)


def test_two_people_who_pass_one_another():
    detector = MediaPipeDetector(b"", "made", people=2)
    for k in range(60):
        seen = detector(drawn((200, 50 + 8 * k, 100), (100, 550 - 8 * k, 300)), k / 30)
        assert colours_of(seen) == [100, 200]
        ours = seen.points[int(np.argmax(seen.confidence[:, 0]))]
        np.testing.assert_allclose(ours, _FIGURE + [50 + 8 * k, 100], atol=1e-9)


def test_one_place_stays_with_the_one_it_has():
    detector = MediaPipeDetector(b"", "made", people=1)
    assert colours_of(detector(drawn((100, 50, 100)), 0.0)) == [100]
    for k in range(1, 30):
        assert colours_of(detector(drawn((100, 50 + k, 100), (200, 300, 200)), k / 30)) == [100]
    assert ColourLandmarker.alive == 2


def test_somebody_new_is_seen_within_half_a_second():
    detector = MediaPipeDetector(b"", "made", people=3)
    seen = [detector(drawn((100, 50, 100), *([(200, 500, 300)] if k >= 10 else [])), k / 30) for k in range(30)]
    assert colours_of(seen[9]) == [100]
    assert colours_of(seen[10 + 15]) == [100, 200]


def test_hidden_for_a_moment_or_gone():
    detector = MediaPipeDetector(b"", "made", people=1)
    picture, empty = drawn((100, 50, 100)), drawn()
    assert colours_of(detector(picture, 0.0)) == [100]
    for k in range(1, 5):
        assert len(detector(empty, k / 30).points) == 0
    assert ColourLandmarker.alive == 2  # still waited for
    assert colours_of(detector(picture, 5 / 30)) == [100]
    for k in range(6, 20):
        detector(empty, k / 30)
    assert ColourLandmarker.alive == 1
    # Back again elsewhere.
    assert any(colours_of(detector(drawn((100, 400, 300)), k / 30)) for k in range(20, 36))


def test_a_neighbour_in_the_window_does_not_hide_somebody_new():
    """The largest in the window is another, already known."""
    detector = MediaPipeDetector(b"", "made", people=2)
    assert colours_of(detector(drawn((200, 300, 200), (100, 360, 210)), 0.0)) == [100, 200]


def test_single_pictures_have_nothing_to_do_with_each_other():
    detector = MediaPipeDetector(b"", "made", people=2, still=True)
    assert colours_of(detector(drawn((100, 50, 100), (200, 300, 200), (150, 500, 100)), 0.0)) == [150, 200]
    assert colours_of(detector(drawn((120, 500, 300)), 1.0)) == [120]
    seen = detector(drawn(), 2.0)
    assert seen.points.shape == (0, 33, 2)
    assert seen.confidence.shape == (0, 33)
    assert ColourLandmarker.alive == 1


def test_reset_and_close():
    detector = MediaPipeDetector(b"", "made", people=2)
    detector(drawn((100, 50, 100), (200, 300, 200)), 5.0)
    assert ColourLandmarker.alive == 3
    detector.reset()
    assert ColourLandmarker.alive == 1
    assert colours_of(detector(drawn((120, 500, 300), size=(700, 500)), 0.0)) == [120]
    detector.close()
    detector.close()
    assert ColourLandmarker.alive == 0
    assert colours_of(detector(drawn((120, 500, 300)), 0.0)) == [120]


def test_nobody_wanted():
    with pytest.raises(InputError, match="0 people to be detected; expected 1 or more"):
        MediaPipeDetector(b"", "made", people=0)
