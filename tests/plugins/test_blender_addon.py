"""Blender's add-on: what can be checked without Blender; and, where there is one, motions imported by it."""

import ast
import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
import tomllib
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from made_body import made_motion, wild_motion  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.exporters.json import write_json
from maquette.geometry.camera import Camera
from maquette.motion import Motion
from maquette.rig import solve_rotations

FOLDER = Path(str(files("maquette.plugins").joinpath("blender")))
BLENDERS_OWN = {"bpy", "bpy_extras", "mathutils", "numpy"}


def test_imports_nothing_that_blender_has_not() -> None:
    scripts = sorted(FOLDER.glob("*.py"))
    assert {script.name for script in scripts} >= {"__init__.py", "maquette_to_fbx.py"}
    own = {script.stem for script in scripts}
    for script in scripts:
        tree = ast.parse(script.read_text(encoding="utf-8"), feature_version=(3, 11))
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                top = name.split(".")[0]
                assert top in BLENDERS_OWN | own | set(sys.stdlib_module_names), f"{script.name}: {name}"


def test_manifest_of_the_extension() -> None:
    """As Blender's manual asks for (Extensions, manifest of schema 1.0.0)."""
    manifest = tomllib.loads((FOLDER / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert manifest["schema_version"] == "1.0.0"
    assert manifest["type"] == "add-on"
    assert manifest["id"].isidentifier()
    assert manifest["blender_version_min"] == "4.2.0"
    assert manifest["license"] == ["SPDX:MIT"]
    assert len(manifest["tagline"]) <= 64
    assert not manifest["tagline"].endswith(".")
    assert {"version", "name", "maintainer"} <= set(manifest)
    for text in manifest["permissions"].values():
        assert len(text) <= 64
        assert not text.endswith(".")


def reader() -> ModuleType:
    """The part of the add-on that knows our files and nothing of Blender."""
    spec = importlib.util.spec_from_file_location("maquette_motion", FOLDER / "maquette_motion.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def posed(figure: dict) -> np.ndarray:
    """Places of a figure's joints by SciPy."""
    count = len(figure["rotations"])
    places, turned = np.zeros((count, len(figure["names"]), 3)), []
    for joint, parent in enumerate(figure["parents"]):
        own = Rotation.from_quat(figure["rotations"][:, joint][:, [1, 2, 3, 0]])
        local = figure["offsets_m"][joint] + figure["moves_m"].get(joint, np.zeros((count, 3)))
        if parent < 0:
            places[:, joint] = local if joint else figure["root_m"]
            turned.append(own)
        else:
            places[:, joint] = places[:, parent] + turned[parent].apply(local)
            turned.append(turned[parent] * own)
    return places


def with_camera(motion: Motion) -> Motion:
    camera = Camera((900.0, 940.0), (600.0, 380.0), (1280, 720), position_world_m=np.array([0.2, 1.0, -4.0]))
    turn = np.diag([1.0, -1.0, 1.0]) @ np.diag([-1.0, 1.0, 1.0])
    return dataclasses.replace(motion, camera=dataclasses.replace(camera, R_camera_world=turn))


CASES = {
    "solved": lambda: solve_rotations(made_motion(12, seed=2)),
    "no-rotations": lambda: made_motion(12, seed=2),
    "wild": lambda: dataclasses.replace(wild_motion(12), timestamps_s=np.arange(12) ** 1.5 / 50),
    "camera": lambda: dataclasses.replace(made_motion(12, seed=2), frame="camera"),
    "filmed": lambda: with_camera(dataclasses.replace(made_motion(12, seed=2), fps=Fraction(30000, 1001))),
}


@pytest.mark.parametrize("case", CASES)
def test_joints_of_figures_are_where_the_file_has_them(case: str, tmp_path: Path) -> None:
    motion = CASES[case]()
    write_json(motion, tmp_path / "a.json")
    figure, unknown = reader().figure_of(reader().read_motion(tmp_path / "a.json"))
    assert unknown == 0
    expected = motion.positions * ([1.0, -1.0, -1.0] if motion.frame == "camera" else 1.0)
    order = [figure["names"].index(name) for name in motion.skeleton.joints]
    # The file has hundredths of a millimetre.
    assert np.abs(posed(figure)[:, order] - expected).max() < 3e-4
    # Bones of constant length need no keys for their ends.
    assert not figure["moves_m"]


def test_gaps_and_stands(tmp_path: Path) -> None:
    motion = made_motion(10)
    positions = motion.positions.copy()
    positions[4:6, 3] = np.nan
    contacts = np.zeros((10, 2), dtype=bool)
    contacts[0:3, 0] = contacts[7:, 1] = True
    gaps = dataclasses.replace(motion, positions=positions, contacts=contacts, contact_joints=("l_toe", "r_toe"))
    write_json(gaps, tmp_path / "a.json")
    document = reader().read_motion(tmp_path / "a.json")
    figure, unknown = reader().figure_of(document)
    assert unknown == 2
    assert np.isfinite(posed(figure)).all()
    assert reader().stands_of(document) == [("l_toe", 0, 2), ("r_toe", 7, 9)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is no JSON"),
        ("[]", "is no motion of Maquette"),
        ('{"format": "maquette-motion"}', "is of version None"),
        ('{"format": "maquette-motion", "version": 1, "positions": []}', "holds no frames"),
    ],
)
def test_other_files_are_refused_in_one_sentence(text: str, says: str, tmp_path: Path) -> None:
    module = reader()
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(module.MotionError, match=says):
        module.read_motion(tmp_path / "a.json")
    with pytest.raises(module.MotionError, match="cannot be read"):
        module.read_motion(tmp_path / "b.json")


IN_BLENDER = """
import json, sys
sys.path.insert(0, sys.argv[1])
import bpy, numpy as np
import blender as addon
from bpy_extras.object_utils import world_to_camera_view
bpy.ops.wm.read_factory_settings(use_empty=True)
addon.register()
assert bpy.ops.import_anim.maquette(filepath=sys.argv[2]) == {"FINISHED"}
scene = bpy.context.scene
armature = next(item for item in scene.objects if item.type == "ARMATURE")
document = json.load(open(sys.argv[2]))
names = document["skeleton"]["joints"]
heads, pixels = [], []
for frame in addon.maquette_motion.frames_of(document, 1):
    scene.frame_set(int(frame // 1), subframe=float(frame % 1))
    bpy.context.view_layer.update()
    world = [armature.matrix_world @ armature.pose.bones[name].head for name in names]
    heads.append([[point.x, point.z, -point.y] for point in world])
    if scene.camera is not None:
        seen = [world_to_camera_view(scene, scene.camera, point) for point in world]
        pixels.append([[p.x * scene.render.resolution_x, (1 - p.y) * scene.render.resolution_y] for p in seen])
np.savez(sys.argv[3], heads=heads, pixels=pixels, fps=[scene.render.fps, scene.render.fps_base],
         markers=[f"{m.name}@{m.frame}" for m in scene.timeline_markers])
addon.unregister()
"""


@pytest.mark.parametrize("case", CASES)
def test_blender_imports_it(case: str, tmp_path: Path) -> None:
    python = os.environ.get("MAQUETTE_BPY_PYTHON", sys.executable)
    if python == sys.executable and importlib.util.find_spec("bpy") is None:
        pytest.skip("no Blender: bpy is not installed, and MAQUETTE_BPY_PYTHON names no interpreter that has it")
    motion = CASES[case]()
    contacts = np.zeros((12, 1), dtype=bool)
    contacts[2:5] = True
    motion = dataclasses.replace(motion, contacts=contacts, contact_joints=("l_ankle",))
    write_json(motion, tmp_path / "a.json")
    (tmp_path / "script.py").write_text(IN_BLENDER)
    subprocess.run(
        [python, str(tmp_path / "script.py"), str(FOLDER.parent), str(tmp_path / "a.json"), str(tmp_path / "a.npz")],
        check=True,
        capture_output=True,
    )
    with np.load(tmp_path / "a.npz") as found:
        heads, pixels, fps, markers = (found[name] for name in ("heads", "pixels", "fps", "markers"))
    expected = motion.positions * ([1.0, -1.0, -1.0] if motion.frame == "camera" else 1.0)
    assert np.abs(heads - expected).max() < 4e-4
    assert abs(fps[0] / fps[1] - float(motion.fps)) < 1e-5
    assert str(markers[0]).startswith("l_ankle stands@")
    if motion.camera is not None:
        assert np.abs(pixels - motion.camera.project_world(motion.positions)).max() < 0.5
    assert json.loads((tmp_path / "a.json").read_text())["version"] == 1
