"""People in pictures by the name of what holds them: prepared folders, and the originals they can be made from."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from maquette.datasets.mpii_set import is_mpii, open_mpii
from maquette.datasets.picture_3dhp import mpi_inf_3dhp_pictures
from maquette.datasets.picture_h36m import h36m_pictures
from maquette.datasets.picture_h36m_v2 import h36m_v2_pictures
from maquette.datasets.picture_mpii import mpii_people
from maquette.datasets.picture_people import ChosenPeople, PicturePeople
from maquette.datasets.picture_table import LISTING, PictureTable, is_picture_table, open_picture_table
from maquette.datasets.prepared_folder import check_target
from maquette.errors import InputError

ReportProgress = Callable[[str, float], None]


def open_picture_people(
    path: str | Path, split: str, *, pictures: str | Path | None = None, every: int = 1
) -> PicturePeople:
    """The people of one split of a prepared folder: MPII, Human3.6M's or MPI-INF-3DHP's pictures, mannequins.

    Args:
        split: train, val or test.
        pictures: folder of the pictures, where it is not the one that the folder names.
        every: of videos only frames whose number divides by it.

    Raises:
        InputError: nothing of this kind, or nobody in the split.
    """
    from maquette.datasets.mannequin_set import is_mannequin, open_mannequin

    path = Path(path)
    if is_mpii(path):
        return mpii_people(open_mpii(path), split, folder=pictures)
    if is_mannequin(path):
        drawn = open_mannequin(path)
        return _some(ChosenPeople(drawn, np.asarray(drawn.people(split))), path, split)
    if is_picture_table(path):
        table = open_picture_table(path)
        if pictures is not None:
            table = moved(table, pictures)
        return _some(table.taken(table.people(split, every=every)), path, split)
    raise InputError(
        f"{path}: holds no people in pictures; make some with: maquette prepare mpii, h36m-pictures, "
        "mpi-inf-3dhp-pictures or mannequin"
    )


def _some(people: PicturePeople, path: Path, split: str) -> PicturePeople:
    if not len(people):
        raise InputError(f"{path}: nobody in its split {split}")
    return people


def moved(table: PictureTable, folder: str | Path) -> PictureTable:
    """The table with its pictures in another folder."""
    return replace(table, folder=str(folder))


def prepare_h36m_pictures(
    src: str | Path,
    dst: str | Path,
    *,
    layout: str | None = None,
    overwrite: bool = False,
    report_progress: ReportProgress = lambda text, share: None,
) -> PictureTable:
    """Write the folder ``dst`` from Human3.6M's pictures in the published hourglass's layout, or from the pickled list
    of its second version.

    Raises:
        InputError: files missing or damaged.
        OutputError: the folder cannot be written.
    """
    src, dst = Path(src), Path(dst)
    check_target(dst, LISTING, "a set of prepared pictures", overwrite)
    if src.is_file():
        if layout is not None:
            raise InputError(f"--layout {layout}: of a folder, not of the list {src.name}")
        table = h36m_v2_pictures(src)
    else:
        table = h36m_pictures(src, layout=layout, report_progress=report_progress)
    table.write(dst)
    return open_picture_table(dst)


def prepare_mpi_inf_3dhp_pictures(
    src: str | Path,
    dst: str | Path,
    *,
    subjects: Sequence[str] = (),
    universal: bool = False,
    all_cameras: bool = False,
    all_frames: bool = False,
    overwrite: bool = False,
    report_progress: ReportProgress = lambda text, share: None,
) -> PictureTable:
    """Write the folder ``dst`` from MPI-INF-3DHP's pictures.

    Raises:
        InputError: files missing or damaged.
        OutputError: the folder cannot be written.
    """
    dst = Path(dst)
    check_target(dst, LISTING, "a set of prepared pictures", overwrite)
    table = mpi_inf_3dhp_pictures(
        src,
        subjects=subjects,
        universal=universal,
        all_cameras=all_cameras,
        all_frames=all_frames,
        report_progress=report_progress,
    )
    table.write(dst)
    return open_picture_table(dst)
