"""From spools to the files they were meant for: at the end of a session or of a part, and after a crash.

``python -m maquette.live.sinks.recording_finish FILE`` does what :func:`recover` does. With the hidden file itself and
``--spool`` it is the process of its own that finishes parts, which takes neither the interpreter's lock nor the memory
of the session; it prints a :class:`Finished` as JSON.
"""

import os
import shlex
import sys
from pathlib import Path

import msgspec

from maquette.errors import InputError, MaquetteError, OutputError
from maquette.exporters.file_names import person_path
from maquette.live.sinks.recording_names import SPOOL_SUFFIX, free_path, spools_beside
from maquette.live.sinks.recording_spool import is_recorded, read_spool


class Finished(msgspec.Struct):
    """What became of a spool."""

    files: list[str]
    """What was written."""
    problems: list[str]
    """A sentence for each thing that went wrong; the spool is still there then."""
    n_frames: int = 0
    """Of the longest file."""


def finish(spool: Path) -> Finished:
    """Write the files of a spool, and remove it when all is written. Nobody in it is no problem: nothing is written."""
    from maquette.exporters import write_motion
    from maquette.live.sinks.recording_motion import motion_of, people_of

    finished = Finished([], [])
    try:
        contents = read_spool(spool)
    except MaquetteError as error:
        finished.problems.append(str(error))
        return finished
    target = Path(contents.recording.target)
    people = people_of(contents)
    for person, rows in people.items():
        path = target if len(people) == 1 or person is None else person_path(target, person)
        if not contents.recording.overwrite:
            path = free_path(path)
        try:
            motion = motion_of(contents, rows)
            write_motion(motion, path)
        except (MaquetteError, OSError, MemoryError) as error:
            finished.problems.append(str(error) or f"{path}: there is not enough memory")
            continue
        finished.files.append(str(path))
        finished.n_frames = max(finished.n_frames, motion.n_frames)
    if finished.problems:
        finished.problems.append(f"the recording is kept in {spool}; when there is room: {how(target)}")
        return finished
    del contents
    spool.unlink(missing_ok=True)
    return finished


def recover(path: str | Path) -> list[Path]:
    """Finish recordings whose session was killed.

    Args:
        path: what the session was to write (``out.bvh``, or ``out-0004.bvh`` for the fourth part), or the hidden file
            that kept it (``.out.bvh.1f3a9c02.maquette-recording``).

    Returns:
        The files; where one of the name is there already and may not be replaced, the name has a number added.

    Raises:
        InputError: there is no such recording, or the session that writes it still runs.
        OutputError: files could not be written; the text says what is kept.
    """
    where = Path(path)
    spools = [where] if where.name.endswith(SPOOL_SUFFIX) and where.exists() else spools_beside(where)
    if not spools:
        raise InputError(f"{path}: no recording of it waits to be finished")
    files: list[Path] = []
    for spool in spools:
        if is_recorded(spool):
            raise InputError(f"{spool}: is being recorded; stop that session first")
        finished = finish(spool)
        if finished.problems:
            raise OutputError("; ".join(finished.problems))
        files += [Path(file) for file in finished.files]
    return files


def how(target: Path) -> str:
    """What to type to finish a recording that waits."""
    return f"python -m maquette.live.sinks.recording_finish {shlex.quote(str(target))}"


def main(arguments: list[str]) -> int:
    """See the module."""
    if arguments[:1] == ["--spool"] and len(arguments) == 2:
        if hasattr(os, "nice"):
            os.nice(10)
        finished = finish(Path(arguments[1]))
        sys.stdout.write(msgspec.json.encode(finished).decode("utf-8") + "\n")
        return 1 if finished.problems else 0
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write(f"usage: {how(Path('FILE'))}\n")
        return 2
    try:
        files = recover(arguments[0])
    except MaquetteError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{file}\n" for file in files) or "nobody was seen, nothing is written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
