"""Which skeleton and which unit the numbers of a packet have."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.readers.clip import Unit
from maquette.readers.keypoint_arrays import coordinate_unit
from maquette.readers.openpose import person_layout
from maquette.readers.skeleton_choice import check_given, choose_by_geometry
from maquette.skeleton import Skeleton
from maquette.skeletons import BLAZEPOSE_33, BODY_25, get_skeleton
from maquette.stream.packet_json import Kind

_FEWEST_POINTS = 8
"""Seen, before coordinates tell their unit."""
_LARGEST_FRACTION = 10.0
"""Landmarks outside the picture are guessed at: legs below a picture of a face are at 3 times its height."""


@dataclass
class Layout:
    """How the numbers of one person are read."""

    skeleton: Skeleton
    per_point: int
    """3 with confidence, 2 without."""
    unit: Unit | None = None
    """None until enough points have been seen."""
    undecided: bool = False
    """Another skeleton has as many points, and geometry has not told yet."""

    @staticmethod
    def expected(kind: Kind, given: Skeleton | None) -> "Layout":
        """Before anybody was seen."""
        return Layout(given or (BODY_25 if kind == "people" else BLAZEPOSE_33), 3)

    def split(
        self, values: Float[np.ndarray, "people values"]
    ) -> tuple[Float[np.ndarray, "people joints 2"], Float[np.ndarray, "people joints"]]:
        """Coordinates and confidences; a point without confidence is certain unless it is 0, 0."""
        points = values.reshape(len(values), -1, self.per_point)
        if self.per_point == 2:
            return points, (points != 0).any(-1).astype(np.float64)
        return points[..., :2], points[..., 2]


def layout_of(
    kind: Kind,
    values: Float[np.ndarray, "people values"],
    per_point: int | None,
    given: Skeleton | None,
    named: str | None,
    where: str,
) -> Layout:
    """The layout of people with so many numbers.

    Args:
        kind: of the packet.
        values: of the people of one frame.
        per_point: numbers a point, where the packet tells.
        given: the user's skeleton, which goes before all else.
        named: skeleton that the packet names.
        where: what to call the packet in errors.

    Raises:
        InputError: no skeleton has that name, or none that many points.
    """
    length = values.shape[1]
    skeleton = given or (get_skeleton(named) if named is not None else None)
    if kind == "landmarks":
        return Layout(check_given(skeleton or BLAZEPOSE_33, length // 3, where)[0], 3)
    if per_point is not None and skeleton is not None:
        return Layout(check_given(skeleton, length // per_point, where)[0], per_point)
    chosen, numbers_a_point = person_layout(length, where, skeleton)
    if per_point is not None and per_point != numbers_a_point:
        raise InputError(
            f"{where}: {length // per_point} points a person of {per_point} numbers fit no known layout; name the "
            "skeleton: 'skeleton': 'coco-17'"
        )
    if length != numbers_a_point * len(chosen[0]):
        raise InputError(
            f"{where}: {length} numbers a person; expected {2 * len(chosen[0])} or {3 * len(chosen[0])} for "
            f"'{chosen[0].name}'"
        )
    layout = Layout(chosen[0], numbers_a_point)
    if len(chosen) > 1:
        points, confidence = layout.split(values)
        points = np.where(confidence[..., None] > 0, points, np.nan)
        best, why = choose_by_geometry(points, chosen, "")
        layout.skeleton, layout.undecided = best, not why
    return layout


def unit_of(
    kind: Kind, points: Float[np.ndarray, "people joints 2"], confidence: Float[np.ndarray, "people joints"]
) -> Unit | None:
    """Pixels or fractions, told by one frame; None when it shows too little to tell, and looks like fractions."""
    seen = confidence > 0
    unit: Unit
    if kind == "landmarks":
        unit = "px" if seen.any() and float(np.quantile(np.abs(points[seen]), 0.95)) > _LARGEST_FRACTION else "0..1"
    else:
        unit = coordinate_unit(np.where(seen[..., None], points, np.nan))
    return unit if unit == "px" or int(seen.sum()) >= _FEWEST_POINTS else None
