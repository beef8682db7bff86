"""``maquette benchmark-lifters``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from maquette.lifter_benchmark import Report


@dataclass(frozen=True)
class BenchmarkLifters:
    """Compare lifters on open motion capture under a fixed grid: noise, camera, occlusion, frame rate, 2D format."""

    models: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Names of models in the package, or .onnx files: our own and those of the published systems; LABEL=FILE shows it
    under another name. A report (.json) that this command wrote adds its models without measuring them again."""
    data: Annotated[Path | None, tyro.conf.arg(metavar="DATA")] = None
    """Folder with the motion capture arrays of the test sets: cmu/ and, if there, hdm05/."""
    tracks: int = 100
    """Filmed pieces of each set, up to 4 s long."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="F.json")] = None
    """Write all numbers there."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="F.png")] = None
    """Write the figure there (extra: plot)."""
    markdown: Annotated[Path | None, tyro.conf.arg(metavar="F.md")] = None
    """Write a page with the table there; it shows the figure if that is written as well."""
    flip: bool = True
    """Average with the mirrored result for the mirrored input."""
    threads: int = 0
    """Threads of onnxruntime; 0: one for each core."""

    def run(self) -> None:
        """Measure, print the table, write what was asked for."""
        import os
        from importlib.util import find_spec

        from maquette.atomic import write_bytes, write_text
        from maquette.errors import InputError, OutputError, missing_extra
        from maquette.evaluate.figure import FIGURE_SUFFIXES
        from maquette.lifter_benchmark import markdown, merged, read_report, table

        if not self.models:
            raise InputError("no model given; expected names (maquette models) or .onnx files")
        if self.figure and self.figure.suffix.lower() not in FIGURE_SUFFIXES:
            raise OutputError(f"--figure {self.figure}: expected a name that ends in {' or '.join(FIGURE_SUFFIXES)}")
        if self.figure and find_spec("matplotlib") is None:
            raise missing_extra("plot", "matplotlib")
        reports = [read_report(model) for model in self.models if model.endswith(".json")]
        measured = [model for model in self.models if not model.endswith(".json")]
        if measured:
            reports.append(self._measured(measured))
        report = merged(reports)
        print(table(report))
        if self.json:
            write_bytes(self.json, report.to_json())
            print(f"wrote {self.json}")
        if self.figure:
            from maquette.lifter_benchmark.figure import draw

            draw(report, self.figure)
            print(f"wrote {self.figure}")
        if self.markdown:
            picture = os.path.relpath(self.figure, self.markdown.parent) if self.figure else None
            write_text(self.markdown, markdown(report, picture))
            print(f"wrote {self.markdown}")

    def _measured(self, models: list[str]) -> "Report":
        from maquette.errors import InputError
        from maquette.lifter_benchmark import benchmark, open_lifters, test_sets

        if self.data is None:
            raise InputError(f"no recordings to measure {', '.join(models)} on; give their folder with --data")
        lifters = open_lifters(models, flip=self.flip, threads=self.threads)
        sets = test_sets(self.data, self.tracks)
        with _bar(f"{len(lifters)} models") as advance:
            return benchmark(lifters, sets, report_progress=advance)


def _bar(text: str):
    """A progress bar on a terminal, a line now and then elsewhere, on standard error."""
    from contextlib import contextmanager

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True)

    @contextmanager
    def shown():
        if not console.is_terminal:
            told = [0.0]

            def line(share: float) -> None:
                if share >= told[0] + 0.25 or share >= 1:
                    told[0] = share
                    console.print(f"{text}: {share:.0%}", highlight=False)

            yield line
            return
        columns = (TextColumn(text), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as bar:
            task = bar.add_task(text, total=1.0)
            yield lambda share: bar.update(task, completed=share)

    return shown()
