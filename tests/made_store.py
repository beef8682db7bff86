"""A small store in the manner of Human3.6M: 32 joints, Z up, two of its cameras, a projection and a detector as 2D."""

from pathlib import Path

import numpy as np
from made_body import made_motion
from scipy.spatial.transform import Rotation

from maquette.datasets.store import Source, StoreWriter
from maquette.geometry.camera import Camera, look_at
from maquette.skeletons import H36M_17, get_skeleton

H36M_32 = get_skeleton("h36m-32")
JOINTS = H36M_32.indices(H36M_17.joints)
TAKES = {("S9", "Walking"): 60, ("S9", "Walking 1"): 40, ("S9", "Photo"): 50, ("S11", "Directions 1"): 45}
SIZE = (1000, 1002)
_UP = np.array([0.0, 0.0, 1.0])
_Z_UP = Rotation.from_euler("x", 90, degrees=True).as_matrix()


def cameras() -> dict[str, Camera]:
    """Two that stand at the sides of a room of 10 m, at the height of Human3.6M's and with their kind of lens."""
    places = {"54138969": (2.0, 4.9, 1.5), "55011271": (1.9, -5.1, 1.6)}
    return {
        name: Camera(
            focal_px=(1145.0, 1144.0),
            centre_px=(512.0, 515.0),
            image_size=SIZE,
            R_camera_world=look_at(np.array(place), np.array([0.0, 0.0, 1.0]), up=_UP),
            position_world_m=np.array(place),
            distortion=(-0.2, 0.24, -0.003, -0.001, -0.0014),
            distortion_model="h36m",
        )
        for name, place in places.items()
    }


def positions_world_m(subject: str, action: str) -> np.ndarray:
    """``(frames, 32, 3)`` float32, Z up, feet near 0; somebody who moves through the room."""
    number = list(TAKES).index((subject, action))
    frames = TAKES[subject, action]
    body = made_motion(frames, seed=number).positions @ _Z_UP.T
    body[..., 2] += 1.0 - body[:, :1, 2]
    body[..., :2] += np.stack([np.linspace(-1, 1, frames), np.linspace(0.5, -0.5, frames)], axis=-1)[:, None]
    full = np.zeros((frames, len(H36M_32), 3), dtype=np.float32)
    full[:, JOINTS] = body[:, : len(H36M_17)]
    return full


def write_store(path: Path) -> Path:
    """Write it; the detector's points (17 joints with a score) go on for two frames after the 3D has ended."""
    sources = [Source("gt", H36M_32), Source("cpn_ft_h36m_dbb", H36M_17, channels=3)]
    rng = np.random.default_rng(3)
    with StoreWriter(path, name="made up", skeleton=H36M_32, sources=sources) as writer:
        for subject, action in TAKES:
            positions = positions_world_m(subject, action)
            number = writer.add_recording(subject, action, positions, fps=50, cameras=cameras())
            for name, camera in cameras().items():
                points = camera.project_world(positions.astype(float)).astype(np.float32)
                writer.add_keypoints(number, name, "gt", points)
                found = points[[*range(len(points)), -1, -1]][:, JOINTS]
                found = found + rng.normal(0, 2, found.shape).astype(np.float32)
                score = np.full((*found.shape[:2], 1), 0.9, dtype=np.float32)
                writer.add_keypoints(number, name, "cpn_ft_h36m_dbb", np.concatenate([found, score], axis=-1))
    return path
