"""Where a foot of a rig touches the ground, when it does, and at which spots."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from maquette.geometry.rotations import quat_conjugate, quat_rotate
from maquette.refine.motion_contacts import REST_HEIGHT_M
from maquette.refine.motion_plant import joined_stands
from maquette.rig.animation_rig import RigAnimation

_HEEL_BACK = 0.3
"""Heel behind the ankle, of the level distance from ankle to ball, on rigs that do not tell it."""
_BALL_BELOW, _BALL_AHEAD = 0.146, 0.289
"""Ball below and ahead of the ankle, of the shin's length, on rigs without toes: 6 and 12 cm of an adult, as in the
rest pose of :mod:`maquette.rig.rest`."""
_TOES_PER_SOLE = 0.35
"""Length of the toes, of the level distance from heel to ball, on rigs that do not tell it."""
_LINK_S = 0.1
"""Stands of heel and ball that follow each other so closely are one step: their spots are a foot apart."""
_LEVEL_M = 0.04
"""Stands whose heights differ from the usual one by less stand on the same floor."""


@dataclass(frozen=True)
class Foot:
    """One foot of a rig: joints, and what touches the ground in the axes of its foot joint."""

    side: str
    thigh: int
    shin: int
    foot: int
    points_m: dict[str, Float[np.ndarray, "3"]]
    """``ankle``, ``heel`` and ``toe`` (the ball)."""
    rest: Float[np.ndarray, "4"]
    """World orientation of the foot joint at rest."""
    toes: int | None
    """The joint of the toes; None on rigs without."""
    toe_tip_m: Float[np.ndarray, "3"]
    """Tip of the toes at rest from that joint, in the world."""


@dataclass
class Stand:
    """One point of a foot on the ground, from the first frame to the last, and its place there in the world."""

    kind: str
    first: int
    last: int
    spot_m: Float[np.ndarray, "3"]


def rig_foot(animation: RigAnimation, side: str) -> Foot | None:
    """Foot of the ``left`` or ``right`` leg; None on rigs without that leg."""
    names = [animation.roles.get(f"{side}{bone}") for bone in ("UpperLeg", "LowerLeg", "Foot")]
    if None in names:
        return None
    thigh, shin, foot = (animation.names.index(str(name)) for name in names)
    places, orientations = animation.rest_pose()
    ankle = places[foot]
    back = quat_conjugate(orientations[foot])
    letter = side[0]
    known = {kind: _rest_place(animation, f"{letter}_{kind}", foot, places, orientations) for kind in ("toe", "heel")}
    ball = known["toe"]
    toes_name = animation.roles.get(f"{side}Toes")
    toes = None if toes_name is None else animation.names.index(toes_name)
    if ball is None and toes is not None:
        ball = places[toes]
    if ball is None:
        shin_m = np.linalg.norm(places[shin] - ankle)
        ball = ankle + shin_m * np.array([0.0, -_BALL_BELOW, _BALL_AHEAD])
    heel = known["heel"]
    if heel is None:
        ahead = (ball - ankle) * [1.0, 0.0, 1.0]
        heel = ankle + np.array([0.0, ball[1] - ankle[1], 0.0]) - _HEEL_BACK * ahead
    points = {"ankle": np.zeros(3), "heel": quat_rotate(back, heel - ankle), "toe": quat_rotate(back, ball - ankle)}
    tip = np.array([0.0, 0.0, 0.0]) if toes is None else _toe_tip(animation, toes, places, orientations, ball - heel)
    return Foot(letter, thigh, shin, foot, points, orientations[foot], toes, tip)


def _toe_tip(
    animation: RigAnimation, toes: int, places: np.ndarray, orientations: np.ndarray, sole: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "3"]:
    """From the joint of the toes to their tip: the rig's, its furthest joint there, or a guess from the foot."""
    tip = animation.tip_offsets_m[toes]
    if np.isfinite(tip).all() and np.any(tip):
        return quat_rotate(orientations[toes], tip)
    children = [places[node] - places[toes] for node, parent in enumerate(animation.parents) if parent == toes]
    if children:
        return max(children, key=lambda child: float(np.linalg.norm(child)))
    return _TOES_PER_SOLE * sole * [1.0, 0.0, 1.0]


def _rest_place(
    animation: RigAnimation, joint: str, foot: int, places: np.ndarray, orientations: np.ndarray
) -> Float[np.ndarray, "3"] | None:
    """Where the rig has a joint of ours at rest, when it hangs on the foot."""
    if joint not in animation.places:
        return None
    node, is_tip = animation.places[joint]
    if not _way_up(animation.parents, node, foot) and not (node == foot and is_tip):
        return None
    return places[node] + (quat_rotate(orientations[node], animation.tip_offsets_m[node]) if is_tip else 0.0)


def stiff_feet(animation: RigAnimation, feet: list[Foot]) -> RigAnimation:
    """The animation with heel and ball where they are at rest in their feet: joints between are at rest.

    In rigs whose every bone points where the positions say, heels move in their feet by millimetres.
    """
    rotations = animation.rotations.copy()
    rest = animation.local_rest()
    for foot in feet:
        for joint in (f"{foot.side}_heel", f"{foot.side}_toe"):
            node, is_tip = animation.places.get(joint, (foot.foot, False))
            way = _way_up(animation.parents, node, foot.foot)
            for between in way if is_tip else way[1:]:
                rotations[:, between] = rest[between]
    return replace(animation, rotations=rotations)


def _way_up(parents: tuple[int, ...], node: int, above: int) -> list[int]:
    """The joint and its parents up to ``above``, which is left out; none where it does not hang there."""
    way = []
    while node > above:
        way.append(node)
        node = parents[node]
    return way if node == above else []


def foot_stands(
    animation: RigAnimation, foot: Foot, at: dict[str, Float[np.ndarray, "frames 3"]], max_move_m: float | int
) -> tuple[list[Stand], int]:
    """Stands of one foot where they are lowest, and how many were left out: those that leave that place by more
    than ``max_move_m``. Heel and toe count where they are told, the ankle otherwise."""
    found, left_out = [], 0
    told_by: dict[str, str] = {}
    for joint, spans in animation.contacts.items():
        kind = contact_kind(joint)
        # Of two joints for one point (big and small toe) the first one counts.
        if kind is None or not joint.startswith(f"{foot.side}_") or told_by.setdefault(kind, joint) != joint:
            continue
        runs = [(first, last + 1) for first, last in spans]
        for start, stop in joined_stands(runs, at[kind], float(animation.fps)):
            path = at[kind][start:stop]
            spot = _spot(path)
            if np.linalg.norm(path - spot, axis=-1).max() > max_move_m:
                left_out += 1
            else:
                found.append(Stand(kind, start, stop - 1, spot))
    if any(stand.kind != "ankle" for stand in found):
        found = [stand for stand in found if stand.kind != "ankle"]
    return sorted(found, key=lambda stand: (stand.first, stand.kind)), left_out


def _spot(path: Float[np.ndarray, "frames 3"]) -> Float[np.ndarray, "3"]:
    """Where a point stands. Heels that already rise in the last frames of a stand do not move or raise its spot."""
    height_m = np.median(path[:, 1])
    spot = path[path[:, 1] <= height_m].mean(axis=0)
    return np.array([spot[0], height_m, spot[2]])


def contact_kind(joint: str) -> str | None:
    """Which point of a foot a contact joint is; None for other parts of the body."""
    for kind, words in {"heel": ("heel",), "toe": ("toe", "ball", "foot_index"), "ankle": ("ankle", "foot")}.items():
        if any(word in joint for word in words):
            return kind
    return None


def floor_heights_m(stands: list[Stand], ground_m: float | int) -> dict[str, float]:
    """Usual height of each kind of point that stands, never under the ground; where none stands, that of a person."""
    heights = {kind: ground_m + usual for kind, usual in REST_HEIGHT_M.items()}
    for kind in heights:
        own = [(stand.spot_m[1], stand.last - stand.first + 1) for stand in stands if stand.kind == kind]
        if own:
            heights[kind] = float(np.median(np.repeat([h for h, _ in own], [n for _, n in own])))
    return {kind: max(height, float(ground_m)) for kind, height in heights.items()}


def settle_spots(
    stands: list[Stand], foot: Foot, floor_m: dict[str, float], ground_m: float | int, fps: float
) -> list[tuple[Stand, Stand]]:
    """Put the stands on the floor and those of one step a foot apart, in place.

    Stands of heel and ball that overlap form trees (each kind's own never overlap), so that all distances can be met:
    from the longest stand outwards, each in the direction in which it was.

    Returns:
        ``(heel, toe)`` of the pairs that overlap or nearly do.
    """
    for stand in stands:
        usual = floor_m[stand.kind]
        stand.spot_m[1] = usual if abs(stand.spot_m[1] - usual) < _LEVEL_M else max(stand.spot_m[1], float(ground_m))
    pairs = _steps(stands, round(_LINK_S * fps))
    length_m = float(np.linalg.norm(foot.points_m["toe"] - foot.points_m["heel"]))
    placed: set[int] = set()
    for start in sorted(stands, key=lambda stand: stand.first - stand.last):
        pending = [] if id(start) in placed else [start]
        placed.add(id(start))
        while pending:
            here = pending.pop()
            for pair in pairs:
                if here not in pair:
                    continue
                other = pair[1] if here is pair[0] else pair[0]
                if id(other) not in placed:
                    placed.add(id(other))
                    pending.append(other)
                    other.spot_m = _apart(here.spot_m, other.spot_m, length_m)
    return pairs


def _steps(stands: list[Stand], gap: int) -> list[tuple[Stand, Stand]]:
    """Pairs of stands of heel and ball whose frames overlap, then those within ``gap`` frames that close no circle."""
    pairs = [(h, t) for h in stands for t in stands if h.kind == "heel" and t.kind == "toe"]
    apart = [max(h.first, t.first) - min(h.last, t.last) for h, t in pairs]
    group = {id(stand): id(stand) for stand in stands}
    kept = []
    for distance, (heel, toe) in sorted(zip(apart, pairs, strict=True), key=lambda item: item[0]):
        old, new = group[id(toe)], group[id(heel)]
        if distance <= gap and old != new:
            kept.append((heel, toe))
            group = {stand: new if own == old else own for stand, own in group.items()}
    return kept


def _apart(anchor: Float[np.ndarray, "3"], point: Float[np.ndarray, "3"], length_m: float) -> Float[np.ndarray, "3"]:
    """The point at its height and in its direction, moved to the given distance from the anchor."""
    rise = float(np.clip(point[1] - anchor[1], -length_m, length_m))
    level = (point - anchor) * [1.0, 0.0, 1.0]
    size = float(np.linalg.norm(level))
    level = level / size if size > 1e-6 else np.array([0.0, 0.0, 1.0])
    return anchor + np.array([0.0, rise, 0.0]) + np.sqrt(length_m**2 - rise**2) * level


def standing_frames(stands: list[Stand], kind: str, frames: int) -> Bool[np.ndarray, " frames"]:
    """Where a point stands."""
    standing = np.zeros(frames, dtype=bool)
    for stand in stands:
        if stand.kind == kind:
            standing[stand.first : stand.last + 1] = True
    return standing
