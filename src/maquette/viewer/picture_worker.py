"""Pictures of the 2D input, drawn behind the clock's back."""

import logging
import threading
from collections.abc import Callable

import numpy as np

from maquette.errors import MaquetteError
from maquette.viewer.input_pictures import InputPictures

_LOG = logging.getLogger(__name__)


class PictureWorker:
    """Draws the picture that was asked for last, in a thread of its own: a slow video must not hold up the 3D."""

    def __init__(self, pictures: InputPictures, show: Callable[[np.ndarray], None]) -> None:
        self._pictures, self._show = pictures, show
        self._wanted_s: float | None = None
        self._busy = False
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="maquette-viewer-pictures", daemon=True)
        self._thread.start()

    def ask(self, position_s: float) -> None:
        """Show the picture of a time as soon as may be. Of those asked for meanwhile only the last is drawn."""
        with self._changed:
            self._wanted_s = position_s
            self._changed.notify_all()

    def settle(self, timeout_s: float = 30.0) -> None:
        """Wait until what was asked for is shown."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or (self._wanted_s is None and not self._busy), timeout_s)

    def stop(self) -> None:
        """End the thread."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._ended or self._wanted_s is not None)
                if self._ended:
                    return
                position_s, self._wanted_s, self._busy = self._wanted_s, None, True
            try:
                self._show(self._pictures.picture(position_s or 0.0))
            except MaquetteError as error:
                _LOG.warning("%s", error)
