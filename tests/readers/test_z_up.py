"""BVH files of programs whose up is Z."""

import re
from pathlib import Path

import numpy as np
import pytest
from made_body import made_motion  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.exporters import write_motion
from maquette.motion import Motion
from maquette.readers.motion import read_motion

Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Our x, y, z -> x, -z, y: Z up, facing -Y, as in Blender."""


def rewritten(path: Path, *, rest: np.ndarray, root: np.ndarray) -> Path:
    """The file with the axes of every joint turned by ``rest``, and the whole figure in the world by ``root``."""
    hierarchy, values = path.read_text().split("MOTION\n")
    rows = [np.array(line.split(), dtype=float) for line in values.strip().split("\n")[2:]]

    def turned(found: re.Match[str]) -> str:
        return "OFFSET " + " ".join(f"{number:.6f}" for number in rest @ np.array(found[1].split(), dtype=float))

    lines = values.split("\n")[:2]
    for row in rows:
        numbers = [*(root @ row[:3])]
        for first in range(3, len(row), 3):
            local = rest @ Rotation.from_euler("ZXY", row[first : first + 3], degrees=True).as_matrix() @ rest.T
            if first == 3:
                local = root @ rest.T @ local
            numbers += Rotation.from_matrix(local).as_euler("ZXY", degrees=True).tolist()
        lines.append(" ".join(f"{number:.7f}" for number in numbers))
    out = path.with_name("turned.bvh")
    out.write_text(re.sub(r"OFFSET (.*)", turned, hierarchy) + "MOTION\n" + "\n".join(lines) + "\n")
    return out


@pytest.fixture
def upright(tmp_path: Path) -> Path:
    write_motion(made_motion(8), tmp_path / "upright.bvh")
    return tmp_path / "upright.bvh"


def test_a_file_whose_up_is_z_stands_up(upright: Path, tmp_path: Path) -> None:
    expected, seen = read_motion(upright), read_motion(rewritten(upright, rest=Z_UP, root=Z_UP))
    assert any("taken as Z up, and turned to Y up" in note for note in seen.notes)
    np.testing.assert_allclose(seen.positions, expected.positions, atol=1e-6)
    # And its rest pose stands, too: on another rig it is the same animation.
    on_rig = [onto_mixamo(motion, tmp_path / f"{i}.bvh") for i, motion in enumerate((expected, seen))]
    np.testing.assert_allclose(on_rig[1].positions, on_rig[0].positions, atol=1e-5)


def onto_mixamo(motion: Motion, path: Path) -> Motion:
    write_motion(motion, path, rig="mixamo")
    return read_motion(path)


def test_who_lies_along_z_lies(upright: Path) -> None:
    seen = read_motion(rewritten(upright, rest=np.eye(3), root=Z_UP))
    np.testing.assert_allclose(seen.positions, read_motion(upright).positions @ Z_UP.T, atol=1e-6)
