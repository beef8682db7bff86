"""The C# reader, compiled and run: our files in Unity's left-handed axes, and a figure posed by them."""

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_body import made_motion
from scipy.spatial.transform import Rotation
from unity_program import compiled

from maquette.exporters.json import write_json
from maquette.geometry.kinematics import forward_kinematics
from maquette.motion import Motion
from maquette.rig.rest import rest_offsets_m
from maquette.rig.solve import solve_rotations

MIRROR = np.diag([-1.0, 1.0, 1.0])

BONES = {
    "Hips": ("-", "hip"), "Spine": ("Hips", "spine"), "Chest": ("Spine", "thorax"),
    "Neck": ("Chest", "thorax"), "Head": ("Neck", "nose"),
    **{f"{side}{bone}": (parent.replace("*", side), f"{side[0].lower()}_{joint}")
       for side in ("Left", "Right")
       for bone, parent, joint in (
           ("UpperLeg", "Hips", "hip"), ("LowerLeg", "*UpperLeg", "knee"), ("Foot", "*LowerLeg", "ankle"),
           ("UpperArm", "Chest", "shoulder"), ("LowerArm", "*UpperArm", "elbow"), ("Hand", "*LowerArm", "wrist"))},
}  # fmt: skip
"""Bone of a humanoid -> (parent, joint of ours)."""


MOTION = """{"format": "maquette-motion", "version": 1, "frame": "world", "skeleton": {"joints": ["a"],
"parents": %s}, "fps": %s, "positions": %s}"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the compiled reader and player."""
    return compiled(tmp_path_factory.mktemp("unity"))


def run(program: list[str], *arguments: str | Path) -> list[str]:
    done = subprocess.run([*program, *map(str, arguments)], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def numbers(lines: list[str]) -> np.ndarray:
    return np.array([[float(word) for word in line.split()] for line in lines])


def orientations(motion: Motion) -> np.ndarray:
    """World rotation of each joint as a matrix (frames, joints, 3, 3)."""
    assert motion.rotations is not None
    turns = forward_kinematics(motion.skeleton.parents, np.zeros((1, motion.n_joints, 3)), motion.rotations)[1]
    flat = turns.reshape(-1, 4)[:, [1, 2, 3, 0]]
    return Rotation.from_quat(flat).as_matrix().reshape(motion.n_frames, motion.n_joints, 3, 3)


def test_places_and_rotations_are_the_mirror_image(program: list[str], tmp_path: Path) -> None:
    """Places are M p, rotations M R M: a mirrored world, in which mirrored bodies turn alike."""
    motion = replace(solve_rotations(made_motion(40)), fps=Fraction(30000, 1001))
    write_json(motion, tmp_path / "walk.json")
    lines = run(program, "motion", tmp_path / "walk.json")
    frames, joints, fps, duration_s, at_half = (float(word) for word in lines[0].split())
    assert (frames, joints) == (40, 21)
    assert fps == pytest.approx(30000 / 1001)
    assert duration_s == pytest.approx(39 * 1001 / 30000)
    assert at_half == 14  # the frame that has begun at 0.5 s
    table = numbers(lines[1:]).reshape(40, 21, 7)
    np.testing.assert_allclose(table[..., :3], motion.positions @ MIRROR, atol=1e-5)
    seen = Rotation.from_quat(table[..., 3:].reshape(-1, 4)).as_matrix().reshape(40, 21, 3, 3)
    np.testing.assert_allclose(seen, MIRROR @ orientations(motion) @ MIRROR, atol=1e-4)


def test_camera_frame_stands_upright(program: list[str], tmp_path: Path) -> None:
    """What the camera sees below (y down) is below in Unity too, and rotations turn the same body."""
    world = solve_rotations(made_motion(10))
    seen = replace(world, positions=world.positions * [1.0, -1.0, -1.0], rotations=None, frame="camera")
    write_json(solve_rotations(seen), tmp_path / "camera.json")
    table = numbers(run(program, "motion", tmp_path / "camera.json")[1:]).reshape(10, 21, 7)
    np.testing.assert_allclose(table[..., :3], world.positions @ MIRROR, atol=1e-5)
    turns = Rotation.from_quat(table[..., 3:].reshape(-1, 4)).as_matrix().reshape(10, 21, 3, 3)
    np.testing.assert_allclose(turns, MIRROR @ orientations(world) @ MIRROR, atol=1e-3)


def test_gaps_are_nan(program: list[str], tmp_path: Path) -> None:
    positions = made_motion(5).positions.copy()
    positions[2, 3] = np.nan
    write_json(replace(made_motion(5), positions=positions), tmp_path / "gap.json")
    table = numbers(run(program, "motion", tmp_path / "gap.json")[1:]).reshape(5, 21, 7)
    np.testing.assert_array_equal(np.isnan(table[..., :3]), np.isnan(positions))


def test_a_figure_takes_the_poses(program: list[str], tmp_path: Path) -> None:
    """A humanoid of the person's proportions, its bones with axes of any kind: all its bones go where the joints go."""
    motion = solve_rotations(made_motion(20))
    write_json(motion, tmp_path / "walk.json")
    rest, rng = rest_offsets_m(motion), np.random.default_rng(3)
    parents = motion.skeleton.parents
    lines, places = [], np.zeros((motion.n_joints, 3))
    for joint in motion.skeleton.order:
        places[joint] = rest[joint] + (places[parents[joint]] if parents[joint] >= 0 else 0.0)
    for bone, (parent, joint) in BONES.items():
        axes = Rotation.from_quat(rng.normal(size=4)).as_quat()
        place = MIRROR @ places[motion.skeleton.index(joint)]
        lines.append(f"{bone} {parent} {','.join(map(repr, map(float, (*axes, *place))))}")
    (tmp_path / "figure.txt").write_text("\n".join(lines))
    seen = numbers(run(program, "figure", tmp_path / "walk.json", tmp_path / "figure.txt")).reshape(20, len(BONES), 3)
    wanted = motion.positions[:, [motion.skeleton.index(joint) for _, joint in BONES.values()]] @ MIRROR
    gaps_m = dict(zip(BONES, np.linalg.norm(seen - wanted, axis=-1).max(axis=0), strict=True))
    assert gaps_m.pop("Head") < 0.02  # the neck's own turn is no joint's rotation
    assert max(gaps_m.values()) < 1e-4


def test_messages(program: list[str], tmp_path: Path) -> None:
    line = tmp_path / "line.json"
    line.write_text(
        '{"v":1,"frame":7,"t":0.25,"person":2,"joints":{"hip":[0.5,1e0,2],"l_wrist":null},"conf":{"hip":0.5}}'
    )
    assert run(program, "message", line) == ["7 0.25 2 NaN NaN NaN", "hip -0.5 0,5"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"format": "other"}', "not a motion of Maquette"),
        ("{", "expected a name at character 1, saw the end of the text"),
        ("[" * 5000, "nested too deep"),
        ('{"format": "maquette-motion", "version": 9}', "a newer version"),
        ('{"format": "maquette-motion", "version": 1}', "'frame' is missing"),
        (MOTION % ("[-1]", '"30"', "[]"), "the motion has no frames"),
        (MOTION % ("[7]", '"30"', "[[[0, 0, 0]]]"), "a joint hangs on number 7"),
        (MOTION % ("[-1]", '"x"', "[[[0, 0, 0]]]"), "fps is not a number"),
        (MOTION % ("[-1]", "30", "[[[0, 0, 0]]]"), "of another kind"),
        (MOTION % ("[-1]", '"30"', "[[[0, 0]]]"), "a position has 2 numbers"),
    ],
)
def test_other_files_are_refused_with_a_sentence(program: list[str], tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    done = subprocess.run([*program, "motion", str(tmp_path / "bad.json")], capture_output=True, text=True)
    assert done.returncode == 2
    assert sentence in done.stdout
