"""``maquette inspect``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from maquette.cli.detection import AUTO, Detection, detect
from maquette.cli.options import image_size
from maquette.errors import MissingExtraError, NoPersonError


@dataclass(frozen=True)
class Inspect:
    """What is this file? Format, skeleton, frame rate, people, gaps, swaps, and what will be done about it."""

    input: Annotated[Path, tyro.conf.Positional]
    """Folder or file with 2D keypoints; or a video, an animated GIF, a picture, a folder of pictures."""
    detection: Annotated[Detection, tyro.conf.arg(name="")] = AUTO
    fps: Annotated[str | None, tyro.conf.arg(metavar="F")] = None
    """Frames per second, when the files do not say."""
    image_size: Annotated[str | None, tyro.conf.arg(metavar="WxH")] = None
    """Size of the picture as WIDTHxHEIGHT."""
    skeleton: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Skeleton, when it cannot be told."""

    def run(self) -> None:
        """Print the findings."""
        from maquette.readers import read_keypoints, sniff
        from maquette.readers.footage import footage_kind
        from maquette.refine.diagnose import diagnose

        if footage_kind(self.input) is not None:
            self._inspect_footage()
            return
        self.detection.refuse(self.input)
        size = image_size(self.image_size)
        guess = sniff(self.input, skeleton=self.skeleton)
        for name, text in self._format(guess):
            print(f"{name:<12}{text}")
        people = read_keypoints(self.input, fps=self.fps, image_size=size, skeleton=self.skeleton)
        for line in diagnose(people).lines():
            print(line)

    def _inspect_footage(self) -> None:
        """What the clip is; then, if there is a detector, who is in it."""
        from maquette.detect.footage import open_footage
        from maquette.readers.footage import footage_kind
        from maquette.readers.keypoints import check_footage_options
        from maquette.refine.diagnose import diagnose

        check_footage_options(self.input, image_size(self.image_size), self.skeleton)
        with open_footage(self.input, fps=self.fps) as footage:
            count = "an unknown number" if footage.n_frames is None else str(footage.n_frames)
            rate = f"{footage.fps}{', varying: frames will be moved in time to this rate' * footage.is_variable}"
            lines = [
                ("file", str(self.input)),
                ("format", str(footage_kind(self.input))),
                ("frames", "1" if footage.is_still else count),
                *([] if footage.is_still else [("fps", rate)]),
                ("picture", f"{footage.size[0]}x{footage.size[1]}"),
                *(("note", note) for note in footage.notes()),
            ]
        for name, text in lines:
            print(f"{name:<12}{text}", flush=True)
        try:
            detected = detect(self.input, self.detection, self.fps)
        except (MissingExtraError, NoPersonError) as error:
            print(f"{'people':<12}{'nobody found' if isinstance(error, NoPersonError) else 'not looked for'}: {error}")
            return
        print(f"{'skeleton':<12}{detected.people[0].skeleton.name}: the detector's")
        for note in detected.notes:
            if note not in dict(lines).values():
                print(f"{'note':<12}{note}")
        for line in diagnose(detected.people).lines():
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
