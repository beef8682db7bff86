"""VRM animations against the rules of VRMC_vrm_animation 1.0, and played as its specification says, with SciPy."""

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest
from made_body import made_motion  # pyright: ignore[reportMissingImports]
from other_gltf_reader import Loaded, other_axes  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.errors import OutputError
from maquette.exporters.vrma import animation_to_vrma
from maquette.motion import Motion
from maquette.rig import animate
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.choice import animated
from maquette.skeletons import H36M_17

# VRM 1.0, humanoid: bone -> (required, the bone it hangs on, which must be there).
SIDES = [side + bone for side in ("left", "right") for bone in (
    "UpperLeg", "LowerLeg", "Foot", "UpperArm", "LowerArm", "Hand")]  # fmt: skip
REQUIRED = {"hips", "spine", "head", *SIDES}
OPTIONAL = {"chest", "upperChest", "neck", "jaw", *(f"{s}{b}" for s in ("left", "right") for b in ("Toes", "Shoulder"))}
CHAINS = [
    ["hips", "spine", "chest", "upperChest", "neck", "head"],
    *[["hips", f"{s}UpperLeg", f"{s}LowerLeg", f"{s}Foot", f"{s}Toes"] for s in ("left", "right")],
    *[["spine", "chest", "upperChest", f"{s}Shoulder", f"{s}UpperArm", f"{s}LowerArm", f"{s}Hand"]
      for s in ("left", "right")],
]  # fmt: skip


def check_rules(data: bytes) -> dict[str, int]:
    """The rules of the specification; returns bone -> node."""
    file = Loaded(data)
    assert "VRMC_vrm_animation" in file.gltf.extensionsUsed
    extension: dict[str, Any] = file.gltf.extensions["VRMC_vrm_animation"]
    assert extension["specVersion"] == "1.0"
    nodes = {bone: entry["node"] for bone, entry in extension["humanoid"]["humanBones"].items()}
    assert set(nodes) >= REQUIRED
    assert set(nodes) <= REQUIRED | OPTIONAL
    assert len(set(nodes.values())) == len(nodes)
    assert "chest" in nodes or "upperChest" not in nodes
    for chain in CHAINS:
        present = [bone for bone in chain if bone in nodes]
        for upper, lower in itertools.pairwise(present):
            assert file.parent[nodes[lower]] == nodes[upper], (upper, lower)
    assert len(file.gltf.animations) == 1
    for channel in file.gltf.animations[0].channels:
        assert channel.target.node in nodes.values()
        assert channel.target.path == "rotation" or (
            channel.target.path == "translation" and channel.target.node == nodes["hips"]
        )
    # Its T-pose: upright on the ground, facing +Z, arms along X, legs down, hips above the origin.
    at = {bone: file.matrices(None)[node, :3, 3] for bone, node in nodes.items()}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for a, b, way in (("UpperArm", "LowerArm", [sign, 0, 0]), ("LowerArm", "Hand", [sign, 0, 0]),
                          ("UpperLeg", "LowerLeg", [0, -1, 0]), ("LowerLeg", "Foot", [0, -1, 0])):  # fmt: skip
            bone = at[side + b] - at[side + a]
            assert bone @ way / np.linalg.norm(bone) > 0.99999, (side, a)
        if f"{side}Toes" in at:
            assert (at[f"{side}Toes"] - at[f"{side}Foot"])[2] > 0.05
    assert at["head"][1] > at["hips"][1] > 0.5
    assert -1e-6 < min(place[1] for place in at.values()) < 0.2
    np.testing.assert_allclose(at["hips"][[0, 2]], 0.0, atol=1e-6)
    return nodes


def played(data: bytes, animation: RigAnimation, frame: int) -> dict[str, np.ndarray]:
    """Places of an avatar's bones: the animation on the rig as "how to transform human pose" of the specification has
    it, with W and L the avatar's world and local rotations at rest: local = L W^-1 normalized W."""
    file = Loaded(data)
    nodes = {b: e["node"] for b, e in file.gltf.extensions["VRMC_vrm_animation"]["humanoid"]["humanBones"].items()}
    local = {
        bone: Rotation.from_matrix(
            file.matrices(frame)[file.parent[node], :3, :3].T @ file.matrices(frame)[node, :3, :3]
            if node in file.parent
            else file.matrices(frame)[node, :3, :3]
        )
        for bone, node in nodes.items()
    }
    bone_of = {joint: bone for bone, joint in animation.roles.items()}
    rest = animation.rest_rotations if animation.rest_rotations is not None else np.eye(4)[[0] * len(animation.names)]
    places, turned, still = [], [], []
    for node, parent in enumerate(animation.parents):
        own = Rotation.from_quat(np.roll(rest[node], -1))
        world = own if parent < 0 else still[parent] * own
        still.append(world)
        bone = bone_of.get(animation.names[node])
        turn = own if bone is None else own * world.inv() * local[bone] * world
        turned.append(turn if parent < 0 else turned[parent] * turn)
        offset = animation.rest_offsets_m[node]
        places.append(file.matrices(frame)[nodes["hips"], :3, 3] if parent < 0 else
                      places[parent] + turned[parent].apply(offset))  # fmt: skip
    return {bone: places[animation.names.index(joint)] for bone, joint in animation.roles.items()}


@pytest.fixture(scope="module")
def motion() -> Motion:
    return made_motion(40, seed=8)


@pytest.mark.parametrize("rig", ["vrm", "maquette", "mixamo", "unreal", "smpl"])
def test_keeps_the_rules(motion: Motion, rig: str) -> None:
    check_rules(animation_to_vrma(animated(motion, rig=rig)))


def test_bones_that_are_not_there_are_left_out(motion: Motion) -> None:
    short = dataclasses.replace(motion, positions=motion.positions[:, :17], skeleton=H36M_17)
    nodes = check_rules(animation_to_vrma(animate(short)))
    assert "leftToes" not in nodes


@pytest.mark.parametrize("avatar", ["as it is", "axes of its own"])
def test_an_avatar_moves_as_the_rig(motion: Motion, avatar: str) -> None:
    source = animated(motion, rig="vrm", foot_lock=False)
    rig = source if avatar == "as it is" else other_axes(source)
    data = animation_to_vrma(rig)
    check_rules(data)
    for frame in (0, 17, 39):
        at = played(data, rig, frame)
        for bone, joint in (("leftLowerLeg", "l_knee"), ("rightFoot", "r_ankle"), ("leftHand", "l_wrist")):
            np.testing.assert_allclose(at[bone], motion.joint(joint)[frame], atol=2e-3, err_msg=bone)


def test_rests_in_the_t_pose_also_when_the_rig_does_not(motion: Motion) -> None:
    check_rules(animation_to_vrma(animated(motion, rig="mixamo", rest_pose="A")))


def test_what_is_missing_is_named(motion: Motion) -> None:
    animation = animate(motion)
    roles = {bone: joint for bone, joint in animation.roles.items() if bone not in ("spine", "leftHand")}
    with pytest.raises(OutputError, match="spine, leftHand"):
        animation_to_vrma(dataclasses.replace(animation, roles=roles))
