"""Facts of HumanEva-I: who does what in which frames, and where its three colour cameras stand."""

from dataclasses import dataclass

SUBJECTS = ("S1", "S2", "S3")
SPLITS = ("Train", "Validate")
"""``Validate`` is what published work tests on."""
ACTIONS = ("Walking", "Jog", "ThrowCatch", "Gestures", "Box")
CAMERAS = ("C1", "C2", "C3")
IMAGE_SIZE = (640, 480)
FPS = 60
DAMAGED = ("S3", "ThrowCatch")
"""Its motion capture is not used."""

_FIRST_FRAME = 5
_TRAIN: dict[str, tuple[tuple[int, int], ...]] = {
    "S1": ((590, 1203), (367, 740), (473, 945), (395, 801), (385, 789)),
    "S2": ((438, 876), (398, 795), (550, 1128), (500, 901), (382, 734)),
    "S3": ((448, 939), (401, 842), (493, 1027), (533, 1102), (512, 1021)),
}


def takes(subject: str) -> dict[str, int]:
    """Action of trial 1 -> frames, for a subject such as ``Train/S1``. Validation ends where training begins."""
    split, person = subject.split("/")
    ranges = dict(zip(ACTIONS, _TRAIN[person], strict=True))
    return {
        f"{action} 1": (end - start if split == "Train" else start - _FIRST_FRAME)
        for action, (start, end) in ranges.items()
        if (person, action) != DAMAGED
    }


@dataclass(frozen=True)
class CameraPose:
    """Where a camera stands; the world has Z up."""

    quaternion_world_camera: tuple[float, float, float, float]
    """wxyz; takes directions of the camera into the world."""
    position_mm: tuple[float, float, float]


POSES: dict[str, tuple[CameraPose, CameraPose, CameraPose]] = {
    "S1": (
        CameraPose((0.424207, -0.4983646, -0.5802981, 0.4847012), (4062.227, 663.2477, 1528.397)),
        CameraPose((0.6503354, -0.7481602, -0.0919284, 0.0941766), (844.8131, -3805.2092, 1504.9929)),
        CameraPose((0.0664734, -0.0690535, 0.7416416, -0.6639132), (-797.67377, 3916.3174, 1433.6602)),
    ),
    "S2": (
        CameraPose((0.4214752, -0.4961493, -0.5838273, 0.4851187), (4112.9121, 626.4929, 1545.2988)),
        CameraPose((0.6501393, -0.7476588, -0.0954617, 0.0959808), (923.574, -3877.9243, 1504.5518)),
        CameraPose((0.0699353, -0.0712403, 0.7421637, -0.662742), (-781.4915, 3838.8853, 1444.9929)),
    ),
    "S3": (
        CameraPose((0.424207, -0.4983646, -0.5802981, 0.4847012), (4062.2271, 663.2477, 1528.397)),
        CameraPose((0.6503354, -0.7481602, -0.0919284, 0.0941766), (844.8131, -3805.2092, 1504.9929)),
        CameraPose((0.0664734, -0.0690535, 0.7416416, -0.6639132), (-797.6738, 3916.3174, 1433.6602)),
    ),
}
"""Published with VideoPose3D; lenses are not."""
