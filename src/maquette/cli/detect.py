"""``maquette detect``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from maquette.cli.detection import AUTO, Detection, detect
from maquette.cli.options import check_person, choose_people, numbered, progress, refuse_own_input, shortened
from maquette.errors import InputError, OutputError

if TYPE_CHECKING:
    from maquette.keypoints import Keypoints

_PICTURES = (".mp4", ".gif", ".png")


@dataclass(frozen=True)
class Detect:
    """People in a video, a picture or a folder of pictures -> their 2D keypoints.

    Example: maquette detect clip.mp4 -o keypoints/ -o keypoints.npz -o look.mp4
    """

    input: Annotated[Path, tyro.conf.Positional]
    """Video, animated GIF, picture, or folder of pictures (in natural order, as a clip)."""
    output: Annotated[tuple[Path, ...], tyro.conf.arg(aliases=["-o"], metavar="OUT"), tyro.conf.UseAppendAction]
    """Folder for OpenPose JSON (a name without suffix), .json for COCO, .npz for Maquette's own (one file for each
    person), .mp4, .gif or .png to look at. Repeat for several."""
    detection: Annotated[Detection, tyro.conf.arg(name="")] = AUTO
    person: Annotated[str, tyro.conf.arg(metavar="N|all")] = "all"
    """Which person, from 0 (the largest and longest seen first), or all."""
    fps: Annotated[str | None, tyro.conf.arg(metavar="F")] = None
    """Frames per second: of a folder's pictures (30 if not said), or to play a video at instead of its own times."""

    def run(self) -> None:
        """Do it; prints what was written."""
        import numpy as np

        from maquette.readers.footage import footage_kind

        if not self.output:
            raise InputError("no output given: add for example -o keypoints/ (repeat -o for several)")
        for out in self.output:
            _check(out)
        refuse_own_input(self.output, self.input)
        check_person(self.person)
        if self.detection.detector == "hourglass" and self.detection.pose_model is None:
            raise InputError("--detector hourglass needs its network: add --pose-model FILE.onnx")
        if footage_kind(self.input) is None:
            raise InputError(
                f"{self.input}: is no video and no picture; what holds keypoints already goes to maquette lift, "
                "inspect or render"
            )
        detected = detect(self.input, self.detection, self.fps)
        for note in detected.notes:
            print(f"  {shortened(note)}")
        people = choose_people(detected.people, self.person)
        for index, person in enumerate(people):
            seen = np.flatnonzero(person.observed.any(1))
            print(f"  person {index}: in {len(seen)} of {person.n_frames} frames, from {seen[0]} to {seen[-1]}")
        for out in self.output:
            for path in _write(out, people, self.input, self.fps):
                print(f"wrote {path}")


def _check(out: Path) -> None:
    """Refuse what cannot be written before any work is done."""
    from maquette.exporters import check_output
    from maquette.exporters.keypoints import check_openpose_folder

    if out.suffix == "":
        check_openpose_folder(out)
    elif out.suffix.lower() not in {".npz", ".json", *_PICTURES}:
        raise OutputError(
            f"{out}: keypoints are not written as '{out.suffix}'; expected a folder (no suffix), .json, .npz, "
            f"{', '.join(_PICTURES)}"
        )
    else:
        check_output(out)


def _write(out: Path, people: "list[Keypoints]", footage: Path, fps: str | None) -> list[Path]:
    """The files that were written."""
    from maquette.exporters.keypoints import write_keypoints
    from maquette.mapping import map_keypoints

    suffix = out.suffix.lower()
    if suffix == "":
        write_keypoints([_for_openpose(person) for person in people], out)
        return [out]
    if suffix == ".json":
        write_keypoints([map_keypoints(person, "coco-17") for person in people], out)
        return [out]
    paths = [numbered(out, index, len(people)) for index in range(len(people))]
    for person, path in zip(people, paths, strict=True):
        if suffix == ".npz":
            write_keypoints(person, path)
        else:
            _draw(person, path, footage, fps)
    return paths


def _for_openpose(person: "Keypoints") -> "Keypoints":
    from maquette.mapping import map_keypoints

    return person if person.skeleton.name.startswith("openpose") else map_keypoints(person, "openpose-body-25")


def _draw(person: "Keypoints", path: Path, footage: Path, fps: str | None) -> None:
    from maquette.frozen_arrays import exact_fps
    from maquette.render import render_picture, render_video

    rate = None if fps is None else exact_fps(fps)
    with progress(f"drawing {path}"):
        if path.suffix.lower() == ".png":
            render_picture(path, person, None, video=footage, video_fps=rate)
        else:
            render_video(path, person, None, video=footage, video_fps=rate)
