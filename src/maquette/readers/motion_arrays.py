"""Bare arrays of 3D joints, as VideoPose3D (``--viz-export``), MotionBERT (``X3D.npy``) and their like write them.

Such a file says neither its unit nor its axes nor its frame rate nor its joints. They are told from the figure in it,
every guess is in the notes, and what cannot be guessed is asked for.
"""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.formats.npz import array_names, read_array, read_npy
from maquette.motion import Frame, Motion
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_17

_FIGURE_M = (1.1, 2.4)
"""Least and greatest length from crown to ankle, along the bones, that a person's figure may have."""
_ASSUMED_M = 1.63
"""The same of a person 1.70 m tall."""
_LARGEST = 100_000_000
_USUAL_NAMES = ("reconstruction", "positions_3d", "pose3d", "keypoints_3d", "joints3d", "poses")
_ASSUMED_FPS = Fraction(30)
_UP_SHARE = 0.6
"""How much of the way from ankles to head must lie along one axis, on average, for that axis to be the vertical."""


def read_motion_npy(path: Path, data: bytes, fps: Fraction | None = None, skeleton: Skeleton | None = None) -> Motion:
    """The motion of a ``.npy`` file with an array (frames, joints, 3).

    Args:
        fps: frames per second; None takes 30 and says so.
        skeleton: names of the joints; None takes 17 joints for Human3.6M's.

    Raises:
        InputError: another shape, pickled objects, or no figure of a person in it.
    """
    where = str(path)
    return _motion(read_npy(data, where), where, fps, skeleton)


def read_motion_npz_of_others(
    path: Path, data: bytes, fps: Fraction | None = None, skeleton: Skeleton | None = None
) -> Motion:
    """The motion of an ``.npz`` archive of another program that holds exactly one array (frames, joints, 3), bare or in
    a dictionary of subjects and actions.

    Raises:
        InputError: none, or several (the text names them); or as :func:`read_motion_npy`.
    """
    where = str(path)
    found: dict[str, np.ndarray] = {}
    names = array_names(data, where)
    for name in names:
        _collect(read_array(data, name, where, allow_objects=True), name, found)
    if len(found) != 1:
        usual = [name for name in _USUAL_NAMES if name in found]
        if len(usual) != 1:
            seen = f"holds {len(found)} motions ({', '.join(list(found)[:6])})" if found else f"its arrays: {names[:6]}"
            raise InputError(
                f"{where}: expected an archive of ours or one array (frames, joints, 3); this one {seen}; "
                "save the one to convert as a .npy file"
            )
        found = {usual[0]: found[usual[0]]}
    ((name, array),) = found.items()
    return _motion(array, f"{where}: {name}", fps, skeleton)


def _collect(value: Any, name: str, found: dict[str, np.ndarray]) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _collect(item, f"{name}/{key}", found)
    elif isinstance(value, np.ndarray) and value.dtype.kind in "fiu" and _is_poses(value):
        found[name] = value


def _is_poses(array: np.ndarray) -> bool:
    squeezed = array.shape[1:] if array.ndim == 4 and array.shape[0] == 1 else array.shape
    return len(squeezed) == 3 and squeezed[2] == 3 and squeezed[1] > 10 and squeezed[0] > 0


def _motion(array: np.ndarray, where: str, fps: Fraction | None, skeleton: Skeleton | None) -> Motion:
    if array.dtype.kind not in "fiu" or array.size > _LARGEST:
        raise InputError(f"{where}: {array.size:,} values of type {array.dtype}; expected numbers, 100 million at most")
    if not _is_poses(array):
        raise InputError(f"{where}: an array of shape {array.shape}, expected (frames, joints, 3)")
    positions = np.array(array.reshape(array.shape[-3:]), dtype=np.float64)
    if np.isinf(positions).any() or not np.isfinite(positions).any():
        raise InputError(f"{where}: has infinite numbers, or none at all")
    if skeleton is None and positions.shape[1] != len(H36M_17):
        raise InputError(
            f"{where}: {positions.shape[1]} joints without names; 17 are taken for Human3.6M's, say which these are "
            "with skeleton (--skeleton smpl-24, for example)"
        )
    skeleton = skeleton or H36M_17
    if positions.shape[1] != len(skeleton):
        raise InputError(f"{where}: {positions.shape[1]} joints, but skeleton '{skeleton.name}' has {len(skeleton)}")
    notes = [f"joints taken for {skeleton.name}, in its order"]
    turned, frame, axes = _upright(positions, skeleton)
    scale, unit, source = _scale(turned, skeleton)
    if fps is None:
        notes.append("frame rate not in the file: taken as 30; give --fps")
    return Motion(
        positions=turned * scale,
        skeleton=skeleton,
        fps=_ASSUMED_FPS if fps is None else fps,
        frame=frame,
        scale_source=source,
        source=where,
        notes=(*notes, axes, unit),
    )


def _upright(
    positions: Float[np.ndarray, "frames joints 3"], skeleton: Skeleton
) -> tuple[Float[np.ndarray, "frames joints 3"], Frame, str]:
    """``(positions, frame, how it was told)`` from where the heads are, seen from the ankles."""
    head = next((name for name in ("head", "head_top", "nose") if name in skeleton), None)
    feet = [name for name in ("l_ankle", "r_ankle") if name in skeleton]
    if head is None or not feet:
        return positions, "camera", "axes taken for the camera's (x right, y down, z forward)"
    ankles = np.mean([positions[:, skeleton.index(name)] for name in feet], axis=0)
    way = positions[:, skeleton.index(head)] - ankles
    length = np.linalg.norm(way, axis=-1, keepdims=True)
    known = np.isfinite(length[:, 0]) & (length[:, 0] > 1e-9)
    mean = (way[known] / length[known]).mean(axis=0) if known.any() else np.zeros(3)
    axis = int(np.argmax(np.abs(mean)))
    if axis == 2 and mean[2] > _UP_SHARE:
        # VideoPose3D and its followers turn camera coordinates so that z points up: x stays, y becomes depth.
        turned = positions[..., [0, 2, 1]] * np.array([1.0, 1.0, -1.0])
        return turned, "world", "heads are towards +z: taken for a world with z up, turned to y up"
    if axis == 1 and mean[1] > _UP_SHARE:
        return positions, "world", "heads are towards +y: taken for a world with y up"
    if axis == 1 and mean[1] < -_UP_SHARE:
        return positions, "camera", "heads are towards -y: taken for the camera's frame (x right, y down, z forward)"
    return positions, "camera", "nobody stands upright: taken for the camera's frame (x right, y down, z forward)"


def _scale(positions: Float[np.ndarray, "frames joints 3"], skeleton: Skeleton) -> tuple[float, str, str]:
    """``(factor to metres, the note, scale_source)``."""
    length = _figure_length(positions, skeleton)
    if not length > 1e-6:
        raise InputError("no figure of a person: crown, hips, knees and ankles coincide or are never known")
    for unit, metre in (("m", 1.0), ("mm", 0.001), ("cm", 0.01)):
        if _FIGURE_M[0] <= length * metre <= _FIGURE_M[1]:
            told = f"unit taken for {unit}: from crown to ankle the figure is {length * metre:.2f} m long"
            return metre, told, f"the file's own, unit {unit} guessed from the size of the figure"
    factor = _ASSUMED_M / length
    told = (
        f"the figure is {length:.3g} units long, which is a person in no unit (MotionBERT writes shares of the "
        "picture): scaled to a person 1.70 m tall"
    )
    return factor, told, "assumed body height 1.70 m"


def _figure_length(positions: Float[np.ndarray, "frames joints 3"], skeleton: Skeleton) -> float:
    """Median length from the crown over hip, knee and ankle of both sides; 0 when it cannot be told."""
    top = next((name for name in ("head", "head_top", "nose") if name in skeleton), None)
    total = 0.0
    chains = [(f"{side}_hip", f"{side}_knee", f"{side}_ankle") for side in "lr"]
    for chain in chains:
        if top is None or any(name not in skeleton for name in chain):
            return 0.0
        at = [positions[:, skeleton.index(name)] for name in chain]
        middle = np.mean([positions[:, skeleton.index(f"{side}_hip")] for side in "lr"], axis=0)
        spans = [positions[:, skeleton.index(top)] - middle, at[0] - at[1], at[1] - at[2]]
        lengths = [np.linalg.norm(span, axis=-1) for span in spans]
        known = [values[np.isfinite(values)] for values in lengths]
        if not all(values.size for values in known):
            return 0.0
        total += sum(float(np.median(values)) for values in known)
    return total / len(chains)
