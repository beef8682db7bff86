"""MPI-INF-3DHP's pictures for networks for pictures.

Training: the release has videos; what is read here is a folder of their frames for each camera, beside ``annot.mat``:
``S1/Seq1/imageSequence/video_0/`` (or ``imageFrames``) with any names that end in the number of the frame, counted from
0 or from 1 (the smallest says which). Test: ``TS1/annot_data.mat`` and ``TS1/imageSequence/img_000001.jpg`` of the
release, or what the published hourglass made of it (:mod:`maquette.datasets.picture_3dhp_cut`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from maquette.datasets.mpi_inf_3dhp_files import (
    CAMERAS,
    CHEST_HIGH,
    FRAMES,
    TEST_SUBJECTS,
    TRAIN_SUBJECTS,
    CameraAnnotations,
    read_test,
    read_train,
)
from maquette.datasets.picture_3dhp_cut import JOINTS, TEST_LIST, activity_label, cut_test_pictures
from maquette.datasets.picture_table import PictureTable, made_table
from maquette.datasets.sequences import Label
from maquette.detect.person_crop import MARGIN
from maquette.errors import InputError
from maquette.skeletons import MPI_INF_3DHP_17, MPI_INF_3DHP_28

ReportProgress = Callable[[str, float], None]
_NUMBERED = re.compile(r"(\d+)\.(jpe?g|png)", re.IGNORECASE)
_VIDEOS = ("imageSequence", "imageFrames")


@dataclass
class _Rows:
    """People while they are read, in parts."""

    pictures: list[str] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    split: list[int] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    points_px: list[np.ndarray] = field(default_factory=list)
    camera_mm: list[np.ndarray] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(
        self,
        pictures: list[str],
        labels: list[Label],
        split: int,
        frames: Int64[np.ndarray, " n"],
        points_px: Float64[np.ndarray, "n 16 2"],
        camera_mm: Float64[np.ndarray, "n 16 3"],
    ) -> None:
        self.pictures += pictures
        self.labels += labels
        self.split += [split] * len(pictures)
        self.frames += frames.tolist()
        self.points_px.append(points_px)
        self.camera_mm.append(camera_mm)


def mpi_inf_3dhp_pictures(
    src: str | Path,
    *,
    subjects: Sequence[str] = (),
    universal: bool = False,
    all_cameras: bool = False,
    all_frames: bool = False,
    report_progress: ReportProgress = lambda text, share: None,
) -> PictureTable:
    """All people of the folder ``src`` whose pictures are there.

    Args:
        subjects: only these of S1 ... S8, TS1 ... TS6; by default those that are there.
        universal: positions scaled to the universal skeleton, as in published evaluations (and in ``annotTest.h5``).
        all_cameras: training: all 14 cameras instead of the eight at the height of the chest.
        all_frames: test: all annotated frames instead of the valid ones.

    Raises:
        InputError: nothing of this kind, or files missing or damaged, all of them at once.
        MissingExtraError: h5py is not installed.
    """
    src = Path(src)
    known = (*TRAIN_SUBJECTS, *TEST_SUBJECTS)
    if unknown := [subject for subject in subjects if subject not in known]:
        raise InputError(f"--subjects {' '.join(unknown)}: expected some of {' '.join(known)}")
    if not src.is_dir():
        raise InputError(f"{src}: is no folder; expected the one with S1 ... S8 or TS1 ... TS6, or {TEST_LIST}")
    listed = next((p for p in (src / TEST_LIST, src / "annot" / TEST_LIST) if p.is_file()), None)
    if listed is not None:
        return cut_test_pictures(listed, src, subjects=subjects, all_frames=all_frames)
    roots = {s: root for s in subjects or known if (root := _root(src, s)).is_dir()}
    if missing := [s for s in subjects if s not in roots]:
        raise InputError(f"{src}: no folder {', '.join(missing)} in it")
    if not roots:
        raise InputError(f"{src}: none of the folders S1 ... S8, TS1 ... TS6 of MPI-INF-3DHP is in it")
    rows = _Rows()
    cameras = tuple(range(CAMERAS)) if all_cameras else CHEST_HIGH
    for number, (subject, root) in enumerate(roots.items()):
        report_progress(subject, number / len(roots))
        if subject in TEST_SUBJECTS:
            _add_test(rows, src, root, subject, universal, all_frames)
        else:
            for sequence in sorted({seq for s, seq in FRAMES if s == subject}):
                _add_train(rows, src, root / sequence, (subject, sequence), cameras, universal)
    if rows.problems:
        raise InputError.from_problems(str(src), rows.problems)
    if not rows.pictures:
        raise InputError(f"{src}: no pictures of frames in {', '.join(roots)}; expected S1/Seq1/imageSequence/video_0/")
    return _table(src, rows, universal)


def _table(src: Path, rows: _Rows, universal: bool) -> PictureTable:
    """With squares around the joints."""
    points = np.concatenate(rows.points_px)
    low, high = points.min(axis=1), points.max(axis=1)
    return made_table(
        "MPI-INF-3DHP pictures",
        src.resolve(),
        rows.pictures,
        rows.labels,
        split=np.array(rows.split),
        frame=np.array(rows.frames),
        centre_px=(low + high) / 2,
        side_px=MARGIN * (high - low).max(axis=-1),
        points_px=points,
        camera_mm=np.concatenate(rows.camera_mm),
        notes=(f"positions: {'univ_annot3' if universal else 'annot3'}", *rows.notes),
    )


def _root(src: Path, subject: str) -> Path:
    inner = src / "mpi_inf_3dhp_test_set" / subject
    return inner if subject in TEST_SUBJECTS and inner.is_dir() else src / subject


def _numbered(folder: Path) -> dict[int, Path]:
    """Pictures by the number at the end of their names."""
    found = [(p, m) for p in (folder.iterdir() if folder.is_dir() else ()) if (m := _NUMBERED.search(p.name))]
    return dict(sorted((int(m[1]), p) for p, m in found))


def _add_train(
    rows: _Rows, src: Path, root: Path, take: tuple[str, str], cameras: tuple[int, ...], universal: bool
) -> None:
    """The frames of one training sequence that are there."""
    pictures = {
        camera: found
        for camera in cameras
        if (found := next((f for v in _VIDEOS if (f := _numbered(root / v / f"video_{camera}"))), {}))
    }
    if not pictures:
        rows.notes.append(f"{'/'.join(take)}: no pictures of its frames")
        return
    try:
        annotations = read_train(root / "annot.mat", tuple(pictures), universal=universal)
    except InputError as error:
        rows.problems.append(str(error))
        return
    for camera, found in pictures.items():
        first = min(found)
        if first > 1:
            rows.problems.append(
                f"{next(iter(found.values())).parent}: the first picture is number {first}, expected 0 or 1"
            )
            continue
        frames = np.array(list(found)) - first
        kept = frames[frames < min(len(annotations[camera].points_px), FRAMES[take])]
        names = [str(path.relative_to(src)) for path in list(found.values())[: len(kept)]]
        points, positions = _joints(annotations[camera], kept, MPI_INF_3DHP_28.indices(JOINTS))
        rows.add(names, [Label(*take, str(camera))] * len(kept), 0, kept, points, positions)


def _add_test(rows: _Rows, src: Path, root: Path, subject: str, universal: bool, all_frames: bool) -> None:
    """The frames of one test sequence that are there."""
    found = _numbered(root / "imageSequence")
    if not found:
        rows.notes.append(f"{subject}: no pictures in its folder imageSequence")
        return
    try:
        truth = read_test(root / "annot_data.mat", universal=universal)
    except InputError as error:
        rows.problems.append(str(error))
        return
    wanted = np.flatnonzero(truth.valid | all_frames)
    kept = wanted[np.isin(wanted + 1, list(found))]
    if len(kept) < len(wanted):
        rows.notes.append(f"{subject}: frames whose picture is not there, left out: {len(wanted) - len(kept)}")
    points, positions = _joints(truth.annotations, kept, MPI_INF_3DHP_17.indices(JOINTS))
    names = [str(found[int(frame) + 1].relative_to(src)) for frame in kept]
    rows.add(names, [activity_label(subject, int(truth.activity[frame])) for frame in kept], 2, kept, points, positions)


def _joints(
    annotations: CameraAnnotations, frames: Int64[np.ndarray, " n"], joints: Sequence[int]
) -> tuple[Float64[np.ndarray, "n 16 2"], Float64[np.ndarray, "n 16 3"]]:
    chosen = list(joints)
    return annotations.points_px[frames][:, chosen], 1000 * annotations.positions_camera_m[frames][:, chosen]
