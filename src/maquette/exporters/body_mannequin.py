"""The mannequin: trunk, head, limbs, hands and feet on the landmarks of a rig, in the T-pose."""

import numpy as np
from jaxtyping import Float

from maquette.exporters.body_landmarks import Landmarks
from maquette.exporters.body_parts import Part, Side, rigid
from maquette.exporters.body_shapes import Surface, Vector, ellipsoid, loft, ring_at, tube

_LEFT, _UP, _AHEAD = np.eye(3)

_LIMBS: dict[tuple[str, str], tuple[tuple[float, float], ...]] = {
    ("UpperLeg", "LowerLeg"): ((0.0, 0.080), (0.25, 0.083), (0.85, 0.053), (1.0, 0.050)),
    ("LowerLeg", "Foot"): ((0.0, 0.050), (0.28, 0.056), (0.85, 0.034), (1.0, 0.034)),
    ("UpperArm", "LowerArm"): ((0.0, 0.053), (0.3, 0.049), (0.9, 0.037), (1.0, 0.036)),
    ("LowerArm", "Hand"): ((0.0, 0.036), (0.25, 0.040), (0.9, 0.026), (1.0, 0.025)),
}
"""Radii in metres along the bones of the limbs, of a body of 1.70 m as all measures here."""
_SHOULDER = ((0.15, 0.058), (0.6, 0.052), (1.0, 0.044))

# Height over the hip joints as a share of the way to the neck or, with 1 at the end, in metres; half width, half depth.
_TRUNK = (
    (-0.115, 0.040, 0.045),
    (-0.085, 0.105, 0.085),
    (-0.030, 0.150, 0.108),
    (0.030, 0.155, 0.110),
)
_TRUNK_ABOVE = (
    (0.196, 0.143, 0.100),
    (0.353, 0.128, 0.090),
    (0.490, 0.130, 0.092),
    (0.643, 0.148, 0.104),
    (0.786, 0.166, 0.112),
    (0.878, 0.172, 0.106),
    (0.949, 0.150, 0.088),
    (1.0, 0.085, 0.066),
)
_HAND = ((0.0, 0.024, 0.020), (0.18, 0.034, 0.019), (0.5, 0.041, 0.016), (0.8, 0.034, 0.011), (0.97, 0.018, 0.007))
"""Place along the hand, half width, half thickness from the wrist to the finger tips."""
_HAND_M = 0.175


def mannequin(marks: Landmarks) -> list[Part]:
    """All parts of the body."""
    parts = [_trunk(marks), *_head(marks)]
    sides: tuple[Side, Side] = ("left", "right")
    for side in sides:
        parts += [
            _limb(marks, side, f"{side}{upper}", f"{side}{lower}", profile)
            for (upper, lower), profile in _LIMBS.items()
        ]
        parts += _shoulder(marks, side)
        parts += _hand(marks, side)
        parts.append(_foot(marks, side))
    return parts


def _limb(marks: Landmarks, side: Side, upper: str, lower: str, profile: tuple[tuple[float, float], ...]) -> Part:
    """One tube; where a rig has twist joints on the way, each moves what lies beyond it."""
    start, end = marks.at(upper), marks.at(lower)
    surface = tube(start, end, [(place, radius * marks.scale) for place, radius in profile])
    along = (end - start) / float((end - start) @ (end - start))
    chain = marks.chain(marks.nodes[upper], marks.nodes[lower])
    begins = np.array([float((marks.places[node] - start) @ along) for node in chain])
    begins[0] = -np.inf
    place = (surface.vertices_m - start) @ along
    node = np.array(chain)[np.clip(np.searchsorted(np.maximum.accumulate(begins), place, side="right") - 1, 0, None)]
    return Part(surface, side, np.stack((node, node), axis=1), np.zeros(len(node)))


def _trunk(marks: Landmarks) -> Part:
    """From crotch to the base of the neck, bending with the spine."""
    scale, low, high = marks.scale, marks.hip_line, marks.collar
    rise = float((high - low) @ _UP)
    across = float(np.linalg.norm(marks.at("leftUpperLeg") - marks.at("rightUpperLeg"))) / 2
    wide = max(0.10, across / scale) - 0.10
    rows = [(scale * height, width + (wide if height > -0.1 else 0.0), depth) for height, width, depth in _TRUNK]
    rows += [(share * rise, width + (wide / 2 if share < 0.3 else 0.0), depth) for share, width, depth in _TRUNK_ABOVE]
    rows.append((rise + 0.02 * scale, 0.050, 0.052))
    lean = (high - low) - _UP * rise
    rings = [
        ring_at(low + _UP * height + lean * np.clip(height / rise, 0.0, 1.0), (scale * depth, scale * width))
        for height, width, depth in rows
    ]
    surface = loft(rings, (_AHEAD, _LEFT), squareness=2.4)
    bones, share = _spine_weights(marks, (surface.vertices_m - low) @ _UP, rise)
    return Part(surface, "middle", bones, share)


def _spine_weights(
    marks: Landmarks, height: Float[np.ndarray, " vertices"], rise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Bones and weight of the second for heights over the hip joints: the trunk bends evenly around each joint of the
    spine, at the lowest within the belly and not within the pelvis."""
    nodes = list(marks.spine)
    bends = [float((marks.places[node] - marks.hip_line) @ _UP) for node in nodes[1:]]
    if "neck" in marks.nodes:
        nodes.append(marks.nodes["neck"])
        bends.append(rise + 0.02 * marks.scale)
    bends = [max(bend, 0.2 * rise) for bend in bends]
    bones, share = np.full((len(height), 2), nodes[0]), np.zeros(len(height))
    for number, bend in enumerate(bends):
        below = bends[number - 1] if number else 0.0
        above = bends[number + 1] if number + 1 < len(bends) else rise + 0.1 * marks.scale
        reach = max(0.45 * min(bend - below, above - bend), 1e-6)
        weight = np.clip((height - bend + reach) / (2 * reach), 0.0, 1.0)
        here = weight > 0
        bones[here] = (nodes[number], nodes[number + 1])
        share[here] = (weight * weight * (3 - 2 * weight))[here]
    return bones, share


def _head(marks: Landmarks) -> list[Part]:
    """Neck, skull and the nose that shows where the face is."""
    scale, head = marks.scale, marks.nodes["head"]
    neck_node = marks.nodes.get("neck", marks.chest)

    def at(x: float, y: float, z: float) -> Vector:
        return scale * np.array([x, y, z])

    def ball(centre: Vector, half: tuple[float, float, float]) -> Part:
        return rigid(ellipsoid(centre, (half[0] * scale, half[1] * scale, half[2] * scale), np.eye(3)), "middle", head)

    skull = marks.crown + at(0.0, -0.115, 0.012)
    neck = tube(marks.collar, skull + at(0.0, -0.03, 0.0), [(0.0, 0.052 * scale), (1.0, 0.050 * scale)])
    bones = np.tile([neck_node, head], (len(neck.vertices_m), 1))
    return [
        Part(neck, "middle", bones, np.clip(neck.rows, 0.0, 1.0)),
        ball(skull, (0.076, 0.115, 0.094)),
        ball(skull + at(0.0, -0.055, 0.022), (0.056, 0.072, 0.070)),
        ball(skull + at(0.0, -0.018, 0.094), (0.012, 0.024, 0.020)),
    ]


def _shoulder(marks: Landmarks, side: Side) -> list[Part]:
    """From the base of the neck to the arm; the girdle belongs to the trunk in colour."""
    node = marks.nodes.get(f"{side}Shoulder", marks.chest)
    end = marks.at(f"{side}UpperArm")
    # A collar bone that begins far out would leave a gap.
    start = marks.collar if f"{side}Shoulder" not in marks.nodes else marks.places[node]
    length = float(np.linalg.norm(end - start))
    if length < 0.02 * marks.scale:
        return []
    shape = tube(start, end, [(place, radius * marks.scale) for place, radius in _SHOULDER])
    return [rigid(shape, "middle", node)]


def _hand(marks: Landmarks, side: Side) -> list[Part]:
    """A mitten, palm down in a T-pose, and a thumb in front."""
    scale, node = marks.scale, marks.nodes[f"{side}Hand"]
    wrist, tip = marks.places[node], marks.tip(node)
    if tip is not None:
        reach = tip - wrist
    else:
        fingers = [place - wrist for place in marks.below(node)]
        along = wrist - marks.at(f"{side}LowerArm")
        farthest = max(fingers, key=lambda finger: float(np.linalg.norm(finger)), default=along)
        direction = farthest if np.linalg.norm(farthest) > 0.02 * scale else along
        length = float(np.clip(np.linalg.norm(farthest) if fingers else 0.0, _HAND_M * scale, 0.22 * scale))
        reach = direction / np.linalg.norm(direction) * length
    length = float(np.linalg.norm(reach))
    if length < 1e-3:
        return []
    along = reach / length
    wide, thick = _cross_section(along, _AHEAD, _UP)
    rings = [ring_at(wrist + reach * place, (scale * thin, scale * broad)) for place, broad, thin in _HAND]
    palm = -thick if float(thick @ _UP) >= 0 else thick
    thumb = tube(
        wrist + 0.12 * reach + 0.022 * scale * wide,
        wrist + 0.48 * reach + 0.062 * scale * wide + 0.008 * scale * palm,
        [(0.0, 0.014 * scale), (1.0, 0.010 * scale)],
    )
    return [rigid(loft(rings, (thick, wide), squareness=2.6), side, node), rigid(thumb, side, node)]


def _cross_section(along: Vector, towards: Vector, otherwise: Vector) -> tuple[Vector, Vector]:
    """``(wide, thick)`` perpendicular to a direction: ``wide`` as near to ``towards`` as can be; ``thick x wide`` is
    the direction."""
    for wanted in (towards, otherwise):
        wide = wanted - along * float(wanted @ along)
        length = float(np.linalg.norm(wide))
        if length > 0.2:
            wide = wide / length
            return wide, np.cross(wide, along)
    raise AssertionError("unreachable: two perpendicular axes are not both along a third")


def _foot(marks: Landmarks, side: Side) -> Part:
    """A shoe with a flat sole; its front bends at the ball."""
    scale, foot = marks.scale, marks.nodes[f"{side}Foot"]
    ankle = marks.places[foot]
    ball, toe_tip, toes = _ball(marks, side)
    level = (ball - ankle) - _UP * float((ball - ankle) @ _UP)
    length = float(np.linalg.norm(level))
    forward = level / length if length > 0.03 * scale else _AHEAD
    heel = _heel(marks, foot, ankle, ball, forward)
    sole = min(float(heel @ _UP), float(ball @ _UP)) - 0.015 * scale
    high = float(ankle @ _UP) - sole
    z = {name: float((place - ankle) @ forward) for name, place in (("heel", heel), ("ball", ball), ("tip", toe_tip))}
    front = max(z["tip"], z["ball"] + 0.02 * scale)
    # Place along the foot, height of the upper side over the sole, half width, share of the toes.
    rows = (
        (z["heel"] - 0.018 * scale, 0.55 * high, 0.022 * scale, 0.0),
        (z["heel"] + 0.004 * scale, 0.95 * high, 0.033 * scale, 0.0),
        (0.0, 1.15 * high, 0.036 * scale, 0.0),
        (0.45 * z["ball"], 0.95 * high, 0.038 * scale, 0.0),
        (z["ball"], 0.055 * scale, 0.046 * scale, 0.5),
        (0.5 * (z["ball"] + front), 0.042 * scale, 0.042 * scale, 1.0),
        (front, 0.026 * scale, 0.022 * scale, 1.0),
    )
    ground = ankle - _UP * (float(ankle @ _UP) - sole)
    rings = [ring_at(ground + forward * at + _UP * (height / 2), (wide, height / 2)) for at, height, wide, _ in rows]
    surface = loft(rings, (np.cross(_UP, forward), _UP), squareness=2.8)
    return _bending(surface, side, (foot, toes), [row[3] for row in rows])


def _bending(surface: Surface, side: Side, bones: tuple[int, int], shares: list[float]) -> Part:
    """A loft whose rings have a weight each."""
    row = np.round(surface.rows * (len(shares) - 1)).astype(int)
    return Part(surface, side, np.tile(bones, (len(row), 1)), np.array(shares)[row])


def _ball(marks: Landmarks, side: Side) -> tuple[Vector, Vector, int]:
    """``(ball of the foot, tip of the toes, joint of the toes)``; without toes, the foot's own tip is the ball."""
    scale, foot = marks.scale, marks.nodes[f"{side}Foot"]
    ankle = marks.places[foot]
    if f"{side}Toes" in marks.nodes:
        toes = marks.nodes[f"{side}Toes"]
        ball = marks.places[toes]
        ends = marks.below(toes)
        farthest = max(ends, key=lambda end: float(np.linalg.norm(end - ball)), default=ball)
        if np.linalg.norm(farthest - ball) > 0.02 * scale:
            return ball, farthest, toes
        level = (ball - ankle) - _UP * float((ball - ankle) @ _UP)
        length = float(np.linalg.norm(level))
        return ball, ball + 0.06 * scale * (level / length if length > 0.03 * scale else _AHEAD), toes
    tip = marks.tip(foot)
    ball = ankle + (0.13 * _AHEAD - 0.06 * _UP) * scale if tip is None else tip
    return ball, ball + 0.05 * scale * _AHEAD, foot


def _heel(marks: Landmarks, foot: int, ankle: Vector, ball: Vector, forward: Vector) -> Vector:
    """The end of a joint of the foot that lies behind the ankle, or a place below and behind it."""
    behind = [place for place in marks.below(foot) if float((place - ankle) @ forward) < 0]
    if behind:
        return min(behind, key=lambda place: float((place - ankle) @ forward))
    down = float((ball - ankle) @ _UP)
    return ankle + _UP * down - forward * 0.4 * float((ball - ankle) @ forward)
