"""What goes out as JSON: one object a line, a WebSocket message or a datagram; version 1.

Readers ignore members and types that they do not know, so that later versions can add some. Numbers are finite; what
is not known is null. ``docs/reference/live-messages.md`` tells every member.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal
from weakref import WeakKeyDictionary

import msgspec
import numpy as np
from msgspec import Meta, Struct

from maquette import __version__
from maquette.rig.target_rig import HUMANOID_BONES
from maquette.skeletons import LIFTED_21
from maquette.stream.pose_frame import BONE_PARENTS, LivePose, PoseFrame

VERSION = 1
CONTACTS = ("l_heel", "l_toe", "r_heel", "r_toe")
"""Names of :attr:`maquette.stream.pose_frame.LivePose.contacts`."""

_PLACES = 3 * len(LIFTED_21)
_SHARES = _PLACES + len(LIFTED_21)
_TURNS = _SHARES + 4 * len(HUMANOID_BONES)
"""Where places, confidences and rotations end in the row of a pose's numbers."""
_PARTS = np.repeat([1e5, 1e3, 1e5, 1e4], [_PLACES, len(LIFTED_21), 4 * len(HUMANOID_BONES), 1])
"""Parts of a unit that each number is rounded to."""

Point = Annotated[tuple[float, float, float], Meta(description="[x, y, z] in metres.")]
Turn = Annotated[
    tuple[float, float, float, float],
    Meta(description="Unit quaternion [w, x, y, z], rounded to 1e-5: normalise it before multiplying many."),
]
Share = Annotated[float, Meta(ge=0, le=1)]

if TYPE_CHECKING:

    class _ByName:
        def __init__(self, *values: Any) -> None: ...

    class Joints(_ByName): ...

    class Confidences(_ByName): ...

    class Bones(_ByName): ...

    class Contacts(_ByName): ...

else:
    # One member for each name, in the order of the arrays.
    Joints = msgspec.defstruct("Joints", [(j, Point | None) for j in LIFTED_21.joints], frozen=True, gc=False)
    Confidences = msgspec.defstruct("Confidences", [(j, Share) for j in LIFTED_21.joints], frozen=True, gc=False)
    Bones = msgspec.defstruct("Bones", [(bone, Turn | None) for bone in HUMANOID_BONES], frozen=True, gc=False)
    Contacts = msgspec.defstruct("Contacts", [(joint, bool) for joint in CONTACTS], frozen=True, gc=False)


class _Message(Struct, frozen=True, tag_field="type", gc=False):
    v: Literal[1]


class PoseMessage(_Message, frozen=True, tag="pose", gc=False):
    """One person at one moment."""

    frame: Annotated[int, Meta(ge=0, description="Counts the session's frames from 0.")]
    t: Annotated[float, Meta(description="When the picture was taken: seconds since the session's first.")]
    person: Annotated[int, Meta(ge=0, description="The same while somebody is followed, and when they soon come back.")]
    joints: Annotated[Joints, Meta(description="Places in the world; null where unknown.")]
    conf: Annotated[Confidences, Meta(description="How sure the keypoints are; 0 where not seen.")]
    root: Annotated[Point | None, Meta(description="Where the hip is in the world.")]
    contacts: Annotated[Contacts, Meta(description="Which parts of the feet stand on the ground.")]
    bones: Annotated[Bones, Meta(description="Rotation in the parent bone; the T-pose that faces +z is the identity.")]
    hips_height: Annotated[
        float | None, Meta(description="Height of the person's hips in the T-pose, in metres: scales root to a figure.")
    ]
    latency_ms: Annotated[float, Meta(ge=0, description="From the keypoints' arrival to this message, milliseconds.")]


class GoneMessage(_Message, frozen=True, tag="gone", gc=False):
    """Somebody is not followed any more."""

    frame: Annotated[int, Meta(ge=0)]
    t: float
    person: Annotated[int, Meta(ge=0)]


class HelloMessage(_Message, frozen=True, tag="hello"):
    """First on every connection: what the others mean."""

    program: str
    units: Literal["m"]
    up: Literal["+y"]
    handedness: Literal["right"]
    joints: tuple[str, ...]
    parents: Annotated[tuple[int, ...], Meta(description="Index of each joint's parent; -1 for the hip.")]
    bones: tuple[str, ...]
    bone_parents: Annotated[tuple[int, ...], Meta(description="Index of each bone's parent; -1 for the hips.")]


class EndMessage(Struct, frozen=True):
    """The source, or one of the sinks."""

    address: str
    state: Annotated[
        str,
        Meta(
            description="Of the source: waiting, receiving, stalled, reconnecting, ended, failed. "
            "Of a sink: starting, sending, waiting, reconnecting, failed, stopped."
        ),
    ]
    detail: Annotated[str, Meta(description="Why, in a few words.")] = ""
    frames: Annotated[int, Meta(description="Received or sent since the start.")] = 0
    malformed: Annotated[int, Meta(description="Packets, lines or files that were skipped.")] = 0
    dropped: Annotated[int, Meta(description="Frames that nobody got; of the source those out of order or twice.")] = 0


class LatencyMessage(Struct, frozen=True):
    """From the arrival of keypoints until the poses are with all sinks, milliseconds, over the last seconds."""

    p50: float | None
    p99: float | None


class StatusMessage(_Message, frozen=True, tag="status"):
    """Each second, to WebSockets only."""

    state: Annotated[str, Meta(description="waiting, calibrating (the first seconds with somebody), or live.")]
    elapsed_s: Annotated[float, Meta(description="Since the session's start.")]
    fps_in: Annotated[float, Meta(description="Frames of keypoints a second, over the last seconds.")]
    fps_out: Annotated[float, Meta(description="Frames of poses a second, over the last seconds.")]
    latency_ms: LatencyMessage
    frames: Annotated[int, Meta(description="Frames of poses since the start.")]
    people: Annotated[int, Meta(description="How many are followed now.")]
    dropped: Annotated[int, Meta(description="Frames of keypoints dropped since the start: processing was behind.")]
    source: EndMessage
    sinks: tuple[EndMessage, ...] = ()
    model: str = ""
    look_ahead_ms: Annotated[float, Meta(description="How far the model sees ahead; contained in the latency.")] = 0.0


Message = PoseMessage | GoneMessage | HelloMessage | StatusMessage

_encode: Callable[[Any], bytes] = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(Message)
_encoded: WeakKeyDictionary[PoseFrame, tuple[bytes, ...]] = WeakKeyDictionary()


def frame_messages(frame: PoseFrame, now_s: float | int) -> tuple[bytes, ...]:
    """All messages of a frame: the poses, then who is gone. Encoded once, however many sinks ask.

    Args:
        now_s: by ``time.monotonic()``; the first to ask decides the latency that is told.
    """
    known = _encoded.get(frame)
    if known is None:
        known = _encoded[frame] = (*pose_messages(frame, now_s), *gone_messages(frame))
    return known


def pose_messages(frame: PoseFrame, now_s: float | int) -> list[bytes]:
    """One message for each person: about 2 kB, places to 0.01 mm, rotations to 1e-5, without a line's end."""
    if not frame.poses:
        return []
    latency_ms = round(max(1000.0 * (now_s - frame.arrived_s), 0.0), 2)
    t = round(float(frame.time_s), 6)
    return [
        _encode(_pose(frame.frame, t, pose, numbers, latency_ms))
        for pose, numbers in zip(frame.poses, _rounded(frame.poses), strict=True)
    ]


def gone_messages(frame: PoseFrame) -> list[bytes]:
    """One message for each person who is given up in this frame."""
    t = round(float(frame.time_s), 6)
    return [_encode(GoneMessage(VERSION, frame.frame, t, person)) for person in frame.gone]


def hello_message() -> bytes:
    """The first message of a connection."""
    return _encode(
        HelloMessage(
            VERSION,
            f"maquette {__version__}",
            "m",
            "+y",
            "right",
            LIFTED_21.joints,
            LIFTED_21.parents,
            HUMANOID_BONES,
            tuple(HUMANOID_BONES.index(BONE_PARENTS[b]) if b in BONE_PARENTS else -1 for b in HUMANOID_BONES),
        )
    )


def status_message(status: StatusMessage) -> bytes:
    """How the session is doing."""
    return _encode(status)


def read_message(line: bytes | str) -> Message:
    """A message as its struct, for programs in Python that read a stream.

    Raises:
        msgspec.DecodeError: no message of version 1. Those of unknown types are no error for a reader: skip them.
    """
    return _decoder.decode(line)


def message_schema() -> dict[str, Any]:
    """The JSON Schema of all messages (``schema-v1.json`` beside this module)."""
    schema = msgspec.json.schema(Message)
    title = "Messages of maquette live, version 1"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}


def _rounded(poses: tuple[LivePose, ...]) -> list[list]:
    """All numbers of each pose in one row: places, confidences, rotations, height. Few calls for many numbers: at 60
    frames a second each finds the processor's caches cold."""
    rows = np.concatenate(
        [
            part.ravel()
            for pose in poses
            for part in (pose.positions_m, pose.confidence, pose.humanoid.rotations, pose.humanoid.offsets_m[0, 1:2])
        ]
    ).reshape(len(poses), -1)
    # Adding zero makes -0.0 a zero.
    rounded = (np.rint(rows * _PARTS) / _PARTS + 0.0).tolist()
    known = np.isfinite(rows)
    if not known.all():
        return [
            [value if finite else None for value, finite in zip(row, finites, strict=True)]
            for row, finites in zip(rounded, known.tolist(), strict=True)
        ]
    return rounded


def _pose(frame: int, t: float, pose: LivePose, numbers: list, latency_ms: float) -> PoseMessage:
    joints = _groups(numbers, 0, _PLACES, 3)
    return PoseMessage(
        VERSION,
        frame,
        t,
        pose.person,
        Joints(*joints),
        Confidences(*(min(max(share or 0.0, 0.0), 1.0) for share in numbers[_PLACES:_SHARES])),
        joints[0],
        Contacts(*pose.contacts.tolist()),
        Bones(*_groups(numbers, _SHARES, _TURNS, 4)),
        numbers[_TURNS],
        latency_ms,
    )


def _groups(numbers: list, start: int, end: int, size: int) -> list:
    """So many numbers each; None for groups that are not known in full."""
    groups = (numbers[at : at + size] for at in range(start, end, size))
    return [None if None in group else group for group in groups]
