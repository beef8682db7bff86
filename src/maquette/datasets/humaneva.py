"""HumanEva-I to a store: VideoPose3D's archives, or the ``.mat`` tree that its MATLAB script makes of the release.

* ``archives``: ``data_3d_humaneva15.npz`` (or ``20``);
* ``matlab``: ``Train/S1/Walking_1.mat`` ... ``Validate/S3/Box_1.mat`` (its ``converted_15j``).

Beside either, every ``data_2d_humaneva15_NAME.npz`` becomes a 2D source. The world has Z up. The places of the cameras
are published, their lenses are not: focal lengths and centres are fitted to the ground-truth 2D where it is there, else
nominal, and the notes of the store say which. Published models need neither.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maquette.datasets.humaneva_facts import CAMERAS, FPS, IMAGE_SIZE, POSES, SPLITS, SUBJECTS
from maquette.datasets.humaneva_files import Points, PointsArchive, Takes, read_matlab, read_points, read_positions
from maquette.datasets.store import PoseStore, Source, StoreWriter, open_store
from maquette.errors import InputError
from maquette.geometry.camera import Camera, assumed_focal_px, perspective, world_to_camera
from maquette.geometry.rotations import quat_normalize, quat_to_matrix
from maquette.skeletons import HUMANEVA_15, HUMANEVA_20

ReportProgress = Callable[[str, float], None]
LAYOUTS = ("archives", "matlab")
_SKELETONS = {15: HUMANEVA_15, 20: HUMANEVA_20}
_GT = "gt"
_LIKELY_FOCAL = (0.5, 4.0)
"""In widths of the picture; a fit beyond it is no lens."""


def prepare_humaneva(
    src: str | Path,
    dst: str | Path,
    *,
    layout: str | None = None,
    joints: int | None = None,
    subjects: Sequence[str] = (),
    overwrite: bool = False,
    report_progress: ReportProgress = lambda text, share: None,
) -> PoseStore:
    """Write the store ``dst`` from the files in the folder ``src``.

    Args:
        layout: archives or matlab; by default what is in the folder.
        joints: 15 or 20, where the folder has archives of both.
        subjects: only these: ``Train/S1``, or ``S1`` for both splits; without it all six must be there.
        overwrite: replace a store that is there.
        report_progress: told what is being done.

    Raises:
        InputError: files missing or damaged, all of them at once.
        OutputError: the store cannot be written.
    """
    src = Path(src)
    chosen = _chosen(subjects)
    layout, count = _layout(src, layout, joints)
    report_progress(f"reading {layout}", 0.0)
    ground_truth: Points = {}
    if layout == "matlab":
        takes, ground_truth = read_matlab(src, chosen)
        count = next(iter(takes.values())).shape[1] if takes else 15
    else:
        takes = read_positions(src / f"data_3d_humaneva{count}.npz", count, chosen)
    archives, notes = _archives(src, count, takes, report_progress)
    if ground_truth:
        archives = [a for a in archives if a.source.name != _GT]
        archives.insert(0, PointsArchive("poses_2d", Source(_GT, _SKELETONS[count]), ground_truth))
    lenses = _Lenses.of(takes, archives)
    sources = [archive.source for archive in archives]
    with StoreWriter(
        dst, name=f"HumanEva-I, {count} joints", skeleton=_SKELETONS[count], sources=sources, overwrite=overwrite
    ) as writer:
        writer.notes += [*lenses.notes, *notes]
        for number, ((subject, action), positions) in enumerate(takes.items()):
            report_progress(f"{subject} {action}", 0.5 + 0.5 * number / len(takes))
            recording = writer.add_recording(subject, action, positions, fps=FPS, cameras=lenses.cameras(subject))
            for archive in archives:
                for camera, points in zip(CAMERAS, archive.points[subject, action], strict=True):
                    if points is not None:
                        writer.add_keypoints(recording, camera, archive.source.name, points)
        if len(chosen) < len(SUBJECTS) * len(SPLITS):
            writer.notes.append(f"only the subjects asked for: {', '.join(chosen)}")
        if not sources:
            writer.notes.append("no 2D: neither poses_2d nor a data_2d archive was there")
    return open_store(dst)


def _chosen(subjects: Sequence[str]) -> list[str]:
    known = [f"{split}/{person}" for split in SPLITS for person in SUBJECTS]
    unknown = [subject for subject in subjects if subject not in known and subject not in SUBJECTS]
    if unknown:
        raise InputError(f"--subjects {' '.join(unknown)}: expected some of {', '.join((*SUBJECTS, *known))}")
    return [s for s in known if not subjects or s in subjects or s.split("/")[1] in subjects]


def _layout(src: Path, layout: str | None, joints: int | None) -> tuple[str, int]:
    """The layout and the number of joints that are asked for, or those that are there."""
    if layout not in (None, *LAYOUTS) or joints not in (None, *_SKELETONS):
        raise InputError(
            f"--layout {layout} --joints {joints}: expected {' or '.join(LAYOUTS)} for the layout, 15 or 20 joints"
        )
    if not src.is_dir():
        raise InputError(f"{src}: is no folder; expected the one with HumanEva-I's files")
    there = [n for n in _SKELETONS if (src / f"data_3d_humaneva{n}.npz").is_file() and joints in (None, n)]
    has_tree = any((src / split).is_dir() for split in SPLITS)
    if layout == "matlab" or (layout is None and has_tree and not there):
        return "matlab", joints or 15
    if layout is None and has_tree:
        raise InputError(f"{src}: holds several layouts; choose one with --layout {' or '.join(LAYOUTS)}")
    if len(there) > 1:
        raise InputError(f"{src}: has archives of 15 and of 20 joints; choose with --joints 15 or --joints 20")
    if not there:
        raise InputError(
            f"{src}: no files of HumanEva-I; expected data_3d_humaneva{joints or '15'}.npz, or Train/S1/Walking_1.mat "
            "and so on (the folder converted_15j)"
        )
    return "archives", there[0]


def _archives(
    src: Path, joints: int, takes: Takes, report_progress: ReportProgress
) -> tuple[list[PointsArchive], list[str]]:
    prefix = f"data_2d_humaneva{joints}_"
    found, notes, problems = [], [], []
    for path in sorted(src.glob(f"{prefix}*.npz")):
        report_progress(f"reading {path.name}", 0.25)
        try:
            archive, lines = read_points(path, prefix, takes)
        except InputError as error:
            problems.append(str(error))
            continue
        found.append(archive)
        notes += lines
    if problems:
        raise InputError.from_problems(str(src), problems)
    return found, notes


@dataclass(frozen=True)
class _Lens:
    focal_px: tuple[float, float]
    centre_px: tuple[float, float]


_NOMINAL = _Lens((assumed_focal_px(IMAGE_SIZE), assumed_focal_px(IMAGE_SIZE)), (IMAGE_SIZE[0] / 2, IMAGE_SIZE[1] / 2))


@dataclass(frozen=True)
class _Lenses:
    """The lens of each camera of each person."""

    lenses: dict[tuple[str, str], _Lens]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, takes: Takes, archives: list[PointsArchive]) -> "_Lenses":
        """Fitted to the ground truth among the archives, or nominal."""
        truth = next((archive for archive in archives if archive.source.name == _GT), None)
        lenses, worst_px, nominal = {}, 0.0, 0
        for person in sorted({subject.split("/")[1] for subject, _ in takes}):
            for number, camera in enumerate(CAMERAS):
                fitted = None if truth is None else _fit(takes, truth, person, number)
                lenses[person, camera] = fitted[0] if fitted else _NOMINAL
                worst_px = max(worst_px, fitted[1]) if fitted else worst_px
                nominal += fitted is None
        notes = []
        if nominal < len(lenses):
            notes.append(
                f"lenses are not published: fitted to the ground-truth 2D, which they meet to {worst_px:.2g} px RMS"
            )
        if nominal:
            notes.append(
                f"lenses of {nominal} cameras are not known: focal length {_NOMINAL.focal_px[0]:g} px is nominal (fit "
                "for drawing, not for projecting); published models do not use it"
            )
        return cls(lenses, tuple(notes))

    def cameras(self, subject: str) -> dict[str, Camera]:
        """The three cameras in the world of a subject."""
        person = subject.split("/")[1]
        found = {}
        for name, (R, position) in zip(CAMERAS, _poses(person), strict=True):
            lens = self.lenses[person, name]
            found[name] = Camera(lens.focal_px, lens.centre_px, IMAGE_SIZE, R, position)
        return found


def _poses(person: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """R_camera_world and position_world_m of the three cameras."""
    return [
        (quat_to_matrix(quat_normalize(np.array(pose.quaternion_world_camera))).T, np.array(pose.position_mm) / 1000)
        for pose in POSES[person]
    ]


def _fit(takes: Takes, truth: PointsArchive, person: str, camera: int) -> tuple[_Lens, float] | None:
    """Least squares of u = f x/z + c over all points of one camera, and its RMS in pixels; None where it is no lens."""
    R, position = _poses(person)[camera]
    ideal, seen = [np.empty((0, 2))], [np.empty((0, 2))]
    for (subject, action), positions in takes.items():
        points = truth.points[subject, action][camera]
        if subject.endswith(f"/{person}") and points is not None:
            ideal.append(perspective(world_to_camera(positions, R, position)).reshape(-1, 2))
            seen.append(points[: len(positions), :, :2].reshape(-1, 2).astype(np.float64))
    x, u = np.concatenate(ideal), np.concatenate(seen)
    known = np.isfinite(x).all(axis=1) & np.isfinite(u).all(axis=1)
    if known.sum() < 50:
        return None
    lines = [
        np.linalg.lstsq(np.stack([x[known, i], np.ones(known.sum())], axis=1), u[known, i], rcond=None)[0]
        for i in (0, 1)
    ]
    (fx, cx), (fy, cy) = ((float(line[0]), float(line[1])) for line in lines)
    if not all(_LIKELY_FOCAL[0] < f / IMAGE_SIZE[0] < _LIKELY_FOCAL[1] for f in (fx, fy)):
        return None
    rms = float(np.sqrt(np.mean(np.square(x[known] * [fx, fy] + [cx, cy] - u[known]).sum(axis=1))))
    return _Lens((fx, fy), (cx, cy)), rms
