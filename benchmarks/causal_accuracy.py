"""What a body loses when the future is not known: frame by frame as `maquette live` has it, beside the whole clip.

    python benchmarks/causal_accuracy.py --data ../shared/data [--model maquette-residual] [--clips 12]

The takes of CMU subjects 02 and 94 (or, with --hold-out, long ones of HDM05, on which nothing was chosen), filmed as in
world_accuracy.py (one camera of a fixed seed for each take: 20 degrees from below to 40 from above, rolled, 3 to 9 m
away; jitter, drift and 2 % lost points; focal length and body height known) and repaired frame by frame. "live" is
calibrated after 3 s, "not calibrated" never, "known" knows the tilt and the camera's height; "offline" is
`maquette.lift` of the same track with the same network. Means over the takes of

pose    distance to the truth relative to the root, mean over the joints, cm, in each one's camera axes
world   the same in the room, once the first frame is turned and moved on the floor to fit, cm
drift   of the hip in the room, cm
accel   error of the acceleration, m/s^2
jitter  size of the acceleration over that of the truth
rest    acceleration relative to the root of joints that truly rest relative to it (below 0.1 m/s), m/s^2
pop     acceleration of the fastest-changing joint, 99.5th percentile, m/s^2;  hips: the largest of the hip
slide   speed of foot joints while they truly stand, m/s
below   how far the lowest foot joint is under the floor, 98th percentile, cm;  above: the same of standing feet
stand   F1 score of the contacts against those of the truth
lag     delay at which the velocities relative to the root fit those of the truth best, ms
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from world_accuracy import FPS, Shot, shoot

from maquette import lift
from maquette.datasets.mocap import load_clips
from maquette.keypoints import Keypoints
from maquette.lifting.assumed_camera import camera_for
from maquette.lifting.lifter import Lifter, network_points
from maquette.refine.causal_body import BodyStream
from maquette.refine.causal_calibration import Calibration, calibrate
from maquette.refine.causal_keypoints import KeypointRepairStream
from maquette.refine.motion_bones import bone_lengths
from maquette.refine.motion_contacts import CONTACT_JOINTS
from maquette.refine.motion_ground import ground
from maquette.refine.motion_scale import height_from_bones
from maquette.skeletons import LANDMARKS_27, LIFTED_21

FEET = LIFTED_21.indices(CONTACT_JOINTS)
INTO_LIFTED = LANDMARKS_27.indices(LIFTED_21.joints)
LAGS = 12


@dataclass(frozen=True)
class Take:
    """One filmed take, lifted."""

    name: str
    shot: Shot
    seen: Keypoints
    """The track as the live repair leaves it."""
    height_m: float
    poses: np.ndarray


@dataclass(frozen=True)
class Found:
    """A body in the world, and relative to its root in camera axes."""

    world: np.ndarray
    pose: np.ndarray
    contacts: np.ndarray


def repaired(track: Keypoints) -> Keypoints:
    """As :class:`KeypointRepairStream` gives it frame by frame."""
    stream = KeypointRepairStream(track.skeleton, 1, image_size=track.image_size)
    points, confidence = track.points.copy(), track.confidence.copy()
    for frame, time_s in enumerate(track.times_s.tolist()):
        here = slice(frame, frame + 1)
        points[here], confidence[here] = stream(np.array([0]), points[here], confidence[here], time_s)
    return track.with_notes(points=points, confidence=confidence)


def lifted(track: Keypoints, focal_px: float, lifter: Lifter) -> np.ndarray:
    """Root-relative poses, each from its own picture (for a network of single poses)."""
    camera, _ = camera_for(track, focal_px=focal_px)
    points, observed = network_points(track.points, camera)
    return lifter.lift_arrays(points, observed, track.times_s, np.arange(track.n_frames), camera)


def live(take: Take, *, calibrated: bool = True, known: bool = False, **settings: float) -> Found:
    """Frame by frame."""
    keypoints, truth = take.seen, take.shot.camera
    camera, _ = camera_for(keypoints, focal_px=truth.focal_px[0])
    beforehand = None
    if known:
        up = truth.R_camera_world[:, 1]
        pitch, roll = float(np.arcsin(-up[2])), float(np.arctan2(-up[0], -up[1]))
        beforehand = Calibration(pitch, roll, 0.0, 0.0, float(truth.position_world_m[1]), "given")
    seconds = 3.0 if calibrated and not known else 0.0
    stream = BodyStream(camera, 1, height_m=take.height_m, calibration=beforehand, calibrate_s=seconds, **settings)
    row = np.array([0])
    world, pose, contacts = [], [], []
    for frame, time_s in enumerate(keypoints.times_s.tolist()):
        points, confidence = (a[frame, INTO_LIFTED][None] for a in (keypoints.points, keypoints.confidence))
        body = stream(row, take.poses[frame : frame + 1], points, confidence, time_s)
        world.append(body.positions_m[0])
        relative = body.positions_m[0] - body.positions_m[0, :1]
        pose.append(relative @ stream.camera.R_camera_world.T)
        contacts.append(body.contacts[0])
        if stream.calibration_ready:
            stream.calibrated(calibrate(stream.calibration_frames, camera, height_m=take.height_m))
    return Found(np.array(world), np.array(pose), np.array(contacts))


def offline(take: Take, lifter: Lifter) -> Found:
    """The whole clip at once."""
    focal_px = take.shot.camera.focal_px[0]
    motion = lift(take.shot.keypoints, model=lifter, height_m=take.height_m, focal_px=focal_px)
    assert motion.camera is not None
    world = motion.positions[:, : len(LIFTED_21)]
    contacts = np.zeros((len(world), len(FEET)), dtype=bool) if motion.contacts is None else motion.contacts
    return Found(world, (world - world[:, :1]) @ motion.camera.R_camera_world.T, contacts)


def placed(world: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Turned about the vertical and moved on the floor so that the first frame fits; heights stay."""
    p, q = world[0] - world[0].mean(0), truth[0] - truth[0].mean(0)
    angle = np.arctan2((p[:, 2] * q[:, 0] - p[:, 0] * q[:, 2]).sum(), (p[:, 0] * q[:, 0] + p[:, 2] * q[:, 2]).sum())
    c, s = np.cos(angle), np.sin(angle)
    turned = (world - world[0].mean(0)) @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T + truth[0].mean(0)
    turned[..., 1] = world[..., 1]
    return turned


def lag_ms(found: np.ndarray, truth: np.ndarray) -> float:
    """By which the velocities of ``found`` lag behind: the peak of their correlation, between frames by a parabola."""
    a, b = (np.diff(p - p[:, :1], axis=0).reshape(len(p) - 1, -1) for p in (found, truth))
    inner = slice(LAGS, len(a) - LAGS)
    scores = []
    for shift in range(-LAGS, LAGS + 1):
        moved = a[LAGS + shift : len(a) - LAGS + shift]
        scores.append(float((moved * b[inner]).sum() / np.linalg.norm(moved)))
    best = int(np.clip(np.argmax(scores), 1, 2 * LAGS - 1))
    low, middle, high = scores[best - 1 : best + 2]
    return 1000.0 / FPS * (best - LAGS + 0.5 * (low - high) / (low - 2 * middle + high))


def measured(take: Take, found: Found) -> dict[str, float]:
    """The numbers of one version of one take."""
    truth = take.shot.truth.positions
    in_camera = (truth - truth[:, :1]) @ take.shot.camera.R_camera_world.T
    away = np.linalg.norm(placed(found.world, truth) - truth, axis=-1)
    bend, true_bend = (np.diff(p, 2, axis=0) * FPS**2 for p in (found.world, truth))
    # The axes of the room differ by the heading: the true accelerations are brought to those of what was found.
    turned = np.diff(placed(found.world, truth), 2, axis=0) * FPS**2
    standing = ground(take.shot.truth).contacts
    out = {
        "pose": 100 * float(np.linalg.norm(found.pose - in_camera, axis=-1)[:, 1:].mean()),
        "world": 100 * float(away.mean()),
        "drift": 100 * float(away[:, 0].mean()),
        "accel": float(np.linalg.norm(turned - true_bend, axis=-1).mean()),
        "jitter": float(np.linalg.norm(bend, axis=-1).mean() / np.linalg.norm(true_bend, axis=-1).mean()),
    }
    out |= shaking(found.world, truth)
    feet = found.world[:, FEET]
    out["below"] = -100 * float(np.percentile(feet[..., 1].min(axis=1), 2))
    if standing is not None and standing.any():
        both = standing[1:] & standing[:-1]
        out["slide"] = float((np.linalg.norm(np.diff(feet, axis=0), axis=-1) * FPS)[both].mean())
        out["above"] = 100 * float(np.percentile(feet[..., 1][standing], 98))
        out["stand"] = float(2 * (found.contacts & standing).sum() / (found.contacts.sum() + standing.sum()))
    out["lag"] = lag_ms(found.world, placed_axes(found, take))
    return out


def shaking(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """What an eye that knows nothing of the truth would see."""
    relative = [p - p[:, :1] for p in (found, truth)]
    slow = np.linalg.norm(np.diff(relative[1], axis=0), axis=-1) * FPS < 0.1
    rest = (slow[1:] & slow[:-1])[:, 1:]
    bend, bend_rel = (np.linalg.norm(np.diff(p, 2, axis=0), axis=-1) * FPS**2 for p in (found, relative[0]))
    return {
        "rest": float(bend_rel[:, 1:][rest].mean()) if rest.any() else np.nan,
        "pop": float(np.percentile(bend.max(axis=1), 99.5)),
        "hips": float(bend[:, 0].max()),
    }


def placed_axes(found: Found, take: Take) -> np.ndarray:
    """The truth in axes in which it can be compared with ``found.world``: turned as the first frame asks."""
    return placed(take.shot.truth.positions, found.world)


def takes(data: Path, lifter: Lifter, count: int, *, hold_out: bool = False) -> list[Take]:
    if hold_out:
        clips = sorted(load_clips(data / "hdm05"), key=len, reverse=True)[1:40:2]
    else:
        clips = load_clips(data / "cmu", lambda entry: entry["subject"] in ("02", "94"))
    found = []
    for number, clip in enumerate(clips[:count]):
        shot = shoot(clip, number, repaired=False)
        if shot is not None:
            height_m = height_from_bones(bone_lengths(shot.truth), LIFTED_21)
            seen = repaired(shot.keypoints)
            found.append(Take(clip.name, shot, seen, height_m, lifted(seen, shot.camera.focal_px[0], lifter)))
    return found


def table(takes_: Sequence[Take], versions: dict[str, Callable[[Take], Found]], *, each: bool = False) -> None:
    """Print the means over the takes."""
    header = False
    for version, make in versions.items():
        rows = [measured(take, make(take)) for take in takes_]
        names = list(dict.fromkeys(name for row in rows for name in row))
        if not header:
            print(f"{len(takes_)} takes".ljust(18) + "".join(f"{name:>8}" for name in names))
            header = True
        if each:
            for take, row in zip(takes_, rows, strict=True):
                print(f"  {take.name:<16}" + "".join(f"{row.get(name, np.nan):8.2f}" for name in names))
        means = (np.nanmean([row.get(name, np.nan) for row in rows]) for name in names)
        print(f"{version:<18}" + "".join(f"{mean:8.2f}" for mean in means), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="maquette-residual", help="a network of single poses")
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--each", action="store_true", help="print every take")
    parser.add_argument("--hold-out", action="store_true", help="takes that nothing was chosen on")
    arguments = parser.parse_args()
    lifter = Lifter(arguments.model)
    table(
        takes(arguments.data, lifter, arguments.clips, hold_out=arguments.hold_out),
        {
            "offline": lambda take: offline(take, lifter),
            "live": live,
            "not calibrated": lambda take: live(take, calibrated=False),
            "known": lambda take: live(take, known=True),
        },
        each=arguments.each,
    )


if __name__ == "__main__":
    main()
