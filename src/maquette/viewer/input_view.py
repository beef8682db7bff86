"""The 2D input on the page: in the panel and in the camera that saw it; in recordings on a sheet in the scene."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from maquette.viewer.frustum import Frustum
from maquette.viewer.input_pictures import InputPictures
from maquette.viewer.picture_worker import PictureWorker

if TYPE_CHECKING:
    import viser

_SHEET_HEIGHT_M = 1.4
_JPEG_QUALITY = 80


class InputView:
    """Shows the pictures wherever they are to be seen. Made inside the panel's tab."""

    def __init__(self, server: "viser.ViserServer", pictures: InputPictures, frustums: Sequence[Frustum]) -> None:
        self._server, self._pictures, self._frustums = server, pictures, frustums
        self._sheet: viser.ImageHandle | None = None
        self.image = server.gui.add_image(pictures.picture(0.0), format="jpeg", jpeg_quality=_JPEG_QUALITY)
        self._worker: PictureWorker | None = PictureWorker(pictures, self._send)
        self._position_s = np.nan

    def show(self, position_s: float) -> None:
        """Show the picture of a time, soon."""
        if self._worker is not None and position_s != self._position_s:
            self._position_s = position_s
            self._worker.ask(position_s)

    def again(self) -> None:
        """Show the same picture once more, where it was not seen before."""
        self._position_s = np.nan

    def settle(self) -> None:
        """Wait until what was asked for is shown."""
        if self._worker is not None:
            self._worker.settle()

    def stand_in_scene(self, start_m: Float[np.ndarray, "3"], front: Float[np.ndarray, "3 3"]) -> None:
        """From now on also on a sheet beside a person who begins at ``start_m``; ``front`` is the view it faces
        (rows right, up, towards the viewer). Pictures are then drawn by :meth:`record` only."""
        self._stop_worker()
        wide, high = self._pictures.size
        width_m = _SHEET_HEIGHT_M * wide / high
        right, _, towards = front
        position = start_m - (0.9 + width_m / 2) * right - 0.3 * towards
        self._sheet = self._server.scene.add_image(
            "/input",
            self._pictures.picture(0.0),
            render_width=width_m,
            render_height=_SHEET_HEIGHT_M,
            position=(position[0], 0.5 * _SHEET_HEIGHT_M + 0.15, position[2]),
            wxyz=_facing(towards),
            cast_shadow=False,
            receive_shadow=False,
            jpeg_quality=_JPEG_QUALITY,
        )

    def record(self, position_s: float) -> None:
        """Draw and send the picture of a time before anything else is done."""
        self._send(self._pictures.picture(position_s))

    def close(self) -> None:
        """End the thread and close the video."""
        self._stop_worker()
        self._pictures.close()

    def _stop_worker(self) -> None:
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def _send(self, picture: UInt8[np.ndarray, "height width 3"]) -> None:
        if self._sheet is not None:
            self._sheet.image = picture
        else:
            self.image.image = picture
            seen = next((frustum for frustum in self._frustums if frustum.shown), None)
            if seen is not None:
                seen.show(picture)


def _facing(towards: Float[np.ndarray, "3"]) -> tuple[float, float, float, float]:
    """Turn (wxyz) about the vertical after which a picture looks in a horizontal direction, its top upwards."""
    half = np.arctan2(towards[0], towards[2]) / 2
    # viser's pictures lie in x and y with y down the picture, like a camera's: half a turn about x sets them upright.
    turn_y, turn_x = (np.cos(half), np.sin(half)), (0.0, 1.0)
    return (
        float(turn_y[0] * turn_x[0]),
        float(turn_y[0] * turn_x[1]),
        float(turn_y[1] * turn_x[0]),
        float(-turn_y[1] * turn_x[1]),
    )
