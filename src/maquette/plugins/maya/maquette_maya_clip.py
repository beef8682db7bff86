"""Motion files for Maya: reads Maquette's ``.json`` and the fork's ``3d_data.json`` into joints that can be keyed.

Part of ``maquette_maya``; the standard library only, nothing of Maya. Metres, right-handed, Y up, as Maya is;
quaternions w, x, y, z.
"""

import json
import math
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from maquette_maya_math import (
    add,
    between,
    conjugate,
    cross,
    from_axes,
    length,
    multiply,
    quaternion_about,
    rotate,
    subtract,
    unit,
)

STEADY_M = 4e-5
"""A bone that changes less than this keeps one place in its parent: files have five decimals of a metre."""

H36M_32 = """
hip -1, r_hip 0, r_knee 1, r_ankle 2, r_toe_base 3, r_toe_site 4, l_hip 0, l_knee 6, l_ankle 7,
l_toe_base 8, l_toe_site 9, spine_root 0, spine 11, thorax 12, nose 13, head 14, l_shoulder_root 13,
l_shoulder 16, l_elbow 17, l_wrist 18, l_thumb_root 19, l_thumb_site 20, l_finger_root 19,
l_finger_site 22, r_shoulder_root 13, r_shoulder 24, r_elbow 25, r_wrist 26, r_thumb_root 27,
r_thumb_site 28, r_finger_root 27, r_finger_site 30"""
"""Joints of ``3d_data.json`` with the number of their parent: those of Human3.6M's files."""
COCO_18 = """nose 1, neck -1, r_shoulder 1, r_elbow 2, r_wrist 3, l_shoulder 1, l_elbow 5, l_wrist 6, r_hip 1, r_knee 8,
r_ankle 9, l_hip 1, l_knee 11, l_ankle 12, r_eye 0, l_eye 0, r_ear 14, l_ear 15"""
"""Points of ``2d_data.json``: OpenPose's COCO model."""
LIFTED = "hip r_hip r_knee r_ankle l_hip l_knee l_ankle spine thorax nose head".split()
LIFTED += [f"{side}_{joint}" for side in "lr" for joint in ("shoulder", "elbow", "wrist")]
"""The joints among the 32 that lifters predict."""

REST = {"knee": (0, -1, 0), "ankle": (0, -1, 0), "toe": (0, -0.5, 0.9), "heel": (0, -0.8, -0.6), "spine": (0, 1, 0)}
REST |= {"thorax": (0, 1, 0), "nose": (0, 0.94, 0.34), "head": (0, 1, 0), "toe_base": (0, -0.5, 0.9)}
"""Where bones point in the T-pose, by the joint at their end; arms point to their own side."""


class MotionFileError(ValueError):
    """A file that cannot be imported; the text says what was seen, what was expected and what to do."""


@dataclass
class Clip:
    """One person's motion. Lists run over joints, then frames; None is unknown."""

    name: str
    names: list
    parents: list
    places: list
    """World position of each joint."""
    turns: list
    """Local rotation of each joint, relative to the parent and the T-pose."""
    times_s: list
    fps: object = None
    """A Fraction; None where the file does not say."""
    camera: object = None
    points_2d: object = None
    """Another Clip, in thousands of pixels with y upwards, or None."""
    about: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)
    rest: list = field(default_factory=list)
    """Place of each joint in its parent; see :func:`hang`."""
    steps: list = field(default_factory=list)
    """The same for each frame, for joints whose place in the parent changes; None for the others."""


def read_clip(path, tilt_degrees=0.0):
    """The motion of a file, ready to be keyed.

    ``tilt_degrees`` turns a ``3d_data.json`` about the horizontal axis: files of the fork itself are tilted as their
    camera was (its own script took 20); those of Maquette are upright.
    """
    path = Path(path)
    document = _document(path)
    if "translate" in str(document.get("0", ""))[:200] or path.name.endswith("3d_data.json"):
        clip = _fork_clip(document, path, tilt_degrees)
    elif document.get("format") == "maquette-motion":
        clip = _maquette_clip(document, path)
    else:
        raise MotionFileError(
            f"{path}: this is JSON, but neither Maquette's motion (maquette convert MOTION -o motion.json) nor a "
            "3d_data.json"
        )
    if len(parents_first(clip)) != len(clip.names):
        raise MotionFileError(f"{path}: its joints hang on each other in a circle")
    if all(turn is None for turns in clip.turns for turn in turns):
        swing(clip)
    hang(clip)
    add_swings(clip)
    return clip


def _document(path):
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except OSError as error:
        raise MotionFileError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise MotionFileError(
            f"{path}: this is not JSON; write one with: maquette convert MOTION -o motion.json"
        ) from None
    if not isinstance(document, dict):
        raise MotionFileError(f"{path}: expected one JSON object, saw a {type(document).__name__}")
    return document


def _maquette_clip(document, path):
    try:
        skeleton, rows = document["skeleton"], document["positions"]
        names, parents = list(skeleton["joints"]), list(skeleton["parents"])
        fps = Fraction(document["fps"])
        camera_frame = {"world": False, "camera": True}[document["frame"]]
        places = [[_known(row[joint]) for row in rows] for joint in range(len(names))]
        turns = [[None] * len(rows) for _ in names]
        if document.get("rotations"):
            turns = [[_known(row[joint]) for row in document["rotations"]] for joint in range(len(names))]
        times = document.get("timestamps_s") or [float(i / fps) for i in range(len(rows))]
        times_s = [time - times[0] for time in times]
    except (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError) as error:
        raise MotionFileError(f"{path}: a Maquette motion with a part that does not fit: {error!r}") from None
    if len(parents) != len(names) or not all(type(p) is int and -1 <= p < len(names) for p in parents):
        raise MotionFileError(f"{path}: its {len(names)} joints and {len(parents)} parents do not fit")
    if document.get("version", 1) > 1:
        raise MotionFileError(f"{path}: format version {document['version']}; this script reads 1: get a newer one")
    if not rows or len(times_s) != len(rows):
        raise MotionFileError(f"{path}: {len(rows)} frames and {len(times_s)} times")
    if camera_frame:
        # x right, y down, z away -> x right, y up, z towards: half a turn about x.
        places = [[p and (p[0], -p[1], -p[2]) for p in column] for column in places]
        for joint, parent in enumerate(parents):
            if parent < 0:
                turns[joint] = [q and multiply((0.0, 1.0, 0.0, 0.0), q) for q in turns[joint]]
    about = {key: str(document[key]) for key in ("scale_source", "model", "source", "fps") if document.get(key)}
    camera = document.get("camera") and dict(document["camera"], upside_down=camera_frame)
    return Clip(path.stem, names, parents, places, turns, times_s, fps, camera, None, about)


def _known(numbers):
    return None if any(number is None for number in numbers) else tuple(map(float, numbers))


def _fork_clip(document, path, tilt_degrees):
    names, parents, columns = _fork_columns(document, path, H36M_32, 3)
    turn = quaternion_about((1, 0, 0), math.radians(tilt_degrees))
    places = [[p and rotate(turn, (p[0] / 1000, p[2] / 1000, -p[1] / 1000)) for p in column] for column in columns]
    clip = Clip(path.stem.replace("3d_data", "") or path.parent.name, names, parents, places, [], [])
    clip.times_s = [None] * len(document)
    clip.turns = [[None] * len(document) for _ in names]
    idle = [name for joint, name in enumerate(names) if name not in LIFTED and _idle(clip, joint)]
    drop(clip, idle)
    if idle:
        clip.notes.append(f"left out joints that do not move by themselves: {', '.join(idle)}")
    beside = path.with_name(path.name.replace("3d_data", "2d_data"))
    if beside != path and beside.is_file():
        names, parents, columns = _fork_columns(_document(beside), beside, COCO_18, 2)
        known = [p for column in columns for p in column if p]
        middle = sum(p[0] for p in known) / max(len(known), 1)
        lowest = max((p[1] for p in known), default=0)
        flat = [[p and ((p[0] - middle) / 1000, (lowest - p[1]) / 1000, 0.0) for p in column] for column in columns]
        none = [[None] * len(column) for column in columns]
        clip.points_2d = Clip("points_2d", names, parents, flat, none, list(clip.times_s))
        hang(clip.points_2d)
    return clip


def _fork_columns(document, path, table, dims):
    """Names, parents, and for each joint its numbers in each frame."""
    names, parents = zip(*((row.split()[0], int(row.split()[1])) for row in table.split(",")), strict=True)
    try:
        frames = [document[key] for key in sorted(document, key=int)]
        columns = [[tuple(map(float, f[str(j)]["translate"])) for f in frames] for j in range(len(names))]
    except (KeyError, TypeError, ValueError) as error:
        raise MotionFileError(
            f"{path}: expected frames of {len(names)} joints, each with 'translate': {error!r}"
        ) from None
    if not frames or any(len(point) != dims for column in columns for point in column):
        raise MotionFileError(f"{path}: expected at least one frame, and {dims} numbers for each joint")
    if dims == 2:
        columns = [[None if point == (0.0, 0.0) else point for point in column] for column in columns]
    return list(names), list(parents), columns


def _idle(clip, joint):
    """Whether a joint only repeats its parent, or stays at one place from the hip (the fork's unlifted joints)."""
    for other in (clip.parents[joint], 0):
        gaps = [subtract(a, b) for a, b in zip(clip.places[joint], clip.places[other], strict=True)]
        if length(gaps[0]) < 1e-6 or other == 0:
            if all(length(subtract(gap, gaps[0])) < 1e-5 for gap in gaps):
                return True
    return False


def drop(clip, names):
    """Leave joints out; their children go to the nearest one above."""
    kept = [joint for joint, name in enumerate(clip.names) if name not in names]
    parents = []
    for joint in kept:
        parent = clip.parents[joint]
        while parent >= 0 and parent not in kept:
            parent = clip.parents[parent]
        parents.append(kept.index(parent) if parent >= 0 else -1)
    clip.names = [clip.names[joint] for joint in kept]
    clip.places = [clip.places[joint] for joint in kept]
    clip.turns = [clip.turns[joint] for joint in kept]
    clip.parents = parents


def children(clip, joint):
    """Numbers of the joints that hang on a joint."""
    return [other for other, parent in enumerate(clip.parents) if parent == joint]


def parents_first(clip):
    """Numbers of all joints, each after its parent."""
    order, level = [], children(clip, -1)
    while level:
        order += level
        level = [child for joint in level for child in children(clip, joint)]
    return order


def swing(clip):
    """Rotations for positions without any: hips and chest from their triangles, other bones by the shortest turn."""
    number = {name: joint for joint, name in enumerate(clip.names)}
    world = {-1: [(1.0, 0.0, 0.0, 0.0)] * len(clip.times_s)}

    def triangle(frame, left, right, low, high):
        corners = [clip.places[number[name]][frame] for name in (left, right, low, high)]
        if any(corner is None for corner in corners):
            return None
        return from_axes(subtract(corners[0], corners[1]), subtract(corners[3], corners[2]))

    triangles = {"hip": ("l_hip", "r_hip", "hip", "spine"), "thorax": ("l_shoulder", "r_shoulder", "spine", "thorax")}
    for joint in parents_first(clip):
        name, below, above = clip.names[joint], children(clip, joint), world[clip.parents[joint]]
        world[joint] = list(above)
        corners = triangles.get(name, ("",))
        if all(corner in number for corner in corners):
            world[joint] = [triangle(frame, *corners) or above[frame] for frame in range(len(above))]
        elif len(below) == 1 and rest_direction(clip.names[below[0]]):
            for frame, start in enumerate(above):
                a, b = clip.places[joint][frame], clip.places[below[0]][frame]
                if a and b and length(subtract(b, a)) > 1e-6:
                    rest = rotate(start, rest_direction(clip.names[below[0]]))
                    world[joint][frame] = multiply(between(rest, subtract(b, a)), start)
        clip.turns[joint] = [multiply(conjugate(a), b) for a, b in zip(above, world[joint], strict=True)]


def rest_direction(name):
    """Where the bone that ends at a joint points in the T-pose; None where that is not known."""
    side, _, rest = name.partition("_")
    if rest in ("elbow", "wrist"):
        return (1.0 if side == "l" else -1.0, 0.0, 0.0)
    return REST.get(rest if side in ("l", "r") else name)


def hang(clip):
    """Place of every joint in its parent: ``rest`` where it is constant, also ``steps`` for each frame where not."""
    clip.rest, clip.steps = [None] * len(clip.names), [None] * len(clip.names)
    frames = range(len(clip.times_s))
    world, stand = {}, {}
    for joint in parents_first(clip):
        parent, known = clip.parents[joint], clip.places[joint]
        above = world[parent] if parent >= 0 else [(1.0, 0.0, 0.0, 0.0)] * len(frames)
        base = stand[parent] if parent >= 0 else [(0.0, 0.0, 0.0)] * len(frames)
        local = [
            rotate(conjugate(a), subtract(p, b)) if a and b and p else None
            for a, b, p in zip(above, base, known, strict=True)
        ]
        seen = [p for p in local if p] or [(0.0, 0.0, 0.0)]
        middle = tuple(sorted(p[axis] for p in seen)[len(seen) // 2] for axis in range(3))
        steady = parent >= 0 and all(length(subtract(p, middle)) < STEADY_M for p in seen)
        clip.rest[joint] = middle
        clip.steps[joint] = None if steady else local
        stand[joint] = [
            (add(b, rotate(a, middle)) if a and b else None) if steady else p
            for a, b, p in zip(above, base, known, strict=True)
        ]
        # A joint without a rotation of its own goes along with its parent.
        turns = clip.turns[joint]
        world[joint] = [a and multiply(a, q or (1.0, 0.0, 0.0, 0.0)) for a, q in zip(above, turns, strict=True)]


def add_swings(clip):
    """Where several bones leave a joint, its rotation cannot turn each: one of constant length that moves in its parent
    gets a joint of its own there (``l_hip_base`` at the hip), so that no translation has to be keyed."""
    for joint in range(len(clip.names)):
        steps, parent = clip.steps[joint], clip.parents[joint]
        if steps is None or parent < 0:
            continue
        spans = sorted(length(step) for step in steps if step)
        span = spans[len(spans) // 2] if spans else 0.0
        if span < 1e-4 or max(span - spans[0], spans[-1] - span) > STEADY_M:
            continue
        rest = tuple(x * span for x in unit(clip.rest[joint]))
        swings = [step and between(rest, step) for step in steps]
        turns = clip.turns[joint]
        clip.names.append(f"{clip.names[joint]}_base")
        clip.parents.append(parent)
        clip.places.append(clip.places[parent])
        clip.turns.append(swings)
        clip.rest.append((0.0, 0.0, 0.0))
        clip.steps.append(None)
        clip.parents[joint], clip.rest[joint], clip.steps[joint] = len(clip.names) - 1, rest, None
        clip.turns[joint] = [q and s and multiply(conjugate(s), q) for q, s in zip(turns, swings, strict=True)]


def bone_axes(clip):
    """Axes of each joint in the T-pose: x along the bone, y the hinge of elbows and knees, z forward (toes: up).

    Joints without children have their parent's."""
    axes = {-1: (1.0, 0.0, 0.0, 0.0)}
    for joint in parents_first(clip):
        ends = [clip.rest[child] for child in children(clip, joint)]
        ends = [end for end in ends if length(end) > 1e-4]
        # Of several bones the middle one: the spine of the hips, the neck of the chest.
        bone = min(ends, key=lambda end: (round(abs(end[0]), 2), -length(end)), default=None)
        if bone is None:
            axes[joint] = axes[clip.parents[joint]]
            continue
        forward = (0.0, 1.0, 0.0) if abs(bone[2]) > 0.9 * length(bone) else (0.0, 0.0, 1.0)
        axes[joint] = from_axes(bone, cross(forward, bone))
    return [axes[joint] for joint in range(len(clip.names))]
