"""How people are found in footage: the options that several commands share, and the run with its progress."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from maquette.errors import InputError

if TYPE_CHECKING:
    from maquette.detect.run import Detected


@dataclass(frozen=True)
class Detection:
    """How people are found in a video or a picture."""

    detector: Literal["auto", "mediapipe", "rtmpose", "rtmlib", "hourglass"] = "auto"
    """Footage: what finds the people. auto takes the first that is installed, and says which."""
    det_model: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Footage: network of people's boxes for rtmpose (.onnx: YOLOX, RTMDet)."""
    pose_model: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Footage: network of their joints: .onnx for rtmpose (RTMPose, RTMO, ...) and hourglass, .task for mediapipe."""
    mode: Literal["lightweight", "balanced", "performance"] | None = None
    """Footage: size of rtmlib's networks; balanced if not said."""
    people: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Footage: find and keep N people at most, the most prominent; if not said, one with mediapipe, else everybody."""
    every: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """Footage: look at each N-th frame only, and interpolate between."""

    def refuse(self, input: Path) -> None:
        """Options of detectors say nothing about keypoints.

        Raises:
            InputError: one of them is given.
        """
        given = [f"--{f.name.replace('_', '-')}" for f in fields(self) if getattr(self, f.name) != f.default]
        if given:
            raise InputError(
                f"{input}: holds keypoints already; leave out {', '.join(given)} (for videos and pictures)"
            )


AUTO = Detection()
"""Nothing said: the first detector that is installed, as it comes."""


def detect(input: Path, detection: Detection, fps: str | None) -> "Detected":
    """The people in footage; says which detector looks, and how far it is.

    Raises:
        MaquetteError: see :func:`maquette.detect.people.people_in_footage`.
    """
    from maquette.cli.counting import counted
    from maquette.detect.choice import DetectorWish
    from maquette.detect.people import people_in_footage

    wish = DetectorWish(
        name=detection.detector,
        det_model=detection.det_model,
        pose_model=detection.pose_model,
        mode=detection.mode,
        people=detection.people,
    )
    with counted(f"looking at {input}") as progress:

        def opened(name: str) -> None:
            print(f"  detector: {name}", flush=True)
            progress(0, None)

        return people_in_footage(
            input, wish, fps=fps, every=detection.every, people=detection.people, opened=opened, progress=progress
        )


def of_hourglass(detection: Detection, model: str | None) -> tuple[Detection, str | None, bool]:
    """Detection and lifter that ``--model`` means, and whether the depths of the hourglass are the 3D.

    With ``--detector hourglass`` the file of ``--model`` is the hourglass, which gives 2D and depth. With its file in
    ``--pose-model`` it only detects, and ``--model`` is the lifter, as for every other detector.
    """
    if detection.detector != "hourglass" or detection.pose_model is not None:
        return detection, model, False
    if model is None:
        raise InputError(
            "--detector hourglass needs its network: --model FILE.onnx for its own 2D and depth, or --pose-model "
            "FILE.onnx for its 2D and a lifter"
        )
    return replace(detection, pose_model=Path(model)), None, True
