"""Any bytes, and any damage to real structures, give keypoints or a ``MaquetteError``; never anything else."""

import io
import json
import pickle
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import made_clips as made
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maquette.errors import MaquetteError
from maquette.exporters.keypoints import keypoints_to_npz
from maquette.formats.restricted_pickle import load_pickle
from maquette.readers import read_keypoints
from maquette.skeletons import BLAZEPOSE_33, BODY_25, COCO_17, HALPE_26

QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
N = 3


def _scores(skeleton) -> np.ndarray:
    return made.certainty(skeleton, N)


def _points(skeleton) -> np.ndarray:
    return made.figure(skeleton, N)


def _openpose(path: Path) -> None:
    folder = made.write_openpose(path.parent / "all", [(_points(BODY_25), _scores(BODY_25))])
    frames = [json.loads(file.read_text()) for file in sorted(folder.iterdir())]
    path.write_text(json.dumps(frames))


def _own(path: Path) -> None:
    _openpose(path)
    path.write_bytes(keypoints_to_npz(read_keypoints(path)[0]))


WRITERS: dict[str, Callable[[Path], Any]] = {
    "openpose": _openpose,
    "coco": lambda p: made.write_coco_results(p, _points(COCO_17), _scores(COCO_17)),
    "annotations": lambda p: made.write_coco_annotations(p, _points(COCO_17), np.full((N, 17), 2)),
    "alphapose": lambda p: made.write_alphapose(p, _points(HALPE_26), _scores(HALPE_26)),
    "mmpose demo": lambda p: made.write_mmpose_demo(p, _points(COCO_17), _scores(COCO_17), COCO_17),
    "mmpose video": lambda p: made.write_mmpose_video(p, _points(COCO_17), _scores(COCO_17)),
    "mediapipe": lambda p: made.write_mediapipe(p, _points(BLAZEPOSE_33), _scores(BLAZEPOSE_33)),
    "trc": lambda p: made.write_trc(p, _points(HALPE_26), HALPE_26),
    "deeplabcut": lambda p: made.write_deeplabcut(p, {"": (_points(COCO_17), _scores(COCO_17))}, COCO_17),
    "videopose3d": lambda p: made.write_videopose3d(p, {"a": {"b": [_points(COCO_17)]}}),
    "own": _own,
}
JSON_WRITERS = [name for name in WRITERS if name not in ("trc", "deeplabcut", "videopose3d", "own", "mediapipe")]


@cache
def sample(name: str) -> bytes:
    """Bytes of a small file in one format."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample"
        WRITERS[name](path)
        return path.read_bytes()


def read(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        people = read_keypoints(path, image_size=made.SIZE)
    except MaquetteError:
        return
    assert people
    for person in people:
        assert person.observed.any()
        assert np.abs(person.points[person.observed]).max() < 1e11


def test_the_samples_are_good(tmp_path: Path) -> None:
    for data in map(sample, WRITERS):
        (tmp_path / "x").write_bytes(data)
        assert read_keypoints(tmp_path / "x", image_size=made.SIZE)[0].n_frames == N


@QUICK
@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_any_bytes(tmp_path: Path, data: bytes) -> None:
    read(tmp_path / "x", data)


def damaged(data: bytes, changes: list[tuple[str, int, int, bytes]]) -> bytes:
    result = bytearray(data)
    for kind, at, length, content in changes:
        at %= len(result) + 1
        if kind == "cut":
            del result[at : at + length * 8]
        elif kind == "put":
            result[at:at] = content
        elif kind == "over":
            result[at : at + len(content)] = content
        else:
            result[at : at + length] = result[at : at + length][::-1]
    return bytes(result)


edits = st.lists(
    st.tuples(
        st.sampled_from(["cut", "put", "over", "swap"]),
        st.integers(0, 1 << 20),
        st.integers(0, 64),
        st.binary(max_size=8),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("name", WRITERS)
@QUICK
@given(edits)
def test_damaged_bytes(name: str, tmp_path: Path, changes) -> None:
    read(tmp_path / "x", damaged(sample(name), changes))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, -1, 1e308, 1e-308, 10**18, 2**31, "", "12", "00.jpg", "9" * 5000])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def _places(value: Any, path: tuple = ()) -> list[tuple]:
    """Paths to all parts of a document."""
    found = [path]
    if isinstance(value, dict):
        for key in value:
            found += _places(value[key], (*path, key))
    elif isinstance(value, list):
        for i in list(range(min(len(value), 4))):
            found += _places(value[i], (*path, i))
    return found


@pytest.mark.parametrize("name", JSON_WRITERS)
@QUICK
@given(st.data())
def test_any_json_in_any_place(name: str, tmp_path: Path, data) -> None:
    document = json.loads(sample(name))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(_places(document)))
        if not path:
            document = data.draw(json_values)
            break
        parent = document
        for step in path[:-1]:
            parent = parent[step]
        action = data.draw(st.sampled_from(["replace", "remove", "repeat"]))
        if action == "replace":
            parent[path[-1]] = data.draw(json_values)
        elif action == "remove":
            del parent[path[-1]]
        elif isinstance(parent, list):
            parent.insert(0, parent[path[-1]])
    read(tmp_path / "x.json", json.dumps(document).encode())


@pytest.mark.parametrize("n_files", [1, 3])
@QUICK
@given(st.data())
def test_any_files_in_a_folder(n_files: int, tmp_path_factory, data) -> None:
    folder = tmp_path_factory.mktemp("folder")
    for _ in range(n_files):
        content = data.draw(st.sampled_from([*map(sample, WRITERS), b'{"people": []}', b"[]", b"{}", b"1 2 3"]))
        name = data.draw(
            st.sampled_from(["1.json", "2.json", "a_10.json", "x.JSON", "4.txt", "b.csv", "b.npz", ".h", "_"])
        )
        (folder / name).write_bytes(content)
    try:
        read_keypoints(folder, image_size=made.SIZE)
    except MaquetteError:
        pass


@QUICK
@given(st.binary(max_size=200))
def test_any_pickle(data: bytes) -> None:
    for start in (b"", b"\x80\x02", b"\x80\x04\x95", b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n"):
        try:
            load_pickle(start + data + b".", "file")
        except MaquetteError:
            pass


ARRAYS = {"a": {"b": [np.ones((3, 17, 2), np.float32), np.zeros((2, 3))]}, "c": (np.float64(1), np.array(["x"]), None)}


@QUICK
@given(edits, st.integers(0, 5))
def test_damaged_pickle(changes, protocol: int) -> None:
    try:
        load_pickle(damaged(pickle.dumps(ARRAYS, protocol=protocol), changes), "file")
    except MaquetteError:
        pass


small_arrays = st.builds(
    lambda shape, dtype, fill: np.full(shape, fill).astype(dtype),
    st.lists(st.sampled_from([0, 1, 2, 3, 17]), max_size=4),
    st.sampled_from(["f8", "f4", "i8", "u1", "?", "U3"]),
    st.sampled_from([0, 1, 2, 100]),
)
nested = st.recursive(
    json_values | small_arrays,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@QUICK
@given(st.dictionaries(st.text(max_size=2), st.dictionaries(st.text(max_size=2), nested, max_size=2)) | nested, nested)
def test_any_videopose3d_archive(tmp_path: Path, positions, metadata) -> None:
    boxed = np.empty((2,), dtype=object)
    boxed[0], boxed[1] = positions, metadata
    stream = io.BytesIO()
    np.savez(stream, positions_2d=boxed[:1].reshape(()), metadata=boxed[1:].reshape(()))
    read(tmp_path / "x.npz", stream.getvalue())


@QUICK
@given(st.data())
def test_any_array_in_our_archive(tmp_path: Path, data) -> None:
    with np.load(io.BytesIO(sample("own"))) as archive:
        arrays = dict(archive)
    name = data.draw(st.sampled_from(sorted(arrays)))
    arrays[name] = data.draw(small_arrays | st.just(np.array(np.nan)) | st.text(max_size=8).map(np.array))
    if data.draw(st.booleans()):
        del arrays[data.draw(st.sampled_from(sorted(arrays)))]
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    read(tmp_path / "x.npz", stream.getvalue())
