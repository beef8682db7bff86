"""Messages of Open Sound Control -> the keypoints of one picture.

Ours, coordinates in pixels (x right, y down), numbers as ``f``, ``d``, ``i`` or ``h``, a missing one as ``N`` or NaN:

* ``/maquette/keypoints`` skeleton (``s``: ``coco-17``), frame, person, people, width, height (``i``), then x, y and
  confidence of each joint in the skeleton's order. ``frame`` counts the sender's pictures; ``person`` stays the same
  for as long as the sender follows somebody, and is -1 where it follows nobody; ``people`` is how many such messages
  this frame has; ``width`` and ``height`` of the picture are 0 where unknown. A bundle whose time tag is not
  "immediately" tells when the picture was taken.
* ``/maquette/nobody`` frame, width, height (``i``): a picture without anybody.
* ``/maquette/json`` one string: what :class:`maquette.stream.keypoint_packets.KeypointDecoder` understands.

Of other programs:

* PoseOSC: its formats ARR (``/poses/arr``), JSON (``/poses/json``) and XML (``/poses/xml``): PoseNet's 17 joints. Not
  its ADDR, which sends 35 packets a person without saying where a picture ends.
* BlazePoseOSC: its format JSON (``/poses/json/ID``), MediaPipe's 33 joints, and
* mediapipe-osc (``/mediapipe/pose``): the same; both are fractions of the picture, whose size must be given.
"""

import re

import msgspec
import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.skeleton import Skeleton
from maquette.skeletons import BLAZEPOSE_33, COCO_17, get_skeleton
from maquette.stream.keypoint_frame import MAX_PEOPLE, KeypointFrame
from maquette.stream.keypoint_packets import KeypointDecoder
from maquette.stream.osc import IMMEDIATELY, Argument, OscMessage
from maquette.stream.osc_people import PeopleOfFrame

_LARGEST_PX = 1e5
_POSENET_PARTS = {
    re.sub(r"^([lr])_(.)", lambda m: {"l": "left", "r": "right"}[m[1]] + m[2].upper(), joint): index
    for index, joint in enumerate(COCO_17.joints)
}
"""PoseNet's names (``leftWrist``) -> index; its order is COCO's."""
_XML_POSE = re.compile(r"<pose\b[^<>]{0,200}>")
_XML_PICTURE = re.compile(r'<poses\b[^<>]{0,60}videoWidth="(\d{1,5})"[^<>]{0,60}videoHeight="(\d{1,5})"')
_XML_POINT = re.compile(
    r'<keypoint\b\s+part="(\w{1,20})"\s+x="([-+.\deE]{1,24})"\s+y="([-+.\deE]{1,24})"\s+score="([-+.\deE]{1,24})"'
)


class OscKeypoints:
    """Makes frames of the messages of one sender.

    Args:
        skeleton: of all messages, whatever they say; None to take theirs.
        image_size: ``(width, height)`` in pixels, whatever they say; for senders that give fractions of the picture.

    Raises:
        InputError: the size is no size.
    """

    def __init__(self, skeleton: Skeleton | None = None, image_size: tuple[int, int] | None = None) -> None:
        self._skeleton, self._size = skeleton, image_size
        self._json = KeypointDecoder(skeleton, image_size)
        self.people = PeopleOfFrame()
        """Those of a frame whose others are still to come."""

    def take(self, message: OscMessage, arrived_s: float) -> list[KeypointFrame]:
        """The frames that are complete with this message: none, one, or two where one before had been waited for.

        Raises:
            InputError: the message is none of those above, or holds what cannot be keypoints: why, in a few words. No
                other error comes out.
        """
        address, arguments = message.address.rstrip("/"), message.arguments
        if address == "/maquette/keypoints":
            return self._keypoints(message, arrived_s)
        if address == "/maquette/nobody":
            number, width, height = self._ints(arguments, 3)
            skeleton = self._skeleton or self.people.skeleton or COCO_17
            size = self._size_of(width, height)
            return self.people.nobody(self._frame([], skeleton, arrived_s, size, number=number))
        if address == "/poses/arr":
            return [self._arr(arguments, arrived_s)]
        if address == "/mediapipe/pose":
            return [self._mediapipe(arguments, arrived_s)]
        if address == "/poses/xml":
            return [self._xml(_text(arguments), arrived_s)]
        if address == "/poses/json":
            return [self._posenet_json(_text(arguments), arrived_s)]
        if address == "/maquette/json" or address.startswith("/poses/json/"):
            return [self._json.decode(_text(arguments).encode(), arrived_s, address)]
        if address == "/nPoses" or address.startswith(("/poses/", "/pose/")):
            raise InputError("PoseOSC's format ADDR does not say where a picture ends; set its format to ARR")
        raise InputError("no address of keypoints; expected /maquette/keypoints, /poses/arr or /mediapipe/pose")

    def _keypoints(self, message: OscMessage, arrived_s: float) -> list[KeypointFrame]:
        arguments = message.arguments
        if not arguments or not isinstance(arguments[0], str):
            raise InputError("expected the name of a skeleton as the first argument, such as coco-17")
        skeleton = self._skeleton or get_skeleton(arguments[0])
        number, person, people, width, height = self._ints(arguments[1:6], 5)
        if not 1 <= people <= MAX_PEOPLE:
            raise InputError(f"{people} people in a frame; expected 1 to {MAX_PEOPLE}")
        if len(arguments) != 6 + 3 * len(skeleton):
            raise InputError(
                f"{len(arguments) - 6} numbers of keypoints; expected {3 * len(skeleton)} for '{skeleton.name}'"
            )
        points = _numbers(arguments[6:]).reshape(1, len(skeleton), 3)
        time_s = None if message.tag == IMMEDIATELY else message.tag / 2**32
        frame = self._frame(points, skeleton, arrived_s, self._size_of(width, height), number=number, time_s=time_s)
        return self.people.add(frame, person, people)

    def _arr(self, arguments: tuple[Argument, ...], arrived_s: float) -> KeypointFrame:
        width, height, people = self._ints(arguments[:3], 3)
        per_person = 1 + 3 * len(COCO_17)
        if not 0 <= people <= MAX_PEOPLE or len(arguments) != 3 + people * per_person:
            raise InputError(f"{len(arguments)} arguments for {people} people; expected {3 + people * per_person}")
        points = _numbers(arguments[3:]).reshape(people, per_person)[:, 1:].reshape(people, len(COCO_17), 3)
        return self._frame(points, COCO_17, arrived_s, self._size_of(width, height))

    def _mediapipe(self, arguments: tuple[Argument, ...], arrived_s: float) -> KeypointFrame:
        (people,) = self._ints(arguments[:1], 1)
        expected = 1 + 4 * len(BLAZEPOSE_33) * people
        if people not in (0, 1) or len(arguments) != expected:
            raise InputError(f"{len(arguments)} arguments for {people} people; expected 1, or 133 for one person")
        points = _numbers(arguments[1:]).reshape(people, len(BLAZEPOSE_33), 4)[..., [0, 1, 3]]
        if people and self._size is None:
            raise InputError("fractions of a picture whose size nobody says; give --image-size WIDTHxHEIGHT")
        points[..., :2] *= self._size or (1, 1)
        return self._frame(points, BLAZEPOSE_33, arrived_s, self._size)

    def _xml(self, text: str, arrived_s: float) -> KeypointFrame:
        picture = _XML_PICTURE.search(text)
        if picture is None:
            raise InputError("expected PoseOSC's XML, which begins with <poses videoWidth=")
        poses = [_XML_POINT.findall(part) for part in _XML_POSE.split(text)[1:]]
        rows = [[(part, _number(x), _number(y), _number(score)) for part, x, y, score in pose] for pose in poses]
        return self._posenet(rows, arrived_s, self._size_of(int(picture[1]), int(picture[2])))

    def _posenet_json(self, text: str, arrived_s: float) -> KeypointFrame:
        return self._posenet(decode_posenet(text), arrived_s, self._size)

    def _posenet(
        self, poses: list[list[tuple[str, float, float, float]]], arrived_s: float, size: tuple[int, int] | None
    ) -> KeypointFrame:
        if len(poses) > MAX_PEOPLE:
            raise InputError(f"{len(poses)} people in a frame; up to {MAX_PEOPLE} can be followed")
        points = np.zeros((len(poses), len(COCO_17), 3))
        for row, pose in zip(points, poses, strict=True):
            for part, *values in pose:
                if part not in _POSENET_PARTS:
                    raise InputError(f"'{part[:20]}' is no part of PoseNet's")
                row[_POSENET_PARTS[part]] = values
        return self._frame(points, COCO_17, arrived_s, size)

    def _frame(
        self,
        people: Float[np.ndarray, "people joints 3"] | list[object],
        skeleton: Skeleton,
        arrived_s: float,
        size: tuple[int, int] | None,
        *,
        number: int | None = None,
        time_s: float | None = None,
    ) -> KeypointFrame:
        """A frame of rows x, y, confidence."""
        rows = np.reshape(np.asarray(people, dtype=np.float64), (-1, len(skeleton), 3))
        if bool((np.abs(rows[..., :2]) > _LARGEST_PX).any()):
            raise InputError(f"a keypoint lies more than {_LARGEST_PX:g} px away")
        return KeypointFrame(
            points=rows[..., :2],
            confidence=rows[..., 2],
            skeleton=skeleton,
            arrived_s=arrived_s,
            time_s=time_s,
            number=number,
            image_size=size,
        )

    def _size_of(self, width: int, height: int) -> tuple[int, int] | None:
        if self._size is not None:
            return self._size
        if not (0 <= width <= _LARGEST_PX and 0 <= height <= _LARGEST_PX):
            raise InputError(f"a picture of {width} x {height} pixels")
        return (width, height) if width and height else None

    @staticmethod
    def _ints(arguments: tuple[Argument, ...], count: int) -> list[int]:
        """Whole numbers, which some programs send as floats."""
        values = _numbers(arguments).tolist()
        if len(values) != count or any(value % 1 != 0 for value in values):
            raise InputError(f"expected {count} whole numbers, seen {str(arguments)[:60]}")
        return [int(value) for value in values]


def decode_posenet(text: str) -> list[list[tuple[str, float, float, float]]]:
    """PoseNet's JSON, ``[{"keypoints": [{"part": ..., "position": {"x": ..., "y": ...}, "score": ...}]}]``: for each
    person ``(part, x, y, score)``.

    Raises:
        InputError: it is none.
    """
    try:
        poses = _posenet_decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError(f"expected PoseNet's JSON ({str(error)[:60]})") from None
    return [[(k.part, k.position.x, k.position.y, k.score) for k in pose.keypoints] for pose in poses]


def _text(arguments: tuple[Argument, ...]) -> str:
    if len(arguments) != 1 or not isinstance(arguments[0], str):
        raise InputError("expected one string")
    return arguments[0]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"expected a number, seen {text}") from None


def _numbers(arguments: tuple[Argument, ...]) -> Float[np.ndarray, " numbers"]:
    """The arguments as numbers, NaN for none."""
    if not all(value is None or type(value) in (int, float) for value in arguments):
        raise InputError(f"expected numbers, seen {str(arguments)[:60]}")
    return np.array(arguments, dtype=np.float64)


class _Position(msgspec.Struct, gc=False):
    x: float
    y: float


class _Part(msgspec.Struct, gc=False):
    part: str
    position: _Position
    score: float


class _Pose(msgspec.Struct, gc=False):
    keypoints: list[_Part]


_posenet_decoder = msgspec.json.Decoder(list[_Pose])
