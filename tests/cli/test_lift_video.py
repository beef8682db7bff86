"""``maquette lift`` from pictures to files: by the depths of a network, and by its 2D and a lifter."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_picture_network import spotted, standing, write_picture_model
from PIL import Image

import maquette as mq
from maquette.detect import hourglass

SIZE = (640, 480)


@pytest.fixture(autouse=True)
def _no_mirrors(monkeypatch) -> None:
    """In a mirror, spots keep their colours, so the network takes left for left."""

    class WithoutFlip(hourglass.HourglassDetector):
        def __init__(self, path: Path, **options: Any) -> None:
            super().__init__(path, **{**options, "flip": False})

    monkeypatch.setattr(hourglass, "HourglassDetector", WithoutFlip)


@pytest.fixture(scope="session")
def network(tmp_path_factory) -> Path:
    return write_picture_model(tmp_path_factory.mktemp("network") / "spots.onnx", skeleton_length_mm=4000.0)


@pytest.fixture(scope="session")
def photo(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    picture = spotted(standing((320, 250), 320), SIZE)
    picture[:, :60] = 90  # a wall
    Image.fromarray(picture).save(path)
    return path


@pytest.fixture(scope="session")
def gif(tmp_path_factory) -> Path:
    """An animation: 15 pictures, 10 a second."""
    path = tmp_path_factory.mktemp("gif") / "walk.gif"
    pictures = [Image.fromarray(spotted(standing((250 + 6 * k, 250), 320), SIZE)) for k in range(15)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100, loop=0)
    return path


def test_a_photo_by_the_depths_of_the_network(run, photo: Path, network: Path, tmp_path: Path) -> None:
    names = ("pose.json", "pose.png", "pose.bvh", "pose.glb", "pose.npz")
    outputs = [o for name in names for o in ("-o", tmp_path / name)]
    status, out, err = run("lift", photo, "--detector", "hourglass", "--model", network, *outputs)
    assert status == 0, err
    assert "3D from the depths that the detector gave" in out
    motion = mq.read_motion(tmp_path / "pose.npz")
    assert (motion.n_frames, motion.frame, motion.model) == (1, "world", "spots")
    assert motion.skeleton.joints[:17] == mq.get_skeleton("h36m-17").joints
    assert np.isfinite(motion.positions).all()
    assert motion.joint("head")[0, 1] > motion.joint("l_ankle")[0, 1] + 0.8
    assert motion.joint("l_shoulder")[0, 0] > motion.joint("r_shoulder")[0, 0]  # seen from the front
    assert json.loads((tmp_path / "pose.json").read_text())["frames"] == 1
    # The photo lies under the drawing: its wall is there.
    drawn = np.asarray(Image.open(tmp_path / "pose.png").convert("RGB")).astype(int)
    assert (np.abs(drawn - 90).max(-1) < 3).sum() > 2000


def test_the_length_of_the_models_skeleton_sets_the_scale(run, photo: Path, network: Path, tmp_path: Path) -> None:
    assert run("lift", photo, "--detector", "hourglass", "--model", network, "-o", tmp_path / "a.npz")[0] == 0
    assert any("4.00 m long in all" in note for note in mq.read_motion(tmp_path / "a.npz").notes)
    line = ["lift", photo, "--detector", "hourglass", "--model", network, "--height-m", "1.8", "--frame", "camera"]
    assert run(*line, "-o", tmp_path / "b.npz")[0] == 0
    tall = mq.read_motion(tmp_path / "b.npz")
    assert "1.8" in tall.scale_source
    assert tall.frame == "camera"


def test_a_clip_by_the_depths_of_the_network(run, gif: Path, network: Path, tmp_path: Path) -> None:
    outputs = ["-o", tmp_path / "walk.npz", "-o", tmp_path / "walk.mp4", "-o", tmp_path / "walk.bvh"]
    status, _, err = run("lift", gif, "--detector", "hourglass", "--model", network, *outputs)
    assert status == 0, err
    motion = mq.read_motion(tmp_path / "walk.npz")
    assert (motion.n_frames, motion.fps) == (15, 10)
    assert motion.joint("hip")[-1, 0] > motion.joint("hip")[0, 0] + 0.1  # to the right of the picture


def test_a_clip_by_2d_and_a_lifter(run, gif: Path, network: Path, tmp_path: Path) -> None:
    options = ["--detector", "hourglass", "--pose-model", network, "--every", "2"]
    status, out, err = run("lift", gif, *options, "--model", "maquette-residual", "-o", tmp_path / "walk.npz")
    assert status == 0, err
    motion = mq.read_motion(tmp_path / "walk.npz")
    assert motion.model == "maquette-residual"
    assert motion.skeleton.name == "maquette-21"
    assert motion.n_frames == 15
    assert "every 2nd of 15" in out


def test_another_rate_for_the_picture_below_too(run, gif: Path, network: Path, tmp_path: Path) -> None:
    options = ["--detector", "hourglass", "--pose-model", network, "--fps", "24"]
    outputs = ["-o", tmp_path / "walk.npz", "-o", tmp_path / "walk.mp4"]
    status, _, err = run("lift", gif, *options, *outputs)
    assert status == 0, err
    assert mq.read_motion(tmp_path / "walk.npz").fps == 24


def test_nobody_writes_nothing(run, network: Path, tmp_path: Path) -> None:
    Image.new("L", SIZE, 40).save(tmp_path / "empty.jpg")
    status, _, err = run(
        "lift", tmp_path / "empty.jpg", "--detector", "hourglass", "--model", network, "-o", tmp_path / "a.bvh"
    )
    assert status == 2
    assert "nobody found in the picture" in err
    assert [path.name for path in tmp_path.iterdir()] == ["empty.jpg"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--detector", "hourglass"], "--model FILE.onnx"),
        (
            ["--detector", "hourglass", "--model", "NET", "--repair", "none", "--refine", "reprojection"],
            "--repair, --ref",
        ),
        (["--detector", "hourglass", "--model", "NET", "--people", "2"], "--det-model"),
        (["--detector", "hourglass", "--model", "nothing.onnx"], "nothing.onnx"),
        (["--video", "PHOTO"], "leave out --video"),
        (["--image-size", "640x480"], "leave out --image-size"),
        (["--skeleton", "coco-17"], "leave out --skeleton"),
        (["--detector", "rtmpose"], "--pose-model FILE"),
    ],
)
def test_wrong_use_is_one_sentence(
    run, photo: Path, network: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    places = {"NET": str(network), "PHOTO": str(photo)}
    status, _, err = run("lift", photo, "-o", tmp_path / "a.bvh", *(places.get(o, o) for o in options))
    assert status == 2
    assert words in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_a_network_without_depth_is_told(run, photo: Path, tmp_path: Path) -> None:
    flat = write_picture_model(tmp_path / "flat.onnx", depth="none")
    status, _, err = run("lift", photo, "--detector", "hourglass", "--model", flat, "-o", tmp_path / "a.bvh")
    assert status == 2
    assert "network without depth; as --pose-model" in err
    assert not (tmp_path / "a.bvh").exists()


def test_keypoints_want_no_detector(run, openpose_folder: Path, tmp_path: Path) -> None:
    status, _, err = run("lift", openpose_folder, "-o", tmp_path / "a.bvh", "--detector", "mediapipe")
    assert status == 2
    assert "holds keypoints already; leave out --detector" in err


def test_a_result_never_takes_the_place_of_its_input(run, gif: Path, network: Path) -> None:
    before = gif.read_bytes()
    for command in ("lift", "detect"):
        status, _, err = run(
            command, gif, "-o", gif.parent / "." / gif.name, "--detector", "hourglass", "--pose-model", network
        )
        assert (status, "is the input itself, which would be lost" in err) == (2, True), err
    assert run("lift", gif, "-o", gif.parent / "walk.npz", "--detector", "hourglass", "--pose-model", network)[0] == 0
    for command in (("convert", gif.parent / "walk.npz", "-o", gif.parent / "walk.npz"), ("render", gif, "-o", gif)):
        status, _, err = run(*command)
        assert (status, "is the input itself, which would be lost" in err) == (2, True), err
    assert gif.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "none.onnx"], "no model 'none.onnx'"),
        (["--person", "her"], "--person her: expected a number from 0, or all"),
        (["--height-m", "-1", "--smooth-hz", "-1"], "2 problems"),
        (["--resample-fps", "0"], "fps is 0"),
    ],
)
def test_what_cannot_be_is_said_before_anybody_looks(run, gif: Path, network: Path, tmp_path, options, words) -> None:
    given = ("lift", gif, "-o", tmp_path / "x.bvh", "--detector", "hourglass", "--pose-model", network, *options)
    status, out, err = run(*given)
    assert (status, words in err) == (2, True), err
    assert "detector:" not in out


def test_keypoints_take_the_rate_of_their_video(run, gif: Path, network: Path, tmp_path: Path) -> None:
    options = ("--detector", "hourglass", "--pose-model", network)
    assert run("detect", gif, "-o", tmp_path / "keypoints", *options)[0] == 0
    status, out, err = run("lift", tmp_path / "keypoints", "--video", gif, "-o", tmp_path / "walk.npz")
    assert status == 0, err
    assert "10 frames/s taken from walk.gif, as the files do not say" in out
    motion = mq.read_motion(tmp_path / "walk.npz")
    assert (motion.fps, motion.n_frames) == (10, 15)
