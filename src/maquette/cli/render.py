"""``maquette render``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from maquette.cli.options import choose_people, image_size, progress


@dataclass(frozen=True)
class Render:
    """Skeleton video, GIF or picture of a motion, of 2D keypoints, or of both side by side."""

    input: Annotated[Path, tyro.conf.Positional]
    """A motion file (.npz .json .csv .bvh) or 2D keypoints (any file or folder that `maquette lift` takes)."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="OUT")]
    """.mp4, .gif or .png."""
    keypoints: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """2D keypoints to draw beside a motion."""
    video: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Video to draw the keypoints on."""
    frame: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Which frame, for a picture; the middle one if not said."""
    size: str = "960x540"
    """Size of the video or picture, WIDTHxHEIGHT."""
    person: str = "0"
    """Which person of the keypoints, from 0."""
    fps: Annotated[str | None, tyro.conf.arg(metavar="F")] = None
    """Frames per second of the keypoints, when the files do not say."""
    image_size: Annotated[str | None, tyro.conf.arg(metavar="WxH")] = None
    """Size of the picture that the keypoints were found in, WIDTHxHEIGHT."""
    plots: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder for pictures of the 2D curves before and after repair."""

    def run(self) -> None:
        """Do it; prints what was written."""
        from maquette.exporters import check_output
        from maquette.pipeline import prepare
        from maquette.readers import read_keypoints
        from maquette.readers.motion import is_motion_file, read_motion
        from maquette.render import render_picture, render_video

        check_output(self.output)
        size = image_size(self.size) or (960, 540)
        motion = read_motion(self.input) if is_motion_file(self.input) else None
        source = self.keypoints if motion else self.input
        keypoints = None
        if source is not None:
            people = read_keypoints(source, fps=self.fps, image_size=image_size(self.image_size))
            keypoints = choose_people(people, self.person)[0]
        with progress(f"rendering {self.output}"):
            if self.output.suffix.lower() in {".mp4", ".gif"}:
                render_video(self.output, keypoints, motion, video=self.video, size=size)
            else:
                render_picture(self.output, keypoints, motion, frame=self.frame, video=self.video, size=size)
        print(f"wrote {self.output}")
        if self.plots and keypoints is not None:
            from maquette.render.curves import write_curves

            stages = prepare(keypoints)
            for path in write_curves(self.plots, stages.raw, stages.repaired, stages.resampled):
                print(f"wrote {path}")
