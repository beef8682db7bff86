"""``maquette report``."""

from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Annotated

import tyro

from maquette.cli.options import choose_people, image_size, progress, refuse_own_input


@dataclass(frozen=True)
class Report:
    """One HTML file about a motion: numbers, curves, a small video, provenance. It needs nothing from outside.

    Example: maquette report walk.npz -o walk.html

    Example: maquette report walk.npz --keypoints openpose_json/ --video walk.mp4 -o walk.html
    """

    input: Annotated[Path, tyro.conf.Positional]
    """Motion file, of any kind that `maquette convert` reads."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="OUT.html")]
    """The page to write."""
    keypoints: Annotated[Path | None, tyro.conf.arg(metavar="FILE|FOLDER")] = None
    """The 2D keypoints that the motion was made from."""
    video: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The video that they were found in, to be shown under them."""
    person: str = "0"
    """Which person of the keypoints, from 0."""
    fps: Annotated[str | None, tyro.conf.arg(metavar="F")] = None
    """Frames per second of the keypoints, when the files do not say."""
    image_size: Annotated[str | None, tyro.conf.arg(metavar="WxH")] = None
    """Size of the picture that the keypoints were found in, WIDTHxHEIGHT."""
    title: str | None = None
    """Heading; the name of the motion file if not said."""
    begin: Annotated[float, tyro.conf.arg(metavar="S")] = 0.0
    """Second of the motion at which the small video begins."""
    seconds: Annotated[float, tyro.conf.arg(metavar="S")] = 15.0
    """Length of the small video; 0 for none. A second takes about 50 kB."""

    def run(self) -> None:
        """Do it; prints what was written."""
        from maquette.errors import InputError
        from maquette.exporters.destination import check_place
        from maquette.readers import read_keypoints
        from maquette.readers.motion import read_motion
        from maquette.report import write_report

        check_place(self.output)
        refuse_own_input((self.output,), self.input, self.keypoints, self.video)
        if self.video is not None and self.keypoints is None:
            raise InputError("--video is shown under the 2D: give the --keypoints that were found in it, too")
        if not (0 <= self.seconds < inf and 0 <= self.begin < inf):
            raise InputError(f"--begin {self.begin:g} and --seconds {self.seconds:g}: expected 0 or more")
        motion = read_motion(self.input)
        length_s = float(motion.times_s[-1] - motion.times_s[0])
        if self.begin > length_s and self.seconds > 0:
            raise InputError(f"--begin {self.begin:g}: the motion is {length_s:.4g} s long; begin the video within it")
        points = None
        if self.keypoints is not None:
            people = read_keypoints(self.keypoints, fps=self.fps, image_size=image_size(self.image_size))
            points = choose_people(people, self.person)[0]
        with progress(f"writing {self.output}"):
            write_report(
                motion,
                self.output,
                keypoints=points,
                video=self.video,
                source=self.input,
                title=self.title,
                begin_s=self.begin,
                seconds=self.seconds,
            )
        print(f"wrote {self.output}")
