"""MPII as others give it away again: lists of people as JSON or HDF5.

* ``train.json``, ``valid.json``, ``test.json``: ``image``, ``joints``, ``joints_vis`` (annotated or not), ``center``,
  ``scale``; or one ``mpii_annotations.json``: ``img_paths``, ``joint_self``, ``objpos``, ``scale_provided``,
  ``isValidation``.
* ``train.h5``, ``valid.h5``, ``test.h5`` or ``annot.h5`` of the Stacked Hourglass and its descendants: ``imgname``,
  ``part``, ``center``, ``scale``, ``visible``, ``normalize``, ``index``, ``person``. Some hold centre and scale as
  annotated, others those of the crop; annotated centres are whole numbers, which tells.
"""

import math
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from maquette.datasets.h36m_damage import READ_FAILURES, first_line
from maquette.datasets.h36m_numbers import open_hdf5
from maquette.datasets.mpii_people import Person
from maquette.errors import InputError
from maquette.formats.json_documents import decode_json

JSON_SPLITS = {"train": "train", "valid": "val", "val": "val", "test": "test"}
"""Name of the file -> split."""
_JOINTS = 16
MOST_PEOPLE = 1_000_000
_SAME_RATIO = 1e-4


class ListedPerson(msgspec.Struct):
    """An entry of ``train.json``."""

    image: str
    center: tuple[float, float]
    scale: float
    joints: list[tuple[float, float]] | None = None
    joints_vis: list[float] | None = None


class _Annotated(msgspec.Struct):
    img_paths: str
    objpos: tuple[float, float]
    scale_provided: float
    joint_self: list[tuple[float, float, float]]
    isValidation: float = 0.0
    people_index: float | None = None
    annolist_index: float | None = None
    dataset: str = "MPI"


listed = msgspec.json.Decoder(list[ListedPerson])
_annotated = msgspec.json.Decoder(list[_Annotated])


def read_list(path: Path, split: str) -> tuple[list[Person], list[str]]:
    """People of one ``train.json``.

    Raises:
        InputError: no such list.
    """
    entries = decode_json(listed, file_bytes(path), str(path))
    people = []
    for i, entry in enumerate(entries):
        joints = entry.joints or [(-1.0, -1.0)] * _JOINTS
        # Without marks, joints that are not annotated are those at (0, 0) or (-1, -1).
        known = entry.joints_vis or [float(max(joint) > 0) for joint in joints]
        if len(joints) != _JOINTS or len(known) != _JOINTS:
            raise InputError(f"{path}: entry {i + 1} has {len(joints)} joints and {len(known)} marks, expected 16")
        person = _person(entry.image, np.array(joints), np.array(known) > 0, entry.center, entry.scale, split)
        people.append(person)
    return people, [
        "the list does not tell occluded joints from visible ones, nor head sizes and who is far from others"
    ]


def read_annotations(path: Path) -> tuple[list[Person], list[str]]:
    """People of one ``mpii_annotations.json``; entries of other data sets are left out.

    Raises:
        InputError: no such list.
    """
    entries = decode_json(_annotated, file_bytes(path), str(path))
    people, others = [], 0
    for i, entry in enumerate(entries):
        if not entry.dataset.upper().startswith("MPI"):
            others += 1
            continue
        if len(entry.joint_self) != _JOINTS:
            raise InputError(f"{path}: entry {i + 1} has {len(entry.joint_self)} joints, expected 16")
        joints = np.array(entry.joint_self)
        split = "val" if entry.isValidation else "train"
        known = (joints[:, :2] != 0).any(axis=1)
        person = _person(entry.img_paths, joints[:, :2], known, entry.objpos, entry.scale_provided, split)
        person.visible = known & (joints[:, 2] == 1)
        person.image_number = -1 if entry.annolist_index is None else int(entry.annolist_index) - 1
        person.number = -1 if entry.people_index is None else int(entry.people_index) - 1
        people.append(person)
    notes = ["the list has no head sizes, and does not say who is far from others"]
    return people, notes + ([f"entries of other data sets, left out: {others}"] if others else [])


def read_hdf5(path: Path, split: str | None) -> tuple[list[Person], list[str]]:
    """People of one ``train.h5``; ``split`` None: of ``annot.h5``, whose ``istrain`` says who is for training.

    Raises:
        InputError: damaged, or without the arrays that are needed.
        MissingExtraError: h5py is not installed.
    """
    with open_hdf5(path) as file:
        arrays = {name: numbers_of(path, file, name, shape) for name, shape in _SHAPES.items()}
        names = _names(path, file)
    lengths = {name: len(array) for name, array in arrays.items() if array is not None} | {"imgname": len(names)}
    problems = [f"no array '{name}'" for name in ("part", "center", "scale") if arrays[name] is None]
    if len(set(lengths.values())) > 1:
        problems.append("arrays of different lengths: " + ", ".join(f"{n} of {name}" for name, n in lengths.items()))
    if problems:
        raise InputError.from_problems(str(path), problems)
    part, centre, scale = (np.asarray(arrays[name], dtype=float) for name in ("part", "center", "scale"))
    centre, scale, notes = _as_annotated(centre, scale)
    head_px, lines = _head_sizes(arrays["normalize"], scale)
    index, number, shown, train = (arrays[name] for name in ("index", "person", "visible", "istrain"))
    people = []
    for i, name in enumerate(names):
        where = split or ("train" if train is None or train[i] else "test")
        person = _person(name, part[i], (part[i] != 0).any(axis=1), tuple(centre[i]), float(scale[i]), where)
        person.head_px = float(head_px[i])
        person.visible = person.visible if shown is None else person.visible & (shown[i] > 0)
        person.image_number, person.number = _whole(index, i), _whole(number, i)
        people.append(person)
    return people, [*notes, *lines, "the list does not say who is far from others"]


def _person(
    image: str, joints: np.ndarray, known: np.ndarray, centre: tuple[float, ...], scale: float, split: str
) -> Person:
    known = known & np.isfinite(joints).all(axis=1)
    person = Person(image, np.where(known[:, None], joints, np.nan), known, split=split)
    if scale > 0 and all(math.isfinite(value) for value in (*centre, scale)):
        person.centre_px, person.scale = (float(centre[0]), float(centre[1])), float(scale)
    return person


def _whole(values: np.ndarray | None, i: int) -> int:
    """-1 where it is not known."""
    return -1 if values is None or not np.isfinite(values[i]) else int(values[i])


def _as_annotated(centre: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Centre and scale without the enlargement of the crop (15 scales down, 1.25 times as large), if they have it."""
    known = np.isfinite(centre).all(axis=1) & (scale > 0)
    raw = centre - np.stack([np.zeros_like(scale), 12 * scale], axis=-1)
    whole = [_whole_share(values[known, 1]) for values in (centre, raw)]
    if whole[1] > 0.9 > whole[0]:
        return raw, scale / 1.25, ["centre and scale were those of the crop; brought back to those annotated"]
    if whole[0] > 0.9 or not known.any():
        return centre, scale, []
    return (
        centre,
        scale,
        ["centres are no whole numbers: whether they are those annotated or those of crops is not known"],
    )


def _whole_share(values: np.ndarray) -> float:
    """How many are whole numbers; HDF5 files hold some of them as float32."""
    return float((np.abs(values - np.round(values)) < 1e-2).mean()) if len(values) else 0.0


def _head_sizes(normalize: np.ndarray | None, scale: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """``normalize`` is the head size in some files, and 20 times the crop's scale in others."""
    nothing = np.full(len(scale), np.nan)
    if normalize is None:
        return nothing, ["no head sizes"]
    good = (normalize > 0) & (scale > 0)
    ratio = normalize[good] / scale[good]
    if len(ratio) and np.ptp(ratio) < _SAME_RATIO * ratio.mean() and len(ratio) > 1:
        return nothing, ["'normalize' is a multiple of the scale: no head sizes"]
    return np.where(good, normalize, np.nan), []


_SHAPES: dict[str, tuple[int, ...]] = {
    "part": (16, 2),
    "center": (2,),
    "scale": (),
    "visible": (16,),
    "normalize": (),
    "index": (),
    "person": (),
    "istrain": (),
}


def numbers_of(path: Path, file: Any, name: str, rest: tuple[int, ...]) -> np.ndarray | None:
    """Numbers of an open HDF5 file, one row for each of the people; None where there is no such array.

    Raises:
        InputError: of another shape, or damaged.
    """
    try:
        if name not in file:
            return None
        dataset = file[name]
        shape = getattr(dataset, "shape", None)
        good = shape is not None and shape[1:] == rest and len(shape) == 1 + len(rest) and shape[0] <= MOST_PEOPLE
        if not good or dataset.dtype.kind not in "fiub":
            expected = ", ".join(map(str, ("people", *rest)))
            raise InputError(
                f"{path}: '{name}' is {getattr(dataset, 'dtype', 'a group')} of shape {shape}, expected ({expected})"
            )
        return np.asarray(dataset[()], dtype=np.float64)
    except InputError:
        raise
    except READ_FAILURES as error:
        raise InputError(f"{path}: '{name}' is damaged ({first_line(error)}); copy it again") from None


def _names(path: Path, file: Any) -> list[str]:
    """Names of pictures: texts, or the codes of their characters."""
    kinds: Literal["SOUfiu"] = "SOUfiu"
    try:
        dataset = file["imgname"] if "imgname" in file else None
        shape = getattr(dataset, "shape", None)
        if dataset is None or not shape or shape[0] > MOST_PEOPLE or dataset.dtype.kind not in kinds:
            raise InputError(f"{path}: no array 'imgname' with names of pictures")
        if dataset.dtype.kind in "fiu":
            if len(shape) != 2 or shape[1] > 256:
                raise InputError(f"{path}: 'imgname' has shape {shape}, expected codes of characters (people, letters)")
            codes = np.asarray(dataset[()])
            return ["".join(chr(int(c)) for c in row if 0 < c < 128) for row in codes]
        return [n.decode("utf-8", "replace") if isinstance(n, bytes) else str(n) for n in dataset[()].ravel()]
    except InputError:
        raise
    except READ_FAILURES as error:
        raise InputError(f"{path}: 'imgname' is damaged ({first_line(error)}); copy it again") from None


def file_bytes(path: Path) -> bytes:
    """The whole file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
