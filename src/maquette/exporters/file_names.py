"""Names of several files that belong together; the ends that tell the format stay as they are."""

from pathlib import Path

from maquette.exporters.writers import ENDINGS


def person_path(path: Path, person: int) -> Path:
    """One of several people: ``walk_person1.bvh``, ``walk_person1_smpl.npz``, ``person1_3d_data.json``."""
    return inserted(path, f"_person{person}")


def inserted(path: Path, text: str) -> Path:
    """The path with a text before what tells the format.

    Args:
        path: of a file.
        text: with ``_`` or ``-`` in front, which goes behind it where the name begins with the text.
    """
    name = path.name
    for ending in ENDINGS:
        if name.lower().endswith(ending):
            head, tail = name[: len(name) - len(ending)], name[len(name) - len(ending) :]
            # An ending that can be a whole name has the text in front of it.
            named = f"{head}{text}{tail}" if tail.startswith("_") else f"{text.lstrip('-_')}{text[0]}{name}"
            return path.with_name(named)
    return path.with_name(f"{path.stem}{text}{path.suffix}")
