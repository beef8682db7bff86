"""Maquette's own keypoint archive (``kind`` = ``keypoints``), as :mod:`maquette.exporters.keypoints` writes it."""

from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np

from maquette.errors import InputError
from maquette.formats.json_documents import decode_json
from maquette.formats.npz import read_array
from maquette.readers.clip import Clip
from maquette.readers.skeleton_choice import check_given
from maquette.skeleton import Skeleton
from maquette.skeletons import SKELETONS
from maquette.track.detections import Detections, observed_joints


class SkeletonRecord(msgspec.Struct):
    """A skeleton in the archive's metadata."""

    name: str
    joints: list[str]
    parents: list[int]
    mirror_pairs: list[tuple[str, str]]


class Metadata(msgspec.Struct):
    """What an archive says in text."""

    skeleton: SkeletonRecord
    person_id: int | None
    source: str
    notes: list[str]


_metadata = msgspec.json.Decoder(Metadata)


def kind_of_archive(data: bytes, where: str) -> str:
    """The archive's ``kind``: ``keypoints``, ``motion``, ...

    Raises:
        InputError: damaged.
    """
    kind = read_array(data, "kind", where)
    return str(kind) if isinstance(kind, np.ndarray) and kind.dtype.kind == "U" and kind.size == 1 else ""


def read(path: Path, data: bytes, skeleton: Skeleton | None) -> list[Clip]:
    """The person of an archive, to the last bit as it was written.

    Raises:
        InputError: damaged, arrays that do not fit each other, or metadata of another shape.
    """
    where = str(path)
    names = ("points", "confidence", "fps_numerator", "fps_denominator", "image_size", "timestamps_s", "metadata")
    arrays = {name: read_array(data, name, where) for name in names}
    metadata = decode_json(_metadata, str(arrays["metadata"]).encode("utf-8"), f"{where}, array 'metadata'")
    points, confidence = arrays["points"], arrays["confidence"]
    if points.ndim != 3 or points.shape[2] != 2 or confidence.shape != points.shape[:2] or points.dtype.kind != "f":
        raise InputError(f"{where}: points have shape {points.shape}, confidence {confidence.shape}; they do not fit")
    if confidence.dtype.kind != "f" or np.isinf(points).any() or not (np.nan_to_num(confidence) <= 1).all():
        raise InputError(f"{where}: infinite points, or confidences that are no numbers from 0 to 1")
    if not len(points):
        raise InputError(f"{where}: holds no frames")
    numerator, denominator = (_number(arrays[f"fps_{part}"], where) for part in ("numerator", "denominator"))
    size = arrays["image_size"]
    has_size = size.shape == (2,) and size.dtype.kind in "iu" and (size > 0).all()
    times = arrays["timestamps_s"]
    if skeleton is not None:
        joints, why = check_given(skeleton, points.shape[1], where)
    else:
        joints, why = _skeleton(metadata.skeleton), "the archive names its joints"
        check_given(joints, points.shape[1], where)
    observed = observed_joints(points) & (confidence > 0)
    n_frames = len(points)
    detections = Detections(
        np.arange(n_frames),
        np.where(observed[..., None], points, np.nan).astype(np.float64),
        np.where(observed, confidence, 0.0).astype(np.float64),
        np.full(n_frames, -1),
        n_frames,
    )
    return [
        Clip(
            detections=detections,
            skeleton=joints,
            skeleton_why=why,
            source=metadata.source or where,
            fps=Fraction(numerator, denominator),
            image_size=(int(size[0]), int(size[1])) if has_size else None,
            timestamps_s=times.astype(np.float64) if times.shape == (n_frames,) and times.dtype.kind == "f" else None,
            one_person=True,
            is_own=True,
            person_id=metadata.person_id,
            notes=tuple(metadata.notes),
        )
    ]


def _number(array: np.ndarray, where: str) -> int:
    if array.size != 1 or array.dtype.kind not in "iu" or int(array.reshape(())) <= 0:
        raise InputError(f"{where}: its frame rate is no positive fraction")
    return int(array.reshape(()))


def _skeleton(record: SkeletonRecord) -> Skeleton:
    """The named skeleton where it is one of ours, else the one that the archive describes."""
    pairs = tuple((left, right) for left, right in record.mirror_pairs)
    stored = Skeleton(record.name, tuple(record.joints), tuple(record.parents), pairs)
    known = SKELETONS.get(record.name)
    return known if known is not None and known == stored else stored
