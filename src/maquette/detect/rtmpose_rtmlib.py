"""The detector ``rtmlib``: RTMPose with YOLOX by the package rtmlib, which downloads the networks on first use."""

import importlib
import importlib.util
from contextlib import redirect_stdout
from importlib.metadata import version
from io import StringIO
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np

from maquette.detect.detector import Picture, Seen
from maquette.detect.person_boxes import Boxes, largest
from maquette.detect.rtmpose import seen_of
from maquette.detect.rtmpose_pose import ColourOrder
from maquette.errors import ModelError, missing_extra
from maquette.runtime.onnx_model import onnx_errors
from maquette.skeletons import HALPE_26

Mode = Literal["lightweight", "balanced", "performance"]


class RtmlibDetector:
    """rtmlib's body with feet (26 points of Halpe), everybody in every picture; see :func:`rtmlib_detector`."""

    def __init__(
        self, *, mode: Mode = "balanced", people: int | None = None, colour_order: ColourOrder = "rgb"
    ) -> None:
        if not is_rtmlib_installed():
            raise missing_extra("detect-rtm", "rtmlib")
        self._body: Any = _downloaded(mode)
        self._people = people
        self._colour_order = colour_order
        self.skeleton = HALPE_26
        own = ", colours in its own order" if colour_order == "bgr" else ""
        self.name = f"rtmlib {version('rtmlib')} ({mode}{own})"

    def __call__(self, picture: Picture, time_s: float) -> Seen:
        if self._body is None:
            raise ModelError(f"{self.name}: was closed; open the detector again")
        blue_first = np.ascontiguousarray(picture[..., ::-1])
        corners = np.asarray(self._body.det_model(blue_first), np.float64).reshape(-1, 4)
        boxes = Boxes(corners, np.ones(len(corners)))
        corners = corners[largest(boxes, self._people)]
        # Without boxes rtmlib would take the whole picture for a person.
        if not len(corners):
            return Seen.nobody(self.skeleton)
        # Given blue first, it takes the means of red from blue; YOLOX has none.
        colours = blue_first if self._colour_order == "bgr" else np.ascontiguousarray(picture)
        points, score = self._body.pose_model(colours, bboxes=list(corners))
        # Half a pixel: from the middle of the first pixel to its corner.
        return seen_of(np.asarray(points, np.float64) + 0.5, np.asarray(score, np.float64), self.skeleton, None)

    def reset(self) -> None:
        """Nothing is carried over from picture to picture."""

    def close(self) -> None:
        self._body = None


def is_rtmlib_installed() -> bool:
    return importlib.util.find_spec("rtmlib") is not None


def rtmlib_detector(
    *, mode: Mode = "balanced", people: int | None = None, colour_order: ColourOrder = "rgb"
) -> RtmlibDetector:
    """The detector of the package rtmlib.

    Args:
        mode: size of the networks, from fast to exact.
        people: as many as this at most, the largest; by default everybody.
        colour_order: in which the network of joints gets the colours: as it was trained, or ``"bgr"`` as rtmlib by
            itself gives them (see :class:`~maquette.detect.rtmpose_pose.TopDownPose`).

    Raises:
        MissingExtraError: rtmlib is not installed.
        ModelError: its networks cannot be downloaded.
    """
    return RtmlibDetector(mode=mode, people=people, colour_order=colour_order)


def _downloaded(mode: Mode) -> Any:
    body_with_feet = importlib.import_module("rtmlib").BodyWithFeet
    try:
        # It prints which files it loads.
        with redirect_stdout(StringIO()):
            return body_with_feet(mode=mode, backend="onnxruntime", device="cpu")
    except (OSError, BadZipFile, *onnx_errors()) as error:
        raise ModelError(
            f"rtmlib: its networks for mode '{mode}' cannot be loaded ({_first_line(error)}); the first use downloads "
            "them and needs the network; with files at hand use --detector rtmpose --det-model FILE --pose-model FILE"
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
