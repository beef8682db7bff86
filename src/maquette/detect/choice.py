"""The detectors by name, and which of them is taken."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from maquette.detect.detector import Detector
from maquette.errors import InputError, MissingExtraError

DetectorName = Literal["auto", "mediapipe", "mediapipe-legacy", "rtmpose", "rtmlib", "hourglass"]
Mode = Literal["lightweight", "balanced", "performance"]
ColourOrder = Literal["rgb", "bgr"]

MOST_PEOPLE = 6
"""At once, by MediaPipe, which looks at each of them anew, when everybody is wanted."""


@dataclass(frozen=True)
class DetectorWish:
    """Which detector, and how."""

    name: str = "auto"
    """One of :data:`DetectorName`."""
    det_model: Path | None = None
    """File of the network that finds people's boxes."""
    pose_model: Path | None = None
    """File of the network that finds their joints."""
    mode: Mode | None = None
    """Size of the networks."""
    people: int | None = None
    """At most so many in a picture."""
    colour_order: ColourOrder | None = None
    """In which networks of joints get the colours; None is that of their training."""
    flip: bool = True
    """Average with the mirrored picture, where the detector can."""
    several: bool = True
    """Without ``people``: everybody is wanted, also from detectors to whom each person is more work."""
    still: bool = False
    """The pictures have nothing to do with each other."""


def _mediapipe(wish: DetectorWish) -> Detector:
    from maquette.detect.mediapipe import mediapipe_detector

    return mediapipe_detector(
        pose_model=wish.pose_model, people=wish.people or (MOST_PEOPLE if wish.several else 1), still=wish.still
    )


def _mediapipe_legacy(wish: DetectorWish) -> Detector:
    from maquette.detect.mediapipe import mediapipe_legacy_detector

    return mediapipe_legacy_detector(still=wish.still)


def _rtmpose(wish: DetectorWish) -> Detector:
    from maquette.detect.rtmpose import rtmpose_detector

    return rtmpose_detector(
        det_model=wish.det_model, pose_model=wish.pose_model, people=wish.people, colour_order=wish.colour_order
    )


def _rtmlib(wish: DetectorWish) -> Detector:
    from maquette.detect.rtmpose_rtmlib import rtmlib_detector

    return rtmlib_detector(mode=wish.mode or "balanced", people=wish.people, colour_order=wish.colour_order or "rgb")


def _hourglass(wish: DetectorWish) -> Detector:
    from maquette.detect.hourglass import HourglassDetector
    from maquette.detect.person_boxes import PersonBoxes

    if wish.pose_model is None:
        raise InputError("--detector hourglass needs its network: --pose-model FILE.onnx")
    if wish.det_model is None:
        if (wish.people or 1) > 1:
            raise InputError(f"--people {wish.people}: for several people hourglass needs boxes: --det-model FILE.onnx")
        return HourglassDetector(wish.pose_model, flip=wish.flip)
    boxes = PersonBoxes(wish.det_model)
    return HourglassDetector(wish.pose_model, boxes=boxes, people=wish.people, flip=wish.flip)


def _has_mediapipe() -> bool:
    from maquette.detect.mediapipe_package import models_inside

    return models_inside()


def _has_rtmlib() -> bool:
    from maquette.detect.rtmpose_rtmlib import is_rtmlib_installed

    return is_rtmlib_installed()


def _never() -> bool:
    return False


@dataclass(frozen=True)
class _Choice:
    works_alone: Callable[[], bool]
    """Whether it can be used as it is, without a file given."""
    build: Callable[[DetectorWish], Detector]
    takes: frozenset[str]
    """The fields of a wish that say something to it."""


DETECTORS: dict[str, _Choice] = {
    "mediapipe": _Choice(_has_mediapipe, _mediapipe, frozenset({"pose_model", "people"})),
    "mediapipe-legacy": _Choice(_never, _mediapipe_legacy, frozenset()),
    "rtmlib": _Choice(_has_rtmlib, _rtmlib, frozenset({"mode", "people", "colour_order"})),
    "rtmpose": _Choice(_never, _rtmpose, frozenset({"det_model", "pose_model", "people", "colour_order"})),
    "hourglass": _Choice(_never, _hourglass, frozenset({"det_model", "pose_model", "people"})),
}
"""By the name that ``--detector`` takes; ``auto`` is the first that works as it is."""

NONE_INSTALLED = (
    "no detector is installed to find people in pictures: pip install 'maquette[detect]' (MediaPipe, for Python 3.11 "
    "and 3.12) or pip install 'maquette[detect-rtm]' (RTMPose by rtmlib, which downloads its networks on first use)"
)


def open_detector(wish: DetectorWish) -> Detector:
    """The detector wished for; ``auto`` is the first of :data:`DETECTORS` that is installed.

    Raises:
        MissingExtraError: it is not installed, or none is; the text has the pip command.
        InputError: options that do not fit together, a file that is needed, or no such detector.
        ModelError: a file that cannot be used.
    """
    if wish.name not in get_args(DetectorName):
        raise InputError(f"--detector {wish.name}: expected one of {', '.join(get_args(DetectorName))}")
    name = _first() if wish.name == "auto" and _given(wish) <= {"people"} else wish.name
    if name == "auto":
        which = ", ".join(known for known, choice in DETECTORS.items() if _given(wish) <= choice.takes)
        raise InputError(f"{_flags(_given(wish))}: say for which detector: --detector {which.replace(', ', '|')}")
    foreign = _given(wish) - DETECTORS[name].takes
    if foreign:
        raise InputError(f"{_flags(foreign)} cannot be used with --detector {name}")
    return DETECTORS[name].build(wish)


def _first() -> str:
    from maquette.detect.mediapipe_package import is_installed, need_models_inside

    for name, choice in DETECTORS.items():
        if choice.works_alone():
            return name
    if is_installed():
        need_models_inside()
    raise MissingExtraError(NONE_INSTALLED)


def _given(wish: DetectorWish) -> set[str]:
    fields = ("det_model", "pose_model", "mode", "people", "colour_order")
    return {field for field in fields if getattr(wish, field) is not None}


def _flags(fields: set[str]) -> str:
    return ", ".join(f"--{field.replace('_', '-')}" for field in sorted(fields))
