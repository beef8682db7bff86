"""``maquette prepare mpii``: MPII Human Pose from its own file or from what others made of it.

Who is for validation (Tompson et al. 2015, 2,958 people) is not in the release: a list says it, or the re-releases do.
Without one everybody in a training picture is for training.
"""

from collections.abc import Callable
from pathlib import Path

from maquette.datasets.mpii_lists import JSON_SPLITS, read_annotations, read_hdf5, read_list
from maquette.datasets.mpii_people import ImageFacts, Person, gathered, repeated
from maquette.datasets.mpii_release import read_release
from maquette.datasets.mpii_set import LISTING, MpiiSet, open_mpii
from maquette.datasets.mpii_validation import mark_validation
from maquette.datasets.prepared_folder import check_target
from maquette.errors import InputError, OutputError

ReportProgress = Callable[[str, float], None]
LAYOUTS = ("release", "json", "h5")
_RELEASE = "mpii_human_pose*.mat"
_ANNOTATIONS = "mpii_annotations.json"
_FOLDERS = (".", "annot", "annotations", "mpii", "mpii/annot")
_H5 = {"train.h5": "train", "valid.h5": "val", "val.h5": "val", "test.h5": "test", "annot.h5": None}


def prepare_mpii(
    src: str | Path,
    dst: str | Path,
    *,
    layout: str | None = None,
    val_list: str | Path | None = None,
    overwrite: bool = False,
    report_progress: ReportProgress = lambda text, share: None,
) -> MpiiSet:
    """Write the folder ``dst`` from an annotation file, or from those in the folder ``src``.

    Args:
        layout: release, json or h5, where a folder has several.
        val_list: who is for validation (see :func:`~maquette.datasets.mpii_validation.mark_validation`).
        overwrite: replace a set that is there.

    Raises:
        InputError: no files, or files missing or damaged.
        OutputError: the set cannot be written.
    """
    src, dst = Path(src), Path(dst)
    check_target(dst, LISTING, "a prepared MPII", overwrite)
    chosen, files = _files(src, layout)
    people: list[Person] = []
    facts: dict[str, ImageFacts] = {}
    notes: list[str] = []
    problems: list[str] = []
    for number, path in enumerate(files):
        report_progress(f"reading {path.name}", 0.8 * number / len(files))
        try:
            found, known, lines = _read(chosen, path)
        except InputError as error:
            problems.append(str(error))
            continue
        people += found
        facts |= known
        notes += [f"{path.name}: {line}" if len(files) > 1 else line for line in lines]
    if problems:
        raise InputError.from_problems(str(src), problems)
    if not people:
        raise InputError(f"{src}: {', '.join(path.name for path in files)} list nobody")
    if count := repeated(people):
        notes.append(f"people listed more than once, all kept: {count}")
    if val_list is not None:
        people, lines = mark_validation(people, Path(val_list))
        notes += lines
    elif chosen == "release":
        notes.append("no list of people for validation: all of training pictures are for training (--val-list)")
    made = gathered(people, facts, source=chosen, folder=_pictures(src), notes=notes)
    report_progress("writing", 0.9)
    try:
        dst.mkdir(parents=True, exist_ok=True)
        (dst / LISTING).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{dst}: cannot be written ({error.strerror or error})") from error
    made.write(dst)
    return open_mpii(dst)


def _read(layout: str, path: Path) -> tuple[list[Person], dict[str, ImageFacts], list[str]]:
    if layout == "release":
        return read_release(path)
    if layout == "h5":
        people, notes = read_hdf5(path, _H5.get(path.name, "train"))
    elif path.stem in JSON_SPLITS:
        people, notes = read_list(path, JSON_SPLITS[path.stem])
    else:
        people, notes = read_annotations(path)
    return people, {}, notes


def _files(src: Path, layout: str | None) -> tuple[str, list[Path]]:
    """The layout that is asked for, or the one that is there; and its files."""
    if layout not in (None, *LAYOUTS):
        raise InputError(f"--layout {layout}: expected {', '.join(LAYOUTS)} for mpii")
    if src.is_file():
        known = {".mat": "release", ".json": "json", ".h5": "h5", ".hdf5": "h5"}.get(src.suffix.lower())
        if known is None or layout not in (None, known):
            raise InputError(f"{src}: expected MPII's .mat, a .json or an .h5" + (f" ({layout})" if layout else ""))
        return known, [src]
    if not src.is_dir():
        raise InputError(f"{src}: is neither a file nor a folder; expected MPII's annotations")
    found = {name: files for name, files in _candidates(src).items() if files and layout in (None, name)}
    if not found:
        raise InputError(
            f"{src}: no annotations of MPII; expected mpii_human_pose_v1_u12_1.mat, or train.json and valid.json, "
            "mpii_annotations.json, train.h5 and valid.h5, or annot.h5 (there, or in its folder annot)"
        )
    if len(found) > 1:
        raise InputError(f"{src}: holds several layouts; choose one with --layout {' or '.join(found)}")
    chosen, files = next(iter(found.items()))
    if chosen == "release" and len(files) > 1:
        raise InputError(
            f"{src}: has {', '.join(str(path.relative_to(src)) for path in files)}; give one of them as SRC"
        )
    return chosen, files


def _candidates(src: Path) -> dict[str, list[Path]]:
    """Layout -> its files; of lists those of the first folder that has some, the whole ones before the split ones."""
    lists: dict[str, list[Path]] = {"json": [], "h5": []}
    for folder in (src / name for name in _FOLDERS):
        alternatives = {
            "json": ([_ANNOTATIONS], [f"{stem}.json" for stem in JSON_SPLITS]),
            "h5": (["annot.h5"], [name for name in _H5 if name != "annot.h5"]),
        }
        for layout, names_of in alternatives.items():
            for names in names_of:
                if not lists[layout]:
                    lists[layout] = [folder / name for name in names if (folder / name).is_file()]
    return {"release": sorted(src.rglob(_RELEASE)), **lists}


def _pictures(src: Path) -> str:
    """The folder ``images`` beside the annotations, or empty."""
    start = src.parent if src.is_file() else src
    return next((str(f.resolve()) for f in (start / "images", start.parent / "images") if f.is_dir()), "")
