"""The skeleton in a glTF file: which nodes are its joints, and where they are, at rest and at any time."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.formats.gltf_read import Gltf, GltfAnimation, GltfChannel
from maquette.formats.unique_names import unique_names
from maquette.geometry.kinematics import depth_first_order
from maquette.geometry.rotations import quat_conjugate, quat_multiply, quat_rotate, quat_slerp

_PATHS = ("translation", "rotation", "scale")
_END = "_end"
_MOST_POSES = 10_000_000


@dataclass(frozen=True, eq=False)
class GltfSkeleton:
    """Joints in their rest pose, scales of nodes folded in."""

    nodes: tuple[int, ...]
    """Numbers of the nodes in the file."""
    names: tuple[str, ...]
    """Numbered where they repeat."""
    parents: tuple[int, ...]
    """Index of the parent, lower than the joint's own; -1 for the one root, which comes first."""
    offsets_m: Float[np.ndarray, "joints 3"]
    """Place at rest in the parent, in the parent's axes; of the root, in the world."""
    rotations: Float[np.ndarray, "joints 4"]
    """Local rotations at rest, unit quaternions wxyz; of the root, in the world."""
    tips_m: Float[np.ndarray, "joints 3"]
    """End of the bone of a joint without children, in its axes, from a node ``<joint>_end``; NaN where none is."""
    tip_nodes: tuple[int, ...]
    """Number of that node; -1 where none is."""
    roles: dict[str, str]
    """Humanoid bone -> name of the joint, where the file says so (VRM)."""


def read_skeleton(gltf: Gltf) -> GltfSkeleton:
    """The joints of the skins and the humanoid bones, with all nodes between them; of several trees, the one with the
    hips, or the largest. A file without either gives the nodes that its animations turn.

    A node ``<joint>_end`` that is the only child of a joint and has no children becomes its tip.

    Raises:
        InputError: the file has no such nodes.
    """
    chosen = _chosen(gltf)
    order = depth_first_order(gltf.parents, chosen)
    n_children = {node: 0 for node in order}
    for node in order:
        if gltf.parents[node] in n_children:
            n_children[gltf.parents[node]] += 1
    is_tip = {
        node: n_children[node] == 0
        and gltf.parents[node] in n_children
        and n_children[gltf.parents[node]] == 1
        and gltf.names[node] == gltf.names[gltf.parents[node]] + _END
        and node not in gltf.humanoid_nodes.values()
        for node in order
    }
    nodes = tuple(node for node in order if not is_tip[node])
    index = {node: joint for joint, node in enumerate(nodes)}
    parents = tuple(index.get(gltf.parents[node], -1) for node in nodes)
    found, turned = _world(gltf, {}, 1, _with_ancestors(gltf.parents, set(order)))
    names = unique_names([gltf.names[node] for node in nodes])
    places, orientations = (np.concatenate([table[node] for node in nodes]) for table in (found, turned))
    offsets, rotations = places.copy(), orientations.copy()
    hang, above = list(range(1, len(nodes))), list(parents[1:])
    back = quat_conjugate(orientations[above])
    offsets[hang] = quat_rotate(back, places[hang] - places[above])
    rotations[hang] = quat_multiply(back, orientations[hang])
    tips, tip_nodes = np.full((len(nodes), 3), np.nan), [-1] * len(nodes)
    for node in order:
        if is_tip[node]:
            joint = index[gltf.parents[node]]
            tips[joint] = quat_rotate(quat_conjugate(orientations[joint]), found[node][0] - places[joint])
            tip_nodes[joint] = node
    roles = {bone: names[index[node]] for bone, node in gltf.humanoid_nodes.items() if node in index}
    return GltfSkeleton(nodes, names, parents, offsets, rotations, tips, tuple(tip_nodes), roles)


def skeleton_poses(
    gltf: Gltf, animation: GltfAnimation, nodes: tuple[int, ...], times_s: Float[np.ndarray, " frames"]
) -> tuple[Float[np.ndarray, "frames nodes 3"], Float[np.ndarray, "frames nodes 4"]]:
    """``(places, orientations)`` of nodes in the world at some times; before its first and after its last key a channel
    stands still. Scales move children apart and turn nothing.

    Raises:
        InputError: frames times nodes are too many to hold.
    """
    moved: dict[int, dict[str, np.ndarray]] = {}
    used = _with_ancestors(gltf.parents, set(nodes))
    if len(used) * len(times_s) > _MOST_POSES:
        raise InputError(f"{gltf.where}: {len(times_s)} frames of {len(used)} nodes are more than is read; cut it up")
    for channel in animation.channels:
        if channel.node in used:
            moved.setdefault(channel.node, {})[channel.path] = sample_channel(channel, times_s)
    places, orientations = _world(gltf, moved, len(times_s), used)
    return np.stack([places[node] for node in nodes], axis=1), np.stack([orientations[node] for node in nodes], axis=1)


def sample_channel(channel: GltfChannel, times_s: Float[np.ndarray, " frames"]) -> Float[np.ndarray, "frames columns"]:
    """Values of a channel at some times (glTF 2.0, appendix C); rotations are unit quaternions wxyz."""
    keys, values = channel.times_s, channel.values
    if channel.interpolation == "STEP" or len(keys) == 1:
        return values[np.clip(np.searchsorted(keys, times_s, side="right") - 1, 0, len(keys) - 1)]
    first = np.clip(np.searchsorted(keys, times_s, side="right") - 1, 0, len(keys) - 2)
    step_s = keys[first + 1] - keys[first]
    t = np.clip((times_s - keys[first]) / step_s, 0.0, 1.0)
    before, after = values[first], values[first + 1]
    if channel.tangents is None:
        if channel.path == "rotation":
            return quat_slerp(before, after, t)
        return before + t[:, None] * (after - before)
    arriving, leaving = channel.tangents
    t, step_s = t[:, None], step_s[:, None]
    curve = (
        (2 * t**3 - 3 * t**2 + 1) * before
        + step_s * (t**3 - 2 * t**2 + t) * leaving[first]
        + (3 * t**2 - 2 * t**3) * after
        + step_s * (t**3 - t**2) * arriving[first + 1]
    )
    if channel.path != "rotation":
        return curve
    length = np.linalg.norm(curve, axis=-1, keepdims=True)
    return np.where(length > 1e-9, curve / np.where(length > 1e-9, length, 1.0), before)


def _chosen(gltf: Gltf) -> set[int]:
    """Nodes of the one tree of joints."""
    wanted = {joint for skin in gltf.skins for joint in skin.joints} | set(gltf.humanoid_nodes.values())
    if not wanted:
        turned = {c.node for a in gltf.animations for c in a.channels if c.path == "rotation"} - gltf.meshes
        wanted = turned | {n for n, p in enumerate(gltf.parents) if p in turned and n not in gltf.meshes}
    if not wanted:
        raise InputError(
            f"{gltf.where}: holds no skeleton: no skin, no humanoid bones and no animation that turns nodes"
        )
    # Of each node the topmost wanted one above it, and how many wanted ones hang on it; both with itself.
    order = depth_first_order(gltf.parents)
    top = [-1] * len(order)
    for node in order:
        parent = gltf.parents[node]
        above = top[parent] if parent >= 0 else -1
        top[node] = above if above >= 0 else node if node in wanted else -1
    below = _counts(gltf.parents, order, wanted)
    trees: dict[int, set[int]] = {}
    for node in order:
        if top[node] >= 0 and below[node]:
            trees.setdefault(top[node], set()).add(node)
    return _joined(gltf, trees, order)


def _joined(gltf: Gltf, trees: dict[int, set[int]], order: list[int]) -> set[int]:
    """One tree of several: joined where all meet, or else the one with the hips, or the largest."""
    if len(trees) == 1:
        return next(iter(trees.values()))
    hips = gltf.humanoid_nodes.get("hips", -1)
    main = max(trees, key=lambda root: (hips in trees[root], len(trees[root]), -root))
    counts = _counts(gltf.parents, order, set(trees))
    meeting = next((node for node in reversed(order) if counts[node] == len(trees)), -1)
    if hips in trees[main] or meeting < 0 or meeting in gltf.meshes:
        return trees[main]
    joined = set().union({meeting}, *trees.values())
    for root in trees:
        while root not in joined or root in trees:
            joined.add(root)
            root = gltf.parents[root]
    return joined


def _counts(parents: tuple[int, ...], order: list[int], counted: set[int]) -> list[int]:
    """How many of some nodes each node and all below it are."""
    counts = [int(node in counted) for node in range(len(parents))]
    for node in reversed(order):
        if parents[node] >= 0:
            counts[parents[node]] += counts[node]
    return counts


def _with_ancestors(parents: tuple[int, ...], nodes: set[int]) -> set[int]:
    found: set[int] = set()
    for node in nodes:
        while node >= 0 and node not in found:
            found.add(node)
            node = parents[node]
    return found


def _world(
    gltf: Gltf, moved: dict[int, dict[str, np.ndarray]], n_frames: int, used: set[int]
) -> tuple[dict[int, Float[np.ndarray, "frames 3"]], dict[int, Float[np.ndarray, "frames 4"]]]:
    """Places and orientations of nodes, all their ancestors among them. Orientations are the product of the rotations
    alone; uneven scales, which shear what is below them, go into the places as matrices."""
    places: dict[int, np.ndarray] = {}
    orientations: dict[int, np.ndarray] = {}
    spaces: dict[int, np.ndarray] = {}
    for node in depth_first_order(gltf.parents, used):
        rest = (gltf.translations, gltf.rotations, gltf.scales)
        local = {path: table[node][None] for path, table in zip(_PATHS, rest, strict=True)} | moved.get(node, {})
        translation = np.broadcast_to(local["translation"], (n_frames, 3))
        rotation, scale = np.broadcast_to(local["rotation"], (n_frames, 4)), local["scale"]
        parent = gltf.parents[node]
        if parent < 0:
            places[node], orientations[node] = translation, rotation
            spaces[node] = _scaled(None, rotation, scale)
        else:
            space = spaces[parent]
            moves = (
                quat_rotate(orientations[parent], space * translation)
                if space.ndim == 2
                else np.einsum("fij,fj->fi", space, translation)
            )
            places[node] = places[parent] + moves
            orientations[node] = quat_multiply(orientations[parent], rotation)
            spaces[node] = _scaled((space, orientations[parent]), rotation, scale)
    return places, orientations


def _scaled(
    above: tuple[np.ndarray, np.ndarray] | None, rotation: Float[np.ndarray, "frames 4"], scale: np.ndarray
) -> np.ndarray:
    """How a node's children are laid out: ``(frames or 1, 1)`` where its scale and all above are even, else matrices
    ``(frames, 3, 3)``.

    Args:
        above: the same of its parent, with the parent's orientation.
    """
    space = np.ones((1, 1)) if above is None else above[0]
    if space.ndim == 2 and (scale == scale[:, :1]).all() and (scale > 0).all():
        return space * scale[:, :1]
    own = _matrices(rotation) * scale[:, None, :]
    if space.ndim == 3:
        return space @ own
    turned = own if above is None else _matrices(above[1]) @ own
    return space[:, :, None] * turned


def _matrices(rotation: Float[np.ndarray, "frames 4"]) -> Float[np.ndarray, "frames 3 3"]:
    return np.stack([quat_rotate(rotation, axis) for axis in np.eye(3)], axis=-1)
