"""OpenPose's JSON: one file for each frame, ``people`` with flat lists of x, y, confidence.

Keys by version of the output: 1.0 and 1.1 ``pose_keypoints``; 1.2 and 1.3 ``pose_keypoints_2d`` (1.3 adds
``person_id``, a list that holds -1 unless OpenPose's own tracking is on). tf-pose-estimation and the Keras port write
the same shape with bare x, y pairs. AlphaPose's ``cmu`` output says ``bodies`` and ``joints`` instead.
"""

from typing import Any

import msgspec


class Person(msgspec.Struct, gc=False):
    """One detected person; face and hand lists are not read."""

    pose_keypoints_2d: list[float] | None = None
    pose_keypoints: list[float] | None = None
    joints: list[float] | None = None
    person_id: Any = None

    def values(self) -> list[float]:
        """The flat list of the body, under whichever key it stands; empty when there is none."""
        return self.pose_keypoints_2d or self.pose_keypoints or self.joints or []

    def identity(self) -> int:
        """The person's number when the file gives one, else -1."""
        value = self.person_id
        if value is None:
            return -1
        if isinstance(value, list) and value:
            value = value[0]
        return value if isinstance(value, int) and 0 <= value < 1 << 31 else -1


class Frame(msgspec.Struct, gc=False):
    """One frame; ``people`` is empty when nobody was seen."""

    people: list[Person] | None = None
    bodies: list[Person] | None = None

    def everybody(self) -> list[Person] | None:
        """The people of the frame; None when the document has no such list and so is no pose at all."""
        return self.people if self.people is not None else self.bodies


frame_decoder = msgspec.json.Decoder(Frame)
frames_decoder = msgspec.json.Decoder(list[Frame])
frames_by_name_decoder = msgspec.json.Decoder(dict[str, Frame])
