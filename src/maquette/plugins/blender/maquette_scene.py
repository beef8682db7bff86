"""Maquette's motions and animations as Blender objects: armature, keys, body, markers, camera.

Runs inside Blender 4.2 and later with nothing installed; NumPy comes with Blender. A *figure* here is a dictionary:
``names``, ``parents`` (-1 for the root, which comes first), ``offsets_m`` (joints, 3) in the parent's axes, ``rest``
(joints, 4) local rotations at rest, ``tips_m`` (joints, 3) ends of bones, NaN where there are none, ``rotations``
(frames, joints, 4) whole local rotations, ``root_m`` (frames, 3); where known, ``places_m`` (joints, 3) at rest in the
world, and ``moves_m``, joint -> (frames, 3), how far a joint leaves its offset, in the axes of its parent.
Quaternions are w, x, y, z; metres; Y up, facing +Z.
"""

from fractions import Fraction

import bpy
import numpy as np
from mathutils import Matrix, Vector

Z_UP = Matrix(((1, 0, 0, 0), (0, 0, -1, 0), (0, 1, 0, 0), (0, 0, 0, 1)))
"""From Maquette's axes (Y up, facing +Z) to Blender's (Z up, facing -Y)."""
_SHORTEST_M = 0.02


def multiply(a, b):
    """Hamilton products."""
    aw, ax, ay, az = np.moveaxis(np.asarray(a, dtype=float), -1, 0)
    bw, bx, by, bz = np.moveaxis(np.asarray(b, dtype=float), -1, 0)
    return np.stack(
        (
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ),
        axis=-1,
    )


def conjugate(q):
    """Inverses of unit quaternions."""
    return np.asarray(q, dtype=float) * [1.0, -1.0, -1.0, -1.0]


def rotate(q, v):
    """Vectors turned by quaternions."""
    q, v = np.asarray(q, dtype=float), np.asarray(v, dtype=float)
    twice = 2.0 * np.cross(q[..., 1:], v)
    return v + q[..., :1] * twice + np.cross(q[..., 1:], twice)


def rest_of(figure):
    """``(places, orientations)`` of the joints in the rest pose; on the ground where no places are told."""
    count = len(figure["names"])
    places, turned = np.zeros((count, 3)), np.zeros((count, 4))
    for joint, parent in enumerate(figure["parents"]):
        above = turned[parent] if parent >= 0 else np.array([1.0, 0.0, 0.0, 0.0])
        turned[joint] = multiply(above, figure["rest"][joint])
        start = places[parent] if parent >= 0 else np.zeros(3)
        # The first root goes through the world; others, as of things beside a person, have a place of their own.
        places[joint] = start + (rotate(above, figure["offsets_m"][joint]) if joint else 0.0)
    if "places_m" in figure:
        return np.asarray(figure["places_m"]), turned
    tips = places + rotate(turned, figure["tips_m"])
    lowest = np.nanmin(np.concatenate((places, tips))[:, 1])
    return places - [0.0, lowest, 0.0], turned


def set_rate(scene, fps):
    """Frames a second of the scene, exactly: 30000/1001 is 30 over 1.001."""
    whole = max(1, round(fps))
    scene.render.fps = whole
    scene.render.fps_base = float(Fraction(whole) / fps)


def build_armature(figure, name, *, along_bones=True, axes=None, scale=1.0):
    """An armature object with one bone for each joint, in its rest pose.

    ``along_bones``: bones lie along the limbs, as animators in Blender expect; otherwise each has the axes of its joint
    in the rig, so that a file made of it has the rig's own rest pose. ``axes`` is applied to all places, ``scale`` too.
    """
    turn = Z_UP if axes is None else axes
    places, turned = rest_of(figure)
    data = bpy.data.armatures.new(name)
    armature = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    made = []
    for joint, (label, parent) in enumerate(zip(figure["names"], figure["parents"], strict=True)):
        bone = data.edit_bones.new(label)
        way = _bone_way(figure, joint, places, turned)
        bone.head = turn @ Vector(places[joint]) * scale
        bone.tail = bone.head + turn.to_3x3() @ Vector(way) * scale
        if along_bones:
            bone.align_roll(
                turn.to_3x3() @ Vector((0.0, 0.0, 1.0) if abs(way[2]) < 0.7 * np.linalg.norm(way) else (0, 1, 0))
            )
        else:
            length = bone.length
            bone.matrix = _placed(turn, turned[joint], bone.head)
            bone.length = length
        if parent >= 0:
            bone.parent = made[parent]
            touches = (bone.head - made[parent].tail).length < 1e-6 * scale
            bone.use_connect = along_bones and touches and joint not in figure.get("moves_m", {})
        made.append(bone)
    labels = [bone.name for bone in made]
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature, labels


def _placed(turn, quat, head):
    """Matrix of a bone that has the axes of its joint."""
    own = np.stack([rotate(quat, axis) for axis in np.eye(3)], axis=1)
    matrix = (turn.to_3x3() @ Matrix(own.tolist())).to_4x4()
    matrix.translation = head
    return matrix


def _bone_way(figure, joint, places, turned):
    """From the joint to the end of its bone: its tip, or the middle of its children that stand elsewhere."""
    if np.isfinite(figure["tips_m"][joint]).all():
        way = rotate(turned[joint], figure["tips_m"][joint])
    else:
        ends = [places[i] for i, parent in enumerate(figure["parents"]) if parent == joint]
        ends = [end for end in ends if np.linalg.norm(end - places[joint]) > 1e-4]
        way = np.mean(ends, axis=0) - places[joint] if ends else np.zeros(3)
    length = float(np.linalg.norm(way))
    if length < 1e-4:
        return np.array([0.0, _SHORTEST_M * 3, 0.0])
    return way if length >= _SHORTEST_M else way * (_SHORTEST_M / length)


def key_armature(armature, labels, figure, action_name, *, first_frame=1, scale=1.0, frames=None, rest_before=False):
    """Key every bone's rotation and the root's place at every frame (``frames``: their numbers, else one by one).
    ``rest_before`` keys the rest pose one frame earlier."""
    count = len(figure["rotations"])
    times = np.arange(count, dtype=float) + first_frame if frames is None else np.asarray(frames, dtype=float)
    if rest_before:
        times = np.concatenate((times[:1] - 1.0, times))
    places, turned = rest_of(figure)
    action = bpy.data.actions.new(action_name)
    curves = _curves(armature, action)
    rest_bones = [armature.data.bones[label] for label in labels]
    for joint, (label, parent) in enumerate(zip(labels, figure["parents"], strict=True)):
        pose = armature.pose.bones[label]
        pose.rotation_mode = "QUATERNION"
        above = turned[parent] if parent >= 0 else np.array([1.0, 0.0, 0.0, 0.0])
        # Away from the rest pose, in the axes of the world, then in those of the bone.
        away = multiply(multiply(above, figure["rotations"][:, joint]), conjugate(turned[joint]))
        bone = np.array(axes_in_world(armature, rest_bones[joint]).to_quaternion())
        own = multiply(multiply(conjugate(bone), away), bone)
        if rest_before:
            own = np.concatenate(([[1.0, 0.0, 0.0, 0.0]], own))
        own = _continuous(own)
        path = f'pose.bones["{bpy.utils.escape_identifier(label)}"]'
        for axis in range(4):
            _key(curves, f"{path}.rotation_quaternion", axis, times, own[:, axis], label)
        moved = figure["root_m"] - places[0] if not joint else figure.get("moves_m", {}).get(joint)
        if joint and parent < 0:
            moved = moved + figure["offsets_m"][joint] - places[joint]
        if moved is not None:
            # In the axes of the bone at rest: those of its parent's offset, turned as the parent is at rest.
            moved = rotate(conjugate(bone), rotate(above, moved)) * scale
            if rest_before:
                moved = np.concatenate(([[0.0, 0.0, 0.0]], moved))
            for axis in range(3):
                _key(curves, f"{path}.location", axis, times, moved[:, axis], label)
    return action


def axes_in_world(armature, bone):
    """Axes of a bone at rest in Maquette's axes."""
    turn = armature.get("maquette_axes")
    axes = Matrix([list(row) for row in turn]).to_3x3() if turn is not None else Z_UP.to_3x3()
    return axes.inverted() @ bone.matrix_local.to_3x3()


def _continuous(quats):
    """Signs that do not jump from frame to frame."""
    steps = np.sign(np.sum(quats[1:] * quats[:-1], axis=-1))
    signs = np.cumprod(np.concatenate(([1.0], np.where(steps < 0, -1.0, 1.0))))
    return quats * signs[:, None]


def _curves(armature, action):
    """Where the curves of an action go, in each version of Blender; the armature plays the action."""
    data = armature.animation_data_create()
    if hasattr(action, "fcurves"):
        data.action = action
        return action.fcurves
    from bpy_extras import anim_utils

    slot = action.slots.new("OBJECT", armature.name)
    data.action = action
    data.action_slot = slot
    return anim_utils.action_ensure_channelbag_for_slot(action, slot).fcurves


def _key(curves, path, axis, times, values, group):
    """One curve with straight lines between its keys."""
    # The name of this argument changed with the layered actions.
    argument = "group_name" if "group_name" in curves.bl_rna.functions["new"].parameters else "action_group"
    curve = curves.new(path, index=axis, **{argument: group})
    curve.keyframe_points.add(len(times))
    points = np.stack((times, values), axis=1)
    curve.keyframe_points.foreach_set("co", points.ravel())
    linear = np.full(len(times), 1, dtype=np.int32)
    curve.keyframe_points.foreach_set("interpolation", linear)
    curve.update()


def settle(armature, labels):
    """Slots of actions that were keyed in the old way, for versions that have both."""
    data = armature.animation_data
    if data is not None and hasattr(data, "action_slot") and data.action_slot is None and data.action.slots:
        data.action_slot = data.action.slots[0]


def build_body(body, armature, labels, *, axes=None, scale=1.0):
    """A skinned mesh: ``vertices_m`` and ``normals`` in the rest pose, ``bones`` and ``weights`` (vertices, 2),
    ``parts``: name -> (triangles, colour)."""
    turn = Z_UP if axes is None else axes
    own = np.array(turn.to_3x3())
    mesh = bpy.data.meshes.new("Body")
    places = (np.asarray(body["vertices_m"]) @ own.T) * scale
    triangles = np.concatenate([np.asarray(found) for found, _ in body["parts"].values()])
    mesh.from_pydata(places.tolist(), [], triangles.tolist())
    first = 0
    for number, (part, (found, colour)) in enumerate(body["parts"].items()):
        material = bpy.data.materials.new(part)
        material.diffuse_color = (*colour, 1.0)
        material.use_nodes = True
        shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
        shader.inputs["Base Color"].default_value = (*colour, 1.0)
        shader.inputs["Roughness"].default_value = 0.75
        mesh.materials.append(material)
        for polygon in mesh.polygons[first : first + len(found)]:
            polygon.material_index = number
        first += len(found)
    mesh.polygons.foreach_set("use_smooth", np.ones(len(triangles), dtype=bool))
    mesh.update()
    skin = bpy.data.objects.new("Body", mesh)
    bpy.context.scene.collection.objects.link(skin)
    skin.parent = armature
    groups = [skin.vertex_groups.new(name=label) for label in labels]
    for column in (0, 1):
        bones, weights = np.asarray(body["bones"])[:, column], np.asarray(body["weights"])[:, column]
        for bone in np.unique(bones):
            for weight in np.unique(weights[(bones == bone) & (weights > 0)]):
                chosen = np.flatnonzero((bones == bone) & (weights == weight))
                groups[bone].add(chosen.tolist(), float(weight), "ADD")
    modifier = skin.modifiers.new("Armature", "ARMATURE")
    modifier.object = armature
    return skin
