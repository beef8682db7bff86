"""The numbers of a run, as JSON, as text and as a page of Markdown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from maquette.errors import InputError
from maquette.lifter_benchmark.grid import AXES

SCHEMA = "maquette lifter benchmark 1"


@dataclass(frozen=True)
class Cell:
    """One model under one condition on one set; without numbers where the condition does not apply to it."""

    mpjpe_mm: float | None = None
    """Mean per-joint position error relative to the hip."""
    pa_mpjpe_mm: float | None = None
    """The same after the best turn, move and scale of each pose."""
    poses: int = 0
    why_not: str = ""


@dataclass(frozen=True)
class Entry:
    """What a model says about itself."""

    name: str
    sha256: str
    parameters: int
    samples_seen: int
    window_s: float
    """Time that the network looks at; 0 for a single pose."""
    normalisation: str
    training_data: str
    joints: int
    """Joints compared: 17, or fewer where the model gives fewer."""


@dataclass(frozen=True)
class Report:
    """Everything that a run found."""

    seed: int
    tracks: dict[str, int]
    """Set -> tracks."""
    flip: bool
    """Whether predictions are averaged with those for the mirrored picture."""
    models: list[Entry]
    rows: list[tuple[str, str, str, str, Cell]]
    """Axis, condition, set, model, numbers."""
    schema: str = SCHEMA

    @property
    def sets(self) -> list[str]:
        """Names of the sets."""
        return list(self.tracks)

    def conditions(self, axis: str) -> list[str]:
        """Conditions of an axis, in order."""
        return list(dict.fromkeys(label for of, label, *_ in self.rows if of == axis))

    def cell(self, axis: str, label: str, test_set: str, model: str) -> Cell:
        """One cell."""
        return next(cell for *place, cell in self.rows if place == [axis, label, test_set, model])

    def to_json(self) -> bytes:
        """As JSON: one object for each row."""
        rows = [
            {"axis": axis, "condition": label, "set": test_set, "model": model, **msgspec.to_builtins(cell)}
            for axis, label, test_set, model, cell in self.rows
        ]
        return msgspec.json.format(msgspec.json.encode({**msgspec.to_builtins(self), "rows": rows}), indent=1)


def read_report(path: str | Path) -> Report:
    """A report that :meth:`Report.to_json` wrote.

    Raises:
        InputError: not such a file, or one of another version.
    """
    try:
        document = msgspec.json.decode(Path(path).read_bytes())
        schema = document.get("schema") if isinstance(document, dict) else None
        if schema != SCHEMA:
            raise InputError(
                f"{path}: its schema is {schema!r}, expected '{SCHEMA}'; run maquette benchmark-lifters again"
            )
        rows = [
            (row.pop("axis"), row.pop("condition"), row.pop("set"), row.pop("model"), msgspec.convert(row, type=Cell))
            for row in document.pop("rows")
        ]
        return replace(msgspec.convert({**document, "rows": []}, type=Report), rows=rows)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: is no report of maquette benchmark-lifters ({error})") from None


def merged(reports: Sequence[Report]) -> Report:
    """One report with the models of all, in order.

    Raises:
        InputError: they were not made on the same films, or two hold a model of the same name.
    """
    first = reports[0]
    problems = []
    for report in reports[1:]:
        for what in ("seed", "tracks", "flip"):
            ours, theirs = getattr(first, what), getattr(report, what)
            if ours != theirs:
                problems.append(f"{what} {ours} and {theirs}")
        if {row[:3] for row in report.rows} != {row[:3] for row in first.rows}:
            problems.append("other rows of the grid")
    models = [model for report in reports for model in report.models]
    names = [model.name for model in models]
    problems += [f"two models are called '{name}'" for name in dict.fromkeys(names) if names.count(name) > 1]
    if problems:
        raise InputError.from_problems("reports that cannot be put together", list(dict.fromkeys(problems)))
    places = dict.fromkeys(row[:3] for row in first.rows)
    cells = {row[:4]: row[4] for report in reports for row in report.rows}
    return replace(
        first, models=models, rows=[(*place, name, cells[*place, name]) for place in places for name in names]
    )


def _lines(report: Report, test_set: str, text: Callable[[Cell, bool], str]) -> list[tuple[str, str, list[str]]]:
    """Axis, condition and a text for each model; the text is told whether the cell is the best of its row."""
    lines = []
    for axis in AXES:
        for label in report.conditions(axis):
            cells = [report.cell(axis, label, test_set, model.name) for model in report.models]
            errors = [cell.mpjpe_mm for cell in cells if cell.mpjpe_mm is not None]
            best = min(errors) if len(report.models) > 1 and errors else None
            texts = [text(cell, cell.mpjpe_mm is not None and cell.mpjpe_mm == best) for cell in cells]
            lines.append((axis, label, texts))
    return lines


def _plain(cell: Cell, best: bool) -> str:
    return "–" if cell.mpjpe_mm is None else f"{cell.mpjpe_mm:.1f} / {cell.pa_mpjpe_mm:.1f}"


def _marked(cell: Cell, best: bool) -> str:
    text = _plain(cell, best)
    return text.replace(text.split(" ")[0], f"**{text.split(' ')[0]}**", 1) if best else text


def table(report: Report) -> str:
    """As text for a terminal: MPJPE / PA-MPJPE in millimetres, one part for each set."""
    widths = [max(14, len(model.name) + 2) for model in report.models]
    parts = []
    for test_set in report.sets:
        heads = "".join(f"{model.name:>{w}}" for model, w in zip(report.models, widths, strict=True))
        lines = [f"{test_set}, {report.tracks[test_set]} tracks, MPJPE / PA-MPJPE in mm", f"{'':40}{heads}"]
        for axis, label, texts in _lines(report, test_set, _plain):
            cells = "".join(f"{text:>{w}}" for text, w in zip(texts, widths, strict=True))
            lines.append(f"{axis:22}{label:18}{cells}")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


_PAGE = """# The open benchmark of lifters

<!-- Made by `maquette benchmark-lifters`; the numbers are those of the run, the text is that of the command. -->

Any model file, on open motion capture of people whom our own lifters have never seen, filmed by virtual cameras. It
trains nothing. Human3.6M's evaluation needs data that most people cannot have, and says little about another camera,
another detector or half a body; this grid asks for those, one at a time.

```
maquette benchmark-lifters MODEL.onnx maquette-tcn27 --data DATA --figure lifters.png --markdown lifters.md
```

{picture}

## How it is measured

* **Recordings**: {sets}.
  Tracks are pieces of up to 4 s.
* **Cameras**: one for each track, standing still; every joint in the picture; 2–8 m away, looking down by -20° to 40°,
  focal length 0.8–2 picture widths, 1920x1080. Equal for every model and, but for the elevation, every condition.
* **Base**: exact 2D of the 17 joints of Human3.6M at 50 frames per second; the focal length is not told, lifters that
  want one read 1.15 picture widths. Each row changes one thing; the frame rate is changed with noise as well.
* **Detector noise** 1: jitter of 0.5–1 % of the person's height in each joint, as much again that drifts, 1 % outliers,
  sides exchanged now and then; the other levels are multiples.
* **Frame rate**: the same motion and the same instants compared. A lifter that wants another rate than the track's gets
  it by linear interpolation, as in `maquette lift`.
* **Occlusion**: points are missing altogether. Models that cannot do without a joint get it interpolated in time where
  it is seen at other times, and derived from others where that is how `maquette lift` feeds them.
* **Number**: MPJPE / PA-MPJPE in millimetres relative to the hip, of the poses every 0.2 s, averaged over poses, then
  over people. {flip}"–" where a model cannot take the 2D. Bold: the lowest MPJPE of a row. With 100
  tracks, other cameras move a number by 0.8 mm, and the distance between the two models in the package by 0.5 mm
  (standard deviations over five seeds).

Ours take half a minute each on two cores. A network of Pose3D-RIE's size that reads whole tracks takes half an hour:
`--tracks 20` for a first look. A report written with `--json` can be given in place of a model, so that nothing is
measured twice.

## Models

{models}
{tables}"""

_SETS = {
    "cmu test": "CMU subjects 02 (walk, run, jump, punch, wash) and 94 (Indian dance), {n} tracks",
    "hdm05": "HDM05 (another studio and rig, five other people), {n} tracks",
}


def markdown(report: Report, picture: str | None = None) -> str:
    """The whole page: how it was measured, the models, and a table for each set.

    Args:
        report: of a run.
        picture: address of the figure, from the page.
    """
    sets = "; ".join(_SETS.get(name, name + ", {n} tracks").format(n=n) for name, n in report.tracks.items())
    rows = ["| model | parameters | sees | samples seen | normalisation | sha256 |", "|---|---|---|---|---|---|"]
    for model in report.models:
        seen = f"{model.samples_seen / 1e6:.1f} M" if model.samples_seen else "not said"
        window = f"{model.window_s:.2f} s" if model.window_s else "one frame"
        fewer = "" if model.joints == 17 else f" ({model.joints} joints)"
        size = f"{model.parameters / 1e6:.1f} M" if model.parameters else "not said"
        rows.append(
            f"| `{model.name}`{fewer} | {size} | {window} | {seen} | {model.normalisation} | `{model.sha256[:12]}` |"
        )
    tables = []
    for test_set in report.sets:
        heads = " | ".join(f"`{model.name}`" for model in report.models)
        lines = [f"\n## {test_set}\n", f"| | | {heads} |", "|---|---|" + "---|" * len(report.models)]
        before = ""
        for axis, label, texts in _lines(report, test_set, _marked):
            lines.append(f"| {axis if axis != before else ''} | {label} | {' | '.join(texts)} |")
            before = axis
        tables.append("\n".join(lines) + "\n")
    return _PAGE.format(
        picture=f"![Error of each model along each axis of the grid]({picture})" if picture else "",
        sets=sets,
        flip="Predictions are averaged with those for the mirrored picture. " if report.flip else "",
        models="\n".join(rows),
        tables="".join(tables),
    )
