"""Frames of made people, for the first calls of everything: modules are loaded, tables made, memory fetched."""

from collections.abc import Iterator

import numpy as np

from maquette.skeletons import BODY_25
from maquette.stream.keypoint_frame import KeypointFrame

_STANDING: dict[str, tuple[float, float]] = {
    "nose": (0.0, 0.92), "neck": (0.0, 0.83), "mid_hip": (0.0, 0.54), "eye": (0.02, 0.94), "ear": (0.045, 0.93),
    "shoulder": (0.105, 0.82), "elbow": (0.14, 0.64), "wrist": (0.16, 0.48), "hip": (0.06, 0.54),
    "knee": (0.06, 0.29), "ankle": (0.06, 0.05), "heel": (0.055, 0.02), "big_toe": (0.07, 0.0),
    "small_toe": (0.09, 0.005),
}  # fmt: skip
"""Somebody who stands and looks at the camera: how far out and how far up each joint is, in body heights."""
_SIZE_PX = (1280, 720)
_HEIGHT_PX = 500.0


def made_frames(people: int, frames: int) -> Iterator[KeypointFrame]:
    """People beside each other who sway a little. BODY_25, as most senders have it; a gap of one joint now and then."""
    figure = np.array([_placed(joint) for joint in BODY_25.joints])
    middles = _SIZE_PX[0] * (np.arange(people) + 0.5) / people
    confidence = np.full((people, len(figure)), 0.8)
    for frame in range(frames):
        phase = 0.2 * frame
        # The upper the further, as a pendulum that stands on its feet.
        swaying = figure + np.stack([0.02 * np.sin(phase) * figure[:, 1], np.zeros(len(figure))], axis=1)
        points = np.stack([swaying * (_HEIGHT_PX / people**0.5) * (1, -1) + (x, 0.95 * _SIZE_PX[1]) for x in middles])
        sure = confidence.copy()
        sure[:, frame % len(figure)] *= frame % 3 != 2
        yield KeypointFrame(points, sure, BODY_25, arrived_s=0.0, image_size=_SIZE_PX)


def _placed(joint: str) -> tuple[float, float]:
    side, _, part = joint.partition("_")
    if joint in _STANDING:
        return _STANDING[joint]
    out, up = _STANDING[part]
    return (out if side == "l" else -out), up
