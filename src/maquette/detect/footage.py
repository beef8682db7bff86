"""Footage: a video, an animated picture, a photo or a folder of pictures, one picture at a time with its exact time."""

from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from maquette.detect.footage_animation import open_picture
from maquette.detect.footage_folder import open_folder
from maquette.detect.footage_shots import Frame, Reel, Shot
from maquette.detect.footage_video import open_video
from maquette.errors import InputError
from maquette.frozen_arrays import exact_fps
from maquette.readers.input_files import kind_of

__all__ = ["Footage", "Frame", "open_footage"]

_JPEG_VIDEOS = (".mjpg", ".mjpeg")


class Footage:
    """A clip, opened. One picture at a time is in memory; it can be gone through again and again."""

    def __init__(self, source: str, reel: Reel) -> None:
        self.source = source
        self.fps: Fraction = reel.fps
        """Exact rate; where it varies, the usual one."""
        self.is_variable = reel.is_variable
        """The frames do not keep to one rate: only their times count."""
        self.size = reel.size
        """``(width, height)`` of every picture, upright, with square pixels."""
        self.n_frames = reel.n_frames
        """Length of the clip in frames, lost ones included; None if unknown. The decoder may find fewer."""
        self.is_still = reel.is_still
        """One photo, not a clip."""
        self._reel = reel
        self._found: list[str] = []
        self._running: list[Generator[Shot]] = []

    def notes(self) -> list[str]:
        """What was assumed, and what went wrong in the last run through the frames, a sentence each."""
        return [*self._reel.notes, *self._found]

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def frames(self, every: int = 1) -> Iterator[Frame]:
        """The frames whose index is a multiple of ``every``; the others are decoded where they must be, no more."""
        for shot in self.shots():
            if shot.index % every == 0:
                picture = shot.develop(None)
                if picture is not None:
                    yield Frame(shot.index, shot.time_s, picture)

    def shots(self, from_s: float = 0.0) -> Iterator[Shot]:
        """The pictures, not yet turned into pixels; the first may lie before ``from_s``."""
        self._found = []
        shots = self._reel.shots(self._found, from_s)
        self._running.append(shots)
        try:
            yield from shots
        finally:
            if shots in self._running:
                self._running.remove(shots)

    def close(self) -> None:
        """Close the file if a run through it was left half done; may be called twice."""
        while self._running:
            self._running.pop().close()

    def __enter__(self) -> "Footage":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_footage(path: str | Path, *, fps: Fraction | float | int | str | None = None) -> Footage:
    """Open a video, an animated GIF, WebP or PNG, a photo, or a folder of pictures.

    Args:
        fps: for a folder, the rate at which its pictures were taken (30 is assumed, and said). For a video, the rate
            to play it at instead of the times in the file, as for slow motion; None for those.

    Raises:
        InputError: nothing there, or nothing in it that can be seen.
    """
    where, rate = Path(path), None if fps is None else exact_fps(fps)
    if kind_of(where) == "folder":
        return Footage(str(path), open_folder(where, rate))
    if where.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty; expected a video or a picture")
    # To Pillow, a string of JPEGs is its first one.
    reel = None if where.suffix.lower() in _JPEG_VIDEOS else open_picture(where, rate)
    return Footage(str(path), reel or open_video(where, rate))
