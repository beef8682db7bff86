"""What ``maquette lift`` reads: keypoints, or the people that a detector finds in footage."""

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maquette.cli.detection import detect
from maquette.cli.options import choose_people, image_size, progress
from maquette.errors import InputError
from maquette.frozen_arrays import exact_fps
from maquette.keypoints import Keypoints

if TYPE_CHECKING:
    from maquette.cli.lift import Lift
    from maquette.lifting.lifter import Lifter
    from maquette.lifting.weak_perspective import Thorax


@dataclass(frozen=True, eq=False)
class Depths:
    """What a network of pictures has seen beside the 2D, as :func:`maquette.pipeline.lift_depth` takes it."""

    depth_px: np.ndarray
    skeleton_length_m: float
    thorax: "Thorax"
    model: str
    model_sha256: str


@dataclass(frozen=True, eq=False)
class Chosen:
    """One person to be lifted."""

    keypoints: Keypoints
    depths: Depths | None = None
    """When they are the 3D."""


@dataclass(frozen=True, eq=False)
class LiftInput:
    """What is lifted, by what, and drawn on what."""

    chosen: list[Chosen]
    lifter: "str | Lifter | None"
    video: Path | None
    """Footage that pictures are drawn on."""
    video_start_s: float
    """Time in it at which the keypoints start."""
    video_fps: str | None = None
    """Rate that it is played at instead of its own."""


def read_input(command: "Lift") -> LiftInput:
    """The people that the command line means, in one picture size.

    Raises:
        MaquetteError: the input cannot be read, nobody is in it, or options do not fit it.
    """
    from maquette.readers.footage import footage_kind

    if footage_kind(command.input) is not None:
        return _from_footage(command)
    command.detection.refuse(command.input)
    people, start_s = read_tracks(
        command.input,
        video=command.video,
        fps=command.fps,
        size=image_size(command.image_size),
        skeleton=command.skeleton,
    )
    chosen = [Chosen(keypoints) for keypoints in choose_people(people, command.person)]
    return LiftInput(chosen, command.model, command.video, start_s)


def _from_footage(command: "Lift") -> LiftInput:
    from maquette.lifting.lifter import Lifter
    from maquette.readers.keypoints import check_footage_options

    _check_numbers(command)
    check_footage_options(command.input, image_size(command.image_size), command.skeleton)
    if command.video is not None:
        raise InputError(f"{command.input}: is what will be drawn on; leave out --video {command.video}")
    if command.detection.detector == "hourglass" and command.detection.pose_model is None:
        return LiftInput(_seen_in_depth(command), None, command.input, 0.0, command.fps)
    # Opened before the pictures are looked at, which may take an hour.
    lifter = Lifter(command.model, flip=command.flip)
    detected = detect(command.input, command.detection, command.fps, several=command.person != "0")
    chosen = [Chosen(keypoints) for keypoints in choose_people(detected.people, command.person)]
    return LiftInput(chosen, lifter, command.input, 0.0, command.fps)


def _seen_in_depth(command: "Lift") -> list[Chosen]:
    """People by the hourglass in ``--model``, whose depths are the 3D."""
    from maquette.detect.choice import open_detector
    from maquette.detect.hourglass import HourglassDetector

    if command.model is None:
        raise InputError(
            "--detector hourglass needs its network: --model FILE.onnx for its own 2D and depth, or --pose-model "
            "FILE.onnx for its 2D and a lifter"
        )
    _refuse_lifters(command)
    detection = replace(command.detection, pose_model=Path(command.model))
    with closing(open_detector(replace(detection.wish(), flip=command.flip))) as looker:
        assert isinstance(looker, HourglassDetector)
        detected = detect(command.input, detection, command.fps, looker)
    place = {id(keypoints): number for number, keypoints in enumerate(detected.people)}
    chosen = []
    for keypoints in choose_people(detected.people, command.person):
        depth_px = detected.depth_px[place[id(keypoints)]]
        if depth_px is None:
            raise InputError(f"{command.model}: is a network without depth; as --pose-model it serves for its 2D")
        spec = looker.spec
        thorax = "upper neck" if spec.spine_from_neighbours else "thorax"
        depths = Depths(depth_px, spec.skeleton_length_mm / 1000, thorax, spec.name, looker.sha256)
        chosen.append(Chosen(keypoints, depths))
    return chosen


def _check_numbers(command: "Lift") -> None:
    """The same as the stages say, but before the pictures are looked at.

    Raises:
        InputError: a number out of range.
    """
    problems = []
    for option, value in (("--height-m", command.height_m), ("--focal-px", command.focal_px)):
        if value is not None and not 0 < value < float("inf"):
            problems.append(f"{option} {value:g}: expected a positive number")
    if not 0 <= command.smooth_hz < float("inf"):
        problems.append(f"--smooth-hz {command.smooth_hz:g}: expected 0 (none) or a positive number")
    if problems:
        raise InputError.from_problems(str(command.input), problems)
    if command.resample_fps is not None:
        exact_fps(command.resample_fps)


def _refuse_lifters(command: "Lift") -> None:
    """What is said to lifters and to the repair of 2D says nothing to depths."""
    given = {
        "--repair": command.repair != "default",
        "--resample-fps": command.resample_fps is not None,
        "--refine": command.refine != "none",
        "--plots": command.plots is not None,
    }
    foreign = [option for option, is_given in given.items() if is_given]
    if foreign:
        raise InputError(
            f"{', '.join(foreign)}: cannot be used with the hourglass's own depths; give its file as --pose-model to "
            "take its 2D only, and a lifter for the 3D"
        )


def read_tracks(
    source: Path, *, video: Path | None, fps: str | None, size: tuple[int, int] | None, skeleton: str | None = None
) -> tuple[list[Keypoints], float]:
    """The people of a keypoint file, and the time in the video at which their time is 0.

    What the files do not say about rate and picture size the video says.

    Raises:
        InputError: the keypoints or the video cannot be read.
    """
    from maquette.detect.footage import open_footage
    from maquette.lifting.assumed_camera import with_common_size
    from maquette.readers import read_keypoints, sniff

    notes, first = [], 0
    if video:
        # Opened in any case: an unreadable video is said before anything is written.
        with open_footage(video) as footage:
            guess = sniff(source, skeleton=skeleton)
            first = guess.first_frame
            if size is None and guess.image_size is None:
                size = footage.size
                notes.append(f"picture size {size[0]}x{size[1]} taken from {video.name}")
            if fps is None and guess.fps is None and not footage.is_still:
                fps = str(footage.fps)
                notes.append(f"{fps} frames/s taken from {video.name}, as the files do not say")
    with progress(f"reading {source}"):
        people = read_keypoints(source, fps=fps, image_size=size, skeleton=skeleton)
    people = with_common_size([keypoints.with_notes(*notes) for keypoints in people])
    # Files that are numbered from 100 on belong to a video that has shown 100 frames before.
    return people, first / float(people[0].fps)
