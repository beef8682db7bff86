"""What 2D detectors mark on a body: of our 27 landmarks those that a format has, where it puts them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.datasets.bodies import Vectors, chest_frame, head_frame, pelvis_frame
from maquette.datasets.mocap import NODES
from maquette.mapping import LANDMARKS_27_V1
from maquette.skeletons import H36M_17, LANDMARKS_27

FORMAT_SHARES: dict[str, float] = {
    "h36m-17": 0.40,
    "coco-17": 0.13,
    "openpose-body-25": 0.17,
    "openpose-coco-18": 0.08,
    "halpe-26": 0.08,
    "blazepose-33": 0.08,
    "mpii-16": 0.06,
}
"""2D format -> share of the training samples that imitate it."""

_FACE_M: dict[str, tuple[float, float, float]] = {
    "l_eye": (0.032, -0.115, 0.085),
    "r_eye": (-0.032, -0.115, 0.085),
    "l_ear": (0.072, -0.130, 0.0),
    "r_ear": (-0.072, -0.130, 0.0),
    "face_nose": (0.0, -0.150, 0.110),
}
"""From the top of the head: left, up, forward of the head; anthropometry, good to about 2 cm."""

_OFFSET_SD_M: dict[str, float] = {
    **dict.fromkeys(("face_nose", "l_eye", "r_eye", "l_ear", "r_ear"), 0.012),
    **dict.fromkeys(("l_hip", "r_hip", "l_shoulder", "r_shoulder"), 0.018),
    **dict.fromkeys(("l_elbow", "r_elbow", "l_knee", "r_knee", "l_wrist", "r_wrist", "l_ankle", "r_ankle"), 0.014),
    **dict.fromkeys(("l_heel", "r_heel", "l_toe", "r_toe"), 0.017),
    **dict.fromkeys(("head", "neck"), 0.017),
}
"""How far apart detectors put a landmark: spread of a constant offset in the frame of the body part."""

_HIP_HALF_WIDTH_M, _HIP_HALF_WIDTH_SD_M = 0.11, 0.010
_HIP_RAISE_M, _HIP_RAISE_SD_M = 0.02, 0.013
_INDEX = {name: i for i, name in enumerate(LANDMARKS_27.joints)}
_FORMATS = tuple(FORMAT_SHARES)
FORMAT_HAS: Bool[np.ndarray, "formats 27"] = np.stack([LANDMARKS_27_V1[name].made for name in _FORMATS])
"""Landmarks of each format of :data:`FORMAT_SHARES`, from the maps that the inference uses."""
_EXACT = _FORMATS.index("h36m-17")
_SHARED = LANDMARKS_27.indices(name for name in H36M_17.joints)
_FEET = ("l_heel", "r_heel", "l_toe", "r_toe")

_TRUNK = ("hip", "l_hip", "r_hip", "l_knee", "r_knee", "l_ankle", "r_ankle", *_FEET)
_HEAD = ("head", "face_nose", "l_eye", "r_eye", "l_ear", "r_ear")
_PART_OF_LANDMARK = np.array([0 if name in _TRUNK else 2 if name in _HEAD else 1 for name in LANDMARKS_27.joints])


@dataclass(frozen=True)
class Landmarks:
    """Landmarks of segments in 3D."""

    points: Float[np.ndarray, "segments frames 27 3"]
    has: Bool[np.ndarray, "segments 27"]
    """Which of them the segment's format marks at all."""


def draw_formats(rng: np.random.Generator, n: int) -> Int[np.ndarray, " segments"]:
    """A format for each segment, as index into :data:`FORMAT_SHARES`."""
    shares = np.array(list(FORMAT_SHARES.values()))
    return rng.choice(len(shares), size=n, p=shares / shares.sum())


def mark(
    rng: np.random.Generator,
    vectors: Vectors,
    nodes: Float[np.ndarray, "segments frames 23 3"],
    formats: Int[np.ndarray, " segments"],
    *,
    definition_spread: float = 1.0,
) -> Landmarks:
    """The landmarks that a detector of each segment's format marks.

    Human3.6M-17 marks the joints of the recording exactly. Other formats mark hips wider and higher than the joints, a
    face, the neck at the middle of the shoulders and big toes; and each segment places every landmark a little
    differently (constant offsets in the frames of pelvis, chest and head; ``definition_spread`` scales them).
    """
    points = np.zeros((*nodes.shape[:2], len(LANDMARKS_27), 3), dtype=np.float32)
    points[:, :, _SHARED] = nodes[:, :, : len(_SHARED)]
    detector = np.flatnonzero(formats != _EXACT)
    if len(detector):
        points[detector] = _detector_points(rng, vectors[detector], nodes[detector], definition_spread)
    return Landmarks(points, FORMAT_HAS[formats])


def _detector_points(
    rng: np.random.Generator, vectors: Vectors, nodes: Float[np.ndarray, "segments frames 23 3"], spread: float
) -> Float[np.ndarray, "segments frames 27 3"]:
    n = len(vectors)
    pelvis, chest, head = pelvis_frame(vectors), chest_frame(vectors), head_frame(vectors)
    points = np.zeros((*nodes.shape[:2], len(LANDMARKS_27), 3), dtype=np.float32)
    points[:, :, _SHARED] = nodes[:, :, : len(_SHARED)]
    half = _HIP_HALF_WIDTH_M + _HIP_HALF_WIDTH_SD_M * rng.standard_normal((n, 1, 1), dtype=np.float32)
    up = _HIP_RAISE_M + _HIP_RAISE_SD_M * rng.standard_normal((n, 1, 1), dtype=np.float32)
    centre = points[:, :, _INDEX["hip"]]
    for name, sign in (("l_hip", 1), ("r_hip", -1)):
        points[:, :, _INDEX[name]] = centre + sign * half * pelvis[..., 0] + up * pelvis[..., 1]
    top = points[:, :, _INDEX["head"]].copy()
    size = 1 + np.float32(0.06) * rng.standard_normal((n, 1, 1), dtype=np.float32)
    for name, offset in _FACE_M.items():
        points[:, :, _INDEX[name]] = top + size * (head @ np.array(offset, dtype=np.float32))
    along = rng.uniform(0.3, 0.9, (n, 1, 1)).astype(np.float32)
    for side in "lr":
        base, tip = (nodes[:, :, NODES.index(f"{side}_{part}")] for part in ("toe", "toe_tip"))
        points[:, :, _INDEX[f"{side}_toe"]] = base + along * (tip - base)
        points[:, :, _INDEX[f"{side}_heel"]] = nodes[:, :, NODES.index(f"{side}_heel")]
    points += _definition_offsets(rng, (pelvis, chest, head), spread)
    # Formats derive these two from the pairs, after the pairs' own offsets; both keep a little of their own.
    for middle, name in (("hip", "hip"), ("neck", "shoulder")):
        own = np.float32(0.008 * spread) * rng.standard_normal((n, 1, 3), dtype=np.float32)
        pair = points[:, :, _INDEX[f"l_{name}"]] + points[:, :, _INDEX[f"r_{name}"]]
        points[:, :, _INDEX[middle]] = np.float32(0.5) * pair + (pelvis @ own[..., None])[..., 0]
    return points


_SPREADS = np.array([_OFFSET_SD_M.get(name, 0.0) for name in LANDMARKS_27.joints], dtype=np.float32)
_MIRROR = LANDMARKS_27.mirror_permutation


def _definition_offsets(
    rng: np.random.Generator, frames: tuple[np.ndarray, np.ndarray, np.ndarray], spread: float
) -> Float[np.ndarray, "segments frames 27 3"]:
    """A detector's idea of a landmark: an offset that is mostly the same on both sides, constant within the segment."""
    n, n_frames = frames[0].shape[:2]
    shape = (n, len(LANDMARKS_27), 3)
    both = rng.standard_normal(shape, dtype=np.float32)
    mirrored = both[:, _MIRROR] * np.array([-1, 1, 1], dtype=np.float32)
    left = np.array([name.startswith("l_") for name in LANDMARKS_27.joints])
    symmetric = np.where(left[None, :, None], both, mirrored)
    own = rng.standard_normal(shape, dtype=np.float32)
    local = np.float32(spread) * _SPREADS[None, :, None] * (np.float32(0.85) * symmetric + np.float32(0.5) * own)
    out = np.empty((n, n_frames, *shape[1:]), dtype=np.float32)
    for part, frame in enumerate(frames):
        rows = np.flatnonzero(_PART_OF_LANDMARK == part)
        out[:, :, rows] = local[:, None, rows] @ np.swapaxes(frame, -1, -2)
    return out
