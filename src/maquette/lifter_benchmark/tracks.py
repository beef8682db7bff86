"""Tracks: pieces of recordings of up to 4 s, each filmed by a camera of its own that stands still.

The camera's azimuth is uniform, its elevation as the condition says, its roll of 3 degrees spread, its distance 2-8 m
(farther where somebody runs out of the picture), its focal length 0.8-2 picture widths, the picture 1920x1080; every
joint is in the picture in every frame. Everything that is random depends on the seed, the set and the number of the
track alone, so that conditions are compared on equal pieces and, but for the elevation, equal cameras. Poses are
compared every 0.2 s: instants that every frame rate of the grid hits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.datasets.cameras import look
from maquette.datasets.landmarks import FORMAT_SHARES, mark
from maquette.datasets.mocap import Clip, positions_of
from maquette.datasets.samples import CLIP_FPS
from maquette.errors import InputError
from maquette.lifter_benchmark.grid import Condition
from maquette.lifter_benchmark.mistakes import detect, hide
from maquette.skeletons import H36M_17, LIFTED_21

IMAGE_SIZE = (1920, 1080)
TRACK_FRAMES, INSTANT_FRAMES = 201, 10  # of the recording: 4 s, 0.2 s
_HALF_PX = np.array(IMAGE_SIZE) / 2
_HEIGHT_M = 1.7
_FORMATS = tuple(FORMAT_SHARES)
_JOINTS, _BODY = len(H36M_17), len(LIFTED_21)


@dataclass(frozen=True)
class Track:
    """The 2D of one piece, and where the joints are at the instants that are compared."""

    points_px: Float[np.ndarray, "frames 27 2"]
    observed: Bool[np.ndarray, "frames 27"]
    times_s: Float[np.ndarray, " frames"]
    focal_px: float
    instants: Int[np.ndarray, " poses"]
    """Frames that are compared."""
    targets_m: Float[np.ndarray, "poses 17 3"]
    """Camera frame, relative to the hip."""


def cut(clips: Sequence[Clip], n: int) -> list[Float[np.ndarray, "_ 25 3"]]:
    """``n`` pieces spread evenly over the frames of ``clips``; a clip that is shorter than a piece is taken whole.

    Raises:
        InputError: there is no clip, or no piece is asked for.
    """
    if not clips or n < 1:
        raise InputError(f"{len(clips)} clips and {n} tracks: expected at least one of each")
    lengths = np.array([len(clip) for clip in clips])
    ends = np.cumsum(lengths)
    pieces = []
    for centre in ((np.arange(n) + 0.5) * ends[-1] / n).astype(np.int64):
        which = int(np.searchsorted(ends, centre, side="right"))
        frames = (min(lengths[which], TRACK_FRAMES) - 1) // INSTANT_FRAMES * INSTANT_FRAMES + 1
        start = np.clip(centre - (ends[which] - lengths[which]) - frames // 2, 0, lengths[which] - frames)
        pieces.append(clips[which].vectors[start : start + frames])
    return pieces


def film(piece: Float[np.ndarray, "frames 25 3"], condition: Condition, seed: Sequence[int]) -> Track:
    """The piece, filmed and detected as the condition says."""
    camera_rng, marking, mistakes, hiding = (np.random.default_rng([*seed, i]) for i in range(4))
    body = positions_of(piece)[:, :_BODY]
    centre = body[:, 0].mean(axis=0)
    R, place_m, focal_px = _camera_that_sees(camera_rng, body - centre, condition.elevation_deg)
    times_s = np.arange((len(piece) - 1) * condition.fps // CLIP_FPS + 1) / condition.fps
    vectors = _at(piece, times_s)
    landmarks = mark(
        marking, vectors[None], positions_of(vectors)[None], np.array([_FORMATS.index(condition.detector)])
    )
    camera = (landmarks.points[0] - centre) @ R.T + place_m
    points_px = (camera[..., :2] / np.maximum(camera[..., 2:], 0.2) * focal_px + _HALF_PX).astype(np.float32)
    observed = np.broadcast_to(landmarks.has[0], points_px.shape[:2]) & (camera[..., 2] > 0.2)
    if condition.noise:
        person_px = _HEIGHT_M * focal_px / float(place_m[2])
        points_px = detect(mistakes, points_px, person_px=person_px, fps=condition.fps, strength=float(condition.noise))
    targets = body[::INSTANT_FRAMES, :_JOINTS]
    return Track(
        points_px,
        hide(hiding, observed, condition.hidden),
        times_s,
        focal_px,
        np.arange(len(targets)) * (condition.fps * INSTANT_FRAMES // CLIP_FPS),
        (targets - targets[:, :1]) @ R.T,
    )


def _at(
    piece: Float[np.ndarray, "frames 25 3"], times_s: Float[np.ndarray, " samples"]
) -> Float[np.ndarray, "samples 25 3"]:
    """The recording at these times, linear between its frames."""
    at = times_s * CLIP_FPS
    before = np.clip(np.floor(at + 1e-6).astype(np.int64), 0, max(len(piece) - 2, 0))
    after = np.minimum(before + 1, len(piece) - 1)
    fraction = np.clip(at - before, 0, 1).astype(np.float32)[:, None, None]
    return piece[before] + fraction * (piece[after] - piece[before])


def _camera_that_sees(
    rng: np.random.Generator, body: Float[np.ndarray, "frames 21 3"], elevation_deg: tuple[float, float]
) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"], float]:
    """Rotation world to camera, place of the track's centre in the camera frame, focal length in pixels.

    Cameras are drawn until one has everybody in the picture all the time; after every 16 that have not, the next are
    half a metre farther away.
    """
    low, high = elevation_deg
    attempt = 0
    while True:
        azimuth, height, focal, across, down, distance = rng.random(6)
        roll_rad = np.radians(3 * rng.standard_normal())
        R = look(np.array([2 * np.pi * azimuth]), np.radians([low + (high - low) * height]), np.array([roll_rad]))[
            0
        ].astype(np.float64)
        focal_px = (0.8 + 1.2 * focal) * IMAGE_SIZE[0]
        ray = np.array([*(np.array([across, down]) * 2 - 1) * 2 / 3 * _HALF_PX / focal_px, 1.0])
        place_m = ray / np.linalg.norm(ray) * (2 + 6 * distance + 0.5 * (attempt // 16))
        camera = body @ R.T + place_m
        picture = camera[..., :2] / np.maximum(camera[..., 2:], 0.2) * focal_px
        if (camera[..., 2] > 0.2).all() and (np.abs(picture) < _HALF_PX).all():
            return R, place_m, float(focal_px)
        attempt += 1
