"""The detector ``rtmpose``: local ONNX files of RTMPose and its relatives, run by onnxruntime."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from maquette.detect.detector import Picture, Seen
from maquette.detect.onnx_files import OnnxFile
from maquette.detect.person_boxes import PersonBoxes, largest
from maquette.detect.rtmo import OneStagePose, one_stage_outputs
from maquette.detect.rtmpose_pose import EXPECTED, ColourOrder, TopDownPose
from maquette.errors import InputError, ModelError
from maquette.readers.skeleton_choice import skeleton_from_count, take_columns
from maquette.skeleton import Skeleton

ONE_PERSON, WHOLE = (192, 256), (640, 640)
"""Width and height of the input, of one person or of the whole picture, of a file that leaves them open."""
SURE = 0.3
"""Points above this confidence say where a person was."""
FEWEST_SURE = 4
"""With fewer of them nobody is taken to be there, when no network of boxes has seen somebody."""
AROUND_POINTS = 1.25
"""Sides of a person's box in sides of that around the joints: head, hands and feet stand beyond them. As in rtmlib."""


class RtmposeDetector:
    """People in boxes (top-down), in the whole picture (one person), or in one look (RTMO); see
    :func:`rtmpose_detector`."""

    def __init__(
        self,
        pose_model: str | Path,
        det_model: str | Path | None = None,
        *,
        people: int | None = None,
        colour_order: ColourOrder | None = None,
        threads: int = 0,
    ) -> None:
        self._people = people
        self._pose = open_pose(pose_model, colour_order=colour_order or "rgb", threads=threads)
        self.skeleton, self._columns = skeleton_of(self._pose.n_points, self._pose.file)
        self._boxes: PersonBoxes | None = None
        self._last: np.ndarray | None = None
        label = self._pose.file.label + (", colours as rtmlib" if colour_order == "bgr" else "")
        if isinstance(self._pose, OneStagePose):
            if colour_order is not None:
                raise InputError(
                    f"{pose_model}: is an RTMO, which takes blue, green, red from all programs; leave out "
                    f"--colour-order {colour_order}"
                )
            if det_model is not None:
                raise InputError(f"{pose_model}: sees everybody in one look (RTMO); leave out --det-model {det_model}")
            self.name = f"rtmpose ({label}, everybody in one look)"
        elif det_model is None:
            self.name = f"rtmpose ({label}, one person: in the whole picture, then around the points just seen)"
        else:
            self._boxes = PersonBoxes(det_model, threads=threads)
            self.name = f"rtmpose ({label}, boxes of {self._boxes.label})"

    def __call__(self, picture: Picture, time_s: float) -> Seen:
        if isinstance(self._pose, OneStagePose):
            boxes, points, score = self._pose(picture)
            chosen = largest(boxes, self._people)
            return seen_of(points[chosen], score[chosen], self.skeleton, self._columns)
        if self._boxes is not None:
            boxes = self._boxes(picture)
            corners = boxes.corners[largest(boxes, self._people)]
            return seen_of(*self._pose(picture, corners), self.skeleton, self._columns)
        return self._followed(self._pose, picture)

    def _followed(self, pose: TopDownPose, picture: Picture) -> Seen:
        """One person, looked for where it was last; when it is not there (any more) in the whole picture, then again
        around what was found, which is larger in the crop."""
        height, width = picture.shape[:2]
        found = None if self._last is None else _one(pose, picture, self._last)
        if found is None:
            first = _one(pose, picture, np.array([0.0, 0.0, width, height]))
            found = None if first is None else _one(pose, picture, first.box) or first
        self._last = None if found is None else found.box
        if found is None:
            return Seen.nobody(self.skeleton)
        return seen_of(found.points, found.score, self.skeleton, self._columns)

    def reset(self) -> None:
        self._last = None

    def close(self) -> None:
        self._pose.file.close()
        if self._boxes is not None:
            self._boxes.close()


class _Look(NamedTuple):
    """One person, found in one crop."""

    points: Float[np.ndarray, "1 points 2"]
    score: Float[np.ndarray, "1 points"]
    box: Float[np.ndarray, "4"]
    """Around the points that are sure."""


def _one(pose: TopDownPose, picture: Picture, corners: Float[np.ndarray, "4"]) -> _Look | None:
    """The person in a box; None if too few points are sure."""
    points, score = pose(picture, corners[None])
    sure = points[0][score[0] > SURE]
    if len(sure) < FEWEST_SURE or not (np.ptp(sure, axis=0) > 1).all():
        return None
    return _Look(points, score, around(sure))


def rtmpose_detector(
    *,
    det_model: Path | None = None,
    pose_model: Path | None,
    people: int | None = None,
    colour_order: ColourOrder | None = None,
) -> RtmposeDetector:
    """The detector of local ONNX files.

    Args:
        det_model: YOLOX or RTMDet; without it one person is followed, from a look at the whole picture on.
        pose_model: RTMPose, RTMW, DWPose, ViTPose, HRNet; or RTMO, which needs no ``det_model``.
        people: as many as this at most, the largest; by default everybody.
        colour_order: see :class:`~maquette.detect.rtmpose_pose.TopDownPose`; None takes that of the training.

    Raises:
        InputError: no pose model is given, or a box model or an order of colours where RTMO needs none.
        ModelError: a file is missing, or it cannot be told what it is.
    """
    if pose_model is None:
        raise InputError(
            "--detector rtmpose needs --pose-model FILE, an ONNX file of RTMPose or RTMO (and --det-model FILE, YOLOX "
            "or RTMDet, for several people); --detector rtmlib downloads both by itself"
        )
    return RtmposeDetector(pose_model, det_model, people=people, colour_order=colour_order)


def open_pose(path: str | Path, *, colour_order: ColourOrder = "rgb", threads: int = 0) -> TopDownPose | OneStagePose:
    """The network of poses in an ONNX file, by the shapes and names of what it gives.

    Raises:
        ModelError: the file is missing, or gives nothing of that kind.
    """
    is_whole = "rtmo" in "/".join(Path(path).resolve().parts[-2:]).lower()
    file = OnnxFile(path, default_size=WHOLE if is_whole else ONE_PERSON, expected=EXPECTED, threads=threads)
    shapes = {name: array.shape for name, array in file.outputs.items()}
    if one_stage_outputs(shapes) is not None:
        if not file.has_size and not is_whole:
            file = OnnxFile(path, default_size=WHOLE, expected=EXPECTED, threads=threads)
        return OneStagePose(file)
    is_table = [len(shape) == 3 for shape in shapes.values()]
    if is_table == [True] or any(len(shape) == 3 and shape[2] == 5 for shape in shapes.values()):
        raise file.unknown("a network of boxes, which goes to --det-model")
    return TopDownPose(file, colour_order=colour_order)


def skeleton_of(n_points: int, file: OnnxFile) -> tuple[Skeleton, list[int] | None]:
    """The skeleton of a network with ``n_points`` a person, and the columns of its joints (None: all in order).

    Raises:
        ModelError: nobody has so many.
    """
    try:
        skeleton, columns, _ = skeleton_from_count(n_points, None, str(file.path))
    except InputError as error:
        raise ModelError(f"{error}: COCO's 17, Halpe's 26 and COCO-WholeBody's 133 are those of RTMPose") from None
    return skeleton, columns


def seen_of(
    points: Float[np.ndarray, "people points 2"],
    score: Float[np.ndarray, "people points"],
    skeleton: Skeleton,
    columns: list[int] | None,
) -> Seen:
    """Points and raw scores of a network as every detector gives them: scores in [0, 1], NaN where there is none."""
    confidence = np.clip(np.nan_to_num(score.astype(np.float64)), 0.0, 1.0)
    missing = (confidence <= 0) | ~np.isfinite(points).all(-1)
    points = np.where(missing[..., None], np.nan, points.astype(np.float64))
    confidence = np.where(missing, 0.0, confidence)
    if columns is not None:
        points, confidence = take_columns(points, confidence, columns)
    return Seen(points, confidence)


def around(points: Float[np.ndarray, "sure 2"]) -> Float[np.ndarray, "4"]:
    """The box of a person with these joints, counted from the middle of the first pixel, as boxes are."""
    low, high = points.min(0) - 0.5, points.max(0) - 0.5
    centre, half = (low + high) / 2, (high - low) / 2 * AROUND_POINTS
    return np.concatenate((centre - half, centre + half))
