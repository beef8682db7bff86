"""Motion capture without pictures, filmed by virtual cameras, as a store of the 17 joints of Human3.6M.

The store's world has Y up and its ground at y = 0. Source ``gt`` is the projection of the joints; ``noise`` is what a
detector might have found of them.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.datasets.mocap_takes import MocapTake, at_rate, is_array_store, takes_of_array_store, takes_of_folder
from maquette.datasets.simulated_detector import detected_px
from maquette.datasets.store import PoseStore, Source, StoreWriter, open_store
from maquette.datasets.virtual_cameras import Filming, cameras_around
from maquette.errors import InputError
from maquette.frozen_arrays import exact_fps
from maquette.geometry.camera import Camera
from maquette.skeletons import H36M_17

ReportProgress = Callable[[str, float], None]
GT, NOISE = "gt", "noise"
MOCAP_FPS = 50


def prepare_mocap(
    src: str | Path,
    dst: str | Path,
    *,
    subjects: Sequence[str] = (),
    splits: Sequence[str] = (),
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
    """Write the store ``dst`` from motion capture in the folder ``src``.

    ``src`` holds files of ASF/AMC, BVH of a known rig, and our own motion files, at any depth; or it is an arrays
    store (``cmu17.npz`` with ``index.json``).

    Args:
        subjects: only these.
        splits: arrays store: only these (train, val, test).
        fps: rate of the store, 50 as Human3.6M by default; resampled linearly.
        noise: a second 2D source with a detector's mistakes.
        cameras, elevation_deg, distance_m, focal, image_size, seed: of the virtual cameras, as in
            :class:`~maquette.datasets.virtual_cameras.Filming`.

    Raises:
        InputError: no motion, or files that cannot be used, all of them at once.
        OutputError: the store cannot be written.
    """
    src, filmed = Path(src), Filming(cameras, elevation_deg, distance_m, focal, image_size, seed)
    rate = exact_fps(MOCAP_FPS if fps is None else fps)
    if is_array_store(src):
        takes = takes_of_array_store(src, splits)
    elif splits:
        raise InputError(f"--splits {' '.join(splits)}: {src} has no index.json that says the split of each clip")
    else:
        takes = takes_of_folder(src)
    takes = of_subjects(takes, subjects, src)
    sources = [Source(GT, H36M_17), *([Source(NOISE, H36M_17)] if noise else [])]
    problems: list[str] = []
    with StoreWriter(
        dst, name=f"{src.resolve().name}, filmed", skeleton=H36M_17, sources=sources, overwrite=overwrite
    ) as w:
        w.notes.append(str(filmed))
        for number, take in enumerate(takes):
            report_progress(f"{take.subject} {take.action}", number / len(takes))
            try:
                positions = whole(take, rate)
                film_take(w, take, positions, rate, cameras_around(positions, filmed, recording=number), number, noise)
            except InputError as error:
                problems.append(str(error) if take.source in str(error) else f"{take.source}: {error}")
        if problems:
            raise InputError.from_problems(f"{src}: {len(problems)} of {len(takes)} takes cannot be used", problems)
    return open_store(dst)


def of_subjects(takes: list[MocapTake], subjects: Sequence[str], src: Path) -> list[MocapTake]:
    """The takes of some subjects, or all of them when none is named.

    Raises:
        InputError: a subject is not there; the text lists those that are.
    """
    known = list(dict.fromkeys(take.subject for take in takes))
    missing = [subject for subject in subjects if subject not in known]
    if missing:
        raise InputError(f"{src}: no subject {', '.join(missing)}; there are: {', '.join(known)}")
    return [take for take in takes if not subjects or take.subject in subjects]


def whole(take: MocapTake, rate: Fraction) -> Float[np.ndarray, "frames 17 3"]:
    """World positions of a take at a rate.

    Raises:
        InputError: it cannot be read, stands in a camera's frame, or lacks joints in some frames.
    """
    motion = take.load()
    if motion.frame != "world":
        raise InputError(f"{take.source}: stands in the frame of a camera; prepare it as custom data")
    missing = ~np.isfinite(motion.positions).all(axis=(1, 2))
    if missing.any():
        raise InputError(
            f"{take.source}: {int(missing.sum())} of {motion.n_frames} frames lack joints, first frame "
            f"{int(missing.argmax())}; fill the gaps or cut them out"
        )
    return at_rate(motion, rate)


def film_take(
    writer: StoreWriter,
    take: MocapTake,
    positions_world_m: Float[np.ndarray, "frames 17 3"],
    fps: Fraction,
    cameras: dict[str, Camera],
    number: int,
    noise: bool,
) -> int:
    """Add a take and what its cameras see; returns its number in the store."""
    recording = writer.add_recording(take.subject, take.action, positions_world_m, fps=fps, cameras=cameras)
    for index, (name, camera) in enumerate(cameras.items()):
        writer.add_keypoints(recording, name, GT, camera.project_world(positions_world_m).astype(np.float32))
        if noise:
            rng = np.random.default_rng([number, index])
            writer.add_keypoints(recording, name, NOISE, detected_px(rng, camera, positions_world_m))
    return recording
