"""The parts of the body that detectors exchange, the groups they exchange together, and what that costs."""

from dataclasses import dataclass

from maquette.refine.keypoints_edits import body_parts
from maquette.skeleton import Skeleton

CHANGE_COST_TOGETHER = 1.5
"""Cost of exchanging a group or of taking it back when another part does so in the same frame."""
DOUBT = 2.0
"""How much dearer a change is at the edge of a gap in all joints, where the path before it is a guess."""
EXCHANGED_COST_PER_S = 6.0
EXCHANGED_COST_PER_S_TOGETHER = 1.0
ODDS_CAP = 4.0
"""What a frame's logarithm of odds counts at most: pictures of people are stranger than the network knows."""

_EVIDENCE = {"eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle", "heel", "toe", "big_toe", "foot_index"}
"""Joints looked at; fingers and contours go along with their part."""
_LANDMARKS = {"face": ("eye", "ear"), "feet": ("ankle", "heel", "toe")}
"""Of each part, for the evidence of single frames; the others have one, of their own name."""


@dataclass(frozen=True)
class Group:
    """Parts exchanged together."""

    parts: tuple[str, ...]
    change_cost: float
    """Of exchanging them, or of taking that back."""
    odds_per_s: float
    """How much evidence a second of frames gives, in independent frames: neighbours make the same mistakes."""


_UPPER, _LOWER = ("face", "shoulders", "elbows", "wrists"), ("hips", "knees", "feet")
_GROUPS = (
    Group((*_UPPER, *_LOWER), 6.0, 1.5),
    Group(_UPPER, 6.0, 6.0),
    Group(_LOWER, 6.0, 6.0),
    Group(("shoulders", "elbows", "wrists"), 6.0, 6.0),
    Group(("knees", "feet"), 6.0, 6.0),
    Group(("elbows", "wrists"), 6.0, 6.0),
    Group(("face",), 8.0, 3.0),
    Group(("shoulders",), 8.0, 6.0),
    Group(("hips",), 8.0, 6.0),
    Group(("knees",), 8.0, 6.0),
    Group(("feet",), 6.0, 6.0),
    Group(("elbows",), 8.0, 6.0),
    Group(("wrists",), 6.0, 6.0),
)


def parts_of(skeleton: Skeleton) -> dict[str, list[tuple[int, int]]]:
    """Pairs of joints of each part; arms and legs by their joints."""
    parts: dict[str, list[tuple[int, int]]] = {}
    for name, pairs in body_parts(skeleton).items():
        for pair in pairs:
            words = skeleton.joints[pair[0]].split("_")
            if name == "arms":
                part = "elbows" if "elbow" in words else "wrists"
            elif name == "legs":
                part = "knees" if "knee" in words else "feet"
            else:
                part = name
            if part != "others":
                parts.setdefault(part, []).append(pair)
    return {part: pairs for part, pairs in parts.items() if telling(skeleton, pairs)}


def telling(skeleton: Skeleton, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [pair for pair in pairs if skeleton.joints[pair[0]].partition("_")[2] in _EVIDENCE]


def groups_of(parts: dict[str, list[tuple[int, int]]]) -> list[Group]:
    """Those whose parts the skeleton has, each set of parts once."""
    found: dict[frozenset[str], Group] = {}
    for group in _GROUPS:
        there = tuple(part for part in group.parts if part in parts)
        if there:
            found.setdefault(frozenset(there), Group(there, group.change_cost, group.odds_per_s))
    return list(found.values())


def landmarks_of(group: Group) -> tuple[str, ...]:
    return tuple(name for part in group.parts for name in _LANDMARKS.get(part, (part.removesuffix("s"),)))
