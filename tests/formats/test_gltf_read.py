"""glTF files of anybody: transforms against trimesh, samplers against SciPy, accessors against arrays, and damage."""

import base64
import copy
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicHermiteSpline
from scipy.spatial.transform import Rotation, Slerp

from maquette.errors import InputError
from maquette.formats.gltf_read import Gltf, GltfAnimation, read_gltf
from maquette.formats.gltf_skeleton import read_skeleton, skeleton_poses
from maquette.formats.unique_names import unique_names

QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def made_glb(document: dict[str, Any], binary: bytes) -> bytes:
    """A file, packed here by hand."""
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(binary), 0x004E4942) + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def arrays(*tables: np.ndarray) -> tuple[dict[str, Any], bytes]:
    """Accessors, one view each."""
    types = {"float32": 5126, "uint8": 5121, "int16": 5122, "uint16": 5123, "int8": 5120}
    shapes = {1: "SCALAR", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
    accessors, views, blob = [], [], b""
    for table in tables:
        columns = 1 if table.ndim == 1 else table.shape[1]
        views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": table.nbytes})
        accessors.append({"bufferView": len(views) - 1, "componentType": types[table.dtype.name],
                          "count": len(table), "type": shapes[columns]})  # fmt: skip
        blob += table.tobytes() + b"\0" * (-table.nbytes % 4)
    return {"accessors": accessors, "bufferViews": views, "buffers": [{"byteLength": len(blob)}]}, blob


def clip(path: str, values: np.ndarray, interpolation: str, times: np.ndarray) -> tuple[dict[str, Any], bytes]:
    """One node that moves."""
    tables, blob = arrays(times.astype(np.float32), values)
    document = {
        "asset": {"version": "2.0"},
        "nodes": [{"name": "a", "children": [1]}, {"name": "b"}],
        "animations": [{"samplers": [{"input": 0, "output": 1, "interpolation": interpolation}],
                        "channels": [{"sampler": 0, "target": {"node": 0, "path": path}}]}],
        **tables,
    }  # fmt: skip
    return document, blob


def poses(gltf: Gltf, times: np.ndarray, node: int = 0) -> tuple[np.ndarray, np.ndarray]:
    places, turns = skeleton_poses(gltf, gltf.animations[0], (node,), times)
    return places[:, 0], turns[:, 0]


def test_places_of_nodes_as_trimesh_has_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    nodes: list[dict[str, Any]] = []
    for number in range(30):
        turn = Rotation.random(None, np.random.default_rng(number)).as_quat()
        node: dict[str, Any] = {"name": f"n{number}", "mesh": 0}
        if number % 3:
            node |= {"translation": rng.normal(size=3).tolist(), "rotation": turn.tolist(),
                     "scale": rng.uniform(0.3, 2.0, 3).tolist()}  # fmt: skip
        else:
            matrix = np.eye(4)
            matrix[:3, :3] = Rotation.from_quat(turn).as_matrix() * rng.uniform(0.3, 2.0, 3)
            matrix[:3, 3] = rng.normal(size=3)
            node["matrix"] = matrix.T.reshape(-1).tolist()
        if number:
            nodes[int(rng.integers(max(0, number - 4), number))].setdefault("children", []).append(number)
        nodes.append(node)
    tables, blob = arrays(np.eye(3, dtype=np.float32), np.array([0, 1, 2], dtype=np.uint16))
    document = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": nodes,
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "skins": [{"joints": list(range(30))}], **tables,
    }  # fmt: skip
    data = made_glb(document, blob)
    (tmp_path / "a.glb").write_bytes(data)
    scene: Any = trimesh.load(tmp_path / "a.glb")
    gltf = read_gltf(data, "a.glb")
    figure = read_skeleton(gltf)
    assert len(figure.names) == 30
    still = GltfAnimation("none", ())
    places, _ = skeleton_poses(gltf, still, figure.nodes, np.zeros(1))
    for joint, name in enumerate(figure.names):
        expected = scene.graph.get(name)[0][:3, 3]
        np.testing.assert_allclose(places[0, joint], expected, atol=1e-6)


def test_samplers_as_scipy_has_them() -> None:
    rng = np.random.default_rng(1)
    times = np.float32(np.cumsum(rng.uniform(0.1, 0.5, 8))).astype(float)
    fine = np.linspace(times[0] - 0.5, times[-1] + 0.5, 101)
    inside = np.clip(fine, times[0], times[-1])
    vectors = rng.normal(size=(8, 3)).astype(np.float32)
    document, blob = clip("translation", vectors, "LINEAR", times)
    expected = np.stack([np.interp(fine, times, vectors[:, i]) for i in range(3)], axis=1)
    np.testing.assert_allclose(poses(read_gltf(made_glb(document, blob), "x"), fine)[0], expected, atol=1e-6)
    document, blob = clip("translation", vectors, "STEP", times)
    steps = vectors[np.searchsorted(times, inside, side="right") - 1]
    np.testing.assert_allclose(poses(read_gltf(made_glb(document, blob), "x"), fine)[0], steps, atol=1e-6)
    cubic = rng.normal(size=(8, 3, 3)).astype(np.float32)
    cubic[0, 0] = cubic[:, 2][-1] = 0
    # SciPy has one slope for each key; so in and out are the same.
    cubic[:, 0] = cubic[:, 2]
    document, blob = clip("translation", cubic.reshape(-1, 3), "CUBICSPLINE", times)
    spline = CubicHermiteSpline(times, cubic[:, 1], cubic[:, 2])(inside)
    np.testing.assert_allclose(poses(read_gltf(made_glb(document, blob), "x"), fine)[0], spline, atol=1e-5)
    turns = Rotation.random(8, np.random.default_rng(5))
    document, blob = clip("rotation", turns.as_quat().astype(np.float32), "LINEAR", times)
    found = poses(read_gltf(made_glb(document, blob), "x"), fine)[1]
    apart = Rotation.from_quat(found[:, [1, 2, 3, 0]]) * Slerp(times, turns)(inside).inv()
    assert apart.magnitude().max() < 1e-5


@pytest.mark.parametrize(("dtype", "top"), [("int8", 127), ("int16", 32767), ("uint8", 255), ("uint16", 65535)])
def test_normalised_integers(dtype: str, top: int) -> None:
    turn = Rotation.from_euler("xyz", [20, 30, 40], degrees=True).as_quat()
    values = np.round(np.abs(turn) * top).astype(dtype)[None]
    document, blob = clip("rotation", values, "LINEAR", np.zeros(1))
    document["accessors"][1]["normalized"] = True
    found = poses(read_gltf(made_glb(document, blob), "x"), np.zeros(1))[1][0]
    np.testing.assert_allclose(found[[1, 2, 3, 0]], np.abs(turn), atol=1.5 / top)


def test_strides_and_sparse_values() -> None:
    times = np.arange(4.0)
    document, _ = clip("translation", np.zeros((4, 3), dtype=np.float32), "LINEAR", times)
    wide = np.arange(24, dtype=np.float32).reshape(4, 6)
    replaced = np.array([[7, 8, 9]], dtype=np.float32)
    blob = times.astype(np.float32).tobytes() + wide.tobytes() + np.array([2, 0], "<u2").tobytes() + replaced.tobytes()
    document["bufferViews"] = [
        {"buffer": 0, "byteLength": 16},
        {"buffer": 0, "byteOffset": 16, "byteLength": 96, "byteStride": 24},
        {"buffer": 0, "byteOffset": 112, "byteLength": 2},
        {"buffer": 0, "byteOffset": 116, "byteLength": 12},
    ]
    document["buffers"] = [{"byteLength": len(blob)}]
    document["accessors"][1] |= {
        "byteOffset": 8,
        "sparse": {"count": 1, "indices": {"bufferView": 2, "componentType": 5123}, "values": {"bufferView": 3}},
    }
    expected = wide[:, 2:5].copy()
    expected[2] = replaced
    found = poses(read_gltf(made_glb(document, blob), "x"), times)[0]
    np.testing.assert_allclose(found, expected)
    # Without bytes behind it, an accessor is zero but for what is sparse.
    del document["accessors"][1]["bufferView"]
    found = poses(read_gltf(made_glb(document, blob), "x"), times)[0]
    np.testing.assert_allclose(found, [[0, 0, 0], [0, 0, 0], [7, 8, 9], [0, 0, 0]])


def test_buffers_in_the_text_and_beside_the_file(tmp_path: Path) -> None:
    document, blob = clip("translation", np.ones((2, 3), dtype=np.float32), "LINEAR", np.arange(2.0))
    inside = copy.deepcopy(document)
    inside["buffers"][0]["uri"] = "data:application/octet-stream;base64," + base64.b64encode(blob).decode()
    assert len(read_gltf(json.dumps(inside).encode(), "x").animations) == 1
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / "a b.bin").write_bytes(blob)
    (tmp_path / "secret.bin").write_bytes(blob)
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    document["buffers"][0]["uri"] = "a%20b.bin"
    data = json.dumps(document).encode()
    assert len(read_gltf(data, "x", folder=folder).animations) == 1
    with pytest.raises(InputError, match=r"another file, 'a b\.bin'"):
        read_gltf(data, "x")
    outside = ["../secret.bin", "%2e%2e/secret.bin", str(tmp_path / "secret.bin"), "link.bin", "file:///etc/passwd",
               "https://a/b.bin", "..\\secret.bin", "a\0.bin", "", "none.bin", "."]  # fmt: skip
    for uri in outside:
        document["buffers"][0]["uri"] = uri
        with pytest.raises(InputError, match="x: "):
            read_gltf(json.dumps(document).encode(), "x", folder=folder)


@pytest.mark.parametrize("version", ["0.x", "1.0", "animation"])
def test_humanoid_bones_of_vrm(version: str) -> None:
    nodes = [{"name": "Root", "children": [1]}, {"name": "J_Hips", "children": [2]}, {"name": "J_Spine"}]
    bones: Any = {"hips": {"node": 1}, "spine": {"node": 2}}
    if version == "0.x":
        bones = [{"bone": "hips", "node": 1}, {"bone": "spine", "node": 2}, {"bone": "jaw", "node": -1}]
    name = {"0.x": "VRM", "1.0": "VRMC_vrm", "animation": "VRMC_vrm_animation"}[version]
    document = {"asset": {"version": "2.0"}, "nodes": nodes, "extensions": {name: {"humanoid": {"humanBones": bones}}}}
    gltf = read_gltf(json.dumps(document).encode(), "x")
    assert (gltf.vrm, gltf.humanoid_nodes) == (version, {"hips": 1, "spine": 2})
    figure = read_skeleton(gltf)
    assert figure.names == ("J_Hips", "J_Spine")
    assert figure.roles == {"hips": "J_Hips", "spine": "J_Spine"}


def _damaged(change: str) -> tuple[dict[str, Any], bytes]:
    document, blob = clip("translation", np.ones((2, 3), dtype=np.float32), "LINEAR", np.arange(2.0))
    keys = change.split("=")[0].split(".")
    place: Any = document
    for key in keys[:-1]:
        place = place[int(key) if key.isdigit() else key]
    place[int(keys[-1]) if keys[-1].isdigit() else keys[-1]] = json.loads(change.split("=", 1)[1])
    return document, blob


@pytest.mark.parametrize(
    "change",
    [
        'asset.version="1.0"', "asset=3", "nodes=7", "nodes.1.children=[0]", "nodes.1.children=[1]",
        "nodes.0.children=[1,1]", "nodes.0.children=[9]", "nodes.0.children=[-1]", "nodes.0.rotation=[0,0,0,0]",
        "nodes.0.translation=[1e300,0,0]", "nodes.0.matrix=[1,2]", 'skins=[{"joints":[5]}]', 'skins=[{"joints":[]}]',
        "accessors.1.count=3", "accessors.1.count=-1", "accessors.1.count=99999999999999999999",
        "accessors.0.type=\"VEC2\"", "accessors.0.componentType=5130", "accessors.1.bufferView=4",
        "accessors.1.byteOffset=-4", "bufferViews.1.byteOffset=1000", "bufferViews.1.byteLength=4",
        "bufferViews.1.byteStride=2", "bufferViews.1.buffer=1", "buffers.0.byteLength=1000000",
        'buffers.0.uri="data:text/plain,abc"', 'buffers.0.uri="data:;base64,?"',
        'bufferViews.1.extensions={"EXT_meshopt_compression":{}}', "animations.0.channels.0.target.node=5",
        "animations.0.channels.0.sampler=2", "animations.0.samplers.0.input=1", "animations.0.samplers.0.output=7",
        'animations.0.samplers.0.interpolation="BEZIER"', 'animations.0.samplers.0.interpolation="CUBICSPLINE"',
        "animations.0.channels.0.target={}",
        'extensions={"VRM":{"humanoid":{"humanBones":[{"bone":"hips","node":8}]}}}',
    ],
)  # fmt: skip
def test_damage_is_told(change: str) -> None:
    document, blob = _damaged(change)
    with pytest.raises(InputError, match=r"^a\.glb"):
        read_gltf(made_glb(document, blob), "a.glb")


@pytest.mark.parametrize("times", [[1.0, 0.0], [0.0, 0.0], [0.0, float("nan")]])
def test_times_that_do_not_increase(times: list[float]) -> None:
    document, blob = clip("translation", np.ones((2, 3), dtype=np.float32), "LINEAR", np.array(times))
    with pytest.raises(InputError, match="do not increase"):
        read_gltf(made_glb(document, blob), "x")


def test_a_chain_of_nodes_of_any_length() -> None:
    nodes: list[dict[str, Any]] = [{"children": [i + 1]} for i in range(3000)] + [{}]
    document = {"asset": {"version": "2.0"}, "nodes": nodes, "skins": [{"joints": [0, 3000]}]}
    assert len(read_skeleton(read_gltf(json.dumps(document).encode(), "x")).names) == 3001


def test_which_nodes_are_the_skeleton() -> None:
    """Two trees of joints meet in an armature; a hat hangs between; the second leg is under a node that is no joint."""
    nodes: list[dict[str, Any]] = [
        {"name": "Scene", "children": [1, 8]},
        {"name": "Armature", "children": [2, 5]},
        {"name": "Hips", "children": [3]},
        {"name": "Between", "children": [4, 7]},
        {"name": "Leg"},
        {"name": "Other", "children": [6]},
        {"name": "Arm"},
        {"name": "Hat", "mesh": 0},
        {"name": "Body", "mesh": 0, "skin": 0},
    ]
    document = {"asset": {"version": "2.0"}, "nodes": nodes, "skins": [{"joints": [2, 4]}, {"joints": [6]}]}
    figure = read_skeleton(read_gltf(json.dumps(document).encode(), "x"))
    assert figure.names == ("Armature", "Hips", "Between", "Leg", "Other", "Arm")
    document["extensions"] = {"VRMC_vrm": {"humanoid": {"humanBones": {"hips": {"node": 2}}}}}
    figure = read_skeleton(read_gltf(json.dumps(document).encode(), "x"))
    assert figure.names == ("Hips", "Between", "Leg")


def test_values_without_bytes_have_a_limit() -> None:
    document, blob = clip("translation", np.ones((2, 3), dtype=np.float32), "LINEAR", np.arange(2.0))
    document["accessors"][1] = {"componentType": 5126, "count": 10**9, "type": "VEC3"}
    with pytest.raises(InputError, match="1000000000 elements"):
        read_gltf(made_glb(document, blob), "x")


def test_names_become_unique() -> None:
    assert unique_names(["a", "a", "a_2", "a", "b"]) == ("a", "a_3", "a_2", "a_4", "b")


def _sample() -> bytes:
    document, blob = clip("rotation", np.eye(4, dtype=np.float32), "LINEAR", np.arange(4.0))
    document["skins"] = [{"joints": [0, 1]}]
    return made_glb(document, blob)


def _whole(data: bytes) -> None:
    try:
        gltf = read_gltf(data, "x")
        figure = read_skeleton(gltf)
        for animation in gltf.animations:
            skeleton_poses(gltf, animation, figure.nodes, np.arange(3.0))
    except InputError:
        return


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    _whole(data)
    _whole(b"glTF" + struct.pack("<II", 2, len(data) + 12) + data)
    _whole(b"{" + data)


@QUICK
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=12))
def test_damaged_bytes(changes: list[tuple[int, int]]) -> None:
    data = bytearray(_sample())
    for place, value in changes:
        data[place % len(data)] = value
    _whole(bytes(data))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@QUICK
@given(st.data())
def test_any_value_anywhere(data: st.DataObject) -> None:
    document, blob = clip("rotation", np.eye(4, dtype=np.float32), "LINEAR", np.arange(4.0))
    document |= {"skins": [{"joints": [0, 1], "inverseBindMatrices": 1}], "extensions": {"VRM": {"humanoid": {}}}}
    place: Any = document
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(JSON)
    _whole(made_glb(document, blob))
