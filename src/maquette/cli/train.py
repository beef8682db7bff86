"""``maquette train``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from maquette.errors import missing_extra


@dataclass(frozen=True)
class Train:
    """Train a lifter on open motion capture (extra: train)."""

    preset: Annotated[str, tyro.conf.Positional]
    """martinez-mocap or tcn-mocap."""
    data: Path
    """Folder with the motion capture arrays (cmu17.npz, cmu_landmarks.npz, index.json, landmarks.json)."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o", "--out"])]
    """Folder for checkpoints, log and the exported model."""
    resume: bool = False
    """Go on from the last checkpoint in the output folder."""
    max_minutes: Annotated[float | None, tyro.conf.arg(metavar="M")] = None
    """Stop after so many minutes, with a checkpoint."""
    total_steps: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Training steps, instead of the preset's."""
    cooldown_steps: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Last steps, over which the learning rate falls to zero."""
    learning_rate: Annotated[float | None, tyro.conf.arg(metavar="RATE")] = None
    """Peak learning rate."""
    batch_size: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Windows a step, instead of the preset's."""
    seed: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Seed, instead of the preset's."""
    workers: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Processes that make samples."""
    threads: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Threads of torch."""

    def run(self) -> None:
        """Train, and export the model at the end."""
        from importlib.util import find_spec

        for package in ("torch", "onnx"):
            if find_spec(package) is None:
                raise missing_extra("train", package)
        import logging

        from maquette.training.run import train

        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")

        names = ("total_steps", "cooldown_steps", "learning_rate", "batch_size", "seed", "workers", "threads")
        overrides = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        path = train(
            self.preset,
            data_dir=self.data,
            out_dir=self.output,
            resume=self.resume,
            max_minutes=self.max_minutes,
            **overrides,
        )
        print(f"wrote {path}")
