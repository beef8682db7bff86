"""How fast a folder of OpenPose JSON is read, against the floor: reading and decoding the same bytes and nothing else.

python benchmarks/reading.py [--frames 10000] [--people 1] [--repeat 5]
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np

from maquette.formats.openpose_json import frame_decoder
from maquette.readers import read_keypoints


def write_folder(folder: Path, n_frames: int, n_people: int) -> int:
    """A made-up BODY_25 clip of people who sway and walk beside each other; gives the number of bytes."""
    rng = np.random.default_rng(1)
    body = np.stack([rng.uniform(-80, 80, 25), np.linspace(-200, 200, 25)], axis=-1)
    total = 0
    for i in range(n_frames):
        people = []
        for k in range(n_people):
            points = body + [400 + 500 * k + 100 * np.sin(i / 90), 500] + rng.normal(0, 2, (25, 2))
            confidence = rng.uniform(0.3, 1, (25, 1))
            flat = np.concatenate([points.round(3), confidence.round(6)], axis=1).ravel().tolist()
            people.append({"person_id": [-1], "pose_keypoints_2d": flat, "face_keypoints_2d": []})
        data = msgspec.json.encode({"version": 1.3, "people": people})
        (folder / f"clip_{i:012d}_keypoints.json").write_bytes(data)
        total += len(data)
    return total


def floor(folder: Path) -> float:
    """Seconds to list the folder, read every file and decode it into the typed structs."""
    start = time.perf_counter()
    for name in sorted(os.listdir(folder)):
        with open(folder / name, "rb") as file:
            frame_decoder.decode(file.read())
    return time.perf_counter() - start


def full(folder: Path) -> float:
    """Seconds of ``read_keypoints``."""
    start = time.perf_counter()
    read_keypoints(folder, fps=30, image_size=(1920, 1080))
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write_folder(folder, options.frames, options.people)
        floor(folder)
        # Taken in turn, so that a busy machine slows both down alike.
        pairs = [(floor(folder), full(folder)) for _ in range(options.repeat)]
    floor_s, full_s = (min(column) for column in zip(*pairs, strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.frames} frames, {options.people} people, {size / 1e6:.1f} MB")
    print(f"floor (read and decode)  {floor_s:7.3f} s  {options.frames / floor_s:9,.0f} frames/s")
    print(f"read_keypoints           {full_s:7.3f} s  {options.frames / full_s:9,.0f} frames/s")
    print(f"ratio {full_s / floor_s:.2f}, peak memory of the process {peak:.0f} MiB")


if __name__ == "__main__":
    main()
