"""Where a rig has the parts of a person in the T-pose: what a body is built on, whichever rig it is."""

import logging
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.exporters.body_shapes import Vector
from maquette.geometry.rotations import quat_rotate
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.human_pose import rig_of_animation
from maquette.rig.t_pose import t_pose

_log = logging.getLogger(__name__)

_STATURE_M = 1.70
_COLLAR = (0.015, 0.05)
"""Least and greatest height of the base of the neck over the shoulders, as shares of the way from the ground to the
neck. Joints of the neck lie between: in the chest (CMU) up to close below the skull (DAZ)."""
_CROWN = 0.19
_CROWNS = (0.155, 0.22)
"""Height of the crown over the base of the neck, as the same share: the usual one, and what is believed."""
_SAME_M = 1e-4


def standing_rest(animation: RigAnimation) -> tuple[Float[np.ndarray, "nodes 3"], Float[np.ndarray, "nodes 4"]]:
    """``(places, orientations)`` of all joints in the rest pose in the world: a root that has a height of its own keeps
    it, any other stands as high as puts the lowest joint or tip on the ground."""
    places, orientations = animation.rest_pose()
    if not animation.rest_offsets_m[0].any():
        ends = places + quat_rotate(orientations, animation.tip_offsets_m)
        places = places - [0.0, float(np.nanmin(np.concatenate((places, ends))[:, 1])), 0.0]
    return places, orientations


@dataclass(frozen=True, eq=False)
class Landmarks:
    """The humanoid bones of a rig in the T-pose: in the world, metres, Y up, facing +Z, left = +X."""

    animation: RigAnimation
    nodes: dict[str, int]
    """Humanoid bone -> joint of the rig."""
    places: Float[np.ndarray, "nodes 3"]
    orientations: Float[np.ndarray, "nodes 4"]

    @cached_property
    def children(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {node: [] for node in range(len(self.animation.names))}
        for node, parent in enumerate(self.animation.parents):
            if parent >= 0:
                found[parent].append(node)
        return found

    def at(self, bone: str) -> Vector:
        """Place of a humanoid bone."""
        return self.places[self.nodes[bone]]

    def tip(self, node: int) -> Vector | None:
        """End of a joint's bone; None where the rig has none."""
        offset = self.animation.tip_offsets_m[node]
        return self.places[node] + quat_rotate(self.orientations[node], offset) if np.isfinite(offset).all() else None

    def below(self, node: int) -> list[Vector]:
        """Places of all joints and tips that hang on a joint."""
        found: list[Vector] = []
        pending = [node]
        while pending:
            here = pending.pop()
            end = self.tip(here)
            found += [] if end is None else [end]
            found += [self.places[child] for child in self.children[here]]
            pending += self.children[here]
        return found

    def chain(self, upper: int, lower: int) -> list[int]:
        """Joints from one down to another that hangs on it, the latter left out; only the first when it does not."""
        way, node = [], self.animation.parents[lower]
        while node >= 0 and node != upper:
            way.append(node)
            node = self.animation.parents[node]
        return [upper, *reversed(way)] if node == upper else [upper]

    @cached_property
    def hip_line(self) -> Vector:
        """Middle of the hip joints."""
        return 0.5 * (self.at("leftUpperLeg") + self.at("rightUpperLeg"))

    @cached_property
    def neck(self) -> Vector:
        """Base of the neck; between the shoulders where the rig has no such joint."""
        if "neck" in self.nodes:
            return self.at("neck")
        shoulders = 0.5 * (self.at("leftUpperArm") + self.at("rightUpperArm"))
        return shoulders + 0.2 * (self.at("head") - shoulders)

    @cached_property
    def spine(self) -> list[int]:
        """Joints from the hips to the neck or head, the latter left out."""
        return self.chain(self.nodes["hips"], self.nodes.get("neck", self.nodes["head"]))

    @cached_property
    def chest(self) -> int:
        """The joint that carries the shoulders: of the spine, the last."""
        return self.spine[-1]

    @cached_property
    def lowest(self) -> float:
        """Height of the lowest joint or tip of the legs."""
        legs = [self.nodes[f"{side}UpperLeg"] for side in ("left", "right")]
        return min(float(place[1]) for leg in legs for place in self.below(leg))

    @cached_property
    def tall(self) -> float:
        """Height of the joint of the neck over the ground."""
        return float(self.neck[1]) - self.lowest

    @cached_property
    def collar(self) -> Vector:
        """Where trunk and neck meet: the joint of the neck, at a height that fits the shoulders."""
        shoulders = 0.5 * float((self.at("leftUpperArm") + self.at("rightUpperArm"))[1])
        low, high = (shoulders + share * self.tall for share in _COLLAR)
        return np.array([self.neck[0], np.clip(self.neck[1], low, high), self.neck[2]])

    @cached_property
    def crown(self) -> Vector:
        """Top of the head: the end of its bone or the highest joint on it, where that is as high as on other people;
        many rigs have a shorter bone, or hair above."""
        head = self.nodes["head"]
        end = self.tip(head)
        top = end if end is not None else max(self.below(head), key=lambda place: float(place[1]), default=None)
        low, high = (float(self.collar[1]) + share * self.tall for share in _CROWNS)
        if top is not None and low <= float(top[1]) <= high:
            return top
        return np.array([self.places[head][0], float(self.collar[1]) + _CROWN * self.tall, self.places[head][2]])

    @cached_property
    def scale(self) -> float:
        """Height of the figure over 1.70 m, for which all measures are given."""
        return max(0.2, (float(self.crown[1]) - self.lowest) / _STATURE_M)


def landmarks(animation: RigAnimation) -> Landmarks | None:
    """The landmarks of a rig, its humanoid bones guessed where it does not say; None where it is no person."""
    try:
        rig = rig_of_animation(animation, animation.rig)
        if rig.missing_bones():
            return None
        orientations, places = t_pose(rig)
    except InputError as error:
        _log.info("the body is made of capsules: %s", error)
        return None
    nodes = {bone: rig.names.index(joint) for bone, joint in rig.roles.items()}
    found = Landmarks(animation, nodes, places, orientations)
    spans = [("leftUpperLeg", "rightUpperLeg"), ("leftUpperArm", "rightUpperArm"), ("hips", "head")]
    spans += [(f"{s}{a}", f"{s}{b}") for s in ("left", "right") for a, b in (
        ("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot"), ("UpperArm", "LowerArm"), ("LowerArm", "Hand"))]  # fmt: skip
    if any(np.linalg.norm(found.at(a) - found.at(b)) < _SAME_M for a, b in spans):
        return None
    return found if float((found.neck - found.hip_line)[1]) > _SAME_M else None
