"""File > Import > Maquette motion (.json): armature, keys, stands of the feet as markers, and the camera.

View3D > Sidebar > Maquette: armatures that follow ``maquette live`` (maquette_live).
"""

import os
from fractions import Fraction

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper
from mathutils import Matrix, Vector

from . import maquette_live, maquette_motion, maquette_scene

# For those who put the folder among the add-ons; an extension has the manifest.
bl_info = {
    "name": "Maquette motions",
    "author": "The Maquette authors",
    "version": (0, 1, 0),
    "blender": (4, 2, 0),
    "location": "File > Import > Maquette motion (.json); View3D > Sidebar > Maquette",
    "description": "Imports 3D motions that Maquette made of video, and follows them live",
    "category": "Import-Export",
}


def place_camera(scene, camera, name):
    """Blender's camera where the file's was, and the picture's size."""
    data = bpy.data.cameras.new(name)
    made = bpy.data.objects.new(name, data)
    scene.collection.objects.link(made)
    data.sensor_fit, data.sensor_width = "HORIZONTAL", 36.0
    data.lens = camera["lens"]
    data.shift_x, data.shift_y = camera["shift"]
    pose = Matrix(camera["axes"].tolist()).to_4x4()
    pose.translation = Vector(camera["place_m"])
    made.matrix_world = maquette_scene.Z_UP @ pose
    scene.render.resolution_x, scene.render.resolution_y = camera["size"]
    scene.render.resolution_percentage = 100
    scene.render.pixel_aspect_x, scene.render.pixel_aspect_y = _aspect(camera["pixel_aspect"])
    scene.camera = made
    return made


def _aspect(ratio):
    """Blender takes no pixel sides under 1."""
    return (1.0, ratio) if ratio >= 1.0 else (1.0 / ratio, 1.0)


def import_motion(path, *, first_frame=1, set_scene=True, add_markers=True, add_camera=True):
    """``(armature, messages)`` of a file, in the scene at hand."""
    document = maquette_motion.read_motion(path)
    scene, name = bpy.context.scene, os.path.splitext(os.path.basename(path))[0]
    figure, unknown = maquette_motion.figure_of(document)
    frames = maquette_motion.frames_of(document, first_frame)
    messages = [f"{len(frames)} frames at {document['fps']} a second; {document['scale_source']}"]
    if unknown:
        messages.append(f"{unknown} positions are unknown and were bridged in straight lines")
    if set_scene:
        maquette_scene.set_rate(scene, Fraction(document["fps"]))
        scene.frame_start, scene.frame_end = first_frame, round(float(frames[-1]))
    armature, labels = maquette_scene.build_armature(figure, name)
    armature.data.display_type = "STICK"
    armature.show_in_front = True
    maquette_scene.key_armature(armature, labels, figure, name, frames=frames)
    maquette_scene.settle(armature, labels)
    armature["maquette_scale_source"] = document["scale_source"]
    armature["maquette_notes"] = "\n".join(document.get("notes", ()))
    if add_markers:
        for joint, first, last in maquette_motion.stands_of(document):
            scene.timeline_markers.new(f"{joint} stands", frame=round(float(frames[first])))
            scene.timeline_markers.new(f"{joint} lifts", frame=round(float(frames[last])) + 1)
    camera = maquette_motion.camera_of(document)
    if add_camera and camera is not None:
        place_camera(scene, camera, f"{name} camera")
        if camera["is_distorted"]:
            messages.append("the lens is distorted and Blender's is not: edges of the picture differ")
    return armature, messages


class ImportMaquette(bpy.types.Operator, ImportHelper):
    """Import a motion that Maquette made"""

    bl_idname = "import_anim.maquette"
    bl_label = "Import Maquette motion"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 (Blender reads it so)

    filename_ext = ".json"
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})
    first_frame: IntProperty(name="First frame", default=1)
    set_scene: BoolProperty(name="Set frame rate and range of the scene", default=True)
    add_markers: BoolProperty(name="Markers where feet stand and lift", default=True)
    add_camera: BoolProperty(name="Camera and picture size", default=True)

    def execute(self, context):
        try:
            _, messages = import_motion(
                self.filepath,
                first_frame=self.first_frame,
                set_scene=self.set_scene,
                add_markers=self.add_markers,
                add_camera=self.add_camera,
            )
        except maquette_motion.MotionError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for message in messages:
            self.report({"INFO"}, message)
        return {"FINISHED"}


def _menu(self, context):
    self.layout.operator(ImportMaquette.bl_idname, text="Maquette motion (.json)")


def register():
    """Called by Blender when the add-on is switched on."""
    bpy.utils.register_class(ImportMaquette)
    bpy.types.TOPBAR_MT_file_import.append(_menu)
    maquette_live.register()


def unregister():
    """Called by Blender when the add-on is switched off."""
    maquette_live.unregister()
    bpy.types.TOPBAR_MT_file_import.remove(_menu)
    bpy.utils.unregister_class(ImportMaquette)
