"""A small OpenPose folder of a made-up walker."""

import json
from pathlib import Path

import numpy as np

# A standing figure in BODY_25, pixels of a 640 x 480 picture.
_FIGURE = [
    (320, 110), (320, 150), (290, 150), (280, 195), (275, 235), (350, 150), (360, 195), (365, 235), (320, 245),
    (303, 245), (300, 320), (298, 390), (337, 245), (340, 320), (342, 390), (314, 104), (326, 104), (306, 108),
    (334, 108), (352, 404), (358, 402), (338, 398), (288, 404), (282, 402), (302, 398),
]  # fmt: skip


def openpose_frame(points: np.ndarray, confidence: float = 0.9) -> str:
    """One file of OpenPose 1.3 with one person."""
    flat = np.concatenate([points, np.full((len(points), 1), confidence)], axis=1).ravel().round(3).tolist()
    return json.dumps({"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": flat}]})


def write_openpose(folder: Path, frames: int, points: int = 25, confidence: float = 0.9) -> Path:
    """A folder of ``frames`` files in which the figure steps on the spot while it drifts to the right."""
    folder.mkdir(parents=True)
    figure = np.array(_FIGURE, dtype=float)[:points]
    for frame in range(frames):
        phase = frame / 30 * 2 * np.pi * 0.9
        moved = figure + (frame * 0.8, 0)
        moved[[10, 11, 22, 23, 24][: max(0, points - 20)] or [10], 0] += 14 * np.sin(phase)
        moved[[13, 14], 0] -= 14 * np.sin(phase)
        (folder / f"clip_{frame:012d}_keypoints.json").write_text(openpose_frame(moved, confidence))
    return folder
