"""KTH Multiview Football II (Burenius et al. 2013) to a store: two players in a match, three cameras, 14 joints.

The release has no pinhole cameras: its 3D is an affine reconstruction of the hand-annotated 2D, and each camera, which
turns and zooms after the player, is a matrix of its own in each frame. Here each camera's view of a sequence becomes a
recording of its own, ``Sequence1 2`` for camera 2: the 3D in the directions of that camera in each frame, put where a
pinhole camera that stands still and far away sees it at the place and size of the picture. Poses relative to the hip,
which is what is evaluated, do not depend on how far that is. The world of a recording has Z up, as if its camera stood
level.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from maquette.datasets.kth_football_files import CAMERAS, FootballSequence, find_sequences, project, read_sequence
from maquette.datasets.store import PoseStore, Source, StoreWriter, open_store
from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.skeletons import KTH_FOOTBALL_15

ReportProgress = Callable[[str, float], None]
FPS = 25.0
"""Our reading: the files do not say it."""
IMAGE_SIZE = (1920, 1080)
"""Our reading, where no pictures are beside the files."""
DISTANCE_M = 50.0
"""Of the pinhole cameras, nominal: an affine camera stands at no distance."""
GT = "gt"

_INDEX = {name: i for i, name in enumerate(KTH_FOOTBALL_15.joints)}
_HIPS = [_INDEX["l_hip"], _INDEX["r_hip"]]
_LEGS = [[_INDEX[f"{side}_{joint}"] for joint in ("hip", "knee", "ankle")] for side in "lr"]
_LEG_M = (0.6, 1.15)
"""Thigh and shin together."""
_KNEE_M = 0.005
_R_CAMERA_WORLD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def prepare_kth_football(
    src: str | Path,
    dst: str | Path,
    *,
    subjects: Sequence[str] = (),
    fps: float | int = FPS,
    overwrite: bool = False,
    report_progress: ReportProgress = lambda text, share: None,
) -> PoseStore:
    """Write the store ``dst`` from the folders of sequences below ``src`` (``player2/Sequence 1``).

    Args:
        subjects: only these (``Player2``).
        fps: frames per second.
        overwrite: replace a store that is there.
        report_progress: told what is being done.

    Raises:
        InputError: files missing, damaged, or that contradict each other (see :func:`read_sequence`), all of them at
            once.
        OutputError: the store cannot be written.
    """
    src = Path(src)
    folders = find_sequences(src)
    players = list(dict.fromkeys(player for player, _ in folders))
    if absent := [subject for subject in subjects if subject not in players]:
        raise InputError(f"{src}: no subject {', '.join(absent)}; there are: {', '.join(players)} (--subjects)")
    chosen = {key: folder for key, folder in folders.items() if not subjects or key[0] in subjects}
    made: dict[tuple[str, str], list[_View]] = {}
    problems, notes = [], []
    for number, (key, folder) in enumerate(chosen.items()):
        report_progress(" ".join(key), 0.5 * number / len(chosen))
        try:
            made[key], lines = _views(read_sequence(folder))
        except InputError as error:
            problems.append(str(error))
            continue
        notes += [f"{' '.join(key)}: {line}" for line in lines]
    if problems:
        raise InputError.from_problems(str(src), problems)
    with StoreWriter(
        dst,
        name="KTH Multiview Football II",
        skeleton=KTH_FOOTBALL_15,
        sources=[Source(GT, KTH_FOOTBALL_15)],
        overwrite=overwrite,
    ) as writer:
        for number, ((player, sequence), views) in enumerate(made.items()):
            report_progress(f"{player} {sequence}", 0.5 + 0.5 * number / len(made))
            for i, view in enumerate(views):
                name, seen_by = f"Camera {i + 1}", {f"Camera {i + 1}": view.camera}
                recording = writer.add_recording(player, f"{sequence} {i + 1}", view.world_m, fps=fps, cameras=seen_by)
                writer.add_keypoints(recording, name, GT, view.points_px)
        writer.notes += [*notes, *_notes(made, fps)]
    return open_store(dst)


@dataclass(frozen=True, eq=False)
class _View:
    """What one camera saw of a sequence."""

    camera: Camera
    world_m: Float[np.ndarray, "frames 15 3"]
    points_px: Float[np.ndarray, "frames 15 2"]
    size_known: bool
    skew: float
    """Largest ratio of the two scales of the affine camera; 1: scaled orthographic."""


def _notes(made: dict[tuple[str, str], list[_View]], fps: float | int) -> list[str]:
    """What was assumed of all sequences."""
    views = [view for each in made.values() for view in each]
    apart = [np.square(view.camera.project_world(view.world_m) - view.points_px).sum(axis=-1).mean() for view in views]
    notes = [
        f"cameras are affine and move: each view is a recording of its own, in the directions of its camera in each "
        f"frame, {DISTANCE_M:g} m (nominal) before a pinhole camera that stands still; its projections are "
        f"{np.sqrt(np.max(apart)):.2g} px (RMS) from the annotated 2D",
        "'hip' is the middle of the hips; the files have no such joint",
        f"{fps:g} frames a second: not in the files",
    ]
    if not all(view.size_known for view in views):
        notes.append(f"pictures are absent: their size, {IMAGE_SIZE[0]} x {IMAGE_SIZE[1]}, is assumed")
    if (skew := max(view.skew for view in views)) > 1.02:
        notes.append(
            f"the two scales of an affine camera differ by up to {100 * (skew - 1):.0f} %; their mean is taken"
        )
    return notes


def _views(sequence: FootballSequence) -> tuple[list[_View], list[str]]:
    """The cameras' views, and what was found out of this sequence.

    Raises:
        InputError: cameras that are none, no metric unit, pictures upside down; all of it at once.
    """
    sequence, notes = _unmirrored(sequence)
    unit_m, problems = _unit_m(sequence.positions), []
    if unit_m is None:
        legs = _leg_length(sequence.positions)
        problems.append(f"legs are {legs:.3g} units long in the 3D; expected metres (0.6 to 1.15) or millimetres")
    heights = sequence.points_px[..., [_INDEX["l_ankle"], _INDEX["r_ankle"]], 1].mean(axis=-1)
    if np.median(heights - sequence.points_px[..., _INDEX["head_top"], 1]) <= 0:
        problems.append("the feet are above the head in most pictures; expected pixels counted from the top")
    linear = sequence.cameras[..., :3]
    U, scales, Vt = np.linalg.svd(linear, full_matrices=False)
    if (bad := scales[..., 1] < 0.2 * scales[..., 0]).any():
        camera, frame = (int(i[0]) for i in np.nonzero(bad))
        problems.append(
            f"camera {camera + 1} of frame {frame + 1} is no view of a space: scales {scales[camera, frame]}"
        )
    sizes, size_problems = zip(*(_picture_size(sequence, i) for i in range(CAMERAS)), strict=True)
    problems += [problem for problem in size_problems if problem]
    if problems or unit_m is None:
        raise InputError.from_problems(str(sequence.folder), problems)
    if unit_m != 1:
        notes.append("3D in millimetres")
    rows = U @ Vt
    R = np.concatenate((rows, np.cross(rows[..., 0, :], rows[..., 1, :])[..., None, :]), axis=-2)
    views = []
    for i in range(CAMERAS):
        scale_px_m = scales[i].mean(axis=-1) / unit_m
        views.append(
            _view(sequence, i, R[i], scale_px_m, unit_m, sizes[i], float((scales[i, :, 0] / scales[i, :, 1]).max()))
        )
    notes.append(f"the cameras' projections of the 3D are {sequence.fit_px:.2g} px (RMS) from the annotated 2D")
    return views, [*sequence.notes, *notes]


def _view(
    sequence: FootballSequence,
    number: int,
    R_camera_file: Float[np.ndarray, "frames 3 3"],
    scale_px_m: Float[np.ndarray, " frames"],
    unit_m: float,
    size: tuple[int, int] | None,
    skew: float,
) -> _View:
    """The 3D before a pinhole camera that shows the hips where, and the body as large as, the affine one does."""
    positions = _with_hip(sequence.positions)
    relative_m = (positions - positions[:, _INDEX["hip"], None]) @ np.swapaxes(R_camera_file, 1, 2) * unit_m
    hip_px = project(positions[:, [_INDEX["hip"]]], sequence.cameras[number])[:, 0]
    width, height = size or IMAGE_SIZE
    centre_px, focal_px = (width / 2, height / 2), DISTANCE_M * float(np.median(scale_px_m))
    depth_m = focal_px / scale_px_m
    placed = np.concatenate(((hip_px - centre_px) * (depth_m / focal_px)[:, None], depth_m[:, None]), axis=-1)
    camera = Camera((focal_px, focal_px), centre_px, (width, height), _R_CAMERA_WORLD)
    world_m = camera.camera_to_world(relative_m + placed[:, None])
    return _View(camera, world_m, _with_hip(sequence.points_px[number]), size is not None, skew)


def _with_hip(joints: Float[np.ndarray, "frames 14 dims"]) -> Float[np.ndarray, "frames 15 dims"]:
    return np.concatenate((joints, joints[:, _HIPS].mean(axis=1, keepdims=True)), axis=1)


def _unmirrored(sequence: FootballSequence) -> tuple[FootballSequence, list[str]]:
    """The same with right-handed axes: from parallel views alone a body and its mirror image cannot be told apart.

    Knees bend forward. With ``forward = left x up`` of the body, which holds for right-handed axes, they are before the
    line from hip to ankle; where they are behind it on average, the third axis is turned.
    """
    positions = sequence.positions
    unit_m = _unit_m(positions) or 1.0
    left = positions[:, _INDEX["l_hip"]] - positions[:, _INDEX["r_hip"]]
    shoulders = positions[:, [_INDEX["l_shoulder"], _INDEX["r_shoulder"]]].mean(axis=1)
    forward = np.cross(left, shoulders - positions[:, _HIPS].mean(axis=1))
    forward /= np.maximum(np.linalg.norm(forward, axis=-1, keepdims=True), 1e-12)
    bends = [positions[:, knee] - (positions[:, hip] + positions[:, ankle]) / 2 for hip, knee, ankle in _LEGS]
    bend_m = float(np.mean([(bend * forward).sum(axis=-1) for bend in bends])) * unit_m
    if bend_m > _KNEE_M:
        return sequence, []
    if bend_m >= -_KNEE_M:
        return sequence, ["the legs are too straight to tell whether the 3D is mirrored; taken as it is"]
    turn = np.array([1.0, 1.0, -1.0])
    cameras = sequence.cameras * np.array([1.0, 1.0, -1.0, 1.0])
    turned = replace(sequence, positions=positions * turn, cameras=cameras)
    return turned, ["knees bend backwards in the 3D as it is: its third axis was turned (parallel views cannot tell)"]


def _leg_length(positions: Float[np.ndarray, "frames 14 3"]) -> float:
    lengths = [np.linalg.norm(positions[:, a] - positions[:, b], axis=-1) for leg in _LEGS for a, b in pairwise(leg)]
    return float(np.median(np.sum(lengths, axis=0))) / 2


def _unit_m(positions: Float[np.ndarray, "frames 14 3"]) -> float | None:
    """Metres in one unit of the positions: 1, 0.001, or None where legs are too long or short for both."""
    legs = _leg_length(positions)
    return next((unit for unit in (1.0, 0.001) if _LEG_M[0] < legs * unit < _LEG_M[1]), None)


def _picture_size(sequence: FootballSequence, camera: int) -> tuple[tuple[int, int] | None, str]:
    """(width, height) of the first picture of a camera, None where there is none; and what is wrong with it."""
    folder = sequence.folder / f"Camera {camera + 1}"
    pictures = sorted(p for p in folder.glob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp"))
    if not pictures:
        return None, ""
    try:
        with Image.open(pictures[0]) as picture:
            size = picture.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        return None, f"{folder.name}/{pictures[0].name}: cannot be read as a picture ({error})"
    points = sequence.points_px[camera]
    outside = ((points < 0) | (points > np.array(size) + 1)).any(axis=-1).mean()
    if outside > 0.1:
        return size, (
            f"{100 * outside:.0f} % of the points of camera {camera + 1} are outside its pictures of {size[0]} x "
            f"{size[1]} pixels"
        )
    return size, ""
