"""From a model file and a store to predictions, sequence by sequence."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.evaluate.protocols import Protocol
from maquette.evaluate.results import Prediction
from maquette.keypoints import Keypoints
from maquette.lifting.lifter import Lifter, network_points
from maquette.lifting.published import input_joints, lift_clip, on_skeleton, output_joints
from maquette.lifting.published_input import is_model_rate, sampled, source_columns
from maquette.mapping import LANDMARKS_27_V1, map_keypoints
from maquette.runtime.spec import ModelSpec
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_17, H36M_32, MPI_INF_3DHP_17, MPII_16, get_skeleton

if TYPE_CHECKING:
    from maquette.datasets.store import PoseStore, Recording, View

_H36M_FOR_3DHP = {
    **{name: row for name, row in LANDMARKS_27_V1[MPI_INF_3DHP_17.name].rows.items() if isinstance(row, str)},
    "thorax": "neck",
    "spine": "spine",
    "nose": "head",
}
"""Joint of Human3.6M -> the joint of MPI-INF-3DHP's test set that papers compare it with."""


@dataclass(frozen=True)
class Fit:
    """How the model's joints and the store's belong together."""

    inputs: tuple[int, ...] | None
    """For a model of a published system: columns of the 2D source; None for ours, which map them themselves."""
    channels: int
    outputs: tuple[int, ...]
    """Joints of the model's output skeleton that are compared."""
    targets: tuple[int, ...]
    """The same joints in the store."""
    names: tuple[str, ...]
    """Their names in the store."""
    root: str
    notes: tuple[str, ...] = ()


def fit_model(lifter: Lifter, store: "PoseStore", source: str) -> Fit:
    """How this model reads this source of this store, and which joints of both can be compared.

    Raises:
        InputError: the 2D does not hold the joints of the model, or nothing can be compared.
    """
    spec, skeleton = lifter.spec, store.sources[source].skeleton
    notes: list[str] = []
    problems: list[str] = []
    columns = None
    channels = 2
    if lifter.published:
        columns = _columns(spec, skeleton, source, problems, notes)
        if spec.frame == "world":
            notes.append("the model gives positions in the directions of the data's world, not of the camera")
        channels = lifter.model.channels // len(input_joints(spec))
        if channels > store.sources[source].channels:
            problems.append(
                f"the model reads {channels} values of each point, '{source}' has {store.sources[source].channels}"
            )
    elif skeleton.name not in LANDMARKS_27_V1:
        problems.append(f"no joint map leads from {skeleton} of '{source}' to the landmarks that the model reads")
    pairs = _pairs(spec, store.skeleton)
    if len(pairs) < 2:
        gives, has = ", ".join(output_joints(spec)), ", ".join(store.skeleton.joints)
        problems.append(f"the model gives {gives}; the store's {store.skeleton} has {has}: nothing to compare")
    if problems:
        raise InputError.from_problems(f"model '{spec.name}' on {store.path}", problems)
    given = get_skeleton(spec.output_skeleton)
    root = given.joints[given.roots[0]]
    kept = {name: pairs[name] for name in pairs if name in {*output_joints(spec), root}}
    return Fit(
        columns,
        channels,
        tuple(given.indices(kept)),
        tuple(store.skeleton.indices(kept.values())),
        tuple(kept.values()),
        kept[root],
        tuple(notes),
    )


def predictions(
    lifter: Lifter, store: "PoseStore", source: str, fit: Fit, views: "list[tuple[Recording, View]]"
) -> Iterator[Prediction]:
    """Run the model on each view, one after the other.

    Raises:
        InputError: a view has fewer frames of 2D than of 3D, or points that a published model needs are missing.
    """
    for recording, view in views:
        points = store.keypoints_px(recording, view, source)
        if len(points) < recording.frames:
            raise InputError(
                f"{store.path}: {recording}, camera {view.camera_name}: {len(points)} frames of '{source}' for "
                f"{recording.frames} of motion capture; expected as many or more"
            )
        points = np.asarray(points[: recording.frames], dtype=np.float64)
        try:
            found = _lifted(lifter, store.sources[source].skeleton, points, recording, view, fit)
        except InputError as error:
            raise InputError(f"{store.path}: {recording}, camera {view.camera_name}, '{source}': {error}") from None
        # Of a model that gives the directions of its data's world (an ablation), the truth is in those as well.
        is_world = lifter.spec.frame == "world"
        target = store.positions_world_m(recording) if is_world else store.positions_camera_m(recording, view)
        yield Prediction(
            recording.subject,
            recording.action,
            view.camera_name,
            found[:, list(fit.outputs)],
            target[:, list(fit.targets)],
        )


def chosen_views(
    store: "PoseStore", source: str, protocol: Protocol, subjects: tuple[str, ...], actions: tuple[str, ...]
) -> "tuple[list[tuple[Recording, View]], list[str]]":
    """What is evaluated: recordings of the subjects in the order given, whose action begins with one of ``actions``.

    The second list says which cameras were left out for lack of points.

    Raises:
        InputError: a subject or action that the store does not have, or nothing is left; all of it at once.
    """
    asked = subjects or protocol.subjects or store.subjects
    prefixes = actions or protocol.actions
    problems = []
    absent = [name for name in asked if name not in store.subjects]
    if absent:
        problems.append(f"no subject {', '.join(absent)}; there are: {', '.join(store.subjects)} (--subjects)")
    recordings = [r for subject in dict.fromkeys(asked) for r in store.recordings if r.subject == subject]
    kinds = ", ".join(dict.fromkeys(recording.kind for recording in recordings))
    unknown = [prefix for prefix in prefixes if not any(r.action.startswith(prefix) for r in recordings)]
    if unknown and recordings:
        problems.append(f"no action begins with {', '.join(unknown)}; there are: {kinds} (--actions)")
    views = [
        (recording, view)
        for recording in recordings
        if (not prefixes or recording.action.startswith(prefixes))
        and (recording.subject, recording.action) not in protocol.excluded
        for view in recording.views
    ]
    seen = [(recording, view) for recording, view in views if source in view.rows]
    if not problems and not seen:
        problems.append(f"no camera has points of '{source}' for what was asked")
    if problems:
        raise InputError.from_problems(str(store.path), problems)
    unseen = [f"{recording}, camera {view.camera_name}" for recording, view in views if source not in view.rows]
    more = f" and {len(unseen) - 3} more" if len(unseen) > 3 else ""
    notes = [f"no points of '{source}', left out: {'; '.join(unseen[:3])}{more}"] if unseen else []
    return seen, notes


def rate_notes(lifter: Lifter, views: "list[tuple[Recording, View]]") -> list[str]:
    """What is done where the frame rate is not the model's, and what numbers of differing rates mean."""
    spec = lifter.spec
    rates = sorted({float(recording.fps) for recording, _ in views})
    notes = []
    others = [fps for fps in rates if not is_model_rate(spec, fps)]
    if lifter.published and others:
        said = ", ".join(f"{fps:g}" for fps in others)
        wanted = 1 / spec.window_step_s
        notes.append(f"2D of {said} frames a second, of which the model wants {wanted:g}: interpolated linearly")
    if len(rates) > 1:
        said = ", ".join(f"{fps:g}" for fps in rates)
        notes.append(f"recordings of {said} frames a second: MPJVE and acceleration are per frame of each")
    return notes


def _lifted(
    lifter: Lifter, skeleton: Skeleton, points: np.ndarray, recording: "Recording", view: "View", fit: Fit
) -> Float[np.ndarray, "frames joints 3"]:
    """On the model's output skeleton, camera frame, metres."""
    if fit.inputs is not None:
        seen = points[:, list(fit.inputs), : fit.channels]
        return on_skeleton(_lifted_clip(lifter, seen, float(recording.fps), view.camera.image_size), lifter.spec)
    shown = np.isfinite(points).all(axis=-1)
    track = Keypoints(points[..., :2], shown.astype(float), skeleton, recording.fps, view.camera.image_size)
    track = map_keypoints(track, "landmarks-27")
    pixels, observed = network_points(track.points, view.camera)
    return lifter.lift_arrays(pixels, observed, track.times_s, np.arange(track.n_frames), view.camera)


def _lifted_clip(
    lifter: Lifter, seen: Float[np.ndarray, "frames joints dims"], fps: float, image_size: tuple[int, int]
) -> Float[np.ndarray, "frames outputs 3"]:
    """At the frame rate of the model, and back."""
    if is_model_rate(lifter.spec, fps) or len(seen) == 1:
        return lift_clip(lifter.model, seen, image_size, flip=lifter.flip, frame=lifter.spec.frame)
    times_s, step_s = np.arange(len(seen)) / fps, lifter.spec.window_step_s
    grid_s = np.arange(int(np.ceil(times_s[-1] / step_s)) + 1) * step_s
    found = lift_clip(
        lifter.model, sampled(seen, times_s, grid_s), image_size, flip=lifter.flip, frame=lifter.spec.frame
    )
    return sampled(found, grid_s, times_s)


def _columns(
    spec: ModelSpec, skeleton: Skeleton, source: str, problems: list[str], notes: list[str]
) -> tuple[int, ...] | None:
    """Columns of the 2D that go into the network."""
    is_hourglass, wants_hourglass = skeleton == MPII_16, spec.mapping == "h36m-17/stacked-hourglass"
    if spec.input_skeleton == H36M_17.name and is_hourglass and not wants_hourglass:
        notes.append(
            f"the model was not trained on Stacked Hourglass: '{source}' has the base of the neck where it expects "
            "the spine"
        )
    elif spec.input_skeleton == H36M_17.name and wants_hourglass and not is_hourglass:
        notes.append(
            f"the model was trained on Stacked Hourglass, whose 'spine' is the base of the neck; that of '{source}' is "
            "not"
        )
    columns = source_columns(spec, skeleton)
    if columns is None:
        wanted = input_joints(spec)
        problems.append(
            f"the model takes {len(wanted)} joints of {spec.input_skeleton} ({', '.join(wanted)}); the 2D '{source}' "
            f"has {skeleton} ({', '.join(skeleton.joints)})"
        )
        return ()
    return tuple(columns)


def _pairs(spec: ModelSpec, skeleton: Skeleton) -> dict[str, str]:
    """Joint of the model's output skeleton -> the store's, root first; only joints that mean the same."""
    given = get_skeleton(spec.output_skeleton)
    if given == skeleton:
        return {name: name for name in given.joints}
    h36m = {name: name for name in H36M_17.joints}
    if skeleton.name in (H36M_17.name, H36M_32.name):
        known = h36m
    elif skeleton.name == MPI_INF_3DHP_17.name:
        known = _H36M_FOR_3DHP
    else:
        rows = LANDMARKS_27_V1[skeleton.name].rows if skeleton.name in LANDMARKS_27_V1 else {}
        known = {name: row for name, row in rows.items() if isinstance(row, str) and name in h36m}
    if any(name not in given for name in h36m):
        return {}
    return {name: known[name] for name in H36M_17.joints if name in known}
