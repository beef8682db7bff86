"""One made-up clip, and writers of it in the format of every program whose keypoints are read.

The figure is a frontal stick figure that walks sideways. Coordinates are rounded to 0.001 px, which is what the text
formats keep.
"""

import csv
import io
import json
from pathlib import Path

import numpy as np

from maquette.skeleton import Skeleton
from maquette.skeletons import COCO_17

SIZE = (1280, 720)

_MIDLINE = {
    "nose": (0.0, -0.42),
    "head": (0.0, -0.53),
    "head_top": (0.0, -0.53),
    "upper_neck": (0.0, -0.35),
    "neck": (0.0, -0.31),
    "thorax": (0.0, -0.31),
    "spine": (0.0, -0.15),
    "mid_hip": (0.0, 0.0),
    "pelvis": (0.0, 0.0),
    "hip": (0.0, 0.0),
}
_LEFT = {
    "eye_inner": (0.012, -0.44),
    "eye": (0.02, -0.44),
    "eye_outer": (0.028, -0.44),
    "ear": (0.05, -0.43),
    "mouth": (0.015, -0.40),
    "shoulder": (0.10, -0.31),
    "elbow": (0.13, -0.15),
    "wrist": (0.14, 0.0),
    "pinky": (0.15, 0.05),
    "index": (0.14, 0.05),
    "thumb": (0.13, 0.04),
    "hip": (0.06, 0.0),
    "knee": (0.07, 0.24),
    "ankle": (0.07, 0.47),
    "heel": (0.06, 0.50),
    "big_toe": (0.09, 0.51),
    "small_toe": (0.12, 0.505),
    "foot_index": (0.09, 0.51),
}
_SWING = {"elbow": 0.03, "wrist": 0.08, "pinky": 0.09, "index": 0.09, "thumb": 0.09, "knee": 0.05, "ankle": 0.10}
_SWING |= dict.fromkeys(("heel", "big_toe", "small_toe", "foot_index"), 0.10)


def figure(
    skeleton: Skeleton,
    n_frames: int = 20,
    *,
    start: tuple[float, float] = (500.0, 380.0),
    step: float = 4.0,
    height_px: float = 420.0,
) -> np.ndarray:
    """Points (frames, joints, 2) of a person that walks ``step`` px a frame to the right."""
    t = np.arange(n_frames)
    points = np.zeros((n_frames, len(skeleton), 2))
    for j, name in enumerate(skeleton.joints):
        side, _, part = name.partition("_")
        if name in _MIDLINE:
            offset, swing = _MIDLINE[name], 0.0
        elif side in ("l", "r") and part in _LEFT:
            mirror = 1.0 if side == "l" else -1.0
            offset = (mirror * _LEFT[part][0], _LEFT[part][1])
            swing = mirror * _SWING.get(part, 0.0)
        else:  # hands and faces: somewhere near the head
            offset, swing = (0.002 * (j % 17), -0.40 - 0.001 * (j % 13)), 0.0
        points[:, j, 0] = start[0] + step * t + height_px * (offset[0] + swing * np.sin(0.3 * t))
        points[:, j, 1] = start[1] + height_px * offset[1]
    return points.round(3)


def certainty(skeleton: Skeleton, n_frames: int = 20) -> np.ndarray:
    """Confidence (frames, joints) between 0.5 and 1, three decimals."""
    rows = np.arange(n_frames)[:, None] * 7 + np.arange(len(skeleton))[None] * 13
    return (0.5 + (rows % 50) / 100).round(3)


def triplets(points: np.ndarray, confidence: np.ndarray) -> list[list[float]]:
    return np.concatenate([points, confidence[..., None]], axis=-1).reshape(len(points), -1).tolist()


def write_openpose(
    folder: Path,
    people: list[tuple[np.ndarray, np.ndarray]],
    *,
    key: str = "pose_keypoints_2d",
    first: int = 0,
    absent: tuple[int, ...] = (),
    order: np.ndarray | None = None,
    name: str = "clip_{:012d}_keypoints.json",
) -> Path:
    """One file a frame. People whose row is all NaN are not in a frame; frames in ``absent`` have no file.

    ``order`` (frames, people) shuffles the list of each frame.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(len(people[0][0])):
        if i in absent:
            continue
        listed = []
        for k in range(len(people)) if order is None else order[i]:
            points, confidence = people[k]
            if not np.isnan(points[i]).all():
                row = np.concatenate([points[i], confidence[i][:, None]], axis=1)
                row[np.isnan(row).any(1)] = 0
                listed.append({key: row.ravel().tolist()})
        text = json.dumps({"version": 1.1 if key == "pose_keypoints" else 1.3, "people": listed})
        (folder / name.format(i + first)).write_text(text)
    return folder


def write_pairs(folder: Path, points: np.ndarray) -> Path:
    """tf-pose and Keras: bare x, y."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, row in enumerate(points):
        people = [] if np.isnan(row).all() else [{"pose_keypoints_2d": np.nan_to_num(row).ravel().tolist()}]
        (folder / f"{i:012d}_keypoints.json").write_text(json.dumps({"people": people}))
    return folder


def write_coco_results(path: Path, points: np.ndarray, confidence: np.ndarray) -> Path:
    rows = triplets(points, confidence)
    path.write_text(
        json.dumps([{"image_id": i, "category_id": 1, "keypoints": r, "score": 0.9} for i, r in enumerate(rows)])
    )
    return path


def write_coco_annotations(path: Path, points: np.ndarray, flags: np.ndarray) -> Path:
    content = {
        "images": [
            {"id": 900 - i, "file_name": f"video_{i:06d}.jpg", "width": SIZE[0], "height": SIZE[1]}
            for i in range(len(points))
        ],
        "annotations": [
            {"id": i, "image_id": 900 - i, "category_id": 1, "keypoints": row, "num_keypoints": 17}
            for i, row in enumerate(triplets(points, flags))
        ],
        "categories": [{"id": 1, "name": "person", "keypoints": long_names(COCO_17)}],
    }
    path.write_text(json.dumps(content))
    return path


def write_alphapose(path: Path, points: np.ndarray, confidence: np.ndarray, *, idx: object = 0) -> Path:
    rows = triplets(points, confidence)
    listed = [
        {"image_id": f"{i}.jpg", "category_id": 1, "keypoints": r, "score": 2.9, "idx": idx} for i, r in enumerate(rows)
    ]
    listed.sort(key=lambda entry: str(entry["image_id"]))
    path.write_text(json.dumps(listed))
    return path


def _instances(points: np.ndarray, confidence: np.ndarray) -> list[dict]:
    instance = {"keypoints": points.tolist(), "keypoint_scores": confidence.tolist()}
    return [{**instance, "bbox": [[0.0, 0.0, 9.0, 9.0]], "bbox_score": 0.8}]


def write_mmpose_demo(path: Path, points: np.ndarray, confidence: np.ndarray, skeleton: Skeleton) -> Path:
    names = {str(i): name for i, name in enumerate(long_names(skeleton))}
    frames = [
        {"frame_id": i + 1, "instances": _instances(p, c)}
        for i, (p, c) in enumerate(zip(points, confidence, strict=True))
    ]
    meta = {"dataset_name": "made", "num_keypoints": len(skeleton), "keypoint_id2name": names}
    path.write_text(json.dumps({"meta_info": meta, "instance_info": frames}))
    return path


def write_mmpose_video(path: Path, points: np.ndarray, confidence: np.ndarray) -> Path:
    pairs = enumerate(zip(points, confidence, strict=True))
    path.write_text(json.dumps([{"frame_id": i, "instances": _instances(p, c)} for i, (p, c) in pairs]))
    return path


def write_mmpose_images(folder: Path, points: np.ndarray, confidence: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i, (p, c) in enumerate(zip(points, confidence, strict=True)):
        (folder / f"picture_{i}.json").write_text(json.dumps(_instances(p, c)))
    return folder


def write_mediapipe(path: Path, points: np.ndarray, visibility: np.ndarray, fps: float = 25.0) -> Path:
    lines = []
    for i, (p, v) in enumerate(zip(points / SIZE, visibility, strict=True)):
        landmarks = np.concatenate([p, np.zeros((len(p), 1)), v[:, None]], axis=1).tolist()
        record = {"frame": i, "time_s": round(i / fps, 6), "image_size": SIZE, "landmarks": landmarks}
        lines.append(json.dumps(record))
    path.write_text("\n".join(lines) + "\n")
    return path


def write_videopose3d(path: Path, clips: dict[str, dict[str, list[np.ndarray]]], layout: str = "coco") -> Path:
    metadata = {"layout_name": layout, "num_joints": 17, "keypoints_symmetry": [[1, 3], [2, 4]], "video_metadata": {}}
    metadata["video_metadata"] = {subject: {"w": SIZE[0], "h": SIZE[1]} for subject in clips}
    boxed = np.empty((), dtype=object)
    boxed[()] = clips
    with path.open("wb") as file:
        np.savez_compressed(file, positions_2d=boxed, metadata=np.array(metadata, dtype=object))
    return path


_TRC_NAMES = {"hip": "Hip", "head": "Head", "neck": "Neck", "nose": "Nose", "mid_hip": "Hip"}


def write_trc(path: Path, points: np.ndarray, skeleton: Skeleton, fps: str = "30") -> Path:
    """Sports2D's pixel file: metres in the header, pixels in the table."""
    markers = [_TRC_NAMES.get(j) or j.title().replace("_", "") for j in skeleton.joints]
    n = len(markers)
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
        f"{fps}\t{fps}\t{len(points)}\t{n}\tm\t{fps}\t0\t{len(points)}",
        "Frame#\tTime\t" + "\t\t\t".join(markers) + "\t\t\t",
        "\t\t" + "\t".join(f"X{i}\tY{i}\tZ{i}" for i in range(1, n + 1)),
    ]
    for i, frame in enumerate(points):
        cells = "\t".join(f"{x}\t{y}\t0.0" if np.isfinite(x) else "\t\t0.0" for x, y in frame)
        lines.append(f"{i}\t{i / float(fps):.6f}\t{cells}")
    path.write_text("\n".join(lines) + "\n")
    return path


def write_deeplabcut(path: Path, people: dict[str, tuple[np.ndarray, np.ndarray]], skeleton: Skeleton) -> Path:
    """One individual without the row of individuals, several with it."""
    names = long_names(skeleton)
    keys = [(who, part, c) for who in people for part in names for c in ("x", "y", "likelihood")]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["scorer"] + ["made"] * len(keys))
    if len(people) > 1:
        writer.writerow(["individuals"] + [who for who, _, _ in keys])
    writer.writerow(["bodyparts"] + [part for _, part, _ in keys])
    writer.writerow(["coords"] + [c for _, _, c in keys])
    n_frames = len(next(iter(people.values()))[0])
    for i in range(n_frames):
        row: list[object] = [i]
        for points, confidence in people.values():
            for p, c in zip(points[i], confidence[i], strict=True):
                row += ["", "", ""] if np.isnan(p).any() else [p[0], p[1], c]
        writer.writerow(row)
    path.write_text(stream.getvalue())
    return path


def write_yolo(folder: Path, points: np.ndarray, confidence: np.ndarray) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i, (p, c) in enumerate(zip(points / SIZE, confidence, strict=True)):
        row = np.concatenate([p, c[:, None]], axis=1).ravel()
        text = "" if np.isnan(row).all() else "0 0.5 0.5 0.2 0.6 " + " ".join(f"{v:.9f}" for v in row) + "\n"
        (folder / f"clip_{i + 1}.txt").write_text(text)
    return folder


def long_names(skeleton: Skeleton) -> list[str]:
    """``l_knee`` -> ``left_knee``, as COCO, MMPose and DeepLabCut projects spell it."""
    sides = {"l_": "left_", "r_": "right_"}
    return [sides[j[:2]] + j[2:] if j[:2] in sides else j for j in skeleton.joints]
