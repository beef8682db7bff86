"""KTH Multiview Football II: made-up sequences in the layout of its readme, their cameras written out here."""

from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import onnx
import pytest
import torch
from made_body import made_motion
from PIL import Image
from scipy.spatial.transform import Rotation

from maquette.cli import main
from maquette.datasets.kth_football import prepare_kth_football
from maquette.datasets.kth_football_files import read_sequence
from maquette.datasets.pose_machine_pictures import read_square
from maquette.datasets.store import open_store
from maquette.errors import InputError, MaquetteError
from maquette.evaluate import read_report
from maquette.lifting.min_max import PUBLISHED_16
from maquette.mapping import find_map
from maquette.models.pose_machine import PoseMachine
from maquette.models.pose_machine_spec import machine_model, machine_spec
from maquette.skeletons import KTH_FOOTBALL_15

# The order of the readme, from 1: Right Ankle, Right Knee, Right Hip, Left Hip, Left Knee, Left Ankle, Right Wrist,
# Right Elbow, Right Shoulder, Left Shoulder, Left Elbow, Left Wrist, Bottom Head, Top Head.
NAMES = (
    "r_ankle r_knee r_hip l_hip l_knee l_ankle r_wrist r_elbow r_shoulder l_shoulder l_elbow l_wrist nose head"
).split()
FRAMES = 40
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]


def made(seed: int = 0, frames: int = FRAMES) -> Arrays:
    """A (2, 14, 3, T), B (3, 14, T), M (2, 4, 3, T) as the readme numbers them; a Z-up world, cameras that turn."""
    motion = made_motion(frames, seed, bend=(25.0, 110.0))
    body = (
        motion.positions[:, motion.skeleton.indices(NAMES)] @ Rotation.from_euler("x", 90, degrees=True).as_matrix().T
    )
    B = body.transpose(2, 1, 0)
    A, M = np.empty((2, 14, 3, frames)), np.empty((2, 4, 3, frames))
    for t in range(frames):
        for c in range(3):
            azimuth = np.radians(120 * c + 0.3 * t)
            right = np.array([-np.sin(azimuth), np.cos(azimuth), 0])
            down = np.array([0.1 * np.cos(azimuth), 0.1 * np.sin(azimuth), -np.sqrt(0.99)])
            scale = 220 + 20 * c + 0.5 * t
            M[:, :3, c, t] = scale * np.stack([right, down])
            M[:, 3, c, t] = np.array([960, 540]) - M[:, :3, c, t] @ B[:, 2:4, t].mean(axis=1) + [3 * t, -t]
            A[:, :, c, t] = M[:, :3, c, t] @ B[:, :, t] + M[:, 3:, c, t]
    return A, B, M


def write(folder: Path, arrays: Arrays, pictures: tuple[int, int] | None = (1920, 1080)) -> Path:
    """One number a line, the first index running fastest."""
    folder.mkdir(parents=True)
    for name, array in zip(("positions2d", "positions3d", "cameras"), arrays, strict=True):
        np.savetxt(folder / f"{name}.txt", array.ravel(order="F"), fmt="%.10g")
    for camera in range(3) if pictures else ():
        (folder / f"Camera {camera + 1}").mkdir()
        Image.new("L", pictures or (1, 1)).save(folder / f"Camera {camera + 1}" / "00001.png")
    return folder


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kth")
    write(root / "player2" / "Sequence 1", made(0))
    write(root / "player2" / "Sequence 2", made(1, 25), pictures=None)
    write(root / "player1sequence1" / "Sequence 1", made(2))
    return root


def test_the_store(release: Path, tmp_path: Path) -> None:
    store = prepare_kth_football(release, tmp_path / "store")
    assert store.subjects == ("Player1", "Player2")
    named = [str(recording) for recording in store.recordings if recording.subject == "Player2"]
    assert named == [f"Player2 Sequence{s} {c}" for s in (1, 2) for c in (1, 2, 3)]
    assert {float(recording.fps) for recording in store.recordings} == {25.0}
    A, B, M = made(0)
    for c, recording in enumerate(r for r in store.recordings if str(r).startswith("Player2 Sequence1")):
        (view,) = recording.views
        points = store.keypoints_px(recording, view, "gt")
        np.testing.assert_allclose(points[:, :14], A[:, :, c].transpose(2, 1, 0), atol=1e-5)
        np.testing.assert_allclose(points[:, 14], A[:, 2:4, c].mean(axis=1).T, atol=1e-5)
        # A pinhole camera 50 m away is nearly the affine one: half a metre is a hundredth of the way.
        seen = view.camera.project_world(store.positions_world_m(recording))
        assert np.abs(seen - points).max() < 6
        np.testing.assert_allclose(seen[:, 14], points[:, 14], atol=1e-5)
        camera_m = store.positions_camera_m(recording, view)
        relative = camera_m - camera_m[:, 14:]
        for t in (0, 17, FRAMES - 1):
            rows = M[:, :3, c, t] / np.linalg.norm(M[0, :3, c, t])
            R = np.stack([*rows, np.cross(*rows)])
            expected = R @ (B[:, :, t] - B[:, 2:4, t].mean(axis=1, keepdims=True))
            np.testing.assert_allclose(relative[t, :14], expected.T, atol=1e-6)
        assert -view.camera.R_camera_world[1] @ [0, 0, 1] == pytest.approx(1), "Z is up"
        assert view.camera.image_size == (1920, 1080)
    notes = "\n".join(store.notes)
    for said in ("50 m (nominal)", "25 frames a second: not in the files", "pictures are absent", "middle of the hips"):
        assert said in notes
    assert "turned" not in notes
    assert "order" not in notes


@pytest.mark.parametrize("unit", [1.0, 1000.0])
def test_a_mirrored_reconstruction_is_turned(tmp_path: Path, unit: float) -> None:
    """The mirror image of the 3D, seen by mirrored cameras, gives the same 2D; knees tell which is the body."""
    A, B, M = made(3)
    mirrored = B * np.array([-1.0, 1, 1])[:, None, None]
    cameras = M * np.array([-1.0, 1, 1, 1])[:, None, None]
    write(tmp_path / "player1" / "Sequence 1", (A, B, M))
    cameras[:, :3] /= unit
    write(tmp_path / "player2" / "Sequence 1", (A, mirrored * unit, cameras))
    store = prepare_kth_football(tmp_path, tmp_path / "store")
    first, second = (
        [store.positions_world_m(r) for r in store.recordings if r.subject == player]
        for player in ("Player1", "Player2")
    )
    np.testing.assert_allclose(first, second, atol=1e-5)
    said = [note for note in store.notes if note.startswith("Player2 Sequence1")]
    assert any("third axis was turned" in note for note in said)
    assert any("millimetres" in note for note in said) == (unit == 1000)


def test_legs_too_straight_to_tell(tmp_path: Path) -> None:
    A, B, M = made(3)
    for hip, knee, ankle in ((2, 1, 0), (3, 4, 5)):
        B[:, knee] = (B[:, hip] + B[:, ankle]) / 2 * 1.0
    B[:, [0, 5]] += B[:, [0, 5]] - B[:, [1, 4]]
    B[:, [1, 4]] = (B[:, [2, 3]] + B[:, [0, 5]]) / 2
    A = np.einsum("ijct,jnt->inct", M[:, :3], B) + M[:, 3][:, None]
    write(tmp_path / "player2" / "Sequence 1", (A, B, M))
    store = prepare_kth_football(tmp_path, tmp_path / "store")
    assert any("too straight to tell" in note for note in store.notes)


@pytest.mark.parametrize(
    ("axes", "order"),
    [
        (((0, 1, 2, 3), (0, 1, 2), (1, 0, 2, 3)), "cameras.txt: T C 2 4"),
        (((0, 2, 1, 3), (0, 1, 2), (0, 1, 2, 3)), "positions2d.txt: T N C 2"),
        (((1, 0, 2, 3), (1, 0, 2), (0, 1, 2, 3)), "positions2d.txt: T C 2 N, positions3d.txt: T 3 N"),
    ],
)
def test_other_orders_of_the_numbers_are_found(tmp_path: Path, axes, order: str) -> None:
    arrays = made()
    swapped = tuple(array.transpose(axis) for array, axis in zip(arrays, axes, strict=True))
    assert len(swapped) == 3
    found = read_sequence(write(tmp_path / "s", swapped))
    np.testing.assert_allclose(found.points_px, arrays[0].transpose(2, 3, 1, 0), atol=1e-5)
    np.testing.assert_allclose(found.positions, arrays[1].transpose(2, 1, 0), atol=1e-7)
    np.testing.assert_allclose(found.cameras, arrays[2].transpose(2, 3, 0, 1), atol=1e-5)
    assert order in found.notes[0]
    assert "not in the readme's order" in found.notes[0]


def test_contradictions(tmp_path: Path) -> None:
    A, B, M = made()
    folder = write(tmp_path / "a" / "player2" / "Sequence 1", (A, B[..., :-1], M))
    (folder / "cameras.txt").write_text("1\n2\nthree\n")
    with pytest.raises(InputError, match=r"cameras.txt: expected one number a line"):
        read_sequence(folder)
    np.savetxt(folder / "cameras.txt", M.ravel(order="F")[:-1])
    with pytest.raises(InputError, match=r"959 numbers, expected a multiple of 24"):
        read_sequence(folder)
    np.savetxt(folder / "cameras.txt", M.ravel(order="F"))
    with pytest.raises(InputError, match=r"different numbers of frames: 40 in positions2d.txt, 39 in positions3d.txt"):
        read_sequence(folder)
    (folder / "positions3d.txt").unlink()
    with pytest.raises(InputError, match=r"positions3d.txt: cannot be read"):
        read_sequence(folder)
    other = write(tmp_path / "b" / "player2" / "Sequence 1", (A, made(5)[1][:, ::-1], M))
    with pytest.raises(InputError, match=r"do not project to the 2D points: .* px apart"):
        read_sequence(other)
    feet = A * np.array([1.0, -1.0])[:, None, None, None]
    upside = M * np.array([1.0, -1.0])[:, None, None, None]
    write(
        tmp_path / "c" / "player2" / "Sequence 1",
        (feet, B * 1e-2, upside * np.array([100, 100, 100, 1.0])[:, None, None]),
    )
    with pytest.raises(InputError) as caught:
        prepare_kth_football(tmp_path / "c", tmp_path / "store")
    for said in ("legs are 0.0083 units long", "feet are above the head", "outside its pictures"):
        assert said in str(caught.value)


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        prepare_kth_football(tmp_path / "nothing", tmp_path / "store")
    with pytest.raises(InputError, match=r"no sequence of KTH .* player1sequence1.zip"):
        prepare_kth_football(tmp_path, tmp_path / "store")
    write(tmp_path / "x" / "Sequence 1", made())
    with pytest.raises(InputError, match="says not which player"):
        prepare_kth_football(tmp_path, tmp_path / "store")
    (tmp_path / "x").rename(tmp_path / "player2")
    write(tmp_path / "player2sequence1", made())
    with pytest.raises(InputError, match="is Player2 Sequence1 as"):
        prepare_kth_football(tmp_path, tmp_path / "store")
    with pytest.raises(InputError, match="no subject Player3; there are: Player2"):
        prepare_kth_football(tmp_path / "player2", tmp_path / "store", subjects=("Player3",))
    (tmp_path / "player2" / "Sequence 1" / "Camera 2" / "00001.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"Camera 2/00001.png: cannot be read as a picture"):
        prepare_kth_football(tmp_path / "player2", tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_damaged_bytes_are_input_errors(tmp_path: Path) -> None:
    folder = write(tmp_path / "player2" / "Sequence 1", made(frames=3), pictures=None)
    rng = np.random.default_rng(0)
    path = folder / "positions3d.txt"
    whole = path.read_bytes()
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(int(rng.integers(1, 6))):
            data[int(rng.integers(len(data)))] = int(rng.integers(256))
        path.write_bytes(bytes(data[: int(rng.integers(1, len(data) + 1))]))
        with suppress(MaquetteError):
            read_sequence(folder)


def test_evaluate_from_the_files(release: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    """From the text files to PCP with a model of the package."""
    assert main(["prepare", "kth-football", str(release), str(tmp_path / "store")]) == 0
    assert "3D" in (out := capsys.readouterr().out)
    assert "kth-football-15 (15 joints), 9 recordings" in out
    report = tmp_path / "r.json"
    command = ["evaluate", "maquette-tcn27", "--data", str(tmp_path / "store"), "--json", str(report)]
    assert main(command) == 0
    out = capsys.readouterr().out
    for said in ("protocol kth-football (13 joints, 120 frames)", "upper arms", "lower legs", "Sequence1"):
        assert said in out
    found = read_report(report)
    assert found.data.subjects == ["Player2"]
    assert [limb.limbs for limb in found.limbs] == [240] * 4
    assert found.headline == pytest.approx(np.mean([limb.pcp for limb in found.limbs]))
    root = found.headline or 0.0
    assert main([*command, "--protocol", "kth-football-procrustes"]) == 0
    aligned = read_report(report).headline or 0.0
    assert aligned >= root - 5
    assert aligned > 60, "a model that sees somebody of ordinary build gets most limbs right"


def test_points_for_the_pose_machine(release: Path, tmp_path: Path) -> None:
    store = prepare_kth_football(release, tmp_path / "store", subjects=("Player1",))
    recording = store.recordings[0]
    points = store.keypoints_px(recording, recording.views[0], "gt")
    mapped, known = find_map("kth-football-15", "h36m-16").apply_arrays(points, np.ones(points.shape[:2]))
    assert known[:, 7].max() == 0, "no spine"
    np.testing.assert_allclose(mapped[:, 9], points[:, KTH_FOOTBALL_15.index("head_top")])
    np.testing.assert_allclose(mapped[:, 10], points[:, 9])  # left shoulder: tenth of the readme
    assert open_store(store.path).skeleton == KTH_FOOTBALL_15


def square_points(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The machine's 16 joints of the readme's 14 as shares of a square with a margin of 15 %, 0 for the spine."""
    hips, shoulders = points[:, 2:4].mean(axis=1), points[:, 8:10].mean(axis=1)
    chosen = [hips, *points[:, [2, 1, 0, 3, 4, 5]].swapaxes(0, 1), hips, shoulders]
    chosen += list(points[:, [13, 9, 10, 11, 8, 7, 6]].swapaxes(0, 1))
    joints = np.stack(chosen, axis=1)
    low, high = joints.min(axis=1), joints.max(axis=1)
    side = 1.3 * (high - low).max(axis=-1)
    corner = (low + high - side[:, None]) / 2
    shares = (joints - corner[:, None]) / side[:, None, None]
    shares[:, 7] = 0
    return shares, np.concatenate([corner, side[:, None]], axis=-1)


def correct_parts(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Strict PCP at a half, in percent; joints of the readme."""
    right = total = 0
    for p, t in zip(predicted, truth, strict=True):
        for a, b in ((0, 1), (1, 2), (3, 4), (4, 5), (6, 7), (7, 8), (9, 10), (10, 11)):
            reach = np.linalg.norm(t[a] - t[b]) / 2
            right += bool(np.linalg.norm(p[a] - t[a]) <= reach and np.linalg.norm(p[b] - t[b]) <= reach)
            total += 1
    return 100 * right / total


@pytest.mark.parametrize("front", ["keypoints", "image"])
def test_a_pose_machine_on_the_store(
    tmp_path: Path, capsys: pytest.CaptureFixture, front: Literal["keypoints", "image"]
) -> None:
    """Every second frame of 25 a second in pieces of five, as its module itself gives them."""
    A, B, M = made(1, 13)
    write(tmp_path / "kth" / "player2" / "Sequence 1", (A, B, M))
    store = prepare_kth_football(tmp_path / "kth", tmp_path / "store")
    frames = list(range(0, 13, 2))
    truths = []
    for recording in store.recordings:
        camera_m = store.positions_camera_m(recording, recording.views[0])[frames]
        truths.append((camera_m - camera_m[:, 14:])[:, :12])
    with torch.random.fork_rng():
        torch.manual_seed(1)
        machine = PoseMachine(front, width=16, image_size=64).eval()
        for parameter in machine.parameters():
            torch.nn.init.normal_(parameter, std=0.1)
    pose_mm = np.zeros((16, 3))
    pose_mm[[3, 2, 1, 4, 5, 6, 15, 14, 13, 10, 11, 12]] = 1000 * truths[0].mean(axis=0)
    machine.correction.change.bias.data[:] = torch.tensor(PUBLISHED_16.normalise(pose_mm).ravel())
    spec = machine_spec(
        PoseMachine("keypoints", width=16),
        PUBLISHED_16,
        name="narrow",
        limits_source="published",
        licence="none",
        training_data="none",
    )
    if front == "image":
        spec = msgspec.structs.replace(spec, form="images", image_size=64)
    onnx.save(machine_model(machine, spec), str(tmp_path / "m.onnx"))
    report = tmp_path / "r.json"
    command = ["evaluate", str(tmp_path / "m.onnx"), "--data", str(store.path), "--json", str(report)]
    pictures = tmp_path / "kth" / "player2" / "Sequence 1"
    if front == "image":
        assert main(command) == 2
        assert "give the folder with player2/Sequence 1/Camera 1 with --pictures" in capsys.readouterr().err
        assert main([*command, "--pictures", str(tmp_path)]) == 2
        assert "00001.png: no such picture" in capsys.readouterr().err
        command += ["--pictures", str(tmp_path / "kth")]
        for camera in range(3):
            for t in frames:
                values = np.random.default_rng([camera, t]).integers(0, 256, (1080, 1920), dtype=np.uint8)
                Image.fromarray(values).save(pictures / f"Camera {camera + 1}" / f"{t + 1:05d}.png", compress_level=0)
    assert main(command) == 0
    out = capsys.readouterr().out
    assert f"protocol kth-football (13 joints, {3 * len(frames)} frames)" in out
    assert "every 2. frame" in out
    scores = []
    for camera, truth in enumerate(truths):
        shares, boxes = square_points(A[:, :, camera].transpose(2, 1, 0)[frames])
        seen, observed = shares.reshape(-1, 32), torch.tensor([[joint != 7 for joint in range(16)]] * len(frames))
        if front == "image":
            files = [pictures / f"Camera {camera + 1}" / f"{t + 1:05d}.png" for t in frames]
            squares = [read_square(file, box, side_px=64) for file, box in zip(files, boxes, strict=True)]
            seen = (np.stack(squares)[..., ::-1].transpose(0, 3, 1, 2).astype(float) - 128) / 256
        found = []
        for piece in (slice(0, 5), slice(5, 7)):
            values, clip = torch.tensor(seen[piece], dtype=torch.float32), torch.arange(len(seen[piece])) > 0
            with torch.no_grad():
                out = machine(values, clip, observed=observed[piece] if front == "keypoints" else None)
            found.append(out.corrected)
        poses = PUBLISHED_16.unnormalise(torch.cat(found).double().numpy().reshape(-1, 16, 3)) / 1000
        predicted = poses[:, [3, 2, 1, 4, 5, 6, 15, 14, 13, 10, 11, 12]] - poses[:, :1]
        scores.append(correct_parts(predicted, truth))
    assert read_report(report).headline == pytest.approx(np.mean(scores), abs=0.7)  # one limb of 168 is 0.6
    assert 5 < np.mean(scores) < 95


def test_hands_that_annotate_and_cameras_that_shear(tmp_path: Path) -> None:
    """3D that meets the annotation to some pixels, and cameras whose two scales differ by 4 %."""
    A, B, M = made(4)
    M[1, :3] *= 1.04
    M[1, 3] += 0.04 * (540 - M[1, 3])
    A = np.einsum("ijct,jnt->inct", M[:, :3], B) + M[:, 3][:, None]
    A += np.random.default_rng(0).normal(0, 4, A.shape)
    write(tmp_path / "player2" / "Sequence 1", (A, B, M))
    store = prepare_kth_football(tmp_path, tmp_path / "store")
    notes = "\n".join(store.notes)
    assert "projections of the 3D are 5.7 px (RMS) from the annotated 2D" in notes, "4 px along each axis"
    assert "differ by up to 4 %; their mean is taken" in notes
    assert "order" not in notes
    for recording in store.recordings:
        relative = store.positions_world_m(recording) - store.positions_world_m(recording)[:, 14:]
        lengths = np.linalg.norm(relative[:, 0] - relative[:, 1], axis=-1)
        np.testing.assert_allclose(lengths, np.linalg.norm(B[:, 0] - B[:, 1], axis=0), rtol=1e-9)
