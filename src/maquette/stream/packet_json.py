"""The JSON of one frame of keypoints as programs send it, decoded in one pass."""

from typing import Any, Literal, NamedTuple

import msgspec

from maquette.errors import InputError
from maquette.formats.detector_json import Landmark, Numbers
from maquette.formats.openpose_json import Person

Kind = Literal["people", "landmarks"]

Landmarks = list[list[float | list[float] | Landmark] | Landmark]
"""Of one person, a list of landmarks; of several, a list of such lists. A landmark is ``[x, y, z, visibility]`` or an
object."""


class PacketPerson(Person, gc=False):
    """One person, as OpenPose or as we write it."""

    keypoints: Numbers | None = None
    id: Any = None


class Packet(msgspec.Struct, gc=False):
    """One frame; other members are passed over."""

    people: list[PacketPerson] | None = None
    bodies: list[PacketPerson] | None = None
    landmarks: Landmarks | msgspec.UnsetType | None = msgspec.UNSET
    pose_landmarks: Landmarks | msgspec.UnsetType | None = msgspec.UNSET
    poseLandmarks: Landmarks | msgspec.UnsetType | None = msgspec.UNSET
    skeleton: str | None = None
    frame: int | float | None = None
    t: float | None = None
    time_s: float | None = None
    image_size: list[float] | None = None


class Token(msgspec.Struct, gc=False):
    """What opens the door, whatever else the packet holds."""

    token: str | None = None


class Row(NamedTuple):
    """The numbers of one person."""

    values: list[float]
    """One point after the other."""
    per_point: int | None
    """Numbers a point; None where a flat list does not say."""
    identity: int
    """-1 where the sender gives none."""


packet_decoder = msgspec.json.Decoder(Packet | Landmarks)
token_decoder = msgspec.json.Decoder(Token)


def rows_of(packet: Packet, where: str) -> tuple[Kind | None, list[Row]]:
    """The people of a packet who have numbers at all, and which kind of packet it is; no kind when it is none.

    Raises:
        InputError: points with different counts of numbers.
    """
    people = packet.people if packet.people is not None else packet.bodies
    if people is not None:
        rows = [_person_row(person, where) for person in people]
        return "people", [row for row in rows if row.values]
    for landmarks in (packet.landmarks, packet.pose_landmarks, packet.poseLandmarks):
        if landmarks is not msgspec.UNSET:
            bodies = _bodies(landmarks or [], where)
            return "landmarks", [_landmark_row(body, where) for body in bodies if body]
    return None, []


def _person_row(person: PacketPerson, where: str) -> Row:
    identity = person.identity()
    if identity < 0 and type(person.id) is int and 0 <= person.id < 1 << 31:
        identity = person.id
    numbers = person.keypoints
    if not numbers:
        return Row(person.values(), None, identity)
    nested = [point for point in numbers if isinstance(point, list)]
    if not nested:
        return Row(numbers, None, identity)  # pyright: ignore[reportArgumentType]
    lengths = {len(point) for point in nested}
    if len(nested) != len(numbers) or lengths not in ({2}, {3}):
        raise InputError(f"{where}: keypoints are neither a flat list nor one [x, y, confidence] for each point")
    return Row([value for point in nested for value in point], lengths.pop(), identity)


def _bodies(landmarks: Landmarks, where: str) -> list[list]:
    """Landmarks by person."""
    first = landmarks[0] if landmarks else None
    of_several = isinstance(first, list) and not (first and isinstance(first[0], float | int))
    if not of_several:
        return [landmarks]
    if not all(isinstance(body, list) for body in landmarks):
        raise InputError(f"{where}: landmarks of one person and lists of landmarks are mixed")
    return landmarks  # pyright: ignore[reportReturnType]


def _landmark_row(body: list, where: str) -> Row:
    """x, y, visibility of each landmark; without visibility it counts as certain."""
    values: list[float] = []
    for landmark in body:
        if isinstance(landmark, Landmark):
            values += (landmark.x, landmark.y, 1.0 if landmark.visibility is None else landmark.visibility)
        elif isinstance(landmark, list) and len(landmark) >= 2 and all(isinstance(v, float | int) for v in landmark):
            values += (landmark[0], landmark[1], landmark[3] if len(landmark) > 3 else 1.0)
        else:
            raise InputError(f"{where}: a landmark is neither [x, y, z, visibility] nor an object with x and y")
    return Row(values, 3, -1)
