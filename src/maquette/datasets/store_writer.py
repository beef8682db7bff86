"""Writes a store: recordings one after the other, each array straight to its file."""

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import numpy as np
from jaxtyping import Float

from maquette.datasets.prepared_folder import check_target
from maquette.datasets.store_array import ArrayFile
from maquette.datasets.store_document import encode_records
from maquette.datasets.store_records import Recording, Source, StoreRecords, View
from maquette.errors import InputError, OutputError
from maquette.frozen_arrays import exact_fps
from maquette.geometry.camera import Camera
from maquette.skeleton import Skeleton

_LISTING = "store.json"


class StoreWriter:
    """Fills a folder beside ``path``, which takes the name ``path`` when the block ends well; else nothing is left.

    Recordings keep the order in which they are added. The type of an array is that of what is added first, and all
    that follows must have it: float64 stays float64. Example::

        with StoreWriter("h36m", name="Human3.6M", skeleton=H36M_32, sources=[Source("gt", H36M_32)]) as writer:
            number = writer.add_recording("S1", "Walking", positions_world_m, fps=50, cameras={"54138969": camera})
            writer.add_keypoints(number, "54138969", "gt", points_px)

    Args:
        path: the store; its folder is made if need be.
        name: what is in it, for people to read.
        skeleton: joints of the 3D positions.
        sources: 2D sources; one that gets no points is an error.
        overwrite: replace a store that is there already.

    Raises:
        OutputError: something is at ``path`` that may not be replaced, or the disk refuses.
        InputError: two 2D sources have one name.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        name: str,
        skeleton: Skeleton,
        sources: Sequence[Source],
        overwrite: bool = False,
    ) -> None:
        self.path = Path(os.path.realpath(path))
        self.notes: list[str] = []
        """Lines on what was left out or assumed, kept with the store."""
        self._name, self._skeleton, self._overwrite = name, skeleton, overwrite
        self._announced = tuple(sources)
        if len({source.name for source in sources}) != len(sources):
            raise InputError(f"2D sources repeat: {', '.join(source.name for source in sources)}")
        check_target(self.path, _LISTING, "a store", overwrite)
        self._sources: dict[str, Source] = {}
        self._recordings: list[Recording] = []
        self._folder: Path
        self._positions: ArrayFile
        self._keypoints: dict[str, ArrayFile] = {}

    def __enter__(self) -> "StoreWriter":
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix=f".{self.path.name}.", suffix=".part", dir=self.path.parent))
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written ({error.strerror or error})") from error
        try:
            self._positions = ArrayFile(self._folder / "positions.npy", (len(self._skeleton), 3))
            for source in self._announced:
                self.add_source(source)
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise OutputError(f"{self.path}: cannot be written ({error.strerror or error})") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        except OSError as problem:
            raise OutputError(f"{self.path}: cannot be written ({problem.strerror or problem})") from problem
        finally:
            for array in (self._positions, *self._keypoints.values()):
                # On a full disk, closing fails as the last write did.
                with suppress(OSError):
                    array.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def add_source(self, source: Source) -> None:
        """Announce one more 2D source.

        Raises:
            InputError: there is one of that name.
        """
        if source.name in self._sources:
            raise InputError(f"{self.path}: two 2D sources are called '{source.name}'")
        file = ArrayFile(self._folder / source.file_name, (len(source.skeleton), source.channels))
        self._sources[source.name], self._keypoints[source.name] = source, file

    def add_recording(
        self,
        subject: str,
        action: str,
        positions_world_m: Float[np.ndarray, "frames joints 3"],
        *,
        fps: Fraction | float | int,
        cameras: Mapping[str, Camera],
    ) -> int:
        """Append one take, seen by ``cameras`` (name -> camera, in their order); returns its number.

        Raises:
            InputError: it is there already, no frames, or another shape or type than the rest.
            OutputError: the disk refuses.
        """
        name = f"{subject} {action}"
        if any(r.subject == subject and r.action == action for r in self._recordings):
            raise InputError(f"{name}: added twice to {self.path}")
        start = self._append(self._positions, positions_world_m, f"{name}: 3D positions")
        views = tuple(View(camera_name, camera) for camera_name, camera in cameras.items())
        recording = Recording(subject, action, start, len(positions_world_m), exact_fps(fps), views)
        self._recordings.append(recording)
        return len(self._recordings) - 1

    def add_keypoints(
        self, recording: int, camera_name: str, source: str, points_px: Float[np.ndarray, "frames joints channels"]
    ) -> None:
        """Append what ``source`` found in the pictures of one camera.

        Raises:
            InputError: no such recording, camera or source; points that are there already or of another shape or type.
            OutputError: the disk refuses.
        """
        if not 0 <= recording < len(self._recordings):
            raise InputError(f"recording number {recording} of {len(self._recordings)}")
        taken = self._recordings[recording]
        what = f"{taken}, camera {camera_name}: points of '{source}'"
        view = next((view for view in taken.views if view.camera_name == camera_name), None)
        if view is None or source not in self._keypoints:
            raise InputError(f"{what}: no such camera or 2D source was announced")
        if source in view.rows:
            raise InputError(f"{what}: added twice")
        start = self._append(self._keypoints[source], points_px, what)
        assert isinstance(view.rows, dict)
        view.rows[source] = (start, len(points_px))

    def written_keypoints_px(
        self, recording: int, camera_name: str, source: str
    ) -> Float[np.ndarray, "frames joints channels"]:
        """What :meth:`add_keypoints` took, read back from the file."""
        view = next(view for view in self._recordings[recording].views if view.camera_name == camera_name)
        return self._keypoints[source].read(*view.rows[source])

    def _append(self, array: ArrayFile, values: np.ndarray, what: str) -> int:
        try:
            return array.append(values, what)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written ({error.strerror or error})") from error

    def _finish(self) -> None:
        """Headers, ``store.json`` last, then the name: what was killed before cannot be opened."""
        problems = [] if self._recordings else ["no recordings were added"]
        problems += [f"no points of 2D source '{name}' were added" for name, a in self._keypoints.items() if not a.rows]
        if problems:
            raise InputError.from_problems(str(self.path), problems)
        records = StoreRecords(
            self._name,
            self._skeleton,
            self._positions.finish(),
            tuple(self._sources.values()),
            {name: array.finish() for name, array in self._keypoints.items()},
            tuple(self._recordings),
            tuple(self.notes),
        )
        (self._folder / _LISTING).write_bytes(encode_records(records))
        # mkdtemp makes folders private to the user; a store is an ordinary folder.
        umask = os.umask(0)
        os.umask(umask)
        self._folder.chmod(0o777 & ~umask)
        check_target(self.path, _LISTING, "a store", self._overwrite)
        if not self.path.exists():
            self._folder.rename(self.path)
            return
        old = self._folder.with_suffix(".old")
        self.path.rename(old)
        try:
            self._folder.rename(self.path)
        except OSError:
            old.rename(self.path)
            raise
        shutil.rmtree(old)
