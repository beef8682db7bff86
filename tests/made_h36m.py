"""A made-up Human3.6M, the same recordings in each of its layouts."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from cdflib import cdfwrite

from maquette.datasets.h36m_cameras import published_cameras
from maquette.datasets.h36m_facts import CAMERAS, INTRINSICS
from maquette.geometry.euler import matrix_to_euler

ACTIONS = ("Directions", "Directions 1", "Sitting 1", "Sitting 2", "SittingDown", "SittingDown 2")
FRAMES = 5


def positions_mm(subject: str, action: str, frames: int = FRAMES) -> np.ndarray:
    """(frames, 32, 3): somebody near the middle of the room, in eighths of a millimetre (exact in float32)."""
    rng = np.random.default_rng([*f"{subject}{action}".encode()])
    place = np.array([200.0, 100.0, 900.0]) + rng.integers(-80, 80, (frames, 1, 3)) / 8
    return place + rng.integers(-4000, 4000, (frames, 32, 3)) / 8


def hourglass_px(subject: str, action: str, camera: str, frames: int = FRAMES) -> np.ndarray:
    """(frames, 16, 2) float32."""
    rng = np.random.default_rng([*f"{subject}{action}{camera}".encode()])
    return rng.uniform(200, 800, (frames, 16, 2)).astype(np.float32)


def write_h5(path: Path, name: str, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file[name] = values


def write_cdf(path: Path, values: np.ndarray) -> None:
    """As the release: one record of (frames, 96) float32."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = cdfwrite.CDF(path, cdf_spec={"Compressed": 0}, delete=True)
        spec = {"Variable": "Pose", "Data_Type": file.CDF_FLOAT, "Num_Elements": 1, "Rec_Vary": True}
        spec |= {"Dim_Sizes": list(values.shape), "Var_Type": "zVariable", "Compress": 0}
        file.write_var(spec, var_data=values.astype(np.float32)[None])
        file.close()


def write_cameras_h5(path: Path, subjects: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        for subject, cameras in published_cameras(subjects).items():
            for number, (name, camera) in enumerate(cameras.items(), 1):
                group = file.create_group(f"subject{subject[1:]}/camera{number}")
                group["R"] = camera.R_camera_world.T
                group["T"] = camera.position_world_m[:, None] * 1000
                group["f"] = np.array(camera.focal_px)[:, None]
                group["c"] = np.array(camera.centre_px)[:, None]
                group["k"] = np.array(camera.distortion[:3])[:, None]
                group["p"] = np.array(camera.distortion[3:])[:, None]
                group["Name"] = np.array([[ord(c)] for c in name], dtype=np.uint16)


def write_metadata_xml(path: Path, subjects: Sequence[str]) -> None:
    w0 = np.zeros(300)
    for subject, cameras in published_cameras(subjects).items():
        for c, camera in enumerate(cameras.values()):
            begin = 6 * (c * 11 + int(subject[1:]) - 1)
            w0[begin : begin + 3] = matrix_to_euler(camera.R_camera_world, "XYZ")
            w0[begin + 3 : begin + 6] = camera.position_world_m * 1000
    for c, lens in enumerate(INTRINSICS.values()):
        w0[264 + 9 * c : 273 + 9 * c] = (*lens.focal_px, *lens.centre_px, *lens.radial, *lens.tangential)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = " ".join(repr(float(value)) for value in w0)
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<dbdata><subs/><w0>[{text}]</w0></dbdata>\n')


def write_martinez(root: Path, subjects: Sequence[str], hourglass: str | None = "StackedHourglass") -> None:
    write_cameras_h5(root / "cameras.h5", subjects)
    for subject in subjects:
        for action in ACTIONS:
            flat = positions_mm(subject, action).reshape(-1, 96)
            write_h5(root / subject / "MyPoses" / "3D_positions" / f"{action}.h5", "3D_positions", flat.T)
            for camera in CAMERAS if hourglass else ():
                name = f"{action.replace(' ', '_')}.{camera}.h5"
                write_h5(root / subject / str(hourglass) / name, "poses", hourglass_px(subject, action, camera))


def write_release(root: Path, subjects: Sequence[str]) -> None:
    write_metadata_xml(root / "metadata.xml", subjects)
    for subject in subjects:
        for action in ACTIONS:
            flat = positions_mm(subject, action).reshape(-1, 96)
            write_cdf(root / subject / "MyPoseFeatures" / "D3_Positions" / f"{action}.cdf", flat)


def write_archives(root: Path, subjects: Sequence[str]) -> None:
    """3D, and the Stacked Hourglass's points as VideoPose3D's script writes them."""
    root.mkdir(parents=True, exist_ok=True)
    world = {s: {a: (positions_mm(s, a) / 1000).astype(np.float32) for a in ACTIONS} for s in subjects}
    np.savez_compressed(root / "data_3d_h36m.npz", positions_3d=np.array(world, dtype=object))
    write_points(
        root / "data_2d_h36m_sh_pt_mpii.npz",
        {s: {a: [hourglass_px(s, a, c) for c in CAMERAS] for a in ACTIONS} for s in subjects},
        {"num_joints": 16, "keypoints_symmetry": [[3, 4, 5, 13, 14, 15], [0, 1, 2, 10, 11, 12]]},
    )


def write_points(path: Path, points: dict, metadata: dict) -> None:
    np.savez_compressed(path, positions_2d=np.array(points, dtype=object), metadata=np.array(metadata, dtype=object))
