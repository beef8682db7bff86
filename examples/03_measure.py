"""Numbers from a motion.

Step times, walking speed and knee angles of the built-in clip, each with its unit, how sure it is and what speaks
against it.

    python examples/03_measure.py
"""

import tempfile
from pathlib import Path

import numpy as np

import maquette as mq
from maquette.demo import write_built_in_clip
from maquette.measure import ANGLES, measure_motion


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clip = mq.read_keypoints(write_built_in_clip(Path(folder) / "clip"), fps=30, image_size=(1280, 720))[0]
    motion = mq.lift(clip, height_m=1.70)
    print(f"{motion.n_frames} frames in frame '{motion.frame}'; scale: {motion.scale_source}")

    measured = measure_motion(motion)
    for name in ("walking_speed", "cadence", "step_length:l", "step_length:r", "symmetry:step_time"):
        number = measured.number(name)
        print(f"{name}: {number.value:.2f} ± {number.uncertainty:.2f} {number.unit} ({number.basis})")
        for warning in number.warnings:
            print(f"  but: {warning}")

    print(f"knee flexion: {ANGLES['knee_flexion'].definition}")
    for side in "lr":
        flexion = measured.angles.angle(f"{side}_knee_flexion")
        print(f"{side}_knee: {np.nanmin(flexion):.0f} to {np.nanmax(flexion):.0f} degrees")
    print("left foot lands at", ", ".join(f"{second:.2f} s" for second in measured.events.feet["l_"].strikes_s))


if __name__ == "__main__":
    main()
