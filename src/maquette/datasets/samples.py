"""Training samples: recordings -> new poses and bodies -> landmarks -> cameras -> detector -> features and targets.

A batch is a pure function of ``(seed, batch index)``: a run that was stopped goes on with the batches it would have
had.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.datasets.augment import vary_poses
from maquette.datasets.bodies import draw_lengths, set_lengths, shift_rig
from maquette.datasets.cameras import Views, draw_views, project
from maquette.datasets.detector_noise import disturb
from maquette.datasets.landmarks import draw_formats, mark
from maquette.datasets.mocap import Clip, positions_of
from maquette.datasets.sample_settings import SampleSettings
from maquette.lifting.normalize import normalise_windows
from maquette.skeletons import LIFTED_21

CLIP_FPS = 50
_TARGETS = len(LIFTED_21)


@dataclass(frozen=True)
class Batch:
    """What the network sees, and where the joints are."""

    features: Float[np.ndarray, "batch frames channels"]
    targets_m: Float[np.ndarray, "batch 21 3"]
    """Root-relative positions of the middle frame in the virtual camera of the normalisation."""


class MotionLibrary:
    """Clips end to end in one array, with the chance of each.

    The chance of a kind of action (of one rig) goes with the square root of its frames, and within a kind the chance of
    a clip with its length: else a third of the samples would be walking.
    """

    def __init__(self, clips: Sequence[Clip]) -> None:
        self.vectors: Float[np.ndarray, "frames 25 3"] = np.concatenate([clip.vectors for clip in clips])
        self.lengths = np.array([len(clip) for clip in clips])
        self.starts = np.concatenate([[0], np.cumsum(self.lengths)[:-1]])
        kinds = [kind_of_action(clip) for clip in clips]
        frames = {kind: sum(len(c) for c, k in zip(clips, kinds, strict=True) if k == kind) for kind in kinds}
        weights = np.array([len(c) / np.sqrt(frames[k]) for c, k in zip(clips, kinds, strict=True)])
        self.chances: Float[np.ndarray, " clips"] = weights / weights.sum()

    def draw_segments(
        self, rng: np.random.Generator, n: int, frames: int, step_s: float
    ) -> Float[np.ndarray, "segments frames 25 3"]:
        """Segments at random places, played at 0.67 to 1.5 times their speed; held at the ends of a clip."""
        clip = rng.choice(len(self.lengths), size=n, p=self.chances)
        speed = np.exp(rng.uniform(np.log(0.67), np.log(1.5), n))
        centre = rng.random(n) * (self.lengths[clip] - 1)
        offsets = (np.arange(frames) - frames // 2) * step_s * CLIP_FPS
        at = np.clip(centre[:, None] + speed[:, None] * offsets, 0, self.lengths[clip][:, None] - 1)
        before = np.minimum(at.astype(np.int64), self.lengths[clip][:, None] - 2)
        fraction = (at - before).astype(np.float32)[..., None, None]
        index = self.starts[clip][:, None] + before
        first = self.vectors[index]
        segments = first + fraction * (self.vectors[index + 1] - first)
        segments[:, :, 0] -= segments[:, frames // 2, None, 0]
        return segments


@dataclass(frozen=True)
class FilmedWindows:
    """Windows of landmarks as a detector found them, and the truth of their middle frames."""

    picture: Float[np.ndarray, "windows frames 27 2"]
    """Origin in the middle of the picture, unit = its longer side."""
    seen: Bool[np.ndarray, "windows frames 27"]
    views: Views
    middle_m: Float[np.ndarray, "windows 21 3"]
    """Joints of the middle frame, directions of the world, relative to the hip."""


def film_windows(
    library: MotionLibrary, settings: SampleSettings, batch_size: int, seed: int, index: int
) -> FilmedWindows:
    """Windows of batch number ``index`` of the stream ``seed``; ``batch_size`` is a multiple of the windows per
    segment, and the windows of one segment stand together."""
    rng = np.random.default_rng([seed, index])
    per_segment = settings.windows_per_segment
    n = batch_size // per_segment
    vectors = library.draw_segments(rng, n, settings.window_frames + settings.segment_extra_frames, settings.step_s)
    lengths = draw_lengths(rng, vectors, keep_probability=settings.keep_lengths)
    vectors = vary_poses(rng, vectors, strength=settings.pose_strength)
    vectors = set_lengths(vectors, lengths)
    vectors = shift_rig(rng, vectors, probability=settings.rig_shift, sd_m=settings.rig_shift_sd_m)
    nodes = positions_of(vectors)
    landmarks = mark(rng, vectors, nodes, draw_formats(rng, n), definition_spread=settings.definition_spread)

    windows = n * per_segment
    segment = np.repeat(np.arange(n), per_segment)
    frame = _window_starts(rng, n, settings)[:, None] + np.arange(settings.window_frames)
    points = landmarks.points[segment[:, None], frame]
    middle = nodes[segment, frame[:, settings.window_frames // 2]][:, :_TARGETS]
    root = middle[:, 0]
    views = draw_views(rng, windows)
    picture, front = project(views, points - root[:, None, None])
    seen = front & landmarks.has[segment][:, None]
    person = views.focal / views.root_m[:, 2]
    picture, seen = disturb(rng, picture, seen, person_side=person, size=views.size, clean_share=settings.clean_share)
    return FilmedWindows(picture, seen, views, middle - root[:, None])


def make_batch(library: MotionLibrary, settings: SampleSettings, batch_size: int, seed: int, index: int) -> Batch:
    """Batch number ``index`` of the stream ``seed`` (:func:`film_windows`), as a lifter sees it."""
    filmed = film_windows(library, settings, batch_size, seed, index)
    views = filmed.views
    focal = np.repeat(views.assumed_focal[:, None], 2, axis=1)
    normalised = normalise_windows(filmed.picture, filmed.seen, focal, (0.0, 0.0))
    to_canonical = normalised.R_canonical_camera @ views.R_camera_world
    return Batch(normalised.features, filmed.middle_m @ to_canonical.transpose(0, 2, 1))


def _window_starts(rng: np.random.Generator, n: int, settings: SampleSettings) -> Int[np.ndarray, " windows"]:
    """First frame of each window, spread over its segment."""
    per_segment, room = settings.windows_per_segment, settings.segment_extra_frames + 1
    slots = np.arange(per_segment) * room / per_segment
    return np.minimum((slots + rng.random((n, per_segment)) * room / per_segment).astype(np.int64), room - 1).ravel()


def kind_of_action(clip: Clip) -> str:
    """Rig and first word of the action; all level walking is one kind."""
    if "walk" in clip.action and "terrain" not in clip.action:
        return "walk"
    return f"{clip.rig} {clip.action.replace('-', ' ').split()[0]}"
