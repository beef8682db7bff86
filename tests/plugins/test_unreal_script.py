"""The Unreal script against a stand-in that knows the properties in Epic's documentation of the Python API (5.2)."""

import importlib
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import maquette.plugins

PROPERTIES = {
    "AssetImportTask": {
        "filename", "destination_path", "destination_name", "automated", "replace_existing", "save", "options",
        "factory", "imported_object_paths", "async_", "replace_existing_settings",
    },
    "FbxImportUI": {
        "automated_import_should_detect_type", "mesh_type_to_import", "original_import_type", "import_as_skeletal",
        "import_mesh", "import_animations", "create_physics_asset", "import_materials", "import_textures", "skeleton",
        "physics_asset", "skeletal_mesh_import_data", "anim_sequence_import_data", "import_rigid_mesh",
    },
    "FbxSkeletalMeshImportData": {
        "convert_scene", "convert_scene_unit", "force_front_x_axis", "import_uniform_scale", "import_rotation",
        "import_translation", "update_skeleton_reference_pose", "use_t0_as_ref_pose",
    },
    "FbxAnimSequenceImportData": {
        "convert_scene", "convert_scene_unit", "force_front_x_axis", "import_uniform_scale", "import_bone_tracks",
        "remove_redundant_keys", "use_default_sample_rate", "custom_sample_rate", "snap_to_closest_frame_boundary",
        "animation_length", "do_not_import_curve_with_zero",
    },
}  # fmt: skip


class Thing:
    """An object of the engine: properties by name, none but those documented."""

    def __init__(self, kind: str) -> None:
        self.kind, self.values = kind, {}

    def set_editor_property(self, name: str, value: Any) -> None:
        assert name in PROPERTIES[self.kind], f"{self.kind} has no property {name}"
        self.values[name] = value

    def get_editor_property(self, name: str) -> Any:
        inner = {"skeletal_mesh_import_data": "FbxSkeletalMeshImportData",
                 "anim_sequence_import_data": "FbxAnimSequenceImportData"}  # fmt: skip
        if name in inner:
            return self.values.setdefault(name, Thing(inner[name]))
        return self.values[name]


class Skeleton:
    """A skeleton asset."""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any, list[Thing]]:
    """``(unreal, maquette_unreal, tasks that were run)``."""
    tasks: list[Thing] = []

    def run(given: list[Thing]) -> None:
        for task in given:
            task.values["imported_object_paths"] = [
                f"{task.values['destination_path']}/{task.values['destination_name']}"
            ]
        tasks.extend(given)

    unreal: Any = ModuleType("unreal")
    unreal.AssetImportTask = lambda: Thing("AssetImportTask")
    unreal.FbxImportUI = lambda: Thing("FbxImportUI")
    unreal.FBXImportType = SimpleNamespace(FBXIT_ANIMATION=2, FBXIT_SKELETAL_MESH=1, FBXIT_STATIC_MESH=0)
    unreal.AssetToolsHelpers = SimpleNamespace(get_asset_tools=lambda: SimpleNamespace(import_asset_tasks=run))
    unreal.Skeleton = Skeleton
    unreal.load_asset = lambda path: Skeleton() if "Skeleton" in path else None
    unreal.warnings = []
    unreal.log, unreal.log_warning = (lambda text: None), unreal.warnings.append
    monkeypatch.setitem(sys.modules, "unreal", unreal)
    monkeypatch.delitem(sys.modules, "maquette_unreal", raising=False)
    monkeypatch.syspath_prepend(str(Path(maquette.plugins.__file__).parent / "unreal"))
    return unreal, importlib.import_module("maquette_unreal"), tasks


def test_a_figure_comes_in_whole_and_later_motions_onto_its_skeleton(engine: Any, tmp_path: Path) -> None:
    unreal, script, tasks = engine
    (tmp_path / "walk.fbx").write_bytes(b"x")
    assert script.import_motion(str(tmp_path / "walk.fbx")) == ["/Game/Maquette/walk"]
    script.import_motion(str(tmp_path / "walk.fbx"), skeleton="/Game/A_Skeleton.A_Skeleton", name="again")
    whole, animation = (task.values["options"] for task in tasks)
    assert (whole.values["mesh_type_to_import"], whole.values["import_mesh"]) == (1, True)
    assert (animation.values["mesh_type_to_import"], animation.values["import_mesh"]) == (2, False)
    assert isinstance(animation.values["skeleton"], Skeleton)
    # Every property was known (the script would say it with a warning), and metres never become centimetres twice.
    assert unreal.warnings == []
    for options in (whole, animation):
        for part in ("skeletal_mesh_import_data", "anim_sequence_import_data"):
            assert options.values[part].values["import_uniform_scale"] == 1.0
            assert options.values[part].values["convert_scene_unit"] is True


def test_what_cannot_be_imported_is_said(engine: Any, tmp_path: Path) -> None:
    _, script, tasks = engine
    for name in ("walk.bvh", "walk.glb", "walk.fbx"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ValueError, match="there is no such file"):
        script.import_motion(str(tmp_path / "none.fbx"))
    with pytest.raises(ValueError, match=r"expected \.fbx or \.glb"):
        script.import_motion(str(tmp_path / "walk.bvh"))
    with pytest.raises(ValueError, match=r"a \.glb brings its own"):
        script.import_motion(str(tmp_path / "walk.glb"), skeleton="/Game/A_Skeleton")
    with pytest.raises(ValueError, match="expected a Skeleton asset"):
        script.import_motion(str(tmp_path / "walk.fbx"), skeleton="/Game/Mesh")
    assert not tasks
