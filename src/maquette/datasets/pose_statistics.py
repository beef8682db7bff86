"""Means and standard deviations that Martinez et al. 2017 normalise with, and which coordinates their network sees.

Vectors have the length of Human3.6M's 32 joints: 64 values in 2D (pixels, x and y of each joint), 96 in 3D
(millimetres, relative to the hip). The network sees 16 joints in 2D (all named ones but the "Neck/Nose", which Stacked
Hourglass does not give) and predicts 16 (all but the hip), or 14 (without spine and "Neck/Nose" as well).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from maquette.errors import InputError
from maquette.formats.npz import array_names, read_array
from maquette.runtime.spec import Statistics
from maquette.skeletons import H36M_17, H36M_32

INPUT_JOINTS = tuple(name for name in H36M_17.joints if name != "nose")
"""Joints that go in, by their names in h36m-17; in Human3.6M's order."""
JOINTS = len(H36M_32)
_NOT_IN_14 = ("spine", "nose")
_TABLE = "h36m_standard_scores.json"
_NAMES = {"mean_2d_px": 2, "std_2d_px": 2, "mean_3d_mm": 3, "std_3d_mm": 3}


def output_joints(predict_14: bool) -> tuple[str, ...]:
    """Joints that come out: 16, or 14."""
    return tuple(n for n in H36M_17.joints[1:] if not (predict_14 and n in _NOT_IN_14))


def columns(joints: Iterable[str], dims: int) -> Int[np.ndarray, " columns"]:
    """Where the coordinates of ``joints`` stand in a vector of all 32 joints with ``dims`` coordinates each."""
    places = np.array(H36M_32.indices(tuple(joints)))
    return (places[:, None] * dims + np.arange(dims)).ravel()


INPUT_COLUMNS = columns(INPUT_JOINTS, 2)
"""The 32 of 64 coordinates that the network sees."""


@dataclass(frozen=True, eq=False)
class PoseStatistics:
    """Mean and standard deviation (of the population) of every coordinate of the training set.

    Raises:
        InputError: vectors of another length; a coordinate that the network sees without a finite mean and a positive
            deviation.
    """

    mean_2d_px: Float[np.ndarray, "64"]
    std_2d_px: Float[np.ndarray, "64"]
    """0 for joints that the 2D points do not have, NaN where nobody knows."""
    mean_3d_mm: Float[np.ndarray, "96"]
    std_3d_mm: Float[np.ndarray, "96"]
    source: str
    """Where they come from, in words."""

    def __post_init__(self) -> None:
        problems = []
        for name, dims in _NAMES.items():
            array = np.array(getattr(self, name), dtype=np.float64)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
            if array.shape != (dims * JOINTS,):
                problems.append(f"{name} has shape {array.shape}, expected {dims * JOINTS} values of {JOINTS} joints")
                continue
            used = INPUT_COLUMNS if dims == 2 else columns(output_joints(False), 3)
            low = 0 if name.startswith("std") else -np.inf
            wrong = [int(c) for c in used if not (np.isfinite(array[c]) and array[c] > low)]
            if wrong:
                what = ", ".join(dict.fromkeys(H36M_32.joints[c // dims] for c in wrong))
                problems.append(f"{name} of {what}: expected {'positive' if low == 0 else 'finite'} numbers")
        if problems:
            raise InputError.from_problems(f"statistics ({self.source})", problems)

    def normalised_2d(self, points_px: Float[np.ndarray, "frames 64"]) -> Float[np.ndarray, "frames 32"]:
        """Standard scores of what the network sees."""
        used = INPUT_COLUMNS
        return (points_px[:, used] - self.mean_2d_px[used]) / self.std_2d_px[used]

    def normalised_3d(
        self, positions_mm: Float[np.ndarray, "frames 96"], *, predict_14: bool = False
    ) -> Float[np.ndarray, "frames outputs"]:
        """Standard scores of what it predicts, of positions relative to the hip."""
        used = columns(output_joints(predict_14), 3)
        return (positions_mm[:, used] - self.mean_3d_mm[used]) / self.std_3d_mm[used]

    def points_px(self, scores: Float[np.ndarray, "frames 32"]) -> Float[np.ndarray, "frames 64"]:
        """Back from :meth:`normalised_2d`; joints that the network does not see are at their mean (published)."""
        return _restored(scores, INPUT_COLUMNS, self.mean_2d_px, self.std_2d_px)

    def positions_mm(
        self, scores: Float[np.ndarray, "frames outputs"], *, predict_14: bool = False
    ) -> Float[np.ndarray, "frames 96"]:
        """Back from :meth:`normalised_3d`; joints that are not predicted are at their mean (published)."""
        return _restored(scores, columns(output_joints(predict_14), 3), self.mean_3d_mm, self.std_3d_mm)

    def for_spec(self, *, predict_14: bool = False) -> Statistics:
        """What the spec of a model file holds: the coordinates that go in and come out."""
        seen, predicted = INPUT_COLUMNS, columns(output_joints(predict_14), 3)
        return Statistics(
            source=self.source,
            input_mean=self.mean_2d_px[seen].tolist(),
            input_std=self.std_2d_px[seen].tolist(),
            output_mean=self.mean_3d_mm[predicted].tolist(),
            output_std=self.std_3d_mm[predicted].tolist(),
        )

    def to_json(self) -> bytes:
        """As :func:`statistics_from_file` reads it."""
        vectors = {name: [None if np.isnan(v) else v for v in getattr(self, name).tolist()] for name in _NAMES}
        return json.dumps({"source": self.source, **vectors}, indent=1).encode()


def _restored(
    scores: Float[np.ndarray, "frames used"], used: Int[np.ndarray, " used"], mean: np.ndarray, std: np.ndarray
) -> Float[np.ndarray, "frames all"]:
    full = np.broadcast_to(mean, (len(scores), len(mean))).copy()
    full[:, used] += scores * std[used]
    return full


class _Moments:
    """Mean and deviation of vectors that come in pieces (Chan et al. 1979), without a copy of all of them."""

    def __init__(self, dims: int) -> None:
        self.n = 0
        self.mean = np.zeros(dims)
        self._squares = np.zeros(dims)

    def add(self, rows: Float[np.ndarray, "rows dims"]) -> None:
        """Take in one piece."""
        n, mean = len(rows), rows.mean(axis=0)
        apart, total = mean - self.mean, self.n + n
        self._squares += np.square(rows - mean).sum(axis=0) + np.square(apart) * (self.n * n / total)
        self.mean = self.mean + apart * (n / total)
        self.n = total

    @property
    def std(self) -> Float[np.ndarray, " dims"]:
        """Of the population, as ``numpy.std``."""
        return np.sqrt(self._squares / max(self.n, 1))


def statistics_from_data(
    points_px: Iterable[Float[np.ndarray, "frames 64"]],
    positions_mm: Iterable[Float[np.ndarray, "frames 96"]],
    source: str,
) -> PoseStatistics:
    """Statistics of a training set, given sequence by sequence.

    Args:
        points_px: of every camera.
        positions_mm: relative to the hip, in the camera's frame of every camera or in the world's.
        source: what they are computed from, in words.

    Raises:
        InputError: there is no frame, or a coordinate never changes.
    """
    seen, stood = _Moments(2 * JOINTS), _Moments(3 * JOINTS)
    for rows in points_px:
        seen.add(rows)
    for rows in positions_mm:
        stood.add(rows)
    if not seen.n or not stood.n:
        raise InputError(f"statistics ({source}): no frame to compute them from")
    return PoseStatistics(seen.mean, seen.std, stood.mean, stood.std, source)


def published_statistics(points: str, *, camera_frame: bool = True) -> PoseStatistics:
    """The tables that others published for Human3.6M's training subjects.

    Args:
        points: ``sh``: Stacked Hourglass' own detections, which the published checkpoint is said to be trained on (not
            the fine-tuned ones); ``gt``: exact 2D points.
        camera_frame: of the targets; there is no table for the world's.

    Raises:
        InputError: nobody published such statistics.
    """
    table = json.loads(files("maquette.datasets").joinpath(_TABLE).read_text(encoding="utf-8"))
    if points not in ("sh", "gt") or not camera_frame:
        raise InputError(
            f"no published statistics of 2D '{points}' in the {'camera' if camera_frame else 'world'} frame; there are "
            "those of sh and gt in the camera frame; compute others from the data"
        )
    seen, stood = table[points], table["camera_frame"]
    vectors = [np.array(part[key], dtype=np.float64) for part in (seen, stood) for key in ("mean", "std")]
    return PoseStatistics(*vectors, source=f"Human3.6M: {seen['source']}; {stood['source']}")


def statistics_from_file(path: str | Path) -> PoseStatistics:
    """Statistics from a ``.json`` or ``.npz`` file with four vectors, named ``mean_2d_px``, ``std_2d_px``,
    ``mean_3d_mm``, ``std_3d_mm`` (or, as the published program calls them, ``data_mean_2d``, ``data_std_2d``,
    ``data_mean_3d``, ``data_std_3d``).

    A vector has the values of all 32 joints (64 or 96), or those that the network sees (32 or 48).

    Raises:
        InputError: the file cannot be read, or lacks a vector, or one has another length; all of it at once.
    """
    path = Path(path)
    found = _vectors_of(path)
    vectors, problems = {}, []
    for name, dims in _NAMES.items():
        key = next((k for k in (name, "data_" + name.rsplit("_", 1)[0], name.rsplit("_", 1)[0]) if k in found), None)
        if key is None:
            problems.append(f"no '{name}'; there are: {', '.join(found) or 'none'}")
            continue
        try:
            vector = np.array(found[key], dtype=np.float64).ravel()
        except (TypeError, ValueError):
            problems.append(f"'{key}' is no list of numbers")
            continue
        used = INPUT_COLUMNS if dims == 2 else columns(output_joints(False), 3)
        if len(vector) == len(used):
            vectors[name] = np.full(dims * JOINTS, np.nan)
            vectors[name][used] = vector
        elif len(vector) == dims * JOINTS:
            vectors[name] = vector
        else:
            problems.append(f"'{key}' has {len(vector)} values, expected {dims * JOINTS} or {len(used)}")
    if problems:
        raise InputError.from_problems(str(path), problems)
    said = found.get("source")
    return PoseStatistics(**vectors, source=f"file {path.name}" + (f": {said}" if isinstance(said, str) else ""))


def _vectors_of(path: Path) -> dict[str, Any]:
    """What the file holds, by name."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if data.startswith(b"PK"):
        where = str(path)
        found = {name: read_array(data, name, where) for name in array_names(data, where)}
        return {name: str(value) if value.dtype.kind == "U" else value for name, value in found.items()}
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: neither an .npz archive nor JSON ({error})") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: holds a JSON {type(found).__name__}, expected an object with four lists of numbers")
    return found
