"""The text formats that Unity projects around Human3.6M-17 already read.

All hold the 17 joints in Human3.6M's order in millimetres, x to the right as one looks at the person, y away, z up:
right-handed. Those projects place a joint at ``(-x, z, -y) / 1000`` in Unity, whose axes are left-handed, so that left
stays left and somebody who faces the viewer faces Unity's +Z.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.atomic import write_text
from maquette.errors import OutputError
from maquette.exporters.choices import UnityText
from maquette.exporters.fork_json import check_h36m_17, right_away_up_mm
from maquette.geometry.lab_axes import turned_upright
from maquette.motion import Motion
from maquette.skeletons import H36M_17, H36M_32

Pose = Float[np.ndarray, "17 3"]
"""Positions of Human3.6M-17 in the world (Y up), metres."""

_POS_FPS = 30.0
_HIP_HEIGHT_M = 0.8
"""That the reader of ``unity-frames`` adds to every height."""
_NUMBERS_32 = tuple(H36M_32.index(joint) for joint in H36M_17.joints)


def encode_unity_pos(pose: Pose) -> str:
    """One line of ``pos.txt``: ``number x y z, `` for each joint, numbers as in Human3.6M's 32 joints; no newline."""
    rows = right_away_up_mm(pose, "world")
    return "".join(f"{n} {x:.3f} {y:.3f} {z:.3f}, " for n, (x, y, z) in zip(_NUMBERS_32, rows.tolist(), strict=True))


def encode_unity_frame(pose: Pose) -> str:
    """One file of ``unity-frames``: a NumPy array of shape (1, 3, 17) as ``print`` shows it, or ``0`` without a pose.

    The reader ignores poses whose hip is a metre or more from the origin, so the hip is above it in each frame, and
    heights count from 0.8 m, which the reader adds.
    """
    if not np.isfinite(pose).all():
        return "0"
    rows = right_away_up_mm(pose - pose[0] * [1.0, 0.0, 1.0] - [0.0, _HIP_HEIGHT_M, 0.0], "world")
    return np.array2string(
        np.round(rows.T[None], 3) + 0.0, max_line_width=75, precision=8, suppress_small=True, separator=" "
    )


def encode_unity_stream(pose: Pose) -> str:
    """The 51 numbers that go over TCP (port 5005, one connection for each frame), below its buffer of 1024 bytes."""
    return " ".join(f"{value:.2f}" for value in right_away_up_mm(pose, "world").ravel().tolist())


def write_unity_text(motion: Motion, path: str | Path, *, mode: UnityText = "unity-pos") -> list[Path]:
    """Write a motion for a Unity project; returns the files.

    * ``unity-pos``: one file, a line for each frame at the 30 frames a second that its reader assumes (other motions
      are interpolated), the person's path included.
    * ``unity-frames``: ``dir/name.txt`` becomes ``dir/name0.txt``, ``dir/name1.txt``, ..., one for each frame; the
      reader's own frame rate is to be set to the motion's.
    * ``unity-stream``: one file, a line for each frame, to be sent one by one.

    A frame without all 17 joints is ``0`` in ``unity-frames``; the others know no such thing and hold the pose before
    (at the start, the first one). A motion before the camera is put upright with its lowest joint on the ground.

    Raises:
        OutputError: the motion lacks a joint of Human3.6M-17 or has no complete frame, files of a longer clip are in
            the way (the reader would go on with them), or a file cannot be written.
    """
    target = Path(path)
    check_h36m_17(motion, target)
    poses = _upright(motion, target)
    if mode == "unity-frames":
        return _write_frames(poses, target)
    encode: Callable[[Pose], str] = encode_unity_stream
    poses = _held(poses)
    if mode == "unity-pos":
        encode, poses = encode_unity_pos, _at_rate(poses, motion.times_s - motion.times_s[0], _POS_FPS)
    write_text(target, "".join(f"{encode(pose)}\n" for pose in poses))
    return [target]


def _upright(motion: Motion, target: Path) -> Float[np.ndarray, "frames 17 3"]:
    """The 17 joints, Y up; from the camera's frame with the lowest joint on the ground in the middle of the clip."""
    poses = motion.positions[:, [motion.skeleton.index(joint) for joint in H36M_17.joints]]
    complete = np.isfinite(poses).all(axis=(1, 2))
    if not complete.any():
        raise OutputError(f"{target}: no frame of the motion has all 17 joints")
    if motion.frame == "camera":
        poses = turned_upright(poses)
        poses = poses - [0.0, float(np.median(poses[complete][..., 1].min(axis=1))), 0.0]
    return poses


def _held(poses: Float[np.ndarray, "frames 17 3"]) -> Float[np.ndarray, "frames 17 3"]:
    """Incomplete frames take the pose before, the first ones the first complete one."""
    complete = np.isfinite(poses).all(axis=(1, 2))
    last = np.maximum.accumulate(np.where(complete, np.arange(len(poses)), 0))
    return poses[np.maximum(last, np.argmax(complete))]


def _at_rate(
    poses: Float[np.ndarray, "frames 17 3"], times_s: Float[np.ndarray, " frames"], fps: float
) -> Float[np.ndarray, "out 17 3"]:
    """Poses at even times, straight between those that there are."""
    wanted = np.arange(int(times_s[-1] * fps + 1e-6) + 1) / fps
    flat = poses.reshape(len(poses), 51)
    return np.stack([np.interp(wanted, times_s, column) for column in flat.T], axis=1).reshape(-1, 17, 3)


def _write_frames(poses: Float[np.ndarray, "frames 17 3"], target: Path) -> list[Path]:
    number = re.compile(re.escape(target.stem) + r"(\d+)" + re.escape(target.suffix))
    if target.parent.is_dir():
        found = [(match, file) for file in target.parent.iterdir() if (match := number.fullmatch(file.name))]
        left = sorted(int(match[1]) for match, _ in found if int(match[1]) >= len(poses))
        if left:
            raise OutputError(
                f"{target}: {target.stem}{left[0]}{target.suffix} and others of a longer clip are there, which Unity "
                "would play on; delete them or choose another name"
            )
    written = [target.with_name(f"{target.stem}{frame}{target.suffix}") for frame in range(len(poses))]
    for pose, file in zip(poses, written, strict=True):
        write_text(file, encode_unity_frame(pose))
    return written
