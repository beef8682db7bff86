"""Repair of tracks while they come in: what is put in is taken back at once, what is there stays."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loaded_benchmarks import benchmark_module
from walking_keypoints import HEIGHT_PX, changed, lost, swapped, walker

from maquette.datasets.mocap import load_clips
from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.refine.causal_keypoints import KeypointRepairStream
from maquette.refine.causal_scale import HeightStream
from maquette.refine.keypoints_outliers import drop_implausible
from maquette.refine.keypoints_scale import body_height_px
from maquette.skeletons import BODY_25, COCO_17, MPII_16

LEGS = ("knee", "ankle", "heel", "big_toe", "small_toe")
ALL = ("hip", *LEGS, "elbow", "wrist", "shoulder", "eye", "ear")
ONE = np.array([0])


def stream_of(track: Keypoints, capacity: int = 1, **options: bool) -> KeypointRepairStream:
    options = {"gaps": False} | options
    return KeypointRepairStream(track.skeleton, capacity, image_size=track.image_size, **options)


def repaired(track: Keypoints, stream: KeypointRepairStream | None = None, row: int = 0) -> Keypoints:
    """The track, sent through a stream frame by frame."""
    stream = stream or stream_of(track)
    points, confidence = track.points.copy(), track.confidence.copy()
    for frame, time_s in enumerate(track.times_s.tolist()):
        here = slice(frame, frame + 1)
        points[here], confidence[here] = stream(np.array([row]), track.points[here], track.confidence[here], time_s)
    return track.with_notes(points=points, confidence=confidence)


def wrong_frames(got: Keypoints, right: Keypoints, heights: float = 0.05) -> list[int]:
    """Frames in which a point is seen elsewhere than it is."""
    with np.errstate(invalid="ignore"):
        off = np.linalg.norm(got.points - right.points, axis=-1) > heights * HEIGHT_PX
    return np.flatnonzero(np.any(off, axis=1)).tolist()


@pytest.mark.parametrize("fps", [10, 30, 60])
def test_a_clean_walk_stays_as_it_is(fps: int) -> None:
    clean = walker(5 * fps, fps, noise_heights=0.006)
    stream = stream_of(clean)
    after = repaired(clean, stream)
    np.testing.assert_array_equal(after.points, clean.points)
    np.testing.assert_array_equal(after.confidence, clean.confidence)
    assert not stream.counts


def test_height_as_offline() -> None:
    clean = walker(300)
    grow = np.linspace(1, 2, 300)
    for track in (clean, clean.with_notes(points=clean.points * grow[:, None, None])):
        heights = HeightStream(BODY_25, 1)
        found = [
            float(heights(ONE, track.points[k : k + 1], float(time_s))[0]) for k, time_s in enumerate(track.times_s)
        ]
        np.testing.assert_allclose(found, body_height_px(track), rtol=0.12)


def test_height_without_any_bone_is_that_of_the_points() -> None:
    heights = HeightStream(BODY_25, 2)
    points = np.full((1, 25, 2), np.nan)
    assert np.isnan(heights(ONE, points, 0.0)[0])
    points[0, BODY_25.indices(["nose", "l_ankle"])] = [[100.0, 100.0], [120.0, 500.0]]
    assert heights(ONE, points, 0.1)[0] == 400.0
    walking = walker(2)
    # As soon as a bone is whole, it counts and not the reach.
    assert heights(ONE, walking.points[:1], 0.2)[0] == pytest.approx(body_height_px(walking)[0], rel=0.1)
    heights.reset(0)
    assert np.isnan(heights(ONE, np.full((1, 25, 2), np.nan), 0.3)[0])


def test_implausible_points_as_offline() -> None:
    clean = walker(60)
    bad = changed(clean, slice(10, 12), ["l_wrist"], (0.0, -1500.0))
    bad = changed(bad, slice(20, 21), ["nose"], (1.5 * HEIGHT_PX, 0.0))
    confidence = bad.confidence.copy()
    confidence[30, BODY_25.index("r_knee")] = 0.04
    bad = bad.with_notes(confidence=confidence)
    stream = stream_of(bad)
    after = repaired(bad, stream)
    np.testing.assert_array_equal(after.points, drop_implausible(bad).points)
    assert stream.counts == {"outside": 2, "far": 1, "unsure": 1}


@pytest.mark.parametrize("length", [1, 8, 40])
@pytest.mark.parametrize("parts", [ALL, ("hip", *LEGS), LEGS, ("shoulder", "elbow", "wrist"), ("elbow", "wrist")])
def test_exchanges_are_taken_back_in_the_frame_they_come(parts: tuple[str, ...], length: int) -> None:
    # Arms and legs are apart where it begins and where it ends; where they cross nothing could be told.
    clean = walker(120)
    bad = swapped(clean, slice(37, 37 + length), parts)
    after = repaired(bad)
    assert wrong_frames(after, clean) == []
    assert wrong_frames(bad, clean)[0] == 37


def test_the_only_side_that_is_seen_gets_the_other_name() -> None:
    clean = lost(walker(100), slice(0, 100), ["l_shoulder", "l_elbow", "l_wrist"])
    after = repaired(swapped(clean, slice(52, 60), ("shoulder", "elbow", "wrist")))
    np.testing.assert_array_equal(after.observed, clean.observed)


def test_a_stream_whose_labels_are_all_on_the_other_side_stays_as_it_is() -> None:
    mirrored = swapped(walker(200), slice(None), ALL)
    np.testing.assert_array_equal(repaired(mirrored).points, mirrored.points)


def test_a_wrong_first_second_is_forgotten() -> None:
    """Who begins with exchanged labels is taken as he comes; when they are right again, he is soon taken so, too."""
    clean = walker(200)
    after = repaired(swapped(clean, slice(0, 30), ("hip", *LEGS)))
    assert not [frame for frame in wrong_frames(after, clean) if frame > 90]


@settings(max_examples=15, deadline=None)
@given(st.integers(10, 55), st.sampled_from(BODY_25.joints), st.floats(0.3, 0.6), st.floats(0, 6.28))
def test_single_spikes_are_dropped_and_nothing_else(start: int, joint: str, size_heights: float, angle: float) -> None:
    offset = size_heights * HEIGHT_PX * np.array([np.cos(angle), np.sin(angle)])
    clean = walker(60)
    spiked = changed(clean, slice(start, start + 1), [joint], (float(offset[0]), float(offset[1])))
    stream = stream_of(clean, swaps=False)
    after = repaired(spiked, stream)
    assert np.argwhere(~after.observed).tolist() == [[start, BODY_25.index(joint)]]
    assert stream.counts == {"spike": 1}


@pytest.mark.parametrize("fps", [15, 30, 60])
def test_who_stays_elsewhere_is_soon_believed(fps: int) -> None:
    clean = walker(3 * fps, fps)
    moved = changed(clean, slice(fps, None), ["l_wrist"], (0.0, -0.3 * HEIGHT_PX))
    after = repaired(moved, stream_of(clean, swaps=False))
    missing = np.flatnonzero(~after.observed[:, BODY_25.index("l_wrist")])
    assert missing.tolist() == list(range(fps, fps + len(missing)))
    assert 0 < len(missing) <= max(2, round(0.1 * fps))
    assert after.observed.sum() == clean.observed.sum() - len(missing)


def test_a_cut_is_no_spike() -> None:
    clean = walker(90)
    cut = changed(clean, slice(45, None), list(BODY_25.joints), (0.8 * HEIGHT_PX, 50.0))
    np.testing.assert_array_equal(repaired(cut).observed, clean.observed)


def test_fast_strokes_are_no_spikes() -> None:
    """A wrist that goes to and fro over 0.4 body heights three times a second."""
    for fps in (30, 60):
        clean = walker(5 * fps, fps)
        points = clean.points.copy()
        points[:, BODY_25.index("l_wrist"), 0] += 0.2 * HEIGHT_PX * np.sin(2 * np.pi * 3 * clean.times_s)
        stroke = clean.with_notes(points=points)
        np.testing.assert_array_equal(repaired(stroke, stream_of(clean, swaps=False)).observed, clean.observed)


def test_people_do_not_mix() -> None:
    """Four at once, in any rows, with one who comes later and one who goes: as each alone."""
    tracks = [swapped(walker(100, seed=k), slice(20 * k, 20 * k + 9), LEGS) for k in range(4)]
    tracks[1] = changed(tracks[1], slice(50, 51), ["nose"], (150.0, 0.0))
    alone = [repaired(track) for track in tracks[:3]]
    stream = stream_of(tracks[0], 6)
    rows = np.array([0, 2, 3, 5])
    for frame, time_s in enumerate(tracks[0].times_s.tolist()):
        present = np.array([k for k in range(4) if (k != 3 or frame > 40) and (k != 2 or frame < 70)])
        points = np.stack([tracks[k].points[frame] for k in present])
        confidence = np.stack([tracks[k].confidence[frame] for k in present])
        given_points = points.copy()
        found, sure = stream(rows[present], points, confidence, time_s)
        np.testing.assert_array_equal(points, given_points)
        for place, k in enumerate(present.tolist()):
            if k < 3:
                np.testing.assert_array_equal(found[place], alone[k].points[frame])
                np.testing.assert_array_equal(sure[place], alone[k].confidence[frame])


def test_after_a_reset_a_row_is_as_new() -> None:
    track = swapped(walker(60), slice(20, 30), LEGS)
    stream = stream_of(track)
    first = repaired(track, stream)
    stream.reset(0)
    later = track.with_notes(timestamps_s=track.times_s + 10.0)
    second = repaired(later, stream)
    np.testing.assert_array_equal(first.points, second.points)


def test_gaps_pauses_and_nobody() -> None:
    rng = np.random.default_rng(0)
    clean = walker(200)
    confidence = np.where(rng.random(clean.confidence.shape) < 0.3, 0.0, clean.confidence)
    confidence[100:140] = 0.0
    holes = clean.with_notes(confidence=confidence, image_size=None)
    stream = stream_of(holes)
    time_s = 0.0
    for frame in range(200):
        time_s += float(rng.uniform(0.02, 0.05))
        if frame % 11 == 4:
            points, sure = stream(np.zeros(0, dtype=int), np.zeros((0, 25, 2)), np.zeros((0, 25)), time_s)
            assert points.shape == (0, 25, 2)
            continue
        points, sure = stream(ONE, holes.points[frame][None], holes.confidence[frame][None], time_s)
        assert (np.isfinite(points[..., 0]) == (sure > 0)).all()
        assert not (np.isfinite(points[0, :, 0]) & ~holes.observed[frame]).any()
    assert sum(stream.counts.values()) <= 5


def test_other_skeletons_and_parameters() -> None:
    clean = walker(30)
    for skeleton in (MPII_16, COCO_17):
        # What MPII calls otherwise stands where the nose is.
        known = [BODY_25.index(joint if joint in BODY_25 else "nose") for joint in skeleton.joints]
        stream = KeypointRepairStream(skeleton, 1)
        for frame, time_s in enumerate(clean.times_s.tolist()):
            points, _ = stream(ONE, clean.points[frame : frame + 1, known], clean.confidence[:1, known], time_s)
            np.testing.assert_array_equal(points[0], clean.points[frame, known])
    with pytest.raises(InputError, match="capacity"):
        KeypointRepairStream(COCO_17, 0)
    with pytest.raises(InputError, match="min_confidence"):
        KeypointRepairStream(COCO_17, 1, min_confidence=1.5)


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    return benchmark_module("causal_repair")


def test_four_of_five_bursts_from_all_sides(shared_dir: Path, benchmark) -> None:
    clips = [clip for clip in load_clips(shared_dir / "data" / "cmu") if clip.split == "val"][::6]
    counts, rng = benchmark.no_counts(), np.random.default_rng(3)
    for track in benchmark.mocap_tracks(clips, BODY_25, seed=11):
        benchmark.try_swaps("mocap", track, rng, 9, counts, names=("causal",))
        benchmark.try_spikes("mocap", track, rng, 9, counts, names=("causal",))
    found = benchmark.tables(counts)
    row = found["exchanges of left and right"]["all: causal"]
    assert row["recall"] >= 0.85
    assert row["precision"] >= 0.93
    assert found["frames changed wrongly"]["mocap: causal"]["wrongly"] <= 0.003
    assert found["spikes"]["all: causal"]["recall"] >= 0.8
    assert found["points dropped wrongly"]["mocap: causal"]["wrongly"] <= 0.0005
