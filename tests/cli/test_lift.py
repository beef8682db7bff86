"""``maquette lift`` from a folder of files to files."""

from pathlib import Path

import numpy as np
import pytest
from cli_samples import openpose_frame, write_openpose

import maquette as mq


def test_one_command_many_files(run, openpose_folder: Path, tmp_path) -> None:
    outputs = [
        tmp_path / f"walk{suffix}" for suffix in (".npz", ".json", ".csv", ".bvh", ".glb", ".mp4", ".gif", ".png")
    ]
    options = [o for path in outputs for o in ("-o", path)]
    status, out, err = run(
        "lift", openpose_folder, *options, "--fps", "30", "--image-size", "640x480", "--height-m", "1.75"
    )
    assert status == 0, err
    for path in outputs:
        assert path.stat().st_size > 500, path
        assert f"wrote {path}" in out
    motion = mq.read_motion(outputs[0])
    assert motion.n_frames == 45
    assert motion.frame == "world"
    assert "1.75" in motion.scale_source
    assert np.isfinite(motion.positions).all()
    heads, ankles = motion.joint("head"), motion.joint("l_ankle")
    assert (heads[:, 1] > ankles[:, 1] + 1.0).all()  # the right way up
    assert (motion.joint("l_shoulder")[:, 0] > motion.joint("r_shoulder")[:, 0]).all()  # facing the camera: left is +X


def test_the_python_example_of_the_readme(openpose_folder: Path, tmp_path) -> None:
    people = mq.read_keypoints(openpose_folder, fps=30, image_size=(640, 480))
    motion = mq.lift(people[0], height_m=1.75)
    mq.write_motion(motion, tmp_path / "walk.bvh")
    assert (tmp_path / "walk.bvh").read_text().startswith("HIERARCHY")


def test_camera_frame_and_options(run, openpose_folder: Path, tmp_path) -> None:
    out = tmp_path / "camera.npz"
    options = ["--frame", "camera", "--model", "maquette-residual", "--no-flip", "--smooth-hz", "0", "--repair", "none"]
    status, _, err = run("lift", openpose_folder, "-o", out, *options, "--focal-px", "700", "--resample-fps", "60")
    assert status == 0, err
    motion = mq.read_motion(out)
    assert motion.frame == "camera"
    assert motion.fps == 60
    assert (motion.joint("head")[:, 1] < motion.joint("l_ankle")[:, 1]).all()  # y down
    assert (motion.joint("hip")[:, 2] > 1).all()  # in front of the camera
    assert motion.model == "maquette-residual"


@pytest.mark.parametrize(
    ("refine", "note"), [("reprojection", "bones of fixed length"), ("self-supervised", "correction")]
)
def test_refinement(run, openpose_folder: Path, tmp_path, refine: str, note: str) -> None:
    out = tmp_path / "refined.npz"
    status, _, err = run(
        "lift", openpose_folder, "-o", out, "--refine", refine, "--fps", "30", "--image-size", "640x480"
    )
    assert status == 0, err
    motion = mq.read_motion(out)
    assert np.isfinite(motion.positions).all()
    assert any(note in n for n in motion.notes), motion.notes
    status, _, err = run("lift", openpose_folder, "-o", out, "--refine", "twice")
    assert status != 0
    assert "reprojection" in err


def test_plots(run, openpose_folder: Path, tmp_path) -> None:
    status, _, err = run(
        "lift", openpose_folder, "-o", tmp_path / "a.npz", "--plots", tmp_path / "plots", "--resample-fps", "60"
    )
    assert status == 0, err
    assert {p.name for p in (tmp_path / "plots").iterdir()} == {"raw.png", "repaired.png", "resampled.png"}


def test_all_people_get_a_file_each(run, tmp_path) -> None:
    import json

    folder = write_openpose(tmp_path / "two", 30)
    for path in folder.iterdir():
        frame = json.loads(path.read_text())
        other = json.loads(path.read_text())["people"][0]
        values = np.array(other["pose_keypoints_2d"]).reshape(-1, 3)
        values[:, :2] = values[:, :2] * 0.7 + (330, 60)
        other["pose_keypoints_2d"] = values.ravel().tolist()
        frame["people"].append(other)
        path.write_text(json.dumps(frame))
    status, _, err = run("lift", folder, "-o", tmp_path / "p.npz", "--person", "all", "--image-size", "1280x720")
    assert status == 0, err
    assert {p.name for p in tmp_path.glob("*.npz")} == {"p_person0.npz", "p_person1.npz"}


def test_the_files_of_the_fork(run, tmp_path) -> None:
    import json

    folder = write_openpose(tmp_path / "walk", 12)
    sane, legacy = tmp_path / "sane" / "3d_data.json", tmp_path / "legacy" / "3d_data.json"
    assert run("lift", folder, "-o", sane, "--image-size", "640x480")[0] == 0
    options = ["--repair", "fork", "--resample-fps", "60", "--frame", "camera", "--fork-legacy"]
    status, _, err = run("lift", folder, "-o", legacy, "--image-size", "640x480", *options)
    assert status == 0, err
    three, two = (json.loads((sane.parent / name).read_text()) for name in ("3d_data.json", "2d_data.json"))
    assert len(three) == len(two) == 12
    assert len(three["0"]) == 32
    assert len(two["0"]) == 18
    assert three["0"]["15"]["translate"][2] > three["0"]["3"]["translate"][2] + 1000  # millimetres, z up
    assert len(json.loads(legacy.read_text())) == 24


def test_convert_render_and_inspect(run, openpose_folder: Path, tmp_path) -> None:
    npz = tmp_path / "a.npz"
    assert run("lift", openpose_folder, "-o", npz, "--image-size", "640x480")[0] == 0
    assert run("convert", npz, "-o", tmp_path / "a.bvh", "-o", tmp_path / "a.json", "--rotation-order", "ZYX")[0] == 0
    assert "Zrotation Yrotation Xrotation" in (tmp_path / "a.bvh").read_text()
    assert run("render", npz, "-o", tmp_path / "a.png", "--keypoints", openpose_folder)[0] == 0
    assert run("render", openpose_folder, "-o", tmp_path / "b.gif")[0] == 0
    status, out, _ = run("inspect", openpose_folder)
    assert status == 0
    assert "openpose-body-25" in out
    assert "30" in out


def test_a_single_pose_works(run, tmp_path) -> None:
    folder = write_openpose(tmp_path / "one", 1)
    outputs = [o for s in (".bvh", ".glb", ".png", ".json") for o in ("-o", tmp_path / f"one{s}")]
    status, _, err = run("lift", folder, *outputs)
    assert status == 0, err


BAD = [
    ("no-such-folder", ["-o", "x.bvh"], "no-such-folder"),
    ("empty", ["-o", "x.bvh"], "empty"),
    ("not-pose", ["-o", "x.bvh"], "not-pose"),
    ("truncated", ["-o", "x.bvh"], "clip_000000000003_keypoints.json"),
    ("mixed", ["-o", "x.bvh"], "18"),
    ("nan", ["-o", "x.bvh"], "clip_000000000002_keypoints.json"),
    ("zeros", ["-o", "x.bvh"], "zeros"),
    ("good", ["-o", "x.doc"], ".bvh"),
    ("good", [], "-o"),
    ("good", ["-o", "x.bvh", "--person", "7"], "there is one person: 0"),
    ("good", ["-o", "x.bvh", "--person", "me"], "--person me"),
    ("good", ["-o", "x.bvh", "--image-size", "big"], "1920x1080"),
    ("good", ["-o", "x.bvh", "--fps", "-1"], "fps"),
    ("good", ["-o", "x.bvh", "--model", "nothing"], "maquette-tcn27"),
    ("good", ["-o", "x.bvh", "--height-m", "-2"], "height"),
    ("good", ["-o", "x.bvh", "--focal-px", "0"], "focal"),
    ("good", ["-o", "x.bvh", "--skeleton", "body-26"], "openpose-body-25"),
    ("good", ["-o", "taken/x.bvh"], "taken"),
    ("good", ["-o", "x.bvh", "-o", "x.mp4", "--video", "no-such.mp4"], "no-such.mp4"),
    ("good", ["-o", "x.bvh", "--focal-px", "1e12"], "--focal-px"),
    ("good", ["-o", "x.bvh", "--smooth-hz", "nan"], "cutoff"),
    ("good", ["-o", "x.bvh", "--fps", "1e400"], "fps"),
]


@pytest.fixture(scope="module")
def bad_inputs(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("bad")
    for name in ("good", "truncated", "mixed", "nan"):
        write_openpose(root / name, 5)
    (root / "empty").mkdir()
    (root / "not-pose").mkdir()
    (root / "not-pose" / "settings.json").write_text('{"colour": "red"}')
    cut = root / "truncated" / "clip_000000000003_keypoints.json"
    cut.write_text(cut.read_text()[:70])
    (root / "mixed" / "clip_000000000004_keypoints.json").write_text(openpose_frame(np.ones((18, 2))))
    bad = root / "nan" / "clip_000000000002_keypoints.json"
    bad.write_text(bad.read_text().replace("0.9", "NaN", 1))
    write_openpose(root / "zeros", 3, confidence=0.0)
    (root / "taken").write_text("a file where a folder should be")
    return root


@pytest.mark.parametrize(("name", "options", "text"), BAD, ids=[f"{b[0]}-{i}" for i, b in enumerate(BAD)])
def test_bad_input_gets_one_sentence(run, bad_inputs: Path, monkeypatch, name: str, options: list, text: str) -> None:
    monkeypatch.chdir(bad_inputs)
    before = sorted(bad_inputs.rglob("*"))
    status, _, err = run("lift", name, *options)
    assert status == 2, err
    assert text in err
    assert "Traceback" not in err
    assert sorted(bad_inputs.rglob("*")) == before  # nothing written
