"""Pictures and videos of keypoints and motions, with Pillow and PyAV."""

from maquette.render.picture import PICTURE_SUFFIXES, contact_sheet, render_picture
from maquette.render.video import VIDEO_SUFFIXES, render_frames, render_video

__all__ = ["PICTURE_SUFFIXES", "VIDEO_SUFFIXES", "contact_sheet", "render_frames", "render_picture", "render_video"]
