"""Whether a motion can be written at all, asked before any work is done."""

from pathlib import Path

import numpy as np

from maquette.errors import OutputError
from maquette.exporters.writers import format_of
from maquette.motion import Motion

_FARTHEST_M = 1e6
"""Beyond this readers take a file for damaged, and single-precision numbers are good to 6 cm at best."""
_ANYWHERE = (".npz", ".json", ".csv", ".parquet")


def check_contents(motion: Motion, path: str | Path) -> None:
    """Refuse a motion that no reader would take back.

    Raises:
        OutputError: it has no frames, infinite coordinates, or lies beyond 1000 km in a format of animations, markers
            or pictures.
    """
    if motion.n_frames == 0:
        raise OutputError(f"{path}: the motion has no frames, so that there is nothing to write")
    distance_m = np.abs(motion.positions).max(axis=-1)
    limit_m = np.finfo(float).max if format_of(Path(path)) in _ANYWHERE else _FARTHEST_M
    # Unknown positions are NaN, which is beyond nothing.
    frames, joints = np.nonzero(distance_m > limit_m)
    if not len(frames):
        return
    where = f"'{motion.skeleton.joints[joints[0]]}' in frame {frames[0]}"
    if np.isinf(distance_m[frames[0], joints[0]]):
        raise OutputError(f"{path}: {where} has an infinite coordinate; expected metres, or NaN where it is unknown")
    raise OutputError(
        f"{path}: {where} lies {distance_m[frames[0], joints[0]] / 1000:.6g} km from the origin, where the numbers of "
        f"this format are too coarse; move the motion to the origin, or write {', '.join(_ANYWHERE)}"
    )
