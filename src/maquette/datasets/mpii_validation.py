"""Lists of who in MPII's training pictures is for validation."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from maquette.datasets.h36m_numbers import open_hdf5
from maquette.datasets.mpii_lists import MOST_PEOPLE, file_bytes, listed, numbers_of
from maquette.datasets.mpii_people import Person
from maquette.errors import InputError
from maquette.formats.json_documents import decode_json
from maquette.formats.matlab import read_mat


def mark_validation(people: list[Person], path: Path) -> tuple[list[Person], list[str]]:
    """People of training pictures that a list names become those of validation.

    The list is ``detections.mat`` of Tompson et al. (``RELEASE_img_index``, ``RELEASE_person_index``), a ``valid.h5``,
    a ``valid.json``, or a text with ``015601864.jpg 2`` a line (a number from 1 of the person in the picture; without
    it everybody in the picture).

    Raises:
        InputError: no such list, or it names nobody who is there.
    """
    keys = _validation_keys(path)
    kind = "number" if isinstance(next(iter(keys), ("",))[0], int) else "name"
    if kind == "number" and all(person.image_number < 0 for person in people):
        raise InputError(
            f"{path}: names people by their numbers in the release, which these lists do not have; expected "
            "valid.json, or a text with names of pictures"
        )
    met = set()
    for person in people:
        name = Path(person.image).name
        centre = tuple(round(value) if math.isfinite(value) else None for value in person.centre_px)
        own = [(person.image_number, person.number), (name, person.number), (name, None), (name, *centre)]
        hits = keys.intersection(own)
        if hits and person.split != "test":
            person.split = "val"
            met |= hits
    if not met:
        raise InputError(
            f"{path}: names {len(keys)} people for validation, of whom nobody is there; expected MPII's names"
        )
    absent = len(keys) - len(met)
    return people, [f"{absent} of {len(keys)} that {path.name} names for validation are not there"] if absent else []


def _validation_keys(path: Path) -> set[tuple[Any, ...]]:
    suffix = path.suffix.lower()
    if suffix == ".mat":
        found = read_mat(path, ("RELEASE_img_index", "RELEASE_person_index"))
        arrays = [np.asarray(found[name]).ravel() for name in sorted(found) if not isinstance(found[name], str)]
        if len(arrays) != 2 or len(arrays[0]) != len(arrays[1]) or any(a.dtype.kind not in "fiu" for a in arrays):
            raise InputError(f"{path}: expected RELEASE_img_index and RELEASE_person_index of the same length")
        return {(int(i) - 1, int(p) - 1) for i, p in zip(*arrays, strict=True) if np.isfinite(i) and np.isfinite(p)}
    if suffix in (".h5", ".hdf5"):
        with open_hdf5(path) as file:
            index, person = (numbers_of(path, file, name, ()) for name in ("index", "person"))
        if index is None or person is None or len(index) != len(person):
            raise InputError(f"{path}: expected the arrays 'index' and 'person' of the same length")
        return {(int(i), int(p)) for i, p in zip(index, person, strict=True) if np.isfinite(i) and np.isfinite(p)}
    if suffix == ".json":
        entries = decode_json(listed, file_bytes(path), str(path))
        return {(Path(e.image).name, *map(round, e.center)) for e in entries if all(map(math.isfinite, e.center))}
    return _keys_of_text(path)


def _keys_of_text(path: Path) -> set[tuple[Any, ...]]:
    try:
        lines = file_bytes(path).decode("utf-8").replace(",", " ").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text; expected names of pictures, .mat, .h5 or .json") from None
    keys: set[tuple[Any, ...]] = set()
    for i, line in enumerate(lines):
        words = line.split()
        if not words:
            continue
        if len(words) > 2 or (len(words) == 2 and not (words[1].isdecimal() and 0 < int(words[1]) < MOST_PEOPLE)):
            raise InputError(f"{path}: line {i + 1} is '{line[:60]}', expected a picture's name and a number from 1")
        keys.add((Path(words[0]).name, int(words[1]) - 1 if len(words) == 2 else None))
    if not keys:
        raise InputError(f"{path}: names nobody")
    return keys
