"""A body on a rig's rest pose, for formats that show one: a jointed mannequin, or capsules on rigs of no person."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from maquette.exporters.body_landmarks import Landmarks, landmarks, standing_rest
from maquette.exporters.body_mannequin import mannequin
from maquette.exporters.body_parts import Part, Side, rigid
from maquette.exporters.body_shapes import Vector, ellipsoid, tube
from maquette.geometry.rotations import (
    quat_angle,
    quat_conjugate,
    quat_identity,
    quat_multiply,
    quat_rotate,
    quat_to_matrix,
)
from maquette.rig.animation_rig import RigAnimation

_SHORTEST_BONE = 0.005
"""Share of the figure's height under which a bone gets no capsule."""


@dataclass(frozen=True, eq=False)
class Body:
    """A mesh in the rest pose with its bones' weights, in three parts of one colour each."""

    vertices_m: Float[np.ndarray, "vertices 3"]
    """In the world, the figure on the ground."""
    normals: Float[np.ndarray, "vertices 3"]
    bones: Int[np.ndarray, "vertices 2"]
    """Indices of the joints of the rig that move each vertex."""
    weights: Float[np.ndarray, "vertices 2"]
    triangles: dict[Side, Int[np.ndarray, "triangles 3"]]


def make_body(animation: RigAnimation) -> Body:
    """The mannequin of a rig whose humanoid bones are known, a capsule for each bone of any other."""
    marks = landmarks(animation)
    if marks is None:
        return _joined(_capsules(animation))
    return _at_rest(_joined(mannequin(marks)), animation, marks)


def _at_rest(body: Body, animation: RigAnimation, marks: Landmarks) -> Body:
    """A body of the T-pose in the rest pose: the one of which the T-pose makes the body again."""
    places, orientations = standing_rest(animation)
    turns = quat_multiply(marks.orientations, quat_conjugate(orientations))
    if (quat_angle(turns, quat_identity((len(turns),))) < 1e-9).all() and np.allclose(places, marks.places, atol=1e-9):
        return body
    shifts = marks.places - quat_rotate(turns, places)
    linear = np.einsum("vb,vbij->vij", body.weights, quat_to_matrix(turns)[body.bones])
    moved = body.vertices_m - np.einsum("vb,vbi->vi", body.weights, shifts[body.bones])
    normals = np.einsum("vji,vj->vi", linear, body.normals)
    return replace(
        body,
        vertices_m=np.linalg.solve(linear, moved[:, :, None])[:, :, 0],
        normals=normals / np.linalg.norm(normals, axis=-1, keepdims=True),
    )


def _joined(parts: list[Part]) -> Body:
    triangles: dict[Side, list[np.ndarray]] = {"left": [], "right": [], "middle": []}
    bones, weights, count = [], [], 0
    for part in parts:
        triangles[part.side].append(part.surface.triangles + count)
        count += len(part.surface.vertices_m)
        share = np.where(part.bones[:, 0] != part.bones[:, 1], part.share, 0.0)
        bones.append(part.bones)
        weights.append(np.stack((1 - share, share), axis=1))
    return Body(
        vertices_m=np.concatenate([part.surface.vertices_m for part in parts]),
        normals=np.concatenate([part.surface.normals for part in parts]),
        bones=np.concatenate(bones),
        weights=np.concatenate(weights),
        triangles={side: np.concatenate(found) for side, found in triangles.items() if found},
    )


def _capsules(animation: RigAnimation) -> list[Part]:
    """One slim capsule for each bone of a rig that is not known, its width a share of its length."""
    places, orientations = standing_rest(animation)
    ends: list[tuple[int, Vector]] = [
        (parent, places[node]) for node, parent in enumerate(animation.parents) if parent >= 0
    ]
    ends += [
        (node, places[node] + quat_rotate(orientations[node], tip))
        for node, tip in enumerate(animation.tip_offsets_m)
        if np.isfinite(tip).all()
    ]
    sides = _sides(animation)
    stature = max(float(np.ptp(places[:, 1])), 1e-3)
    parts = []
    for bone, end in ends:
        length = float(np.linalg.norm(end - places[bone]))
        if length < _SHORTEST_BONE * stature:
            continue
        radius = min(0.13 * length, 0.035 * stature)
        shape = tube(places[bone], end, [(0.05, radius), (0.25, 1.2 * radius), (0.95, 0.6 * radius)])
        parts.append(rigid(shape, sides[bone], bone))
    if not parts:
        parts.append(rigid(ellipsoid(places[0], (0.05, 0.05, 0.05), np.eye(3)), "middle", 0))
    return parts


def _sides(animation: RigAnimation) -> list[Side]:
    """The side of each joint: by the skeleton that it came with, or by the humanoid bone that it is."""
    left = {name for name, _ in animation.skeleton.mirror_pairs}
    right = {name for _, name in animation.skeleton.mirror_pairs}
    left |= {joint for bone, joint in animation.roles.items() if bone.startswith("left")}
    right |= {joint for bone, joint in animation.roles.items() if bone.startswith("right")}
    return ["left" if name in left else "right" if name in right else "middle" for name in animation.names]
