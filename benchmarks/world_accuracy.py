"""Accuracy of the way from the picture to the world: gravity, place in the room, standing feet.

    python benchmarks/world_accuracy.py --data ../shared/data [--model NAME|FILE] [--refine reprojection]

One virtual camera of a fixed seed for each clip (up to 8 s): 20 degrees from below to 40 from above, 3 to 9 m away,
rolled by 1.5 degrees, focal length 0.8 to 1.8 picture widths. It sees BODY_25 with jitter, drift and 2 % lost points;
the track is repaired, lifted and refined. Size, heading and place on the floor are set to the truth before positions
are compared; heights are not.
The thresholds of the refinement were chosen on the CMU clips; nothing was chosen on HDM05.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy.signal import lfilter

from maquette.datasets.landmarks import FORMAT_SHARES, mark
from maquette.datasets.mocap import Clip, load_clips, positions_of
from maquette.geometry.camera import Camera, look_at
from maquette.keypoints import Keypoints
from maquette.lifting.assumed_camera import camera_for
from maquette.lifting.lifter import Lifter
from maquette.motion import Motion
from maquette.refine.keypoints_repair import repair
from maquette.refine.motion_bones import bone_lengths
from maquette.refine.motion_finish import finish
from maquette.refine.motion_ground import contact_speed_mps
from maquette.refine.motion_scale import height_from_bones
from maquette.refine.reprojection import ReprojectionRefiner
from maquette.skeletons import LANDMARKS_27, LIFTED_21

FPS, FRAMES, SIZE = 50, 400, (1280, 720)
BODY_25 = list(FORMAT_SHARES).index("openpose-body-25")


@dataclass(frozen=True)
class Shot:
    """One clip as filmed: the truth, its camera, and what the detector saw of it (repaired)."""

    truth: Motion
    camera: Camera
    keypoints: Keypoints


def draw_camera(rng: np.random.Generator, world: np.ndarray) -> Camera | None:
    """A camera that has the whole clip in its picture; None when 200 draws give none."""
    centre = np.median(world[:, 0], axis=0)
    for _ in range(200):
        elevation, azimuth = np.radians(rng.uniform(-20, 40)), rng.uniform(0, 2 * np.pi)
        focal, distance = rng.uniform(0.8, 1.8) * SIZE[0], rng.uniform(3, 9)
        level = np.cos(elevation)
        direction = np.array([level * np.sin(azimuth), np.sin(elevation), level * np.cos(azimuth)])
        position = centre + distance * direction
        if position[1] < 0.1:
            continue
        roll = np.radians(1.5 * rng.normal())
        turn = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        middle = (SIZE[0] / 2, SIZE[1] / 2)
        camera = Camera((focal, focal), middle, SIZE, turn @ look_at(position, centre), position)
        if (camera.world_to_camera(world)[..., 2] < 0.5).any():
            continue
        pixels = camera.project_world(world)
        if ((pixels > 0) & (pixels < SIZE)).all(-1).mean() > 0.97:
            return camera
    return None


def shoot(clip: Clip, seed: int, *, repaired: bool = True) -> Shot | None:
    """Film one clip; not ``repaired``, the track is as a stream would bring it."""
    rng = np.random.default_rng(seed)
    vectors = clip.vectors[:FRAMES]
    nodes = positions_of(vectors[None])
    landmarks = mark(rng, vectors[None], nodes, np.array([BODY_25]))
    world = nodes[0, :, : len(LIFTED_21)].astype(float)
    camera = draw_camera(rng, world)
    if camera is None:
        return None
    points = camera.project_world(landmarks.points[0].astype(float))
    height_px = float(np.median(np.ptp(camera.project_world(world)[..., 1], axis=1)))
    keep = np.exp(-1 / FPS / 0.4)
    drift = np.asarray(lfilter([np.sqrt(1 - keep**2)], [1, -keep], rng.normal(size=points.shape), axis=0))
    points = points + height_px * (0.005 * rng.normal(size=points.shape) + 0.006 * drift)
    seen = landmarks.has[0] & ((points > 0) & (points < SIZE)).all(-1) & (rng.random(points.shape[:2]) > 0.02)
    track = Keypoints(points, np.where(seen, 0.9, 0.0), LANDMARKS_27, Fraction(FPS), SIZE)
    return Shot(Motion(world, LIFTED_21, Fraction(FPS), "world"), camera, repair(track) if repaired else track)


def turned_to(positions: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """``positions`` turned about the vertical and moved on the floor to fit ``truth`` best; heights stay."""
    a, b = positions.reshape(-1, 3), truth.reshape(-1, 3)
    p, q = a - a.mean(0), b - b.mean(0)
    angle = np.arctan2((p[:, 2] * q[:, 0] - p[:, 0] * q[:, 2]).sum(), (p[:, 0] * q[:, 0] + p[:, 2] * q[:, 2]).sum())
    c, s = np.cos(angle), np.sin(angle)
    out = p @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T + b.mean(0)
    out[:, 1] = a[:, 1]
    return out.reshape(positions.shape)


def errors(shot: Shot, lifter: Lifter, *, focal_known: bool, fit: bool) -> list[float]:
    """Gravity (degrees), hips and all joints in the room (cm), standing feet unplanted and planted (m/s)."""
    camera, _ = camera_for(shot.keypoints, focal_px=shot.camera.focal_px[0] if focal_known else None)
    lifted = lifter(shot.keypoints, camera=camera)
    refiner = ReprojectionRefiner(estimate_focal=not focal_known) if fit else None
    found = finish(lifted, shot.keypoints, camera, refiner=refiner)
    free = finish(lifted, shot.keypoints, camera, plant=False, refiner=refiner)
    heights = [height_from_bones(bone_lengths(motion), LIFTED_21) for motion in (shot.truth, found)]
    placed = turned_to(found.positions * heights[0] / heights[1], shot.truth.positions)
    away = np.linalg.norm(placed - shot.truth.positions, axis=-1)
    assert found.camera is not None
    cosine = found.camera.R_camera_world[:, 1] @ shot.camera.R_camera_world[:, 1]
    gravity = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    speeds = [contact_speed_mps(m) if m.contacts is not None else np.nan for m in (free, found)]
    return [float(gravity), 100 * float(away[:, 0].mean()), 100 * float(away.mean()), *speeds]


def report(name: str, clips: Sequence[Clip], lifter: Lifter, *, fit: bool) -> None:
    """Print the means over the clips, focal length known and assumed."""
    shots = [shot for i, clip in enumerate(clips) if (shot := shoot(clip, i)) is not None]
    for label, known in (("known", True), ("assumed", False)):
        rows = np.array([errors(shot, lifter, focal_known=known, fit=fit) for shot in shots])
        gravity, hips, joints, free, planted = np.nanmean(rows, axis=0)
        print(
            f"{name:<16}{len(shots):>4} clips  focal {label:<8} gravity {gravity:.1f} deg (median "
            f"{np.median(rows[:, 0]):.1f})  hips {hips:.1f} cm  joints {joints:.1f} cm  "
            f"standing feet {free:.2f} -> {planted:.2f} m/s",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with cmu/ and hdm05/")
    parser.add_argument("--model", default=None, help="name of a model in the package, or an .onnx file")
    parser.add_argument("--refine", choices=("none", "reprojection"), default="none", help="as of maquette lift")
    options = parser.parse_args()
    fit = options.refine == "reprojection"
    lifter = Lifter(options.model)
    cmu = [clip for clip in load_clips(options.data / "cmu") if clip.split in ("test", "val")]
    report("CMU test and val", cmu, lifter, fit=fit)
    report("HDM05, every 5th", load_clips(options.data / "hdm05")[::5], lifter, fit=fit)


if __name__ == "__main__":
    main()
