"""Pictures of a video in any order: forwards it reads on, backwards or far ahead it jumps."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from maquette.detect.footage import open_footage
from maquette.detect.footage_shots import Shot

_READ_ON_S = 2.0
"""A jump costs decoding from the last key picture on. They lie some seconds apart, so reading on is as quick up to
here."""


class FootageReader:
    """A video, opened. Only the picture asked for is turned into pixels.

    Raises:
        InputError: the file is missing, or nothing in it can be seen.
    """

    def __init__(self, path: Path, fps: Fraction | None = None) -> None:
        self._footage = open_footage(path, fps=fps)
        self.size = self._footage.size
        # A time that falls on a picture's own, give or take rounding in the container, means that picture.
        self._slack_s = 0.25 / float(self._footage.fps)
        self._shots: Iterator[Shot] = iter(())
        self._now: Shot | None = None
        self._next: Shot | None = None
        self._developed: tuple[Shot, tuple[int, int], Image.Image] | None = None

    def picture(self, time_s: float, size: tuple[int, int]) -> Image.Image | None:
        """The picture on show at a time, scaled; the first before the start, the last after the end. None where it
        cannot be decoded."""
        self._go_to(time_s + self._slack_s)
        if self._now is None:
            return None
        if self._developed is None or self._developed[:2] != (self._now, size):
            pixels = self._now.develop(size)
            if pixels is None:
                return None
            self._developed = (self._now, size, Image.fromarray(np.asarray(pixels)))
        return self._developed[2]

    def close(self) -> None:
        """Close the file."""
        self._footage.close()

    def _go_to(self, time_s: float) -> None:
        now, following = self._now, self._next
        if now is None or (now.time_s > time_s and now.index > 0) or time_s > now.time_s + _READ_ON_S:
            if now is None or following is not None or now.time_s > time_s:
                self._footage.close()
                self._shots = self._footage.shots(from_s=max(time_s, 0.0))
                self._now, self._next = next(self._shots, None), next(self._shots, None)
        while self._next is not None and self._next.time_s <= time_s:
            self._now, self._next = self._next, next(self._shots, None)
