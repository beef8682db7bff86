"""Keypoints to animation files.

The main path in Python: read, look at what was assumed, lift, write. Without an argument it uses the built-in clip.

    python examples/01_keypoints_to_animation.py [KEYPOINTS] [OUTPUT_FOLDER]
"""

import sys
import tempfile
from pathlib import Path

import maquette as mq
from maquette.demo import write_built_in_clip


def main(keypoints: str | None = None, output: str = "example_output") -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(keypoints) if keypoints else write_built_in_clip(Path(folder) / "clip")
        people = mq.read_keypoints(source, fps=30, image_size=(1280, 720))
    print(f"{len(people)} people; the first has {people[0].n_frames} frames of {people[0].skeleton}")

    motion = mq.lift(people[0], height_m=1.75)
    for note in motion.notes:
        print(" ", note)

    for suffix in (".bvh", ".glb", ".npz", ".csv"):
        path = Path(output) / f"motion{suffix}"
        mq.write_motion(motion, path)
        print("wrote", path)


if __name__ == "__main__":
    main(*sys.argv[1:])
