"""Views, the path that they follow, the space that they give, and the layout."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from drawn_clips import camera_before, film, standing, walk

from maquette.motion import Motion
from maquette.render.figure import Box
from maquette.render.layout import arrange
from maquette.render.look import bone_sides, drawn_bones, joint_sides
from maquette.render.stage import stage
from maquette.render.views import followed_path, scene_positions, standard_views, view_axes
from maquette.skeletons import COCO_17, HALPE_136, LIFTED_21, SKELETONS


def turning(n_frames: int = 200) -> Motion:
    """Walks in a circle of 3 m, arms spread."""
    body = standing()
    body[LIFTED_21.indices(("l_wrist", "r_wrist"))] = [[0.8, 1.4, 0], [-0.8, 1.4, 0]]
    angles = np.linspace(0, 2 * np.pi, n_frames)
    out = np.empty((n_frames, 21, 3))
    for k, a in enumerate(angles):
        turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
        out[k] = body @ turn.T + [3 * np.sin(a), 0, 3 * np.cos(a)]
    return Motion(out, LIFTED_21, Fraction(25), "world")


def in_camera_frame(motion: Motion) -> Motion:
    return replace(motion, positions=camera_before(motion).world_to_camera(motion.positions), frame="camera")


@pytest.mark.parametrize("azimuth", [-3.0, 0.0, 1.1])
@pytest.mark.parametrize("elevation", [-0.5, 0.0, 0.8])
def test_axes_are_a_rotation_with_up_upwards(azimuth: float, elevation: float) -> None:
    axes = view_axes(azimuth, elevation)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)
    assert axes[0, 1] == 0
    assert axes[1, 1] > 0


def test_front_looks_into_the_face() -> None:
    motion = turning(1)
    front, side, _ = standard_views(motion)
    np.testing.assert_allclose(front.R_view_scene[2], [0, 0, 1], atol=1e-9)
    np.testing.assert_allclose(side.R_view_scene[2], [-1, 0, 0], atol=1e-9)
    assert (front.title, side.title) == ("front", "side")


def test_front_is_the_cameras_side_when_it_is_known() -> None:
    motion = turning(1)
    camera = replace(camera_before(motion), R_camera_world=np.array([[0, 0, 1], [0, -1, 0], [1, 0, 0]], dtype=float))
    front, _, _ = standard_views(replace(motion, camera=camera))
    np.testing.assert_allclose(front.R_view_scene[2], [-1, 0, 0], atol=1e-9)
    assert front.title == "from the camera"


def test_a_steady_walk_is_followed_exactly_from_the_first_frame_to_the_last() -> None:
    n = 80
    body = np.repeat(standing()[None], n, axis=0) + np.arange(n)[:, None, None] * [0.03, 0, 0.05]
    path = followed_path(Motion(body, LIFTED_21, Fraction(25), "world"))
    np.testing.assert_allclose(path - path[0], np.arange(n)[:, None] * [0.03, 0, 0.05], atol=1e-9)


def test_views_rest_when_the_person_stays() -> None:
    path = followed_path(walk(50, speed_m_s=0.1))
    assert (path == path[0]).all()


def test_the_path_bridges_frames_without_anybody() -> None:
    motion = turning()
    positions = motion.positions.copy()
    positions[:5] = positions[60:80] = positions[-3:] = np.nan
    path = followed_path(replace(motion, positions=positions))
    assert np.isfinite(path).all()
    assert np.linalg.norm(path[100:150] - followed_path(motion)[100:150], axis=-1).max() < 0.3


@pytest.mark.parametrize("size", [(960, 540), (320, 180), (400, 700), (1920, 1080)])
@pytest.mark.parametrize("make", [turning, walk, lambda: in_camera_frame(turning())])
@pytest.mark.parametrize("with_keypoints", [True, False])
def test_the_person_never_leaves_the_panels(size: tuple[int, int], make, with_keypoints: bool) -> None:
    motion = make()
    clip = stage(film(walk(motion.n_frames)) if with_keypoints else None, motion, size=size)
    assert len(clip.view_panels) >= 2
    for panel in clip.view_panels:
        left, top, right, bottom = panel.box
        relative = scene_positions(motion) - panel.followed[:, None]
        x, y, _ = np.moveaxis(panel.to_px(relative.reshape(-1, 3)), -1, 0)
        assert (x >= left).all()
        assert (x < right).all()
        assert (y >= top).all()
        assert (y < bottom).all()
        tall = (np.nanmax(y) - np.nanmin(y)) / (bottom - top)
        wide = (np.nanmax(x) - np.nanmin(x)) / (right - left)
        assert max(tall, wide) > 0.5, "and fills them"


def test_one_wild_frame_does_not_make_the_person_a_dot() -> None:
    motion = turning()
    positions = motion.positions.copy()
    positions[7, 13] = [400, 900, -300]
    wild, tame = (stage(None, m).view_panels[0].px_per_m for m in (replace(motion, positions=positions), motion))
    assert wild > 0.8 * tame


@pytest.mark.parametrize("size", [(960, 540), (540, 960), (160, 90), (3840, 2160), (1000, 300)])
@pytest.mark.parametrize("aspect", [None, 16 / 9, 4 / 3, 1.0, 9 / 16, 5.0])
@pytest.mark.parametrize("stacked", [True, False])
def test_panels_do_not_overlap(size: tuple[int, int], aspect: float | None, stacked: bool) -> None:
    layout = arrange(size, picture_aspect=aspect, has_motion=True, stacked=stacked, unit_px=max(10.0, size[1] / 34))
    boxes: list[Box] = [b for b in (layout.keypoints, layout.front, layout.side, layout.oblique) if b is not None]
    assert (layout.keypoints is None) == (aspect is None)
    used = np.zeros((size[1], size[0]), dtype=int)
    for left, top, right, bottom in [*boxes, layout.footer]:
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]
        used[top:bottom, left:right] += 1
    assert used.max() == 1
    assert used.mean() > 0.8


@pytest.mark.parametrize("name", sorted(SKELETONS))
def test_every_skeleton_has_sides_that_mirror(name: str) -> None:
    skeleton = SKELETONS[name]
    bones = drawn_bones(skeleton)
    sides = joint_sides(skeleton)
    for left, right in zip(skeleton.left, skeleton.right, strict=True):
        assert (sides[left], sides[right]) == ("left", "right")
    drawn = bone_sides(skeleton, bones)
    assert drawn.count("left") == drawn.count("right")


def test_hips_are_joined_only_where_nothing_joins_them() -> None:
    assert (COCO_17.index("r_hip"), COCO_17.index("l_hip")) in drawn_bones(COCO_17)
    assert len(drawn_bones(LIFTED_21)) == len(LIFTED_21.bones)


def test_the_contour_of_a_face_is_dots() -> None:
    assert len(HALPE_136.bones) - len(drawn_bones(HALPE_136)) == 68
