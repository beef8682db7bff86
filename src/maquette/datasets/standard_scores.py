"""Single poses as Martinez et al. 2017 train on them: standard scores of 16 joints in 2D and of 16 (or 14) in 3D.

Every frame of every camera is a sample of its own. Positions in 3D are relative to the hip, in the frame of the camera
(``camera_frame``) or of the world; statistics are those of the training subjects.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from maquette.datasets.pose_statistics import (
    INPUT_JOINTS,
    JOINTS,
    PoseStatistics,
    output_joints,
    statistics_from_data,
)
from maquette.datasets.sequences import Label
from maquette.datasets.store import PoseStore, Recording, View
from maquette.datasets.store_choice import recordings_of, views_of
from maquette.errors import InputError
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_17, H36M_32, MPII_16

_HOURGLASS = dict(
    zip(
        INPUT_JOINTS,
        (
            *("pelvis", "r_hip", "r_knee", "r_ankle", "l_hip", "l_knee", "l_ankle", "thorax", "upper_neck", "head_top"),
            *("l_shoulder", "l_elbow", "l_wrist", "r_shoulder", "r_elbow", "r_wrist"),
        ),
        strict=True,
    )
)
"""Joint of Human3.6M -> joint of Stacked Hourglass that the published program puts there. MPII's thorax stands on the
line of the shoulders, so a network that was trained with it as the "spine" does not take Human3.6M's."""
_MM = 1000.0


@dataclass(frozen=True, eq=False)
class ScoredPoses:
    """Normalised samples of all sequences, one after the other."""

    inputs: Float[np.ndarray, "rows 32"]
    targets: Float[np.ndarray, "rows outputs"]
    """48 or 42 standard scores."""
    roots: Float[np.ndarray, "rows 3"]
    """Position of the hip, millimetres, in the frame of the targets."""
    starts: Int[np.ndarray, " sequences_and_1"]
    """Rows of sequence ``i`` are ``starts[i]:starts[i + 1]``."""
    labels: tuple[Label, ...]
    statistics: PoseStatistics
    predict_14: bool
    camera_frame: bool

    def rows(self, sequence: int) -> slice:
        """Rows of one sequence."""
        return slice(int(self.starts[sequence]), int(self.starts[sequence + 1]))

    def arranged(self, order: Sequence[int]) -> "ScoredPoses":
        """The sequences ``order``, in that order: which frames the remainder of a batch is depends on it."""
        kept = [self.rows(i) for i in order]
        row = np.concatenate([np.arange(r.start, r.stop) for r in kept]) if kept else np.zeros(0, dtype=int)
        return replace(
            self,
            inputs=self.inputs[row],
            targets=self.targets[row],
            roots=self.roots[row],
            starts=np.cumsum([0, *(r.stop - r.start for r in kept)]),
            labels=tuple(self.labels[i] for i in order),
        )

    def targets_mm(self) -> Float[np.ndarray, "rows 96"]:
        """Positions relative to the hip, millimetres; joints that are not predicted are at their mean."""
        return self.statistics.positions_mm(self.targets, predict_14=self.predict_14)


def scored_poses(
    store: PoseStore,
    *,
    source: str,
    subjects: Sequence[str],
    actions: Sequence[str] | None = None,
    camera_frame: bool = True,
    predict_14: bool = False,
    statistics: PoseStatistics | None = None,
    dtype: type[np.floating] = np.float32,
) -> ScoredPoses:
    """All frames of ``subjects`` as the 2D ``source`` saw them, in the order of the store.

    Args:
        source: of joints h36m-32 (exact points), mpii-16 (Stacked Hourglass) or h36m-17; a score is not used.
        actions: whole names without the number of the take ("Sitting" is not "SittingDown"); None: all.
        statistics: of the training set; None: those of these frames (published).
        dtype: of the samples; all arithmetic is in double precision.

    Raises:
        InputError: no such source, subject or action; a store of another skeleton; a view with fewer frames of 2D than
            of 3D, or with missing points; all of it at once.
    """
    chosen = _views(store, source, subjects, actions)
    if statistics is None:
        statistics = statistics_of_store(
            store, source=source, subjects=subjects, actions=actions, camera_frame=camera_frame
        )
    lengths = [recording.frames for recording, _ in chosen]
    starts = np.cumsum([0, *lengths])
    inputs = np.empty((starts[-1], 2 * len(INPUT_JOINTS)), dtype)
    targets = np.empty((starts[-1], 3 * len(output_joints(predict_14))), dtype)
    roots = np.empty((starts[-1], 3))
    for (recording, view), start, stop in zip(chosen, starts, starts[1:], strict=False):
        inputs[start:stop] = statistics.normalised_2d(_points_px(store, source, recording, view))
        positions, roots[start:stop] = _positions_mm(store, recording, view if camera_frame else None)
        targets[start:stop] = statistics.normalised_3d(positions, predict_14=predict_14)
    labels = tuple(Label(recording.subject, recording.action, view.camera_name) for recording, view in chosen)
    return ScoredPoses(inputs, targets, roots, starts, labels, statistics, predict_14, camera_frame)


def statistics_of_store(
    store: PoseStore,
    *,
    source: str,
    subjects: Sequence[str],
    actions: Sequence[str] | None = None,
    camera_frame: bool = True,
) -> PoseStatistics:
    """Mean and deviation over every frame of ``subjects``: in 2D over the views that have the source, in 3D over all.

    Raises:
        InputError: as :func:`scored_poses`.
    """
    seen = _views(store, source, subjects, actions)
    recordings = recordings_of(store, subjects, actions)
    filmed = [(r, view) for r in recordings for view in r.views] if camera_frame else [(r, None) for r in recordings]
    frame = "camera frame" if camera_frame else "world frame"
    return statistics_from_data(
        (_points_px(store, source, recording, view) for recording, view in seen),
        (_positions_mm(store, recording, view)[0] for recording, view in filmed),
        f"computed from {store.name}: 2D '{source}', subjects {', '.join(subjects)}, "
        f"actions {', '.join(actions) if actions else 'all'}, {frame}",
    )


class EpochOrder:
    """Rows of every batch in the published order: one permutation of all rows an epoch, the remainder dropped.

    The permutations are those of one random state that goes on from epoch to epoch (NumPy's old generator).
    """

    def __init__(self, rows: int, *, batch_size: int, seed: int) -> None:
        self.rows, self.batch_size, self.seed = rows, batch_size, seed
        self.batches_per_epoch = rows // batch_size
        self._epoch = -1
        self._random = np.random.RandomState(seed)
        self._order = np.zeros(0, dtype=np.int64)

    def batch(self, epoch: int, index: int) -> Int[np.ndarray, " batch"]:
        """Rows of batch ``index`` of an epoch, both counted from 0; cheap when epochs do not go back."""
        if epoch < self._epoch:
            self._epoch, self._random = -1, np.random.RandomState(self.seed)
        while self._epoch < epoch:
            self._order = self._random.permutation(self.rows)
            self._epoch += 1
        return self._order[index * self.batch_size : (index + 1) * self.batch_size]


def joints_of_source(skeleton: Skeleton) -> list[int]:
    """Where the 16 joints of the network stand in a source of 2D points.

    Raises:
        InputError: a skeleton that does not have them.
    """
    if skeleton == MPII_16:
        return skeleton.indices(tuple(_HOURGLASS[name] for name in INPUT_JOINTS))
    if skeleton in (H36M_32, H36M_17):
        return skeleton.indices(INPUT_JOINTS)
    raise InputError(f"2D points of skeleton {skeleton}, expected {H36M_32}, {H36M_17} or {MPII_16}")


def _views(
    store: PoseStore, source: str, subjects: Sequence[str], actions: Sequence[str] | None
) -> list[tuple[Recording, View]]:
    """Recordings with the views that have points of the source, once it is sure that they can be used."""
    problems = []
    if store.skeleton not in (H36M_32, H36M_17):
        problems.append(f"its joints are {store.skeleton}, but these statistics are of {H36M_32} or {H36M_17}")
    if source in store.sources:
        try:
            joints_of_source(store.sources[source].skeleton)
        except InputError as error:
            problems.append(f"'{source}': {error}")
    return views_of(store, source=source, subjects=subjects, actions=actions, also_wrong=problems)


def _points_px(store: PoseStore, source: str, recording: Recording, view: View) -> Float[np.ndarray, "frames 64"]:
    """Pixels of the network's joints at their places among 32; the others are 0 (published), or as the source has them.

    Raises:
        InputError: a point that the network needs is missing.
    """
    points = store.keypoints_px(recording, view, source)[: recording.frames, :, :2]
    skeleton = store.sources[source].skeleton
    if skeleton == H36M_32:
        full = np.array(points, dtype=np.float64)
    else:
        full = np.zeros((len(points), JOINTS, 2))
        full[:, H36M_32.indices(INPUT_JOINTS)] = points[:, joints_of_source(skeleton)]
    if not np.isfinite(full[:, H36M_32.indices(INPUT_JOINTS)]).all():
        raise InputError(
            f"{store.path}: {recording}, camera {view.camera_name}: 2D points of '{source}' are missing in some "
            "frames, and this network needs every one; fill or cut them before training"
        )
    return full.reshape(len(full), -1)


def _positions_mm(
    store: PoseStore, recording: Recording, view: View | None
) -> tuple[Float[np.ndarray, "frames 96"], Float[np.ndarray, "frames 3"]]:
    """Millimetres relative to the hip in the camera's frame (without a view: the world's), and the hip.

    Joints that a store of 17 does not have are at the hip: they are in no sample, and their statistics are 0.
    """
    positions = (
        store.positions_world_m(recording) if view is None else store.positions_camera_m(recording, view)
    ) * _MM
    roots = np.array(positions[:, 0], dtype=np.float64)
    relative = np.asarray(positions, dtype=np.float64) - roots[:, None]
    if not np.isfinite(relative).all():
        raise InputError(f"{store.path}: {recording}: motion capture with missing values; cut them before training")
    if store.skeleton == H36M_17:
        full = np.zeros((len(relative), JOINTS, 3))
        full[:, H36M_32.indices(H36M_17.joints)] = relative
        relative = full
    return relative.reshape(len(relative), -1), roots
