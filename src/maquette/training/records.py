"""What a training says while it runs: lines or a bar, ``log.csv``, TensorBoard, and the curves."""

import csv
import io
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maquette.atomic import write_text
from maquette.errors import OutputError
from maquette.training.curves import draw_curves

_log = logging.getLogger(__name__)
LOG, CURVES, TENSORBOARD = "log.csv", "curves.png", "tensorboard"


class Records:
    """The log of the run in ``folder``.

    A run that goes on from ``first_step`` keeps the rows up to it; later ones are of steps that were lost.

    Args:
        columns: names of the loss, and of what validations measure.
        bar: a progress bar on standard error instead of lines.
    """

    def __init__(
        self, folder: Path, loss_column: str, metrics: Sequence[str], *, first_step: int, total_steps: int, bar: bool
    ) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.folder, self.loss_column, self.metrics = folder, loss_column, tuple(metrics)
        self.total_steps, self._shown = total_steps, first_step
        self._keep_rows(first_step)
        self._board = SummaryWriter(str(folder / TENSORBOARD), purge_step=first_step + 1 if first_step else None)
        self._bar = _start_bar(folder.name, first_step, total_steps) if bar else None

    @property
    def columns(self) -> tuple[str, ...]:
        return ("step", "samples", "minutes", "learning_rate", self.loss_column, *self.metrics)

    def _keep_rows(self, steps: int) -> None:
        path, rows = self.folder / LOG, []
        if path.is_file() and steps:
            with path.open(newline="", encoding="utf-8") as file:
                rows = [row for row in csv.DictReader(file) if int(row["step"]) <= steps]
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(path, text.getvalue())

    def advance(self, steps: int, loss: float | None = None) -> None:
        """Show that ``steps`` steps are done."""
        if self._bar is not None:
            bar, task = self._bar
            words = {} if loss is None else {"loss": f"{self.loss_column} {loss:.4g}"}
            bar.update(task, completed=steps, **words)

    def row(
        self, steps: int, samples: int, minutes: float, rate: float, loss: float, errors: Mapping[str, float]
    ) -> None:
        """One row of the log; ``loss`` is the mean since the last one, ``errors`` are empty without a validation."""
        fields: dict[str, Any] = {
            "step": steps,
            "samples": samples,
            "minutes": f"{minutes:.2f}",
            "learning_rate": f"{rate:.3g}",
            self.loss_column: f"{loss:.5g}",
        }
        fields.update({name: _figure(errors[name]) if name in errors else "" for name in self.metrics})
        path = self.folder / LOG
        try:
            with path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, self.columns, lineterminator="\n").writerow(fields)
        except OSError as error:
            raise OutputError(
                f"{path}: cannot be written ({error.strerror or error}); the checkpoint is kept"
            ) from error
        for name, value in {"learning_rate": rate, self.loss_column: loss, **errors}.items():
            self._board.add_scalar(name, value, steps)
        self.advance(steps, loss)
        if self._bar is None:
            left = (self.total_steps - steps) * minutes / max(steps, 1)
            words = f"{self.loss_column} {loss:.4g}, about {left:.0f} minutes left"
            _log.info("step %d of %d: %s", steps, self.total_steps, words)
        if errors:
            _log.info("step %d: %s", steps, ", ".join(f"{k} {_figure(v, 1)}" for k, v in errors.items()))
            self.draw()

    def draw(self) -> None:
        """The curves so far, as a picture."""
        self._board.flush()
        draw_curves(self.folder / CURVES, read_log(self.folder / LOG), self.loss_column, self.metrics)

    def close(self) -> None:
        """End the bar and the files."""
        self._board.close()
        if self._bar is not None:
            self._bar[0].stop()


def _figure(value: float, decimals: int = 2) -> str:
    """With so many decimals; of small numbers three figures."""
    return f"{value:.{decimals}f}" if abs(value) >= 1 or value == 0 else f"{value:.3g}"


def read_log(path: Path) -> list[dict[str, float]]:
    """The rows of a log; what a row does not have is NaN."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{k: float(v) if v else math.nan for k, v in row.items()} for row in csv.DictReader(file)]


def _start_bar(name: str, first_step: int, total_steps: int) -> tuple[Any, Any]:
    from rich import get_console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[loss]}"),
        console=get_console(),
    )
    bar.start()
    return bar, bar.add_task(name, total=total_steps, completed=first_step, loss="")
