"""Samples: reproducible, finite, and consistent with the geometry that they were made by."""

import json

import numpy as np
import pytest

from maquette.datasets.mocap import Clip, clips_of_split, load_clips, positions_of
from maquette.datasets.samples import MotionLibrary, SampleSettings, make_batch
from maquette.datasets.views import film
from maquette.errors import InputError
from maquette.lifting.normalize import CHANNELS, LANDMARKS, normalise_windows
from maquette.skeletons import H36M_17


@pytest.fixture
def clips(motion) -> list[Clip]:
    actions = ("walk", "walk", "dance - jump", "dance - turn")
    return [
        Clip(f"1/{i}", "1", "train", action, "asf", motion[i].repeat(3, axis=0)) for i, action in enumerate(actions)
    ]


@pytest.mark.parametrize("frames", [1, 27])
def test_a_batch_is_a_function_of_seed_and_index(clips, frames):
    settings = SampleSettings(window_frames=frames)
    library = MotionLibrary(clips)
    first, again = (make_batch(library, settings, 64, 1, 5) for _ in range(2))
    np.testing.assert_array_equal(first.features, again.features)
    np.testing.assert_array_equal(first.targets_m, again.targets_m)
    assert first.features.shape == (64, frames, CHANNELS)
    for other in (make_batch(library, settings, 64, 1, 6), make_batch(library, settings, 64, 2, 5)):
        assert np.abs(other.targets_m - first.targets_m).max() > 0.1


def test_batches_are_finite_and_of_human_size(clips):
    library = MotionLibrary(clips)
    for index in range(5):
        batch = make_batch(library, SampleSettings(), 128, 3, index)
        assert np.isfinite(batch.features).all()
        assert np.abs(batch.features).max() <= 5
        reach = np.linalg.norm(batch.targets_m, axis=-1).max(axis=1)
        assert (reach > 0.6).all()
        assert (reach < 1.6).all()
        np.testing.assert_array_equal(batch.targets_m[:, 0], 0)


def test_chances_go_with_the_root_of_the_frames_of_an_action(clips):
    more = [*clips, *(Clip(f"2/{i}", "1", "train", "walk", "asf", clips[0].vectors) for i in range(6))]
    chances = MotionLibrary(more).chances
    walk = np.array([c.action == "walk" for c in more])
    assert chances.sum() == pytest.approx(1)
    assert chances[walk].sum() / chances[~walk].sum() == pytest.approx(np.sqrt(8 / 2))


def test_targets_project_onto_the_features(clips):
    """A pinhole camera at the origin, the root on its axis at an unknown depth: one number must explain all joints."""
    views = film(clips, 40, seed=1)
    seen = normalise_windows(views.points_px, views.observed, views.focal_px, views.centre_px)
    xy = seen.features[:, 13, : 2 * LANDMARKS].reshape(40, LANDMARKS, 2)[:, : len(H36M_17)] * seen.scale[:, None, None]
    joints = views.targets_m[:, : len(H36M_17)] @ seen.R_canonical_camera.transpose(0, 2, 1)
    # xy * (depth + z) = (x, y), solved for the depth by least squares.
    right = joints[..., :2] - xy * joints[..., 2:]
    depth = (xy * right).sum((1, 2)) / (xy * xy).sum((1, 2))
    assert (depth > 1.5).all()
    assert (depth < 8.5).all()
    assert np.abs(xy * depth[:, None, None] - right).max() < 2e-3, "metres"


def test_test_views_are_equal_but_for_the_errors(clips):
    exact, again, disturbed = film(clips, 60, seed=1), film(clips, 60, seed=1), film(clips, 60, seed=1, errors=True)
    np.testing.assert_array_equal(exact.points_px, again.points_px)
    np.testing.assert_array_equal(exact.targets_m, disturbed.targets_m)
    np.testing.assert_array_equal(exact.focal_px, disturbed.focal_px)
    inside = (exact.points_px[:, 13, :17] >= 0) & (exact.points_px[:, 13, :17] <= (1920, 1080))
    assert inside.all()
    both = exact.observed & disturbed.observed
    height_px = np.ptp(exact.points_px[:, 13, :17, 1], axis=1)
    off = np.linalg.norm(disturbed.points_px - exact.points_px, axis=-1) / height_px[:, None, None]
    assert 0.003 < np.median(off[both]) < 0.03
    assert disturbed.observed.sum() < exact.observed.sum()


def test_unknown_formats_and_no_clips_are_named(clips):
    with pytest.raises(InputError, match="unknown 2D format 'x'; there are: h36m-17"):
        film(clips, 4, seed=1, detector="x")
    with pytest.raises(InputError, match="no clips"):
        film([], 4, seed=1)


def test_stores_that_lack_something_are_named(tmp_path):
    with pytest.raises(InputError, match=r"expected index.json and one \*_landmarks.npz"):
        load_clips(tmp_path)
    (tmp_path / "index.json").write_text(json.dumps({"1/1": {}}))
    np.savez(tmp_path / "x_landmarks.npz", other=np.zeros(1))
    with pytest.raises(InputError, match=r"lacks 1 clips of index\.json, the first is '1/1'"):
        load_clips(tmp_path)
    with pytest.raises(InputError, match="no clip of split 'val'"):
        clips_of_split([], "val")


def test_the_open_store_is_read_as_it_is(shared_dir):
    clips = load_clips(shared_dir / "data" / "cmu", lambda entry: entry["subject"] in ("02", "94"))
    with np.load(shared_dir / "data" / "cmu" / "cmu17.npz") as store:
        for clip in clips:
            stored = store[clip.name]
            assert len(stored) - len(clip) in (0, 5), "first frames of rigs that jump out of a start pose are dropped"
            np.testing.assert_allclose(positions_of(clip.vectors)[:, :17], stored[len(stored) - len(clip) :], atol=1e-6)
    assert {c.split for c in clips} == {"test"}
