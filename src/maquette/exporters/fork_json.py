"""``3d_data.json`` and ``2d_data.json`` as 3d-pose-baseline's OpenPose fork writes them for Maya.

Both are ``{"<frame>": {"<joint>": {"translate": [...]}}}`` with frames from 0 and joints counted as text: the 32 of
Human3.6M with x, y, z, and OpenPose's 18 with x, y in pixels.
"""

from pathlib import Path

import msgspec
import numpy as np
from jaxtyping import Float

from maquette.atomic import write_bytes
from maquette.errors import OutputError
from maquette.keypoints import Keypoints
from maquette.mapping import map_keypoints
from maquette.motion import Frame, Motion
from maquette.refine.legacy_fork import postprocess, to_pairs
from maquette.skeletons import COCO_18, H36M_17, H36M_32

_SUFFIX_3D, _SUFFIX_2D = "3d_data.json", "2d_data.json"

STAND_INS: dict[str, tuple[str, ...]] = {
    "spine_root": ("hip",),
    "l_shoulder_root": ("thorax",),
    "r_shoulder_root": ("thorax",),
    **{f"{side}_toe_{part}": (f"{side}_toe", f"{side}_ankle") for side in ("l", "r") for part in ("base", "site")},
    **{
        f"{side}_{part}": (f"{side}_wrist",)
        for side in ("l", "r")
        for part in ("thumb_root", "thumb_site", "finger_root", "finger_site")
    },
}
"""What the 15 joints hold that no lifter predicts: the first of these joints that the motion has. The fork leaves the
training set's mean there, so that they float through the scene. Its Maya script hangs the legs on joint 11
(``spine_root``), which is the hip here, as it is in Human3.6M's own files."""


def write_fork_json(
    motion: Motion, path: str | Path, *, keypoints: Keypoints | None = None, legacy: bool = False
) -> list[Path]:
    """Write the 3D file to ``path`` and, when ``keypoints`` are given, the 2D file beside it; returns what was written.

    ``path`` ends in ``3d_data.json``; the 2D file has the same name with ``2d``. Coordinates are millimetres, x to the
    right, y away from the viewer, z up (right-handed), where the motion is: in the world or before the camera. A joint
    without a position has that of its parent, a 2D point that is missing the nearest one in time, and one never seen
    [0, 0], as the format knows no other way.

    With ``legacy`` the 3D has the fork's own coordinates (:func:`maquette.refine.legacy_fork.postprocess`): root at the
    origin, camera axes, upside down between its extremes, plus the neck's pixels; failed poses held; missing 2D is 0.

    Raises:
        OutputError: the name does not end in ``3d_data.json``, the motion lacks a joint of Human3.6M-17 or has no
            position at all, ``legacy`` without keypoints or without a camera, or a file cannot be written.
        InputError: the keypoints' skeleton has no map to COCO-18.
    """
    target = Path(path)
    if not target.name.lower().endswith(_SUFFIX_3D):
        raise OutputError(f"{target}: the name of the fork's file ends in {_SUFFIX_3D}")
    check_h36m_17(motion, target)
    mapped = None if keypoints is None else map_keypoints(keypoints, COCO_18.name)
    points_px = None if mapped is None else to_pairs(mapped if legacy else held_over_gaps(mapped))
    if not legacy:
        coordinates = fork_axes_mm(motion)
    elif points_px is None or len(points_px) != motion.n_frames:
        raise OutputError(f"{target}: the fork's own coordinates need the 2D keypoints of every frame of the motion")
    else:
        coordinates, _ = postprocess(_camera_mm(motion, target).reshape(motion.n_frames, 96), points_px)
    if not np.isfinite(coordinates).all():
        raise OutputError(
            f"{target}: the motion has no position in frame {int(np.argwhere(~np.isfinite(coordinates))[0][0])}"
        )
    write_bytes(target, _encoded(coordinates))
    if points_px is None:
        return [target]
    beside = target.with_name(target.name[: -len(_SUFFIX_3D)] + _SUFFIX_2D)
    write_bytes(beside, _encoded(points_px.reshape(-1, 18, 2)))
    return [target, beside]


def check_h36m_17(motion: Motion, target: Path) -> None:
    """Formats whose joints are numbers need all of Human3.6M-17.

    Raises:
        OutputError: some are not in the motion's skeleton; the text names them.
    """
    missing = [joint for joint in H36M_17.joints if joint not in motion.skeleton]
    if missing:
        raise OutputError(f"{target}: needs the joints of Human3.6M-17, the motion has no {', '.join(missing)}")


def fork_axes_mm(motion: Motion) -> Float[np.ndarray, "frames 32 3"]:
    """The 32 joints in millimetres, x right, y away, z up."""
    return right_away_up_mm(_joints_32(motion), motion.frame)


def right_away_up_mm(positions_m: Float[np.ndarray, "*batch 3"], frame: Frame) -> Float[np.ndarray, "*batch 3"]:
    """Points of the world or the camera's frame in millimetres: x right, y away from the viewer, z up."""
    x, y, z = np.moveaxis(positions_m, -1, 0)
    # World: y up, z towards the viewer. Camera: y down, z away.
    away, up = (-z, y) if frame == "world" else (z, -y)
    return 1000.0 * np.stack((x, away, up), axis=-1)


def _camera_mm(motion: Motion, target: Path) -> Float[np.ndarray, "frames 32 3"]:
    """The 32 joints in millimetres about the hip, in the camera's axes."""
    positions = _joints_32(motion)
    if motion.frame == "world":
        if motion.camera is None:
            raise OutputError(
                f"{target}: the fork's own coordinates are the camera's, and this motion in the world has no camera"
            )
        positions = motion.camera.world_to_camera(positions)
    return 1000.0 * (positions - positions[:, :1])


def _joints_32(motion: Motion) -> Float[np.ndarray, "frames 32 3"]:
    """Positions in metres in the order of Human3.6M's 32; unknown ones at their parent."""
    positions = np.empty((motion.n_frames, len(H36M_32), 3))
    for index, joint in enumerate(H36M_32.joints):
        source = next(name for name in (joint, *STAND_INS.get(joint, ())) if name in motion.skeleton)
        positions[:, index] = motion.joint(source)
    for index in H36M_32.order:
        parent = H36M_32.parents[index]
        if parent >= 0:
            unknown = ~np.isfinite(positions[:, index]).all(-1)
            positions[unknown, index] = positions[unknown, parent]
    return positions


def held_over_gaps(keypoints: Keypoints) -> Keypoints:
    """Missing points take the place of the nearest sighting in time, the earlier one of two as near."""
    observed, n = keypoints.observed, keypoints.n_frames
    frame = np.arange(n)[:, None]
    before = np.maximum.accumulate(np.where(observed, frame, -2 * n), axis=0)
    after = np.minimum.accumulate(np.where(observed, frame, 3 * n)[::-1], axis=0)[::-1]
    nearest = np.clip(np.where(frame - before <= after - frame, before, after), 0, max(n - 1, 0))
    points = np.take_along_axis(keypoints.points, nearest[..., None], axis=0)
    confidence = np.take_along_axis(keypoints.confidence, nearest, axis=0)
    return keypoints.with_notes(points=points, confidence=confidence)


def _encoded(coordinates: Float[np.ndarray, "frames joints dims"]) -> bytes:
    """The document; numbers keep every digit that a double has."""
    names = [str(joint) for joint in range(coordinates.shape[1])]
    document = {
        str(frame): {name: {"translate": point} for name, point in zip(names, points, strict=True)}
        for frame, points in enumerate(coordinates.tolist())
    }
    return msgspec.json.encode(document)
