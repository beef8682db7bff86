"""Spines and necks of any number of joints: which joints they are, and how one bends as another does."""

import numpy as np
from jaxtyping import Float

from maquette.geometry.rotations import quat_slerp
from maquette.rig.target_rig import Rig

Quats = Float[np.ndarray, "frames 4"]
SPINE = ("spine", "chest", "upperChest")


def spine_nodes(rig: Rig) -> list[int]:
    """Joints from above the hips up to the last bone of the spine, with those between that have no role."""
    top = next((node for bone in reversed(SPINE) if (node := rig.node(bone)) is not None), None)
    hips = rig.node("hips")
    chain: list[int] = []
    while top is not None and top >= 0 and top != hips:
        chain.insert(0, top)
        top = rig.parents[top]
    return chain


def neck_nodes(rig: Rig) -> list[int]:
    """Joints from the neck's to below the head; none where the head does not hang on a neck."""
    neck, node = rig.node("neck"), rig.node("head")
    chain: list[int] = []
    while neck is not None and node is not None and node > neck:
        node = rig.parents[node]
        chain.insert(0, node)
    return chain if chain and chain[0] == neck else []


def spine_starts(places: list[Float[np.ndarray, "3"]], end: Float[np.ndarray, "3"]) -> list[float]:
    """Where each joint of a spine lies on the way from the lowest joint (0) to the base of the neck (1).

    Args:
        places: of the joints in the T-pose, the lowest first.
        end: base of the neck.
    """
    steps = np.linalg.norm(np.diff([*places, end], axis=0), axis=-1)
    total = float(steps.sum())
    if total < 1e-9:
        return [number / len(places) for number in range(len(places))]
    return [float(start) for start in np.cumsum([0.0, *steps[:-1]]) / total]


def bent_spine(source: tuple[tuple[float, Quats], ...], hips: Quats, starts: list[float]) -> list[Quats]:
    """Turns of the joints of another spine: each the mean of the source's along its bone; as many joints turn one by
    one, and the highest as the highest, since it carries the arms.

    Args:
        source: of each joint its start (:func:`spine_starts`) and its turn.
        hips: turn of the hips, from which a spine bends that has one joint only.
        starts: of the joints of the other spine.
    """
    if len(source) == len(starts):
        return [turn for _, turn in source]
    top = source[-1][1]
    if len(source) == 1:
        return [quat_slerp(hips, top, (number + 1) / len(starts)) for number in range(len(starts))]
    ends = [*[start for start, _ in source[1:]], 1.0]
    found = []
    for low, high in zip(starts, [*starts[1:], 1.0], strict=True):
        mean, weight = source[-1][1], 0.0
        for (start, turn), end in zip(source, ends, strict=True):
            share = min(high, end) - max(low, start)
            if share > 1e-9:
                mean = turn if weight == 0.0 else quat_slerp(mean, turn, share / (weight + share))
                weight += share
        found.append(mean if weight else next(turn for start, turn in reversed(source) if start <= low + 1e-9))
    return [*found[:-1], top]
