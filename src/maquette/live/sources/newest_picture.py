"""The newest picture, passed from the thread that grabs to the thread that looks; older ones are dropped."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from maquette.detect.detector import Picture


@dataclass(frozen=True, eq=False)
class Grabbed:
    """A picture that has not been turned into pixels yet."""

    develop: Callable[[], Picture | None]
    """The pixels; None if they turn out to be unreadable."""
    grabbed_s: float
    """By ``time.monotonic()``."""
    time_s: float | None
    """By the camera's or the file's clock."""
    number: int | None


class NewestPicture:
    """One place, for one grabber and one looker."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._newest: Grabbed | None = None
        self._ended = False
        self.dropped = 0
        """Pictures that nobody looked at, because a newer one came."""

    def put(self, picture: Grabbed) -> None:
        """Offer a picture in place of the one that still waits."""
        with self._changed:
            self.dropped += self._newest is not None
            self._newest = picture
            self._changed.notify()

    def take(self) -> Grabbed | None:
        """The newest picture, waited for; None when there will be no more."""
        with self._changed:
            while self._newest is None and not self._ended:
                self._changed.wait()
            newest, self._newest = self._newest, None
            return newest

    def end(self, *, at_once: bool = False) -> None:
        """There will be no more; ``at_once`` leaves out what waits."""
        with self._changed:
            self._ended = True
            if at_once:
                self._newest = None
            self._changed.notify()
