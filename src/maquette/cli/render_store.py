"""``maquette render`` on a store: one clip of one camera as a video, or the figure of sample poses."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maquette.cli.store_scene import Cut, Scene
from maquette.errors import InputError, OutputError

if TYPE_CHECKING:
    from maquette.datasets.store import PoseStore, Recording, View
    from maquette.lifting.lifter import Lifter
    from maquette.render import PoseSample

PANELS = ("reconstruction", "ground truth")


@dataclass(frozen=True)
class StoreClip:
    """Which clip of a store, and how much of it."""

    store: Path
    output: Path
    model: str | None
    subject: str | None
    action: str | None
    camera: str | None
    source: str | None
    video: Path | None
    frame: int | None
    size: tuple[int, int]
    skip: int
    limit: int | None
    downsample: int
    export: Path | None
    ground_truth: bool
    flip: bool

    def __post_init__(self) -> None:
        problems = [
            f"--{name} {value}: expected at least {least}"
            for name, value, least in (
                ("skip", self.skip, 0),
                ("limit", self.limit, 1),
                ("downsample", self.downsample, 1),
            )
            if value is not None and value < least
        ]
        if problems:
            raise InputError.from_problems("render", problems)
        if self.export and self.export.suffix.lower() != ".npy":
            raise OutputError(f"{self.export}: expected a name that ends in .npy")


def write_clip(options: StoreClip) -> list[Path]:
    """Lift the clip and write the video (or picture), and what is to be exported; returns the files written."""
    from maquette.datasets.lifted_views import lift_view, source_of
    from maquette.datasets.store import open_store
    from maquette.lifting.lifter import Lifter
    from maquette.refine.motion_trunk import place_trunk
    from maquette.render import render_comparison

    store = open_store(options.store)
    recording, view = choose_view(store, options.subject, options.action, options.camera)
    source = source_of(store, options.source)
    lifter = Lifter(options.model, flip=options.flip)
    lifted = lift_view(lifter, store, recording, view, source)
    scene = Scene(store, recording, view)
    n = len(lifted.positions_m)
    found = place_trunk(scene.placed(lifted.positions_m, lifted.skeleton))
    motions = dict(zip(PANELS, (found, scene.truth(n)), strict=True))
    if not options.ground_truth:
        del motions[PANELS[1]]
    cut = Cut(options.skip, options.limit, options.downsample, n)
    keypoints = scene.keypoints(source, n)
    camera = f"camera {view.camera_name}"
    render_comparison(
        options.output,
        cut.keypoints(keypoints),
        {title: cut.motion(motion) for title, motion in motions.items()},
        video=options.video,
        video_start_s=options.skip / float(recording.fps),
        size=options.size,
        frame=options.frame,
        title=f"{recording}, {camera}, 2D {source}, model {lifter.spec.name}",
    )
    if options.export is None:
        return [options.output]
    _save(options.export, lifted.positions_m.astype(np.float32))
    return [options.output, options.export]


def write_sample_figure(options: StoreClip, count: int, seed: int) -> None:
    """The figure of ``count`` poses drawn from the chosen part of the store."""
    from maquette.datasets.lifted_views import source_of
    from maquette.datasets.store import open_store
    from maquette.lifting.lifter import Lifter
    from maquette.render import check_samples, write_samples

    if count < 1:
        raise InputError(f"--sample {count}: expected at least 1")
    check_samples(options.output, count, options.size)
    store = open_store(options.store)
    source = source_of(store, options.source)
    pairs = [
        pair for pair in chosen_views(store, options.subject, options.action, options.camera) if source in pair[1].rows
    ]
    if not pairs:
        raise InputError(f"{store.path}: no camera of what was chosen has 2D points of '{source}'")
    lifter = Lifter(options.model, flip=options.flip)
    rng = np.random.default_rng(seed)
    frames = np.array([min(recording.frames, view.rows[source][1]) for recording, view in pairs])
    chosen = rng.choice(len(pairs), size=count, p=frames / frames.sum())
    samples = [_sample(lifter, store, pairs[i], source, int(rng.integers(frames[i]))) for i in chosen]
    write_samples(options.output, samples, size=options.size)


def chosen_views(
    store: "PoseStore", subject: str | None, action: str | None, camera: str | None
) -> "list[tuple[Recording, View]]":
    """Recordings and cameras that fit; None fits all. An action is one take (``Walking 1``) or all of a kind, a camera
    its name or, where none has that name, its number.

    Raises:
        InputError: nothing fits; the text lists what there is.
    """
    problems = []
    recordings = [r for r in store.recordings if subject in (None, r.subject)]
    if not recordings:
        problems.append(f"no subject '{subject}'; there are: {', '.join(store.subjects)}")
    exact = [r for r in recordings if r.action == action]
    fitting = exact or [r for r in recordings if action in (None, r.kind)]
    if recordings and not fitting:
        takes = dict.fromkeys(r.action for r in recordings)
        problems.append(f"no action '{action}'{f' of {subject}' if subject else ''}; there are: {', '.join(takes)}")
    pairs = [(r, v) for r in fitting for v in r.views if camera in (None, v.camera_name)]
    if not pairs:
        pairs = [(r, v) for r in fitting for i, v in enumerate(r.views) if camera == str(i)]
    if fitting and not pairs:
        names = dict.fromkeys(f"{i} ({v.camera_name})" for r in fitting for i, v in enumerate(r.views))
        problems.append(f"no camera '{camera}'; there are: {', '.join(names)}")
    if problems:
        raise InputError.from_problems(str(store.path), problems)
    return pairs


def choose_view(
    store: "PoseStore", subject: str | None, action: str | None, camera: str | None
) -> "tuple[Recording, View]":
    """The one recording, and its camera (the first if not said).

    Raises:
        InputError: nothing fits, or several takes do; the text lists them.
    """
    missing = [f"--{name}" for name, value in (("subject", subject), ("action", action)) if value is None]
    pairs = chosen_views(store, subject, action, camera)
    if camera is None:
        pairs = [(recording, view) for recording, view in pairs if view is recording.views[0]]
    if len(pairs) > 1:
        said = f"give {' and '.join(missing)}" if missing else "give the take as --action"
        takes = ", ".join(str(recording) for recording, _ in pairs[:12])
        raise InputError(f"{store.path}: {len(pairs)} clips fit; {said}: {takes}{', ...' if len(pairs) > 12 else ''}")
    return pairs[0]


def _sample(
    lifter: "Lifter", store: "PoseStore", pair: "tuple[Recording, View]", source: str, frame: int
) -> "PoseSample":
    """One pose: only the frames that the network looks at are lifted."""
    from maquette.datasets.lifted_views import lift_view
    from maquette.render import PoseSample
    from maquette.skeletons import H36M_17

    recording, view = pair
    reach = int(np.ceil(lifter.spec.window_frames * max(lifter.spec.window_step_s * float(recording.fps), 1))) + 1
    first = max(frame - reach, 0)
    lifted = lift_view(lifter, store, recording, view, source, frames=slice(first, frame + reach + 1))
    scene = Scene(store, recording, view)
    # Of a prediction on more joints those of Human3.6M are drawn, to look like the truth beside it.
    h36m = all(name in lifted.skeleton for name in H36M_17.joints)
    skeleton = H36M_17 if h36m else lifted.skeleton
    found = lifted.positions_m[frame - first][lifted.skeleton.indices(skeleton.joints)]
    true = scene.truth(recording.frames).positions[frame]
    keypoints = scene.keypoints(source, recording.frames)
    return PoseSample(
        caption=f"{recording}, {view.camera_name}, {frame}",
        points_px=keypoints.points[frame],
        skeleton_2d=keypoints.skeleton,
        image_width_px=view.camera.image_size[0],
        true_m=true - true[scene.skeleton.roots[0]],
        true_skeleton=scene.skeleton,
        found_m=found @ scene.R_up_camera.T,
        found_skeleton=skeleton,
        towards_camera=-scene.R_up_camera[:, 2],
    )


def _save(path: Path, array: np.ndarray) -> None:
    from maquette.atomic import atomic_path

    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, array)
