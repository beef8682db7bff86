"""How fast videos are drawn and encoded: pictures alone, the encoder alone, and both at work in the finished file.

python benchmarks/rendering.py [--frames 600] [--size 960x540] [--repeat 3]
"""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.render import render_comparison, render_frames, render_video
from maquette.render.stage import stage
from maquette.skeletons import LIFTED_21


def made_clip(n_frames: int) -> tuple[Keypoints, Motion]:
    """A body whose limbs swing while it walks a circle of 4 m, and its 2D at 1920x1080."""
    rng = np.random.default_rng(1)
    body = rng.normal(0, 0.25, (21, 3)) + np.linspace([0, 0.05, 0], [0, 1.75, 0], 21)
    t = np.arange(n_frames)[:, None, None] / 30
    sway = 0.15 * np.sin(t * rng.uniform(1, 6, (1, 21, 3)) + rng.uniform(0, 6, (1, 21, 3)))
    path = 4 * np.concatenate((np.sin(t / 4), np.zeros_like(t), np.cos(t / 4)), axis=-1)
    positions = body + sway + path
    points = np.array([960.0, 900.0]) + 350 * (body + sway)[..., :2] * [1, -1] + 120 * path[..., :2]
    confidence = np.clip(rng.normal(0.7, 0.2, (n_frames, 21)), 0, 1)
    fps = Fraction(30)
    return Keypoints(points, confidence, LIFTED_21, fps, (1920, 1080)), Motion(positions, LIFTED_21, fps, "world")


def best(work: Callable[[], object], repeat: int) -> tuple[float, float]:
    """Wall and processor seconds of the quickest of several runs."""
    times = []
    for _ in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--size", default="960x540")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    width, height = (int(part) for part in options.size.split("x"))
    size, n = (width, height), options.frames
    keypoints, motion = made_clip(n)
    clip = stage(keypoints, motion, size=size)
    panels = {"reconstruction": motion, "ground truth": motion}
    with tempfile.TemporaryDirectory() as name:
        mp4, gif, source = (Path(name) / file for file in ("a.mp4", "a.gif", "source.mp4"))
        rows: list[tuple[str, Callable[[], object]]] = [
            ("pictures drawn", lambda: [None for _ in clip.pictures()]),
            ("pictures as arrays", lambda: [None for _ in render_frames(keypoints, motion, size=size)]),
            (".mp4", lambda: render_video(mp4, keypoints, motion, size=size)),
            (".mp4 of the 3D alone", lambda: render_video(mp4, None, motion, size=size)),
            (".mp4 over a video 1280x720", lambda: render_video(mp4, keypoints, motion, video=source, size=size)),
            (".mp4 beside ground truth", lambda: render_comparison(mp4, keypoints, panels, size=size)),
            (".gif at 30 frames/s", lambda: render_video(gif, keypoints, motion, size=size, fps=30)),
        ]
        render_video(source, keypoints, motion, size=(1280, 720))
        load = os.getloadavg()[0]
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        print(f"{n} frames of {width}x{height}, {cores} cores, load {load:.1f} before the start")
        for text, work in rows:
            wall, cpu = best(work, options.repeat)
            print(f"{text:28s} {n / wall:6.0f} frames/s   {1000 * cpu / n:6.2f} ms of processor time a frame")
        print(
            f".mp4 {mp4.stat().st_size / n / 1000:.1f} kB a frame, .gif {gif.stat().st_size / n / 1000:.1f} kB a frame"
        )
    print(f"peak memory of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
