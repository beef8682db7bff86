"""A store: recordings in 3D with what cameras saw of them, as memory-mapped arrays in one folder.

``store.json`` lists recordings, cameras and 2D sources; ``positions.npy`` (rows, joints, 3) holds the world positions
in metres of all recordings, one after the other; ``keypoints_SOURCE.npy`` (rows, joints, 2 or 3) the points in pixels
(with a score). World frame: that of the data set (Human3.6M: Z up); cameras stand in the same frame.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.datasets.store_array import map_array
from maquette.datasets.store_document import decode_records
from maquette.datasets.store_records import Recording, Source, View
from maquette.datasets.store_writer import StoreWriter
from maquette.errors import InputError
from maquette.skeleton import Skeleton

__all__ = ["PoseStore", "Recording", "Source", "StoreWriter", "View", "open_store"]


@dataclass(frozen=True, eq=False)
class PoseStore:
    """An open store. Arrays are read-only views into the files; pickling it (for a worker process) sends its path."""

    path: Path
    name: str
    skeleton: Skeleton
    """Joints of the 3D positions."""
    sources: dict[str, Source]
    recordings: tuple[Recording, ...]
    """In the order of the original layout."""
    notes: tuple[str, ...]
    """What the preparation left out or assumed."""
    _positions: Float[np.ndarray, "rows joints 3"] = field(repr=False)
    _keypoints: dict[str, np.ndarray] = field(repr=False)

    def __reduce__(self) -> tuple:
        return open_store, (self.path,)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subjects, in the order of the recordings."""
        return tuple(dict.fromkeys(recording.subject for recording in self.recordings))

    def positions_world_m(self, recording: Recording) -> Float[np.ndarray, "frames joints 3"]:
        """A view into the file, in its type (float32 or float64)."""
        return self._positions[recording.start : recording.start + recording.frames]

    def positions_camera_m(self, recording: Recording, view: View) -> Float[np.ndarray, "frames joints 3"]:
        """The recording in the frame of one camera, float64."""
        return view.camera.world_to_camera(self.positions_world_m(recording))

    def keypoints_px(
        self, recording: Recording, view: View, source: str
    ) -> Float[np.ndarray, "points_frames joints channels"]:
        """A view into the file. Detections can be longer or shorter than the 3D; frame 0 is the same.

        Raises:
            InputError: the camera has no points of this source; the text lists those it has.
        """
        if source not in view.rows:
            has = ", ".join(view.rows) or "none"
            raise InputError(
                f"{self.path}: {recording}, camera {view.camera_name}: no 2D points of '{source}'; there are: {has}"
            )
        start, frames = view.rows[source]
        return self._keypoints[source][start : start + frames]


def open_store(path: str | Path) -> PoseStore:
    """Open the store in the folder ``path``.

    Raises:
        InputError: no store, or one whose files are missing, damaged or contradict each other; all of it at once.
    """
    path = Path(path)
    listing = path / "store.json"
    if not listing.is_file():
        raise InputError(f"{path}: is no store (no store.json); make one with: maquette prepare")
    try:
        data = listing.read_bytes()
    except OSError as error:
        raise InputError(f"{listing}: cannot be read ({error.strerror or error})") from None
    records = decode_records(data, str(path))
    problems: list[str] = []
    positions = map_array(path / "positions.npy", records.positions, (len(records.skeleton), 3), problems)
    keypoints = {
        s.name: map_array(path / s.file_name, records.keypoints[s.name], (len(s.skeleton), s.channels), problems)
        for s in records.sources
    }
    if problems:
        raise InputError.from_problems(f"{path} (prepare it again)", problems)
    return PoseStore(
        path,
        records.name,
        records.skeleton,
        {source.name: source for source in records.sources},
        records.recordings,
        records.notes,
        positions,
        keypoints,
    )
