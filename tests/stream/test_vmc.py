"""Bundles of the VMC protocol against its text (https://protocol.vmc.info/english) and against forward kinematics of
SciPy in Unity's axes."""

import numpy as np
import pytest
from made_humanoids import JOINT_OF_BONE, demo_humanoids, live_pose, pose_frame, t_pose
from pythonosc.osc_message import OscMessage
from pythonosc.osc_packet import OscPacket
from scipy.spatial.transform import Rotation

from maquette.rig.target_rig import HUMANOID_BONES
from maquette.stream.pose_frame import BONE_PARENTS, Humanoid
from maquette.stream.vmc import UNITY_BONES, Root, VmcEncoder, encode_status

# Unity 2018.4's HumanBodyBones without eyes, jaw and fingers.
HUMAN_BODY_BONES = """
Hips LeftUpperLeg RightUpperLeg LeftLowerLeg RightLowerLeg LeftFoot RightFoot Spine Chest Neck Head
LeftShoulder RightShoulder LeftUpperArm RightUpperArm LeftLowerArm RightLowerArm LeftHand RightHand LeftToes RightToes
UpperChest""".split()
PARENTS = {child[0].upper() + child[1:]: parent[0].upper() + parent[1:] for child, parent in BONE_PARENTS.items()}


def messages_of(packet: bytes | None) -> list[OscMessage]:
    assert packet is not None
    return [timed.message for timed in OscPacket(packet).messages]


def in_unity(messages: list[OscMessage]) -> dict[str, np.ndarray]:
    """Where the bones of a receiver are: local places and rotations, parent by parent, as Unity's transforms do it."""
    local = {m.params[0]: (np.array(m.params[1:4]), Rotation.from_quat(m.params[4:8])) for m in messages[2:]}
    places, rotations = {}, {}
    places["root"], rotations["root"] = local["root"]
    for bone in UNITY_BONES:
        parent = PARENTS.get(bone, "root")
        place, rotation = local[bone]
        places[bone] = places[parent] + rotations[parent].apply(place)
        rotations[bone] = rotations[parent] * rotation
    return places


def test_names_are_unitys() -> None:
    assert sorted(UNITY_BONES) == sorted(HUMAN_BODY_BONES)
    assert [bone.lower() for bone in UNITY_BONES] == [bone.lower() for bone in HUMANOID_BONES]


def test_addresses_types_and_order_are_the_protocols() -> None:
    frame = pose_frame(45, live_pose(0, t_pose()))
    messages = messages_of(VmcEncoder().encode(frame, t_pose()))
    addresses = [message.address for message in messages]
    assert addresses == ["/VMC/Ext/OK", "/VMC/Ext/T", "/VMC/Ext/Root/Pos", *["/VMC/Ext/Bone/Pos"] * 22]
    assert messages[0].params == [1, 3, 0, 1]
    assert [type(value) for value in messages[0].params] == [int] * 4
    assert messages[1].params == [1.5]
    assert messages[2].params == ["root", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    for message in messages[2:]:
        assert [type(value) for value in message.params] == [str, *[float] * 7]
    assert [message.params[0] for message in messages[3:]] == list(UNITY_BONES)


def test_type_tags_in_the_bytes() -> None:
    packet = VmcEncoder().encode(pose_frame(0), t_pose())
    assert packet is not None
    assert packet.count(b"/VMC/Ext/OK\0,iiii\0\0\0") == 1
    assert packet.count(b"/VMC/Ext/T\0\0,f\0\0") == 1
    assert packet.count(b"/VMC/Ext/Root/Pos\0\0\0,sfffffff\0\0\0root\0\0\0\0") == 1
    assert packet.count(b"/VMC/Ext/Bone/Pos\0\0\0,sfffffff\0\0\0") == 22
    assert len(packet) < 2048


@pytest.mark.parametrize("root", ["still", "hips"])
def test_forward_kinematics_in_unity_gives_the_mirrored_joints(root: Root) -> None:
    humanoids, joints = demo_humanoids()
    encoder = VmcEncoder(root)
    for index in range(0, len(humanoids), 7):
        places = in_unity(messages_of(encoder.encode(pose_frame(index), humanoids[index])))
        for bone, joint in JOINT_OF_BONE.items():
            x, y, z = joints[joint][index]
            name = bone[0].upper() + bone[1:]
            np.testing.assert_allclose(places[name], (-x, y, z), atol=2e-4, err_msg=f"{name} in frame {index}")
        for upper, lower in (
            ("UpperLeg", "LowerLeg"),
            ("LowerLeg", "Foot"),
            ("UpperArm", "LowerArm"),
            ("LowerArm", "Hand"),
        ):
            for side in ("Left", "Right"):
                seen = places[side + lower] - places[side + upper]
                a, b = (joints[JOINT_OF_BONE[side.lower() + part]][index] for part in (upper, lower))
                true = (b - a) * [-1, 1, 1]
                np.testing.assert_allclose(
                    seen / np.linalg.norm(seen),
                    true / np.linalg.norm(true),
                    atol=1e-4,
                    err_msg=f"{side}{upper} {index}",
                )


def test_a_t_pose_faces_forward_with_its_left_hand_to_the_left() -> None:
    places = in_unity(messages_of(VmcEncoder().encode(pose_frame(0), t_pose())))
    assert places["LeftHand"][0] < places["LeftUpperArm"][0] < places["RightUpperArm"][0] < places["RightHand"][0]
    assert places["LeftToes"][2] > places["LeftFoot"][2]
    np.testing.assert_allclose(places["Hips"], (-0.5, 0.9, -2.0), atol=1e-6)


def test_turns_are_those_of_unitys_left_hand() -> None:
    # Unity's Quaternion.AngleAxis(90, Vector3.up) is (0, 0.7071, 0, 0.7071) and turns +Z to +X: to the figure's right.
    humanoid = t_pose()
    turned = humanoid.rotations.copy()
    # In our axes, +Z to -X (a figure's right) is -90 degrees about +Y by the right hand.
    turned[0] = np.roll(Rotation.from_euler("y", -90, degrees=True).as_quat(), 1)
    # A nod, forward and down, is +90 degrees about the figure's left (+X), and about Unity's +X as well.
    turned[HUMANOID_BONES.index("head")] = np.roll(Rotation.from_euler("x", 90, degrees=True).as_quat(), 1)
    moved = Humanoid(turned, humanoid.offsets_m, humanoid.hips_m)
    by_name = {m.params[0]: m.params[4:] for m in messages_of(VmcEncoder().encode(pose_frame(0), moved))[2:]}
    np.testing.assert_allclose(by_name["Hips"], (0, np.sqrt(0.5), 0, np.sqrt(0.5)), atol=1e-6)
    np.testing.assert_allclose(by_name["Head"], (np.sqrt(0.5), 0, 0, np.sqrt(0.5)), atol=1e-6)


def test_the_root_follows_the_hips_where_asked() -> None:
    messages = messages_of(VmcEncoder("hips").encode(pose_frame(0), t_pose()))
    np.testing.assert_allclose(messages[2].params[1:4], (-0.5, 0.0, -2.0), atol=1e-6)
    np.testing.assert_allclose(messages[3].params[1:4], (0.0, 0.9, 0.0), atol=1e-6)


@pytest.mark.parametrize(
    ("state", "seen", "known", "ok"),
    [
        ("calibrating", False, False, [0, 1, 0, 0]),
        ("calibrating", True, True, [1, 2, 0, 1]),
        ("calibrating", False, True, [1, 1, 0, 0]),
        ("waiting", False, False, [0, 1, 0, 0]),
        ("live", True, True, [1, 3, 0, 1]),
        ("live", False, True, [1, 3, 0, 0]),
        ("live", False, False, [0, 3, 0, 0]),
    ],
)
def test_status_says_what_the_protocols_numbers_say(state: str, seen: bool, known: bool, ok: list[int]) -> None:
    frame = pose_frame(9, state=state)
    packet = VmcEncoder().encode(frame, t_pose()) if seen else encode_status(frame, known=known)
    messages = messages_of(packet)
    assert messages[0].params == ok
    assert messages[1].params == [pytest.approx(0.3)]
    assert len(messages) == (25 if seen else 2)


def test_what_is_not_finite_is_not_sent() -> None:
    humanoid = t_pose()
    rotations = humanoid.rotations.copy()
    rotations[3, 1] = np.nan
    assert VmcEncoder().encode(pose_frame(0), Humanoid(rotations, humanoid.offsets_m, humanoid.hips_m)) is None
