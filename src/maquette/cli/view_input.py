"""What ``maquette view`` reads: motion files, versions of the first, its keypoints; and what it lifts from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from maquette.cli.lift_input import read_tracks
from maquette.cli.options import choose_people, image_size, progress
from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.motion import Motion

if TYPE_CHECKING:
    from maquette.cli.view import View


@dataclass(frozen=True, eq=False)
class Seen:
    """What is looked at."""

    motions: list[Motion]
    keypoints: Keypoints | None
    variants: dict[str, Motion]
    video_start_s: float
    """Time in the video at which the keypoints' time is 0."""


def read_view(command: "View") -> Seen:
    """Everything that the command line names, read (and lifted).

    A folder among the files is the keypoints: `maquette view walk.npz openpose_json/`.

    Raises:
        MaquetteError: a file cannot be read, or options do not fit together.
    """
    from maquette.readers.motion import read_motion

    folders = [path for path in command.files if path.is_dir()]
    if len(folders) + (command.keypoints is not None) > 1:
        names = ", ".join(str(path) for path in (*folders, command.keypoints) if path is not None)
        raise InputError(f"{names}: 2D keypoints are given more than once; expected one folder or file")
    source = folders[0] if folders else command.keypoints
    files = [path for path in command.files if path not in folders]
    named = _named(command.variant)
    if source is None:
        _refuse_without_keypoints(command, files, named)
    motions = [read_motion(path) for path in files]
    variants = {name: read_motion(path) for name, path in named.items()}
    keypoints, start_s = None, 0.0
    if source is not None:
        people, start_s = read_tracks(source, video=command.video, fps=command.fps, size=image_size(command.image_size))
        if command.person == "all":
            raise InputError("--person all: the 2D of one person is shown; give a number from 0")
        keypoints = choose_people(people, command.person)[0]
        if command.refinements or not (motions or variants):
            variants |= _lifted(keypoints, command.model, command.refinements)
    return Seen(motions, keypoints, variants, start_s)


def _refuse_without_keypoints(command: "View", files: Sequence[Path], variants: dict[str, Path]) -> None:
    if command.refinements:
        raise InputError("--refinements lifts keypoints, and there are none: give --keypoints FILE or FOLDER")
    if not files and not variants:
        raise InputError("nothing to look at: maquette view MOTION.npz [MORE ...], or --keypoints FILE or FOLDER")


def _named(variants: Sequence[str]) -> dict[str, Path]:
    """``["raw=a.npz"]`` -> names and files."""
    named: dict[str, Path] = {}
    for variant in variants:
        name, sign, path = variant.partition("=")
        if not (sign and name and path):
            raise InputError(f"--variant {variant}: expected NAME=FILE, such as raw=raw.npz")
        if name in named:
            raise InputError(f"--variant {variant}: the name '{name}' is given twice")
        named[name] = Path(path)
    return named


def _lifted(keypoints: Keypoints, model: str | None, refinements: bool) -> dict[str, Motion]:
    """The keypoints in 3D, as they come from the network up to the last refinement; or as `maquette lift` does it."""
    from maquette.lifting.lifter import Lifter
    from maquette.pipeline import lift

    lifter = Lifter(model)
    with progress("lifting"):
        smoothed = lift(keypoints, model=lifter)
        if not refinements:
            return {"lifted": smoothed}
        return {
            "raw": lift(keypoints, model=lifter, repair="none", smooth_hz=0),
            "smoothed": smoothed,
            "refined": lift(keypoints, model=lifter, refine="reprojection"),
        }
