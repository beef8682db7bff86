"""A jointed mannequin on a rig's rest pose, for formats that show a body."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from maquette.exporters.body_shapes import Ring, Surface, Vector, cross_axes, ellipsoid, loft, tube
from maquette.rig.animation_rig import HUMAN_RIG, RigAnimation

Side = Literal["left", "right", "middle"]

_STATURE_M = 1.70
"""Body height that the measures below belong to; others are scaled."""
_X, _Y, _Z = np.eye(3)

_LIMBS: dict[str, tuple[tuple[float, float], ...]] = {
    "UpLeg": ((0.0, 0.080), (0.25, 0.083), (0.85, 0.053), (1.0, 0.050)),
    "Leg": ((0.0, 0.050), (0.28, 0.056), (0.85, 0.034), (1.0, 0.034)),
    "Shoulder": ((0.15, 0.058), (0.6, 0.052), (1.0, 0.044)),
    "Arm": ((0.0, 0.053), (0.3, 0.049), (0.9, 0.037), (1.0, 0.036)),
    "ForeArm": ((0.0, 0.036), (0.25, 0.040), (0.9, 0.026), (1.0, 0.025)),
}
"""Radii in metres along the bones of the limbs, named as in the rig without the side."""


@dataclass(frozen=True, eq=False)
class Body:
    """A mesh in the rest pose with its bones' weights, in three parts of one colour each."""

    vertices_m: Float[np.ndarray, "vertices 3"]
    normals: Float[np.ndarray, "vertices 3"]
    bones: Int[np.ndarray, "vertices 2"]
    """Indices of the joints of the rig that move each vertex."""
    weights: Float[np.ndarray, "vertices 2"]
    triangles: dict[Side, Int[np.ndarray, "triangles 3"]]


@dataclass(frozen=True, eq=False)
class _Part:
    surface: Surface
    side: Side
    bones: Sequence[tuple[int, int, float]]
    """For rows of the loft from 0 to 1, evenly: first joint, second joint, weight of the second."""


def make_body(animation: RigAnimation) -> Body:
    """The mannequin of a rig: limbs, head, hands and feet for our rig, a capsule for each bone of any other."""
    places = rest_places_m(animation)
    return _joined(_human(animation, places) if _is_ours(animation) else _capsules(animation, places))


def _is_ours(animation: RigAnimation) -> bool:
    """Whether the rig is :data:`HUMAN_RIG`, also when it comes back from a file; other rigs share many of its names."""
    needed = {joint.name for joint in HUMAN_RIG if not joint.needs}
    return needed <= set(animation.names) <= {joint.name for joint in HUMAN_RIG}


def rest_places_m(animation: RigAnimation) -> Float[np.ndarray, "nodes 3"]:
    """Where the joints are in the rest pose, the root at the origin."""
    places = np.zeros((len(animation.names), 3))
    for node, parent in enumerate(animation.parents):
        if parent >= 0:
            places[node] = places[parent] + animation.rest_offsets_m[node]
    return places


def lowest_m(animation: RigAnimation) -> float:
    """Height of the lowest joint or tip in the rest pose over the root (negative for a standing figure)."""
    places = rest_places_m(animation)
    tips = places + animation.tip_offsets_m
    return float(np.nanmin(np.concatenate((places, tips))[:, 1]))


def _joined(parts: list[_Part]) -> Body:
    triangles: dict[Side, list[np.ndarray]] = {"left": [], "right": [], "middle": []}
    bones, weights, count = [], [], 0
    for part in parts:
        surface = part.surface
        triangles[part.side].append(surface.triangles + count)
        count += len(surface.vertices_m)
        row = np.round(surface.rows * (len(part.bones) - 1)).astype(int)
        table = np.array([(first, second) for first, second, _ in part.bones])
        share = np.array([weight if first != second else 0.0 for first, second, weight in part.bones])[row]
        bones.append(table[row])
        weights.append(np.stack((1 - share, share), axis=1))
    return Body(
        vertices_m=np.concatenate([part.surface.vertices_m for part in parts]),
        normals=np.concatenate([part.surface.normals for part in parts]),
        bones=np.concatenate(bones),
        weights=np.concatenate(weights),
        triangles={side: np.concatenate(found) for side, found in triangles.items() if found},
    )


def _human(animation: RigAnimation, places: Float[np.ndarray, "nodes 3"]) -> list[_Part]:
    at = {name: places[node] for node, name in enumerate(animation.names)}
    node = {name: index for index, name in enumerate(animation.names)}
    tip = {name: places[i] + animation.tip_offsets_m[i] for name, i in node.items()}
    scale = max(0.2, (float(tip["Head"][1]) - lowest_m(animation)) / _STATURE_M)
    parts = [_torso(at, node, scale), *_head(at, tip, node, scale)]
    sides: tuple[tuple[Side, str], ...] = (("left", "Left"), ("right", "Right"))
    for side, name in sides:
        out = 1.0 if side == "left" else -1.0
        for limb, profile in _LIMBS.items():
            start, bone = at[f"{name}{limb}"], node[f"{name}{limb}"]
            child = next(i for i, parent in enumerate(animation.parents) if parent == bone)
            if np.linalg.norm(places[child] - start) > 1e-3:
                shape = tube(start, places[child], [(place, radius * scale) for place, radius in profile])
                # The girdle belongs to the trunk.
                parts.append(_Part(shape, "middle" if limb == "Shoulder" else side, ((bone, bone, 0.0),)))
        parts += _hand(at[f"{name}Hand"], tip[f"{name}Hand"], node[f"{name}Hand"], side, out, scale)
        parts += _foot(name, at, tip, node, side, scale)
    return parts


def _torso(at: dict[str, Vector], node: dict[str, int], scale: float) -> _Part:
    """From crotch to the base of the neck, bending with the spine."""
    waist, chest = float(at["Spine"][1]), float(at["Neck"][1])
    hips, back, spine, neck = (node[name] for name in ("Hips", "LowerBack", "Spine", "Neck"))
    side_m = float(abs(at["LeftUpLeg"][0]))
    wide = max(0.10, side_m / scale) - 0.10
    # Height, half width, half depth, joints and weight of the second.
    rows = (
        (-0.115 * scale, 0.040, 0.045, hips, hips, 0.0),
        (-0.085 * scale, 0.105 + wide, 0.085, hips, hips, 0.0),
        (-0.030 * scale, 0.150 + wide, 0.108, hips, hips, 0.0),
        (0.030 * scale, 0.155 + wide, 0.110, hips, hips, 0.0),
        (0.40 * waist, 0.143 + wide / 2, 0.100, hips, back, 0.5),
        (0.72 * waist, 0.128, 0.090, back, back, 0.0),
        (waist, 0.130, 0.092, back, spine, 0.5),
        (waist + 0.30 * (chest - waist), 0.148, 0.104, spine, spine, 0.0),
        (waist + 0.58 * (chest - waist), 0.166, 0.112, spine, spine, 0.0),
        (waist + 0.76 * (chest - waist), 0.172, 0.106, spine, spine, 0.0),
        (waist + 0.90 * (chest - waist), 0.150, 0.088, spine, spine, 0.0),
        (chest, 0.085, 0.066, spine, neck, 0.2),
        (chest + 0.02 * scale, 0.050, 0.052, spine, neck, 0.5),
    )
    rings = [Ring((0.0, height, 0.0), (scale * depth, scale * width)) for height, width, depth, *_ in rows]
    return _Part(loft(rings, (_Z, _X), squareness=2.4), "middle", tuple((a, b, w) for *_, a, b, w in rows))


def _head(at: dict[str, Vector], tip: dict[str, Vector], node: dict[str, int], scale: float) -> list[_Part]:
    """Neck, skull and the nose that shows where the face is."""
    crown, inside = tip["Head"], at["Head"]
    skull = crown - scale * np.array([0.0, 0.115, -0.012])
    upright = np.eye(3)
    neck = tube(at["Neck"], skull - scale * 0.03 * _Y, [(0.0, 0.052 * scale), (1.0, 0.050 * scale)])
    head, neck_node = node["Head"], node["Neck"]
    nose = skull + scale * np.array([0.0, -0.018, 0.094])
    jaw = skull + scale * np.array([0.0, -0.055, 0.022])
    return (
        [
            _Part(neck, "middle", ((neck_node, neck_node, 0.0), (neck_node, head, 0.5), (head, head, 0.0))),
            _Part(
                ellipsoid(skull, (0.076 * scale, 0.115 * scale, 0.094 * scale), upright), "middle", ((head, head, 0.0),)
            ),
            _Part(
                ellipsoid(jaw, (0.056 * scale, 0.072 * scale, 0.070 * scale), upright), "middle", ((head, head, 0.0),)
            ),
            _Part(
                ellipsoid(nose, (0.012 * scale, 0.024 * scale, 0.020 * scale), upright), "middle", ((head, head, 0.0),)
            ),
        ]
        if np.linalg.norm(crown - inside) > 1e-3
        else []
    )


def _hand(wrist: Vector, tip: Vector, bone: int, side: Side, out: float, scale: float) -> list[_Part]:
    """A mitten, palm down, and a thumb in front."""
    # Half width (along Z) and half thickness (along Y) from the wrist to the finger tips.
    rows = ((0.0, 0.024, 0.020), (0.18, 0.034, 0.019), (0.5, 0.041, 0.016), (0.8, 0.034, 0.011), (0.97, 0.018, 0.007))
    length = float(np.linalg.norm(tip - wrist))
    u, v = cross_axes(np.array([out, 0.0, 0.0]))
    rings = [
        Ring((float(wrist[0] + out * place * length), float(wrist[1]), float(wrist[2])), (scale * thick, scale * wide))
        for place, wide, thick in rows
    ]
    thumb = tube(
        wrist + np.array([out * 0.12 * length, 0.0, 0.022 * scale]),
        wrist + np.array([out * 0.48 * length, -0.008 * scale, 0.062 * scale]),
        [(0.0, 0.014 * scale), (1.0, 0.010 * scale)],
    )
    return [
        _Part(loft(rings, (u, v), squareness=2.6), side, ((bone, bone, 0.0),)),
        _Part(thumb, side, ((bone, bone, 0.0),)),
    ]


def _foot(
    name: str, at: dict[str, Vector], tip: dict[str, Vector], node: dict[str, int], side: Side, scale: float
) -> list[_Part]:
    """A shoe with a flat sole; its front bends at the ball."""
    ankle, foot = at[f"{name}Foot"], node[f"{name}Foot"]
    if f"{name}ToeBase" in at:
        ball, toe_tip, toes = at[f"{name}ToeBase"], tip[f"{name}ToeBase"], node[f"{name}ToeBase"]
        heel = tip[f"{name}Heel"] if f"{name}Heel" in tip else ankle + (ball - ankle) * [0.0, 1.0, -0.4]
    else:
        ball, toe_tip, toes = tip[f"{name}Foot"], tip[f"{name}Foot"] + np.array([0.0, 0.0, 0.05 * scale]), foot
        heel = ankle + (ball - ankle) * [0.0, 1.0, -0.4]
    sole = float(min(heel[1], ball[1])) - 0.015 * scale
    back, front, middle = float(heel[2]) - 0.018 * scale, float(toe_tip[2]), float(ball[2])
    high = float(ankle[1]) - sole
    # Place along Z, height of the upper side over the sole, half width.
    rows = (
        (back, 0.55 * high, 0.022 * scale, 0.0),
        (back + 0.022 * scale, 0.95 * high, 0.033 * scale, 0.0),
        (float(ankle[2]), 1.15 * high, 0.036 * scale, 0.0),
        (0.55 * float(ankle[2]) + 0.45 * middle, 0.95 * high, 0.038 * scale, 0.0),
        (middle, 0.055 * scale, 0.046 * scale, 0.5),
        (0.5 * (middle + front), 0.042 * scale, 0.042 * scale, 1.0),
        (front, 0.026 * scale, 0.022 * scale, 1.0),
    )
    x = float(ankle[0])
    rings = [Ring((x, sole + height / 2, z), (wide, height / 2)) for z, height, wide, _ in rows]
    shape = loft(rings, (_X, _Y), squareness=2.8)
    return [_Part(shape, side, tuple((foot, toes, weight) for *_, weight in rows))]


def _capsules(animation: RigAnimation, places: Float[np.ndarray, "nodes 3"]) -> list[_Part]:
    """One slim capsule for each bone of a rig that is not known, its width a share of its length."""
    ends = [(parent, places[node]) for node, parent in enumerate(animation.parents) if parent >= 0] + [
        (node, places[node] + tip) for node, tip in enumerate(animation.tip_offsets_m) if np.isfinite(tip).all()
    ]
    left = {name for name, _ in animation.skeleton.mirror_pairs}
    right = {name for _, name in animation.skeleton.mirror_pairs}
    stature = max(float(np.ptp(places[:, 1])), 1e-3)
    parts = []
    for bone, end in ends:
        length = float(np.linalg.norm(end - places[bone]))
        if length < 0.005 * stature:
            continue
        name = animation.names[bone]
        side: Side = "left" if name in left else "right" if name in right else "middle"
        radius = min(0.13 * length, 0.035 * stature)
        parts.append(
            _Part(
                tube(places[bone], end, [(0.05, radius), (0.25, 1.2 * radius), (0.95, 0.6 * radius)]),
                side,
                ((bone, bone, 0.0),),
            )
        )
    if not parts:
        radius = 0.05
        parts.append(_Part(ellipsoid(places[0], (radius, radius, radius), np.eye(3)), "middle", ((0, 0, 0.0),)))
    return parts
