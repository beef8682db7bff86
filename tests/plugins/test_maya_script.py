"""The Maya script in a stand-in that checks every call: the scene it builds is the motion, camera and pictures too."""

import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from made_body import made_motion, wild_motion
from maya_stand_in import MayaStandIn
from PIL import Image

import maquette.plugins
from maquette.exporters.fork_json import write_fork_json
from maquette.exporters.json import write_json
from maquette.geometry.camera import Camera, look_at
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.rig.solve import solve_rotations
from maquette.skeletons import BODY_25, H36M_17

SCRIPTS = Path(maquette.plugins.__file__).parent / "maya"
CAMERA = Camera(
    (1100.0, 1080.0), (700.0, 330.0), (1280, 720),
    look_at(np.array([1.5, 1.8, 6.0]), np.array([0.0, 0.9, 1.0])), np.array([1.5, 1.8, 6.0]),
)  # fmt: skip


TANGLED = """{{"format": "maquette-motion", "fps": "30", "frame": "world", "skeleton": {{"joints": ["a", "b"],
"parents": {parents}}}, "positions": [[[0, 0, 0], [0, 0, 1]]]}}"""


@pytest.fixture
def maya(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[MayaStandIn, Any]]:
    """``(scene, maquette_maya)``."""
    cmds, package = MayaStandIn(), ModuleType("maya")
    package.cmds = cmds  # pyright: ignore[reportAttributeAccessIssue]
    for name, module in {"maya": package, "maya.cmds": cmds}.items():
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("maquette_maya", "maquette_maya_clip", "maquette_maya_math", "maquette_maya_window"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield cmds, importlib.import_module("maquette_maya")
    assert cmds.open_chunks == 0


def written(motion: Motion, folder: Path) -> Path:
    path = folder / "walk.json"
    write_json(motion, path)
    return path


def furthest_mm(cmds: MayaStandIn, made: Any, motion: Motion, positions: np.ndarray) -> float:
    """Largest distance of a joint in the scene from where it belongs, at several frames."""
    first_s = min(keys[0][0] for keys in cmds.keys.values())
    times = motion.times_s - motion.times_s[0]
    gaps = []
    for frame in np.linspace(0, motion.n_frames - 1, 6).astype(int):
        for joint, node in ((name, node) for name, node in made.joints.items() if name in motion.skeleton):
            place = cmds.world(node, first_s + times[frame])[:3, 3]
            gaps.append(np.linalg.norm(place - positions[frame, motion.skeleton.index(joint)]))
    return 1000 * float(max(gaps))


@pytest.mark.parametrize("orient", ["bone", "world"])
@pytest.mark.parametrize("unit", ["cm", "m", "in"])
def test_joints_go_where_the_motion_goes(maya: Any, tmp_path: Path, orient: str, unit: str) -> None:
    cmds, script = maya
    motion = solve_rotations(made_motion(60))
    made = script.import_motion(written(motion, tmp_path), orient=orient, unit=unit, start=101)
    assert {joint for joint in made.joints if not joint.endswith("_base")} == set(motion.skeleton.joints)
    for joint, parent in zip(motion.skeleton.joints, motion.skeleton.parents, strict=True):
        above = made.joints[motion.skeleton.joints[parent]] if parent >= 0 else made.group
        below = made.joints.get(f"{joint}_base", made.joints[joint])
        assert cmds.parents[below] == above
    assert furthest_mm(cmds, made, motion, motion.positions) < 0.1
    # Bones are constant, so that no joint but the hips moves in its parent.
    assert {plug.split(".")[0] for plug in cmds.keys if ".translate" in plug} == {made.joints["hip"]}
    assert cmds.units == {"linear": unit, "angle": "deg", "time": "palf"}
    assert cmds.playback == dict.fromkeys(("minTime", "animationStartTime"), 101.0) | dict.fromkeys(
        ("maxTime", "animationEndTime"), 160.0
    )
    assert cmds.chunks == 1
    assert not cmds.warnings


def test_bones_of_any_length_and_angles_that_never_jump(maya: Any, tmp_path: Path) -> None:
    """Positions without sense still come out exact; a smooth motion has no steps of 180 degrees in its curves."""
    cmds, script = maya
    wild = wild_motion(40)
    made = script.import_motion(written(wild, tmp_path))
    assert furthest_mm(cmds, made, wild, wild.positions) < 0.1
    smooth = solve_rotations(made_motion(200))
    again = script.import_motion(written(smooth, tmp_path))
    assert again.namespace != made.namespace  # a second import does not collide
    turned = [keys for plug, keys in cmds.keys.items() if again.namespace in plug and ".rotate" in plug]
    assert max(np.abs(np.diff([value for _, value in keys])).max() for keys in turned) < 90


def test_at_rest_the_figure_stands_in_the_t_pose_with_x_along_its_bones(maya: Any, tmp_path: Path) -> None:
    cmds, script = maya
    made = script.import_motion(written(solve_rotations(made_motion(30)), tmp_path))
    cmds.keys.clear()
    at = {joint: cmds.world(node, 0.0) for joint, node in made.joints.items()}
    for upper, lower in (("l_elbow", "l_wrist"), ("r_hip", "r_knee"), ("spine", "thorax")):
        bone = at[lower][:3, 3] - at[upper][:3, 3]
        np.testing.assert_allclose(at[upper][:3, 0], bone / np.linalg.norm(bone), atol=1e-6)
    assert at["l_wrist"][0, 3] > at["l_elbow"][0, 3] > at["l_shoulder"][0, 3] > 0.1  # left is +X
    assert abs(at["l_wrist"][1, 3] - at["l_shoulder"][1, 3]) < 0.02
    assert at["l_toe"][2, 3] > at["l_ankle"][2, 3] + 0.05  # toes forward


def test_the_camera_sees_in_maya_what_ours_sees(maya: Any, tmp_path: Path) -> None:
    """Maya's camera and film worked out from its documentation give the pixels of our camera."""
    cmds, script = maya
    motion = replace(solve_rotations(made_motion(30)), camera=CAMERA)
    made = script.import_motion(written(motion, tmp_path))
    world = cmds.world(made.camera, 0.0)
    film = {key.split(".")[1]: value for key, value in cmds.values.items() if key.startswith(f"{made.camera}Shape.")}
    points = motion.positions[::7].reshape(-1, 3)
    seen = (points - world[:3, 3]) @ world[:3, :3]  # x right, y up, looks along -z
    inches = seen[:, :2] / -seen[:, 2:] * film["focalLength"] / 25.4
    inches -= [film["horizontalFilmOffset"], film["verticalFilmOffset"]]
    share = 0.5 + inches / [film["horizontalFilmAperture"], film["verticalFilmAperture"]]
    pixels = np.stack((share[:, 0] * 1280, (1 - share[:, 1]) * 720), axis=1)
    np.testing.assert_allclose(pixels, CAMERA.project_world(points), atol=0.01)


def test_camera_frame_motions_are_upright_before_a_camera_at_the_origin(maya: Any, tmp_path: Path) -> None:
    cmds, script = maya
    world = solve_rotations(made_motion(20))
    turn = np.array([1.0, -1.0, -1.0])
    camera = Camera((1000.0, 1000.0), (500.0, 500.0), (1000, 1000))
    seen = solve_rotations(
        replace(world, positions=world.positions * turn, rotations=None, frame="camera", camera=camera)
    )
    made = script.import_motion(written(seen, tmp_path))
    assert furthest_mm(cmds, made, seen, world.positions) < 0.1
    np.testing.assert_allclose(cmds.world(made.camera, 0.0), np.eye(4), atol=1e-9)


def pictures(folder: Path, names: list[str]) -> Path:
    folder.mkdir()
    for name in names:
        Image.new("RGB", (4, 3)).save(folder / name)
    return folder


def test_pictures_follow_the_frames(maya: Any, tmp_path: Path) -> None:
    """Names that Maya can count through are used as they are; others are copied under names that it can."""
    cmds, script = maya
    path = written(replace(solve_rotations(made_motion(20)), camera=CAMERA), tmp_path)
    good = pictures(tmp_path / "good", [f"shot.{n:04d}.png" for n in range(20)])
    made = script.import_motion(path, images=good, start=1)
    assert cmds.expressions[-1] == f"{made.image_plane}.frameExtension = frame -1;"
    assert cmds.values[f"{made.image_plane}.imageName"].endswith("good/shot.0000.png")
    openpose = pictures(tmp_path / "rendered", [f"clip_{n:012d}_rendered.png" for n in range(5)])
    made = script.import_motion(path, images=openpose, start=1)
    assert cmds.values[f"{made.image_plane}.imageName"].endswith("rendered_image_plane/image.000000.png")
    assert len(list((tmp_path / "rendered_image_plane").iterdir())) == 5
    for film, size in (("horizontal", "X"), ("vertical", "Y")):
        shape = f"{made.camera}Shape"
        assert cmds.values[f"{made.image_plane}.size{size}"] == cmds.values[f"{shape}.{film}FilmAperture"]
        assert cmds.values[f"{made.image_plane}.offset{size}"] == cmds.values[f"{shape}.{film}FilmOffset"]


@pytest.mark.parametrize(
    ("fps", "unit"), [("30000/1001", "29.97fps"), ("60", "ntscf"), ("100", "100fps"), ("33", "ntsc")]
)
def test_frame_rates(maya: Any, tmp_path: Path, fps: str, unit: str) -> None:
    """Named rates put one frame of the motion on one of the scene; others keep their real times, and say so."""
    cmds, script = maya
    motion = replace(solve_rotations(made_motion(20)), fps=Fraction(fps))
    made = script.import_motion(written(motion, tmp_path), start=0)
    assert cmds.units["time"] == unit
    assert furthest_mm(cmds, made, motion, motion.positions) < 0.1
    assert bool(cmds.warnings) == (fps == "33")


def test_a_scene_can_keep_its_rate(maya: Any, tmp_path: Path) -> None:
    cmds, script = maya
    motion = solve_rotations(made_motion(20))
    made = script.import_motion(written(motion, tmp_path), set_rate=False, namespace="my clip")
    assert cmds.units["time"] == "film"
    assert made.namespace == "my_clip"
    assert furthest_mm(cmds, made, motion, motion.positions) < 0.1
    assert cmds.playback["maxTime"] == pytest.approx(1 + 19 / 50 * 24)


def test_gaps_get_no_keys(maya: Any, tmp_path: Path) -> None:
    cmds, script = maya
    motion = solve_rotations(made_motion(20))
    positions, rotations = motion.positions.copy(), np.array(motion.rotations)
    positions[5:8], rotations[5:8] = np.nan, np.nan
    made = script.import_motion(written(replace(motion, positions=positions, rotations=rotations), tmp_path), start=0)
    times = np.array([time for time, _ in cmds.keys[f"{made.joints['hip']}.translateX"]]) * 50
    assert [round(t) for t in times] == [*range(5), *range(8, 20)]


def test_the_forks_files_become_one_connected_body(maya: Any, tmp_path: Path) -> None:
    """Every one of the 17 joints, spine and all, upright, at the positions; the 2D beside it."""
    cmds, script = maya
    motion = replace(made_motion(30), fps=Fraction(25))
    pixels = np.random.default_rng(0).uniform(100, 900, (30, 25, 2))
    track = Keypoints(pixels, np.ones((30, 25)), BODY_25, Fraction(25))
    path = write_fork_json(motion, tmp_path / "3d_data.json", keypoints=track)[0]
    made = script.import_motion(path, fps=25)
    assert set(H36M_17.joints) <= set(made.joints)
    assert cmds.units["time"] == "pal"
    assert cmds.parents[made.joints["spine"]] == made.joints["hip"]
    assert cmds.parents[made.joints["l_shoulder"]] == made.joints["thorax"]
    toes = [made.joints.pop(f"{side}_toe_base") for side in "lr"]
    assert furthest_mm(cmds, made, motion, motion.positions) < 0.1
    assert np.linalg.norm(cmds.world(toes[0], 0.04)[:3, 3] - motion.joint("l_toe")[0]) < 1e-4
    nose, neck = (cmds.world(f"{made.namespace}:kp_{name}", 0.04)[:3, 3] for name in ("nose", "neck"))
    np.testing.assert_allclose((nose - neck)[:2] * [1000, -1000], pixels[0, 0] - pixels[0, 1], atol=1e-3)
    assert any(plug.startswith(made.joints["l_knee"]) and ".rotate" in plug for plug in cmds.keys)


def test_the_rate_that_the_forks_files_lack_is_said(maya: Any, tmp_path: Path) -> None:
    cmds, script = maya
    made = script.import_motion(write_fork_json(made_motion(5), tmp_path / "3d_data.json")[0], orient="world")
    assert "does not say its frame rate: took the scene's 24" in " ".join(made.notes)
    assert cmds.warnings == [f"maquette: {note}" for note in made.notes]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "this is not JSON"),
        ("[1]", "expected one JSON object, saw a list"),
        ('{"people": []}', "neither Maquette's motion"),
        ('{"format": "maquette-motion", "fps": "30"}', "a part that does not fit"),
        ('{"0": {"0": {"translate": [1, 2, 3]}}}', "expected frames of 32 joints"),
        (TANGLED.format(parents="[1, 0]"), "hang on each other in a circle"),
        (TANGLED.format(parents="[-1, 5]"), "2 joints and 2 parents do not fit"),
    ],
)
def test_what_cannot_be_read_is_said_and_leaves_the_scene_alone(
    maya: Any, tmp_path: Path, text: str, sentence: str
) -> None:
    cmds, script = maya
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(script.MotionFileError, match=sentence):
        script.import_motion(path)
    with pytest.raises(script.MotionFileError, match="cannot be read"):
        script.import_motion(tmp_path / "none.json")
    with pytest.raises(script.MotionFileError, match="expected a folder of pictures"):
        script.import_motion(written(made_motion(3), tmp_path), images=path)
    assert not cmds.kinds
    assert not cmds.namespaces


def test_the_window_imports_and_shows_errors(maya: Any, tmp_path: Path) -> None:
    cmds, script = maya
    script.show()
    window = script.show()  # a second time takes the place of the first
    assert cmds.controls[window]["kind"] == "window"
    file = next(name for name, control in cmds.controls.items() if control.get("label") == "Motion (.json)")
    start = next(control for control in cmds.controls.values() if control["kind"] == "button")
    cmds.controls[file]["text"] = str(tmp_path / "none.json")
    start["command"](False)
    assert "cannot be read" in cmds.dialogs[-1]["message"]
    cmds.controls[file]["text"] = str(written(solve_rotations(made_motion(4)), tmp_path))
    start["command"](False)
    assert " joints in walk:maquette" in cmds.dialogs[-1]["message"]
