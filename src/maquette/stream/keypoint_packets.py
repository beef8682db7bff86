"""Bytes of one packet, line, message or file -> the keypoints of one picture.

What is understood, told apart by its members:

* OpenPose's JSON of one frame, in every layout of :mod:`maquette.readers.openpose`;
* MediaPipe landmarks: ``landmarks``, ``pose_landmarks``, ``poseLandmarks`` or the bare list, of one person or several;
* our own: ``{"skeleton": "coco-17", "frame": 7, "t": 0.23, "image_size": [640, 480], "people": [{"id": 0, "keypoints":
  [x, y, c, ...]}]}``.

``frame``, ``t`` (or ``time_s``), ``image_size``, ``skeleton`` and ``token`` may stand beside the keypoints in all.
"""

import time

import msgspec
import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.formats.json_documents import decode_json, json_brief
from maquette.readers.clip import Unit
from maquette.readers.keypoint_arrays import clean, to_pixels
from maquette.skeleton import Skeleton
from maquette.skeletons import get_skeleton
from maquette.stream.keypoint_frame import MAX_PEOPLE, KeypointFrame
from maquette.stream.packet_json import Kind, Packet, Row, packet_decoder, rows_of, token_decoder
from maquette.stream.packet_layout import Layout, layout_of, unit_of

MAX_PACKET_BYTES = 1 << 20
"""Of one packet; ten people with hands and faces take 40 kB."""
_LARGEST_SIDE_PX = 1_000_000
_LARGEST_NUMBER = 1 << 53
_MAX_LAYOUTS = 16
_UNCLEAR_FRAMES = 30


def token_of(data: bytes) -> str | None:
    """The token that a packet carries; None when it has none, or is no packet at all. Nothing else is decoded."""
    if len(data) > MAX_PACKET_BYTES:
        return None
    try:
        return token_decoder.decode(data).token
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


class KeypointDecoder:
    """Decodes the packets of one sender, and keeps what the first of them told.

    Which skeleton a layout is, and which unit its coordinates have, is decided once, from the first frame that shows
    it, and holds from then on: a decision depends on frames before it only, so that a recording decodes the same way
    each time. 25 points a person are BODY_25 until a frame's geometry says BODY_25B; after 30 frames with people it is
    not asked any more.
    """

    def __init__(self, skeleton: Skeleton | str | None = None, image_size: tuple[int, int] | None = None) -> None:
        """
        Args:
            skeleton: of all packets, whatever they say; None to take theirs.
            image_size: ``(width, height)`` in pixels, for senders that give fractions of the picture.

        Raises:
            InputError: no skeleton has that name, or the size is no size.
        """
        self.skeleton = get_skeleton(skeleton) if isinstance(skeleton, str) else skeleton
        self.image_size = None if image_size is None else _size(image_size, "--image-size")
        self.forget()

    def forget(self) -> None:
        """Somebody else sends from now on."""
        self._told_size: tuple[int, int] | None = None
        self._layouts: dict[tuple[Kind, int, str], Layout] = {}
        self._frames_with_people = 0

    def decode(self, data: bytes, arrived_s: float | int | None = None, where: str = "packet") -> KeypointFrame:
        """The frame in ``data``.

        Args:
            data: UTF-8 JSON of one frame.
            arrived_s: when it came in, by ``time.monotonic()``; None is now.
            where: what to call it in errors.

        Raises:
            InputError: no JSON, no keypoints, too large, numbers that cannot be keypoints, or fractions of a picture
                whose size nobody knows. No other error comes out, whatever ``data`` is, and what was learnt stays.
        """
        arrived_s = time.monotonic() if arrived_s is None else float(arrived_s)
        if len(data) > MAX_PACKET_BYTES:
            raise InputError(f"{where}: has {len(data)} bytes; one frame takes up to {MAX_PACKET_BYTES}")
        packet = decode_json(packet_decoder, data, where)
        if isinstance(packet, list):
            packet = Packet(landmarks=packet)
        kind, rows = rows_of(packet, where)
        if kind is None:
            raise InputError(
                f"{where}: no keypoints in it: it is {json_brief(data)}; expected 'people' (OpenPose's JSON, or ours) "
                "or 'landmarks' (MediaPipe)"
            )
        size = self._size(packet, where)
        if len(rows) > MAX_PEOPLE:
            raise InputError(f"{where}: holds {len(rows)} people; up to {MAX_PEOPLE} can be followed")
        if rows:
            layout, points, confidence = self._read(kind, rows, packet.skeleton, size, where)
            seen = np.any(confidence > 0, axis=1)
            if not seen.all():
                rows = [row for row, is_seen in zip(rows, seen.tolist(), strict=True) if is_seen]
                points, confidence = points[seen], confidence[seen]
        else:
            layout = self._of_nobody(kind, packet.skeleton)
            points, confidence = np.empty((0, len(layout.skeleton), 2)), np.empty((0, len(layout.skeleton)))
        if self.image_size is None:
            self._told_size = size
        return KeypointFrame(
            points=points,
            confidence=confidence,
            skeleton=layout.skeleton,
            arrived_s=arrived_s,
            time_s=_time(packet),
            number=_number(packet, where),
            image_size=size,
            identities=_identities(rows),
        )

    def _size(self, packet: Packet, where: str) -> tuple[int, int] | None:
        if self.image_size is not None:
            return self.image_size
        if packet.image_size is None:
            return self._told_size
        return _size(packet.image_size, f"{where}: image_size")

    def _read(
        self, kind: Kind, rows: list[Row], named: str | None, size: tuple[int, int] | None, where: str
    ) -> tuple[Layout, Float[np.ndarray, "people joints 2"], Float[np.ndarray, "people joints"]]:
        """Points in pixels and confidences of people who are there."""
        length = len(rows[0].values)
        per_point = rows[0].per_point
        if any(len(row.values) != length or row.per_point != per_point for row in rows):
            lengths = sorted({len(row.values) for row in rows})
            raise InputError(f"{where}: people of different layouts in one frame ({lengths} numbers)")
        key = (kind, length, named or "")
        layout = self._layouts.get(key)
        values = np.array([row.values for row in rows], dtype=np.float64)
        if layout is None or layout.undecided:
            layout = layout_of(kind, values, per_point, self.skeleton, named, where)
        points, confidence = layout.split(values)
        unit = layout.unit or unit_of(kind, points, confidence)
        points, confidence, _ = clean(points, confidence, where, zero_is_missing=unit != "-1..1")
        if unit is not None and unit != "px":
            if size is None:
                raise InputError(
                    f"{where}: coordinates are fractions of the picture ({unit}), and nobody says how large it is; "
                    "give --image-size WIDTHxHEIGHT, or send 'image_size': [width, height] beside them"
                )
            points = to_pixels(points, unit, size)
        self._keep(key, layout, unit)
        return layout, points, confidence

    def _keep(self, key: tuple[Kind, int, str], layout: Layout, unit: Unit | None) -> None:
        if layout.undecided:
            self._frames_with_people += 1
            layout.undecided = self._frames_with_people < _UNCLEAR_FRAMES
        layout.unit = unit
        if key in self._layouts or len(self._layouts) < _MAX_LAYOUTS:
            self._layouts[key] = layout

    def _of_nobody(self, kind: Kind, named: str | None) -> Layout:
        """The layout of a frame without anybody: of the latest with somebody, where there was one."""
        if self.skeleton is None and named is not None:
            return Layout(get_skeleton(named), 3)
        known = next((layout for (k, _, _), layout in reversed(self._layouts.items()) if k == kind), None)
        return known or Layout.expected(kind, self.skeleton)


def _size(size: tuple[int, int] | list[float], name: str) -> tuple[int, int]:
    if len(size) != 2 or not all(1 <= side <= _LARGEST_SIDE_PX for side in size):
        shown = " x ".join(f"{side:g}" for side in size[:4])
        raise InputError(f"{name} is {shown}; expected width and height in pixels, from 1 to {_LARGEST_SIDE_PX}")
    return int(size[0]), int(size[1])


def _time(packet: Packet) -> float | None:
    stamp = packet.t if packet.t is not None else packet.time_s
    return None if stamp is None else float(stamp)


def _number(packet: Packet, where: str) -> int | None:
    number = packet.frame
    if number is None:
        return None
    if not 0 <= number < _LARGEST_NUMBER or number != int(number):
        raise InputError(f"{where}: frame is {float(number):g}; expected a whole number from 0 to {_LARGEST_NUMBER}")
    return int(number)


def _identities(rows: list[Row]) -> tuple[int, ...] | None:
    """The sender's numbers of the people, where each has one of its own."""
    found = tuple(row.identity for row in rows)
    return found if found and min(found) >= 0 and len(set(found)) == len(found) else None
