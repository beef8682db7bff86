"""Human3.6M's pictures as the published hourglass has them: people cut out, 224 by 224 pixels, every fifth frame.

A folder for each take and camera, ``s_01_act_02_subact_01_ca_01``, with ``s_01_act_02_subact_01_ca_01_000001.jpg``,
``..._000006.jpg`` and so on, and ``matlab_meta.mat``: ``Y2d`` (34 rows: x, y of 17 joints in the picture that was cut
out), ``Y3d_mono`` (51: in the camera's frame, millimetres). Or, instead of the latter, one list of all:
``annotFullTest.h5`` or ``annotSampleTest.h5``, whose 16 joints are MPII's.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from maquette.datasets.h36m_damage import MOST_FRAMES, READ_FAILURES, first_line
from maquette.datasets.h36m_facts import CAMERAS
from maquette.datasets.h36m_numbers import open_hdf5
from maquette.datasets.mpii_lists import numbers_of
from maquette.datasets.picture_people import FROM_H36M_17
from maquette.datasets.picture_table import PictureTable, made_table
from maquette.datasets.sequences import Label
from maquette.errors import InputError
from maquette.formats.matlab import read_mat

ReportProgress = Callable[[str, float], None]
SIDE_PX = 224
ACTIONS: dict[int, str] = dict(
    enumerate(
        (
            *("Directions", "Discussion", "Eating", "Greeting", "Phoning", "Posing", "Purchases", "Sitting"),
            *("SittingDown", "Smoking", "Photo", "Waiting", "Walking", "WalkDog", "WalkTogether"),
        ),
        start=2,
    )
)
"""Number in the names of folders -> action, in the data set's own order."""
TEST_SUBJECTS = (9, 11)
DAMAGED = (11, 2, 2, 1)
"""Subject, action, subaction and camera whose video cannot be decoded."""
LISTS = {"full": "annotFullTest.h5", "sample": "annotSampleTest.h5"}
LAYOUTS = (*LISTS, "folders")
_TAKE = re.compile(r"s_(\d\d)_act_(\d\d)_subact_(\d\d)_ca_(\d\d)")
_META = "matlab_meta.mat"
_COLUMNS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("id", "subject", "action", "subaction", "camera"), ()),
    "joint_2d": (16, 2),
    "joint_3d_mono": (16, 3),
}

Take = tuple[int, int, int, int]


@dataclass
class _Rows:
    """People while they are read."""

    takes: list[Take] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    """Of the frames, from 1 as in the names of pictures."""
    points_px: list[np.ndarray] = field(default_factory=list)
    camera_mm: list[np.ndarray] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def h36m_pictures(
    src: str | Path, *, layout: str | None = None, report_progress: ReportProgress = lambda text, share: None
) -> PictureTable:
    """All people of the folder ``src``: the folders of takes are in it or in its folder ``images``, lists in it or in
    its folder ``annot``.

    Args:
        layout: ``full`` or ``sample``, one of the lists; ``folders``: each take's own file. By default what is there,
            in that order.

    Raises:
        InputError: nothing of this kind, or files missing or damaged, all of them at once.
        MissingExtraError: h5py is not installed.
    """
    src = Path(src)
    if not src.is_dir():
        raise InputError(f"{src}: is no folder; expected the one with s_01_act_02_subact_01_ca_01 and so on")
    if layout not in (None, *LAYOUTS):
        raise InputError(f"--layout {layout}: expected {', '.join(LAYOUTS)} for h36m-pictures")
    root = next((f for f in (src, src / "images") if any(_TAKE.fullmatch(p.name) for p in _folders(f))), None)
    if root is None:
        raise InputError(f"{src}: no folder s_01_act_02_subact_01_ca_01 or the like in it, nor in its folder images")
    found = {name: p for name, file in LISTS.items() for p in (src / file, src / "annot" / file) if p.is_file()}
    if layout in LISTS and layout not in found:
        raise InputError(f"{src}: no {LISTS[layout]} in it, nor in its folder annot")
    chosen = layout or next(iter(found), "folders")
    rows = _of_folders(root, report_progress) if chosen == "folders" else _of_list(found[chosen])
    return _table(root, rows)


def _folders(parent: Path) -> list[Path]:
    return sorted(p for p in parent.iterdir() if p.is_dir()) if parent.is_dir() else []


def folder_name(take: Take) -> str:
    """Of a subject, an action, a subaction and a camera."""
    return "s_{:02d}_act_{:02d}_subact_{:02d}_ca_{:02d}".format(*take)


def label_of(take: Take) -> Label:
    """As the names of Human3.6M have it: ``S9``, ``Directions 1``, ``54138969``."""
    subject, action, again, camera = take
    name = ACTIONS.get(action, f"action {action}")
    return Label(f"S{subject}", f"{name} {again}", CAMERAS[camera - 1] if 1 <= camera <= len(CAMERAS) else str(camera))


def _table(root: Path, rows: _Rows) -> PictureTable:
    """People whose pictures are there.

    Raises:
        InputError: none is.
    """
    there: dict[Take, set[int]] = {take: set(_numbers(root / folder_name(take))) for take in set(rows.takes)}
    kept = [i for i, (take, n) in enumerate(zip(rows.takes, rows.numbers, strict=True)) if n in there[take]]
    notes = list(rows.notes)
    if absent := len(rows.takes) - len(kept):
        notes.append(f"people whose picture is not there, left out: {absent} of {len(rows.takes)}")
    if not kept:
        raise InputError(f"{root}: none of the {len(rows.takes)} pictures that are annotated is there")
    takes = [rows.takes[i] for i in kept]
    names = [folder_name(take) for take in takes]
    middle = SIDE_PX / 2
    return made_table(
        "Human3.6M pictures",
        root.resolve(),
        [f"{name}/{name}_{rows.numbers[i]:06d}.jpg" for name, i in zip(names, kept, strict=True)],
        [label_of(take) for take in takes],
        split=np.array([2 if take[0] in TEST_SUBJECTS else 0 for take in takes]),
        frame=np.array([rows.numbers[i] - 1 for i in kept]),
        centre_px=np.full((len(kept), 2), middle),
        side_px=np.full(len(kept), SIDE_PX),
        points_px=np.stack([rows.points_px[i] for i in kept]),
        camera_mm=np.stack([rows.camera_mm[i] for i in kept]),
        notes=tuple(notes),
    )


def _numbers(folder: Path) -> Int64[np.ndarray, " n"]:
    """Of the pictures of a take, in order."""
    pattern = re.compile(rf"{re.escape(folder.name)}_(\d{{6}})\.jpg")
    found = [m for p in (folder.iterdir() if folder.is_dir() else ()) if (m := pattern.fullmatch(p.name))]
    return np.sort(np.array([int(m[1]) for m in found], dtype=np.int64))


def _of_list(path: Path) -> _Rows:
    """One of the lists.

    Raises:
        InputError: damaged, or of another shape.
    """
    with open_hdf5(path) as file:
        arrays = {name: numbers_of(path, file, name, shape) for name, shape in _COLUMNS.items()}
    problems = [f"no array '{name}'" for name, array in arrays.items() if array is None]
    columns = {name: array for name, array in arrays.items() if array is not None}
    if len({len(array) for array in columns.values()}) > 1:
        problems.append("arrays of different lengths: " + ", ".join(f"{len(a)} of {n}" for n, a in columns.items()))
    problems += [f"'{n}' holds numbers that are not finite" for n, a in columns.items() if not np.isfinite(a).all()]
    numbers = ("id", "subject", "action", "subaction", "camera")
    problems += [f"'{n}' is no list of small numbers" for n in numbers if (np.abs(columns.get(n, 0)) > 1e6).any()]
    if problems:
        raise InputError.from_problems(str(path), problems)
    whole = np.stack([columns[n] for n in ("subject", "action", "subaction", "camera")], axis=1).astype(int)
    rows = _Rows(notes=[f"annotations of {path.name}"])
    rows.takes = [(int(s), int(a), int(b), int(c)) for s, a, b, c in whole]
    rows.numbers = columns["id"].astype(int).tolist()
    rows.points_px, rows.camera_mm = list(columns["joint_2d"]), list(columns["joint_3d_mono"])
    return rows


def _of_folders(root: Path, report_progress: ReportProgress) -> _Rows:
    """The file of each take.

    Raises:
        InputError: files missing or damaged, all of them at once.
    """
    rows, problems = _Rows(notes=[f"annotations of each take's {_META}"]), []
    folders = [(folder, match) for folder in _folders(root) if (match := _TAKE.fullmatch(folder.name))]
    for number, (folder, match) in enumerate(folders):
        take: Take = (int(match[1]), int(match[2]), int(match[3]), int(match[4]))
        if take == DAMAGED:
            rows.notes.append(f"{folder.name}: left out, its video is damaged")
            continue
        report_progress(folder.name, number / len(folders))
        try:
            numbers, points, camera = _take(folder)
        except InputError as error:
            problems.append(str(error))
            continue
        rows.takes += [take] * len(numbers)
        rows.numbers += numbers.tolist()
        rows.points_px += list(points)
        rows.camera_mm += list(camera)
    if problems:
        raise InputError.from_problems(str(root), problems)
    return rows


def _take(
    folder: Path,
) -> tuple[Int64[np.ndarray, " n"], Float64[np.ndarray, "n 16 2"], Float64[np.ndarray, "n 16 3"]]:
    """Numbers of the pictures of a take, and their annotations."""
    path = folder / _META
    arrays = _meta(path)
    problems = []
    for name, count in (("Y2d", 34), ("Y3d_mono", 51)):
        array = arrays.get(name)
        if array is None or array.ndim != 2 or array.shape[0] != count or array.shape[1] > MOST_FRAMES:
            shape = "missing" if array is None else f"of shape {array.shape}"
            problems.append(f"'{name}' is {shape}, expected ({count}, frames)")
        elif not np.isfinite(array).all():
            problems.append(f"'{name}' holds numbers that are not finite")
    if not problems and arrays["Y2d"].shape[1] != arrays["Y3d_mono"].shape[1]:
        problems.append(f"{arrays['Y2d'].shape[1]} frames in 'Y2d', {arrays['Y3d_mono'].shape[1]} in 'Y3d_mono'")
    if problems:
        raise InputError.from_problems(str(path), problems)
    frames = arrays["Y2d"].shape[1]
    numbers = _numbers(folder)
    # Annotations of all frames, of which every fifth has a picture; or of those that have one.
    columns = numbers - 1 if not len(numbers) or numbers[-1] <= frames else np.arange(len(numbers))
    if len(columns) and len(numbers) != frames and numbers[-1] > frames:
        raise InputError(f"{path}: annotates {frames} frames, but {len(numbers)} pictures go up to {numbers[-1]}")
    joints = list(FROM_H36M_17)
    points = arrays["Y2d"].T[columns].reshape(-1, 17, 2)[:, joints]
    camera = arrays["Y3d_mono"].T[columns].reshape(-1, 17, 3)[:, joints]
    return numbers, points, camera


def _meta(path: Path) -> dict[str, np.ndarray]:
    """Numbers of a ``.mat`` of any version, with MATLAB's shapes."""
    names = ("Y2d", "Y3d_mono")
    try:
        with open(path, "rb") as file:
            is_hdf5 = file.read(520)[512:520] == b"\x89HDF\r\n\x1a\n"
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if not is_hdf5:
        found = read_mat(path, names)
        return {
            n: np.asarray(a, float) for n, a in found.items() if isinstance(a, np.ndarray) and a.dtype.kind in "fiu"
        }
    with open_hdf5(path) as file:
        try:
            sets = {n: file[n] for n in names if n in file and getattr(file[n], "ndim", 0) == 2}
            good = {n: d for n, d in sets.items() if d.dtype.kind in "fiu" and max(d.shape) <= MOST_FRAMES}
            return {name: np.asarray(dataset[()], dtype=np.float64).T for name, dataset in good.items()}
        except READ_FAILURES as error:
            raise InputError(f"{path}: is damaged ({first_line(error)}); copy it again") from None
