"""Moving skeletons from glTF: ours come back as they were; anybody's are where SciPy's kinematics put them."""

import contextlib
import dataclasses
import itertools
import json
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_body import made_motion  # pyright: ignore[reportMissingImports]
from other_gltf_reader import other_axes  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.errors import InputError
from maquette.exporters.glb import animation_to_glb, write_glb
from maquette.exporters.vrma import write_vrma
from maquette.formats.gltf_read import GltfAnimation, GltfChannel
from maquette.motion import Motion
from maquette.readers.glb_clock import clock_of
from maquette.readers.motion import read_motion
from maquette.readers.motion_glb import read_motion_glb
from maquette.rig import animate
from maquette.rig.choice import animated
from maquette.rig.forward import joint_positions_m, node_positions_m
from maquette.skeletons import H36M_17, LIFTED_21


@pytest.fixture(scope="module")
def motion() -> Motion:
    rng = np.random.default_rng(2)
    made = made_motion(40, seed=3)
    return dataclasses.replace(
        made,
        fps=Fraction(30000, 1001),
        contacts=rng.random((40, 2)) > 0.5,
        contact_joints=("l_heel", "r_toe"),
        scale_source="body height 1.80 m as given",
        notes=("first", "zweitens: ü"),
        sigma_m=np.full((40, 21), 0.01),
    )


@pytest.mark.parametrize("joints", [17, 21])
def test_ours_come_back(tmp_path: Path, motion: Motion, joints: int) -> None:
    skeleton = {17: H36M_17, 21: LIFTED_21}[joints]
    feet = {17: ("l_ankle", "r_ankle"), 21: ("l_heel", "r_toe")}[joints]
    source = dataclasses.replace(
        motion, positions=motion.positions[:, :joints], skeleton=skeleton, sigma_m=None, contact_joints=feet
    )
    write_glb(animate(source), tmp_path / "a.glb")
    back = read_motion(tmp_path / "a.glb")
    assert back.skeleton is skeleton
    assert (back.fps, back.scale_source, back.frame) == (source.fps, source.scale_source, "world")
    assert back.timestamps_s is None
    assert back.contact_joints == source.contact_joints
    np.testing.assert_array_equal(back.contacts, source.contacts)
    np.testing.assert_allclose(back.positions, source.positions, atol=1e-6)
    assert back.notes[:2] == source.notes
    assert "uncertainties" in back.notes[-1]


def test_times_come_back(tmp_path: Path, motion: Motion) -> None:
    times_s = 7.0 + np.cumsum(np.random.default_rng(0).uniform(0.01, 0.05, 40))
    write_glb(animate(dataclasses.replace(motion, timestamps_s=times_s)), tmp_path / "a.glb")
    back = read_motion(tmp_path / "a.glb")
    assert back.fps == motion.fps
    assert back.timestamps_s is not None
    np.testing.assert_allclose(back.timestamps_s, times_s - times_s[0], atol=1e-6)
    np.testing.assert_allclose(back.positions, motion.positions, atol=1e-6)


@pytest.mark.parametrize("file", ["cmu_cgspeed_bvh/12_01_walk", "cmu_iclone_bvh/006_03"])
def test_rigs_of_files_come_back_with_their_rotations(shared_dir: Path, tmp_path: Path, file: str) -> None:
    source = read_motion(shared_dir / "data" / "raw" / f"{file}.bvh")
    write_glb(animate(source), tmp_path / "a.glb")
    back = read_motion(tmp_path / "a.glb")
    assert back.skeleton.joints == source.skeleton.joints
    assert back.skeleton.parents == source.skeleton.parents
    np.testing.assert_allclose(back.positions, source.positions, atol=1e-5)
    assert back.rotations is not None
    assert source.rotations is not None
    np.testing.assert_allclose(np.abs(np.sum(back.rotations * source.rotations, axis=-1)), 1.0, atol=1e-6)


@pytest.mark.parametrize("rig", ["mixamo", "vrm"])
def test_other_rigs_come_back_with_joints_of_their_own(tmp_path: Path, motion: Motion, rig: str) -> None:
    animation = animated(motion, rig=rig)
    write_glb(other_axes(animation), tmp_path / "a.glb")
    back = read_motion(tmp_path / "a.glb")
    places, _ = node_positions_m(animation)
    for bone, joint in animation.roles.items():
        expected = places[:, animation.names.index(joint)]
        np.testing.assert_allclose(back.joint(joint), expected, atol=1e-5, err_msg=bone)
    # And out again, from the rotations told in the axes of the world.
    again = joint_positions_m(animate(back))
    np.testing.assert_allclose(again, back.positions, atol=1e-5)
    assert (animation.roles["leftHand"], animation.roles["rightHand"]) in back.skeleton.mirror_pairs
    assert back.scale_source == motion.scale_source


def test_a_vrm_animation_is_a_motion(tmp_path: Path, motion: Motion) -> None:
    write_vrma(animated(motion, rig="vrm", foot_lock=False), tmp_path / "a.vrma")
    back = read_motion(tmp_path / "a.vrma")
    np.testing.assert_allclose(back.joint("leftLowerArm"), motion.joint("l_elbow"), atol=2e-3)
    assert ("leftHand", "rightHand") in back.skeleton.mirror_pairs


def foreign(times: np.ndarray) -> tuple[bytes, np.ndarray]:
    """An arm in centimetres under an armature of scale 0.01 that lies on its back, as Mixamo's come out of Blender; and
    the places of its joints."""
    rng = np.random.default_rng(4)
    count = len(times)
    offsets = np.array([[0.0, 100.0, 0.0], [0.0, 30.0, 5.0], [3.0, 25.0, 0.0]], dtype=np.float32)
    rest = Rotation.random(3, np.random.default_rng(5))
    axes = rng.normal(size=(3, 3))
    swings = [Rotation.from_rotvec(np.outer(np.sin(times + i), axes[i])) for i in range(3)]
    local = [rest[i] * swings[i] for i in range(3)]
    moves = (offsets[0] + np.stack([np.sin(times), np.cos(times), times], axis=1)).astype(np.float32)
    armature = Rotation.from_euler("x", -90, degrees=True)
    place, turn, truth = 0.01 * armature.apply(moves), armature * local[0], []
    truth.append(place)
    for i in (1, 2):
        place = place + 0.01 * turn.apply(offsets[i])
        turn = turn * local[i]
        truth.append(place)
    tables = [times.astype(np.float32), moves, *[q.as_quat().astype(np.float32) for q in local]]
    blob = b"".join(table.tobytes() for table in tables)
    starts = np.cumsum([0, *[table.nbytes for table in tables]])
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "somebody", "extras": {"fps": "7", "skeleton": "theirs"}},
        "nodes": [
            {"name": "Armature", "children": [1], "rotation": armature.as_quat().tolist(), "scale": [0.01] * 3},
            *[{"name": name, "translation": offsets[i].tolist(), "rotation": rest[i].as_quat().tolist(),
               **({"children": [i + 2]} if i < 2 else {})}
              for i, name in enumerate(("Arm_L", "ForeArm_L", "Hand_L"))],
        ],
        "skins": [{"joints": [1, 2, 3]}],
        "animations": [{
            "samplers": [{"input": 0, "output": 1 + i} for i in range(4)],
            "channels": [{"sampler": 0, "target": {"node": 1, "path": "translation"}},
                         *[{"sampler": 1 + i, "target": {"node": 1 + i, "path": "rotation"}} for i in range(3)]],
        }],
        "accessors": [{"bufferView": i, "componentType": 5126, "count": count, "type": kind}
                      for i, kind in enumerate(("SCALAR", "VEC3", "VEC4", "VEC4", "VEC4"))],
        "bufferViews": [{"buffer": 0, "byteOffset": int(a), "byteLength": int(b - a)}
                        for a, b in itertools.pairwise(starts)],
        "buffers": [{"byteLength": len(blob)}],
    }  # fmt: skip
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(blob), 0x004E4942) + blob
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks, np.stack(truth, axis=1)


def test_a_foreign_figure_is_where_it_should_be(tmp_path: Path) -> None:
    data, truth = foreign(np.arange(30) / 24)
    (tmp_path / "arm.glb").write_bytes(data)
    back = read_motion(tmp_path / "arm.glb")
    assert back.skeleton.joints == ("Arm_L", "ForeArm_L", "Hand_L")
    assert back.fps == 24
    np.testing.assert_allclose(back.positions, truth, atol=1e-6)
    # Rotations are relative to the rest pose: out again, they make the same positions.
    np.testing.assert_allclose(joint_positions_m(animate(back)), truth, atol=1e-6)
    assert "metres as glTF has it" in back.scale_source


def test_gltf_with_its_data_beside_it(tmp_path: Path) -> None:
    data, truth = foreign(np.arange(30) / 24)
    text = json.loads(data[20 : 20 + struct.unpack_from("<I", data, 12)[0]])
    text["buffers"][0]["uri"] = "arm.bin"
    (tmp_path / "arm.gltf").write_text(json.dumps(text))
    with pytest.raises(InputError, match=r"'arm\.bin' is missing"):
        read_motion(tmp_path / "arm.gltf")
    (tmp_path / "arm.bin").write_bytes(data[-text["buffers"][0]["byteLength"] :])
    np.testing.assert_allclose(read_motion(tmp_path / "arm.gltf").positions, truth, atol=1e-6)


def test_uneven_keys_are_sampled_evenly(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(1).uniform(0.005, 0.02, 200))
    data, truth = foreign(times)
    (tmp_path / "arm.glb").write_bytes(data)
    back = read_motion(tmp_path / "arm.glb")
    assert back.timestamps_s is None
    assert back.fps > 50
    assert "uneven" in " ".join(back.notes)
    expected = np.stack([np.interp(back.times_s + times[0], times, truth[:, 2, axis]) for axis in range(3)], axis=1)
    np.testing.assert_allclose(back.joint("Hand_L"), expected, atol=1e-4)


def _clock(times: Any) -> tuple[Fraction, int]:
    keys = np.asarray(times, dtype=np.float32).astype(np.float64)
    channel = GltfChannel(0, "translation", keys, np.zeros((len(keys), 3)), "LINEAR")
    clock = clock_of(GltfAnimation("a", (channel,)), "x")
    return clock.fps, len(clock.times_s)


@pytest.mark.parametrize(
    "fps", [Fraction(30000, 1001), Fraction(60000, 1001), *map(Fraction, (12, 23, 24, 25, 60, 120))]
)
def test_rates_are_found_from_rounded_times(fps: Fraction) -> None:
    for frames in (2, 3, 40, 4000):
        assert _clock(np.arange(frames) / float(fps)) == (fps, frames)
    kept = np.sort(np.random.default_rng(0).choice(300, 80, replace=False))
    assert _clock(kept / float(fps)) == (fps, kept[-1] - kept[0] + 1)


def test_hand_set_keys_are_filled_in() -> None:
    assert _clock([0.0, 0.5, 1.0, 3.0]) == (30, 91)
    assert _clock([2.0]) == (30, 1)


def test_a_figure_that_does_not_move_is_refused(tmp_path: Path, motion: Motion) -> None:
    data = animation_to_glb(animate(motion))
    (tmp_path / "a.glb").write_bytes(data.replace(b'"animations"', b'"animationx"'))
    with pytest.raises(InputError, match="of 25 joints and no animation"):
        read_motion(tmp_path / "a.glb")


@pytest.fixture(scope="module")
def small() -> bytes:
    return animation_to_glb(animate(made_motion(2)))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=6)), min_size=1, max_size=6))
def test_damage_never_raises_anything_else(small: bytes, changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(small)
    text_ends = 20 + struct.unpack_from("<I", data, 12)[0]
    for place, value in changes:
        start = 20 + place % (text_ends - 20)
        data[start : start + len(value)] = value
    with contextlib.suppress(InputError):
        read_motion_glb(Path("damaged.glb"), bytes(data))
