"""Which joint of a figure is which bone of a humanoid, told by names and by what hangs on what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from maquette.errors import InputError
from maquette.rig.role_words import (
    FOOT,
    HAND,
    HEAD,
    HIPS,
    LOWER_ARM,
    LOWER_LEG,
    NECK,
    SHOULDER,
    TOES,
    UPPER_ARM,
    UPPER_LEG,
    Word,
    word_of,
)
from maquette.rig.target_rig import HUMANOID_BONES, REQUIRED_BONES

_LEG = ("UpperLeg", "LowerLeg", "Foot", "Toes")
_ARM = ("Shoulder", "UpperArm", "LowerArm", "Hand")


@dataclass(frozen=True)
class Roles:
    """What was found."""

    bones: dict[str, str]
    """Bone of :data:`maquette.rig.target_rig.HUMANOID_BONES` -> name of the joint that is it."""
    certainty: dict[str, float]
    """Of each bone: 1 when name and place in the tree say so, less when only its place does."""
    spine: tuple[str, ...] = ()
    """All joints from above the hips to the one that carries neck and arms."""
    missing: tuple[str, ...] = field(default=())
    """Bones that every humanoid has and that were not found."""


@dataclass(frozen=True)
class _Tree:
    names: tuple[str, ...]
    parents: tuple[int, ...]
    words: tuple[Word, ...]

    def way_up(self, node: int) -> list[int]:
        """The node and all above it."""
        way = [node]
        while self.parents[way[-1]] >= 0:
            way.append(self.parents[way[-1]])
        return way

    def meeting(self, nodes: Iterable[int]) -> int:
        """Lowest joint that is each of the nodes or above it; -1 when there is none."""
        ways = [self.way_up(node) for node in nodes]
        return next((node for node in ways[0] if all(node in way for way in ways)), -1)

    def below(self, node: int, above: int) -> bool:
        return node != above and above in self.way_up(node)

    def find(self, keys: Sequence[str], side: str, above: int = -1) -> list[int]:
        """Joints of one of the keys and of a side, below ``above``, those of surer keys first, then from the root."""
        fitting = [
            (keys.index(word.key), len(self.way_up(node)), node)
            for node, word in enumerate(self.words)
            if word.key in keys and word.side == side and (above < 0 or self.below(node, above))
        ]
        return [node for _, _, node in sorted(fitting)]


def guess_roles(names: Sequence[str], parents: Sequence[int]) -> Roles:
    """Roles of the joints of any figure, as far as they are known.

    Names of Mixamo, CMU (BVH and ASF), MotionBuilder, iClone, DAZ, Unreal, Unity, VRM and VRoid, SMPL, Rigify, Biped,
    Xsens, Rokoko, Perception Neuron, Human3.6M and their like are known, with or without prefixes. A word that stands
    for two bones (``LeftShoulder`` is a collar bone or an upper arm, ``Hip`` a thigh or the pelvis, ``Foot`` an ankle
    or toes) is decided by what else hangs on the same limb.

    Args:
        names: of the joints.
        parents: index of each joint's parent, -1 for roots.
    """
    tree = _Tree(tuple(names), tuple(parents), tuple(word_of(name) for name in names))
    found: dict[str, int] = {}
    for side in ("left", "right"):
        found |= {f"{side}{bone}": node for bone, node in _leg(tree, side).items()}
        found |= {f"{side}{bone}": node for bone, node in _arm(tree, side).items()}
    certainty = {bone: 1.0 for bone in found}
    spine: list[int] = []
    if {"leftUpperLeg", "rightUpperLeg"} <= found.keys():
        trunk, spine = _trunk(tree, found)
        for bone, node in trunk.items():
            keys = {"hips": HIPS, "neck": NECK, "head": HEAD}.get(bone)
            certainty[bone] = 1.0 if keys is None or tree.words[node].key in keys else 0.5
        found |= trunk
    bones = {bone: tree.names[found[bone]] for bone in HUMANOID_BONES if bone in found}
    return Roles(
        bones=bones,
        certainty={bone: certainty[bone] for bone in bones},
        spine=tuple(tree.names[node] for node in spine),
        missing=tuple(bone for bone in REQUIRED_BONES if bone not in bones),
    )


def roles_or_error(names: Sequence[str], parents: Sequence[int], where: str) -> Roles:
    """As :func:`guess_roles`, for figures that must be whole.

    Raises:
        InputError: bones are missing; the text lists what was found and what was not.
    """
    roles = guess_roles(names, parents)
    if roles.missing:
        seen = ", ".join(f"{bone} = {joint}" for bone, joint in roles.bones.items()) or "none"
        raise InputError(
            f"{where}: not recognised as a human figure: {', '.join(roles.missing)} were not found among its "
            f"{len(names)} joints ({', '.join(names[:8])}{' ...' if len(names) > 8 else ''}). Found: {seen}. "
            "Rename its joints as Mixamo, Unity or VRM do, or give a .vrm, which names them itself"
        )
    return roles


def _leg(tree: _Tree, side: str) -> dict[str, int]:
    """Thigh, shin, foot and toes of one side, as far as they are found."""
    # Of all ways to read the names the one with most bones; what is sure goes first.
    best: dict[str, int] = {}
    for upper in tree.find(UPPER_LEG, side):
        for lower in tree.find(LOWER_LEG, side, upper):
            chain = {"UpperLeg": upper, "LowerLeg": lower}
            feet = sorted(tree.find(FOOT, side, lower), key=lambda node: len(tree.way_up(node)))
            if feet:
                chain["Foot"] = feet[0]
                toes = tree.find(TOES, side, feet[0])
                if toes:
                    chain["Toes"] = toes[0]
            if len(chain) > len(best):
                best = chain
    return best


def _arm(tree: _Tree, side: str) -> dict[str, int]:
    """Shoulder, upper arm, forearm and hand of one side, as far as they are found."""
    best: dict[str, int] = {}
    for upper in tree.find(UPPER_ARM, side):
        for lower in tree.find(LOWER_ARM, side, upper):
            chain = {"UpperArm": upper, "LowerArm": lower}
            hands = sorted(tree.find(HAND, side, lower), key=lambda node: len(tree.way_up(node)))
            if hands:
                chain["Hand"] = hands[0]
            above = [node for node in tree.find(SHOULDER, side) if tree.below(upper, node)]
            if above:
                chain["Shoulder"] = above[0]
            if len(chain) > len(best):
                best = chain
    return best


def _trunk(tree: _Tree, found: dict[str, int]) -> tuple[dict[str, int], list[int]]:
    """``(hips, spine, neck and head; all joints of the spine)``."""
    legs = [found["leftUpperLeg"], found["rightUpperLeg"]]
    arms = [found[bone] for side in ("left", "right") for bone in (f"{side}Shoulder",) if bone in found]
    if len(arms) < 2:
        arms = [found[bone] for bone in ("leftUpperArm", "rightUpperArm") if bone in found]
    heads = [node for node in tree.find(HEAD, "")]
    upper = arms if len(arms) == 2 else heads[:1]
    if not upper:
        return {}, []
    hips = _hips(tree, tree.meeting(legs), tree.meeting([*legs, *upper]))
    if hips < 0:
        return {}, []
    top = tree.meeting(arms) if len(arms) == 2 else hips
    trunk = {"hips": hips}
    spine = [] if top == hips or not tree.below(top, hips) else _between(tree, hips, top)
    head = next((node for node in heads if tree.below(node, top)), None)
    if head is not None:
        trunk["head"] = head
        necks = _between(tree, top, tree.parents[head]) if tree.parents[head] != top else []
        if necks:
            # A joint on the way that does not call itself a neck belongs to the spine (the spine of a snake-like rig).
            named = [node for node in necks if tree.words[node].key in NECK]
            trunk["neck"] = named[0] if named else necks[0]
    places = {1: ("spine",), 2: ("spine", "chest")}.get(len(spine), ("spine", "chest", "upperChest"))
    if spine:
        chosen = [spine[0], spine[len(spine) // 2], spine[-1]] if len(spine) >= 3 else spine
        trunk |= dict(zip(places, chosen, strict=True))
    return trunk, spine


def _hips(tree: _Tree, legs: int, body: int) -> int:
    """The joint that carries legs and trunk; where thighs hang on the spine (old Bipeds), the pelvis above it."""
    if body < 0 or tree.words[body].key in HIPS or (legs == body and not tree.words[body].key):
        return body
    above = [node for node in tree.way_up(body) if tree.words[node].key in HIPS[:3]]
    return above[0] if above else body


def _between(tree: _Tree, above: int, node: int) -> list[int]:
    """Joints from below ``above`` down to ``node``."""
    way = tree.way_up(node)
    return list(reversed(way[: way.index(above)])) if above in way else []
