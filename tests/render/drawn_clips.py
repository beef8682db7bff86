"""Made clips: a person of sticks who walks, and keypoints that a camera would have seen."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.skeletons import LIFTED_21

# Standing, facing +Z, in metres: (left is +X).
_STANDING = {
    "hip": (0, 0.95, 0),
    "r_hip": (-0.11, 0.93, 0),
    "r_knee": (-0.11, 0.5, 0.02),
    "r_ankle": (-0.11, 0.08, 0),
    "spine": (0, 1.2, 0),
    "thorax": (0, 1.45, 0),
    "nose": (0, 1.58, 0.05),
    "head": (0, 1.72, 0.02),
    "r_shoulder": (-0.18, 1.42, 0),
    "r_elbow": (-0.24, 1.13, 0),
    "r_wrist": (-0.25, 0.88, 0.05),
    "r_heel": (-0.11, 0.03, -0.05),
    "r_toe": (-0.11, 0.02, 0.15),
}


def standing() -> np.ndarray:
    """``(21, 3)`` positions of LIFTED_21."""
    return np.array(
        [
            _STANDING[joint] if joint in _STANDING else np.array(_STANDING["r_" + joint[2:]]) * [-1, 1, 1]
            for joint in LIFTED_21.joints
        ],
        dtype=float,
    )


def walk(n_frames: int = 40, speed_m_s: float = 1.2, fps: Fraction = Fraction(25)) -> Motion:
    """Along +Z, with swinging legs and arms."""
    t = np.arange(n_frames) / float(fps)
    positions = np.repeat(standing()[None], n_frames, axis=0)
    for side, sign in (("l", 1), ("r", -1)):
        swing = sign * 0.25 * np.sin(2 * np.pi * 0.9 * t)
        for joint, share in (("knee", 0.5), ("ankle", 1), ("heel", 1), ("toe", 1), ("wrist", -1), ("elbow", -0.5)):
            positions[:, LIFTED_21.index(f"{side}_{joint}"), 2] += share * swing
    positions[..., 2] += speed_m_s * t[:, None]
    return Motion(positions, LIFTED_21, fps, "world", source="walk.npz")


def camera_before(motion: Motion, size: tuple[int, int] = (640, 360), distance_m: float = 6.0) -> Camera:
    """A level camera that looks along -Z at the middle of the clip."""
    middle = np.nanmean(motion.positions, axis=(0, 1))
    return Camera(
        focal_px=(1.2 * size[0], 1.2 * size[0]),
        centre_px=(size[0] / 2, size[1] / 2),
        image_size=size,
        R_camera_world=np.diag([1.0, -1.0, -1.0]),
        position_world_m=middle + [0, 0, distance_m],
    )


def film(motion: Motion, size: tuple[int, int] = (640, 360)) -> Keypoints:
    """What the camera sees, with confidence 0.9."""
    points = camera_before(motion, size).project_world(motion.positions)
    return Keypoints(points, np.full(points.shape[:2], 0.9), motion.skeleton, motion.fps, size, source="walk")


def write_video(path: Path, pictures: list[np.ndarray], fps: Fraction = Fraction(25), first_pts: int = 0) -> Path:
    """H.264 with small losses; every picture is a key frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "4", "g": "1", "preset": "ultrafast"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = 1 / fps
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number + first_pts, 1 / fps
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def read_video(path: Path) -> tuple[list[np.ndarray], list[Fraction], Fraction]:
    """RGB pictures, their times in seconds, and the frame rate that the file states."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        times = [(frame.pts or 0) * (frame.time_base or Fraction(0)) for frame in frames]
        return [frame.to_ndarray(format="rgb24") for frame in frames], times, Fraction(stream.average_rate or 0)


def centroid(picture: np.ndarray, colour: tuple[int, int, int], tolerance: int = 40) -> np.ndarray:
    """Middle of the pixels near a colour, ``(x, y)`` with the corner of the picture at (0, 0)."""
    near = np.abs(picture.astype(int) - colour).max(axis=-1) < tolerance
    assert near.any(), f"no pixel near {colour}"
    y, x = np.nonzero(near)
    return np.array([x.mean() + 0.5, y.mean() + 0.5])
