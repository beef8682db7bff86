"""Clips as one camera sees them: true projections, errors of the promised size, nothing that depends on order."""

import numpy as np
import pytest

from maquette.datasets.filmed_clips import film_clips
from maquette.datasets.mocap import Clip
from maquette.datasets.views import jitter_of_landmarks
from maquette.errors import InputError
from maquette.refine.motion_trajectory import fit_translation
from maquette.skeletons import H36M_17, LANDMARKS_27

SEEN = LANDMARKS_27.indices(H36M_17.joints)


@pytest.fixture
def clips(motion) -> list[Clip]:
    return [Clip(f"1/{i}", "1", "val", "walk", "asf", motion[i].repeat(3, axis=0)) for i in range(3)]


def test_exact_keypoints_are_the_truth_seen_by_the_camera(clips):
    filmed = list(film_clips(clips, seed=1))
    assert [clip.name for clip in filmed] == ["1/0", "1/1", "1/2"]
    for clip in filmed:
        np.testing.assert_allclose(clip.truth_m[:, 0], 0, atol=1e-12)
        points = clip.keypoints.points[:, SEEN]
        rays = clip.camera.pixels_to_normalized(points)
        pose = clip.truth_m[:, : len(SEEN)]
        # Where the body stands is not told: some place must explain all joints at once.
        place = fit_translation(pose, rays, np.isfinite(rays).all(-1).astype(float))
        again = clip.camera.project(pose + place.translation_m[:, None])
        seen = np.isfinite(points).all(-1)
        np.testing.assert_allclose(again[seen], points[seen], atol=0.05)
        assert seen.mean() > 0.9


def test_errors_have_the_size_that_is_said(clips):
    long = [Clip(c.name, c.subject, c.split, c.action, c.rig, np.repeat(c.vectors[:1], 400, axis=0)) for c in clips]
    exact, wrong = (list(film_clips(long, seed=5, errors=errors)) for errors in (False, True))
    away, missing = [], []
    for a, b in zip(exact, wrong, strict=True):
        np.testing.assert_array_equal(a.truth_m, b.truth_m)
        person_px = (
            1.7
            * a.camera.focal_px[0]
            / (
                fit_translation(
                    a.truth_m[:, : len(SEEN)],
                    a.camera.pixels_to_normalized(a.keypoints.points[:, SEEN]),
                    a.keypoints.confidence[:, SEEN],
                ).translation_m[:, 2]
            )
        )
        away.append((b.keypoints.points - a.keypoints.points)[:, SEEN] / person_px[:, None, None])
        missing.append(~b.keypoints.observed[:, SEEN])
    spread = np.nanmedian(np.abs(np.concatenate(away)), axis=(0, 2)) / 0.6745
    # Jitter and as much drift; the drift of three clips is not many draws.
    np.testing.assert_allclose(spread, np.sqrt(2) * jitter_of_landmarks()[SEEN], rtol=0.35)
    assert 0.02 < np.concatenate(missing).mean() < 0.15


def test_a_clip_is_filmed_alike_whatever_comes_before_it(clips):
    all_of_them = list(film_clips(clips, seed=2, errors=True))
    again = list(film_clips(clips, seed=2, errors=True))
    for first, second in zip(all_of_them, again, strict=True):
        np.testing.assert_array_equal(first.keypoints.points, second.keypoints.points)
    shorter = next(iter(film_clips(clips[:1], seed=2, errors=True)))
    np.testing.assert_array_equal(shorter.keypoints.points, all_of_them[0].keypoints.points)


def test_what_cannot_be_filmed_is_refused_or_left_out(clips):
    with pytest.raises(InputError, match="unknown 2D format 'x'"):
        list(film_clips(clips, seed=1, detector="x"))
    with pytest.raises(InputError, match="no clips to film"):
        list(film_clips([], seed=1))
    away = clips[0].vectors.copy()
    away[:, 0, 0] += np.linspace(0, 300, len(away))
    far = Clip("1/far", "1", "val", "run", "asf", away)
    assert [clip.name for clip in film_clips([far, clips[1]], seed=1)] == ["1/1"]
