"""A store (:mod:`~maquette.datasets.store`) as rows of the 3D pose machine: every fifth frame of each video of each
camera, the split of protocol I.

2D points become shares of the side of a square around the person (:mod:`~maquette.datasets.pose_machine_square`); 3D is
in the camera's frame, y down, relative to the hip, the truth as it is or, as in the published lists, at mean limb
lengths.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from maquette.datasets.pose_machine_limbs import LimbLengths, beyond_mm, mean_limb_lengths
from maquette.datasets.pose_machine_rows import PictureNames, PoseMachineRows
from maquette.datasets.pose_machine_square import MARGIN, check_joints, machine_points, squares_around
from maquette.datasets.sequences import Label
from maquette.datasets.store import PoseStore, Recording, View
from maquette.datasets.store_choice import recordings_of, views_of
from maquette.errors import InputError
from maquette.lifting.min_max import PUBLISHED_16, MinMax
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_16, H36M_17

TRAIN, TEST = ("S1", "S5", "S6", "S7", "S8"), ("S9", "S11")
"""Subjects of protocol I."""
EVERY = 5
"""Of the 50 frames a second of Human3.6M, the published lists have ten."""
PICTURES = "{subject}/{action}.{camera}/{frame:06d}.jpg"
"""Names of the pictures of a store: the words in braces, and ``kind`` (the action without the number of the take),
``frame`` from 0 and ``number`` from 1; blanks become underscores."""
_MM = 1000.0
_TOLERATED_MM = 1.0
_WITHOUT_NOSE = H36M_17.indices(H36M_16.joints)


@dataclass(frozen=True, eq=False)
class _Part:
    """Rows of one recording seen by one camera."""

    label: Label
    frames: np.ndarray
    points_px: Float64[np.ndarray, "rows 16 2"]
    visible: Bool[np.ndarray, "rows 16"]
    positions_mm: Float64[np.ndarray, "rows 16 3"]
    continues: Bool[np.ndarray, " rows"]


def rows_from_store(
    store: PoseStore,
    *,
    source: str = "gt",
    subjects: Sequence[str] = TRAIN,
    actions: Sequence[str] | None = None,
    every: int = EVERY,
    limits: MinMax = PUBLISHED_16,
    limbs: LimbLengths | None = None,
    margin: float | int = MARGIN,
    pictures: str = PICTURES,
) -> PoseMachineRows:
    """All rows of ``subjects``, in the order asked for, as the 2D ``source`` saw them.

    A frame in which no joint was found is left out, and the video begins anew after it. A view without points of the
    source is left out.

    Args:
        source: of the 16 joints by name (h36m-17, h36m-32), or of joints that a map leads from (mpii-16). A point
            with a score of 0 or that is not finite is not visible.
        actions: whole names without the number of the take; None: all.
        every: take every so many-th frame, from the first.
        limits: what the 3D is normalised by.
        limbs: legacy: every body at these lengths (:func:`limbs_of_store` of the training subjects).
        margin: around the person, see :func:`~maquette.datasets.pose_machine_square.squares_around`.
        pictures: how the pictures are called, see :data:`PICTURES`.

    Raises:
        InputError: no such source, subject or action; a store of other joints; fewer frames of 2D than of 3D; all of it
            at once. 3D with missing values.
    """
    parts = _parts(store, source, subjects, actions, every, limbs)
    empty = [f"{part.label}: no joint was found in any frame; left out" for part in parts if not len(part.frames)]
    parts = [part for part in parts if len(part.frames)]
    if not parts:
        raise InputError(f"{store.path}: the 2D '{source}' of these subjects has no point in any frame")
    visible = np.concatenate([part.visible for part in parts])
    points_px = np.concatenate([part.points_px for part in parts])
    squares = squares_around(points_px, visible, margin=margin)
    positions = np.concatenate([part.positions_mm for part in parts])
    return PoseMachineRows(
        name=f"{store.name}, 2D '{source}'",
        points=np.where(visible[..., None], squares.shares(points_px), 0).astype(np.float32),
        visible=visible,
        targets=limits.normalise(positions).astype(np.float32),
        continues=np.concatenate([part.continues for part in parts]),
        label_of=np.repeat(np.arange(len(parts), dtype=np.int32), [len(part.frames) for part in parts]),
        labels=tuple(part.label for part in parts),
        limits=limits,
        pictures=PictureNames.of(_names(parts, pictures)),
        boxes=squares.boxes,
        notes=(*empty, *_notes(positions, limits, limbs)),
    )


def _parts(
    store: PoseStore,
    source: str,
    subjects: Sequence[str],
    actions: Sequence[str] | None,
    every: int,
    limbs: LimbLengths | None,
) -> list[_Part]:
    """Of every view that is asked for, once it is sure that all can be used."""
    wrong = [f"every {every}-th frame, expected 1 or more"] if every < 1 else []
    wrong += _lacking(store, H36M_16 if limbs is None else H36M_17)
    if source in store.sources:
        try:
            check_joints(store.sources[source].skeleton)
        except InputError as error:
            wrong.append(f"'{source}': {error}")
    found = views_of(store, source=source, subjects=subjects, actions=actions, also_wrong=wrong)
    problems: list[str] = []
    parts = []
    for recording, view in found:
        try:
            parts.append(_part(store, recording, view, source, every, limbs))
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError.from_problems(str(store.path), problems)
    return parts


def limbs_of_store(store: PoseStore, *, subjects: Sequence[str] = TRAIN, every: int = EVERY) -> LimbLengths:
    """Mean limb lengths over the frames of these subjects, each recording once.

    Raises:
        InputError: no such subject, a store of other joints, or 3D with missing values.
    """
    problems = [
        f"no subject '{name}'; there are: {', '.join(store.subjects)}"
        for name in subjects
        if name not in store.subjects
    ]
    problems += _lacking(store, H36M_17)
    if problems:
        raise InputError.from_problems(str(store.path), problems)
    body = store.skeleton.indices(H36M_17.joints)
    return mean_limb_lengths(
        store.positions_world_m(recording)[::every][:, body] * _MM for recording in recordings_of(store, subjects)
    )


def _lacking(store: PoseStore, body: Skeleton) -> list[str]:
    names = [name for name in body.joints if name not in store.skeleton]
    return [f"its joints are {store.skeleton}, without {', '.join(names)}; expected those of {body}"] if names else []


def _part(
    store: PoseStore, recording: Recording, view: View, source: str, every: int, limbs: LimbLengths | None
) -> _Part:
    label = Label(recording.subject, recording.action, view.camera_name)
    frames = np.arange(0, recording.frames, every)
    seen = store.keypoints_px(recording, view, source)[frames]
    points, visible = machine_points(seen, store.sources[source].skeleton)
    body = store.skeleton.indices((H36M_16 if limbs is None else H36M_17).joints)
    positions = view.camera.world_to_camera(store.positions_world_m(recording)[frames][:, body]) * _MM
    relative = positions - positions[:, :1]
    if not np.isfinite(relative).all():
        raise InputError(f"{label}: motion capture with missing values; cut them before training")
    if limbs is not None:
        relative = limbs.rescaled(relative)[:, _WITHOUT_NOSE]
    kept = visible.any(axis=1)
    return _Part(
        label,
        frames[kept],
        points[kept],
        visible[kept],
        relative[kept],
        np.diff(frames[kept], prepend=-2 * every) == every,
    )


def _names(parts: Sequence[_Part], form: str) -> Iterator[str]:
    for part in parts:
        action = part.label.action.replace(" ", "_")
        facts = {"subject": part.label.subject, "action": action, "kind": part.label.kind, "camera": part.label.camera}
        for frame in part.frames.tolist():
            try:
                yield form.format(**facts, frame=frame, number=frame + 1)
            except (LookupError, ValueError, AttributeError) as error:
                raise InputError(f"names of pictures '{form}': {error}; expected a text such as '{PICTURES}'") from None


def _notes(positions: Float64[np.ndarray, "rows 16 3"], limits: MinMax, limbs: LimbLengths | None) -> tuple[str, ...]:
    notes = () if limbs is None else ("legacy: every body at mean limb lengths, errors are not those on the data set",)
    beyond = beyond_mm(positions, limits)
    if (far := beyond > _TOLERATED_MM).any():
        worst = ", ".join(f"{H36M_16.joints[i]} by {beyond[i]:.0f} mm" for i in np.flatnonzero(far))
        notes += (f"positions leave the limits they are normalised by: {worst}",)
    return notes
