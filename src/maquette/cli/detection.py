"""How people are found in footage: the options that several commands share, and the run with its progress."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from maquette.errors import InputError

if TYPE_CHECKING:
    from maquette.detect.choice import DetectorWish
    from maquette.detect.detector import Detector
    from maquette.detect.run import Detected


@dataclass(frozen=True)
class Detection:
    """How people are found in a video or a picture."""

    detector: Literal["auto", "mediapipe", "mediapipe-legacy", "rtmpose", "rtmlib", "hourglass"] = "auto"
    """Footage: what finds the people. auto takes the first that is installed, and says which. mediapipe-legacy is
    MediaPipe's mp.solutions.pose as it is: one person, looked for in the whole picture."""
    det_model: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Footage: network of people's boxes for rtmpose and hourglass (.onnx: YOLOX, RTMDet)."""
    pose_model: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Footage: network of their joints: .onnx for rtmpose (RTMPose, RTMO, ...) and hourglass, .task for mediapipe."""
    mode: Literal["lightweight", "balanced", "performance"] | None = None
    """Footage: size of rtmlib's networks; balanced if not said."""
    people: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Footage: find and keep N people at most, the most prominent; if not said, everybody, but with mediapipe six at
    once, and one where lift wants only person 0."""
    colour_order: Literal["rgb", "bgr"] | None = None
    """Footage: order in which rtmpose and rtmlib give colours to networks of joints; rgb, as they were trained, if not
    said. bgr is for results that equal those of rtmlib, which gives them so."""
    every: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """Footage: look at each N-th frame only, and interpolate between."""

    def wish(self, *, several: bool = True) -> "DetectorWish":
        """The same for :func:`maquette.detect.choice.open_detector`; ``several`` when nothing is said by --people."""
        from maquette.detect.choice import DetectorWish

        return DetectorWish(
            self.detector,
            self.det_model,
            self.pose_model,
            self.mode,
            self.people,
            self.colour_order,
            several=several,
        )

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


def detect(
    input: Path, detection: Detection, fps: str | None, looker: "Detector | None" = None, *, several: bool = True
) -> "Detected":
    """The people in footage; says which detector looks, and how far it is. A ``looker`` is taken instead of the one
    that ``detection`` names, and stays open. Without ``several``, one person is enough, if that is quicker.

    Raises:
        MaquetteError: see :func:`maquette.detect.people.people_in_footage`.
    """
    from maquette.cli.counting import counted
    from maquette.detect.people import people_in_footage

    detector = looker or detection.wish(several=several)
    with counted(f"looking at {input}") as progress:

        def opened(name: str) -> None:
            print(f"  detector: {name}", flush=True)
            progress(0, None)

        return people_in_footage(
            input, detector, fps=fps, every=detection.every, people=detection.people, opened=opened, progress=progress
        )
