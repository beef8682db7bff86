"""Which joints the markers of a file are: a skeleton of ours where the names say so, bare markers otherwise."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.formats.unique_names import renamed, unique_names
from maquette.readers.motion_bvh import mirror_pairs
from maquette.readers.skeleton_choice import plain_name, skeleton_from_names
from maquette.skeleton import Skeleton
from maquette.skeletons import SKELETONS

_NAME = "markers"
_UPPER = ("head", "neck", "nose", "thorax", "l_shoulder", "r_shoulder")


def skeleton_of_markers(names: Sequence[str], where: str) -> tuple[Skeleton, list[int], tuple[str, ...]]:
    """``(skeleton, column of each of its joints, notes)``; the column is -1 for a joint that the file has not.

    A file whose names are the joints of one of our skeletons gets it, also in other spellings (``RKnee``) and when
    joints are missing, as OpenPose's and Halpe's markers of Sports2D and Pose2Sim. Where other markers stand among
    them, all are kept under the file's names, with bones between the joints; names that are no joints get none.
    """
    unique = list(unique_names(names))
    numbered = renamed(names, unique)
    notes = (f"markers of the same name were numbered: {', '.join(numbered)}",) if numbered else ()
    for same in (_in_order, set):
        for skeleton in SKELETONS.values():
            if same(unique) == same(skeleton.joints):
                return skeleton, [unique.index(joint) for joint in skeleton.joints], notes
    bare = Skeleton(_NAME, tuple(unique), (-1,) * len(unique), mirror_pairs(tuple(unique)))
    try:
        skeleton, columns, _ = skeleton_from_names(unique, where)
    except InputError:
        return bare, list(range(len(unique))), (*notes, "the names of the markers are no joints: they have no bones")
    if len(set(columns) - {-1}) == len(unique):
        absent = [joint for joint, column in zip(skeleton.joints, columns, strict=True) if column < 0]
        lacking = f", without {', '.join(absent)}" if absent else ""
        return skeleton, columns, (*notes, f"the markers are joints of '{skeleton.name}'{lacking}")
    parents = _parents(skeleton, columns, len(unique))
    known = len(set(columns) - {-1})
    note = f"{known} of {len(unique)} markers are joints of '{skeleton.name}' and have its bones; all are kept"
    pairs = mirror_pairs(tuple(unique))
    return Skeleton(_NAME, tuple(unique), tuple(parents), pairs), list(range(len(unique))), (*notes, note)


def mean_upward(
    positions: Float[np.ndarray, "frames markers 3"], names: Sequence[str]
) -> Float[np.ndarray, "3"] | None:
    """Mean way from an ankle to the joints above it, which tells the axis that points up; None where names or
    positions do not have both."""
    plain = [plain_name(name) for name in names]
    low = [i for i, name in enumerate(plain) if name in ("l_ankle", "r_ankle")]
    above = [i for i, name in enumerate(plain) if name in _UPPER]
    ways = [positions[:, j] - positions[:, i] for i in low for j in above]
    if not ways:
        return None
    body = np.concatenate(ways)
    body = body[np.isfinite(body).all(axis=-1)]
    return body.mean(axis=0) if len(body) else None


def spread_m(positions: Float[np.ndarray, "frames joints 3"]) -> float:
    """Median over the frames of the longest side of the box around all markers, in the unit of the positions."""
    known: np.ndarray = np.all(np.isfinite(positions), axis=-1)
    some = positions[known.sum(axis=1) >= 2]
    if not len(some):
        return 0.0
    return float(np.median((np.nanmax(some, axis=1) - np.nanmin(some, axis=1)).max(axis=-1)))


def _in_order(names: Sequence[str]) -> list[str]:
    return list(names)


def _parents(skeleton: Skeleton, columns: list[int], n_markers: int) -> list[int]:
    """For each marker the column of the nearest joint above it that the file has; -1 for none."""
    parents = [-1] * n_markers
    for joint, column in enumerate(columns):
        above = skeleton.parents[joint]
        while above >= 0 and columns[above] < 0:
            above = skeleton.parents[above]
        if column >= 0 and above >= 0:
            parents[column] = columns[above]
    return parents
