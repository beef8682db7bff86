"""Poses of a 3D pose machine as files, named and written as its published programs do."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from maquette.errors import OutputError
from maquette.evaluate.protocols import H36M_ACTIONS

if TYPE_CHECKING:
    from maquette.evaluate.pose_machine import ActionResult
    from maquette.lifting.min_max import MinMax

_DIGITS = 9
"""The published programs write 6."""


def check_folder(folder: Path, model: str) -> None:
    """Refuse before an evaluation what could not be written after it.

    Raises:
        OutputError: it is a file, or the folder that is evaluated.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"--write-results {folder}: is a file, expected a folder")
    if folder.resolve() == Path(model).resolve():
        raise OutputError(f"--write-results {folder}: is what is evaluated; choose another folder")


def write_poses(
    folder: Path, files: Sequence[str], results: "Sequence[ActionResult]", limits: "MinMax", *, kept: int
) -> list[Path]:
    """``resultN_norm.csv`` (coarse, by min and max), ``resultN_change_unnorm.csv`` (corrected, millimetres) and
    ``refine3d_N.txt`` (refined, millimetres) of every action; gives the files.

    Args:
        files: name of each action in Human3.6M's tables, whose number is N; other names stand in the place of N.
        kept: frames are kept in batches of so many.

    Raises:
        OutputError: they cannot be written.
    """
    from maquette.atomic import write_bytes
    from maquette.datasets.pose_machine_results import COUNTED_FRAMES, write_results

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror or error}); choose another folder") from None
    written = []
    for action, result in zip(files, results, strict=True):
        number = str(H36M_ACTIONS.index(action) + 1) if action in H36M_ACTIONS else ""
        named = number or f"_{action}"
        for stage, poses in result.found_mm.items():
            rows = poses[: len(poses) // kept * kept].reshape(-1, 48)
            if stage == "coarse":
                path, values = folder / f"result{named}_norm.csv", limits.normalise(rows.reshape(-1, 16, 3))
                write_results(path, values.reshape(-1, 48), digits=_DIGITS)
            elif stage == "corrected":
                path = folder / f"result{named}_change_unnorm.csv"
                write_results(path, rows, counted=COUNTED_FRAMES, digits=_DIGITS)
            else:
                path = folder / f"refine3d_{number or action}.txt"
                lines = (" ".join(f"{value:.{_DIGITS}g}" for value in row) for row in rows.tolist())
                write_bytes(path, "".join(f"{line}\n" for line in lines).encode())
            written.append(path)
    return written
