"""A C3D file as the package c3d understands it: ``python read_c3d.py FILE RESULT.npz``.

A laboratory's axes (X forward, Y left, Z up) become Y up and Z forward.
"""

import sys
from importlib.metadata import version

import c3d
import numpy as np

with open(sys.argv[1], "rb") as stream:
    reader = c3d.Reader(stream)
    names = [label.strip() for label in reader.point_labels]
    frames = [points for _, points, _ in reader.read_frames()]
    up = reader.get("POINT").get("Y_SCREEN").string_value.strip()
    unit = {"mm": 0.001, "m": 1.0, "cm": 0.01}[reader.get("POINT").get("UNITS").string_value.strip()]
    fps = reader.point_rate
points = np.array(frames, dtype=np.float64)
positions = np.where(points[..., 3:4] >= 0, points[..., :3], np.nan) * unit
if up != "+Z":
    raise SystemExit(f"{sys.argv[1]}: Y_SCREEN is {up}, expected +Z")
positions = np.stack((positions[..., 1], positions[..., 2], positions[..., 0]), axis=-1)
np.savez(sys.argv[2], program=f"c3d {version('c3d')}", names=np.array(names), positions_m=positions, fps=fps)
