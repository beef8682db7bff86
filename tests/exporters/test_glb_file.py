"""GLB files through pygltflib, SciPy and trimesh: nodes and skin end up where the motion is."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import trimesh
from made_body import body_motion, made_motion, posed_parts  # pyright: ignore[reportMissingImports]
from other_gltf_reader import Loaded, other_axes  # pyright: ignore[reportMissingImports]

from maquette.errors import OutputError
from maquette.exporters.bvh import write_bvh
from maquette.exporters.glb import animation_to_glb, write_glb
from maquette.motion import Motion
from maquette.readers.motion import read_motion
from maquette.rig import animate
from maquette.rig.choice import animated
from maquette.skeletons import H36M_17, LIFTED_21

WHERE = {
    "hip": "Hips", "spine": "Spine", "thorax": "Neck", "nose": "Head", "head": "Head_end", "l_hip": "LeftUpLeg",
    "l_knee": "LeftLeg", "l_ankle": "LeftFoot", "l_toe": "LeftToeBase", "l_heel": "LeftHeel_end",
    "r_wrist": "RightHand", "r_elbow": "RightForeArm", "r_shoulder": "RightArm", "r_heel": "RightHeel_end",
}  # fmt: skip


@pytest.fixture(scope="module")
def motion() -> Motion:
    return made_motion(60, seed=8)


@pytest.fixture(scope="module")
def loaded(motion: Motion) -> Loaded:
    return Loaded(animation_to_glb(animate(motion), name="walk"))


def test_nodes_are_where_the_joints_are(motion: Motion, loaded: Loaded) -> None:
    names = [node.name for node in loaded.gltf.nodes]
    for frame in range(0, 60, 7):
        places = loaded.matrices(frame)[:, :3, 3]
        for joint, name in WHERE.items():
            np.testing.assert_allclose(places[names.index(name)], motion.joint(joint)[frame], atol=1e-5, err_msg=joint)


def test_times_and_interpolation(motion: Motion, loaded: Loaded) -> None:
    animation = loaded.gltf.animations[0]
    assert {sampler.interpolation for sampler in animation.samplers} == {"LINEAR"}
    (time,) = {sampler.input for sampler in animation.samplers}
    np.testing.assert_allclose(loaded.array(time)[:, 0], np.arange(60) / 50, atol=1e-6)
    assert loaded.gltf.accessors[time].max == [pytest.approx(59 / 50)]
    for channel in animation.channels:
        if channel.target.path == "rotation":
            values = loaded.array(animation.samplers[channel.sampler].output)
            np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1.0, atol=1e-6)
            assert (np.sum(values[1:] * values[:-1], axis=1) > 0).all()


def test_skin_at_rest_is_the_mesh_in_a_t_pose(loaded: Loaded) -> None:
    points = loaded.array(loaded.gltf.meshes[0].primitives[0].attributes.POSITION)
    np.testing.assert_allclose(loaded.skinned(None), points, atol=1e-6)
    low, high = points.min(axis=0), points.max(axis=0)
    assert -0.03 < low[1] < 0.01
    assert 1.55 < high[1] < 1.75
    assert high[0] > 0.75
    np.testing.assert_allclose(low[0], -high[0], atol=1e-3)


def test_skin_follows_the_bones() -> None:
    parts = posed_parts(30, 2)
    loaded = Loaded(animation_to_glb(animate(body_motion(parts))))
    attributes = loaded.gltf.meshes[0].primitives[0].attributes
    names = [node.name for node in loaded.gltf.nodes]
    rest, weights, joints = (loaded.array(i) for i in (attributes.POSITION, attributes.WEIGHTS_0, attributes.JOINTS_0))
    rest_places = loaded.matrices(None)[:, :3, 3]
    for frame in (0, 17):
        posed, places = loaded.skinned(frame), loaded.matrices(frame)[:, :3, 3]
        for name, part in (("LeftForeArm", "l_forearm"), ("RightUpLeg", "r_thigh"), ("RightLeg", "r_shin")):
            node = names.index(name)
            mine = (joints[:, 0] == node) & (weights[:, 0] > 0.999)
            assert mine.sum() > 100
            expected = places[node] + parts[part][frame].apply(rest[mine] - rest_places[node])
            np.testing.assert_allclose(posed[mine], expected, atol=1e-4, err_msg=name)


def test_trimesh_reads_closed_surfaces_with_normals_outwards(tmp_path: Path, motion: Motion) -> None:
    write_glb(animate(motion), tmp_path / "walk.glb")
    scene = trimesh.load(tmp_path / "walk.glb")
    assert isinstance(scene, trimesh.Scene)
    assert len(scene.geometry) == 3
    total = 0.0
    for mesh in scene.geometry.values():
        for part in mesh.split(only_watertight=False):
            assert part.is_watertight
            assert part.is_winding_consistent
            assert part.volume > 0
            total += part.volume
    # A person of 1.65 m has about 60 litres.
    assert 0.03 < total < 0.09


def test_normals_are_unit_and_point_outwards(loaded: Loaded) -> None:
    primitive = loaded.gltf.meshes[0].primitives[0]
    points, normals = (loaded.array(i) for i in (primitive.attributes.POSITION, primitive.attributes.NORMAL))
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-5)
    for primitive in loaded.gltf.meshes[0].primitives:
        triangles = loaded.array(primitive.indices).reshape(-1, 3)
        a, b, c = (points[triangles[:, i]] for i in range(3))
        face = np.cross(b - a, c - a)
        assert (np.sum(face * normals[triangles[:, 0]], axis=1) > -1e-9).mean() > 0.99


def test_extras_tell_what_the_file_is(motion: Motion, loaded: Loaded) -> None:
    extras = loaded.gltf.asset.extras
    assert extras["fps"] == "50"
    assert extras["frames"] == 60
    assert extras["scale_source"] == "made"
    assert loaded.gltf.scenes[0].name == "walk"


@pytest.mark.parametrize(
    ("file", "joints"),
    [
        ("cmu_daz_bvh/11_01", ("lHand", "rFoot", "head")),
        ("cmu_cgspeed_bvh/12_01_walk", ("LeftHand", "RightFoot", "Head")),
        ("cmu_iclone_bvh/006_03", ("CC_Base_L_Hand", "CC_Base_R_Foot", "CC_Base_Head")),
    ],
)
def test_rigs_of_files_move_and_get_a_body(shared_dir: Path, file: str, joints: tuple[str, ...]) -> None:
    motion = read_motion(shared_dir / "data" / "raw" / f"{file}.bvh")
    loaded = Loaded(animation_to_glb(animate(motion)))
    names = [node.name for node in loaded.gltf.nodes]
    places = loaded.matrices(200)[:, :3, 3]
    for joint in joints:
        np.testing.assert_allclose(places[names.index(joint)], motion.joint(joint)[200], atol=2e-5)
    assert {material.name for material in loaded.gltf.materials} == {"left", "right", "middle"}


def test_our_rig_comes_back_from_bvh_with_its_body(tmp_path: Path, motion: Motion, loaded: Loaded) -> None:
    write_bvh(animate(motion), tmp_path / "a.bvh")
    again = Loaded(animation_to_glb(animate(read_motion(tmp_path / "a.bvh"))))
    points = [file.array(file.gltf.meshes[0].primitives[0].attributes.POSITION) for file in (loaded, again)]
    np.testing.assert_allclose(points[1], points[0], atol=1e-4)


def test_frames_keep_their_own_times(motion: Motion) -> None:
    times_s = 5.0 + np.cumsum(np.random.default_rng(0).uniform(0.01, 0.05, motion.n_frames))
    loaded = Loaded(animation_to_glb(animate(dataclasses.replace(motion, timestamps_s=times_s))))
    keys = loaded.array(loaded.gltf.animations[0].samplers[0].input)[:, 0]
    np.testing.assert_allclose(keys, times_s - times_s[0], atol=1e-6)


@pytest.mark.parametrize("joints", [17, 21])
def test_each_vertex_names_a_joint_once(motion: Motion, joints: int) -> None:
    skeleton = {17: H36M_17, 21: LIFTED_21}[joints]
    short = dataclasses.replace(motion, positions=motion.positions[:, :joints], skeleton=skeleton)
    loaded = Loaded(animation_to_glb(animate(short)))
    attributes = loaded.gltf.meshes[0].primitives[0].attributes
    weights, nodes = loaded.array(attributes.WEIGHTS_0), loaded.array(attributes.JOINTS_0)
    # As glTF asks: no joint twice with weight, and 0 where there is no weight.
    both = (weights[:, 0] > 0) & (weights[:, 1] > 0)
    assert both.any()
    assert (nodes[both, 0] != nodes[both, 1]).all()
    assert (nodes[weights == 0] == 0).all()


def test_one_frame() -> None:
    loaded = Loaded(animation_to_glb(animate(made_motion(1))))
    assert loaded.gltf.accessors[loaded.gltf.animations[0].samplers[0].input].count == 1


@pytest.mark.parametrize("rig", ["mixamo", "vrm", "unreal", "smpl"])
def test_every_rig_wears_the_same_body(motion: Motion, loaded: Loaded, rig: str) -> None:
    file = Loaded(animation_to_glb(animated(motion, rig=rig, foot_lock=False)))
    triangles = [file.array(primitive.indices) for primitive in file.gltf.meshes[0].primitives]
    names = [material.name for material in file.gltf.materials]
    limbs = np.unique(np.concatenate([triangles[names.index(side)] for side in ("left", "right")]))
    for frame in (0, 31):
        apart = np.linalg.norm(file.skinned(frame) - loaded.skinned(frame), axis=1)
        assert np.median(apart[limbs]) < 0.01
        # The trunk has more joints, or joints elsewhere.
        assert np.quantile(apart, 0.95) < 0.05


def test_rest_rotations_change_nothing_that_is_seen(motion: Motion, loaded: Loaded) -> None:
    turned = Loaded(animation_to_glb(other_axes(animate(motion))))
    points = turned.array(turned.gltf.meshes[0].primitives[0].attributes.POSITION)
    np.testing.assert_allclose(turned.skinned(None), points, atol=1e-5)
    np.testing.assert_allclose(turned.matrices(None)[:, :3, 3], loaded.matrices(None)[:, :3, 3], atol=1e-6)
    for frame in (0, 23, 59):
        np.testing.assert_allclose(turned.matrices(frame)[:, :3, 3], loaded.matrices(frame)[:, :3, 3], atol=1e-5)
        np.testing.assert_allclose(turned.skinned(frame), loaded.skinned(frame), atol=2e-5)


def test_names_are_unique_and_any_text(motion: Motion) -> None:
    animation = animate(motion)
    names = ("Body", "骨", "骨", "", "骨_2", *(f'"\\ \udc80{i}' for i in range(len(animation.names) - 5)))
    file = Loaded(animation_to_glb(dataclasses.replace(animation, names=names, roles={}), name="\udcff"))
    assert len(set(file.names)) == len(file.names)
    assert {"Body", "Body_2", "骨", "骨_2", "骨_3", "joint"} <= set(file.names)


def test_times_that_32_bits_cannot_tell_apart_are_refused(motion: Motion) -> None:
    times_s = np.concatenate(([0.0], 1e6 + 0.001 * np.arange(motion.n_frames - 1)))
    with pytest.raises(OutputError, match="32 bits"):
        animation_to_glb(dataclasses.replace(animate(motion), times_s=times_s))
