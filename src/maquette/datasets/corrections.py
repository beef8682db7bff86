"""Lifted poses and the truth, to train a correction with (``maquette train correction-mocap``).

Open motion capture is filmed as for the training of the lifters, and lifted by several of them in turn. Each pose is
kept as the correction sees it (:mod:`maquette.refine.correction_view`), with the truth in the same view: turned by the
same virtual camera, and of the reference size.

The bones of what a lifter gives are too short: where it is not sure of a direction it gives the mean of several. Their
sum, by which poses get the reference size, is then too small, and the truth must be larger by as much (a few percent,
one factor for each lifter), or else a correction would learn to shrink what comes out of it again.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from maquette.atomic import atomic_path
from maquette.datasets.filmed_clips import FilmedClip, film_clips
from maquette.datasets.mocap import Clip, clips_of_split, load_clips
from maquette.datasets.sample_settings import SampleSettings
from maquette.datasets.samples import FilmedWindows, MotionLibrary, film_windows
from maquette.errors import InputError
from maquette.formats.npz import array_names, read_array, write_arrays
from maquette.keypoints import Keypoints
from maquette.lifting.lifter import Lifter
from maquette.lifting.min_max import PUBLISHED_16
from maquette.lifting.normalize import mirror_features, mirror_positions, normalise_windows, positions_in_camera
from maquette.motion import Motion
from maquette.refine.correction_view import (
    REFERENCE_BODY_MM,
    CorrectionView,
    body_size_mm,
    correction_view,
    motion_view,
)
from maquette.refine.keypoints_repair import repair
from maquette.runtime.onnx_model import OnnxModel
from maquette.runtime.shipped import find_model
from maquette.skeletons import H36M_16, LANDMARKS_27, LIFTED_21

BATCH = 1024
"""Windows that are filmed and lifted at once; one lifter lifts all of them."""
_LIFTED, _SEEN = LIFTED_21.indices(H36M_16.joints), LANDMARKS_27.indices(H36M_16.joints)
_PARENTS, _CHILDREN = np.array(H36M_16.bones).T
_FARTHEST = 5.0  # in spans of the limits: no body


@dataclass(frozen=True, eq=False)
class LiftedPoses:
    """Poses as lifted and as they are, normalised by :data:`~maquette.lifting.min_max.PUBLISHED_16`."""

    coarse: Float32[np.ndarray, "poses 48"]
    truth: Float32[np.ndarray, "poses 48"]
    distance_mm: Float32[np.ndarray, " poses"]
    """From the camera to the root, in the size in which ``truth`` stands."""

    def __len__(self) -> int:
        return len(self.coarse)


def lifted_poses(
    data_dir: str | Path,
    settings: SampleSettings,
    n: int,
    *,
    lifters: Sequence[str],
    seed: int,
    cache: Path | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> LiftedPoses:
    """About ``n`` poses of the training split (those that a view cannot show are left out).

    Args:
        lifters: names or files of models of ours; they take turns.
        cache: a file to keep the poses in, and to take them from if it holds just these.
        progress: called with the number of poses done.

    Raises:
        InputError: the data cannot be used, or the cache is no such file.
    """
    key = _key(settings, n, lifters, seed)
    if cache is not None and cache.exists():
        found = _read(cache, key)
        if found is not None:
            return found
    models = [OnnxModel(find_model(lifter), threads=1) for lifter in lifters]
    library = MotionLibrary(clips_of_split(load_clips(data_dir), "train"))
    parts: list[list[tuple[np.ndarray, ...]]] = [[] for _ in models]
    for index in range(-(-n // BATCH)):
        which = index % len(models)
        filmed = film_windows(library, settings, BATCH, seed, index)
        parts[which].append(_views(filmed, _lift(models[which], filmed), settings.windows_per_segment))
        progress(min((index + 1) * BATCH, n))
    poses = _together([_grown(*(np.concatenate(c) for c in zip(*part, strict=True))) for part in parts if part])
    if cache is not None:
        _write(cache, key, poses)
    return poses


def _lift(model: OnnxModel, filmed: FilmedWindows) -> Float[np.ndarray, "windows 16 3"]:
    """Middle frames in the camera's axes, metres from the hip, the mean with the mirrored picture."""
    middle, reach = filmed.picture.shape[1] // 2, model.spec.window_frames // 2
    window = slice(middle - reach, middle + reach + 1)
    focal = np.repeat(filmed.views.assumed_focal[:, None], 2, axis=1)
    seen = normalise_windows(filmed.picture[:, window], filmed.seen[:, window], focal, (0.0, 0.0))
    found = model.run(seen.features) + mirror_positions(model.run(mirror_features(seen.features)))
    found = positions_in_camera(found / 2, seen.R_canonical_camera)
    return (found - found[:, :1])[:, _LIFTED]


def _views(
    filmed: FilmedWindows, lifted_m: Float[np.ndarray, "windows 16 3"], per_segment: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coarse poses and truths in reference size (poses, 16, 3), millimetres, and distances."""
    middle = filmed.picture.shape[1] // 2
    seen = filmed.seen[:, middle, _SEEN]
    rays = np.where(seen[..., None], filmed.picture[:, middle, _SEEN], np.nan)
    rays = rays / filmed.views.assumed_focal[:, None, None]
    # The windows of a segment show one body: as near as single windows come to the frames of a clip.
    sizes = [body_size_mm(body) for body in lifted_m.reshape(-1, per_segment, len(H36M_16), 3)]
    view = correction_view(lifted_m, rays, seen.astype(float), PUBLISHED_16, np.repeat(sizes, per_segment))
    truth_m = filmed.middle_m[:, _LIFTED].astype(np.float64) @ filmed.views.R_camera_world.transpose(0, 2, 1)
    body_m = np.linalg.norm(truth_m[:, _CHILDREN] - truth_m[:, _PARENTS], axis=-1).sum(axis=1)
    truth = truth_m @ np.asarray(view.R_virtual_camera, dtype=np.float64).transpose(0, 2, 1)
    distance_m = np.linalg.norm(filmed.views.root_m.astype(np.float64), axis=1)
    to_reference = REFERENCE_BODY_MM / body_m
    coarse = PUBLISHED_16.unnormalise(view.pose.reshape(-1, len(H36M_16), 3))
    return tuple(a[view.usable] for a in (coarse, truth * to_reference[:, None, None], distance_m * to_reference))  # pyright: ignore[reportReturnType]


def _grown(
    coarse_mm: Float[np.ndarray, "poses 16 3"],
    truth_mm: Float[np.ndarray, "poses 16 3"],
    distance_mm: Float[np.ndarray, " poses"],
) -> LiftedPoses:
    """The poses of one lifter, the truth as much larger as makes the sizes fit by least squares."""
    factor = np.square(coarse_mm).sum() / (coarse_mm * truth_mm).sum()
    coarse, truth = (PUBLISHED_16.normalise(a).reshape(len(a), -1) for a in (coarse_mm, factor * truth_mm))
    kept = (np.abs(truth) < _FARTHEST).all(axis=1)
    return LiftedPoses(*(a[kept].astype(np.float32) for a in (coarse, truth, factor * distance_mm)))


def _together(parts: Sequence[LiftedPoses]) -> LiftedPoses:
    return LiftedPoses(*(np.concatenate([getattr(p, f) for p in parts]) for f in _FIELDS))


_FIELDS = ("coarse", "truth", "distance_mm")


def _key(settings: SampleSettings, n: int, lifters: Sequence[str], seed: int) -> str:
    files = [hashlib.sha256(find_model(lifter).read_bytes()).hexdigest() for lifter in lifters]
    return json.dumps({"schema": 1, "settings": asdict(settings), "poses": n, "lifters": files, "seed": seed})


def _write(path: Path, key: str, poses: LiftedPoses) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        write_arrays(file, {"key": np.array(key), **{f: getattr(poses, f) for f in _FIELDS}})


def _read(path: Path, key: str) -> LiftedPoses | None:
    """The poses in a file; None when it holds those of another training."""
    lacking = {"key", *_FIELDS} - set(array_names(path, str(path)))
    if lacking:
        raise InputError(f"{path}: holds no lifted poses ({', '.join(sorted(lacking))} missing); choose another file")
    if str(read_array(path, "key", str(path))) != key:
        return None
    return LiftedPoses(*(read_array(path, field, str(path)) for field in _FIELDS))


@dataclass(frozen=True, eq=False)
class LiftedClips:
    """Whole clips, lifted, one after the other: what a correction is measured on."""

    view: tuple[CorrectionView, ...]
    """Of each clip."""
    truth_m: tuple[Float[np.ndarray, "frames 16 3"], ...]
    """Camera frame, relative to the hip."""
    motion: tuple[Motion, ...]
    """As lifted."""
    keypoints: tuple[Keypoints, ...]
    """That it was lifted from."""

    def lifted_m(self, clip: int) -> Float[np.ndarray, "frames 16 3"]:
        """Relative to the hip."""
        return from_hip(self.motion[clip])


def from_hip(motion: Motion) -> Float[np.ndarray, "frames 16 3"]:
    """The joints of h36m-16, relative to the hip."""
    positions = motion.positions[:, motion.skeleton.indices(H36M_16.joints)]
    return positions - positions[:, :1]


def lifted_clips(clips: Sequence[Clip], lifter: Lifter, *, seed: int, errors: bool) -> LiftedClips:
    """Clips filmed by :func:`~maquette.datasets.filmed_clips.film_clips`, repaired and lifted as ``maquette lift``
    does.

    Raises:
        InputError: there is no clip, or none that fits into a picture.
    """
    filmed = list(film_clips(clips, seed=seed, errors=errors))
    if not filmed:
        raise InputError(f"none of {len(clips)} clips fits into a picture; are their positions in metres?")
    return lift_filmed(filmed, lifter)


def lift_filmed(filmed: Sequence[FilmedClip], lifter: Lifter) -> LiftedClips:
    """Filmed clips, repaired and lifted."""
    views, truths, motions, tracks = [], [], [], []
    for clip in filmed:
        keypoints = repair(clip.keypoints)
        motion = lifter(keypoints, camera=clip.camera)
        views.append(motion_view(motion, keypoints, clip.camera, PUBLISHED_16))
        truths.append(clip.truth_m[:, _LIFTED])
        motions.append(motion)
        tracks.append(keypoints)
    return LiftedClips(tuple(views), tuple(truths), tuple(motions), tuple(tracks))
