"""Maquette's motions in Unreal Engine 5: imports ``.fbx`` or ``.glb`` with the settings that they need.

In the editor (plug-in *Python Editor Script Plugin*), in the output log set to Python, with this file's folder among
the project's Python paths::

    import maquette_unreal
    maquette_unreal.import_motion("C:/clips/walk.fbx")
    maquette_unreal.import_motion("C:/clips/run.fbx", skeleton="/Game/Maquette/walk_Skeleton.walk_Skeleton")
"""

import os

import unreal

MESH = {"convert_scene": True, "convert_scene_unit": True, "force_front_x_axis": False, "import_uniform_scale": 1.0}
"""Of the figure: Maquette's files are Y up in centimetres and face +Z, which the importer turns to Z up, facing +Y."""

ANIMATION = {**MESH, "import_bone_tracks": True, "remove_redundant_keys": False, "use_default_sample_rate": False}
ANIMATION |= {"custom_sample_rate": 0, "snap_to_closest_frame_boundary": True}
"""Of the animation: 0 takes the file's own rate; a last frame between two of the engine's is moved, not refused."""


def import_motion(path, destination="/Game/Maquette", skeleton=None, name=None):
    """Import a motion that Maquette wrote; returns the paths of the assets.

    Args:
        path: ``.fbx`` (``maquette convert MOTION -o walk.fbx --rig unreal``) or ``.glb``.
        destination: folder of the content browser.
        skeleton: asset path of a Skeleton to put the animation on, one that an earlier file of the same rig made; left
            out, the file's own figure and skeleton come in, too. Of an ``.fbx`` only.
        name: of the asset; the file's name if left out.
    """
    path = os.path.abspath(path)
    kind = os.path.splitext(path)[1].lower()
    if not os.path.isfile(path):
        raise ValueError(f"{path}: there is no such file")
    if kind not in (".fbx", ".glb"):
        raise ValueError(f"{path}: expected .fbx or .glb (maquette convert MOTION -o walk.fbx --rig unreal)")
    if skeleton and kind == ".glb":
        raise ValueError("an animation goes onto a skeleton of the project as .fbx; a .glb brings its own")
    task = unreal.AssetImportTask()
    settings = {"filename": path, "destination_path": destination, "automated": True, "replace_existing": True}
    settings |= {"save": True, "destination_name": name or os.path.splitext(os.path.basename(path))[0]}
    _set(task, settings)
    if kind == ".fbx":
        task.set_editor_property("options", _fbx_options(skeleton))
    unreal.AssetToolsHelpers.get_asset_tools().import_asset_tasks([task])
    made = [str(item) for item in task.get_editor_property("imported_object_paths")]
    if not made:
        raise RuntimeError(f"{path}: Unreal imported nothing; its output log says why")
    for item in made:
        unreal.log(f"Maquette: imported {item}")
    return made


def _fbx_options(skeleton):
    """Settings of the FBX importer: a figure with its animation, or an animation for a skeleton that is there."""
    options = unreal.FbxImportUI()
    kind = unreal.FBXImportType.FBXIT_ANIMATION if skeleton else unreal.FBXImportType.FBXIT_SKELETAL_MESH
    settings = {"automated_import_should_detect_type": False, "mesh_type_to_import": kind, "import_as_skeletal": True}
    settings |= {"import_mesh": not skeleton, "import_animations": True, "create_physics_asset": False}
    settings |= {"import_materials": not skeleton, "import_textures": False}
    if skeleton:
        asset = unreal.load_asset(skeleton)
        if not isinstance(asset, unreal.Skeleton):
            raise ValueError(
                f"{skeleton}: expected a Skeleton asset (right click in the content browser, Copy Reference)"
            )
        settings["skeleton"] = asset
    _set(options, settings)
    _set(options.get_editor_property("skeletal_mesh_import_data"), MESH)
    _set(options.get_editor_property("anim_sequence_import_data"), ANIMATION)
    return options


def _set(thing, settings):
    """Set properties by name; one that this version of the engine does not have is said and left."""
    for key, value in settings.items():
        try:
            thing.set_editor_property(key, value)
        except Exception as error:  # the engine's bindings raise plain Exception for an unknown property
            unreal.log_warning(f"Maquette: {key} could not be set: {error}")
