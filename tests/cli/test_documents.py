"""Commands and Python of the README and the documentation are run, word for word."""

import re
import shlex
import shutil
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer
from threading import Thread
from typing import Any

import av
import numpy as np
import pytest
import tyro
from cli_samples import write_openpose
from made_picture_network import spotted, standing, write_picture_model
from made_picture_sets import write_mpii, write_table
from made_poses import pose_frame
from made_store import write_store
from PIL import Image

import maquette as mq
from maquette.cli import COMMANDS
from maquette.detect import choice, hourglass
from maquette.importers.pose_machine_correction import import_correction
from maquette.refine.correction_weights import save_correction
from maquette.stream.message import frame_messages, hello_message

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
GOLDENS = CHECKOUT / "tests" / "goldens" / "ssl3d"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)

# Run elsewhere: the demo, the training, the benchmark and what reads data sets and checkpoints have tests of their own,
# view and bench are for people, live goes on until somebody ends it, a model under runs/ or from a checkpoint is what a
# command before it makes, and FBX needs Blender. What is not run is at least understood.
NOT_HERE = {"demo", "train", "view", "bench", "live", "benchmark-lifters", "prepare", "import-weights"}
MADE_BEFORE = ("--model runs/", " runs/try/", " rie-gt.onnx", ".fbx")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for i, match in enumerate(FENCE.finditer(page.read_text(encoding="utf-8"))):
            if match.group(1) == language:
                yield f"{page.relative_to(CHECKOUT)}:{i}", match.group(2)


TYPED = [
    (where, line.split("#")[0].strip())
    for where, block in blocks("")
    for line in block.splitlines()
    if line.startswith("maquette ") and line.split()[1] != "COMMAND"
]
COMMAND_LINES = [
    (where, line)
    for where, line in TYPED
    if line.split()[1] not in NOT_HERE and not any(made in line for made in MADE_BEFORE)
]
PYTHON = list(blocks("python"))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory) -> Path:
    """A folder with the files that the texts speak of."""
    root = tmp_path_factory.mktemp("docs")
    write_openpose(root / "openpose_json", 40)
    motion = mq.lift(mq.read_keypoints(root / "openpose_json", fps=30, image_size=(640, 480))[0])
    for name in ("walk.npz", "motion.npz", "walk.bvh", "capture.bvh", "character.glb"):
        mq.write_motion(motion, root / name)
    write_store(root / "h36m")
    shutil.copytree(GOLDENS / "data", root / "3dpose_ssl")
    save_correction(import_correction(GOLDENS / "model_ls64.pkl", name="correction").weights, root / "correction.npz")
    write_footage(root)
    write_pictures(root)
    return root


def write_footage(root: Path) -> None:
    """A clip, a photo and a folder of pictures of somebody whose joints are spots."""
    size, frames = (640, 480), root / "frames"
    frames.mkdir()
    pictures = [spotted(standing((300 + 2 * k, 250), 320), size) for k in range(20)]
    for number, picture in enumerate(pictures[:8]):
        Image.fromarray(picture).save(frames / f"{number}.png")
    Image.fromarray(pictures[0]).save(root / "photo.jpg", quality=95)
    with av.open(str(root / "clip.mp4"), "w") as file:
        stream = file.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.bit_rate = *size, 4_000_000
        for picture in pictures:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode())


def write_pictures(root: Path) -> None:
    """The network that sees such people, and prepared folders of them."""
    write_picture_model(root / "hourglass.onnx", skeleton_length_mm=4000.0)
    write_mpii(root / "mpii", np.zeros((3, 16, 2)), [20.0] * 3)
    labels = [("S9", "Walking 1"), ("S9", "Eating 2"), ("S11", "Eating 1"), ("S1", "Walking 1")]
    write_table(root / "h36m-pictures", "Human3.6M pictures", labels, [2, 2, 2, 0])
    write_table(root / "3dhp-pictures", "MPI-INF-3DHP pictures", [("TS1", "Sports"), ("TS2", "Sports")], [2, 2])
    write_table(root / "mannequins", "drawn pictures", [("", "studio"), ("", "anywhere")], [2, 2])


@pytest.fixture(autouse=True)
def _detectors(workplace: Path, monkeypatch) -> None:
    """Detectors that need an extra, or files of others, are replaced by the network that sees spots. In a mirror it
    would take left for left, as spots keep their colours."""

    class WithoutFlip(hourglass.HourglassDetector):
        def __init__(self, path: Path, **options: Any) -> None:
            super().__init__(path, **{**options, "flip": False})

    def seer(_: choice.DetectorWish) -> WithoutFlip:
        return WithoutFlip(workplace / "hourglass.onnx")

    others = {name: kind for name, kind in choice.DETECTORS.items() if name != "hourglass"}
    stand_ins = {name: choice._Choice(lambda: True, seer, kind.takes) for name, kind in others.items()}
    monkeypatch.setattr(choice, "DETECTORS", choice.DETECTORS | stand_ins)
    monkeypatch.setattr(hourglass, "HourglassDetector", WithoutFlip)


def test_there_is_something_to_run() -> None:
    assert len(COMMAND_LINES) > 8
    assert len(PYTHON) >= 4
    assert all(line.split()[1] in COMMANDS for _, line in COMMAND_LINES)


@pytest.mark.parametrize(("where", "line"), COMMAND_LINES, ids=[f"{w} {c[:40]}" for w, c in COMMAND_LINES])
def test_commands(run, workplace: Path, monkeypatch, where: str, line: str) -> None:
    monkeypatch.chdir(workplace)
    status, _, err = run(*shlex.split(line)[1:])
    assert status == 0, f"{where}: {line}\n{err}"


@pytest.mark.parametrize(("where", "line"), TYPED, ids=[f"{w} {c[:40]}" for w, c in TYPED])
def test_commands_are_understood(capsys, where: str, line: str) -> None:
    _, name, *arguments = shlex.split(line)
    command = getattr(import_module(f"maquette.cli.{name.replace('-', '_')}"), COMMANDS[name][0])
    try:
        own = getattr(command, "parse", None)
        own(arguments) if own else tyro.cli(command, args=arguments)
    except (SystemExit, mq.MaquetteError) as error:
        if {"-h", "--help", "--version"} & set(arguments):
            return
        pytest.fail(f"{where}: {line}: {error} {capsys.readouterr().err}")


@pytest.fixture
def live_port() -> Iterator[int]:
    """Where poses of a session come from, until it ends."""
    lines = b"\n".join([hello_message(), *frame_messages(pose_frame(0), time.monotonic()), b""])

    class Poses(BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(lines)

    with TCPServer(("127.0.0.1", 0), Poses) as server:
        serving = Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield server.server_address[1]
        server.shutdown()
        serving.join()


@pytest.mark.parametrize(("where", "code"), PYTHON, ids=[w for w, _ in PYTHON])
def test_python(workplace: Path, live_port: int, monkeypatch, where: str, code: str) -> None:
    monkeypatch.chdir(workplace)
    code = code.replace('create_connection(("127.0.0.1", 9001))', f'create_connection(("127.0.0.1", {live_port}))')
    # Opening a browser is for people; everything before it runs.
    code = re.sub(r"^mq\.view\(.*$", "", code, flags=re.MULTILINE)
    names = {"mq": mq, "keypoints": mq.read_keypoints("openpose_json", fps=30, image_size=(640, 480))[0]}
    exec(compile(code, where, "exec"), names)
