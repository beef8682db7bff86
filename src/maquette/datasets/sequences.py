"""Sequences of 2D joints and the 3D joints that belong to them, as the temporal networks of Pavllo et al. 2019 and Shan
et al. 2021 are trained on: one row a frame, all sequences in a row, float32.

Positions in the picture are ``screen/v1``: ``2 x / W - 1`` and ``2 y / W - H / W``. Positions in space are in the
camera's frame, metres: the root as it is, every other joint relative to it. The order is the published one, which the
shuffling of the batches refers to: subjects as asked for, then recordings and cameras as the store has them.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int

from maquette.datasets.screen import intrinsics_of, normalised_screen
from maquette.datasets.store import PoseStore, Recording
from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_17, H36M_32

__all__ = [
    "Label",
    "Sequences",
    "Track",
    "assemble",
    "fraction_of",
    "sequences_from_store",
]


@dataclass(frozen=True)
class Label:
    """Where a sequence comes from."""

    subject: str
    action: str
    camera: str

    @property
    def kind(self) -> str:
        """The action without its number, which results are pooled by: "Directions" of "Directions 1"."""
        return self.action.split(" ")[0]

    def __str__(self) -> str:
        return f"{self.subject}, {self.action}, camera {self.camera}"


@dataclass(frozen=True, eq=False)
class Track:
    """One recording seen by one camera, before normalisation."""

    label: Label
    camera: Camera
    keypoints_px: np.ndarray
    """(frames or more, J2, C): pixels, and whatever the source adds to them (a score)."""
    positions_camera_m: np.ndarray
    """(frames, J, 3)"""


@dataclass(frozen=True, eq=False)
class Sequences:
    """Rows of all sequences, one after the other; read-only.

    Raises:
        InputError: the parts do not fit together, or a value is not finite.
    """

    inputs: Float32[np.ndarray, "rows joints2 channels"]
    """``screen/v1``; channels after x and y are as they were."""
    targets: Float32[np.ndarray, "rows joints 3"]
    """Camera frame, metres: :attr:`root` holds its place, every other joint is relative to it."""
    starts: Int[np.ndarray, " sequences_and_1"]
    """Rows of sequence ``i`` are ``starts[i]:starts[i + 1]``."""
    labels: tuple[Label, ...]
    intrinsics: Float32[np.ndarray, "sequences 9"]
    """Focal lengths (2), principal point (2), radial (3) and tangential (2) coefficients, for :attr:`inputs`."""
    input_skeleton: Skeleton
    target_skeleton: Skeleton
    image_sizes: Int[np.ndarray, "sequences 2"]
    """Width and height in pixels."""

    def __post_init__(self) -> None:
        n, rows = len(self.labels), int(self.starts[-1]) if len(self.starts) else -1
        problems = []
        if len(self.starts) != n + 1 or (np.diff(self.starts) < 1).any() or self.starts[0] != 0:
            problems.append(f"starts of {n} sequences are {n + 1} growing numbers from 0, not {self.starts.tolist()}")
        if {len(self.inputs), len(self.targets)} != {rows}:
            problems.append(f"{len(self.inputs)} rows of inputs and {len(self.targets)} of targets, expected {rows}")
        if {len(self.intrinsics), len(self.image_sizes)} != {n}:
            problems.append(f"{len(self.intrinsics)} cameras and {len(self.image_sizes)} sizes for {n} sequences")
        for name, skeleton in (("inputs", self.input_skeleton), ("targets", self.target_skeleton)):
            if getattr(self, name).shape[1] != len(skeleton):
                problems.append(f"{getattr(self, name).shape[1]} joints in the {name}, but skeleton {skeleton}")
        if problems:
            raise InputError.from_problems("sequences", problems)
        problems = [
            f"{label}: {what} has frames with missing values; fill or cut them before training"
            for i, label in enumerate(self.labels)
            for what, rows_of in (("the 2D input", self.inputs), ("the 3D target", self.targets))
            if not np.isfinite(rows_of[self.rows(i)]).all()
        ]
        if problems:
            raise InputError.from_problems("sequences", problems)
        for array in (self.inputs, self.targets, self.starts, self.intrinsics, self.image_sizes):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def root(self) -> int:
        """The joint of :attr:`targets` that the others are relative to."""
        return self.target_skeleton.roots[0]

    def rows(self, sequence: int) -> slice:
        """Rows of one sequence."""
        return slice(int(self.starts[sequence]), int(self.starts[sequence + 1]))


def sequences_from_store(
    store: PoseStore,
    *,
    source: str,
    subjects: Sequence[str],
    actions: Sequence[str] | None = None,
    subset: float | int = 1.0,
    downsample: int = 1,
) -> Sequences:
    """The sequences of ``subjects``, in the order asked for, as the 2D ``source`` saw them.

    Within a subject they stand in the order of the 2D file (that of its rows in the store), as published: the shuffled
    order of the samples depends on it. Human3.6M's 32 joints become the 17 that are evaluated. A view without points of
    the source is left out.

    Args:
        actions: beginnings of names of actions, as published: "Walk" takes "Walking 1" and "WalkDog"; None: all.
        subset, downsample: see :func:`assemble`.

    Raises:
        InputError: a source, subject or action that the store does not have; and what :func:`assemble` raises.
    """
    problems = [
        f"no subject '{name}'; there are: {', '.join(store.subjects)}"
        for name in subjects
        if name not in store.subjects
    ]
    if source not in store.sources:
        problems.append(f"no 2D points of '{source}'; there are: {', '.join(store.sources) or 'none'}")
    wanted = [
        recording
        for subject in dict.fromkeys(subjects)
        for recording in sorted(store.recordings, key=lambda r: _first_row(r, source))
        if recording.subject == subject
    ]
    for prefix in actions or ():
        if not any(recording.action.startswith(prefix) for recording in wanted):
            kinds = ", ".join(sorted({recording.kind for recording in wanted}))
            problems.append(f"no action of these subjects begins with '{prefix}'; there are: {kinds}")
    if problems:
        raise InputError.from_problems(str(store.path), problems)
    seen, kept2 = _evaluated(store.sources[source].skeleton)
    body, kept3 = _evaluated(store.skeleton)
    tracks = (
        Track(
            Label(recording.subject, recording.action, view.camera_name),
            view.camera,
            store.keypoints_px(recording, view, source)[:, kept2],
            store.positions_camera_m(recording, view)[:, kept3],
        )
        for recording in wanted
        if actions is None or recording.action.startswith(tuple(actions))
        for view in recording.views
        if source in view.rows
    )
    return assemble(tracks, seen, body, subset=subset, downsample=downsample)


def _first_row(recording: Recording, source: str) -> int:
    """Where the source's points of a recording begin; 0 where it has none."""
    return min((view.rows[source][0] for view in recording.views if source in view.rows), default=0)


def _evaluated(skeleton: Skeleton) -> tuple[Skeleton, list[int]]:
    """The joints of a skeleton that networks work with."""
    if skeleton == H36M_32:
        return H36M_17, H36M_32.indices(H36M_17.joints)
    return skeleton, list(range(len(skeleton)))


def assemble(
    tracks: Iterable[Track],
    input_skeleton: Skeleton,
    target_skeleton: Skeleton,
    *,
    subset: float | int = 1.0,
    downsample: int = 1,
) -> Sequences:
    """Normalised sequences, cut to the length of the motion capture, of ``tracks`` in their order.

    Args:
        subset: share of each sequence to keep, frames in a row (:func:`fraction_of`).
        downsample: keep every so many-th frame.

    Raises:
        InputError: no track, or one that has fewer frames of 2D than of 3D, or values that are not finite; or
            ``subset`` and ``downsample`` that cannot be.
    """
    problems = []
    if not 0 < subset <= 1:
        problems.append(f"subset {subset}, expected a share: more than 0, at most 1")
    if downsample < 1:
        problems.append(f"downsample {downsample}, expected 1 or more")
    if problems:
        raise InputError.from_problems("sequences", problems)
    inputs, targets, labels, cameras = [], [], [], []
    root = target_skeleton.roots[0]
    for track in tracks:
        frames = len(track.positions_camera_m)
        if not 0 < frames <= len(track.keypoints_px):
            problems.append(
                f"{track.label}: {len(track.keypoints_px)} frames of 2D for {frames} of motion capture; expected as "
                "many or more"
            )
            continue
        kept = fraction_of(frames, subset, downsample)
        if kept.stop == kept.start:
            problems.append(f"{track.label}: subset {subset} leaves none of its {frames} frames")
            continue
        inputs.append(normalised_screen(track.keypoints_px[kept], track.camera))
        positions = track.positions_camera_m[kept]
        relative = (positions - positions[:, root, None]).astype(np.float32)
        relative[:, root] = positions[:, root]
        targets.append(relative)
        labels.append(track.label)
        cameras.append(track.camera)
    if not labels and not problems:
        problems.append("there is none")
    if problems:
        raise InputError.from_problems("sequences", problems)
    return Sequences(
        inputs=np.concatenate(inputs),
        targets=np.concatenate(targets),
        starts=np.cumsum([0, *(len(rows) for rows in targets)]),
        labels=tuple(labels),
        intrinsics=np.stack([intrinsics_of(camera) for camera in cameras]),
        input_skeleton=input_skeleton,
        target_skeleton=target_skeleton,
        image_sizes=np.array([camera.image_size for camera in cameras]),
    )


def fraction_of(frames: int, subset: float | int, downsample: int) -> slice:
    """Frames of a sequence to train on: a run of a share of them, and of these every ``downsample``-th.

    Where the run starts depends on the length of the sequence only (published: two sequences of the same length start
    at the same frame).
    """
    if subset >= 1:
        return slice(0, frames, downsample)
    kept = round(frames // downsample * subset) * downsample
    start = _drawn_from(str(frames), 0, frames - kept + 1)
    return slice(start, start + kept, downsample)


def _drawn_from(text: str, low: int, high: int) -> int:
    """A number from ``low`` to ``high`` that depends on ``text`` only: its SHA-256 instead of chance."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")
    return int(number / (2**32 - 1) * (high - low)) + low
