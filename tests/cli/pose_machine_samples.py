"""Lists and results of the published pose machine, made up, and its numbers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maquette.evaluate.pose_machine_report import read_staged
from maquette.evaluate.protocols import H36M_ACTIONS as ACTIONS
from maquette.lifting.min_max import PUBLISHED_16


def made_tree(
    root: Path, lengths: dict[int, int], *, part: str = "test", names: Sequence[str] = ACTIONS, seed: int = 0
) -> dict[int, np.ndarray]:
    """The truth of some actions as lists of 81 numbers (protocol III: 49), and in millimetres by number."""
    rng = np.random.default_rng(seed)
    (root / "gt" / part).mkdir(parents=True)
    found = {}
    for number, frames in lengths.items():
        values = rng.uniform(0.3, 0.7, size=(frames, 48)).round(8)
        values[:, :3] = 0
        points = rng.uniform(0.2, 0.8, size=(frames, 32 if part == "test" else 0))
        lines = []
        for i, (seen, pose) in enumerate(zip(points, values, strict=True)):
            name = f"/home/x/S{9 if i < frames // 2 else 11}/{names[number - 1]}_1/img_{i:05d}.jpg"
            numbers = ",".join(f"{v:.8f}" for v in [*seen, *pose])
            lines.append(f"{name} {numbers},{float(i > 0):.8f}\n")
        (root / "gt" / part / f"test{number}.txt").write_text("".join(lines))
        found[number] = PUBLISHED_16.unnormalise(values.reshape(frames, 16, 3))
    return found


def written(poses_mm: np.ndarray, *, normalised: bool = False) -> str:
    """As the Caffe programs write them: 6 digits, the first field empty or counting to 30."""
    values = PUBLISHED_16.normalise(poses_mm) if normalised else poses_mm
    rows = values.reshape(len(values), 48)
    heads = ["" if normalised else str(i % 30 + 1) for i in range(len(rows))]
    return "".join(f"{head}," + ",".join(f"{v:.6g}" for v in row) + "\n" for head, row in zip(heads, rows, strict=True))


def mean_error(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean([np.sqrt(((f - t) ** 2).sum(axis=1)).mean() for f, t in zip(found, truth, strict=True)]))


def headlines(path: Path) -> dict[str, float | None]:
    return {stage.name: stage.report.headline for stage in read_staged(path).stages}
