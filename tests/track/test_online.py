"""Who is who in a stream: against the identities that made the clips, and against the tracker of whole clips."""

from pathlib import Path

import numpy as np
import pytest
from test_dancers import film
from test_tracking import FPS, N, shuffled, walker

from maquette.errors import InputError
from maquette.track import Detections, track_people
from maquette.track.online import Followed, OnlineTracker


def play(
    detections: Detections, fps: float = FPS, capacity: int = 8, *, ids: np.ndarray | None = None, **options: float
) -> tuple[np.ndarray, list[Followed]]:
    """Person number of each row (-1 while nobody follows it), and what was said in each frame."""
    tracker = OnlineTracker(capacity, **options)
    numbers, said = np.full(len(detections.frame), -1), []
    for frame in range(detections.n_frames):
        rows = np.flatnonzero(detections.frame == frame)
        identities = None if ids is None else tuple(ids[rows].tolist())
        followed = tracker.push(detections.points[rows], detections.confidence[rows], frame / fps, identities)
        there = followed.rows >= 0
        numbers[rows[there]] = followed.persons[followed.rows[there]]
        assert len(set(followed.rows[there].tolist())) == there.sum()
        said.append(followed)
    check_consistent(said, capacity)
    return numbers, said


def check_consistent(said: list[Followed], capacity: int) -> None:
    """What enters and leaves tells exactly how the slots are taken."""
    persons = np.full(capacity, -1)
    for followed in said:
        for slot, number in followed.left:
            assert persons[slot] == number
            persons[slot] = -1
        for slot in followed.entered:
            assert persons[slot] == -1
            persons[slot] = followed.persons[slot]
            assert persons[slot] >= 0
        np.testing.assert_array_equal(persons, followed.persons)
        assert set(followed.rows.tolist()) <= {-1, *np.flatnonzero(persons >= 0).tolist()}


def assert_as_offline(detections: Detections, who: np.ndarray, fps: float = FPS, capacity: int = 8) -> None:
    """The groups of the offline tracker, without the first moments of each."""
    numbers, _ = play(detections, fps, capacity)
    groups = [set(track.rows.tolist()) for track in track_people(detections, fps)[0]]
    for number in np.unique(numbers[numbers >= 0]):
        rows = set(np.flatnonzero(numbers == number).tolist())
        assert len(np.unique(who[list(rows)])) == 1
        group = next(group for group in groups if rows & group)
        assert rows <= group
        assert len(group - rows) <= 4
    assert len(np.unique(numbers[numbers >= 0])) == len(groups)


def test_side_by_side_and_crossing_as_offline() -> None:
    assert_as_offline(*shuffled([walker(300, 1), walker(700, 1), walker(1000, -1)]))
    for seed in range(5):
        assert_as_offline(*shuffled([walker(300, 6), walker(840, -6, y=400, height=380)], seed))


def test_one_hides_the_other_as_offline() -> None:
    front, behind = walker(300, 6), walker(840, -6, y=400, height=380)
    behind[38:53] = np.nan
    assert_as_offline(*shuffled([front, behind]))


def test_gaps_as_offline() -> None:
    first, second = walker(300, 1), walker(700, 0)
    first[30:58] = np.nan
    assert_as_offline(*shuffled([first, second]))
    somersault, second = walker(300, 1), walker(900, 0)
    somersault[40:45] = np.nan
    middle = np.nanmean(somersault[45:], axis=1, keepdims=True)
    somersault[45:] = 2 * middle - somersault[45:] + [140, 0]
    assert_as_offline(*shuffled([somersault, second]))


def test_joints_come_and_go_as_offline() -> None:
    rng = np.random.default_rng(3)
    people = [walker(300, 2), walker(900, -2)]
    for person in people:
        person[rng.random((N, 17)) < 0.5] = np.nan
    assert_as_offline(*shuffled(people))


def test_many_people_as_offline() -> None:
    people = [walker(120 * k, 0.5 * (-1) ** k, height=200, y=300 + 10 * k) for k in range(20)]
    assert_as_offline(*shuffled(people), capacity=20)


@pytest.mark.parametrize("take", ["02", "07", "15"])
def test_dancers_as_offline(take: str, shared_dir: Path) -> None:
    path = shared_dir / "data" / "cmu" / "cmu17.npz"
    if not path.is_file():
        pytest.skip("the motion capture is not there")
    with np.load(path) as archive:
        couple = [archive[f"{subject}/{subject}_{take}"][::2].astype(float) for subject in (60, 61)]
    assert_as_offline(*film(couple, np.random.default_rng(int(take))), 25.0)


def test_a_slow_stream_learns_how_far_people_go() -> None:
    detections, who = shuffled([walker(100, 100, n=12), walker(1300, -100, n=12, y=900)])
    numbers, _ = play(detections, 30.0)
    for number in (0, 1):
        assert len(np.unique(who[numbers == number])) == 1
    assert (numbers[detections.frame >= 6] >= 0).all()


def test_who_comes_when_another_has_left_is_somebody_else() -> None:
    first, second, third = walker(300, 0), walker(900, 0), walker(500, 0)
    first[40:], third[:45] = np.nan, np.nan
    detections, who = shuffled([first, second, third])
    numbers, _ = play(detections)
    assert len({int(numbers[who == k].max()) for k in range(3)}) == 3


@pytest.mark.parametrize(("away_s", "same"), [(0.5, True), (2.0, True), (4.5, True), (5.5, False)])
def test_back_after_an_absence(away_s: float, same: bool) -> None:
    person = walker(300, 0.2, n=300)
    person[60 : 60 + round(away_s * FPS)] = np.nan
    detections, _ = shuffled([person])
    numbers, said = play(detections)
    first, last = numbers[detections.frame == 50][0], numbers[detections.frame == 299][0]
    assert first == 0
    assert last == (0 if same else 1)
    left = [(frame, followed.left) for frame, followed in enumerate(said) if followed.left]
    # Whoever comes back after more than a second has lost the slot, and enters again.
    assert left == ([] if away_s < 1 else [(90, ((0, 0),))])
    entered = [frame for frame, followed in enumerate(said) if followed.entered]
    assert len(entered) == (1 if away_s < 1 else 2)


def test_back_out_of_reach_or_of_another_size_is_somebody_else() -> None:
    for other in (walker(1500, 0, n=200), walker(300, 0, n=200, height=150)):
        person = walker(300, 0, n=200)
        person[60:], other[:105] = np.nan, np.nan
        detections, who = shuffled([person, other])
        numbers, _ = play(detections)
        assert numbers[who == 0].max() == 0
        assert numbers[who == 1].max() == 1


def test_lost_beside_somebody_is_not_surely_back() -> None:
    """Two overlap, one vanishes for longer than a gap: who steps out may be either."""
    stays, hidden = walker(500, 0, n=150), walker(540, 0, n=150)
    hidden[40:80] = np.nan
    detections, who = shuffled([stays, hidden])
    numbers, _ = play(detections)
    late = detections.frame > 100
    assert (numbers[late & (who == 0)] != numbers[late & (who == 1)]).all()
    assert numbers[late].max() == 2


def test_flashes_get_no_slot() -> None:
    for n_frames in (1, 2, 3):
        person, ghost = walker(300, 0), walker(900, 0)
        ghost[:50], ghost[50 + n_frames :] = np.nan, np.nan
        detections, who = shuffled([person, ghost])
        numbers, _ = play(detections)
        assert (numbers[who == 1] == -1).all()
    alone = walker(300, 0)
    alone[2:] = np.nan
    assert (play(shuffled([alone])[0])[0] == -1).all()


@pytest.mark.parametrize("fps", [10.0, 25.0, 30.0, 60.0, 120.0])
def test_somebody_alone_is_followed_after_a_tenth_of_a_second(fps: float) -> None:
    _, said = play(shuffled([walker(300, 0)])[0], fps)
    entered = next(frame for frame, followed in enumerate(said) if followed.entered) / fps
    assert 0.09 <= entered <= 0.1 + 1 / fps
    _, said = play(shuffled([walker(300, 0)])[0], fps, settle_s=0.0)
    assert said[0].entered == (0,)


def test_limbs_get_no_slot() -> None:
    person, limb = walker(300, 0), np.full((N, 17, 2), np.nan)
    limb[30:50, 13:16] = person[30:50, 13:16] + [140, 0]
    detections, who = shuffled([person, limb])
    assert (play(detections)[0][who == 1] == -1).all()


def test_the_most_prominent_are_followed_and_nobody_loses_his_slot() -> None:
    small, middle, late = walker(200, 0, height=120), walker(600, 0, height=300), walker(1000, 0, height=600)
    late[:30] = np.nan
    detections, who = shuffled([small, middle, late])
    numbers, _ = play(detections, capacity=1)
    assert np.unique(who[numbers >= 0]).tolist() == [1]
    assert (numbers[who == 1][4:] == 0).all()


def test_equal_people_do_not_take_turns() -> None:
    detections, who = shuffled([walker(200, 0), walker(700, 0), walker(1200, 0)], noise_px=8.0)
    numbers, said = play(detections, capacity=1)
    assert sum(len(followed.entered) for followed in said) == 1
    assert len(np.unique(who[numbers >= 0])) == 1


def test_hand_over_to_the_most_prominent_of_the_others() -> None:
    first, small, large = walker(300, 0, n=200), walker(800, 0, n=200, height=200), walker(1300, 0, n=200, height=380)
    first[60:] = np.nan
    detections, who = shuffled([first, small, large])
    numbers, said = play(detections, capacity=1)
    assert (numbers[(who == 0) & (detections.frame > 5)] == 0).all()
    moment = next(frame for frame, followed in enumerate(said) if followed.left)
    # Away since frame 59: longer than a second from frame 90 on.
    assert moment == 90
    assert said[moment].left == ((0, 0),)
    assert said[moment].entered == (0,)
    assert (numbers[(who == 2) & (detections.frame >= 90)] == 1).all()
    assert (numbers[who == 1] == -1).all()


def test_a_free_slot_is_taken_by_the_next() -> None:
    people = [walker(200 + 400 * k, 0) for k in range(3)]
    people[2][:40] = np.nan
    detections, who = shuffled(people)
    numbers, said = play(detections, capacity=4)
    assert [frame for frame, followed in enumerate(said) if followed.entered] == [3, 43]
    assert (numbers[(who == 2) & (detections.frame >= 43)] == 2).all()


def test_real_identities_are_used() -> None:
    first, second = walker(300, 6), walker(840, -6)
    second[20:80] = np.nan
    detections, who = shuffled([first, second])
    numbers, _ = play(detections, ids=7 + 5 * who)
    assert set(numbers[(who == 0) & (detections.frame > 5)].tolist()) == {7}
    assert set(numbers[(who == 1) & (detections.frame > 5) & (detections.frame < 20)].tolist()) == {12}
    assert set(numbers[(who == 1) & (detections.frame > 85)].tolist()) == {12}


def test_identities_that_count_repeat_or_are_missing_are_not_used() -> None:
    detections, who = shuffled([walker(300, 1), walker(900, -1)])
    positions = np.arange(len(who)) % 2
    for ids in (positions, np.zeros_like(who), np.full_like(who, -1)):
        numbers, _ = play(detections, ids=ids)
        for k in (0, 1):
            assert len(np.unique(numbers[(who == k) & (numbers >= 0)])) == 1


def test_an_identity_that_comes_back_too_late_gets_another_number() -> None:
    person = walker(300, 0, n=400)
    person[60:300] = np.nan
    detections, _ = shuffled([person])
    numbers, _ = play(detections, ids=np.full(len(detections.frame), 5))
    assert numbers[detections.frame == 59].tolist() == [5]
    assert numbers[detections.frame == 399].tolist() == [0]


def test_irregular_times_empty_frames_and_bodies_without_points() -> None:
    rng = np.random.default_rng(0)
    tracker, time_s = OnlineTracker(2), 100.0
    person = walker(300, 2)
    nobody = np.full((1, 17, 2), np.nan)
    for frame in range(N):
        time_s += rng.uniform(0.001, 0.1)
        if frame % 7 == 3:
            followed = tracker.push(np.zeros((0, 17, 2)), np.zeros((0, 17)), time_s, None)
            assert followed.rows.shape == (0,)
        else:
            points = np.concatenate([nobody, person[frame : frame + 1]])
            followed = tracker.push(points, np.isfinite(points[..., 0]) * 0.9, time_s, None)
            assert followed.rows.tolist() == ([-1, 0] if frame > 10 else [-1, int(followed.rows[1])])
    assert followed.persons.tolist() == [0, -1]


def test_noise_for_an_hour_keeps_little() -> None:
    """Flashes all over the picture, each frame other ones: nothing is kept of them, and nobody is followed."""
    rng = np.random.default_rng(1)
    tracker = OnlineTracker(4)
    for frame in range(600):
        points = rng.uniform(0, 60, (20, 17, 2)) + rng.uniform(0, 30_000, (20, 1, 2))
        tracker.push(points, np.full((20, 17), 0.5), frame / 30.0, None)
    assert len(tracker._people) <= 128


def test_what_cannot_be() -> None:
    with pytest.raises(InputError, match="at least 1"):
        OnlineTracker(0)
    with pytest.raises(InputError, match="absence"):
        OnlineTracker(1, max_gap_s=2.0, max_absence_s=1.0)
    tracker = OnlineTracker(1)
    one = np.zeros((1, 17, 2)), np.ones((1, 17))
    tracker.push(*one, 1.0)
    with pytest.raises(InputError, match="go on"):
        tracker.push(*one, 1.0)
    with pytest.raises(InputError, match="identities"):
        tracker.push(*one, 2.0, (1, 2))
