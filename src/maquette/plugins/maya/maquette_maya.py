"""Maquette's motions in Maya 2022 and later: joints, keys, units, frame rate, camera and the pictures behind them.

Put the four files of this folder into Maya's scripts folder, then in the script editor (Python)::

    import maquette_maya
    maquette_maya.show()                                            # a window
    maquette_maya.import_motion("walk.json", images="frames/")      # or without one

It reads Maquette's ``.json`` (``maquette convert MOTION -o walk.json``) and ``3d_data.json`` with ``2d_data.json``
beside it. Everything of one import is in a group and a namespace of its own, and one undo takes it back.
"""

import math
import os
import re
import shutil
from dataclasses import dataclass, field
from fractions import Fraction

import maquette_maya_clip as clips
import maquette_maya_math as vectors
from maya import cmds

MotionFileError = clips.MotionFileError

PER_METRE = {"mm": 1000.0, "cm": 100.0, "m": 1.0, "in": 1 / 0.0254, "ft": 1 / 0.3048, "yd": 1 / 0.9144}
RATES = {"game": 15, "film": 24, "pal": 25, "ntsc": 30, "show": 48, "palf": 50, "ntscf": 60}
RATES |= {"23.976fps": Fraction(24000, 1001), "29.97fps": Fraction(30000, 1001)}
RATES |= {"47.952fps": Fraction(48000, 1001), "59.94fps": Fraction(60000, 1001)}
_WHOLE = "2 3 4 5 6 8 10 12 16 20 40 75 80 100 120 125 150 200 240 250 300 375 400 500 600 750 1200 1500 2000 3000 6000"
RATES |= {f"{rate}fps": int(rate) for rate in _WHOLE.split()}
"""Maya's names of frame rates."""
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".tga", ".bmp", ".iff")
FILM_WIDTH_MM = 36.0
"""Width of the film of the camera made here; focal length and film only matter in their ratio."""


@dataclass
class Imported:
    """What one import made."""

    namespace: str
    group: str
    joints: dict
    """Joint name -> node."""
    camera: str = ""
    image_plane: str = ""
    notes: list = field(default_factory=list)


def import_motion(
    path,
    images=None,
    fps=None,
    unit="cm",
    start=1,
    namespace=None,
    set_rate=True,
    orient="bone",
    points_2d=True,
    tilt_degrees=0.0,
):
    """Build the joints of a motion file and key them.

    Args:
        path: ``.json`` of Maquette, or ``3d_data.json``.
        images: folder of the video's frames, for the image plane; needs a motion file with a camera.
        fps: frames per second, for a ``3d_data.json``, which does not say (the scene's rate if left out).
        unit: linear unit that the scene is set to: mm, cm, m, in, ft, yd.
        start: frame of the scene on which the motion begins.
        namespace: the file's name if left out; a number is added when it is taken.
        set_rate: set the scene's frame rate to the motion's; otherwise keys stand at their real times.
        orient: "bone" for joints whose x axis runs along the bone; "world" for none of their own.
        points_2d: also import a ``2d_data.json`` that lies beside.
        tilt_degrees: turn of a ``3d_data.json`` about the horizontal axis (the fork's own script took 20).

    Raises:
        MotionFileError: a file that cannot be used, or an option that there is not; nothing is left in the scene.
    """
    if unit not in PER_METRE or orient not in ("bone", "world"):
        raise MotionFileError(
            f"unit is '{unit}' and orient '{orient}'; expected {', '.join(PER_METRE)}, and bone, world"
        )
    clip = clips.read_clip(path, tilt_degrees)
    pictures = _pictures(images) if images else None
    cmds.undoInfo(openChunk=True, chunkName="import Maquette motion")
    try:
        scene_fps = _set_units(clip, unit, fps, set_rate)
        made = _group(clip, namespace, os.path.abspath(str(path)))
        frames = _scene_frames(clip, scene_fps, start)
        made.joints = _joints(clip, made.namespace, made.group, orient, frames, PER_METRE[unit])
        if clip.points_2d and points_2d:
            _flat_points(clip.points_2d, made, frames, PER_METRE[unit])
        if clip.camera:
            _camera(clip.camera, made, PER_METRE[unit])
        if pictures:
            _image_plane(clip, made, pictures, scene_fps, start)
        first, last = frames[0], max(frames[-1], frames[0] + 1)
        cmds.playbackOptions(minTime=first, maxTime=last, animationStartTime=first, animationEndTime=last)
        cmds.currentTime(first)
        cmds.select(made.group, replace=True)
    finally:
        cmds.undoInfo(closeChunk=True)
    made.notes = clip.notes
    for note in clip.notes:
        cmds.warning(f"maquette: {note}")
    return made


def _set_units(clip, unit, fps, set_rate):
    """Set the scene's units and give the clip its times; returns the scene's frames per second."""
    cmds.currentUnit(linear=unit, angle="deg")
    name = cmds.currentUnit(query=True, time=True)
    scene = Fraction(RATES[name] if name in RATES else float(name.removesuffix("fps").removesuffix("df")))
    if fps is not None:
        clip.fps = Fraction(fps).limit_denominator(1001)
        clip.times_s = [float(i / clip.fps) for i in range(len(clip.times_s))]
    elif clip.fps is None:
        clip.fps = scene
        clip.times_s = [float(i / clip.fps) for i in range(len(clip.times_s))]
        clip.notes.append(f"the file does not say its frame rate: took the scene's {float(scene):g}; or pass fps=")
    if not set_rate:
        return scene
    nearest = min(RATES, key=lambda rate: abs(math.log(RATES[rate] / clip.fps)))
    if abs(RATES[nearest] / clip.fps - 1) > 1e-4:
        clip.notes.append(
            f"Maya has no frame rate of {float(clip.fps):g}: the scene runs at {float(RATES[nearest]):g}, and keys "
            "stand at their real times, between frames"
        )
    if nearest != name:
        cmds.currentUnit(time=nearest)  # keys that are there keep their real times
    return Fraction(RATES[nearest])


def _scene_frames(clip, scene_fps, start):
    """Scene frame of every frame of the clip."""
    even = abs(scene_fps / clip.fps - 1) < 1e-4
    even = even and all(abs(t * clip.fps - i) < 0.01 for i, t in enumerate(clip.times_s))
    return [float(start + i) if even else float(start + t * scene_fps) for i, t in enumerate(clip.times_s)]


def _group(clip, namespace, path):
    """A namespace of its own and the group in it, which says where everything came from."""
    wanted = re.sub(r"\W", "_", namespace or clip.name) or "motion"
    wanted = f"m_{wanted}" if wanted[0].isdigit() else wanted
    name, number = wanted, 1
    while cmds.namespace(exists=f":{name}"):
        number += 1
        name = f"{wanted}{number}"
    cmds.namespace(add=name)
    group = cmds.createNode("transform", name=f"{name}:maquette")
    for key, value in {"file": path, **clip.about}.items():
        attribute = f"maquette_{key}"
        cmds.addAttr(group, longName=attribute, dataType="string")
        cmds.setAttr(f"{group}.{attribute}", value, type="string")
    return Imported(name, group, {})


def _joints(clip, namespace, top, orient, frames, scale):
    """Build and key the joints; returns joint name -> node."""
    axes = clips.bone_axes(clip) if orient == "bone" else [(1.0, 0.0, 0.0, 0.0)] * len(clip.names)
    axes.append((1.0, 0.0, 0.0, 0.0))  # of what is above the roots
    nodes = {}
    for joint in clips.parents_first(clip):
        parent = clip.parents[joint]
        above = vectors.conjugate(axes[parent])
        parent_node = nodes[parent] if parent >= 0 else top
        node = cmds.createNode("joint", name=f"{namespace}:{clip.names[joint]}", parent=parent_node)
        nodes[joint] = node
        if parent >= 0:
            # As Maya's own joint command does: a scaled parent does not scale its children twice.
            cmds.connectAttr(f"{parent_node}.scale", f"{node}.inverseScale")
        cmds.setAttr(f"{node}.radius", 2.0)  # a plain number: centimetres in every scene
        at_rest = [scale * x for x in vectors.rotate(above, clip.rest[joint])]
        cmds.setAttr(f"{node}.translate", *at_rest, type="double3")
        turned = vectors.euler_degrees(vectors.multiply(above, axes[joint]))
        cmds.setAttr(f"{node}.jointOrient", *turned, type="double3")
        if clip.steps[joint]:
            moved = [step and [scale * x for x in vectors.rotate(above, step)] for step in clip.steps[joint]]
            _key(node, "translate", frames, moved)
        # In the joint's own axes A a turn L of the T-pose is A^-1 L A.
        own = [q and vectors.multiply(vectors.multiply(vectors.conjugate(axes[joint]), q), axes[joint])
               for q in clip.turns[joint]]  # fmt: skip
        _turn(node, frames, own)
    return {clip.names[joint]: node for joint, node in nodes.items()}


def _turn(node, frames, turns):
    """Key a joint's rotations, in the rotate order that keeps its angles calm."""
    order = vectors.calm_order(turns)
    cmds.setAttr(f"{node}.rotateOrder", vectors.ORDERS.index(order))
    angles, before = [], None
    for q in turns:
        before = vectors.euler_degrees(q, before, order) if q else before
        angles.append(before if q else None)
    _key(node, "rotate", frames, angles)


def _key(node, attribute, frames, values):
    """Key the three channels; what is unknown gets no key, so that Maya goes straight over the gap."""
    for channel, axis in enumerate("XYZ"):
        known = [(frame, value[channel]) for frame, value in zip(frames, values, strict=True) if value]
        if not known or (attribute == "rotate" and all(abs(value) < 1e-9 for _, value in known)):
            continue
        for frame, value in known:
            cmds.setKeyframe(
                node,
                attribute=f"{attribute}{axis}",
                time=frame,
                value=value,
                inTangentType="linear",
                outTangentType="linear",
            )


def _flat_points(points, made, frames, scale):
    """The 2D points beside the figure, 1000 pixels to the metre, as joints that one can look at."""
    group = cmds.createNode("transform", name=f"{made.namespace}:points_2d", parent=made.group)
    cmds.setAttr(f"{group}.translateX", 1.5 * scale)
    points.names = [f"kp_{name}" for name in points.names]
    _joints(points, made.namespace, group, "world", frames, scale)


def _camera(camera, made, scale):
    """The camera that saw the motion."""
    transform = cmds.createNode("transform", name=f"{made.namespace}:camera", parent=made.group)
    shape = cmds.createNode("camera", name=f"{made.namespace}:cameraShape", parent=transform)
    rows, place = camera["R_camera_world"], camera["position_world_m"]
    # Columns: the camera's right, down and forward in the world; Maya's camera has right, up and backward.
    axes = [[sign * x for x in row] for sign, row in zip((1, -1, -1), rows, strict=True)]
    turn = vectors.from_matrix(tuple(zip(*axes, strict=True)))
    if camera["upside_down"]:
        turn = vectors.multiply((0.0, 1.0, 0.0, 0.0), turn)
        place = (place[0], -place[1], -place[2])
    cmds.setAttr(f"{transform}.translate", *(scale * x for x in place), type="double3")
    cmds.setAttr(f"{transform}.rotate", *vectors.euler_degrees(turn), type="double3")
    (width, height), (fx, fy), (cx, cy) = camera["image_size"], camera["focal_px"], camera["centre_px"]
    film_w = FILM_WIDTH_MM / 25.4
    focal_mm = FILM_WIDTH_MM * fx / width
    film_h = focal_mm / 25.4 * height / fy
    values = {
        "focalLength": focal_mm,
        "horizontalFilmAperture": film_w,
        "verticalFilmAperture": film_h,
        # The film moves, so the optical axis moves the other way in the picture; pixels count downwards.
        "horizontalFilmOffset": -(cx - width / 2) / width * film_w,
        "verticalFilmOffset": (cy - height / 2) / height * film_h,
        "filmFit": 1,
        "nearClipPlane": 0.05 * scale,
        "farClipPlane": 1000.0 * scale,
    }
    for attribute, value in values.items():
        cmds.setAttr(f"{shape}.{attribute}", value)
    made.camera = transform


def _pictures(images):
    """(folder, name before the number, number of the first, suffix) of the pictures, named as Maya wants them."""
    folder = os.path.abspath(str(images))
    if not os.path.isdir(folder):
        raise MotionFileError(
            f"{images}: expected a folder of pictures, one for each frame (of a video: ffmpeg -i video.mp4 "
            "frames/frame.%06d.png)"
        )
    found = sorted(name for name in os.listdir(folder) if name.lower().endswith(PICTURES))
    if not found:
        raise MotionFileError(f"{images}: no pictures in this folder ({', '.join(PICTURES)})")
    parts = [re.fullmatch(r"([^.]+)\.(\d+)(\.\w+)", name) for name in found]
    if all(parts) and len({(part[1], part[3]) for part in parts}) == 1:
        numbers = sorted(int(part[2]) for part in parts)
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return os.path.join(folder, min(found, key=lambda name: int(name.split(".")[1]))), numbers[0]
    return _renamed(folder, found), 0


def _renamed(folder, found):
    """Maya counts through name.number.suffix only: copies of the pictures, named so; returns the first."""
    suffixes = {os.path.splitext(name)[1] for name in found}
    if len(suffixes) > 1:
        raise MotionFileError(f"{folder}: pictures of several kinds ({', '.join(sorted(suffixes))}); keep one")
    numbered = sorted(found, key=lambda name: [int(n) for n in re.findall(r"\d+", name)][-1:])
    target = folder.rstrip("/\\") + "_image_plane"
    os.makedirs(target, exist_ok=True)
    for number, name in enumerate(numbered):
        copy = os.path.join(target, f"image.{number:06d}{suffixes.copy().pop()}")
        if not os.path.isfile(copy) or os.path.getmtime(copy) < os.path.getmtime(os.path.join(folder, name)):
            shutil.copy2(os.path.join(folder, name), copy)
    return os.path.join(target, f"image.000000{suffixes.pop()}")


def _image_plane(clip, made, pictures, scene_fps, start):
    """The pictures behind the figure, each at the time of its frame."""
    if not made.camera:
        clip.notes.append("the motion file has no camera, so the pictures were left out; import Maquette's .json")
        return
    first_path, first_number = pictures
    shape = cmds.listRelatives(made.camera, shapes=True, fullPath=True)[0]
    plane = cmds.imagePlane(camera=shape, name=f"{made.namespace}:frames")[1]
    cmds.setAttr(f"{plane}.imageName", first_path.replace("\\", "/"), type="string")
    cmds.setAttr(f"{plane}.useFrameExtension", True)
    ratio = clip.fps / scene_fps
    if abs(ratio - 1) < 1e-4:
        number = f"frame {first_number - start:+d}"
    else:
        number = f"floor((frame - {start}) * {float(ratio):.9f} + 0.5) + {first_number}"
    cmds.expression(string=f"{plane}.frameExtension = {number};", name=f"{made.namespace}:frame_number")
    for size, film, offset in (("X", "horizontal", "X"), ("Y", "vertical", "Y")):
        cmds.setAttr(f"{plane}.size{size}", cmds.getAttr(f"{shape}.{film}FilmAperture"))
        cmds.setAttr(f"{plane}.offset{offset}", cmds.getAttr(f"{shape}.{film}FilmOffset"))
    cmds.setAttr(f"{plane}.fit", 4)  # to size
    cmds.setAttr(f"{plane}.displayOnlyIfCurrent", True)
    cmds.setAttr(f"{plane}.depth", 0.5 * cmds.getAttr(f"{shape}.farClipPlane") / 10)
    made.image_plane = plane


def show():
    """Open the window."""
    import maquette_maya_window

    return maquette_maya_window.show()
