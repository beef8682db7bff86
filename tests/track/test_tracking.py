"""Who is who: people that cross, vanish and come back, against the identities that made the clip."""

import made_clips as made
import numpy as np
import pytest

from maquette.skeletons import COCO_17
from maquette.track import Detections, track_people

N = 90
FPS = 30.0


def shuffled(people: list[np.ndarray], seed: int = 0, noise_px: float = 1.0) -> tuple[Detections, np.ndarray]:
    """Detections of everybody in random order in each frame, and who each row really is; NaN rows are not seen."""
    rng = np.random.default_rng(seed)
    frame, rows, who = [], [], []
    for i in range(len(people[0])):
        for k in rng.permutation(len(people)):
            if not np.isnan(people[k][i]).all():
                frame.append(i)
                rows.append(people[k][i] + rng.normal(0, noise_px, people[k][i].shape))
                who.append(k)
    points = np.array(rows)
    confidence = np.isfinite(points[..., 0]).astype(float)
    none = np.full(len(frame), -1)
    return Detections(np.array(frame), points, confidence, none, len(people[0])), np.array(who)


def assert_pure(tracks, who: np.ndarray, n_people: int) -> None:
    """Each track is one person, the whole of them."""
    assert len(tracks) == n_people
    for track in tracks:
        truth = who[track.rows]
        assert (truth == truth[0]).all()
        assert len(track.rows) == (who == truth[0]).sum()


def walker(x: float, step: float, n: int = N, y: float = 380.0, height: float = 400.0) -> np.ndarray:
    return made.figure(COCO_17, n, start=(x, y), step=step, height_px=height)


def test_side_by_side() -> None:
    detections, who = shuffled([walker(300, 1), walker(700, 1), walker(1000, -1)])
    assert_pure(track_people(detections, FPS)[0], who, 3)


def test_crossing() -> None:
    for seed in range(5):
        detections, who = shuffled([walker(300, 6), walker(840, -6, y=400, height=380)], seed)
        assert_pure(track_people(detections, FPS)[0], who, 2)


def test_crossing_while_one_hides_the_other() -> None:
    front, behind = walker(300, 6), walker(840, -6, y=400, height=380)
    behind[38:53] = np.nan
    detections, who = shuffled([front, behind])
    assert_pure(track_people(detections, FPS)[0], who, 2)


def test_gap_of_a_second_is_bridged_beside_somebody_else() -> None:
    first, second = walker(300, 1), walker(700, 0)
    first[30:58] = np.nan
    detections, who = shuffled([first, second])
    assert_pure(track_people(detections, FPS)[0], who, 2)


def test_who_turns_over_while_unseen_is_the_same_beside_somebody_else() -> None:
    """A somersault: no joint is where its movement would have taken it, and the other person is there all the time."""
    first, second = walker(300, 1), walker(900, 0)
    first[40:45] = np.nan
    middle = np.nanmean(first[45:], axis=1, keepdims=True)
    first[45:] = 2 * middle - first[45:] + [140, 0]
    detections, who = shuffled([first, second])
    tracks, notes = track_people(detections, FPS)
    assert_pure(tracks, who, 2)
    assert any("taken to be back" in note for note in notes)


def test_who_comes_when_another_has_left_is_somebody_else() -> None:
    """The same, but out of reach."""
    first, second, third = walker(300, 0), walker(900, 0), walker(500, 0)
    first[40:], third[:45] = np.nan, np.nan
    detections, who = shuffled([first, second, third])
    assert_pure(track_people(detections, FPS)[0], who, 3)


def test_alone_and_away_for_long_is_the_same_person() -> None:
    person = walker(300, 0.5, n=900)
    person[100:800] = np.nan
    detections, who = shuffled([person])
    assert_pure(track_people(detections, FPS)[0], who, 1)


def test_alone_but_the_detector_jumps_to_somebody_else() -> None:
    man, walker_ = walker(300, 0.5, height=200), walker(1000, -1, y=500)
    man[40:60] = np.nan
    walker_[:40], walker_[60:] = np.nan, np.nan
    detections, who = shuffled([man, walker_])
    tracks, _ = track_people(detections, FPS)
    for track in tracks:
        assert (who[track.rows] == who[track.rows[0]]).all()
    assert len(tracks[0].rows) == 70 or len(tracks[0].rows) == 40


def test_most_prominent_comes_first() -> None:
    small, large, brief = walker(200, 0, height=120), walker(600, 0, height=500), walker(1000, 0, height=500)
    brief[20:] = np.nan
    detections, who = shuffled([small, large, brief])
    tracks, _ = track_people(detections, FPS)
    assert [int(who[track.rows[0]]) for track in tracks] == [1, 0, 2]
    assert [track.person_id for track in tracks] == [0, 1, 2]


def test_false_detections_are_left_out_with_a_note() -> None:
    person, ghost = walker(300, 0), walker(900, 0)
    ghost[:50], ghost[52:] = np.nan, np.nan
    detections, who = shuffled([person, ghost])
    tracks, notes = track_people(detections, FPS)
    assert len(tracks) == 1
    assert (who[tracks[0].rows] == 0).all()
    assert "left out" in notes[0]


def test_limb_taken_for_a_person_is_left_out() -> None:
    person, limb = walker(300, 0), np.full((N, 17, 2), np.nan)
    limb[30:50, 13:16] = person[30:50, 13:16] + [140, 0]
    detections, _ = shuffled([person, limb])
    tracks, notes = track_people(detections, FPS)
    assert len(tracks) == 1
    assert "parts of bodies" in notes[0]


@pytest.mark.parametrize("wrong_fps", [5.0, 30.0, 240.0])
def test_a_wrong_frame_rate_does_not_tear_tracks(wrong_fps: float) -> None:
    """A clip of every sixth frame that is thought to have 30 frames a second: people move a third of a body a frame."""
    detections, who = shuffled([walker(100, 100, n=12), walker(1300, -100, n=12, y=900)])
    assert_pure(track_people(detections, wrong_fps)[0], who, 2)


def test_half_the_joints_come_and_go() -> None:
    rng = np.random.default_rng(3)
    people = [walker(300, 2), walker(900, -2)]
    for person in people:
        person[rng.random((N, 17)) < 0.5] = np.nan
    detections, who = shuffled(people)
    assert_pure(track_people(detections, FPS)[0], who, 2)


def with_ids(detections: Detections, ids: np.ndarray) -> Detections:
    d = detections
    return Detections(d.frame, d.points, d.confidence, ids, d.n_frames)


def test_real_identities_of_the_file_are_used() -> None:
    first, second = walker(300, 6), walker(840, -6)
    second[20:80] = np.nan
    detections, who = shuffled([first, second])
    tracks, notes = track_people(with_ids(detections, 7 + 5 * who), FPS)
    assert_pure(tracks, who, 2)
    assert [track.person_id for track in tracks] == [7, 12]
    assert "own person numbers" in notes[0]


def test_identities_that_only_count_are_not_used() -> None:
    detections, who = shuffled([walker(300, 1), walker(900, -1)])
    positions = np.arange(len(who)) % 2
    for ids in (positions, np.zeros_like(who), np.full_like(who, -1)):
        tracks, _ = track_people(with_ids(detections, ids), FPS)
        assert_pure(tracks, who, 2)
        assert sorted(track.person_id for track in tracks) == [0, 1]


def test_many_people() -> None:
    people = [walker(120 * k, 0.5 * (-1) ** k, height=200, y=300 + 10 * k) for k in range(20)]
    detections, who = shuffled(people)
    assert_pure(track_people(detections, FPS)[0], who, 20)
