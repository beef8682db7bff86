"""Pictures and videos of keypoints and motions, with Pillow and PyAV."""

from maquette.render.comparison import render_comparison
from maquette.render.picture import PICTURE_SUFFIXES, contact_sheet, render_picture
from maquette.render.samples import PoseSample, check_samples, write_samples
from maquette.render.video import VIDEO_SUFFIXES, render_frames, render_video

__all__ = [
    "PICTURE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "PoseSample",
    "check_samples",
    "contact_sheet",
    "render_comparison",
    "render_frames",
    "render_picture",
    "render_video",
    "write_samples",
]
