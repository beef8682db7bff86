"""Numbers from a motion.

Step times, walking speed and knee angles of the built-in clip, with units; a motion is just NumPy arrays.

    python examples/03_measure.py
"""

import tempfile
from pathlib import Path

import numpy as np

import maquette as mq
from maquette.demo import write_built_in_clip


def knee_angle_rad(motion: mq.Motion, side: str) -> np.ndarray:
    """Flexion of a knee, (frames,): 0 is straight."""
    hip, knee, ankle = (motion.joint(f"{side}_{name}") for name in ("hip", "knee", "ankle"))
    thigh, shin = knee - hip, ankle - knee
    cosine = (thigh * shin).sum(-1) / np.linalg.norm(thigh, axis=-1) / np.linalg.norm(shin, axis=-1)
    return np.arccos(np.clip(cosine, -1, 1))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clip = mq.read_keypoints(write_built_in_clip(Path(folder) / "clip"), fps=30, image_size=(1280, 720))[0]
    motion = mq.lift(clip, height_m=1.70)
    print(f"{motion.n_frames} frames in frame '{motion.frame}'; scale: {motion.scale_source}")

    hip = motion.joint("hip")[:, [0, 2]]
    speed_mps = np.linalg.norm(np.diff(hip, axis=0), axis=-1) * float(motion.fps)
    print(
        f"speed over the ground: median {np.median(speed_mps):.2f}, 95 % below {np.percentile(speed_mps, 95):.2f} m/s"
    )

    for side in "lr":
        flexion = np.degrees(knee_angle_rad(motion, side))
        print(f"{side}_knee flexion: {flexion.min():.0f} to {flexion.max():.0f} degrees")

    if motion.contacts is not None:
        heel = motion.contact_joints.index("l_heel")
        landings = np.flatnonzero(np.diff(motion.contacts[:, heel].astype(int)) == 1) + 1
        print("left heel lands at", ", ".join(f"{motion.times_s[frame]:.2f} s" for frame in landings))


if __name__ == "__main__":
    main()
