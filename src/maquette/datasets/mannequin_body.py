"""A mannequin: the nodes of a mocap pose dressed in rounded cones, with skin, hair, clothes and shoes."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from maquette.datasets.bodies import chest_frame, head_frame, pelvis_frame
from maquette.datasets.mannequin_surface import RoundedCones
from maquette.datasets.mocap import NODES, positions_of
from maquette.skeletons import MPII_16

PARTS = ("skin", "hair", "shirt", "trousers", "shoes", "eyes")

_SIZES = {
    "hips": (0.098, 0.098),
    "waist": (0.100, 0.088),
    "chest": (0.088, 0.092),
    "shoulders": (0.075, 0.062),
    "neck": (0.056, 0.050),
    "upper_arm": (0.055, 0.043),
    "forearm": (0.042, 0.031),
    "hand": (0.036, 0.028),
    "thigh": (0.088, 0.060),
    "shin": (0.057, 0.040),
    "foot": (0.045, 0.032),
}
"""Radii at both ends in metres, for somebody of 1.7 m; measured off tailors' tables of circumferences."""


@dataclass(frozen=True)
class Clothes:
    """Who wears what."""

    sleeves: float
    """How much of the arm they cover: 0 none, 1 to the elbow, 2 to the wrist."""
    legs: float
    """How much of the leg the trousers cover, likewise."""
    long_hair: bool
    build: float
    """Factor on all radii."""


@dataclass(frozen=True, eq=False)
class Body:
    """Solids in the world frame, and what each is made of at its start and beyond ``cut``."""

    solids: RoundedCones
    part: Int[np.ndarray, "solids 2"]
    """Index into :data:`PARTS`, before and behind the cut."""
    cut: Float[np.ndarray, " solids"]
    """Where along the axis the second begins; 1 for solids of one part."""


def dressed(vectors: Float[np.ndarray, "25 3"], clothes: Clothes) -> Body:
    """The body of one pose (bone vectors as in :mod:`maquette.datasets.mocap`)."""
    tailor = _Tailor(vectors, clothes)
    tailor.trunk()
    tailor.head()
    for side in ("l", "r"):
        tailor.arm(side)
        tailor.leg(side)
    return tailor.body()


def mpii_joints(vectors: Float[np.ndarray, "*batch 25 3"]) -> Float[np.ndarray, "*batch 16 3"]:
    """MPII's joints of a pose: ``thorax`` is the base of the neck, ``upper_neck`` a quarter of the way to the top of
    the head, all others are the joints of the recording."""
    nodes = positions_of(vectors)
    names = {"pelvis": "hip", "thorax": "thorax", "upper_neck": "thorax", "head_top": "head"}
    out = nodes[..., [NODES.index(names.get(joint, joint)) for joint in MPII_16.joints], :]
    neck, top = MPII_16.indices(["upper_neck", "head_top"])
    out[..., neck, :] += 0.25 * (out[..., top, :] - out[..., neck, :])
    return out


class _Tailor:
    def __init__(self, vectors: Float[np.ndarray, "25 3"], clothes: Clothes) -> None:
        self.clothes = clothes
        nodes = positions_of(vectors)
        self.at = {name: nodes[i] for i, name in enumerate(NODES)}
        one = vectors[None, None]
        self.pelvis, self.chest, self.skull = (f(one)[0, 0] for f in (pelvis_frame, chest_frame, head_frame))
        legs = sum(np.linalg.norm(self.at[f"{s}_{a}"] - self.at[f"{s}_{b}"]) for s in "lr" for a, b in _LEG_BONES)
        self.scale = float(legs) / (2 * 0.838)
        self.rows: list[tuple[np.ndarray, np.ndarray, float, float, str, str, float]] = []

    def _add(
        self, start: np.ndarray, end: np.ndarray, size: str | tuple[float, float], part: str, beyond: str | None = None,
        cut: float = 1.0,
    ) -> None:  # fmt: skip
        first, last = _SIZES[size] if isinstance(size, str) else size
        factor = self.scale * self.clothes.build
        self.rows.append((start, end, first * factor, last * factor, part, beyond or part, cut))

    def trunk(self) -> None:
        at, width = self.at, self.scale
        left, up = self.pelvis[:, 0], self.pelvis[:, 1]
        chest_left, chest_up = self.chest[:, 0], self.chest[:, 1]
        self._add(at["l_hip"] + 0.01 * up, at["r_hip"] + 0.01 * up, "hips", "trousers")
        self._add(at["spine"] - 0.03 * width * chest_up, at["thorax"] - 0.10 * width * chest_up, "chest", "shirt")
        reach = [chest_left * float(chest_left @ (at[f"{s}_shoulder"] - at["thorax"])) for s in "lr"]
        for s, sign, out in (("l", 1, reach[0]), ("r", -1, reach[1])):
            low = at["hip"] + sign * 0.050 * width * left + 0.05 * width * up
            middle = at["spine"] + sign * 0.048 * width * chest_left
            high = at["thorax"] + 0.50 * out - 0.10 * width * chest_up
            self._add(low, middle, "waist", "shirt")
            self._add(middle, high, "chest", "shirt")
            self._add(at["thorax"] - 0.03 * width * chest_up, at[f"{s}_shoulder"], "shoulders", "shirt")

    def head(self) -> None:
        at, width = self.at, self.scale
        _, up, forward = self.skull.T
        left = self.skull[:, 0]
        top = at["head"]
        self._add(at["thorax"], top - 0.19 * width * up, "neck", "skin")
        self._add(top - 0.095 * width * up - 0.01 * width * forward, top - 0.165 * width * up + 0.025 * width * forward,
                  (0.088, 0.066), "skin")  # fmt: skip
        crown = top - 0.085 * width * up - 0.022 * width * forward
        self._add(crown, crown - 0.05 * width * up - 0.02 * width * forward, (0.092, 0.080), "hair")
        if self.clothes.long_hair:
            behind = at["thorax"] + 0.02 * width * up - 0.09 * width * forward
            self._add(crown - 0.04 * width * forward, behind, (0.075, 0.05), "hair")
        nose = top - 0.135 * width * up + 0.085 * width * forward
        self._add(nose, nose - 0.025 * width * up + 0.018 * width * forward, (0.012, 0.016), "skin")
        for sign in (-1, 1):
            eye = top - 0.115 * width * up + 0.076 * width * forward + sign * 0.032 * width * left
            self._add(eye, eye + 1e-4 * up, (0.014, 0.014), "eyes")

    def arm(self, side: str) -> None:
        at, sleeves = self.at, self.clothes.sleeves
        shoulder, elbow, wrist = (at[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist"))
        self._add(shoulder, elbow, "upper_arm", "shirt", "skin", min(sleeves, 1.0))
        self._add(elbow, wrist, "forearm", "shirt", "skin", min(max(sleeves - 1, 0.0), 1.0))
        along = (wrist - elbow) / max(float(np.linalg.norm(wrist - elbow)), 1e-6)
        self._add(wrist + 0.02 * self.scale * along, wrist + 0.12 * self.scale * along, "hand", "skin")

    def leg(self, side: str) -> None:
        at, legs = self.at, self.clothes.legs
        hip, knee, ankle, heel, tip = (at[f"{side}_{name}"] for name in ("hip", "knee", "ankle", "heel", "toe_tip"))
        self._add(hip, knee, "thigh", "trousers", "skin", min(legs, 1.0))
        self._add(knee, ankle, "shin", "trousers", "skin", min(max(legs - 1, 0.0), 1.0))
        self._add(heel, tip, "foot", "shoes")
        self._add(ankle, heel, (0.040, 0.040), "shoes")

    def body(self) -> Body:
        start, end, first, last, part, beyond, cut = zip(*self.rows, strict=True)
        solids = RoundedCones(np.array(start), np.array(end), np.array(first), np.array(last))
        parts = np.array([[PARTS.index(a), PARTS.index(b)] for a, b in zip(part, beyond, strict=True)])
        return Body(solids, parts, np.array(cut))


_LEG_BONES = (("knee", "hip"), ("ankle", "knee"))
