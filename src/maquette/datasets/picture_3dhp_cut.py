"""MPI-INF-3DHP's test set as the published hourglass has it: people cut out, 368 by 368 pixels, ``1_123.png`` of test
sequence 1 and frame 123 (from 1), and ``annotTest.h5``.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from maquette.datasets.h36m_numbers import open_hdf5
from maquette.datasets.mpi_inf_3dhp_files import ACTIVITIES, TEST_SUBJECTS
from maquette.datasets.mpii_lists import numbers_of
from maquette.datasets.picture_table import PictureTable, made_table
from maquette.datasets.sequences import Label
from maquette.errors import InputError
from maquette.skeletons import MPI_INF_3DHP_17

JOINTS = (
    *("r_ankle", "r_knee", "r_hip", "l_hip", "l_knee", "l_ankle", "pelvis", "spine", "neck", "head_top"),
    *("r_wrist", "r_elbow", "r_shoulder", "l_shoulder", "l_elbow", "l_wrist"),
)
"""Of both skeletons, in the order of mpii-16. Its thorax is the spine here, which lies lower, as with Human3.6M."""
CUT_PX = 368
TEST_LIST = "annotTest.h5"
_CUT = re.compile(r"(?:TS)?([1-6])_0*(\d+)\.png", re.IGNORECASE)
_COLUMNS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("TSId", "data_id", "valid_frame", "activity_annotation"), ()),
    "univ_annot3": (17, 3),
    "annot_2d": (17, 2),
    "bbox": (4,),
}


def activity_label(subject: str, activity: int) -> Label:
    """Of a test sequence and the number of what is done in it."""
    return Label(subject, ACTIVITIES.get(activity, f"activity {activity}"), "0")


def cut_test_pictures(path: Path, src: Path, *, subjects: Sequence[str] = (), all_frames: bool = False) -> PictureTable:
    """The test set as the published hourglass has it: ``annotTest.h5``, pictures in ``src``, or in ``images`` there.

    Raises:
        InputError: damaged, of another shape, or without its pictures.
    """
    with open_hdf5(path) as file:
        arrays = {name: numbers_of(path, file, name, shape) for name, shape in _COLUMNS.items()}
    problems = [f"no array '{name}'" for name, array in arrays.items() if array is None]
    columns = {name: array for name, array in arrays.items() if array is not None}
    if len({len(array) for array in columns.values()}) > 1:
        problems.append("arrays of different lengths: " + ", ".join(f"{len(a)} of {n}" for n, a in columns.items()))
    problems += [f"'{n}' holds numbers that are not finite" for n, a in columns.items() if not np.isfinite(a).all()]
    numbers = ("TSId", "data_id", "activity_annotation")
    problems += [f"'{n}' is no list of small numbers" for n in numbers if (np.abs(columns.get(n, 0)) > 1e6).any()]
    if not problems and not (columns["bbox"][:, 2:] > 0).all():
        problems.append("'bbox' holds boxes without width or height")
    if problems:
        raise InputError.from_problems(str(path), problems)
    test, frame = columns["TSId"].astype(int), columns["data_id"].astype(int)
    folder, there = _cut_pictures(src)
    chosen: Bool[np.ndarray, " n"] = (columns["valid_frame"] > 0.5) | all_frames
    chosen &= np.isin(test, [TEST_SUBJECTS.index(s) + 1 for s in subjects or TEST_SUBJECTS if s in TEST_SUBJECTS])
    wanted = np.flatnonzero(chosen)
    kept = np.array([i for i in wanted if (int(test[i]), int(frame[i])) in there], dtype=np.int64)
    if not len(kept):
        raise InputError(f"{path}: none of its {len(wanted)} pictures is in {folder}; expected names such as 1_123.png")
    box = columns["bbox"][kept, None]
    joints = list(MPI_INF_3DHP_17.indices(JOINTS))
    absent = len(wanted) - len(kept)
    return made_table(
        "MPI-INF-3DHP pictures",
        folder.resolve(),
        [there[int(test[i]), int(frame[i])] for i in kept],
        [activity_label(f"TS{test[i]}", int(columns["activity_annotation"][i])) for i in kept],
        split=np.full(len(kept), 2),
        frame=frame[kept] - 1,
        centre_px=np.full((len(kept), 2), CUT_PX / 2),
        side_px=np.full(len(kept), CUT_PX),
        points_px=((columns["annot_2d"][kept] - box[..., :2]) * CUT_PX / box[..., 2:])[:, joints],
        camera_mm=columns["univ_annot3"][kept][:, joints],
        notes=(
            "positions: univ_annot3",
            *([f"people whose picture is not there, left out: {absent} of {len(wanted)}"] if absent else []),
        ),
    )


def _cut_pictures(src: Path) -> tuple[Path, dict[tuple[int, int], str]]:
    """The folder with most of them, and its pictures by test sequence and frame."""
    found = {}
    for folder in (src, src / "images"):
        names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
        found[folder] = {(int(m[1]), int(m[2])): m.string for n in names if (m := _CUT.fullmatch(n))}
    folder = max(found, key=lambda f: len(found[f]))
    return folder, found[folder]
