"""Session times: exact for stamps and numbers, without drift for arrivals, and never backwards, whatever senders do."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from maquette.live.clock import MIN_STEP_S, StreamClock
from maquette.skeletons import COCO_17
from maquette.stream.keypoint_frame import KeypointFrame

_NOBODY = (np.empty((0, 17, 2)), np.empty((0, 17)))


def frame(arrived_s: float, time_s: float | None = None, number: int | None = None) -> KeypointFrame:
    return KeypointFrame(*_NOBODY, COCO_17, float(arrived_s), time_s=time_s, number=number)


def times(clock: StreamClock, frames: list[KeypointFrame]) -> np.ndarray:
    return np.array([clock.time_of(f) for f in frames])


@settings(max_examples=60, deadline=None)
@given(
    st.floats(5, 240),
    st.floats(-1e9, 2e9),
    st.lists(st.floats(0, 1.5), min_size=30, max_size=30),
    st.sampled_from(["stamp", "number"]),
)
def test_stamps_and_numbers_give_exact_times_whatever_the_jitter(
    fps: float, zero_s: float, jitter_s: list[float], evidence: str
) -> None:
    n = 100
    stamps = zero_s + np.arange(n) / fps
    arrived = np.maximum.accumulate(np.arange(n) / fps + np.resize(jitter_s, n)) + np.arange(n) * 1e-6
    if evidence == "stamp":
        got = times(StreamClock(), [frame(a, time_s=float(s)) for a, s in zip(arrived, stamps, strict=True)])
        np.testing.assert_array_equal(got, stamps - stamps[0])
    else:
        got = times(StreamClock(fps), [frame(a, number=7 + i) for i, a in enumerate(arrived)])
        np.testing.assert_array_equal(got, np.arange(n) / fps)


@pytest.mark.parametrize("fps", [15, 29.97, 60, 144])
@pytest.mark.parametrize("evidence", ["stamp", "number", "arrival"])
def test_an_hour_does_not_drift(fps: float, evidence: str) -> None:
    """Against the true time of each frame; the network delays by 0 to 20 ms, and loses most of them."""
    rng = np.random.default_rng(1)
    numbers = np.concatenate([[0], np.sort(rng.choice(int(3600 * fps), 4000, replace=False)) + 1])
    true_s = numbers / fps
    arrived = 1000.0 + np.maximum.accumulate(true_s + rng.uniform(0, 0.02, len(true_s)))
    clock = StreamClock(fps if evidence == "number" else None)
    worst = 0.0
    for i, number in enumerate(numbers):
        stamp = float(5e8 + true_s[i]) if evidence == "stamp" else None
        got = clock.time_of(frame(arrived[i], time_s=stamp, number=int(number)))
        worst = max(worst, abs(got - true_s[i]))
    assert clock.jumps == 0
    assert worst < (0.025 if evidence == "arrival" else 1e-6)


def test_a_stall_and_the_burst_after_it_are_no_jump() -> None:
    """The network holds back 6 s of frames, then gives them at once; only some are kept."""
    stamps = np.arange(0, 20, 1 / 30)
    held = (stamps > 5) & (stamps < 11)
    arrived = np.where(held, 11.0 + stamps * 1e-4, stamps + 0.01)
    kept = ~held | (stamps > 10.9) | (np.arange(len(stamps)) == 151)
    clock = StreamClock()
    got = times(clock, [frame(a, time_s=float(s)) for a, s in zip(arrived[kept], stamps[kept], strict=True)])
    np.testing.assert_array_equal(got, stamps[kept])
    assert clock.jumps == 0


@pytest.mark.parametrize("jump_s", [-3600.0, -0.5, 3.0, 1e6])
def test_a_clock_that_jumps_is_placed_by_arrival_and_said(jump_s: float) -> None:
    true_s = np.arange(300) / 30
    stamps = 100 + true_s + np.where(true_s > 5, jump_s, 0.0)
    clock = StreamClock()
    got = times(clock, [frame(50 + t, time_s=float(s)) for t, s in zip(true_s, stamps, strict=True)])
    np.testing.assert_allclose(got, true_s, atol=1e-6)
    assert clock.jumps == 1
    (note,) = clock.take_notes()
    assert ("went back" if jump_s < 0 else "jumped ahead") in note
    assert clock.take_notes() == ()


@pytest.mark.parametrize("unit", ["whole seconds", "milliseconds", "all the same"])
def test_stamps_that_make_no_sense_are_given_up(unit: str) -> None:
    true_s = np.arange(600) / 30
    stamps = {"whole seconds": np.floor(true_s), "milliseconds": true_s * 1e3, "all the same": 0 * true_s}[unit]
    clock = StreamClock()
    got = times(clock, [frame(t, time_s=float(s)) for t, s in zip(true_s, stamps, strict=True)])
    # What came before they were given up may be off by what the stamps said.
    step = np.diff(got)
    np.testing.assert_allclose(step[120:], 1 / 30, atol=2 * MIN_STEP_S)
    assert clock.evidence == "arrival"
    assert "not believed any more" in clock.take_notes()[-1]


@pytest.mark.parametrize(("pace", "is_said"), [(30.0, True), (1 / 30, True), (1.0, False), (4.0, False), (0.5, False)])
def test_stamps_that_run_at_another_pace_are_believed_and_said(pace: float, is_said: bool) -> None:
    """Numbers of frames where seconds are expected; a recording that is sent four times as fast is none of that."""
    true_s = np.arange(300) / 30
    clock = StreamClock()
    got = times(clock, [frame(50 + t, time_s=float(pace * t)) for t in true_s])
    np.testing.assert_allclose(got, pace * true_s, atol=1e-9)
    notes = clock.take_notes()
    assert len(notes) == is_said
    assert all("seconds are expected" in note for note in notes)


def test_numbers_that_begin_again_go_on() -> None:
    true_s = np.arange(200) / 50
    clock = StreamClock(50)
    got = times(clock, [frame(t, number=i % 100) for i, t in enumerate(true_s)])
    np.testing.assert_allclose(got, true_s, atol=1e-9)
    assert clock.jumps == 1


def test_a_gap_in_numbers_is_a_gap_in_time() -> None:
    clock = StreamClock(30)
    assert times(clock, [frame(0, number=0), frame(0.2, number=1), frame(0.21, number=31)])[-1] == 31 / 30


def test_recordings_may_run_at_any_pace() -> None:
    """A pause of an hour in the stamps, and all of it within a millisecond."""
    stamps = [0.0, 0.5, 3600.0, 3600.5]
    clock = StreamClock(trust=True)
    assert times(clock, [frame(1e-4 * i, time_s=s) for i, s in enumerate(stamps)]).tolist() == stamps
    assert clock.jumps == 0


def test_a_sender_that_stops_giving_stamps_goes_on_by_arrival() -> None:
    clock = StreamClock()
    frames = [frame(9.0, time_s=5.0), frame(9.1, time_s=5.1), frame(9.2), frame(9.3), frame(9.4, time_s=5.4)]
    np.testing.assert_allclose(times(clock, frames), [0, 0.1, 0.2, 0.3, 0.4])


_STAMPS = st.none() | st.floats(-1e12, 1e12) | st.sampled_from([0.0, 1.0, 1.0 + 1e-12])
_STEPS = st.tuples(st.floats(0, 10), _STAMPS, st.none() | st.integers(0, 1 << 52))


@settings(max_examples=100, deadline=None)
@example(steps=[(0.0, -(2.0**34), None), (0.0, 0.0, None), (0.0, 0.0, None)], fps=None, trust=True)
@given(st.lists(_STEPS, min_size=2, max_size=80), st.none() | st.floats(1, 240), st.booleans())
def test_time_never_stands_still_or_goes_back(
    steps: list[tuple[float, float | None, int | None]], fps: float | None, trust: bool
) -> None:
    clock, arrived_s, last = StreamClock(fps, trust=trust), 0.0, -1.0
    for step_s, stamp, number in steps:
        arrived_s += step_s
        now = clock.time_of(frame(arrived_s, time_s=stamp, number=number))
        assert np.isfinite(now)
        assert now > last
        last = now
    assert len(clock.take_notes()) <= 8
