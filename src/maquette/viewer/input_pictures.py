"""The 2D input as pictures: the keypoints, on the video if there is one."""

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from maquette.keypoints import Keypoints
from maquette.render.look import PAPER
from maquette.render.panels import KeypointsPanel, keypoints_panel
from maquette.viewer.entries import Input2D
from maquette.viewer.footage_reader import FootageReader

_LONGER_SIDE_PX = 480
_OVERSAMPLING = 2
_WIDEST, _TALLEST = 2.5, 0.5


class InputPictures:
    """Draws one picture at a time.

    Raises:
        InputError: a video that cannot be read.
    """

    def __init__(self, given: Input2D, start_s: float = 0.0) -> None:
        """``start_s`` is the time of the first motion's first frame, in the keypoints' time."""
        self._given, self._start_s = given, start_s
        self._footage = None if given.video is None else FootageReader(given.video, given.video_fps)
        self.size = _size(given.keypoints, self._footage)
        self._panel: KeypointsPanel | None = None
        self._times_s: Float[np.ndarray, " frames"] = np.zeros(0)
        if given.keypoints is not None:
            image_size = given.keypoints.image_size or (self._footage.size if self._footage else None)
            box = (0, 0, *self.size)
            unit_px = max(10.0, self.size[1] / 30)
            # Without a label: the page says what it is.
            self._panel = keypoints_panel(box, given.keypoints, image_size, on_video=True, unit_px=unit_px)
            self._times_s = given.keypoints.times_s

    def picture(self, position_s: float) -> UInt8[np.ndarray, "height width 3"]:
        """The picture at a time after the first motion's first frame."""
        time_s = self._start_s + position_s
        picture = Image.new("RGB", self.size, PAPER)
        if self._panel is None:
            footage = self._shot(time_s, self.size)
            if footage is not None:
                picture.paste(footage)
            return np.asarray(picture)
        left, top, right, bottom = self._panel.sheet
        self._panel.draw_ground(picture)
        footage = self._shot(time_s, (right - left, bottom - top))
        self._panel.draw(picture, self._index(time_s), footage, _OVERSAMPLING)
        return np.asarray(picture)

    def close(self) -> None:
        """Close the video."""
        if self._footage is not None:
            self._footage.close()

    def _shot(self, time_s: float, size: tuple[int, int]) -> Image.Image | None:
        if self._footage is None:
            return None
        return self._footage.picture(time_s + self._given.video_start_s, size)

    def _index(self, time_s: float) -> int:
        """The frame of the keypoints nearest to a time; -1 beyond their ends."""
        keypoints, times_s = self._given.keypoints, self._times_s
        if keypoints is None or not len(times_s):
            return -1
        after = int(np.clip(np.searchsorted(times_s, time_s), 0, len(times_s) - 1))
        before = max(after - 1, 0)
        index = before if time_s - times_s[before] <= times_s[after] - time_s + 1e-6 else after
        beyond = not times_s[0] <= time_s <= times_s[-1]
        return -1 if beyond and abs(times_s[index] - time_s) > 1.5 / float(keypoints.fps) else index


def _size(keypoints: Keypoints | None, footage: FootageReader | None) -> tuple[int, int]:
    """Of the shape of the input, but not too long and thin."""
    known = keypoints.image_size if keypoints is not None else None
    wide, high = known or (footage.size if footage is not None else (4, 3))
    aspect = min(max(wide / high, _TALLEST), _WIDEST)
    scale = _LONGER_SIDE_PX / max(aspect, 1.0)
    return max(2, round(scale * aspect)), max(2, round(scale))
