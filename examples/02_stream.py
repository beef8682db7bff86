"""Frames one by one.

Keypoints arrive frame by frame; poses come out as soon as the network knows enough, and equal those of the whole clip.

    python examples/02_stream.py
"""

import tempfile
from pathlib import Path

import numpy as np

import maquette as mq
from maquette.demo import write_built_in_clip
from maquette.lifting.assumed_camera import camera_for
from maquette.lifting.stream import LiftStream
from maquette.mapping import map_keypoints


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clip = mq.read_keypoints(write_built_in_clip(Path(folder) / "clip"), fps=30, image_size=(1280, 720))[0]
    camera, _ = camera_for(clip)
    for model in ("maquette-residual", "maquette-tcn27"):
        lifter = mq.Lifter(model)
        stream = LiftStream(lifter, clip.skeleton, camera)
        poses = []
        for points, confidence, time_s in zip(clip.points, clip.confidence, clip.times_s, strict=True):
            poses += stream.push(points, confidence, float(time_s))
        poses += stream.finish()
        streamed = np.stack([pose.positions for pose in poses])
        whole = lifter(map_keypoints(clip, lifter.spec.input_skeleton), camera=camera).positions
        print(f"{model}: late by {stream.latency_s:.2f} s, {len(poses)} poses, ", end="")
        print(f"differs from the whole clip by at most {np.abs(streamed - whole).max() * 1e6:.1f} micrometres")


if __name__ == "__main__":
    main()
