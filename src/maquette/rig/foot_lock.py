"""Feet that stand: heel and ball of each foot stay on one spot while they touch the ground.

For each foot, in this order: spots for its stands; an orientation that lets heel and ball lie on theirs while both
stand; a path of the ankle that keeps the spots and eases back to the source's between; hips that come near enough for
the legs; knees and thighs that follow. All corrections are curves of least acceleration
(:mod:`maquette.rig.held_curve`).
"""

import logging
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.geometry.rotations import (
    quat_about,
    quat_between,
    quat_conjugate,
    quat_continuous,
    quat_multiply,
    quat_rotate,
    quat_to_rotvec,
    rotvec_to_quat,
)
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.foot_stands import (
    Foot,
    Stand,
    floor_heights_m,
    foot_stands,
    rig_foot,
    settle_spots,
    standing_frames,
    stiff_feet,
)
from maquette.rig.forward import node_positions_m
from maquette.rig.held_curve import held_curve
from maquette.rig.leg_reach import Leg, bent_to, hips_shift, leg_hinge

_log = logging.getLogger(__name__)

Vectors = Float[np.ndarray, "frames 3"]
Quats = Float[np.ndarray, "frames 4"]

_Y = np.array([0.0, 1.0, 0.0])
_TILT_ROUNDS = 5
_HIPS_EASE = 0.6
"""Of the release, how widely the hips prepare for what a leg asks of them."""


def lock_feet(
    animation: RigAnimation,
    *,
    release_s: float | int = 0.25,
    ground_m: float | int = 0.0,
    max_move_m: float | int = 0.3,
) -> RigAnimation:
    """Hold each foot on its spot during every stand of :attr:`RigAnimation.contacts`.

    Heel and ball do not move while they stand, bones keep their length, knees bend the way they bend, and the hips come
    down where a leg would not reach. While heel and ball both stand the foot is at rest on the ground; while one does
    the foot turns about it. Contacts of ankles (motions without feet) stand for the whole sole. Between stands the
    corrections fade with continuous speed. Toes bend up where they would be under the floor. Everything else keeps its
    rotation relative to its parent.

    Args:
        release_s: a correction falls to a twentieth over this time.
        ground_m: height of the floor: no heel and no ball goes below it.
        max_move_m: stands that leave their mean place by more are doubtful and are not held; a note tells how many.

    Raises:
        InputError: contacts are given and the rig has no joints in the roles of legs.
    """
    if not any(animation.contacts.values()) or not len(animation.rotations):
        return animation
    feet = [foot for foot in (rig_foot(animation, side) for side in ("left", "right")) if foot is not None]
    if not feet:
        raise InputError(
            f"feet of rig '{animation.rig}' cannot be held: no joints have the roles of legs (leftUpperLeg, "
            "leftLowerLeg, leftFoot and the right ones); take a rig with roles, or switch the foot lock off"
        )
    animation = stiff_feet(animation, feet)
    places, turns = node_positions_m(animation)
    fps = float(animation.fps)
    targets, soles, legs, left_out = [], [], [], 0
    found = []
    for foot in feet:
        at = {k: places[:, foot.foot] + quat_rotate(turns[:, foot.foot], p) for k, p in foot.points_m.items()}
        stands, dropped = foot_stands(animation, foot, at, max_move_m)
        found.append((foot, stands))
        left_out += dropped
    floor_m = floor_heights_m([stand for _, stands in found for stand in stands], ground_m)
    for foot, stands in found:
        pairs = settle_spots(stands, foot, floor_m, ground_m, fps)
        sole = _sole_turns(foot, stands, pairs, turns[:, foot.foot], floor_m, fps, release_s)
        target = _ankle_path(foot, stands, sole, places[:, foot.foot], floor_m, fps, release_s)
        legs.append(_leg(animation, foot, places, turns))
        soles.append(sole)
        targets.append(target)
    shift = hips_shift(legs, targets, fps, _HIPS_EASE * float(release_s))
    rotations = _turned(animation, [foot for foot, _ in found], legs, targets, soles, turns, shift, floor_m)
    hips_cm = 100 * float(np.percentile(np.linalg.norm(shift, axis=-1), 95))
    stood = sum(len(stands) for _, stands in found)
    note = (
        f"feet held on their spots while they stand ({stood} stands; hips moved by less than {hips_cm:.1f} cm in 95 %"
    )
    note += " of the frames)"
    if left_out:
        note += f", but for {left_out} stands that move by more than {100 * max_move_m:.0f} cm"
    _log.log(logging.WARNING if left_out else logging.INFO, "%s", note)
    root_m = animation.root_positions_m + shift
    return replace(animation, rotations=rotations, root_positions_m=root_m, notes=(*animation.notes, note))


def _leg(animation: RigAnimation, foot: Foot, places: np.ndarray, turns: np.ndarray) -> Leg:
    hip, knee, ankle = (np.ascontiguousarray(places[:, node]) for node in (foot.thigh, foot.shin, foot.foot))
    rest_places, rest_turns = animation.rest_pose()
    forward = quat_rotate(foot.rest, foot.points_m["toe"] - foot.points_m["heel"])
    hinge = np.cross(forward, rest_places[foot.shin] - rest_places[foot.thigh])
    size = float(np.linalg.norm(hinge))
    hinge = hinge / size if size > 1e-9 else np.array([1.0, 0.0, 0.0])
    rest_hinge = quat_rotate(quat_conjugate(rest_turns[foot.thigh]), hinge)
    return Leg(hip, knee, ankle, leg_hinge(knee - hip, ankle - knee, turns[:, foot.thigh], rest_hinge))


def _sole_turns(
    foot: Foot,
    stands: list[Stand],
    pairs: list[tuple[Stand, Stand]],
    source: Quats,
    floor_m: dict[str, float],
    fps: float,
    release_s: float | int,
) -> Quats:
    """World orientation of the foot joint: fitted to the spots of heel and ball while both stand, level while an ankle
    stands, and the source's with a fading correction elsewhere."""
    frames = len(source)
    held, wanted = np.zeros(frames, dtype=bool), source.copy()
    sole = foot.points_m["toe"] - foot.points_m["heel"]
    for heel, toe in pairs:
        span = slice(max(heel.first, toe.first), min(heel.last, toe.last) + 1)
        if span.start < span.stop:
            level = _level(foot, source[span])
            wanted[span] = quat_multiply(quat_between(quat_rotate(level, sole), toe.spot_m - heel.spot_m), level)
            held[span] = True
    for stand in stands:
        if stand.kind == "ankle":
            span = slice(stand.first, stand.last + 1)
            wanted[span], held[span] = _level(foot, source[span]), True
    only = {
        kind: standing_frames(stands, kind, frames) & ~standing_frames(stands, other, frames)
        for kind, other in (("heel", "toe"), ("toe", "heel"))
    }
    spots = {kind: _spots(stands, kind, frames)[:, 1] for kind in only}
    for _ in range(_TILT_ROUNDS):
        change = quat_multiply(wanted, quat_conjugate(source))
        turned = quat_multiply(rotvec_to_quat(held_curve(quat_to_rotvec(change), held, fps, release_s)), source)
        low = _tilted(turned, sole, only, spots, floor_m)
        new = np.asarray(np.isfinite(low[:, 0]) & ~held)
        if not new.any():
            return turned
        wanted[new], held = low[new], held | new
    return np.where(held[:, None], wanted, turned)


def _level(foot: Foot, source: Quats) -> Float[np.ndarray, "4"]:
    """The foot as at rest, turned about the vertical to where it points on average."""
    ahead = quat_rotate(foot.rest, foot.points_m["toe"] - foot.points_m["heel"]) * [1.0, 0.0, 1.0]
    size = float(np.linalg.norm(ahead))
    ahead = ahead / size if size > 1e-9 else np.array([0.0, 0.0, 1.0])
    seen = quat_rotate(quat_multiply(source, quat_conjugate(foot.rest)), ahead).mean(axis=0)
    yaw = np.arctan2(seen[0], seen[2]) - np.arctan2(ahead[0], ahead[2])
    return quat_multiply(quat_about(_Y, float(yaw)), foot.rest)


def _tilted(
    turned: Quats,
    sole: Float[np.ndarray, "3"],
    only: dict[str, Bool[np.ndarray, " frames"]],
    spot_height_m: dict[str, Float[np.ndarray, " frames"]],
    floor_m: dict[str, float],
) -> Quats:
    """Where one end of the sole stands and the other would be under the floor: the foot tilted until it is not."""
    along = quat_rotate(turned, sole)
    length = float(np.linalg.norm(sole))
    result = np.full(turned.shape, np.nan)
    for kind, other, sign in (("heel", "toe", 1.0), ("toe", "heel", -1.0)):
        floor = np.minimum(floor_m[other], spot_height_m[kind]) - spot_height_m[kind]
        under = only[kind] & (sign * along[:, 1] < floor - 1e-6)
        if under.any():
            rise = np.clip(sign * floor[under], -length, length)
            level = along[under] * [1.0, 0.0, 1.0]
            level /= np.maximum(np.linalg.norm(level, axis=-1, keepdims=True), 1e-9)
            goal = rise[:, None] * _Y + np.sqrt(length**2 - rise**2)[:, None] * level
            result[under] = quat_multiply(quat_between(along[under], goal), turned[under])
    return result


def _spots(stands: list[Stand], kind: str, frames: int) -> Vectors:
    """Spot of a point in each frame that it stands, NaN elsewhere."""
    spots = np.full((frames, 3), np.nan)
    for stand in stands:
        if stand.kind == kind:
            spots[stand.first : stand.last + 1] = stand.spot_m
    return spots


def _ankle_path(
    foot: Foot,
    stands: list[Stand],
    sole: Quats,
    source: Vectors,
    floor_m: dict[str, float],
    fps: float,
    release_s: float | int,
) -> Vectors:
    """Where the ankle goes."""
    frames = len(source)
    arms = {kind: quat_rotate(sole, point) for kind, point in foot.points_m.items()}
    moves = np.stack([_spots(stands, kind, frames) - arms[kind] - source for kind in foot.points_m])
    held = np.asarray(np.isfinite(moves[..., 0]))
    standing = np.asarray(held.any(axis=0))
    # Heel and ball agree where both stand; the mean of two roundings is neither's.
    move = np.where(held[..., None], moves, 0.0).sum(axis=0) / np.maximum(held.sum(axis=0), 1)[:, None]
    lowest = np.max([floor_m[kind] - source[:, 1] - arms[kind][:, 1] for kind in ("heel", "toe")], axis=0)
    level = held_curve(move[:, [0, 2]], standing, fps, release_s)
    height = held_curve(move[:, [1]], standing, fps, release_s, at_least=lowest)
    return source + np.stack((level[:, 0], height[:, 0], level[:, 1]), axis=1)


def _toes_turns(
    foot: Foot, turns: Quats, rest: Float[np.ndarray, "4"], height_m: Float[np.ndarray, " frames"]
) -> Quats:
    """World orientation of the toes, bent up where their tip would be under the floor.

    Args:
        turns: what it would be.
        rest: what it is at rest.
        height_m: how far the ball is above where it stands.
    """
    tip = quat_rotate(quat_multiply(turns, quat_conjugate(rest)), foot.toe_tip_m)
    length = float(np.linalg.norm(foot.toe_tip_m))
    if length < 1e-6:
        return turns
    level = tip * [1.0, 0.0, 1.0]
    size = np.linalg.norm(level, axis=-1)
    # Toes that point straight down have no direction to bend up in: the foot stands on them as it is.
    lowest = np.clip(foot.toe_tip_m[1] - height_m, -length, length)
    under = (tip[:, 1] < lowest - 1e-9) & (size > 1e-3 * length)
    goal = level / np.maximum(size, 1e-9)[:, None] * np.sqrt(length**2 - lowest**2)[:, None] + lowest[:, None] * _Y
    return np.where(under[:, None], quat_multiply(quat_between(tip, goal), turns), turns)


def _turned(
    animation: RigAnimation,
    feet: list[Foot],
    legs: list[Leg],
    targets: list[Vectors],
    soles: list[Quats],
    turns: Float[np.ndarray, "frames nodes 4"],
    shift: Vectors,
    floor_m: dict[str, float],
) -> Float[np.ndarray, "frames nodes 4"]:
    """Local rotations with the legs at their targets."""
    rotations = animation.rotations.copy()
    _, rest_turns = animation.rest_pose()
    for foot, leg, target, sole in zip(feet, legs, targets, soles, strict=True):
        thigh, shin = bent_to(leg, target - shift)
        # What hangs between two of the three joints turns with the upper one.
        for node, own, above in (
            (foot.thigh, thigh, None),
            (foot.shin, shin, thigh),
        ):
            parent = animation.parents[node]
            over = turns[:, parent] if above is None else quat_multiply(above, turns[:, parent])
            rotations[:, node] = quat_multiply(quat_conjugate(over), quat_multiply(own, turns[:, node]))
        over = quat_multiply(shin, turns[:, animation.parents[foot.foot]])
        rotations[:, foot.foot] = quat_multiply(quat_conjugate(over), sole)
        if foot.toes is not None:
            moved = quat_multiply(sole, quat_conjugate(turns[:, foot.foot]))
            before = quat_multiply(moved, turns[:, foot.toes])
            ball_m = target[:, 1] + quat_rotate(sole, foot.points_m["toe"])[:, 1]
            toes = _toes_turns(foot, before, rest_turns[foot.toes], ball_m - floor_m["toe"])
            over = quat_multiply(moved, turns[:, animation.parents[foot.toes]])
            rotations[:, foot.toes] = quat_multiply(quat_conjugate(over), toes)
    return quat_continuous(rotations)
