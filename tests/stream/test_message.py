"""JSON messages: what readers get is what was in the frame, small, finite, and as the schema and the page say."""

import gc
import json
import re
import weakref
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from made_poses import pose_frame, pose_of_clip
from scipy.spatial.transform import Rotation

from maquette.rig.target_rig import HUMANOID_BONES
from maquette.skeletons import LIFTED_21
from maquette.stream import message as messages
from maquette.stream.pose_frame import BONE_PARENTS, PoseFrame

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs" / "reference" / "live-messages.md"


def parsed(encoded: bytes) -> dict:
    """As another program reads it: no constants that JSON does not know."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(encoded, parse_constant=refuse)


def test_a_pose_is_told_by_name() -> None:
    frame = pose_frame(40, people=2)
    encoded = messages.pose_messages(frame, frame.arrived_s + 0.0034)
    assert len(encoded) == 2
    for pose, told in zip(frame.poses, map(parsed, encoded), strict=True):
        assert (told["v"], told["type"], told["frame"], told["person"]) == (1, "pose", 40, pose.person)
        assert told["t"] == pytest.approx(40 / 30, abs=1e-6)
        assert told["latency_ms"] == pytest.approx(3.4, abs=0.01)
        assert list(told["joints"]) == list(LIFTED_21.joints)
        np.testing.assert_allclose(list(told["joints"].values()), pose.positions_m, atol=0.51e-5)
        assert told["root"] == told["joints"]["hip"]
        np.testing.assert_allclose(list(told["conf"].values()), pose.confidence, atol=0.51e-3)
        assert list(told["bones"]) == list(HUMANOID_BONES)
        np.testing.assert_allclose(list(told["bones"].values()), pose.humanoid.rotations, atol=0.51e-5)
        names = ("l_heel", "l_toe", "r_heel", "r_toe")
        assert told["contacts"] == dict(zip(names, pose.contacts.tolist(), strict=True))
        assert told["hips_height"] == pytest.approx(pose.humanoid.offsets_m[0, 1], abs=1e-4)


def test_small_lines_without_a_break() -> None:
    for number in range(0, 300, 23):
        (line,) = messages.pose_messages(pose_frame(number), 0.0)
        assert len(line) < 2700
        assert b"\n" not in line
        assert re.search(rb"-?\d+\.\d{7,}", line) is None


def test_rounding_does_not_carry_through_a_chain() -> None:
    """Places that a reader makes of the rotations it gets, against those of the rotations that were sent."""
    frame = pose_frame(130)
    (line,) = messages.pose_messages(frame, 0.0)
    told, humanoid = parsed(line), frame.poses[0].humanoid
    hello = parsed(messages.hello_message())
    sent = _places(list(humanoid.rotations), hello["bone_parents"], humanoid.offsets_m)
    read = _places([told["bones"][bone] for bone in hello["bones"]], hello["bone_parents"], humanoid.offsets_m)
    np.testing.assert_allclose(read, sent, atol=5e-5)


def _places(rotations: list, parents: list[int], offsets_m: np.ndarray) -> np.ndarray:
    places, turns = [], []
    for rotation, parent, offset in zip(rotations, parents, offsets_m, strict=True):
        own = Rotation.from_quat(rotation, scalar_first=True)
        places.append(offset if parent < 0 else places[parent] + turns[parent].apply(offset))
        turns.append(own if parent < 0 else turns[parent] * own)
    return np.array(places)


def test_unknown_is_null_and_minus_nought_is_nought() -> None:
    pose = pose_of_clip(0, 0)
    positions = pose.positions_m.copy()
    positions[3, 1], positions[5], positions[6] = np.nan, np.inf, [-1e-9, 0.0, -0.0]
    rotations = pose.humanoid.rotations.copy()
    rotations[2] = np.nan
    confidence = np.full(21, np.nan)
    offsets = np.full((22, 3), np.nan)
    odd = replace(
        pose,
        positions_m=positions,
        confidence=confidence,
        humanoid=replace(pose.humanoid, rotations=rotations, offsets_m=offsets),
    )
    (line,) = messages.pose_messages(PoseFrame(0, 0.0, 0.0, (odd,)), 0.0)
    told = parsed(line)
    joints = list(told["joints"].values())
    assert joints[3] is joints[5] is told["bones"]["chest"] is told["hips_height"] is None
    assert joints[6] == [0.0, 0.0, 0.0]
    assert b"-0.0," not in line
    assert set(told["conf"].values()) == {0.0}


def test_clock_that_is_behind_makes_no_negative_latency() -> None:
    frame = pose_frame(0)
    assert parsed(messages.pose_messages(frame, frame.arrived_s - 5)[0])["latency_ms"] == 0


def test_who_left_is_told_after_the_poses() -> None:
    frame = pose_frame(9, gone=(3, 5))
    told = [parsed(line) for line in messages.frame_messages(frame, frame.arrived_s)]
    assert [(m["type"], m["person"]) for m in told] == [("pose", 0), ("gone", 3), ("gone", 5)]
    assert told[1] == {"type": "gone", "v": 1, "frame": 9, "t": 0.3, "person": 3}


def test_encoded_once_and_forgotten_with_the_frame() -> None:
    frame = pose_frame(2)
    first = messages.frame_messages(frame, frame.arrived_s)
    assert messages.frame_messages(frame, frame.arrived_s + 1) is first
    gone = weakref.ref(frame)
    del frame
    gc.collect()
    assert gone() is None
    assert not len(messages._encoded)


def test_hello_tells_the_skeletons() -> None:
    told = parsed(messages.hello_message())
    assert (told["type"], told["units"], told["up"], told["handedness"]) == ("hello", "m", "+y", "right")
    assert told["program"].startswith("maquette ")
    assert tuple(told["joints"]) == LIFTED_21.joints
    assert tuple(told["parents"]) == LIFTED_21.parents
    for bone, parent in zip(told["bones"], told["bone_parents"], strict=True):
        assert BONE_PARENTS.get(bone) == (told["bones"][parent] if parent >= 0 else None)


def test_python_programs_can_read_them() -> None:
    frame = pose_frame(1)
    (line,) = messages.pose_messages(frame, 0.0)
    pose = messages.read_message(line)
    assert isinstance(pose, messages.PoseMessage)
    assert isinstance(messages.read_message(messages.hello_message()), messages.HelloMessage)
    later = parsed(line) | {"added_in_a_later_version": [1, 2]}
    assert messages.read_message(json.dumps(later)) == pose
    for wrong in (b"{}", b'{"type":"pose","v":1}', line.replace(b'"v":1', b'"v":2'), b"garbage"):
        with pytest.raises(msgspec.DecodeError):
            messages.read_message(wrong)


def test_schema_is_in_step() -> None:
    """Write it anew after a change: ``json.dumps(message_schema(), indent=1)`` and a line's end."""
    packaged = Path(messages.__file__).with_name("schema-v1.json").read_text(encoding="utf-8")
    assert packaged == json.dumps(messages.message_schema(), indent=1) + "\n"


def test_examples_of_the_page_are_messages() -> None:
    examples = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    kinds = {type(messages.read_message(example)) for example in examples}
    assert kinds == {
        messages.PoseMessage,
        messages.GoneMessage,
        messages.HelloMessage,
        messages.StatusMessage,
    }


def test_every_member_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for message in (messages.PoseMessage, messages.GoneMessage, messages.HelloMessage, messages.StatusMessage):
        for member in msgspec.structs.fields(message):
            assert f"`{member.name}`" in text, f"{message.__name__}.{member.name} is not told"
    for member in msgspec.structs.fields(messages.EndMessage):
        assert f"`{member.name}`" in text
