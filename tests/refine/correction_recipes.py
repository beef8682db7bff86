"""Weights whose results are known: those of the original program's runs, and those of the numeric example."""

import json
import zlib
from pathlib import Path

import numpy as np

from maquette.refine.correction_weights import CorrectionSpec, CorrectionWeights

SPEC = CorrectionSpec(name="made-up", view="square-crop/v1", licence="none", training_data="none")
BODY_SPEC = CorrectionSpec(name="made-up", view="body-rays/v1", licence="none", training_data="none")


def recipe_weights(goldens_dir: Path, width: int, spec: CorrectionSpec = SPEC) -> CorrectionWeights:
    """As in tests/goldens/ssl3d/README.md."""
    recipe = json.loads((goldens_dir / "ssl3d" / f"weights_ls{width}.json").read_text())
    arrays = []
    for name, shape, total in zip(recipe["names"], recipe["shapes"], recipe["sums"], strict=True):
        fan_in = np.prod(shape[1:]) if len(shape) > 1 else shape[0]
        rng = np.random.default_rng(zlib.crc32(f"dev/{name}".encode()))
        arrays.append((rng.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32))
        assert np.isclose(arrays[-1].sum(dtype=np.float64), total, rtol=0, atol=1e-9)
    return CorrectionWeights.from_arrays(arrays, spec)


def sine_arrays(width: int = 1024) -> list[np.ndarray]:
    """The twelve arrays of the numeric example, float64: ``s sin(a i + b j)`` and their biases."""

    def wave(rows: int, columns: int, a: float, b: float, scale: float) -> np.ndarray:
        return scale * np.sin(a * np.arange(rows)[:, None] + b * np.arange(columns))

    k = np.arange(width)
    return [
        *(wave(48, width, 0.3, 0.7, 0.05), 0.01 * np.cos(0.1 * k)),
        *(wave(width, 48, 0.7, 0.3, 0.01), 0.5 + 0.02 * np.sin(np.arange(48))),
        *(wave(48, width, 0.5, 0.9, 0.05), 0.01 * np.cos(0.2 * k)),
        *(wave(width, width, 0.9, 0.4, 0.01), 0.01 * np.cos(0.3 * k)),
        *(wave(width, width, 0.4, 0.8, 0.01), 0.01 * np.cos(0.4 * k)),
        *(wave(width, 32, 0.8, 0.6, 0.01), 0.5 + 0.02 * np.cos(np.arange(32))),
    ]


def sine_frames() -> tuple[np.ndarray, np.ndarray]:
    """``(poses (2, 48), pictures (2, 32))`` of the numeric example."""
    e, d = np.arange(48), np.arange(32)
    poses = np.stack((0.5 + 0.3 * np.sin(e), 0.5 + 0.3 * np.cos(e / 2)))
    return poses, np.stack((0.5 + 0.3 * np.cos(d), 0.5 + 0.2 * np.sin(d / 2)))


def plain_weights(picture_of: np.ndarray, offset: np.ndarray, spec: CorrectionSpec = BODY_SPEC) -> CorrectionWeights:
    """Layers that one can follow by hand: the correction gives back what it gets, and the 2D is a linear function of
    the pose, ``pose @ picture_of + offset``. A number is the difference of two rectified ones."""
    both = np.concatenate((np.eye(48), -np.eye(48)), axis=1)
    hidden, none = both.shape[1], np.zeros(96)
    arrays = [
        *(both, none, both.T, np.zeros(48)),
        *(both, none, np.zeros((hidden, hidden)), none, np.zeros((hidden, hidden)), none),
        *(both.T @ picture_of, offset),
    ]
    return CorrectionWeights.from_arrays(arrays, spec)
