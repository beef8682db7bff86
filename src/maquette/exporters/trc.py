"""Motion to TRC, the marker file that OpenSim reads, with the uncertainty of each joint in a table beside it."""

from pathlib import Path

import numpy as np

from maquette.atomic import atomic_path
from maquette.errors import OutputError
from maquette.exporters.choices import PER_METRE, LengthUnit
from maquette.exporters.table_rows import confidence_columns, write_table
from maquette.formats.trc import Trc, trc_lines
from maquette.geometry.lab_axes import opensim_from_world, turned_upright
from maquette.motion import Motion
from maquette.readers.motion_facts import MARK, facts_line, facts_of, file_names
from maquette.readers.motion_trc import confidence_path

AXES = "OpenSim ground: X forward, Y up, Z right"
_DECIMALS = {"m": 6, "cm": 4, "mm": 3}


def write_trc(motion: Motion, path: str | Path, *, unit: LengthUnit | None = None) -> None:
    """Write the joints as markers of a TRC file, as OpenSim 4 reads it.

    Axes are those of OpenSim's ground: X forward, Y up, Z right. A person who faces the camera at the start faces +X;
    our (x, y, z) is (z, y, -x) there, and :func:`maquette.read_motion` undoes it. A motion in the camera's frame is
    written upright as the camera saw it, which is level only as far as the camera was. Markers have the names of the
    joints, with spaces as underscores. Frames count from 1. Joints with an unknown coordinate have empty cells. The
    first line says more after the name of the file, where programs pass over it: the exact rate, skeleton, scale.

    TRC holds nothing but positions: where the motion has ``sigma_m`` or contacts, they go to ``<name>_confidence.csv``
    beside the file (columns ``<joint>_sigma_m``, ``<joint>_observed``, ``<joint>_contact``), and reading the TRC takes
    them back from there. One that an earlier motion left there is removed.

    Args:
        motion: in either frame.
        path: the file.
        unit: ``m`` (the default, as Pose2Sim and Sports2D write), ``cm`` or ``mm``, to a thousandth of a millimetre.

    Raises:
        OutputError: the unit is none of TRC's, or it cannot be written.
    """
    length = unit or "m"
    if length not in _DECIMALS:
        raise OutputError(f"{path}: OpenSim reads TRC in m, cm and mm, not in '{length}'; choose one of them")
    target = Path(path)
    upright = motion.positions if motion.frame == "world" else turned_upright(motion.positions)
    positions = opensim_from_world(upright)
    has_confidence = motion.sigma_m is not None or motion.contacts is not None
    beside = confidence_path(target)
    facts = facts_of(
        motion,
        axes=AXES,
        up="+y",
        unit=length,
        person="" if motion.person_id is None else str(motion.person_id),
        confidence=beside.name if has_confidence else "",
    )
    trc = Trc(
        data_rate=repr(float(motion.fps)).removesuffix(".0"),
        units=length,
        markers=file_names(motion.skeleton.joints, r"\s+"),
        frame=np.arange(1, motion.n_frames + 1),
        time_s=motion.times_s,
        values=positions * PER_METRE[length],
        comment=facts_line(facts),
    )
    with atomic_path(target) as temporary:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(trc_lines(trc, target.name, _DECIMALS[length]))
        # Only when the markers are on the disk, so that no table stands beside those of another motion.
        if has_confidence:
            write_table(beside, facts_line({**facts, "unit": "m"}), confidence_columns(motion))
        elif _is_ours(beside):
            beside.unlink()


def _is_ours(path: Path) -> bool:
    """Whether a table that we wrote stands there."""
    try:
        with path.open("rb") as file:
            return file.read(len(MARK)) == MARK.encode()
    except OSError:
        return False
