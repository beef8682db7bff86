"""What a repair does to a 2D track: edits as data, and the sentences that provenance keeps of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool

from maquette.skeleton import Skeleton

EditKind = Literal["outside", "unsure", "far", "swap", "turned", "spike", "gap", "hold", "long gap"]

_SENTENCES: dict[EditKind, str] = {
    "outside": "dropped, because outside the picture",
    "unsure": "dropped, because of low confidence",
    "far": "dropped, because too far from the body",
    "swap": "swap repair, left and right exchanged",
    "turned": "swap repair, left and right exchanged, because the pose is more plausible so",
    "spike": "spike removed",
    "gap": "gap filled",
    "hold": "held beyond the first or last sighting",
    "long gap": "left missing, because the gap is too long to fill",
}


@dataclass(frozen=True)
class Edit:
    """One edit: ``joints`` in a run of ``frames``."""

    kind: EditKind
    """``outside``, ``unsure``, ``far`` and ``spike`` make points missing; ``swap`` (because movement goes on evenly so)
    and ``turned`` (because single frames look more like a person so) exchange left and right; ``gap`` and ``hold`` fill
    missing points; ``long gap`` tells of what was left alone."""
    frames: range
    joints: tuple[str, ...]


def runs(mask: Bool[np.ndarray, " frames"]) -> list[tuple[int, int]]:
    """The runs ``[start, stop)`` of True."""
    edges = np.flatnonzero(np.diff(np.pad(mask, 1).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def edits_of(mask: Bool[np.ndarray, "frames joints"], kind: EditKind, skeleton: Skeleton) -> list[Edit]:
    """One edit for each run of frames, joint by joint."""
    if not mask.any():
        return []
    edges = np.diff(np.pad(mask.astype(np.int8), ((1, 1), (0, 0))), axis=0).T
    joints, starts = np.nonzero(edges == 1)
    stops = np.nonzero(edges == -1)[1]
    rows = zip(joints.tolist(), starts.tolist(), stops.tolist(), strict=True)
    return [Edit(kind, range(start, stop), (skeleton.joints[joint],)) for joint, start, stop in rows]


def mask_of(edits: Iterable[Edit], n_frames: int, skeleton: Skeleton) -> Bool[np.ndarray, "frames joints"]:
    """True at every frame and joint that one of ``edits`` concerns."""
    mask = np.zeros((n_frames, len(skeleton)), dtype=bool)
    for edit in edits:
        mask[edit.frames.start : edit.frames.stop, skeleton.indices(edit.joints)] = True
    return mask


def notes_of(edits: Iterable[Edit], skeleton: Skeleton) -> tuple[str, ...]:
    """One sentence for each kind of edit, with every joint and frame; frames count from 0.

    Example: ``swap repair, left and right exchanged: legs in frames 41-47``. Joints with equal frames stand together.
    """
    sentences = []
    by_kind: dict[EditKind, dict[tuple[str, ...], list[range]]] = {}
    for edit in edits:
        by_kind.setdefault(edit.kind, {}).setdefault(edit.joints, []).append(edit.frames)
    for kind, by_joints in by_kind.items():
        by_frames: dict[str, list[str]] = {}
        for joints, frames in by_joints.items():
            by_frames.setdefault(frame_words(frames), []).extend(joints)
        parts = [f"{joint_words(tuple(joints), skeleton)} in {frames}" for frames, joints in by_frames.items()]
        sentences.append(f"{_SENTENCES[kind]}: {'; '.join(parts)}")
    return tuple(sentences)


def frame_words(frames: Iterable[range], most: int | None = None) -> str:
    """``frame 7``, ``frames 3, 41-47``; with ``most``, further stretches are counted only."""
    ordered = sorted(frames, key=lambda r: r.start)
    words = [f"{r.start}" if len(r) == 1 else f"{r.start}-{r.stop - 1}" for r in ordered[:most]]
    more = f" and {len(ordered) - len(words)} more stretches" if len(words) < len(ordered) else ""
    return f"frame{'s' if len(ordered) > 1 or '-' in words[0] else ''} {', '.join(words)}{more}"


_PARTS = {
    "face": ("eye", "ear", "mouth"),
    "shoulders": ("shoulder", "clavicle", "collar"),
    "arms": ("elbow", "wrist", "hand", "thumb", "index", "pinky"),
    "hips": ("hip",),
    "legs": ("knee", "ankle", "heel", "toe", "foot"),
}
"""Parts of the body that detectors exchange as a whole, by words in the names of their left and right joints. The first
part that matches counts, in the order ``legs`` before ``arms``: a foot's index is no hand's."""


def body_parts(skeleton: Skeleton) -> dict[str, list[tuple[int, int]]]:
    """``(left, right)`` joint pairs of each part of the body that the skeleton has."""
    parts: dict[str, list[tuple[int, int]]] = {}
    for left, right in zip(skeleton.left, skeleton.right, strict=True):
        words = skeleton.joints[left].split("_")
        part = next((p for p in ("legs", "hips", "shoulders", "arms", "face") if set(_PARTS[p]) & set(words)), "others")
        parts.setdefault(part, []).append((left, right))
    return parts


def joint_words(joints: tuple[str, ...], skeleton: Skeleton) -> str:
    """Joints in words: ``all joints``, ``all joints but nose``, ``legs + l_wrist``; left and right parts of the body by
    the part's name when they are complete."""
    left_out = [joint for joint in skeleton.joints if joint not in joints]
    if len(left_out) <= min(4, len(skeleton) // 4):
        return f"all joints but {', '.join(left_out)}" if left_out else "all joints"
    rest = set(joints)
    words = []
    for part, pairs in body_parts(skeleton).items():
        names = {skeleton.joints[index] for pair in pairs for index in pair}
        if names <= rest:
            words.append(part)
            rest -= names
    return " + ".join([*words, *(joint for joint in joints if joint in rest)])
