"""C3D files of other programs: processors, units, axes, gaps, and damage of every kind."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_c3d import made_c3d  # pyright: ignore[reportMissingImports]

from maquette.errors import InputError
from maquette.motion import Motion
from maquette.readers.motion import read_motion
from maquette.readers.motion_c3d import read_motion_c3d
from maquette.skeletons import H36M_17

RNG = np.random.default_rng(0)
POINTS = np.round(RNG.uniform(-900, 1800, (6, 3, 3)), 1)
MISSING = np.zeros((6, 3), dtype=bool)
MISSING[2] = MISSING[4, 1] = True
LABELS = ["LASI", "RASI", "SACR"]


def read(data: bytes) -> Motion:
    return read_motion_c3d(Path("a.c3d"), data)


@pytest.mark.parametrize("processor", ["intel", "dec", "mips"])
@pytest.mark.parametrize("scale", [-0.1, 0.1])
@pytest.mark.parametrize("analog_per_frame", [0, 6])
def test_every_processor_and_kind_of_number(tmp_path: Path, processor: str, scale: float, analog_per_frame) -> None:
    data = made_c3d(
        POINTS,
        MISSING,
        processor=processor,
        scale=scale,
        rate=29.97003,
        labels=LABELS,
        analog_per_frame=analog_per_frame,
        UNITS=["mm"],
        X_SCREEN=["+X"],
        Y_SCREEN=["+Z"],
    )
    (tmp_path / "a.c3d").write_bytes(data)
    motion = read_motion(tmp_path / "a.c3d")
    x, y, z = np.moveaxis(np.where(MISSING[..., None], np.nan, POINTS / 1000), -1, 0)
    np.testing.assert_allclose(motion.positions, np.stack([y, z, x], axis=-1), rtol=0, atol=1e-6)
    assert (str(motion.fps), motion.skeleton.joints) == ("30000/1001", tuple(LABELS))
    assert set(motion.skeleton.parents) == {-1}
    assert any("POINT:Y_SCREEN is +Z" in note for note in motion.notes)


def standing(up: int, sign: float = 1.0) -> np.ndarray:
    """A person of Human3.6M's joints, metres, along an axis."""
    heights = dict.fromkeys(H36M_17.joints, 0.9) | {"l_ankle": 0.1, "r_ankle": 0.1, "head": 1.7, "thorax": 1.4}
    points = np.tile(RNG.normal(scale=0.02, size=(1, 17, 3)), (4, 1, 1))
    points[..., up] += sign * np.array([heights[joint] for joint in H36M_17.joints])
    return points


@pytest.mark.parametrize("up", [0, 1, 2])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_people_stand_up_whatever_the_axes(up: int, sign: float) -> None:
    data = made_c3d(
        standing(up, sign), np.zeros((4, 17), bool), labels=list(H36M_17.joints), UNITS=["m"], Y_SCREEN=["+Z"]
    )
    motion = read(data)
    assert motion.skeleton == H36M_17
    np.testing.assert_allclose(np.mean(motion.joint("head") - motion.joint("l_ankle"), axis=0)[1], 1.6, atol=0.1)
    # Turned, not mirrored.
    three = [motion.positions[0, i] - motion.positions[0, 0] for i in (1, 5, 12)]
    theirs = [standing_frame(data)[i] - standing_frame(data)[0] for i in (1, 5, 12)]
    np.testing.assert_allclose(np.linalg.det(three), np.linalg.det(theirs), rtol=1e-3)


def standing_frame(data: bytes) -> np.ndarray:
    """Points of the first frame, as they are in the file."""
    return np.frombuffer(data[1536:], dtype="<f4")[: 17 * 4].reshape(17, 4)[:, :3].astype(float)


@pytest.mark.parametrize(("unit", "metre"), [("mm", 0.001), ("cm", 0.01), ("m", 1.0)])
def test_units(unit: str, metre: float) -> None:
    positions = read(made_c3d(POINTS, MISSING, labels=LABELS, UNITS=[unit])).positions
    np.testing.assert_allclose(positions[0, 0, 2], POINTS[0, 0, 0] * metre, rtol=1e-6)


def test_labels_without_the_subject_and_labels_that_lack() -> None:
    assert read(made_c3d(POINTS, MISSING, labels=["Ann:A", "Ann:B", "Ann:C"])).skeleton.joints == ("A", "B", "C")
    assert read(made_c3d(POINTS, MISSING, labels=["A", "A"])).skeleton.joints == ("A", "A_2", "point_3")


def test_a_file_that_ends_early() -> None:
    motion = read(made_c3d(POINTS, MISSING, labels=LABELS)[:-60])
    assert motion.n_frames == 4
    assert any("ends after 4 of 6 frames" in note for note in motion.notes)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"UNITS": ["furlong"]}, "its unit is 'furlong', expected mm, cm or m"),
        ({"USED": 4}, "its header has 3 points, POINT:USED 4"),
        ({"rate": 0.0}, "POINT:RATE: fps is"),
        ({"DATA_START": 60_000}, "holds no frames"),
        ({"scale": float("inf")}, "its scale is inf"),
        ({"FRAMES": 0}, "holds no frames"),
    ],
)
def test_files_that_cannot_be_read(change: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(made_c3d(POINTS, MISSING, labels=LABELS, **change) if "scale" not in change else
             made_c3d(POINTS * 0, MISSING, labels=LABELS, **change))  # fmt: skip


WHOLE = made_c3d(POINTS, MISSING, labels=LABELS, UNITS=["mm"], analog_per_frame=2)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_damage_gives_a_motion_or_an_input_error(data: st.DataObject) -> None:
    raw = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.one_of(st.integers(0, 30), st.integers(512, 900), st.integers(0, len(raw))))
        raw[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    with contextlib.suppress(InputError):
        read(bytes(raw))
