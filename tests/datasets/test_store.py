"""A store: what is written comes back, whole or not at all, and damage is named."""

import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maquette.datasets.store import Source, StoreWriter, open_store
from maquette.errors import InputError, MaquetteError, OutputError
from maquette.geometry.camera import Camera
from maquette.skeletons import COCO_17, H36M_17

SOURCES = (Source("gt", H36M_17), Source("detector-1.5_x", COCO_17, channels=3))
CAMERAS = {
    name: Camera(
        focal_px=(1145.0494384765625, 1143.1),
        centre_px=(512.1 + i, 0.1 + 0.2),
        image_size=(1000, 1002),
        R_camera_world=np.diag([1.0, -1.0, -1.0]),
        position_world_m=np.array([0.1, i / 3, 3.0]),
        distortion=(0.1, 0.2, 0.3, 1e-3, -1e-3),
        distortion_model="h36m",
    )
    for i, name in enumerate(("left", "right"))
}


def made_arrays(seed: int = 0) -> dict:
    rng = np.random.default_rng(seed)
    return {
        ("S1", "Walking"): (rng.normal(size=(7, 17, 3)), rng.normal(size=(9, 17, 3)).astype(np.float32)),
        ("S11", "Sitting 2"): (rng.normal(size=(4, 17, 3)), rng.normal(size=(4, 17, 3)).astype(np.float32)),
    }


def write(path: Path, seed: int = 0, **options) -> None:
    with StoreWriter(path, name="made up", skeleton=H36M_17, sources=SOURCES, **options) as writer:
        writer.notes.append("nothing is real")
        numbers = []
        for (subject, action), (positions, _) in made_arrays(seed).items():
            numbers.append(writer.add_recording(subject, action, positions, fps=Fraction(30000, 1001), cameras=CAMERAS))
            writer.add_keypoints(numbers[-1], "right", "gt", positions[..., :2])
        for number, (_, points) in zip(numbers, made_arrays(seed).values(), strict=True):
            writer.add_keypoints(number, "left", "detector-1.5_x", points)


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    write(tmp_path / "deep" / "store")
    store = open_store(tmp_path / "deep" / "store")
    assert (store.name, store.skeleton, store.notes) == ("made up", H36M_17, ("nothing is real",))
    assert store.sources == {source.name: source for source in SOURCES}
    assert store.subjects == ("S1", "S11")
    assert [str(r) for r in store.recordings] == ["S1 Walking", "S11 Sitting 2"]
    assert [r.kind for r in store.recordings] == ["Walking", "Sitting"]
    for recording, (positions, points) in zip(store.recordings, made_arrays().values(), strict=True):
        left, right = recording.views
        seen = store.positions_world_m(recording)
        assert seen.dtype == np.float64
        assert not seen.flags.writeable
        assert recording.fps == Fraction(30000, 1001)
        np.testing.assert_array_equal(seen, positions)
        np.testing.assert_array_equal(store.keypoints_px(recording, left, "detector-1.5_x"), points)
        np.testing.assert_array_equal(store.keypoints_px(recording, right, "gt"), positions[..., :2])
        # R = diag(1, -1, -1): the camera looks down from 3 m.
        place = right.camera.position_world_m
        np.testing.assert_allclose(
            store.positions_camera_m(recording, right), (positions - place) * [1, -1, -1], atol=1e-15
        )
        for view, camera in zip(recording.views, CAMERAS.values(), strict=True):
            np.testing.assert_array_equal(view.camera.R_camera_world, camera.R_camera_world)
            np.testing.assert_array_equal(view.camera.position_world_m, camera.position_world_m)
            for name in ("focal_px", "centre_px", "image_size", "distortion", "distortion_model"):
                assert getattr(view.camera, name) == getattr(camera, name)
    assert len(json.loads((store.path / "store.json").read_text())["cameras"]) == 2


def test_any_program_can_read_the_arrays(tmp_path: Path) -> None:
    write(tmp_path / "store")
    positions = np.load(tmp_path / "store" / "positions.npy")
    np.testing.assert_array_equal(positions, np.concatenate([p for p, _ in made_arrays().values()]))
    points = np.load(tmp_path / "store" / "keypoints_detector-1.5_x.npy", mmap_mode="r")
    assert (points.shape, points.dtype) == ((13, 17, 3), np.float32)


def test_arrays_are_views_and_workers_get_the_path(tmp_path: Path) -> None:
    write(tmp_path / "store")
    store = open_store(tmp_path / "store")
    recording = store.recordings[1]
    assert np.shares_memory(store.positions_world_m(recording), store.positions_world_m(recording))
    sent = pickle.dumps(store)
    assert len(sent) < 300
    again = pickle.loads(sent)
    np.testing.assert_array_equal(again.positions_world_m(recording), store.positions_world_m(recording))


def test_a_source_that_a_camera_lacks_is_named(tmp_path: Path) -> None:
    write(tmp_path / "store")
    store = open_store(tmp_path / "store")
    recording = store.recordings[1]
    with pytest.raises(InputError, match=r"S11 Sitting 2, camera left: no 2D points of 'gt'; there are: detector"):
        store.keypoints_px(recording, recording.views[0], "gt")


def test_nothing_is_left_of_a_failed_write(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="shape"),
        StoreWriter(tmp_path / "store", name="x", skeleton=H36M_17, sources=[]) as writer,
    ):
        writer.add_recording("S1", "Walking", np.zeros((2, 16, 3)), fps=50, cameras=CAMERAS)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_write_leaves_nothing_that_opens(tmp_path: Path) -> None:
    write(tmp_path / "store")
    before = (tmp_path / "store" / "store.json").read_bytes()
    program = (
        "import numpy as np, sys, time\n"
        "from maquette.datasets.store import StoreWriter\n"
        "from maquette.skeletons import H36M_17\n"
        "with StoreWriter(sys.argv[1], name='x', skeleton=H36M_17, sources=[], overwrite=True) as writer:\n"
        "    writer.add_recording('S1', 'Walking', np.zeros((9, 17, 3)), fps=50, cameras={})\n"
        "    print('half', flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "store")], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"half\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert (tmp_path / "store" / "store.json").read_bytes() == before
    (half,) = [path for path in tmp_path.iterdir() if path.name != "store"]
    with pytest.raises(InputError, match="no store"):
        open_store(half)


def test_a_store_is_replaced_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "store"
    write(path)
    with pytest.raises(OutputError, match="--overwrite"):
        write(path, seed=1)
    write(path, seed=1, overwrite=True)
    store = open_store(path)
    np.testing.assert_array_equal(store.positions_world_m(store.recordings[0]), made_arrays(1)["S1", "Walking"][0])
    assert [p.name for p in tmp_path.iterdir()] == ["store"]


def test_other_files_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("mine")
    (tmp_path / "empty").mkdir()
    for name in ("file", "folder"):
        with pytest.raises(OutputError, match=r"expected the name of a folder|with other files"):
            write(tmp_path / name, overwrite=True)
    write(tmp_path / "empty")
    assert open_store(tmp_path / "empty").subjects == ("S1", "S11")
    with pytest.raises(OutputError, match="cannot be written"):
        write(tmp_path / "file" / "store")


def test_a_full_disk_is_an_output_error(tmp_path: Path) -> None:
    def fill() -> None:
        with StoreWriter(tmp_path / "store", name="x", skeleton=H36M_17, sources=[]) as writer:
            writer.add_recording("S1", "Walking", np.zeros((9999, 17, 3)), fps=50, cameras={})

    # The nearest thing to a full disk that a test can make: no file may be longer than a megabyte.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            fill()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_is_refused_while_writing(tmp_path: Path) -> None:
    positions = np.zeros((3, 17, 3))

    def begin_and(fill, sources) -> None:
        with StoreWriter(tmp_path / "store", name="x", skeleton=H36M_17, sources=sources) as writer:
            number = writer.add_recording("S1", "Walking", positions, fps=50, cameras=CAMERAS)
            fill(writer, number)

    def attempt(fill, match: str, sources=SOURCES) -> None:
        with pytest.raises(InputError, match=match):
            begin_and(fill, sources)

    attempt(lambda w, n: w.add_recording("S1", "Walking", positions, fps=50, cameras={}), "added twice")
    attempt(lambda w, n: w.add_recording("S1", "Eating", positions[:0], fps=50, cameras={}), "at least one frame")
    attempt(lambda w, n: w.add_recording("S1", "Eating", positions.astype("f4"), fps=50, cameras={}), "float32, but")
    attempt(lambda w, n: w.add_recording("S1", "Eating", positions, fps=0, cameras={}), "fps is 0")
    attempt(lambda w, n: w.add_keypoints(n, "left", "sh", positions), "no such camera or 2D source")
    attempt(lambda w, n: w.add_keypoints(n, "up", "gt", positions[..., :2]), "no such camera or 2D source")
    attempt(lambda w, n: w.add_keypoints(n, "left", "gt", positions), r"expected \(frames, 17, 2\)")
    attempt(lambda w, n: w.add_keypoints(n + 1, "left", "gt", positions), "recording number 1 of 1")
    attempt(lambda w, n: None, "no points of 2D source 'gt'")
    attempt(lambda w, n: None, "repeat", sources=SOURCES * 2)
    with (
        pytest.raises(InputError, match="no recordings"),
        StoreWriter(tmp_path / "store", name="x", skeleton=H36M_17, sources=[]),
    ):
        pass
    with pytest.raises(InputError, match="expected a name"):
        Source("../../etc/passwd", H36M_17)
    with pytest.raises(InputError, match="4 channels"):
        Source("gt", H36M_17, channels=4)


def test_everything_wrong_with_a_store_is_said_at_once(tmp_path: Path) -> None:
    write(tmp_path / "store")
    (tmp_path / "store" / "positions.npy").unlink()
    points = tmp_path / "store" / "keypoints_gt.npy"
    points.write_bytes(points.read_bytes()[:-8])
    np.save(tmp_path / "store" / "keypoints_detector-1.5_x.npy", np.zeros((3, 17, 3)))
    with pytest.raises(InputError) as caught:
        open_store(tmp_path / "store")
    text = str(caught.value)
    assert "positions.npy is missing" in text
    assert "keypoints_gt.npy has 2984 bytes of numbers, expected 2992" in text
    assert "'shape': (3, 17, 3), }\", expected float32 of shape (13, 17, 3)" in text


def test_contradicting_records_are_said_at_once(tmp_path: Path) -> None:
    write(tmp_path / "store")
    listing = tmp_path / "store" / "store.json"
    document = json.loads(listing.read_text())
    first, second = document["recordings"]
    first["start"] = -1
    first["views"][0]["camera"] = 2
    first["views"][1]["rows"]["sh"] = [0, 1]
    second["views"][1]["rows"]["gt"] = [10, 4]
    second["views"][1]["camera_name"] = "left"
    document["cameras"][0]["focal_px"] = [0, 1]
    document["skeleton"]["parents"][0] = 99
    document["recordings"].append(second)
    listing.write_text(json.dumps(document))
    with pytest.raises(InputError) as caught:
        open_store(tmp_path / "store")
    text = str(caught.value)
    for part in (
        "rows -1 to 6 of 11 rows of positions",
        "camera number 2 of 2",
        "points of 'sh', which is no listed 2D source",
        "rows 10 to 14 of 11 rows of 'gt'",
        "camera left is listed 2 times",
        "focal_px is",
        "parent 99",
        "recording S11 Sitting 2 is listed 2 times",
    ):
        assert part in text, part


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_listing_or_header_is_an_input_error(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "store"
    write(path, overwrite=True)
    name = data.draw(st.sampled_from(["store.json", "positions.npy", "keypoints_gt.npy"]))
    content = bytearray((path / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, min(len(content), 190 if name != "store.json" else len(content)) - 1))
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    (path / name).write_bytes(content[:cut])
    begin = time.monotonic()
    try:
        store = open_store(path)
        for recording in store.recordings:
            store.positions_world_m(recording)
    except MaquetteError as error:
        message = str(error)
    else:
        message = str(path)
    assert str(path) in message
    assert time.monotonic() - begin < 5
