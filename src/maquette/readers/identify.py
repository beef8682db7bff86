"""What format a file or folder is, told by its content, and which reader it gets."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from maquette.errors import InputError, NoPersonError
from maquette.formats.json_documents import document_kind, json_brief, json_items, json_keys, lines_as_list
from maquette.formats.npz import array_names
from maquette.readers import coco, deeplabcut, mediapipe, mmpose, openpose, own_npz, sports2d, videopose3d, yolo
from maquette.readers.clip import Clip
from maquette.readers.footage import kind_of_bytes
from maquette.readers.input_files import file_names, folder_names, kind_of, read_bytes
from maquette.skeleton import Skeleton


@dataclass(frozen=True)
class Found:
    """A recognised format, ready to be read."""

    format: str
    why: str
    n_files: int
    read: Callable[[Skeleton | None], list[Clip]]


FileReader = Callable[[Path, bytes, Skeleton | None], list[Clip]]
FolderReader = Callable[[Path, list[str], Skeleton | None], list[Clip]]
Known = tuple[str, str, FileReader]
"""Name of the format, the clause that says how it is told, its reader."""

# An object is told by its keys, a list by the keys of its first element. The first row that fits is taken.
OBJECTS: tuple[tuple[set[str], Known], ...] = (
    ({"people"}, ("OpenPose JSON, one frame", "it has a list 'people'", openpose.read_file)),
    ({"bodies"}, ("AlphaPose JSON in CMU's layout, one frame", "it has a list 'bodies'", openpose.read_file)),
    ({"instance_info"}, ("MMPose demo JSON", "it has a list 'instance_info'", mmpose.read_demo)),
    ({"annotations"}, ("COCO annotations", "it has a list 'annotations'", coco.read_annotations)),
    ({"landmarks"}, ("MediaPipe landmarks, one frame", "it has 'landmarks'", mediapipe.read_frame)),
    ({"pose_landmarks"}, ("MediaPipe landmarks, one frame", "it has 'pose_landmarks'", mediapipe.read_frame)),
    ({"poseLandmarks"}, ("MediaPipe landmarks, one frame", "it has 'poseLandmarks'", mediapipe.read_frame)),
)
LISTS: tuple[tuple[set[str], Known], ...] = (
    ({"people"}, ("OpenPose JSON, a list of frames", "its elements have 'people'", openpose.read_file)),
    ({"bodies"}, ("AlphaPose JSON in CMU's layout", "its elements have 'bodies'", openpose.read_file)),
    (
        {"image_id", "keypoints", "idx"},
        ("AlphaPose JSON", "its elements have 'image_id', 'keypoints' and 'idx'", coco.read_results),
    ),
    (
        {"image_id", "keypoints"},
        ("COCO keypoint results", "its elements have 'image_id' and 'keypoints'", coco.read_results),
    ),
    ({"instances"}, ("MMPose Inferencer JSON, a video", "its elements have 'instances'", mmpose.read_video)),
    ({"keypoints"}, ("MMPose Inferencer JSON, a picture", "its elements have 'keypoints'", mmpose.read_image)),
    ({"landmarks"}, ("MediaPipe landmarks", "its elements have 'landmarks'", mediapipe.read_frames)),
    ({"pose_landmarks"}, ("MediaPipe landmarks", "its elements have 'pose_landmarks'", mediapipe.read_frames)),
    ({"poseLandmarks"}, ("MediaPipe landmarks", "its elements have 'poseLandmarks'", mediapipe.read_frames)),
    ({"x", "y"}, ("MediaPipe landmarks, one frame", "its elements have 'x' and 'y'", mediapipe.read_bare_frame)),
)

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89HDF", "an HDF5 file; export it as CSV (DeepLabCut: analyze_videos(..., save_as_csv=True))"),
    (0, b"\x93NUMPY", "a bare NumPy array, which does not say what it holds; write a format that names its points"),
    (0, b"\x80", "binary data (a Python pickle?)"),
    (0, b"HIERARCHY", "a BVH file, which holds 3D motion and not 2D keypoints"),
    (0, b"glTF", "a GLB file, which holds 3D motion and not 2D keypoints"),
)
EXPECTED = (
    "OpenPose JSON, COCO, AlphaPose, MMPose or MediaPipe JSON, VideoPose3D or Maquette .npz, Sports2D pixel .trc, "
    "DeepLabCut .csv, YOLO-pose labels, or a video or picture"
)


def identify(path: Path) -> Found:
    """Format of ``path``.

    Raises:
        InputError: nothing is there, or it is no keypoint format; the text says what was seen.
        NoPersonError: an empty list of frames.
    """
    return _folder(path) if kind_of(path) == "folder" else _file(path)


def _folder(path: Path) -> Found:
    names = file_names(path)
    json_names = [name for name in names if name.lower().endswith(".json")]
    if json_names:
        return _json_folder(path, json_names)
    labels = [name for name in names if name.lower().endswith(".txt") and name.lower() != "classes.txt"]
    if any(yolo.looks_like_labels(read_bytes(path / name)) for name in labels[:200]):
        why = "each line has the numbers of a YOLO-pose label"
        return Found("YOLO-pose labels", why, len(labels), partial(yolo.read_folder, path, labels))
    others = [name for name in names if name.lower().endswith((".npz", ".jsonl", ".trc", ".csv"))]
    if len(others) == 1:
        return _file(path / others[0])
    if others:
        shown = ", ".join(others[:4]) + (" ..." if len(others) > 4 else "")
        raise InputError(f"{path}: holds {len(others)} files that could be keypoints ({shown}); give one of them")
    if names:
        shown = ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
        count = "1 file" if len(names) == 1 else f"{len(names)} files"
        raise InputError(f"{path}: no keypoints in its {count} ({shown}); expected {EXPECTED}")
    inner = folder_names(path)
    if inner:
        shown = ", ".join(inner[:4]) + (" ..." if len(inner) > 4 else "")
        raise InputError(f"{path}: holds only folders ({shown}); give one of them")
    raise InputError(f"{path}: the folder has no files in it; expected {EXPECTED}")


def _json_folder(path: Path, names: list[str]) -> Found:
    """One JSON file for each frame, or the only JSON file of the folder."""
    first = path / names[0]
    data = read_bytes(first)
    keys = json_keys(data, str(first)) if document_kind(data) == "object" else None
    if keys is not None and keys.keys() & {"people", "bodies"}:
        why = f"{names[0]} has a list '{'people' if 'people' in keys else 'bodies'}'"
        return Found("OpenPose JSON folder", why, len(names), partial(openpose.read_folder, path, names))
    if len(names) == 1:
        return _file(first)
    if keys is None and _is_people_list(data, str(first)):
        why = f"{names[0]} is a list of people with 'keypoints'"
        return Found("MMPose Inferencer JSON folder", why, len(names), partial(mmpose.read_folder, path, names))
    found = _json(first, data)
    raise InputError(
        f"{path}: holds {len(names)} JSON files, and {names[0]} is a whole clip ({found.format}); give one of the files"
    )


def _is_people_list(data: bytes, where: str) -> bool:
    """True for MMPose's list of the people in one picture (empty when nobody is in it)."""
    items = json_items(data, where)
    if not items:
        return True
    keys = _keys_of(bytes(items[0]))
    return "keypoints" in keys and "image_id" not in keys


def _file(path: Path) -> Found:
    data = read_bytes(path)
    footage = kind_of_bytes(data[:400])
    if footage:
        raise InputError(f"{path}: is a {footage}, and keypoints are expected; maquette detect finds people in it")
    for offset, magic, words in _MAGIC:
        if data[offset : offset + len(magic)] == magic:
            raise InputError(f"{path}: is {words}; expected {EXPECTED}")
    if data.startswith(b"PK\x03\x04"):
        return _archive(path, data)
    if document_kind(data) != "other":
        return _json(path, data)
    start = data[:200].removeprefix(b"\xef\xbb\xbf")
    if start.startswith(b"PathFileType"):
        return _known(path, data, ("Sports2D pixel TRC", "it begins with 'PathFileType'", sports2d.read))
    if start.startswith(b"scorer,"):
        return _known(path, data, ("DeepLabCut CSV", "its first row is 'scorer'", deeplabcut.read))
    if yolo.looks_like_labels(data):
        return _known(path, data, ("YOLO-pose label", "its lines have the numbers of a label", yolo.read_file))
    if not data.strip():
        raise InputError(f"{path}: the file is empty; expected {EXPECTED}")
    text = start[:40].decode("utf-8", "replace")
    raise InputError(f"{path}: no known keypoint format (it begins with {text!r}); expected {EXPECTED}")


def _known(path: Path, data: bytes, known: Known, *, lines: bool = False) -> Found:
    name, why, read = known
    return Found(f"{name} (JSON lines)" if lines else name, why, 1, partial(read, path, data))


def _archive(path: Path, data: bytes) -> Found:
    names = array_names(data, str(path))
    if "positions_2d" in names:
        return _known(path, data, ("VideoPose3D .npz", "it has an array 'positions_2d'", videopose3d.read))
    if "kind" in names:
        kind = own_npz.kind_of_archive(data, str(path))
        if kind == "keypoints":
            return _known(path, data, ("Maquette keypoints .npz", "its kind is 'keypoints'", own_npz.read))
        raise InputError(f"{path}: its kind is '{kind}', expected 'keypoints'; read 3D motion with read_motion")
    shown = ", ".join(names[:6]) or "none"
    raise InputError(
        f"{path}: an archive without 2D keypoints (its arrays: {shown}); expected 'positions_2d' or 'kind'"
    )


def _json(path: Path, data: bytes) -> Found:
    """Format of a JSON document, or of JSON lines, which are read as the list of them."""
    where = str(path)
    kind = document_kind(data)
    if kind == "lines":
        data = lines_as_list(data, where)
        lines = True
    else:
        lines = False
    if kind == "object":
        keys = json_keys(data, where) or {}
        known = _first(OBJECTS, set(keys))
        if known:
            return _known(path, data, known)
        inner = [_keys_of(bytes(value)) for value in list(keys.values())[:20]]
        if inner and all({"people", "bodies"} & keys_of for keys_of in inner):
            why = "its elements, by picture, have 'people'"
            return _known(path, data, ("OpenPose JSON, frames by picture", why, openpose.read_file))
        raise InputError(f"{path}: no keypoints in it: it is {json_brief(data)}; expected {EXPECTED}")
    return _json_list(path, data, lines)


def _json_list(path: Path, data: bytes, lines: bool) -> Found:
    items = json_items(data, str(path)) or []
    first = next((bytes(item) for item in items if bytes(item) not in (b"null", b"{}", b"[]")), None)
    if first is None:
        raise NoPersonError(f"{path}: a list of {len(items)} frames in which nobody is")
    known = _first(LISTS, _keys_of(first))
    if known:
        return _known(path, data, known, lines=lines)
    if first.startswith(b"["):
        inner = json_items(first, str(path))
        if not inner:
            raise NoPersonError(f"{path}: a list of {len(items)} frames, the first of which is an empty list")
        if bytes(inner[0]).startswith((b"[", b"{")):
            known = ("MediaPipe landmarks, bare lists", "a list of lists of landmarks", mediapipe.read_bare_frames)
            return _known(path, data, known, lines=lines)
        known = ("MediaPipe landmarks, one frame", "a list of landmarks", mediapipe.read_bare_frame)
        return _known(path, data, known, lines=lines)
    raise InputError(f"{path}: no keypoints in it: its first element is {json_brief(first)}; expected {EXPECTED}")


def _keys_of(data: bytes) -> set[str]:
    """Keys of an undecoded value that is an object, else nothing."""
    if document_kind(data) != "object":
        return set()
    return set(json_keys(data, "") or {})


def _first(table: tuple[tuple[set[str], Known], ...], keys: set[str]) -> Known | None:
    return next((known for needed, known in table if needed <= keys), None)
