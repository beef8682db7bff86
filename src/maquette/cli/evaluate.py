"""``maquette evaluate``."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from maquette.errors import InputError, OutputError, missing_extra

if TYPE_CHECKING:
    from rich.console import Console

    from maquette.evaluate.report import Report

_OF_MACHINES = (
    *("truth", "published_truncation", "sequences", "pictures", "pictures_prefix", "picture_names"),
    *("refine", "correction", "refine_source", "updates", "learning_rate", "optimiser_state", "write_results"),
)
"""Options of the protocols of the pose machine."""
_OF_PICTURES = ("skeleton_length", "every", "crops")
"""Options of networks of pictures."""
_OF_MODELS = (
    *("data", "protocol", "source", "subjects", "actions", "joints", "flip", "no_flip", "threads"),
    *_OF_MACHINES,
    *_OF_PICTURES,
)
"""Options that say how to evaluate."""


@dataclass(frozen=True)
class Evaluate:
    """Evaluate a lifter on a store, or a network of pictures on people in pictures (both: maquette prepare), under a
    published protocol; or show and compare reports."""

    model: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """Name of a model in the package, an .onnx file, a folder of results of the published pose machine, or a report
    (.json) that this command wrote."""
    data: Annotated[Path | None, tyro.conf.arg(metavar="STORE")] = None
    """Store to evaluate on; for a pose machine the folder of its published lists as well."""
    protocol: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """martinez, martinez-procrustes, martinez-global, videopose3d, rie, humaneva, mpi-inf-3dhp, kth-football,
    kth-football-procrustes, pose-machine, pose-machine-p3 or plain; of networks of pictures mpii-pckh, hourglass-h36m,
    hourglass-3dhp or hourglass-pictures; by default that of the model and the data set."""
    source: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """2D that goes in (gt, sh, cpn_ft_h36m_dbb, ...; of the pose machine's lists ours, hourglass or gt); by default
    what the model says it was trained on, else gt."""
    subjects: Annotated[tuple[str, ...], tyro.conf.arg(metavar="S9 S11 ...")] = ()
    """Subjects; by default the protocol's test subjects."""
    actions: Annotated[tuple[str, ...], tyro.conf.arg(metavar="Walk Sitting ...")] = ()
    """Beginnings of names of actions ("Walk" takes Walking, WalkDog and WalkTogether); by default the protocol's."""
    joints: Annotated[int | None, tyro.conf.arg(metavar="14|17")] = None
    """Number of joints to compare; by default the protocol's first set that the model gives."""
    flip: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Average with the prediction for the mirrored input; by default as the protocol does."""
    no_flip: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Do not."""
    truth: Literal["raw", "mean-limb-scaled"] | None = None
    """Pose machine on a store: the positions as they are (by default), or every body scaled to the mean limb lengths of
    the training subjects, as the published lists seem to be; errors on the two cannot be compared."""
    published_truncation: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Pose machine: cut the truth to what was found and drop frames beyond whole batches of 5, as its programs do."""
    sequences: Literal["chunks", "carried", "whole"] | None = None
    """Pose machine: how videos are cut. chunks (by default): as long as in training, each by itself; carried: the same
    with the state carried on, as its program tests; whole: each video at once."""
    pictures: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Networks that see pictures: folder that their names are relative to; by default that of --data."""
    pictures_prefix: Annotated[str, tyro.conf.arg(metavar="TEXT")] = ""
    """What the names in published lists begin with and is not there, such as the authors' folder."""
    picture_names: Annotated[str | None, tyro.conf.arg(metavar="TEXT")] = None
    """How the pictures of a store are called; by default {subject}/{action}.{camera}/{frame:06d}.jpg."""
    refine: Literal["self-supervised"] | None = None
    """Pose machine: add the column of the online refinement."""
    correction: Annotated[str | None, tyro.conf.arg(metavar="F.npz")] = None
    """Weights that it refines with (maquette import-weights pose-machine-correction); by default those that a training
    wrote beside the model."""
    refine_source: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """2D that it explains: ours, hourglass or gt of the published lists, or one of a store; by default as --source."""
    updates: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Updates of each frame; by default 1, which is what the published "2 iterations" come to."""
    learning_rate: Annotated[float | None, tyro.conf.arg(metavar="R")] = None
    """Of its Adam; by default 0.00015."""
    optimiser_state: Literal["reset", "carry"] | None = None
    """reset (by default): frames are independent; carry: Adam's moments go on from frame to frame, as published."""
    write_results: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Pose machine: write the poses there, named as its programs name them (resultN_norm.csv,
    resultN_change_unnorm.csv, refine3d_N.txt)."""
    skeleton_length: Annotated[str | None, tyro.conf.arg(metavar="MM|fit")] = None
    """Network of pictures: length that the 14 bones of each skeleton found get together; by default what the model file
    says (published: 4297). fit: the mean of the training people of --data."""
    every: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Network of pictures: of videos only frames whose number divides by N (published short test: 200)."""
    crops: Literal["exact", "torch7", "port", "opencv"] = "exact"
    """Network of pictures: how people are cut out; exact, or with the roundings of a published program."""
    by_subject: bool = False
    """Show every action of every subject."""
    by_joint: bool = False
    """Show every joint, and every kind of limb."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="F.json")] = None
    """Write the report there."""
    csv: Annotated[Path | None, tyro.conf.arg(metavar="F.csv")] = None
    """Write all numbers there as a table."""
    latex: Annotated[Path | None, tyro.conf.arg(metavar="F.tex")] = None
    """Write the row of a LaTeX table there."""
    figure: Annotated[Path | None, tyro.conf.arg(metavar="F.png")] = None
    """Draw actions, joints and PCK there (extra: plot)."""
    against: Annotated[Path | None, tyro.conf.arg(metavar="F.json")] = None
    """Compare with that report; it must be of the same protocol and data."""
    threads: int = 0
    """Threads of onnxruntime; 0: one for each core."""

    def run(self) -> None:
        """Evaluate (or read the report), print, write, compare."""
        from maquette.evaluate.report import read_report

        self._check_outputs()
        if self._is_in_picture():
            from maquette.cli.evaluated_pckh import run_pckh

            run_pckh(self)
            return
        if self._is_staged():
            from maquette.cli.evaluated_stages import run_staged

            run_staged(self)
            return
        other = read_report(self.against) if self.against else None
        report = self._read() if self.model.endswith(".json") else self._evaluated()
        self._show(report)
        self._write(report)
        if other is not None:
            _show_differences(report, other)

    def _check_outputs(self) -> None:
        """An evaluation takes minutes: what it could not write in the end is refused before."""
        from importlib.util import find_spec

        from maquette.evaluate.figure import FIGURE_SUFFIXES

        if self.figure and self.figure.suffix.lower() not in FIGURE_SUFFIXES:
            raise OutputError(f"--figure {self.figure}: expected a name that ends in {' or '.join(FIGURE_SUFFIXES)}")
        if self.figure and find_spec("matplotlib") is None:
            raise missing_extra("plot", "matplotlib")
        outputs = [path for path in (self.json, self.csv, self.latex, self.figure) if path]
        if folders := [str(path) for path in outputs if path.is_dir()]:
            raise OutputError(f"{', '.join(folders)}: is a folder, expected the name of a file")
        if len({path.resolve() for path in outputs}) < len(outputs):
            raise OutputError("two of --json, --csv, --latex and --figure have the same name")

    def _is_staged(self) -> bool:
        """Whether there are stages of a pose machine instead of one result."""
        from maquette.evaluate.pose_machine_report import is_staged
        from maquette.runtime.shipped import SHIPPED

        if self.model.endswith(".json"):
            return is_staged(self.model)
        # A folder may have the name of a model in the package.
        is_folder = self.model not in SHIPPED and Path(self.model).is_dir()
        return (self.protocol or "").startswith("pose-machine") or is_folder

    def _picture_protocol(self) -> str | None:
        """The protocol, if it is one of networks of pictures: asked for, or that of the data."""
        from maquette.cli.people_found import OF_PICTURES, protocol_of

        if self.model.endswith(".json") or self.data is None or self.protocol not in (None, *OF_PICTURES):
            return self.protocol if self.protocol in OF_PICTURES else None
        return self.protocol or protocol_of(self.data)

    def _is_in_picture(self) -> bool:
        """Whether what is measured is PCKh, in the picture."""
        from maquette.evaluate.pckh_report import is_pckh_report
        from maquette.evaluate.protocols import PCKH_PROTOCOL

        if self.model.endswith(".json"):
            return is_pckh_report(self.model)
        return self._picture_protocol() == PCKH_PROTOCOL

    def check_read(self) -> None:
        """A report stands in a model's place: what would change its numbers needs the model.

        Raises:
            InputError: options that would.
        """
        if wrong := self._given(_OF_MODELS):
            raise InputError(f"{self.model} is a report: {', '.join(wrong)} cannot be used with it; give the model")

    def _given(self, names: tuple[str, ...]) -> list[str]:
        from dataclasses import fields

        given = {field.name for field in fields(self) if getattr(self, field.name) != field.default}
        return [f"--{name.replace('_', '-')}" for name in names if name in given]

    def of_other_models(self) -> list[str]:
        """Options that are given and say nothing to a network of pictures."""
        return self._given((*(name for name in _OF_MACHINES if name != "pictures"), "source"))

    def _read(self) -> "Report":
        from maquette.evaluate.report import read_report

        self.check_read()
        return read_report(self.model)

    def _evaluated(self) -> "Report":
        from maquette.cli.evaluated_football import machine_on_football
        from maquette.evaluate.protocols import find_protocol

        if self.data is None:
            raise InputError(f"no data to evaluate '{self.model}' on; give a store with --data (maquette prepare)")
        if self.flip and self.no_flip:
            raise InputError("--flip and --no-flip exclude each other")
        if (of_pictures := self._picture_protocol()) is not None:
            from maquette.cli.evaluated_pictures import evaluated_in_space

            return evaluated_in_space(self, find_protocol(of_pictures))
        if (of_machine := machine_on_football(self)) is not None:
            return of_machine
        if wrong := self._given(_OF_PICTURES):
            raise InputError(f"{', '.join(wrong)}: of networks of pictures; '{self.model}' is a lifter")
        if wrong := self._given(_OF_MACHINES):
            raise InputError(f"{', '.join(wrong)}: of the protocols of the pose machine; '{self.model}' is a lifter")
        if self.threads < 0:
            raise InputError(f"--threads {self.threads}: expected 0 (one for each core) or more")
        return self._lifter_on_store(self.data)

    def _lifter_on_store(self, data: Path) -> "Report":
        from maquette.cli.evaluate_defaults import protocol_for, source_for
        from maquette.cli.evaluated_store import chosen_views, fit_model, predictions, rate_notes
        from maquette.datasets.store import open_store
        from maquette.evaluate.protocols import check_data, deviations, find_protocol
        from maquette.evaluate.report import DataFacts, ModelFacts
        from maquette.evaluate.results import evaluate
        from maquette.lifting.lifter import Lifter

        protocol = find_protocol(self.protocol) if self.protocol else None
        lifter = Lifter(self.model, threads=self.threads)
        store = open_store(data)
        protocol = protocol or protocol_for(lifter, store)
        check_data(protocol, str(store.path), store.skeleton.name)
        # Mirroring the picture mirrors nothing in the directions of a world.
        if self.flip and lifter.spec.frame == "world":
            raise InputError(
                f"--flip: '{lifter.spec.name}' gives the directions of a world, which have no mirror image"
            )
        lifter.flip = self.flip or (protocol.flip and not self.no_flip and lifter.spec.frame == "camera")
        source = self.source or source_for(lifter, store)
        if source not in store.sources:
            has = ", ".join(store.sources) or "none"
            raise InputError(f"{store.path}: no 2D source '{source}'; there are: {has} (--source)")
        fit = fit_model(lifter, store, source)
        protocol.joints(fit.names, self.joints)
        views, left_out = chosen_views(store, source, protocol, self.subjects, self.actions)
        subjects = list(dict.fromkeys(recording.subject for recording, _ in views))
        actions = list(dict.fromkeys(recording.kind for recording, _ in views))
        notes = [*fit.notes, *rate_notes(lifter, views), *left_out]
        facts = DataFacts(
            name=store.name,
            skeleton=store.skeleton.name,
            source=source,
            subjects=subjects,
            actions=actions,
            notes=[*notes, *deviations(protocol, subjects, actions, flip=lifter.flip)],
        )
        model = ModelFacts(
            name=lifter.spec.name,
            sha256=lifter.model.sha256,
            file=lifter.model.path.name,
            training_data=lifter.spec.training_data,
            flip=lifter.flip,
        )
        total = sum(recording.frames for recording, _ in views)
        with progress_bar(f"{lifter.spec.name} on {store.name}, protocol {protocol.name}", total) as advance:
            found = predictions(lifter, store, source, fit, views)
            counted = _counted(found, advance)
            return evaluate(
                counted, protocol, joints=fit.names, root=fit.root, count=self.joints, model=model, data=facts
            )

    def _show(self, report: "Report") -> None:
        from maquette.evaluate.tables import described, joint_table, limb_table, table

        console = report_console()
        for line in described(report):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        console.print(table(report, by_subject=self.by_subject))
        if self.by_joint:
            console.print(joint_table(report))
        if self.by_joint or report.protocol.headline == "pcp":
            console.print(limb_table(report))

    def _write(self, report: "Report") -> None:
        from maquette.atomic import write_text
        from maquette.evaluate.tables import as_csv, as_latex

        if self.json:
            report.write(self.json)
        if self.csv:
            write_text(self.csv, as_csv(report))
        if self.latex:
            write_text(self.latex, as_latex(report))
        if self.figure:
            from maquette.evaluate.figure import draw

            draw(report, self.figure)
        for path in (self.json, self.csv, self.latex, self.figure):
            if path:
                print(f"wrote {path}")


def _show_differences(report: "Report", other: "Report") -> None:
    from maquette.evaluate.comparison import compare, remarks
    from maquette.evaluate.tables import differences

    console = report_console()
    headline = report.protocol.headline
    names = (report.model.name, other.model.name)
    if names[0] == names[1]:
        names = (f"{names[0]} (this)", f"{names[1]} (that)")
    wanted = ("subject and action" if report.protocol.average == "subjects and actions" else "action", "average")
    rows = [
        (found.name, found.frames, found.value, found.against)
        for found in compare(report, other)
        if found.metric == headline and found.group in wanted
    ]
    for line in remarks(report, other):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(differences(rows, names, headline))


def _counted(found: Iterator, advance) -> Iterator:
    for prediction in found:
        yield prediction
        advance(len(prediction.target_m))


def report_console() -> "Console":
    """Wide enough for every column."""
    from rich.console import Console

    console = Console()
    # A number that is cut off is worse than a line that is wrapped.
    return Console(width=max(console.width, 100) if console.is_terminal else 160)


@contextmanager
def progress_bar(text: str, total: int) -> Iterator:
    """A progress bar on a terminal, a line now and then elsewhere, on standard error; it counts up to ``total``."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        state = {"done": 0, "told": 0.0}

        def line(done: int) -> None:
            state["done"] += done
            share = state["done"] / max(total, 1)
            if share >= state["told"] + 0.1 or share >= 1:
                state["told"] = share
                console.print(f"{text}: {share:.0%}", highlight=False, markup=False, soft_wrap=True)

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(text, total=total)
        yield lambda done: bar.advance(task, done)
