"""``maquette detect`` and ``inspect`` on footage: with the network that sees spots, which needs no extra."""

import json
import subprocess
import sys
from pathlib import Path
from time import sleep
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_picture_network import spotted, standing, write_picture_model
from PIL import Image

import maquette as mq
from maquette.cli.counting import counted
from maquette.detect import choice, hourglass
from maquette.errors import OutputError

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
    return write_picture_model(tmp_path_factory.mktemp("network") / "spots.onnx")


@pytest.fixture(scope="session")
def shots(tmp_path_factory) -> Path:
    """A folder of pictures: somebody who glides to the right."""
    folder = tmp_path_factory.mktemp("footage") / "shots"
    folder.mkdir()
    for number in range(12):
        Image.fromarray(spotted(standing((250 + 5 * number, 250), 320), SIZE)).save(folder / f"shot{number}.png")
    return folder


@pytest.fixture
def by_spots(network: Path) -> list[object]:
    return ["--detector", "hourglass", "--pose-model", network]


def test_every_format(run, shots: Path, by_spots: list, tmp_path: Path) -> None:
    names = ("keypoints", "k.json", "k.npz", "k.mp4", "k.png")
    outputs = [o for name in names for o in ("-o", tmp_path / name)]
    status, out, err = run("detect", shots, *outputs, *by_spots, "--fps", "25")
    assert status == 0, err
    assert "detector: hourglass (spots" in out
    assert "person 0: in 12 of 12 frames, from 0 to 11" in out
    assert all(f"wrote {tmp_path / name}" in out for name in names)
    (own,) = mq.read_keypoints(tmp_path / "k.npz")
    assert (own.skeleton.name, own.fps, own.image_size, own.n_frames) == ("mpii-16", 25, SIZE, 12)
    (coco,) = mq.read_keypoints(tmp_path / "k.json", fps=25)
    (openpose,) = mq.read_keypoints(tmp_path / "keypoints", fps=25, image_size=SIZE)
    assert (coco.skeleton.name, openpose.skeleton.name) == ("coco-17", "openpose-body-25")
    assert coco.image_size == SIZE
    for other in (coco, openpose):
        for joint in ("l_wrist", "r_ankle", "l_hip"):
            there = other.points[:, other.skeleton.index(joint)]
            np.testing.assert_allclose(there, own.points[:, own.skeleton.index(joint)], atol=6e-4)


def test_the_coco_file_is_one(run, shots: Path, by_spots: list, tmp_path: Path) -> None:
    assert run("detect", shots, "-o", tmp_path / "k.json", *by_spots)[0] == 0
    document = json.loads((tmp_path / "k.json").read_text())
    assert [image["id"] for image in document["images"]] == list(range(12))
    assert {(image["width"], image["height"]) for image in document["images"]} == {SIZE}
    (category,) = document["categories"]
    assert category["keypoints"][:2] == ["nose", "left_eye"]
    assert [16, 14] in category["skeleton"] or [14, 16] in category["skeleton"]  # left knee and ankle, counted from 1
    assert {entry["id"] for entry in document["annotations"]} == set(range(1, 13))
    for entry in document["annotations"]:
        points = np.array(entry["keypoints"]).reshape(17, 3)
        assert entry["num_keypoints"] == (points[:, 2] > 0).sum() == 12  # MPII has no face
        assert (points[points[:, 2] == 0] == 0).all()
        x, y, width, height = entry["bbox"]
        seen = points[points[:, 2] > 0]
        assert (seen[:, 0].min(), seen[:, 1].min()) == (x, y)
        np.testing.assert_allclose([seen[:, 0].max() - x, seen[:, 1].max() - y], [width, height], atol=2e-3)


def test_the_picture_lies_under_the_points(run, shots: Path, by_spots: list, tmp_path: Path) -> None:
    """The overlay shows the footage, at the time of each frame: somewhere on each frame are spots in their colours."""
    import av

    assert run("detect", shots, "-o", tmp_path / "k.mp4", *by_spots, "--fps", "10")[0] == 0
    with av.open(str(tmp_path / "k.mp4")) as container:
        drawn = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(drawn) == 12

    def ankle(picture: np.ndarray) -> float:
        """Column of the right ankle's blue spot, (0, 0, 128)."""
        columns = np.nonzero((np.abs(picture.astype(int) - (0, 0, 128)) < 40).all(-1))[1]
        return float(np.median(columns))

    moved = np.diff([ankle(picture) for picture in drawn])
    assert (moved > 0).all()  # each frame has its own picture
    np.testing.assert_allclose(moved, moved.mean(), atol=2)


def test_inspect_footage(run, shots: Path, by_spots: list, network: Path) -> None:
    status, out, err = run("inspect", shots, *by_spots)
    assert status == 0, err
    for words in ("folder of pictures", "frames      12", "fps         30", "640x480", "mpii-16", "seen in 12 of 12"):
        assert words in out, out
    status, out, _ = run("inspect", shots / "shot0.png", *by_spots)
    assert status == 0
    assert "format      picture" in out


def test_without_a_detector(run, shots: Path, monkeypatch, tmp_path: Path) -> None:
    absent = {name: choice._Choice(lambda: False, known.build, known.takes) for name, known in choice.DETECTORS.items()}
    monkeypatch.setattr(choice, "DETECTORS", absent)
    status, out, _ = run("inspect", shots)
    assert status == 0
    assert "not looked for" in out
    for command in (["detect", "-o", tmp_path / "k"], ["lift", "-o", tmp_path / "k.bvh"]):
        status, _, err = run(command[0], shots, *command[1:])
        assert status == 2
        assert "pip install 'maquette[detect]'" in err
    assert not list(tmp_path.iterdir())


def test_nobody_writes_nothing(run, by_spots: list, tmp_path: Path) -> None:
    Image.new("RGB", SIZE, (40, 40, 40)).save(tmp_path / "empty.png")
    status, _, err = run("detect", tmp_path / "empty.png", "-o", tmp_path / "k", "-o", tmp_path / "k.npz", *by_spots)
    assert status == 2
    assert "empty.png: nobody found in the picture by hourglass" in err
    assert [path.name for path in tmp_path.iterdir()] == ["empty.png"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "no output given"),
        (["-o", "k.bvh"], "keypoints are not written as '.bvh'"),
        (["-o", "full"], "exists and is not an empty folder"),
        (["-o", "k.npz", "--detector", "hourglass"], "add --pose-model"),
        (["-o", "k.npz", "--detector", "mediapipe", "--mode", "balanced"], "--mode cannot be used"),
        (["-o", "k.npz", "--mode", "balanced"], "--mode: say for which detector"),
        (["-o", "k.npz", "--every", "0"], "--every 0: expected 1"),
        (["-o", "k.npz", "--people", "0"], "--people 0: expected 1"),
        (["-o", "k.npz", "--fps", "fast"], "fps"),
    ],
)
def test_wrong_use_is_one_sentence(run, shots: Path, tmp_path: Path, monkeypatch, options: list, words: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    status, _, err = run("detect", shots, *options)
    assert status == 2
    assert words in err
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_keypoints_are_no_footage(run, openpose_folder: Path, tmp_path: Path) -> None:
    status, _, err = run("detect", openpose_folder, "-o", tmp_path / "k.npz")
    assert status == 2
    assert "is no video and no picture" in err
    status, _, err = run("inspect", openpose_folder, "--every", "2", "--detector", "mediapipe")
    assert status == 2
    assert "holds keypoints already; leave out --detector, --every" in err


def test_coco_files_hold_one_clip_of_coco_people(tmp_path: Path, openpose_folder: Path) -> None:
    from maquette.exporters.keypoints_coco import write_coco
    from maquette.mapping import map_keypoints

    (person,) = mq.read_keypoints(openpose_folder, fps=30)
    with pytest.raises(OutputError, match="not of 'openpose-body-25'"):
        write_coco([person], tmp_path / "k.json")
    with pytest.raises(OutputError, match="nobody"):
        write_coco([], tmp_path / "k.json")
    coco = map_keypoints(person, "coco-17")
    with pytest.raises(OutputError, match="share frames"):
        write_coco([coco, coco.with_notes(image_size=(10, 10))], tmp_path / "k.json")


def test_progress_on_a_terminal_and_elsewhere(capsys, monkeypatch) -> None:
    clock = iter([0.0, 1.0, 12.0, 13.0, 30.0])
    monkeypatch.setattr("maquette.cli.counting.time", SimpleNamespace(monotonic=lambda: next(clock)))
    with counted("looking") as tell:
        tell(0, None)
        tell(10, 100)
        tell(60, 100)
        tell(61, 100)
        tell(90, None)
    assert capsys.readouterr().err.splitlines() == [
        "looking",
        "looking: 60 of 100 frames, 5.0 frames/s, 8 s left",
        "looking: 90 frames, 3.0 frames/s",
    ]


def test_a_bar_on_a_terminal(capsys, monkeypatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with counted("looking") as tell:
        tell(0, None)
        for done in (20, 40, 60):
            sleep(0.03)
            tell(done, 100)
    err = capsys.readouterr().err
    assert "looking" in err
    assert "60/100" in err
    assert "frames/s" in err


def test_a_stop_from_the_keyboard_is_clean(shots: Path, network: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom maquette.cli import main\nfrom maquette.detect import hourglass\n"
        "def stop(*_): raise KeyboardInterrupt\nhourglass.HourglassDetector.__call__ = stop\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    options = ["--detector", "hourglass", "--pose-model", network, "-o", tmp_path / "k.npz", "-o", tmp_path / "k"]
    line = [sys.executable, "-c", code, "detect", shots, *options]
    done = subprocess.run([str(part) for part in line], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert "maquette: stopped" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
