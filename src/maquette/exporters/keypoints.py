"""2D keypoints to files: Maquette's own ``.npz`` (lossless), COCO's ``.json``, or a folder of OpenPose JSON."""

import io
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from jaxtyping import Float

from maquette.atomic import write_bytes
from maquette.errors import OutputError
from maquette.exporters.keypoints_coco import write_coco
from maquette.formats.npz import write_arrays
from maquette.keypoints import Keypoints

_FORMAT_VERSION = 1
_OPENPOSE_SKELETONS = ("openpose-coco-18", "openpose-body-25", "openpose-body-25b", "openpose-135")


def write_keypoints(keypoints: Keypoints | Sequence[Keypoints], path: str | Path) -> None:
    """Write keypoints: an archive when ``path`` ends in ``.npz``, a COCO file for ``.json``, a folder of OpenPose JSON
    when it has no suffix.

    Args:
        keypoints: one person; for ``.json`` and a folder also the people of one clip, in the order in which frames
            shall list them.
        path: ``clip.npz``, ``clip.json``, or the name of a folder that does not exist or is empty.

    Raises:
        OutputError: another suffix, a skeleton or a number of people that the format cannot hold, or no way to write.
    """
    people = [keypoints] if isinstance(keypoints, Keypoints) else list(keypoints)
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix == ".npz":
        if len(people) != 1:
            raise OutputError(f"{target}: an archive holds one person, not {len(people)}; write one file for each")
        write_bytes(target, keypoints_to_npz(people[0]))
    elif suffix == ".json":
        write_coco(people, target)
    elif suffix == "":
        _write_openpose(people, target)
    else:
        raise OutputError(
            f"{target}: keypoints are not written as '{suffix}'; expected .npz, .json for COCO's, or a folder (no "
            "suffix) for OpenPose's"
        )


def check_openpose_folder(folder: Path) -> None:
    """Refuse a folder that cannot take the files, before any work is done.

    Raises:
        OutputError: something is there that is no empty folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder}: exists and is not an empty folder; choose another name")


def keypoints_to_npz(keypoints: Keypoints) -> bytes:
    """The archive: plain arrays without pickles, and a JSON text for names.

    ``kind`` (``keypoints``), ``format_version``, ``points`` (frames, joints, 2), ``confidence`` (frames, joints),
    ``fps_numerator``, ``fps_denominator``, ``image_size`` (2, or 0 when unknown), ``timestamps_s`` (frames, or 0 when
    there are none), ``metadata`` (JSON: skeleton, person_id, source, notes).
    """
    skeleton = keypoints.skeleton
    metadata = {
        "skeleton": {
            "name": skeleton.name,
            "joints": skeleton.joints,
            "parents": skeleton.parents,
            "mirror_pairs": skeleton.mirror_pairs,
        },
        "person_id": keypoints.person_id,
        "source": keypoints.source,
        "notes": keypoints.notes,
    }
    stream = io.BytesIO()
    arrays = {
        "kind": np.array("keypoints"),
        "format_version": np.array(_FORMAT_VERSION),
        "points": keypoints.points,
        "confidence": keypoints.confidence,
        "fps_numerator": np.array(keypoints.fps.numerator),
        "fps_denominator": np.array(keypoints.fps.denominator),
        "image_size": np.array(keypoints.image_size or (), dtype=np.int64),
        "timestamps_s": np.zeros(0) if keypoints.timestamps_s is None else keypoints.timestamps_s,
        "metadata": np.array(msgspec.json.encode(metadata).decode("utf-8")),
    }
    write_arrays(stream, arrays, compressed=True)
    return stream.getvalue()


def _write_openpose(people: list[Keypoints], folder: Path) -> None:
    """Files ``<folder>_000000000000_keypoints.json`` ..., as OpenPose 1.3 writes them; missing is 0, 0, 0.

    Coordinates keep three decimals (0.001 px), as OpenPose's own do.
    """
    if not people:
        raise OutputError(f"{folder}: there is nobody to write")
    skeletons = {person.skeleton.name for person in people}
    lengths = {person.n_frames for person in people}
    if len(skeletons) > 1 or len(lengths) > 1:
        raise OutputError(
            f"{folder}: people of one folder share skeleton and frames; these: {sorted(skeletons)}, {sorted(lengths)}"
        )
    if not skeletons <= set(_OPENPOSE_SKELETONS):
        known = ", ".join(_OPENPOSE_SKELETONS)
        raise OutputError(f"{folder}: OpenPose JSON has no layout for '{people[0].skeleton.name}', only for {known}")
    check_openpose_folder(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise OutputError(f"{folder}: cannot write there ({error.strerror}); choose another output folder") from error
    try:
        values = [_triplets(person) for person in people]
        for i in range(people[0].n_frames):
            document = {
                "version": 1.3,
                "people": [
                    {"person_id": [-1 if person.person_id is None else person.person_id], "pose_keypoints_2d": flat[i]}
                    for person, flat in zip(people, values, strict=True)
                    if any(flat[i])
                ],
            }
            name = f"{folder.name}_{i:012d}_keypoints.json"
            (temporary / name).write_bytes(msgspec.json.encode(document))
        temporary.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise OutputError(f"{folder}: cannot be written ({error.strerror})") from error
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _triplets(person: Keypoints) -> list[list[float]]:
    """x, y, confidence of all joints, flat, for each frame."""
    table: Float[np.ndarray, "frames joints 3"] = np.concatenate([person.points, person.confidence[..., None]], axis=-1)
    table = np.where(person.observed[..., None], table, 0.0)
    table[..., :2] = np.round(table[..., :2], 3)
    table[..., 2] = np.round(table[..., 2], 6)
    return table.reshape(person.n_frames, -1).tolist()
