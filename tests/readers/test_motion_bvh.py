"""BVH files of other rigs as motions: units, rotation orders, roots, rates; positions against independent arrays."""

import contextlib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.errors import InputError
from maquette.readers.motion import read_motion
from maquette.readers.motion_bvh import frame_rate, mirror_pairs, read_motion_bvh


def resampled(positions: np.ndarray, fps: float) -> np.ndarray:
    """As the arrays were made: frame 0 dropped, then linearly to 50 fps."""
    positions = positions[1:]
    times = np.arange(int((len(positions) - 1) / fps * 50 + 1e-6) + 1) / 50.0
    source = np.arange(len(positions)) / fps
    return np.stack([np.interp(times, source, positions[:, axis]) for axis in range(3)], axis=1)


ICLONE = {
    2: "CC_Base_R_Calf", 3: "CC_Base_R_Foot", 5: "CC_Base_L_Calf", 8: "CC_Base_NeckTwist01", 13: "CC_Base_L_Hand",
    15: "CC_Base_R_Forearm",
}  # fmt: skip


@pytest.mark.parametrize(
    ("file", "clip", "fps", "joints"),
    [
        ("cmu_daz_bvh/11_01", "11/11_01", 120.0, {8: "neck"}),
        ("cmu_iclone_bvh/006_03", "06/06_03", 1 / 0.016667, ICLONE),
    ],
)
def test_positions_equal_the_arrays(shared_dir: Path, file: str, clip: str, fps: float, joints: dict[int, str]) -> None:
    motion = read_motion(shared_dir / "data" / "raw" / f"{file}.bvh")
    assert motion.fps == round(fps)
    array = np.load(shared_dir / "data" / "cmu" / "cmu17.npz")[clip].astype(np.float64)
    for index, joint in joints.items():
        path = resampled(motion.joint(joint), fps)[: len(array)]
        error = path - array[: len(path), index]
        # The arrays stand on the ground: one number was added to all heights of the clip.
        error[:, 1] -= np.median(error[:, 1])
        assert np.abs(error).max() < 1e-4, joint


def test_position_channels_take_the_place_of_offsets(shared_dir: Path) -> None:
    raw = shared_dir / "data" / "raw"
    made = read_motion(raw / "made" / "11_01_positions_on_every_joint.bvh")
    plain = read_motion(raw / "cmu_daz_bvh" / "11_01.bvh")
    inner = [joint for joint in made.skeleton.joints if not joint.endswith("_end")]
    error = made.positions[:, made.skeleton.indices(inner)] - plain.positions[:60, plain.skeleton.indices(inner)]
    assert np.abs(error).max() < 1e-7 + 1e-5 / 100


def test_units_and_roots_of_real_files(shared_dir: Path) -> None:
    raw = shared_dir / "data" / "raw"
    for file, unit in (
        ("cmu_daz_bvh/11_01", "unit of length cm"),
        ("cmu_iclone_bvh/007_05", "unit of length cm"),
        ("cmu_motionbuilder_bvh/131_03", "unit of length CMU unit"),
        ("cmu_cgspeed_bvh/12_01_walk", "unit of length CMU unit"),
    ):
        motion = read_motion(raw / f"{file}.bvh")
        assert any(unit in note for note in motion.notes), file
        # From ankles or toes to the neck or the eyes, and stands near the floor.
        heights = np.ptp(motion.positions[..., 1], axis=1)
        assert 1.3 < np.median(heights) < 1.9, file
        assert abs(np.quantile(motion.positions[..., 1].min(axis=1), 0.1)) < 0.12, file
        assert len(motion.skeleton.mirror_pairs) >= 10, file
    iclone = read_motion(raw / "cmu_iclone_bvh" / "006_03.bvh")
    assert "the OFFSET of the root was added to its position channels" in iclone.notes


LEG = """HIERARCHY
ROOT Hips
{{
  OFFSET {root}
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Leg
  {{
    OFFSET 0 -{half} 0
    CHANNELS 3 Xrotation Zrotation Yrotation
    End Site
    {{
      OFFSET 0 -{half} 0
    }}
  }}
  JOINT Leg
  {{
    OFFSET 0 {half} 0
    CHANNELS 0
    End Site
    {{
      OFFSET 0 {half} 0
    }}
  }}
}}
MOTION
Frames: 2
Frame Time: 0.04
0 {y} 0 0 0 0 90 0 0
0 {y} 0 90 0 0 0 0 0
"""


def leg(half: float, y: float, root: str = "0 0 0"):
    return read_motion_bvh(Path("leg.bvh"), LEG.format(half=half, y=y, root=root).encode())


def test_rotations_apply_in_the_order_of_each_joint() -> None:
    motion = leg(50, 100)
    assert motion.skeleton.joints == ("Hips", "Leg", "Leg_2", "Leg_end", "Leg_2_end")
    assert any("Leg_2" in note for note in motion.notes)
    assert motion.fps == 25
    # First frame: the leg alone turns 90 degrees about X, so its end goes backwards (-Y about +X gives -Z).
    np.testing.assert_allclose(motion.joint("Leg_end")[0], [0, 0.5, -0.5], atol=1e-12)
    # Second: the hips turn 90 degrees about Z, everything lies along X.
    np.testing.assert_allclose(motion.joint("Leg_end")[1], [1.0, 1.0, 0], atol=1e-12)
    assert motion.rotations is not None
    np.testing.assert_allclose(motion.rotations[0, 1], [np.sqrt(0.5), np.sqrt(0.5), 0, 0], atol=1e-12)


@pytest.mark.parametrize(("scale", "unit"), [(1.0, "m"), (100.0, "cm"), (1000.0, "mm"), (17.7167, "CMU unit")])
def test_units_are_told_by_the_size_of_the_figure(scale: float, unit: str) -> None:
    motion = leg(0.5 * scale, 1.0 * scale)
    assert any(f"unit of length {unit} " in note for note in motion.notes)
    np.testing.assert_allclose(motion.joint("Hips")[0], [0, 1.0, 0], atol=1e-4)


def test_figures_of_no_size_are_said_to_be_taken_as_centimetres() -> None:
    assert any("a person in no unit" in note for note in leg(5e5, 1).notes)


def test_root_offset_is_added_or_not_as_the_floor_says() -> None:
    added = leg(50, 2, root="0 50 0")
    np.testing.assert_allclose(added.joint("Hips")[0, 1], 0.52)
    instead = leg(50, 50, root="0 50 0")
    np.testing.assert_allclose(instead.joint("Hips")[0, 1], 0.5)
    assert "the position channels of the root were taken in place of its OFFSET" in instead.notes


@pytest.mark.parametrize(
    ("written", "fps"),
    [
        (".0083333", "120"), ("0.00833333", "120"), ("0.016667", "60"), ("0.0166667", "60"), ("0.016666", "60"),
        ("0.033333", "30"), ("0.0333", "30"), ("0.033", "30"), ("0.033367", "30000/1001"), ("0.0333667", "30000/1001"),
        ("0.041708", "24000/1001"), ("0.041667", "24"), ("0.04", "25"), ("0.02", "50"), ("0.08", "25/2"), ("1", "1"),
        ("0.010", "100"), ("0.0138889", "72"), ("0.02702703", "37"),
    ],
)  # fmt: skip
def test_frame_rates(written: str, fps: str) -> None:
    assert frame_rate(Decimal(written)) == Fraction(fps)


def test_sides_by_name() -> None:
    names = (
        "Hips",
        "LeftArm",
        "RightArm",
        "lHand",
        "rHand",
        "CC_L_Toe",
        "CC_R_Toe",
        "thigh_l",
        "thigh_r",
        "LHip",
        "RHip",
    )
    assert dict(mirror_pairs(names)) == {
        "LeftArm": "RightArm", "lHand": "rHand", "CC_L_Toe": "CC_R_Toe", "thigh_l": "thigh_r", "LHip": "RHip",
    }  # fmt: skip


def test_empty_and_absurd_files() -> None:
    text = LEG.format(half=50, y=1, root="0 0 0").split("Frames")[0] + "Frames: 0\nFrame Time: 0.04\n"
    with pytest.raises(InputError, match=r"leg\.bvh: holds no frames"):
        read_motion_bvh(Path("leg.bvh"), text.encode())
    with pytest.raises(InputError, match="more than 1000 km away"):
        leg(50, 1e200)


def test_faults_that_were_put_up_with_are_told(caplog: pytest.LogCaptureFixture) -> None:
    text = LEG.format(half=50, y=100, root="0 0 0").replace("Frames: 2", "Frames: 500")
    motion = read_motion_bvh(Path("leg.bvh"), text.encode())
    assert motion.n_frames == 2
    assert any("the header says 500 frames of 9 values, the file holds 2 frames" in note for note in motion.notes)
    assert "the header says 500 frames" in caplog.text


def test_long_files_are_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch, shared_dir: Path) -> None:
    from maquette.readers import motion_bvh

    file = shared_dir / "data" / "raw" / "cmu_daz_bvh" / "11_01.bvh"
    whole = read_motion(file)
    monkeypatch.setattr(motion_bvh, "_BLOCK_FRAMES", 7)
    blocks = read_motion(file)
    np.testing.assert_array_equal(blocks.positions, whole.positions)
    assert blocks.rotations is not None
    # Neighbours in time lie on the same side of the sphere, also across blocks.
    assert (np.sum(blocks.rotations[1:] * blocks.rotations[:-1], axis=-1) > 0).all()
    np.testing.assert_array_equal(blocks.rotations, whole.rotations)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_damage_gives_a_motion_or_an_input_error(data: st.DataObject) -> None:
    raw = bytearray(LEG.format(half=50, y=100, root="0 0 0").encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, max(len(raw) - 1, 0)))
        new = data.draw(st.one_of(st.binary(max_size=4), st.sampled_from([b"9", b"1e300", b"-", b"0"])))
        raw[at : at + data.draw(st.integers(0, 6))] = new
    with contextlib.suppress(InputError):
        read_motion_bvh(Path("fuzz.bvh"), bytes(raw))
