"""Time in the viewer, and where the meshes of a frame lie."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from maquette.motion import Motion
from maquette.skeletons import HALPE_136, LIFTED_21
from maquette.viewer.figures import figure_shape, place
from maquette.viewer.meshes import ball, cylinder
from maquette.viewer.playback import Playback, frame_at


def wander(n_frames: int = 30, **changes) -> Motion:
    rng = np.random.default_rng(0)
    positions = rng.uniform(-1, 1, (1, 21, 3)) + np.cumsum(rng.normal(0, 0.01, (n_frames, 21, 3)), axis=0)
    return replace(Motion(positions + [0, 1, 0], LIFTED_21, Fraction(25), "world"), **changes)


def test_time_passes_at_the_speed_asked_for() -> None:
    playback = Playback(duration_s=10.0, frame_s=0.04)
    playback.advance(1.5)
    assert playback.position_s == pytest.approx(1.5)
    playback.speed = 0.25
    playback.advance(2.0)
    assert playback.position_s == pytest.approx(2.0)
    playback.toggle()
    playback.advance(5.0)
    assert playback.position_s == pytest.approx(2.0)


def test_a_loop_starts_again_after_the_last_frame() -> None:
    playback = Playback(duration_s=0.96, frame_s=0.04)
    playback.advance(0.99)
    assert frame_at(np.arange(25) / 25, playback.position_s) == 24
    playback.advance(0.02)
    assert playback.position_s == pytest.approx(0.01)
    playback.advance(7.3)
    assert playback.position_s == pytest.approx(0.31)


def test_without_a_loop_the_last_frame_stays_and_play_starts_again() -> None:
    playback = Playback(duration_s=1.0, frame_s=0.1, loop=False)
    playback.advance(3.0)
    assert (playback.position_s, playback.playing) == (1.0, False)
    playback.toggle()
    assert (playback.position_s, playback.playing) == (0.0, True)


def test_seek_stays_in_the_clip() -> None:
    playback = Playback(duration_s=2.0, frame_s=0.1)
    for asked, got in ((-1.0, 0.0), (1.2, 1.2), (9.0, 2.0)):
        playback.seek(asked)
        assert playback.position_s == got


def test_every_frame_of_the_slider_is_that_frame() -> None:
    for fps in (25, 30, 30000 / 1001, 119.88):
        times_s = 3.7 + np.arange(5000) / fps
        assert [frame_at(times_s, k / fps) for k in range(5000)] == list(range(5000))


def test_irregular_times() -> None:
    times_s = np.array([0.0, 0.1, 0.5, 0.6])
    assert [frame_at(times_s, t) for t in (0.0, 0.05, 0.1, 0.3, 0.5, 0.59, 0.6, 99.0)] == [0, 0, 1, 1, 2, 2, 3, 3]


def test_bones_reach_from_joint_to_joint() -> None:
    motion = wander()
    shape = figure_shape(motion)
    for frame in (0, 17, 29):
        placed = place(shape, frame)
        for index, (parent, child) in enumerate(shape.bones):
            # As the page does: scale, turn (SciPy's rotations), move.
            turn = Rotation.from_quat(placed.bone_wxyzs[index], scalar_first=True)
            end = turn.apply(placed.bone_scales[index] * [0, 1, 0]) + placed.bone_positions[index]
            np.testing.assert_allclose(placed.bone_positions[index], motion.positions[frame, parent], atol=1e-12)
            np.testing.assert_allclose(end, motion.positions[frame, child], atol=1e-12)


@pytest.mark.parametrize("direction", [[0, 1, 0], [0, -1, 0], [1, 0, 0], [0, 0, -1], [1e-9, -1, 0]])
def test_bones_in_awkward_directions(direction: list[float]) -> None:
    positions = np.zeros((1, 21, 3))
    positions[0, 1] = direction
    placed = place(figure_shape(Motion(positions, LIFTED_21, Fraction(25), "world")), 0)
    end = Rotation.from_quat(placed.bone_wxyzs[0], scalar_first=True).apply(placed.bone_scales[0] * [0, 1, 0])
    np.testing.assert_allclose(end, direction, atol=1e-6)
    assert np.isfinite(placed.bone_wxyzs).all()
    assert placed.bone_scales[1, 1] == pytest.approx(np.linalg.norm(direction))


def test_unknown_joints_have_no_size() -> None:
    motion = wander()
    positions = motion.positions.copy()
    positions[3, LIFTED_21.index("l_elbow")] = np.nan
    positions[4] = np.inf
    shape = figure_shape(replace(motion, positions=positions))
    placed = place(shape, 3)
    gone = [i for i, bone in enumerate(shape.bones) if LIFTED_21.index("l_elbow") in bone]
    assert (placed.bone_scales[gone] == 0).all()
    assert (np.delete(placed.bone_scales, gone, axis=0)[:, 1] > 0).all()
    assert placed.joint_scales[LIFTED_21.index("l_elbow")] == 0
    assert place(shape, 4).bone_scales.max() == 0


def test_the_camera_frame_is_turned_upright_and_stands_on_the_ground() -> None:
    motion = wander()
    camera = replace(motion, positions=motion.positions * [1, -1, -1] + [0, 0, 4], frame="camera")
    heights = np.array([place(figure_shape(camera), f).joint_positions[:, 1] for f in range(30)])
    assert heights.min() == pytest.approx(0)
    np.testing.assert_allclose(heights - heights[0, 0], motion.positions[..., 1] - motion.positions[0, 0, 1])


def test_fingers_are_thin() -> None:
    positions = np.cumsum(np.full((1, 136, 3), 0.01), axis=1)
    shape = figure_shape(Motion(positions, HALPE_136, Fraction(25), "world"))
    assert shape.bone_radii_m.min() < 0.3 * shape.bone_radii_m.max()


@pytest.mark.parametrize("mesh", [cylinder(), ball()])
def test_faces_look_outwards(mesh) -> None:
    vertices, faces = mesh
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    whole = np.linalg.norm(normal, axis=-1) > 1e-9
    outwards = (a + b + c)[whole] / 3 * [1, 0, 1] if vertices[:, 1].min() == 0 else (a + b + c)[whole]
    assert (np.einsum("ij,ij->i", normal[whole], outwards) > 0).all()
