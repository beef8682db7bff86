"""``maquette measure``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from maquette.cli.options import progress, refuse_own_input
from maquette.errors import InputError

if TYPE_CHECKING:
    from maquette.measure import Measurement, Number


@dataclass(frozen=True)
class Measure:
    """Joint angles, steps, speeds, symmetry, foot skate and smoothness of a motion: each with its definition, how sure
    it is, and a warning where the data do not support it."""

    input: Annotated[Path, tyro.conf.Positional]
    """A motion file, of this program (`maquette lift -o walk.npz`) or any that `maquette convert` reads."""
    output: Annotated[tuple[Path, ...], tyro.conf.arg(aliases=["-o"], metavar="OUT"), tyro.conf.UseAppendAction]
    """angles.csv: the angles over time. numbers.json: all numbers with definitions, events, gait cycles and warnings.
    Repeat for both."""
    numbers: Annotated[Path | None, tyro.conf.arg(metavar="FILE.csv")] = None
    """All numbers as a table, one a row."""
    plots: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder for pictures: angles over time (angles.png) and over the gait cycle (cycles.png)."""
    speeds: bool = False
    """Angles over time: also their speed in degrees per second."""
    sigma_m: Annotated[float | None, tyro.conf.arg(metavar="METRES")] = None
    """How sure joints are, one standard deviation along each axis. Default: as the motion says, or the card of its
    model."""
    events: Literal["auto", "kinematic", "contacts"] = "auto"
    """How landings of feet are found: from where heel and toe are against the pelvis (kinematic, for walking), or from
    contacts with the ground; auto takes contacts where both feet leave the ground."""
    all: bool = False
    """Print all numbers, not only those of walking and the ranges of motion."""

    def run(self) -> None:
        """Do it; prints the numbers and what was written."""
        self._check()
        from maquette.measure import measure_motion
        from maquette.measure.plots import write_plots
        from maquette.measure.tables import write_angles_csv, write_measurement_json, write_numbers_csv
        from maquette.readers.motion import read_motion

        motion = read_motion(self.input)
        with progress(f"measuring {self.input}"):
            measurement = measure_motion(
                motion, sigma_m=self.sigma_m, event_method=None if self.events == "auto" else self.events
            )
        _print(measurement, everything=self.all)
        written = []
        for out in self.output:
            if out.suffix.lower() == ".csv":
                write_angles_csv(measurement, out, speeds=self.speeds)
            else:
                write_measurement_json(measurement, out)
            written.append(out)
        if self.numbers:
            write_numbers_csv(measurement, self.numbers)
            written.append(self.numbers)
        if self.plots:
            written += write_plots(measurement, self.plots)
        for path in written:
            print(f"wrote {path}")

    def _check(self) -> None:
        """Everything that can be wrong with the options, before any work."""
        from maquette.exporters.destination import check_place

        outputs = [*self.output, *([self.numbers] if self.numbers else [])]
        wrong = [f"{out}: expected .csv (angles over time) or .json (numbers)" for out in self.output
                 if out.suffix.lower() not in (".csv", ".json")]  # fmt: skip
        if self.numbers and self.numbers.suffix.lower() != ".csv":
            wrong.append(f"--numbers {self.numbers}: expected a name ending in .csv")
        if self.speeds and not any(out.suffix.lower() == ".csv" for out in self.output):
            wrong.append("--speeds: adds columns to the angles over time; add -o angles.csv")
        if self.plots and self.plots.exists() and not self.plots.is_dir():
            wrong.append(f"--plots {self.plots}: is a file, expected the name of a folder")
        if len({out.resolve() for out in outputs}) < len(outputs):
            wrong.append("two results would be written to the same file")
        if wrong:
            raise InputError.from_problems("measure", wrong)
        for out in outputs:
            check_place(out)
        if self.plots:
            check_place(self.plots / "angles.png")
        refuse_own_input(tuple(outputs), self.input)


_SHOWN = ("walking_speed", "cadence", "step_time", "stride_time", "step_length", "stride_length", "step_width",
          "stance", "double_support", "range", "symmetry", "skate_speed", "skate_per_stance")  # fmt: skip


def _print(measurement: "Measurement", *, everything: bool) -> None:
    """Numbers as a table, then what speaks against them."""
    shown = [number for number in measurement.numbers if everything or number.kind in _SHOWN]
    known = [number for number in shown if number.value == number.value]
    width = max((len(number.name) for number in known), default=0)
    for number in known:
        print(f"{number.name:<{width}}  {_value(number):>22} {number.unit:<10}{_count(number)}".rstrip())
    unknown = [number.name for number in shown if number.value != number.value]
    if unknown:
        print(f"not given by these data: {', '.join(unknown)}")
    if measurement.angles.left_out:
        print(f"angles left out: {', '.join(measurement.angles.left_out)}")
        for why in dict.fromkeys(measurement.angles.left_out.values()):
            print(f"  {why}")
    print(f"uncertainty of angles: {measurement.basis}")
    for warned in measurement.warnings:
        print(f"warning: {warned.text}")


def _value(number: "Number") -> str:
    decimals = 1 if number.unit in ("deg", "%", "steps/min", "cm/s", "cm") else 2
    sure = f"± {number.uncertainty:.{decimals}f}" if number.uncertainty == number.uncertainty else "± ?"
    return f"{number.value:.{decimals}f} {sure}"


def _count(number: "Number") -> str:
    return f"n = {number.count}" if number.count and number.kind not in ("range",) else ""
