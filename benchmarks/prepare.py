"""How long ``maquette prepare`` takes for all of Human3.6M, and how much memory, on made-up files of its full size.

Writes a Human3.6M with 7 subjects, 30 takes each and 527,520 frames in all to a folder (some 1 to 2 GB a layout),
prepares it in a process of its own, and prints seconds, the peak of the process's memory, and the size of the store.

python benchmarks/prepare.py FOLDER [--layout martinez videopose3d] [--frames 2512]
"""

import argparse
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np

from maquette.datasets.h36m_cameras import published_cameras
from maquette.datasets.h36m_facts import ACTIONS, CAMERAS, SUBJECTS
from maquette.skeletons import H36M_17

TAKES = [f"{action}{number}" for action in ACTIONS for number in ("", " 1")]


def positions_mm(frames: int) -> np.ndarray:
    """One take: the values do not matter, but they must not compress to nothing."""
    return np.random.default_rng(0).normal((0, 0, 900), 300, (frames, 32, 3))


def write_martinez(root: Path, frames: int) -> None:
    """3D positions and Stacked Hourglass points, 1,050 files."""
    flat, points = positions_mm(frames).reshape(-1, 96).T, np.full((frames, 16, 2), 500, np.float32)
    for subject in SUBJECTS:
        for folder in ("MyPoses/3D_positions", "StackedHourglass"):
            (root / subject / folder).mkdir(parents=True)
        for take in TAKES:
            with h5py.File(root / subject / "MyPoses/3D_positions" / f"{take}.h5", "w") as file:
                file["3D_positions"] = flat
            for camera in CAMERAS:
                name = f"{take.replace(' ', '_')}.{camera}.h5"
                with h5py.File(root / subject / "StackedHourglass" / name, "w") as file:
                    file["poses"] = points
    with h5py.File(root / "cameras.h5", "w") as file:
        for subject, cameras in published_cameras(SUBJECTS).items():
            for number, (name, camera) in enumerate(cameras.items(), 1):
                group = file.create_group(f"subject{subject[1:]}/camera{number}")
                group["R"], group["T"] = camera.R_camera_world.T, camera.position_world_m * 1000
                group["f"], group["c"] = camera.focal_px, camera.centre_px
                group["k"], group["p"] = camera.distortion[:3], camera.distortion[3:]
                group["Name"] = np.frombuffer(name.encode(), dtype=np.uint8).astype(np.uint16)


def write_videopose3d(root: Path, frames: int) -> None:
    """The 3D archive and one of detections, 2.1 million rows."""
    root.mkdir(parents=True)
    take = (positions_mm(frames) / 1000).astype(np.float32)
    world = {subject: {name: take.copy() for name in TAKES} for subject in SUBJECTS}
    np.savez_compressed(root / "data_3d_h36m.npz", positions_3d=np.array(world, dtype=object))
    rng = np.random.default_rng(0)
    points = {
        subject: {name: [rng.random((frames, 17, 2), np.float32) * 1000 for _ in CAMERAS] for name in TAKES}
        for subject in SUBJECTS
    }
    symmetry = [list(H36M_17.left), list(H36M_17.right)]
    metadata = np.array({"layout_name": "h36m", "num_joints": 17, "keypoints_symmetry": symmetry}, dtype=object)
    path = root / "data_2d_h36m_cpn_ft_h36m_dbb.npz"
    np.savez_compressed(path, positions_2d=np.array(points, dtype=object), metadata=metadata)


WRITERS = {"martinez": write_martinez, "videopose3d": write_videopose3d}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layout", nargs="+", choices=WRITERS, default=list(WRITERS))
    parser.add_argument("--frames", type=int, default=2512, help="of each take")
    options = parser.parse_args()
    for layout in options.layout:
        source, store = options.folder / f"made_up_{layout}", options.folder / f"store_{layout}"
        if not source.exists():
            WRITERS[layout](source, options.frames)
        shutil.rmtree(store, ignore_errors=True)
        begin = time.monotonic()
        command = [sys.executable, "-m", "maquette", "prepare", "h36m", str(source), str(store)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds = time.monotonic() - begin
        # Of the largest child so far: the layouts stand in the order of what they need.
        peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
        size_mb = sum(path.stat().st_size for path in store.iterdir()) / 1e6
        print(f"{layout:<12} {seconds:6.1f} s, at most {peak_mb:,.0f} MB of memory, store of {size_mb:,.0f} MB")


if __name__ == "__main__":
    main()
