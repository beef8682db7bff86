"""Anybody's own motions as a store: what ``read_motion`` reads, with their own cameras and 2D where they have them.

The world of a recording is the frame of its motion. A motion in the frame of a camera that is not known is turned
upright as if that camera stood level, to be filmed by virtual ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from maquette.datasets.filmed import GT, NOISE, film_take
from maquette.datasets.mocap_takes import MocapTake, at_rate, motion_files, name_of
from maquette.datasets.rigs import on_h36m_17
from maquette.datasets.store import PoseStore, Source, StoreWriter, open_store
from maquette.datasets.virtual_cameras import Filming, cameras_around
from maquette.errors import InputError
from maquette.frozen_arrays import exact_fps
from maquette.geometry.lab_axes import turned_upright
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.readers.keypoints import read_keypoints
from maquette.readers.motion import read_motion
from maquette.skeletons import H36M_17

ReportProgress = Callable[[str, float], None]
OWN_CAMERA, DETECTED = "own", "detected"


@dataclass(frozen=True, eq=False)
class _Read:
    take: MocapTake
    motion: Motion
    """On h36m-17."""
    detected: Keypoints | None


def prepare_custom(
    src: str | Path,
    dst: str | Path,
    *,
    subjects: Sequence[str] = (),
    fps: float | int | None = None,
    noise: bool = False,
    cameras: int = 4,
    elevation_deg: tuple[float, float] = (0.0, 30.0),
    distance_m: tuple[float, float] = (3.0, 6.0),
    focal: tuple[float, float] = (1.0, 1.3),
    image_size: tuple[int, int] = (1000, 1000),
    seed: int = 1,
    overwrite: bool = False,
    report_progress: ReportProgress = lambda text, share: None,
) -> PoseStore:
    """Write the store ``dst`` from all motion files below the folder ``src``.

    Every motion must have the joints of h36m-17 by name, or be of a known rig. Its own camera is used when it has one,
    else virtual ones. Keypoints beside it (``walk.keypoints.npz`` or any file or folder ``walk.keypoints*`` that
    ``read_keypoints`` takes, for ``walk.npz``) become the source ``detected`` of its own camera; frames that lack a
    point are filled in linearly, their score is 0.

    Args:
        subjects: only these; a subject is a folder in ``src``.
        fps: rate of the store; by default each motion keeps its own. Motions with keypoints always do.
        noise: a further 2D source with a detector's mistakes.
        cameras, elevation_deg, distance_m, focal, image_size, seed: of the virtual cameras, as in
            :class:`~maquette.datasets.virtual_cameras.Filming`.

    Raises:
        InputError: no motion, or files that cannot be used, all of them at once.
        OutputError: the store cannot be written.
    """
    src, filmed = Path(src), Filming(cameras, elevation_deg, distance_m, focal, image_size, seed)
    rate = None if fps is None else exact_fps(fps)
    read, problems = _read_all(src, subjects, report_progress)
    skeletons = {item.detected.skeleton.name: item.detected.skeleton for item in read if item.detected is not None}
    if len(skeletons) > 1:
        with_2d = [f"{i.take.source}: {i.detected.skeleton.name}" for i in read if i.detected is not None]
        problems.append(f"2D of several skeletons ({'; '.join(with_2d)}); one store holds one")
    if problems:
        raise InputError.from_problems(str(src), problems)
    sources = [Source(GT, H36M_17), *([Source(NOISE, H36M_17)] if noise else [])]
    sources += [Source(DETECTED, skeleton, channels=3) for skeleton in skeletons.values()]
    with StoreWriter(dst, name=src.resolve().name, skeleton=H36M_17, sources=sources, overwrite=overwrite) as writer:
        for number, item in enumerate(read):
            report_progress(f"{item.take.subject} {item.take.action}", 0.5 + 0.5 * number / len(read))
            try:
                _add(writer, item, rate, filmed, number, noise)
            except InputError as error:
                problems.append(f"{item.take.source}: {error}")
        writer.notes += _notes(read, rate, filmed)
        if problems:
            raise InputError.from_problems(str(src), problems)
    return open_store(dst)


def _notes(read: list[_Read], rate: Fraction | None, filmed: Filming) -> list[str]:
    """What was assumed of the motions, and what was not done as asked."""
    notes = []
    if virtual := sum(item.motion.camera is None for item in read):
        notes.append(f"{virtual} of {len(read)} motions have no camera of their own: {filmed}")
    if kept := sum(item.detected is not None and rate not in (None, item.motion.fps) for item in read):
        notes.append(f"{kept} of {len(read)} motions keep their own frame rate, that of their 2D")
    return notes + sorted({n for item in read for n in item.motion.notes if n.startswith("turned upright")})


def _add(writer: StoreWriter, item: _Read, rate: Fraction | None, filmed: Filming, number: int, noise: bool) -> None:
    """A motion with its own camera and 2D, or with virtual cameras."""
    motion = item.motion
    fps = motion.fps if rate is None or item.detected is not None else rate
    positions = at_rate(motion, fps)
    seen_by = (
        cameras_around(positions, filmed, recording=number) if motion.camera is None else {OWN_CAMERA: motion.camera}
    )
    recording = film_take(writer, item.take, positions, fps, seen_by, number, noise)
    if item.detected is not None:
        writer.add_keypoints(recording, OWN_CAMERA, DETECTED, _filled(item.detected))


def _read_all(src: Path, subjects: Sequence[str], report_progress: ReportProgress) -> tuple[list[_Read], list[str]]:
    """Every motion that can be used, and what is wrong with the others."""
    files = motion_files(src)
    read: list[_Read] = []
    problems: list[str] = []
    seen: dict[tuple[str, str], Path] = {}
    known = list(dict.fromkeys(name_of(path, src)[0] for path in files))
    missing = [subject for subject in subjects if subject not in known]
    if missing:
        raise InputError(f"{src}: no subject {', '.join(missing)}; there are: {', '.join(known)}")
    for number, path in enumerate(files):
        subject, action = name_of(path, src)
        if subjects and subject not in subjects:
            continue
        report_progress(str(path.relative_to(src)), 0.5 * number / len(files))
        if (subject, action) in seen:
            problems.append(f"{path}: is the same take as {seen[subject, action]}; rename or remove one")
            continue
        seen[subject, action] = path
        try:
            motion = _usable(read_motion(path), path)
            detected = _beside(path, motion)
        except InputError as error:
            problems.append(str(error) if str(path) in str(error) else f"{path}: {error}")
            continue
        read.append(_Read(MocapTake(subject, action, str(path), lambda motion=motion: motion), motion, detected))
    return read, problems


def _usable(motion: Motion, path: Path) -> Motion:
    """The motion on h36m-17, upright if no camera is known, without gaps, and in front of its own camera."""
    motion = on_h36m_17(motion)
    missing = ~np.isfinite(motion.positions).all(axis=(1, 2))
    if missing.any():
        raise InputError(
            f"{path}: {int(missing.sum())} of {motion.n_frames} frames lack joints, first frame "
            f"{int(missing.argmax())}; fill the gaps or cut them out"
        )
    if motion.camera is None:
        if motion.frame == "world":
            return motion
        upright = turned_upright(motion.positions)
        upright[..., 1] -= np.percentile(upright[..., 1].min(axis=1), 1)
        return motion.with_notes(
            "turned upright as if its camera stood level, its lowest joints on the ground",
            positions=upright, frame="world", root_trajectory=None,
        )  # fmt: skip
    depth_m = motion.camera.world_to_camera(motion.positions)[..., 2]
    behind = (depth_m <= 1e-6).any(axis=1)
    if behind.any():
        raise InputError(
            f"{path}: in {int(behind.sum())} of {motion.n_frames} frames joints are not in front of its own camera; "
            "expected positions with their path through the room, not relative to the hip"
        )
    return motion


def _beside(path: Path, motion: Motion) -> Keypoints | None:
    """The 2D that lies beside a motion with a camera.

    Raises:
        InputError: several, or of another length or rate than the motion.
    """
    found = sorted(other for other in path.parent.glob(f"{path.stem}.keypoints*"))
    if not found or motion.camera is None:
        return None
    if len(found) > 1:
        raise InputError(f"{path}: several 2D files beside it: {', '.join(other.name for other in found)}; keep one")
    keypoints = read_keypoints(found[0], fps=motion.fps, image_size=motion.camera.image_size)[0]
    if len(keypoints.points) < motion.n_frames:
        raise InputError(f"{found[0]}: {len(keypoints.points)} frames, but the motion has {motion.n_frames}")
    return keypoints


def _filled(keypoints: Keypoints) -> np.ndarray:
    """(frames, joints, 3) float32: x, y, score; gaps filled linearly in time, ends held; a joint never found is NaN."""
    points = np.concatenate([keypoints.points, keypoints.confidence[..., None]], axis=-1).astype(np.float32)
    times = np.arange(len(points))
    for joint in range(len(keypoints.skeleton)):
        known = np.isfinite(points[:, joint, :2]).all(axis=-1)
        for axis in range(2 if known.any() else 0):
            points[:, joint, axis] = np.interp(times, times[known], points[known, joint, axis])
    return points
