"""The detector ``hourglass``: a network of pictures of Maquette's own, which sees joints and their depths."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from maquette.detect.crop_joints import CropJoints, read_crops
from maquette.detect.detector import Picture, Seen
from maquette.detect.heatmaps import Refinement
from maquette.detect.person_boxes import Boxes, largest
from maquette.detect.person_crop import LEAST_SIDE_PX, Crop, crop_around, crop_picture
from maquette.errors import InputError, ModelError
from maquette.runtime.picture_model import PictureModel
from maquette.runtime.picture_spec import PictureSpec
from maquette.skeletons import MPII_16

SURE = 0.25
"""Peaks above this say where somebody is."""
FEWEST_SURE = 5
"""With fewer of them nobody is taken to be there."""
LOST = 0.75
"""Where the joints that are sure are fewer than this share of those of the picture before, the person may have left the
crop: the whole picture is looked at, too."""
JOINTS_TO_HEIGHT = 1.06
"""Feet and hair stand beyond ankles and the top of the head."""
_PELVIS = MPII_16.index("pelvis")


class _Look(NamedTuple):
    """One person in one crop."""

    seen: Seen
    sure: int
    """Number of joints that are."""
    around: Crop
    """Where to look next."""


class HourglassDetector:
    """People with depths: one person, or one in each box that somebody else finds.

    Without boxes the first picture is looked at as a whole, as the published demo does (the person should stand in its
    middle, and all of it be in it), and then again, closer; pictures after it around the joints just seen, and as a
    whole again where these are lost.

    Args:
        path: the ``.onnx`` file.
        boxes: finds people's boxes in a picture (:class:`~maquette.detect.person_boxes.PersonBoxes`).
        people: as many of the boxes as this at most, the largest.
        flip: average with the mirrored crop.
        refine: how heatmaps are read; by default to the top of their bells, as a model file may not say.
        looks: at the first picture, each closer around what was seen; the published demo has 1.
        threads: of onnxruntime; 0: one for each core.

    Raises:
        ModelError: the file cannot be used, or gives other joints than MPII's.
        InputError: ``people`` without boxes, or a number that is not positive.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        boxes: Callable[[Picture], Boxes] | None = None,
        people: int | None = None,
        flip: bool = True,
        refine: Refinement = "taylor",
        looks: int = 2,
        threads: int = 0,
    ) -> None:
        if looks < 1 or (people is not None and people < 1):
            raise InputError(f"{path}: {looks} looks, {people} people; expected 1 or more")
        self._model: PictureModel | None = PictureModel(path, threads=threads)
        self.spec: PictureSpec = self._model.spec
        self.sha256 = self._model.sha256
        if self.spec.skeleton != MPII_16.name:
            raise ModelError(f"{path}: gives the joints of '{self.spec.skeleton}', expected {MPII_16.name}")
        self.skeleton = MPII_16
        self._boxes, self._people, self._looks = boxes, people, looks
        self._flip = flip
        self._refine: Refinement = refine
        self._last: _Look | None = None
        where = "one person in each box found" if boxes else "one person: in the whole picture, then around it"
        self.name = f"hourglass ({self.spec.name}; {where})"

    def __call__(self, picture: Picture, time_s: float) -> Seen:
        if self._boxes is not None:
            return self._in_boxes(picture, self._boxes(picture))
        before, look = self._last, None
        if before is not None:
            look = self._look(picture, before.around)
        if before is None or look is None or look.sure < LOST * before.sure:
            anew = self._anew(picture)
            look = anew if look is None or (anew is not None and anew.sure > look.sure) else look
        self._last = look
        return Seen.nobody(self.skeleton) if look is None else look.seen

    def reset(self) -> None:
        self._last = None

    def close(self) -> None:
        self._model = None

    def _anew(self, picture: Picture) -> "_Look | None":
        """Somebody in the whole picture, looked at closer and closer."""
        found, crop = None, whole_picture(picture)
        for _ in range(self._looks):
            look = self._look(picture, crop)
            # A closer look that loses the person does not undo the one before.
            if look is None:
                break
            found, crop = look, look.around
        return found

    def _look(self, picture: Picture, crop: Crop) -> "_Look | None":
        """What is seen in one crop; None where that is nobody."""
        seen, sure = self._read(picture, [crop])
        if sure[0].sum() < FEWEST_SURE:
            return None
        margin = JOINTS_TO_HEIGHT * self.spec.crop_heights
        return _Look(seen, int(sure[0].sum()), crop_around(seen.points[0], sure[0], margin=margin))

    def _in_boxes(self, picture: Picture, boxes: Boxes) -> Seen:
        chosen = boxes.corners[largest(boxes, self._people)]
        crops = [crop_of_box(corners, self.spec.crop_heights) for corners in chosen]
        if not crops:
            return Seen.nobody(self.skeleton)
        seen, sure = self._read(picture, crops)
        there = sure.sum(axis=1) >= FEWEST_SURE
        depth_px = None if seen.depth_px is None else seen.depth_px[there]
        return Seen(seen.points[there], seen.confidence[there], depth_px)

    def _read(self, picture: Picture, crops: Sequence[Crop]) -> tuple[Seen, Bool[np.ndarray, "crops 16"]]:
        """One person in each crop, and which of the joints are sure."""
        if self._model is None:
            raise ModelError(f"{self.name}: is closed; open another")
        size = self.spec.input_size
        cut = np.stack([crop_picture(picture, crop, size) for crop in crops])
        joints = read_crops(self._model, cut, flip=self._flip, refine=self._refine)
        return in_picture(joints, crops), joints.confidence > SURE


def whole_picture(picture: Picture) -> Crop:
    """The square around all of it."""
    height, width = picture.shape[:2]
    return Crop(np.array([width / 2, height / 2]), float(max(width, height)))


def crop_of_box(corners: Float[np.ndarray, "4"], crop_heights: float) -> Crop:
    """The square that a network is shown of a person in a box.

    Args:
        corners: left, top, right, bottom, counted from the middle of the first pixel, as boxes are.
        crop_heights: its side in longer sides of the box.
    """
    low, high = corners[:2] + 0.5, corners[2:] + 0.5
    return Crop((low + high) / 2, max(float((high - low).max()) * crop_heights, LEAST_SIDE_PX))


def in_picture(joints: CropJoints, crops: Sequence[Crop]) -> Seen:
    """Joints of crops as people of the picture, their depths behind the pelvis (behind the middle of those seen, where
    it is not)."""
    points = np.stack([crop.to_picture(of, 1) for crop, of in zip(crops, joints.points, strict=True)])
    if joints.depth is None:
        return Seen(points, joints.confidence)
    side = np.array([crop.side_px for crop in crops])[:, None]
    known = np.isfinite(joints.depth)
    middle = np.where(known, joints.depth, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    root = np.where(known[:, _PELVIS], joints.depth[:, _PELVIS], middle)
    return Seen(points, joints.confidence, (joints.depth - root[:, None]) * side)
