"""Percentage of correct parts (PCP): the measure of KTH Multiview Football II, in the picture or in space.

A part is a limb between two joints. It is correct when both of its ends are near enough, by the limb's true length
(strict; Ferrari et al. 2008, Burenius et al. 2013 with half of it). The evaluations of Campus and Shelf (Belagiannis et
al. 2014) ask only that the mean of the two is (``rule="mean of ends"``); that is never less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.evaluate.metrics import PCP_SHARE, PcpRule, pcp, procrustes, rescaled

Alignment = Literal["none", "root", "scale", "similarity"]
"""What is done to each predicted pose first: nothing; put relative to the root, as the truth is; that and scaled by
least squares; rotated, moved and scaled onto the truth by least squares (Procrustes)."""

PARTS: dict[str, tuple[tuple[str, str], ...]] = {
    "upper arms": (("l_shoulder", "l_elbow"), ("r_shoulder", "r_elbow")),
    "lower arms": (("l_elbow", "l_wrist"), ("r_elbow", "r_wrist")),
    "upper legs": (("l_hip", "l_knee"), ("r_hip", "r_knee")),
    "lower legs": (("l_knee", "l_ankle"), ("r_knee", "r_ankle")),
}
"""The parts of KTH Football's tables, each of both sides."""


@dataclass(frozen=True)
class PartScores:
    """PCP of each part, in percent; a part without a limb whose length is known is absent."""

    parts: dict[str, float]
    limbs: dict[str, int]
    """Limbs counted."""
    average: float
    """Of all limbs counted, which is the mean of the parts where all of them are known."""


def part_scores(
    predicted: Float[np.ndarray, "poses joints dims"],
    target: Float[np.ndarray, "poses joints dims"],
    joints: Sequence[str],
    *,
    share: float | int = PCP_SHARE,
    alignment: Alignment = "none",
    root: str = "hip",
    rule: PcpRule = "both ends",
) -> PartScores:
    """PCP of :data:`PARTS`. In pixels (two dims) only the alignments none and root are meant.

    Args:
        joints: names of the joints of the arrays.
        share: of the true length.
        alignment: see :data:`Alignment`.
        root: the joint of the alignments root and scale.
        rule: both ends within ``share`` of the length, or the mean of their distances.

    Raises:
        InputError: joints that are absent, an alignment that 2D points do not have, or no limb to count.
    """
    places = {name: i for i, name in enumerate(joints)}
    needed = {name for pairs in PARTS.values() for pair in pairs for name in pair}
    needed |= {root} if alignment in ("root", "scale") else set()
    if absent := sorted(needed - places.keys()):
        raise InputError(f"PCP needs the joints {', '.join(absent)}; there are: {', '.join(joints)}")
    if alignment in ("scale", "similarity") and predicted.shape[-1] != 3:
        raise InputError(f"alignment '{alignment}' is one of positions in space; of points in a picture: none or root")
    if alignment in ("root", "scale"):
        predicted, target = (poses - poses[:, [places[root]]] for poses in (predicted, target))
    if alignment == "scale":
        predicted = rescaled(predicted, target)
    if alignment == "similarity":
        predicted = procrustes(predicted, target)
    parts, limbs, right = {}, {}, 0.0
    for name, pairs in PARTS.items():
        correct = pcp(predicted, target, [(places[a], places[b]) for a, b in pairs], share=share, rule=rule)
        known = int(np.isfinite(correct).sum())
        if known:
            parts[name], limbs[name] = 100 * float(np.nansum(correct)) / known, known
            right += float(np.nansum(correct))
    if not limbs:
        raise InputError("PCP: no limb whose true length is known and not 0")
    return PartScores(parts, limbs, 100 * right / sum(limbs.values()))
