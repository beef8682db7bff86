"""The hub: what a motion has is the same after any two formats, as far as both can hold it."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_body import made_motion  # pyright: ignore[reportMissingImports]

from maquette.exporters import write_motion
from maquette.motion import Motion
from maquette.readers.motion import read_motion
from maquette.skeleton import Skeleton

OFF_M = {".npz": 1e-12, ".json": 6e-6, ".csv": 6e-7, ".parquet": 1e-12, ".trc": 6e-7, ".c3d": 1e-6}
"""Formats of positions, and how far a coordinate may be off within 8 m: half of the last digit, or single precision."""
RIGS = {".npz": 1e-12, ".json": 1.5e-5, ".bvh": 1e-5, ".glb": 1e-6}
"""Formats that keep any rig with its rotations, of which the last digits add up from joint to joint."""
NEEDS = {".parquet": "pyarrow", ".c3d": "ezc3d"}

rng = np.random.default_rng(5)
BODY = made_motion(9)


def changed(**changes: object) -> Motion:
    return dataclasses.replace(BODY, **changes)


def figure(*names: str, frames: int = 3) -> Motion:
    skeleton = Skeleton("odd", names, tuple(range(-1, len(names) - 1)))
    return Motion(rng.normal(size=(frames, len(names), 3)), skeleton, Fraction(30), "world")


def with_holes(positions: np.ndarray) -> np.ndarray:
    holes = positions.copy()
    holes[2], holes[4:6, 3] = np.nan, np.nan
    return holes


NO_IDEA = rng.choice([0.01, np.nan, np.inf], size=(9, 21))
SAMPLES: dict[str, Motion] = {
    "a person": changed(
        person_id=7, source="take 1, of\nfive", notes=("a; b",), scale_source='body height 1.70 m, "x"'
    ),
    "holes": changed(positions=with_holes(BODY.positions)),
    "nothing": changed(positions=np.full_like(BODY.positions, np.nan)),
    "trust": changed(sigma_m=NO_IDEA),
    "contacts": changed(contacts=rng.random((9, 2)) < 0.5, contact_joints=("l_ankle", "r_ankle")),
    "camera": changed(frame="camera", positions=BODY.positions * [1, -1, -1] + [0, 0, 4]),
    "a child": changed(positions=BODY.positions * 0.3),
    "a town away": changed(positions=BODY.positions + [0.0, 0.0, 7.0]),
    "broadcast": changed(fps=Fraction(30000, 1001)),
    "fast": changed(fps=Fraction(1000)),
    "slow": changed(fps=Fraction(1, 60)),
    "uneven": changed(timestamps_s=np.cumsum(rng.uniform(0.01, 0.05, 9))),
    "time of day": changed(timestamps_s=1e9 + np.cumsum(rng.uniform(0.01, 0.05, 9))),
    "one point": figure("marker", frames=1),
    "names": figure("Bip01 L Thigh", "Bip01_L_Thigh", 'Bip01, "R"', "Hüfte", "肩", "#1", "=1+1", "time_s", "nan"),
}


def through(motion: Motion, path: Path) -> Motion:
    write_motion(motion, path)
    return read_motion(path)


def same(seen: Motion, expected: Motion, off_m: float) -> None:
    np.testing.assert_allclose(seen.positions, expected.positions, atol=off_m, rtol=0)
    np.testing.assert_allclose(seen.times_s, expected.times_s, atol=2e-6, rtol=0)
    for name in ("fps", "frame", "person_id", "contact_joints"):
        assert getattr(seen, name) == getattr(expected, name), name
    assert seen.skeleton.parents == expected.skeleton.parents
    for name in ("sigma_m", "contacts"):
        was, now = getattr(expected, name), getattr(seen, name)
        assert (was is None) == (now is None), name
        if was is not None:
            np.testing.assert_allclose(now, was, atol=2 * off_m, rtol=0)


@pytest.mark.parametrize("first", OFF_M)
def test_positions(tmp_path: Path, first: str) -> None:
    pytest.importorskip(NEEDS.get(first, "numpy"))
    for name, motion in SAMPLES.items():
        once = through(motion, tmp_path / f"{name}{first}")
        same(once, motion, OFF_M[first])
        if name != "names":
            assert once.skeleton.joints == motion.skeleton.joints


@pytest.mark.parametrize("second", OFF_M)
@pytest.mark.parametrize("first", OFF_M)
def test_pairs(tmp_path: Path, first: str, second: str) -> None:
    for suffix in (first, second):
        pytest.importorskip(NEEDS.get(suffix, "numpy"))
    for name in ("a person", "trust", "uneven", "names"):
        once = through(SAMPLES[name], tmp_path / f"{name} 1{first}")
        same(through(once, tmp_path / f"{name} 2{second}"), SAMPLES[name], OFF_M[first] + OFF_M[second])


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Motion:
    """A figure with the joints of another program, and rotations."""
    path = tmp_path_factory.mktemp("rig") / "a.bvh"
    write_motion(BODY, path, rig="mixamo", rotation_order="XYZ")
    return read_motion(path)


@pytest.mark.parametrize("second", RIGS)
@pytest.mark.parametrize("first", RIGS)
def test_rigs(tmp_path: Path, rig: Motion, first: str, second: str) -> None:
    twice = through(through(rig, tmp_path / f"1{first}"), tmp_path / f"2{second}")
    assert twice.skeleton.joints == rig.skeleton.joints
    assert twice.fps == rig.fps
    np.testing.assert_allclose(twice.positions, rig.positions, atol=RIGS[first] + RIGS[second], rtol=0)
