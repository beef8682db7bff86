"""``maquette prepare``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from maquette.cli.options import image_size
from maquette.errors import InputError, missing_extra

if TYPE_CHECKING:
    from maquette.datasets.mannequin_set import MannequinSet
    from maquette.datasets.mpii_set import MpiiSet
    from maquette.datasets.picture_table import PictureTable
    from maquette.datasets.store import PoseStore

KINDS: dict[str, tuple[str, str]] = {
    "h36m": ("maquette.datasets.h36m", "prepare_h36m"),
    "humaneva": ("maquette.datasets.humaneva", "prepare_humaneva"),
    "mpi-inf-3dhp": ("maquette.datasets.mpi_inf_3dhp", "prepare_mpi_inf_3dhp"),
    "kth-football": ("maquette.datasets.kth_football", "prepare_kth_football"),
    "mpii": ("maquette.datasets.mpii", "prepare_mpii"),
    "mannequin": ("maquette.datasets.mannequin_pictures", "prepare_mannequin"),
    "h36m-pictures": ("maquette.datasets.picture_sources", "prepare_h36m_pictures"),
    "mpi-inf-3dhp-pictures": ("maquette.datasets.picture_sources", "prepare_mpi_inf_3dhp_pictures"),
    "mocap": ("maquette.datasets.filmed", "prepare_mocap"),
    "custom": ("maquette.datasets.custom", "prepare_custom"),
}
"""Data set -> (module, function). A function is called as ``function(src, dst, *, overwrite, report_progress,
**options)``, with those options of the command that were given, and returns the open store (of pictures: the set)."""

_PICTURES = {
    "mpii": "MPII Human Pose",
    "mannequin": "pictures of mannequins",
    "h36m-pictures": "people in pictures of Human3.6M",
    "mpi-inf-3dhp-pictures": "people in pictures of MPI-INF-3DHP",
}
"""Data sets that become no store of recordings -> what they are."""
_ALWAYS = ("dataset", "src", "dst", "overwrite")


@dataclass(frozen=True)
class Prepare:
    """Make a store (memory-mapped arrays) of a data set in its original files, for training and evaluation.

    DATASET is h36m: Human3.6M as Martinez' h5 tree, as the release's .cdf tree, or as VideoPose3D's archives.

    humaneva: HumanEva-I as VideoPose3D's archives, or as the .mat tree of its MATLAB script. mpi-inf-3dhp: the folder
    with S1 ... S8 or the test set's TS1 ... TS6. kth-football: KTH Multiview Football II, folders such as
    player2/Sequence 1 with its text files. mpii: MPII Human Pose's .mat, or its re-releases as .json or .h5 (still
    pictures, 2D alone: a folder of its own kind). mannequin: pictures of a mannequin, drawn in the poses of an arrays
    store of open motion capture, with 2D and 3D. h36m-pictures: the folders s_01_act_02_subact_01_ca_01 of the weakly
    supervised hourglass, or the pickled list of its second version. mpi-inf-3dhp-pictures: S1 ... S8 with frames of the
    videos in S1/Seq1/imageSequence/video_0, TS1 ... TS6, or annotTest.h5 (lists of people; pictures stay where they
    are). mocap: open motion capture (ASF/AMC, BVH, an arrays store) filmed by
    virtual cameras. custom: any folder of motion files.
    """

    dataset: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATASET")]
    """h36m, humaneva, mpi-inf-3dhp, kth-football, mpii, mannequin, h36m-pictures, mpi-inf-3dhp-pictures, mocap or
    custom."""
    src: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SRC")]
    """Folder with the original files; mpii: or one of them."""
    dst: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DST")]
    """Folder of the store; must not exist yet."""
    layout: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """h36m: martinez, release or videopose3d; humaneva: archives or matlab; mpii: release, json or h5; h36m-pictures:
    full, sample or folders; instead of what is found in the folder."""
    subjects: Annotated[tuple[str, ...], tyro.conf.arg(metavar="S1 S9 ...")] = ()
    """Only these subjects; without it all must be there."""
    published_cameras: bool = False
    """h36m: the published table of cameras instead of cameras.h5 or metadata.xml."""
    mirror_behind: bool = False
    """h36m: project joints behind a camera mirrored, as the original code does; by default they are missing."""
    joints: int | None = None
    """humaneva: 15 or 20, where the folder has both; mpi-inf-3dhp: 17 gives the training set the test set's joints."""
    universal: bool = False
    """mpi-inf-3dhp, its pictures: positions scaled to the universal skeleton, which the published protocol
    evaluates."""
    all_cameras: bool = False
    """mpi-inf-3dhp, its pictures: all 14 cameras of the training set, not only the eight at the height of the chest."""
    all_frames: bool = False
    """mpi-inf-3dhp, its pictures: of the test set all annotated frames, not only the valid ones."""
    val_list: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """mpii: who is for validation: Tompson et al.'s detections.mat, a valid.h5, a valid.json, or a text whose lines are
    the name of a picture and the number of the person in it, from 1."""
    splits: Annotated[tuple[str, ...], tyro.conf.arg(metavar="train val ...")] = ()
    """mocap: only these splits of an arrays store."""
    fps: float | None = None
    """mocap: frames per second of the store (50); custom: the same, instead of each motion's own; kth-football: of the
    recordings (25), which the files do not say."""
    noise: bool = False
    """mocap, custom: a further 2D source with the mistakes of a detector."""
    cameras: int = 4
    """mocap, custom: virtual cameras for each recording."""
    elevation_deg: tuple[float, float] = (0.0, 30.0)
    """mocap, custom: range of the angles down to the middle of a recording."""
    distance_m: tuple[float, float] = (3.0, 6.0)
    """mocap, custom: range of the distances; a camera that does not see all of a recording steps back."""
    focal: tuple[float, float] = (1.0, 1.3)
    """mocap, custom: range of the focal lengths, in longer sides of the picture."""
    image_size: Annotated[str, tyro.conf.arg(metavar="WxH")] = "1000x1000"
    """mocap, custom: the picture of the virtual cameras in pixels."""
    seed: int = 1
    """mocap, custom: chance that places the virtual cameras; mannequin: that draws everything."""
    pictures: int = 24_000
    """mannequin: pictures of the training split; validation and test get a tenth of that each, at
    most 1000."""
    picture_size: int = 160
    """mannequin: side of a picture in pixels."""
    workers: int = 0
    """mannequin: processes that draw; 0: one for each core."""
    overwrite: bool = False
    """Replace a store that is there."""

    def run(self) -> None:
        """Prepare, then say what the store holds and what is absent."""
        from importlib import import_module

        if self.dataset not in KINDS:
            raise InputError(f"no data set '{self.dataset}'; expected one of: {', '.join(KINDS)}")
        module, name = KINDS[self.dataset]
        try:
            function = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            raise missing_extra("train", error.name or "torch") from None
        options = self._options(function)
        with _progress(f"preparing {self.dataset}") as report_progress:
            store = function(self.src, self.dst, overwrite=self.overwrite, report_progress=report_progress, **options)
        print(picture_summary(store, self.dst, what) if (what := _PICTURES.get(self.dataset)) else summary(store))

    def _options(self, function: Callable) -> dict:
        """The options that were given; InputError for one that this data set does not take."""
        from inspect import signature

        given = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in _ALWAYS and getattr(self, field.name) != field.default
        }
        if "image_size" in given:
            given["image_size"] = image_size(self.image_size)
        takes = signature(function).parameters
        wrong = [f"--{name.replace('_', '-')}" for name in given if name not in takes]
        if wrong:
            raise InputError(f"{', '.join(wrong)}: no option for the data set '{self.dataset}'")
        return given


def summary(store: "PoseStore") -> str:
    """What is in a store, for people."""
    from collections import Counter

    takes, frames = Counter[str](), Counter[str]()
    clips, points = Counter[str](), Counter[str]()
    for recording in store.recordings:
        takes[recording.subject] += 1
        frames[recording.subject] += recording.frames
        for view in recording.views:
            clips.update(view.rows.keys())
            points.update({source: count for source, (_, count) in view.rows.items()})
    rates = ", ".join(dict.fromkeys(f"{float(recording.fps):g}" for recording in store.recordings))
    size_mb = sum(path.stat().st_size for path in store.path.iterdir()) / 1e6
    rows = [("3D", f"{store.skeleton}, {len(store.recordings)} recordings, {frames.total():,} frames at {rates} fps")]
    rows += [(f"  {s}", f"{takes[s]} recordings, {frames[s]:,} frames") for s in store.subjects]
    for name, source in store.sources.items():
        score = " with scores" if source.channels == 3 else ""
        rows.append((f"2D {name}", f"{source.skeleton}{score}, {clips[name]:,} clips, {points[name]:,} frames"))
    rows += [("note", note) for note in store.notes]
    return _lines(f"wrote {store.path}: {store.name}, {size_mb:,.1f} MB", rows)


def picture_summary(people: "MpiiSet | MannequinSet | PictureTable", path: Path, what: str) -> str:
    """What is in a set of people in pictures."""
    size_mb = sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6
    return _lines(f"wrote {path}: {what}, {size_mb:,.1f} MB", people.summary())


def _lines(head: str, rows: list[tuple[str, str]]) -> str:
    width = max(len(left) for left, _ in rows) + 2
    return "\n".join([head, *(f"  {left:<{width}}{right}" for left, right in rows)])


@contextmanager
def _progress(title: str) -> Iterator[Callable[[str, float], None]]:
    """A bar on a terminal, a line for each tenth elsewhere; both on standard error."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        next_tenth = [0]

        def line(text: str, share: float) -> None:
            if share * 10 >= next_tenth[0]:
                next_tenth[0] = int(share * 10) + 1
                console.print(f"{title}: {share:.0%} ({text})", highlight=False, markup=False, soft_wrap=True)

        yield line
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(title), BarColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda text, share: bar.update(task, completed=share, description=text)
