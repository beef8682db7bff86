"""Which skeleton a file speaks: by the names it gives, by its format and size, and, where two are left, by geometry."""

import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.skeleton import Skeleton
from maquette.skeletons import (
    BLAZEPOSE_33,
    BODY_25,
    BODY_25B,
    COCO_17,
    COCO_18,
    H36M_17,
    HALPE_26,
    HALPE_136,
    MPII_16,
    SKELETONS,
    get_skeleton,
)
from maquette.track.detections import observed_joints

CLEAR_RATIO = 1.2
"""Bones must be this much shorter in one reading than in the other before geometry decides between two skeletons."""


def given_skeleton(skeleton: Skeleton | str | None) -> Skeleton | None:
    """The skeleton a user names.

    Raises:
        InputError: no skeleton has that name.
    """
    return get_skeleton(skeleton) if isinstance(skeleton, str) else skeleton


def check_given(skeleton: Skeleton, n_joints: int, where: str) -> tuple[Skeleton, str]:
    """``(skeleton, why)`` for a skeleton that the user gave.

    Raises:
        InputError: the file has another number of points.
    """
    if len(skeleton) != n_joints:
        fitting = [name for name, candidate in SKELETONS.items() if len(candidate) == n_joints]
        hint = f"skeletons of that size: {', '.join(fitting)}" if fitting else "no known skeleton has that size"
        raise InputError(
            f"{where}: has {n_joints} points a person, but skeleton '{skeleton.name}' has {len(skeleton)}; {hint}"
        )
    return skeleton, "the skeleton was given"


def choose_by_geometry(
    points: Float[np.ndarray, "rows joints 2"], candidates: Sequence[Skeleton], default_why: str
) -> tuple[Skeleton, str]:
    """The candidate in whose reading the bones are shortest; the first one when none wins clearly.

    In a wrong order the bones run across the body, so that their mean length relative to the body's size is larger.

    Args:
        points: NaN where missing; up to 500 rows, spread over the clip, are looked at.
        candidates: skeletons of one size, the most usual one first.
        default_why: clause that says why the first one is taken when geometry does not decide.
    """
    rows = points[:: max(1, len(points) // 500)]
    lengths = [_relative_bone_length(rows, candidate) for candidate in candidates]
    order = np.argsort(lengths)
    best, second = candidates[order[0]], candidates[order[1]]
    ratio = lengths[order[1]] / max(lengths[order[0]], 1e-9)
    if ratio >= CLEAR_RATIO:
        return best, f"its bones are {ratio:.1f} times shorter than read as '{second.name}'"
    return candidates[0], default_why


def _relative_bone_length(points: Float[np.ndarray, "rows joints 2"], skeleton: Skeleton) -> float:
    """Mean over the seen bones of all rows of length / body size; 1 when no bone is seen."""
    seen = observed_joints(points)
    count = seen.sum(1)
    points, seen = points[count >= 4], seen[count >= 4]
    if not len(points):
        return 1.0
    size = np.linalg.norm(np.nanmax(points, axis=1) - np.nanmin(points, axis=1), axis=-1)
    parent, child = np.array(skeleton.bones).T
    length = np.linalg.norm(points[:, child] - points[:, parent], axis=-1) / np.maximum(size, 1e-9)[:, None]
    return float(np.nanmean(length)) if np.isfinite(length).any() else 1.0


_WHOLEBODY_133 = (*range(17), -1, -1, -1, 17, 20, 18, 21, 19, 22)
"""Columns of COCO-WholeBody (133 points) for Halpe-26; it has no head top, neck and middle of the hips."""

_BY_COUNT: dict[int, Skeleton] = {16: MPII_16, 17: COCO_17, 18: COCO_18, 26: HALPE_26, 136: HALPE_136}


def skeleton_from_count(n_points: int, given: Skeleton | None, where: str) -> tuple[Skeleton, list[int] | None, str]:
    """Skeleton of a format that fixes the order for each number of points (COCO, AlphaPose, YOLO, MMPose).

    Returns:
        ``(skeleton, columns, why)``; ``columns`` as in :func:`skeleton_from_names`, None for all in order.

    Raises:
        InputError: no skeleton of the format has that many points, or the given one has another number.
    """
    if given is not None:
        return (*check_given(given, n_points, where)[:1], None, "the skeleton was given")
    if n_points == 133:
        return (
            HALPE_26,
            list(_WHOLEBODY_133),
            "133 points a person are COCO-WholeBody's, of which body and feet are used",
        )
    if n_points not in _BY_COUNT:
        known = ", ".join(str(n) for n in (*_BY_COUNT, 133))
        raise InputError(f"{where}: {n_points} points a person; expected {known}, or give the skeleton")
    return _BY_COUNT[n_points], None, f"{n_points} points a person"


def take_columns(
    points: Float[np.ndarray, "rows columns 2"], confidence: Float[np.ndarray, "rows columns"], columns: list[int]
) -> tuple[Float[np.ndarray, "rows joints 2"], Float[np.ndarray, "rows joints"]]:
    """Joints from the columns of a file; column -1 is a joint that it has not."""
    absent = np.array(columns) < 0
    points, confidence = points[:, columns].copy(), confidence[:, columns].copy()
    points[:, absent] = np.nan
    confidence[:, absent] = 0.0
    return points, confidence


_ALIASES = {
    "hip": "mid_hip",
    "pelvis": "mid_hip",
    "root": "mid_hip",
    "midhip": "mid_hip",
    "hips": "mid_hip",
    "head_top": "head",
    "top_head": "head",
    "headtop": "head",
    "top_of_head": "head",
    "r_foot_index": "r_big_toe",
    "l_foot_index": "l_big_toe",
}
"""Names that formats use for one joint, as the skeletons with feet name it."""

_BY_NAMES = (COCO_17, COCO_18, BODY_25, HALPE_26, BODY_25B, BLAZEPOSE_33, MPII_16, H36M_17)


def plain_name(name: str) -> str:
    """A joint name in our spelling: ``LeftBigToe``, ``left big toe``, ``LBigToe`` -> ``l_big_toe``."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\s\-.]+", "_", name.strip()).lower()
    text = re.sub(r"_+", "_", text).strip("_")
    text = re.sub(r"^(left)_?|^(right)_?", lambda m: "l_" if m.group(1) else "r_", text)
    text = re.sub(r"^(.*)_(left|right|l|r)$", lambda m: f"{m.group(2)[0]}_{m.group(1)}", text)
    return text


def skeleton_from_names(names: Sequence[str], where: str) -> tuple[Skeleton, list[int], tuple[str, ...]]:
    """The smallest skeleton that has the named joints.

    Returns:
        ``(skeleton, column of each of its joints, notes)``; the column is -1 for a joint that the file has not. Names
        that no skeleton knows (fingers, face points, a racket) are left out with a note.

    Raises:
        InputError: fewer than 8 names are joints of any one skeleton.
    """
    plain = [plain_name(name) for name in names]
    best: tuple[tuple[int, int], Skeleton, list[int]] | None = None
    for skeleton in _BY_NAMES:
        columns = [_column(plain, joint, skeleton) for joint in skeleton.joints]
        known = sum(column >= 0 for column in columns)
        score = (known, -len(skeleton))
        if best is None or score > best[0]:
            best = (score, skeleton, columns)
    assert best is not None
    (known, _), skeleton, columns = best
    if known < 8:
        raise InputError(
            f"{where}: only {known} of its {len(names)} names are body joints ({', '.join(names[:6])} ...); "
            "expected names such as nose, left_shoulder, right_knee"
        )
    unused = [names[i] for i in sorted(set(range(len(names))) - set(columns))]
    notes = ()
    if unused:
        shown = ", ".join(unused[:4]) + (" ..." if len(unused) > 4 else "")
        notes = (f"{len(unused)} points are not joints of '{skeleton.name}' and were left out: {shown}",)
    return skeleton, columns, notes


def _column(plain: list[str], joint: str, skeleton: Skeleton) -> int:
    """Column of ``joint`` among the file's names, its other spellings included; -1 when it has none."""
    if joint in plain:
        return plain.index(joint)
    for i, name in enumerate(plain):
        if name not in skeleton and _ALIASES.get(name) == joint:
            return i
    return -1
