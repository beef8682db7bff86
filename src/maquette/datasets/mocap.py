"""Open motion capture as bone vectors: stores ``cmu_landmarks.npz``, ``hdm_landmarks.npz`` with their ``index.json``.

A pose is an array of 25 *vectors*: the position of the hip, the vector of each bone (child minus parent) of 22 nodes,
and the head's forward and up axes (unit vectors). Turning a limb is turning some rows; a body of other proportions is
other lengths of the rows; :func:`positions_of` adds them up along the skeleton.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.skeletons import LIFTED_21

NODES = (*LIFTED_21.joints, "l_toe_tip", "r_toe_tip")
PARENTS = (*LIFTED_21.parents, LIFTED_21.index("l_toe"), LIFTED_21.index("r_toe"))
HEAD_FORWARD, HEAD_UP = len(NODES), len(NODES) + 1
VECTORS = len(NODES) + 2
"""Rows of a pose: the hip's position, 22 bones, 2 axes of the head."""

_STORE_NAMES = (
    "Hip RHip RKnee RAnkle LHip LKnee LAnkle Spine Thorax Nose Head LShoulder LElbow LWrist RShoulder RElbow RWrist "
    "LHeel RHeel LToeBase RToeBase LToeTip RToeTip LHandKnuckle RHandKnuckle LHandTip RHandTip "
    "HeadBase HeadForward HeadUp"
).split()
_TOE_BONE_M = 0.065  # of rigs whose foot ends at the toe base
_POP_M_PER_S, _POP_FRAMES = 8.0, 5  # some rigs jump from a start pose into the motion within their first frames


@dataclass(frozen=True)
class Clip:
    """One recording at 50 fps, world frame, Y up, metres."""

    name: str
    """``subject/clip``."""
    subject: str
    split: str
    action: str
    rig: str
    vectors: Float[np.ndarray, "frames 25 3"]

    def __len__(self) -> int:
        return len(self.vectors)


def positions_of(vectors: Float[np.ndarray, "*batch 25 3"]) -> Float[np.ndarray, "*batch 23 3"]:
    """Positions of the nodes: maquette-21, then the tips of the toes."""
    out = np.empty((*vectors.shape[:-2], len(NODES), 3), dtype=vectors.dtype)
    out[..., 0, :] = vectors[..., 0, :]
    for node in _ORDER[1:]:
        np.add(out[..., PARENTS[node], :], vectors[..., node, :], out=out[..., node, :])
    return out


def _parents_first() -> tuple[int, ...]:
    tips = (len(LIFTED_21), len(LIFTED_21) + 1)
    return (*LIFTED_21.order, *tips)


_ORDER = _parents_first()


def load_clips(folder: str | Path, keep: Callable[[dict], bool] = lambda entry: True) -> list[Clip]:
    """The clips of a store whose entry of ``index.json`` passes ``keep``, in the order of the index.

    The first frames of clips whose rig jumps out of a start pose are dropped.

    Raises:
        InputError: the folder has no index, no landmark store, or lacks clips that the index lists.
    """
    folder = Path(folder)
    stores = sorted(folder.glob("*_landmarks.npz"))
    if not (folder / "index.json").is_file() or len(stores) != 1:
        raise InputError(f"{folder}: expected index.json and one *_landmarks.npz; give the folder of a mocap store")
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    with np.load(stores[0], allow_pickle=False) as store:
        missing = sorted(set(index) - set(store.files))
        if missing:
            raise InputError(f"{stores[0]}: lacks {len(missing)} clips of index.json, the first is '{missing[0]}'")
        return [
            Clip(name, entry["subject"], entry["split"], entry["action"], entry["rig"], _vectors(store[name]))
            for name, entry in index.items()
            if keep(entry)
        ]


def clips_of_split(clips: Iterable[Clip], split: str) -> list[Clip]:
    """Those of ``split``.

    Raises:
        InputError: there are none; the text lists the splits there are.
    """
    clips = list(clips)
    chosen = [clip for clip in clips if clip.split == split]
    if not chosen:
        raise InputError(f"no clip of split '{split}'; there are: {', '.join(sorted({c.split for c in clips}))}")
    return chosen


def _vectors(landmarks: Float[np.ndarray, "frames 30 3"]) -> Float[np.ndarray, "kept 25 3"]:
    points = landmarks[first_frame(landmarks) :]
    at = {name: points[:, i] for i, name in enumerate(_STORE_NAMES)}
    for side in "LR":
        heel, toe, tip = (at[side + part] for part in ("Heel", "ToeBase", "ToeTip"))
        along = toe - heel
        filled = toe + _TOE_BONE_M * along / np.linalg.norm(along, axis=-1, keepdims=True)
        at[side + "ToeTip"] = np.where(np.isnan(tip), filled, tip)
    names = [*_STORE_NAMES[:17], "LHeel", "RHeel", "LToeBase", "RToeBase", "LToeTip", "RToeTip"]
    nodes = np.stack([at[name] for name in names], axis=1)
    out = np.empty((len(points), VECTORS, 3), dtype=np.float32)
    out[:, 0] = nodes[:, 0]
    for node in range(1, len(NODES)):
        out[:, node] = nodes[:, node] - nodes[:, PARENTS[node]]
    out[:, HEAD_FORWARD], out[:, HEAD_UP] = at["HeadForward"], at["HeadUp"]
    return out


def first_frame(landmarks: Float[np.ndarray, "frames joints 3"], fps: float = 50.0) -> int:
    """5 where one of the 17 joints moves faster than 8 m/s between the first two frames, else 0."""
    if len(landmarks) < 2 * _POP_FRAMES:
        return 0
    speed = np.linalg.norm(landmarks[1, :17] - landmarks[0, :17], axis=-1).max() * fps
    return _POP_FRAMES if speed > _POP_M_PER_S else 0
