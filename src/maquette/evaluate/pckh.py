"""PCKh: the share of joints that are found within half the size of the head, MPII's measure (Andriluka et al. 2014).

The size of a head is 0.6 times the diagonal of its box. As published programs sum up: pairs of joints are the mean of
left and right, and the mean is that of 14 joints, without pelvis and thorax; head means the top of the head.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.skeletons import MPII_16

THRESHOLD = 0.5
"""In sizes of the head."""
CURVE: Float[np.ndarray, "51"] = np.arange(51) / 100
CURVE.flags.writeable = False
PARTS: dict[str, tuple[str, ...]] = {
    "head": ("head_top",),
    **{part: (f"l_{part}", f"r_{part}") for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")},
}
"""Columns of published tables, in their order."""
LEFT_OUT = ("pelvis", "thorax")
"""Joints that the mean is not of."""


@dataclass(frozen=True, eq=False)
class PckhScores:
    """In percent; NaN where nobody has the joint."""

    joints: Float[np.ndarray, "16"]
    counted: Float[np.ndarray, "16"]
    """People that have each joint."""
    parts: dict[str, float]
    mean: float
    """Of the 14 joints; the number that is quoted."""
    curve: Float[np.ndarray, "51"]
    """That mean over the thresholds :data:`CURVE`."""


def pckh(
    points_px: Float[np.ndarray, "people 16 2"],
    targets_px: Float[np.ndarray, "people 16 2"],
    head_px: Float[np.ndarray, " people"],
    counted: Bool[np.ndarray, "people 16"] | None = None,
    *,
    threshold: float | int = THRESHOLD,
) -> PckhScores:
    """PCKh of joints of mpii-16.

    Args:
        points_px: found; NaN counts as wrong.
        targets_px: NaN where a joint is not annotated; such joints are not counted.
        head_px: 0.6 times the diagonal of the head's box.
        counted: joints to count, by default all that are annotated.

    Raises:
        InputError: nobody, or people whose head has no size.
    """
    known = np.asarray(np.isfinite(targets_px).all(axis=-1)) & (True if counted is None else counted)
    if not known.any():
        raise InputError("PCKh: no joint is annotated, nothing to compare")
    heads = head_px[known.any(axis=1)]
    if not (np.isfinite(heads) & (heads > 0)).all():
        wrong = int((~(np.isfinite(heads) & (heads > 0))).sum())
        raise InputError(f"PCKh: the size of the head is not known of {wrong} of {len(heads)} people")
    shares = np.linalg.norm(points_px - targets_px, axis=-1) / np.where(head_px > 0, head_px, np.nan)[:, None]
    shares = np.where(np.isfinite(shares), shares, np.inf)
    joints = _percent(shares, known, threshold)
    parts = {part: float(np.mean(joints[list(MPII_16.indices(names))])) for part, names in PARTS.items()}
    curve = np.array([_mean(_percent(shares, known, limit)) for limit in CURVE])
    return PckhScores(joints, known.sum(axis=0).astype(np.float64), parts, _mean(joints), curve)


def _percent(
    shares: Float[np.ndarray, "people 16"], known: Bool[np.ndarray, "people 16"], threshold: float | int
) -> Float[np.ndarray, "16"]:
    count = known.sum(axis=0)
    right = ((shares < threshold) & known).sum(axis=0)
    return np.where(count > 0, 100 * right / np.maximum(count, 1), np.nan)


def _mean(joints: Float[np.ndarray, "16"]) -> float:
    kept = [i for i, name in enumerate(MPII_16.joints) if name not in LEFT_OUT and np.isfinite(joints[i])]
    return float(joints[kept].mean()) if kept else float("nan")
