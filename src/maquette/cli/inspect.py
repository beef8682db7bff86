"""``maquette inspect``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from maquette.cli.options import image_size


@dataclass(frozen=True)
class Inspect:
    """What is this file? Format, skeleton, frame rate, people, gaps, swaps, and what will be done about it."""

    input: Annotated[Path, tyro.conf.Positional]
    """Folder or file with 2D keypoints."""
    fps: Annotated[str | None, tyro.conf.arg(metavar="F")] = None
    """Frames per second, when the files do not say."""
    image_size: Annotated[str | None, tyro.conf.arg(metavar="WxH")] = None
    """Size of the picture as WIDTHxHEIGHT."""
    skeleton: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Skeleton, when it cannot be told."""

    def run(self) -> None:
        """Print the findings."""
        from maquette.readers import read_keypoints, sniff
        from maquette.refine.diagnose import diagnose

        size = image_size(self.image_size)
        guess = sniff(self.input)
        print(f"{self.input}: {guess}")
        people = read_keypoints(self.input, fps=self.fps, image_size=size, skeleton=self.skeleton)
        for line in diagnose(people).lines():
            print(line)
