"""MPI-INF-3DHP to a store: the training set (28 joints, 14 cameras) and the test set (17 joints, one camera).

Training: the world of the calibration, Y up; all cameras see one recording. Test: the frame of its camera; each run of
valid frames of one activity is a recording. Source ``gt`` is ``annot2``, the files' own 2D. With ``universal`` the
positions are ``univ_annot3``, scaled for each camera on its own, so that every camera has a recording of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.datasets.mpi_inf_3dhp_files import (
    ACTIVITIES,
    CAMERAS,
    CHEST_HIGH,
    FRAMES,
    TEST_SUBJECTS,
    TRAIN_SUBJECTS,
    CameraAnnotations,
    TestAnnotations,
    camera_of_test,
    rate,
    read_calibration,
    read_test,
    read_train,
)
from maquette.datasets.store import PoseStore, Source, StoreWriter, open_store
from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.skeleton import Skeleton
from maquette.skeletons import MPI_INF_3DHP_17, MPI_INF_3DHP_28

ReportProgress = Callable[[str, float], None]
GT = "gt"
_SEQUENCES = ("Seq1", "Seq2")
_TEST_FPS = 25
_SAME_M = 0.005
"""How far the cameras' versions of one joint may be apart."""


def prepare_mpi_inf_3dhp(
    src: str | Path,
    dst: str | Path,
    *,
    subjects: Sequence[str] = (),
    joints: int | None = None,
    universal: bool = False,
    all_cameras: bool = False,
    all_frames: bool = False,
    overwrite: bool = False,
    report_progress: ReportProgress = lambda text, share: None,
) -> PoseStore:
    """Write the store ``dst`` from the folder ``src`` with ``S1`` ... ``S8``, or with ``TS1`` ... ``TS6``.

    Args:
        subjects: only these; without it all of the training or of the test set must be there.
        joints: 17 brings the training set to the joints of the test set, so that one store can hold both.
        universal: positions scaled to the universal skeleton.
        all_cameras: training: all 14 cameras instead of the eight at the height of the chest.
        all_frames: test: all annotated frames instead of the valid ones.
        overwrite: replace a store that is there.
        report_progress: told what is being done.

    Raises:
        InputError: files missing or damaged, all of them at once.
        OutputError: the store cannot be written.
    """
    src = Path(src)
    if joints not in (None, 17, 28):
        raise InputError(f"--joints {joints}: expected 28 or 17")
    chosen = _chosen(src, subjects)
    is_test = [subject in TEST_SUBJECTS for subject in chosen]
    if any(is_test) and (joints == 28 or (joints is None and not all(is_test))):
        raise InputError(
            f"{src}: the test set has 17 joints, the training set 28; choose --subjects of one of them, or --joints 17"
        )
    skeleton = MPI_INF_3DHP_17 if joints == 17 or any(is_test) else MPI_INF_3DHP_28
    files = _files(src, chosen)
    with StoreWriter(
        dst, name="MPI-INF-3DHP", skeleton=skeleton, sources=[Source(GT, skeleton)], overwrite=overwrite
    ) as writer:
        filling = _Filling(
            writer, skeleton, universal, tuple(range(CAMERAS)) if all_cameras else CHEST_HIGH, all_frames
        )
        for number, (subject, sequence, path) in enumerate(files):
            report_progress(f"{subject} {sequence}".rstrip(), number / len(files))
            try:
                filling.add_test(subject, path) if subject in TEST_SUBJECTS else filling.add_train(
                    subject, sequence, path
                )
            except InputError as error:
                filling.problems.append(str(error))
        if filling.problems:
            raise InputError.from_problems(str(src), filling.problems)
        writer.notes += _notes(filling, any(is_test), chosen)
    return open_store(dst)


def _notes(filling: "_Filling", has_test: bool, chosen: list[str]) -> list[str]:
    worst = max(filling.reprojection_px, key=lambda name: filling.reprojection_px[name])
    notes = [
        f"positions: {'univ_annot3, each camera for itself' if filling.universal else 'annot3'}",
        f"the cameras put the joints on annot2 within {filling.reprojection_px[worst]:.2g} px (median of {worst})",
    ]
    if has_test:
        notes.append(f"test set: {_TEST_FPS} frames per second assumed, the release does not say")
        notes.append("test set: the world is the camera's frame, Y down")
        notes += [f"{name}: {count} frames that are not valid left out" for name, count in filling.left_out.items()]
    sets = [group for group in (TRAIN_SUBJECTS, TEST_SUBJECTS) if set(group) & set(chosen)]
    absent = [subject for group in sets for subject in group if subject not in chosen]
    return [*notes, *([f"only the subjects asked for, not {', '.join(absent)}"] if absent else [])]


def _root_of(src: Path, subject: str) -> Path:
    """The subject's folder; the test set may lie in its own folder, as it is unpacked."""
    inner = src / "mpi_inf_3dhp_test_set" / subject
    return inner if subject in TEST_SUBJECTS and inner.is_dir() else src / subject


def _chosen(src: Path, subjects: Sequence[str]) -> list[str]:
    """The subjects asked for, or all of each set of which anything is there.

    Raises:
        InputError: an unknown subject, or a folder with none.
    """
    known = (*TRAIN_SUBJECTS, *TEST_SUBJECTS)
    unknown = [subject for subject in subjects if subject not in known]
    if unknown:
        raise InputError(f"--subjects {' '.join(unknown)}: expected some of {' '.join(known)}")
    if not src.is_dir():
        raise InputError(f"{src}: is no folder; expected the one with S1 ... S8, or with TS1 ... TS6")
    if subjects:
        return [subject for subject in known if subject in subjects]
    found = [
        s for group in (TRAIN_SUBJECTS, TEST_SUBJECTS) if any(_root_of(src, s).is_dir() for s in group) for s in group
    ]
    if not found:
        raise InputError(f"{src}: none of the folders S1 ... S8, TS1 ... TS6 of MPI-INF-3DHP is in it")
    return found


def _files(src: Path, chosen: list[str]) -> list[tuple[str, str, Path]]:
    """``(subject, sequence, annotations)``.

    Raises:
        InputError: files are missing; all of them are named.
    """
    found = []
    for subject in chosen:
        root = _root_of(src, subject)
        if subject in TEST_SUBJECTS:
            found.append((subject, "", root / "annot_data.mat"))
        else:
            found += [(subject, sequence, root / sequence / "annot.mat") for sequence in _SEQUENCES]
    wanted = [path for subject, _, path in found]
    wanted += [path.with_name("camera.calibration") for subject, _, path in found if subject in TRAIN_SUBJECTS]
    missing = [f"{path.relative_to(src)} is missing" for path in wanted if not path.is_file()]
    if missing:
        whole = [s for s in chosen if not any(m.startswith((f"{s}/", f"mpi_inf_3dhp_test_set/{s}/")) for m in missing)]
        hint = f" (to prepare only those that are whole: --subjects {' '.join(whole)})" if whole else ""
        raise InputError.from_problems(f"{src}{hint}", sorted(missing))
    return found


@dataclass
class _Filling:
    """The store while it is filled."""

    writer: StoreWriter
    skeleton: Skeleton
    universal: bool
    cameras: tuple[int, ...]
    all_frames: bool
    problems: list[str] = field(default_factory=list)
    reprojection_px: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)

    def add_train(self, subject: str, sequence: str, path: Path) -> None:
        """One sequence of the training set, seen by several cameras."""
        problems = []
        cameras: dict[int, Camera] = {}
        annotations: dict[int, CameraAnnotations] = {}
        try:
            cameras = read_calibration(path.with_name("camera.calibration"))
        except InputError as error:
            problems.append(str(error))
        try:
            annotations = read_train(path, self.cameras, universal=self.universal)
        except InputError as error:
            problems.append(str(error))
        if problems:
            self.problems += problems
            return
        frames = slice(0, FRAMES[subject, sequence])
        chosen = MPI_INF_3DHP_28.indices(self.skeleton.joints)
        seen = {
            number: CameraAnnotations(a.positions_camera_m[frames][:, chosen], a.points_px[frames][:, chosen])
            for number, a in annotations.items()
        }
        world = {n: cameras[n].camera_to_world(a.positions_camera_m) for n, a in seen.items()}
        self._note_reprojection(f"{subject} {sequence}", [(cameras[n], a) for n, a in seen.items()])
        fps = rate(subject, sequence)
        if self.universal:
            for number, positions in world.items():
                self._add(subject, f"{sequence} camera{number}", positions, fps, {number: cameras[number]}, seen)
            return
        first = world[self.cameras[0]]
        apart = {n: float(np.linalg.norm(positions - first, axis=-1).max()) for n, positions in world.items()}
        wrong = [f"camera {n} by {1000 * m:.3g} mm" for n, m in apart.items() if m > _SAME_M]
        if wrong:
            raise InputError(
                f"{path}: the cameras' positions are not those of one body in the world of camera.calibration "
                f"({', '.join(wrong)} from camera {self.cameras[0]}); is it the calibration of this sequence?"
            )
        self._add(subject, sequence, first, fps, {n: cameras[n] for n in seen}, seen)

    def add_test(self, subject: str, path: Path) -> None:
        """One sequence of the test set, cut into runs."""
        read = read_test(path, universal=self.universal)
        camera = camera_of_test(subject)
        self._note_reprojection(subject, [(camera, read.annotations)])
        if not self.all_frames and not read.valid.all():
            self.left_out[subject] = int((~read.valid).sum())
        counts: dict[str, int] = {}
        for activity, frames in _runs(read, self.all_frames):
            counts[activity] = counts.get(activity, 0) + 1
            part = CameraAnnotations(read.annotations.positions_camera_m[frames], read.annotations.points_px[frames])
            action = f"{activity} {counts[activity]}"
            self._add(subject, action, part.positions_camera_m, _TEST_FPS, {0: camera}, {0: part})

    def _add(
        self,
        subject: str,
        action: str,
        world_m: Float[np.ndarray, "frames joints 3"],
        fps: int,
        cameras: dict[int, Camera],
        seen: dict[int, CameraAnnotations],
    ) -> None:
        named = {str(number): camera for number, camera in cameras.items()}
        recording = self.writer.add_recording(subject, action, world_m, fps=fps, cameras=named)
        for number in cameras:
            self.writer.add_keypoints(recording, str(number), GT, seen[number].points_px.astype(np.float32))

    def _note_reprojection(self, name: str, views: list[tuple[Camera, CameraAnnotations]]) -> None:
        """How far the joints lie from their 2D, by the median, which frames out of the picture do not move."""
        apart = [
            np.linalg.norm(camera.project(a.positions_camera_m) - a.points_px, axis=-1).ravel() for camera, a in views
        ]
        every = np.concatenate(apart)
        self.reprojection_px[name] = float(np.nanmedian(every)) if np.isfinite(every).any() else float("inf")


def _runs(read: TestAnnotations, all_frames: bool) -> list[tuple[str, slice]]:
    """``(activity, frames)`` of each run of frames to be used that follow each other in one activity."""
    keys = [int(a) if use else None for a, use in zip(read.activity, read.valid | all_frames, strict=True)]
    runs, start = [], 0
    for key, group in groupby(keys):
        count = len(list(group))
        if key is not None:
            runs.append((ACTIVITIES.get(key, f"Activity{key}"), slice(start, start + count)))
        start += count
    return runs
