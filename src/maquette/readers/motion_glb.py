"""A glTF file with a moving skeleton as a motion: ours as what it was made from, anybody's with its own joints."""

from pathlib import Path

import msgspec
import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.formats.gltf_read import Gltf, GltfAnimation, read_gltf
from maquette.formats.gltf_skeleton import GltfSkeleton, read_skeleton, skeleton_poses
from maquette.geometry.kinematics import forward_pose, local_rotations
from maquette.geometry.rotations import quat_conjugate, quat_continuous, quat_multiply
from maquette.motion import Motion
from maquette.readers.glb_clock import Clock, clock_of
from maquette.readers.motion_bvh import UNIT_M, guess_unit, mirror_pairs
from maquette.skeleton import Skeleton
from maquette.skeletons import SKELETONS

_FARTHEST_M = 1e6
_GIANT_M = 10.0
"""A figure of this size is no person in metres."""
_END = "_end"


class OurFacts(msgspec.Struct):
    """``asset.extras`` as :mod:`maquette.exporters.glb` writes it."""

    fps: str
    frames: int
    skeleton: str
    scale_source: str
    contacts: dict[str, list[tuple[int, int]]]
    notes: list[str]
    uneven_times: bool = False
    rig: str = "maquette"
    joints: list[str] = []
    parents: list[int] = []
    mirror_pairs: list[tuple[str, str]] = []
    places: dict[str, str] = {}


def read_motion_glb(path: Path, data: bytes) -> Motion:
    """The motion of a .glb or .gltf file.

    Joints are those of its skins and humanoid bones, in metres, Y up, with the scales of nodes worked in. ``rotations``
    are local, but told in the axes of the world at rest: with G the orientation of a joint and B the same at rest, each
    joint's turn is G B^-1, and its rotation that of its parent's turn to its own. So all are the identity in the rest
    pose, as of a BVH file, whatever axes the joints have.

    A file that Maquette wrote on its own rig gives the source's skeleton, positions, contacts, frame rate or times,
    source of the scale and notes; rotations where its joints are the rig's, else None. Uncertainties are not in it.

    Of several animations the first that moves the skeleton is read.

    Raises:
        InputError: damaged, or without a skeleton or an animation of it.
    """
    where = str(path)
    gltf = read_gltf(data, where, folder=path.parent)
    figure = read_skeleton(gltf)
    animation = _animation(gltf, figure)
    facts = _our_facts(gltf)
    clock = clock_of(animation, where, None if facts is None else (facts.fps, facts.frames, facts.uneven_times))
    ends = [node for node in figure.tip_nodes if node >= 0]
    with np.errstate(over="ignore", invalid="ignore"):
        places, orientations = skeleton_poses(gltf, animation, (*figure.nodes, *ends), clock.times_s)
        if not (np.abs(places) < _FARTHEST_M).all():
            raise InputError(f"{where}: joints lie more than 1000 km away; positions or scales are damaged")
    own = _own_motion(gltf, figure, places, orientations, clock, path.stem)
    others = [other.name for other in gltf.animations if other is not animation]
    if others:
        own = own.with_notes(f"read the animation {animation.name!r}; also there: {', '.join(others[:10])}")
    return own if facts is None else _as_written(own, facts, gltf, figure, where)


def _our_facts(gltf: Gltf) -> OurFacts | None:
    if not gltf.generator.startswith("Maquette ") or "skeleton" not in gltf.extras:
        return None
    try:
        return msgspec.convert(gltf.extras, OurFacts)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        raise InputError(
            f"{gltf.where}: what Maquette wrote into asset.extras is damaged: {str(error)[:200]}"
        ) from None


def _animation(gltf: Gltf, figure: GltfSkeleton) -> GltfAnimation:
    """The first that moves the skeleton or what it stands on."""
    used = set(figure.nodes)
    node = gltf.parents[figure.nodes[0]]
    while node >= 0:
        used.add(node)
        node = gltf.parents[node]
    for animation in gltf.animations:
        if any(channel.node in used for channel in animation.channels):
            return animation
    seen = f"{len(gltf.animations)} animations, none of them of the skeleton" if gltf.animations else "no animation"
    raise InputError(
        f"{gltf.where}: holds a figure of {len(figure.names)} joints and {seen}; a figure at rest can be given as a rig"
    )


def _own_motion(
    gltf: Gltf,
    figure: GltfSkeleton,
    places: Float[np.ndarray, "frames nodes 3"],
    orientations: Float[np.ndarray, "frames nodes 4"],
    clock: Clock,
    name: str,
) -> Motion:
    """The motion of the file's own joints, tips last."""
    count = len(figure.names)
    names, parents = list(figure.names), list(figure.parents)
    for joint, node in enumerate(figure.tip_nodes):
        if node >= 0:
            names.append(figure.names[joint] + _END)
            parents.append(joint)
    if len(set(names)) != len(names):
        raise InputError(f"{gltf.where}: a joint has the name of another one's end; rename one of them")
    _, at_rest = forward_pose(figure.parents, figure.offsets_m, figure.rotations)
    turns = quat_multiply(orientations[:, :count], quat_conjugate(at_rest))
    rotations = np.tile([1.0, 0.0, 0.0, 0.0], (len(places), len(names), 1))
    rotations[:, :count] = local_rotations(figure.parents, turns)
    unit_m, scale_source = _unit(figure)
    return Motion(
        positions=places * unit_m,
        skeleton=Skeleton(f"glb:{name}", tuple(names), tuple(parents), _pairs(figure, tuple(names))),
        fps=clock.fps,
        frame="world",
        rotations=quat_continuous(rotations),
        timestamps_s=clock.timestamps_s,
        scale_source=scale_source,
        source=gltf.where,
        notes=(clock.note, f"{scale_source}; frame taken as the world, Y up, as glTF has it"),
    )


def _unit(figure: GltfSkeleton) -> tuple[float, str]:
    """``(metres in the file's unit, how that is known)``."""
    with np.errstate(over="ignore"):
        size = float(np.linalg.norm(figure.offsets_m[1:], axis=-1).sum())
    longest = float(np.linalg.norm(figure.offsets_m[1:], axis=-1).max(initial=0.0))
    if longest < _GIANT_M or not np.isfinite(size):
        return 1.0, "glTF file, metres as glTF has it"
    unit, why = guess_unit(figure.offsets_m[None], figure.parents)
    return UNIT_M[unit], f"glTF file, unit {unit} and not metres as glTF has it: {why}"


def _pairs(figure: GltfSkeleton, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Left and right joints, by humanoid bones where the file has them, else by names."""
    pairs = {
        joint: figure.roles["right" + bone[4:]]
        for bone, joint in figure.roles.items()
        if bone.startswith("left") and "right" + bone[4:] in figure.roles
    }
    taken = {*pairs, *pairs.values()}
    for left, right in mirror_pairs(names):
        if left not in taken and right not in taken:
            pairs[left] = right
    return tuple(pairs.items())


def _as_written(own: Motion, facts: OurFacts, gltf: Gltf, figure: GltfSkeleton, where: str) -> Motion:
    """The motion that a file of ours was made from, as far as it keeps it."""
    notes = (*facts.notes, "read from GLB: uncertainties of joints are not kept there")
    contacts, contact_joints = _contacts(facts, own.n_frames, where)
    whole = facts.rig == "maquette" and facts.joints and set(facts.joints) == set(facts.places)
    if not whole:
        skeleton = own.skeleton
        kept = {}
        if set(contact_joints) <= set(skeleton.joints):
            kept = {"contacts": contacts, "contact_joints": contact_joints}
        return own.with_notes(*notes, scale_source=facts.scale_source, **kept)
    skeleton = _skeleton(facts, where)
    joint_of = {gltf.names[node]: joint for joint, node in enumerate(figure.nodes)}
    joint_of |= {
        gltf.names[node]: own.skeleton.index(figure.names[joint] + _END)
        for joint, node in enumerate(figure.tip_nodes)
        if node >= 0
    }
    lost = [place for place in facts.places.values() if place not in joint_of]
    if lost:
        raise InputError(f"{where}: nodes that Maquette wrote are missing: {', '.join(lost[:5])}")
    order = [joint_of[facts.places[joint]] for joint in skeleton.joints]
    return Motion(
        positions=own.positions[:, order],
        skeleton=skeleton,
        fps=own.fps,
        frame="world",
        rotations=_carried(own, skeleton, order),
        contacts=contacts,
        contact_joints=contact_joints,
        timestamps_s=own.timestamps_s,
        scale_source=facts.scale_source,
        source=where,
        notes=notes,
    )


def _carried(own: Motion, skeleton: Skeleton, order: list[int]) -> Float[np.ndarray, "frames joints 4"] | None:
    """Rotations of the rig for the skeleton's joints, where each is a joint of the rig on the same parent."""
    if own.rotations is None or len(set(order)) != len(order):
        return None
    above = [order[parent] if parent >= 0 else -1 for parent in skeleton.parents]
    if above != [own.skeleton.parents[joint] for joint in order]:
        return None
    return own.rotations[:, order]


def _skeleton(facts: OurFacts, where: str) -> Skeleton:
    known = SKELETONS.get(facts.skeleton)
    if known is not None and list(known.joints) == facts.joints:
        return known
    try:
        return Skeleton(facts.skeleton, tuple(facts.joints), tuple(facts.parents), tuple(facts.mirror_pairs))
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _contacts(
    facts: OurFacts, frames: int, where: str
) -> tuple[Bool[np.ndarray, "frames feet"] | None, tuple[str, ...]]:
    if not facts.contacts:
        return None, ()
    table = np.zeros((frames, len(facts.contacts)), dtype=np.bool_)
    for column, stands in enumerate(facts.contacts.values()):
        for first, last in stands:
            if not 0 <= first <= last < frames:
                raise InputError(f"{where}: a stand from frame {first} to {last}, and there are {frames} frames")
            table[first : last + 1, column] = True
    return table, tuple(facts.contacts)
