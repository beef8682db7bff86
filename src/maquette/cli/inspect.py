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
        guess = sniff(self.input, skeleton=self.skeleton)
        for name, text in self._format(guess):
            print(f"{name:<12}{text}")
        people = read_keypoints(self.input, fps=self.fps, image_size=size, skeleton=self.skeleton)
        for line in diagnose(people).lines():
            print(line)

    def _format(self, guess) -> list[tuple[str, str]]:
        """What the file is, a line each."""
        files = "1 file" if guess.n_files == 1 else f"{guess.n_files} files"
        size = (
            f"{guess.image_size[0]}x{guess.image_size[1]}, as the file says" if guess.image_size else "not in the file"
        )
        return [
            ("file", str(self.input)),
            ("format", f"{guess.format}: {guess.why}"),
            ("skeleton", f"{guess.skeleton.name}: {guess.skeleton_why}"),
            ("frames", f"{guess.n_frames} in {files}; the first is numbered {guess.first_frame}"),
            ("coordinates", guess.unit),
            ("fps", f"{guess.fps}, as the file says" if guess.fps else "not in the file"),
            ("picture", size),
        ]
