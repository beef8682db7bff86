"""``maquette demo``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from maquette.cli.options import progress


@dataclass(frozen=True)
class Demo:
    """Everything on a built-in clip: a figure moves, a camera films it, a detector errs, and the main path runs."""

    output: Path = Path("demo")
    """Folder for the results."""
    model: Annotated[str | None, tyro.conf.arg(metavar="NAME|FILE")] = None
    """Name of a model in the package, or an .onnx file."""
    seed: int = 0
    """Seed of the detector's noise."""

    def run(self) -> None:
        """Run it; prints the error against the truth and where things are."""
        from maquette.demo import run_demo

        with progress(f"making the clip and running the main path into {self.output}"):
            result = run_demo(self.output, model=self.model, seed=self.seed)
        for line in result.lines():
            print(line)
