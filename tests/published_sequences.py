"""The sequences that the published reference batches were cut from, put together from the published data files."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from maquette.datasets.sequences import Label, Sequences, Track, assemble
from maquette.formats.npz import read_array
from maquette.geometry.camera import Camera
from maquette.skeletons import H36M_17, H36M_32

SIZES = ((1000, 1002), (1000, 1000), (1000, 1000), (1000, 1002))


def camera(prepared: dict[str, np.ndarray], subject: str, index: int) -> Camera:
    """The camera of the reference file: its numbers are relative to the width of the picture."""
    width, height = SIZES[index]
    values = prepared[f"cam_intrinsic|{subject}|{index}"].astype(float)
    w, x, y, z = prepared[f"cam_orientation|{subject}|{index}"].astype(float)
    focal, centre = values[:2] * width / 2, (values[2:4] + [1, height / width]) * width / 2
    return Camera(
        focal_px=(focal[0], focal[1]),
        centre_px=(centre[0], centre[1]),
        image_size=(width, height),
        R_camera_world=Rotation.from_quat([x, y, z, w]).as_matrix().T,
        position_world_m=prepared[f"cam_translation|{subject}|{index}"].astype(float),
        distortion=(*values[4:7], values[8], values[7]),
        distortion_model="h36m",
    )


def published_positions(world_m: np.ndarray, prepared: dict[str, np.ndarray], subject: str, index: int) -> np.ndarray:
    """World to camera in single precision, by the quaternion and with torch, as published: equal to the last bit."""
    q = torch.from_numpy(prepared[f"cam_orientation|{subject}|{index}"] * np.array([1, -1, -1, -1], np.float32))
    v = torch.from_numpy(world_m - prepared[f"cam_translation|{subject}|{index}"])
    vector = q[1:].expand_as(v).contiguous()
    uv = torch.cross(vector, v, dim=-1)
    return (v + 2 * (q[0] * uv + torch.cross(vector, uv, dim=-1))).numpy()


def published_tracks(goldens_dir: Path, subject: str, *, bits: bool) -> list[Track]:
    """Tracks of one subject; ``bits``: positions by :func:`published_positions`, else by our own camera."""
    prepared = dict(np.load(goldens_dir / "generators" / "prepared_videopose3d.npz"))
    files = {
        name: (goldens_dir / "rie_data" / f"{name}.npz").read_bytes()
        for name in ("data_3d_h36m", "data_2d_h36m_cpn_ft_h36m_dbb")
    }
    world = read_array(files["data_3d_h36m"], "positions_3d", "3d", allow_objects=True)
    seen = read_array(files["data_2d_h36m_cpn_ft_h36m_dbb"], "positions_2d", "2d", allow_objects=True)
    kept = H36M_32.indices(H36M_17.joints)
    tracks = []
    for action, views in seen[subject].items():
        for i, keypoints in enumerate(views):
            lens = camera(prepared, subject, i)
            points = world[subject][action][:, kept]
            positions = published_positions(points, prepared, subject, i) if bits else lens.world_to_camera(points)
            tracks.append(Track(Label(subject, action, str(i)), lens, keypoints, positions))
    return tracks


def published_sequences(goldens_dir: Path, subject: str, *, bits: bool = True, **options: Any) -> Sequences:
    tracks = published_tracks(goldens_dir, subject, bits=bits)
    return assemble(tracks, H36M_17, H36M_17, **options)
