"""Rotations solved from joint positions against the rotations that the mocap was recorded with, and how fast.

    python benchmarks/rotations.py [--data ../shared/data] [--noise-mm 0] [--stream] [--speed-only] [--profile]

Accuracy: the untouched takes of `data/raw` (five rigs, nine takes). Their joints are put on maquette-21 (the 17 joints
as in training, ball and heel rigid with the rig's foot), rotations are solved from the positions alone, and the world
orientation of each part of the body is compared with the take's, after one constant turn for each part and take (rest
poses and bone axes differ). Beside it, the largest turn between two frames and the take's own. With ``--stream`` the
same for rotations solved one frame at a time, and how far they are from those of the whole clip.

Speed: frames of CMU in one motion of 24,000 frames (a made-up walk without the data), best of five, one thread.
"""

import argparse
import cProfile
import os
import pstats
import time
from fractions import Fraction
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from maquette.datasets.rigs import on_h36m_17, rig_of
from maquette.demo.choreography import perform
from maquette.geometry.kinematics import forward_kinematics
from maquette.geometry.rotations import quat_angle, quat_conjugate, quat_multiply, quat_rotate
from maquette.motion import Motion
from maquette.readers.motion import read_motion
from maquette.refine.zero_phase import zero_phase_lowpass
from maquette.rig import animate, solve_rotations
from maquette.rig.solve_stream import RotationStream
from maquette.skeletons import H36M_17, LIFTED_21

TAKES = (
    "cmu_asf_amc/02_01.amc",
    "cmu_asf_amc/02_03.amc",
    "cmu_asf_amc/03_02.amc",
    "hdm05_asf_amc/HDM_bd_hopBothLegs1hops_005_120.amc",
    "cmu_daz_bvh/11_01.bvh",
    "cmu_cgspeed_bvh/12_01_walk.bvh",
    "cmu_motionbuilder_bvh/131_03.bvh",
    "cmu_iclone_bvh/006_03.bvh",
    "cmu_iclone_bvh/007_05.bvh",
)
LIMBS = {"thigh": "hip", "shin": "knee", "foot": "ankle", "upper arm": "shoulder", "forearm": "elbow"}
"""Part of a limb -> joint of ours that turns it."""
NAMED = {
    "asf": ("root thorax head", "* l r femur tibia foot humerus radius"),
    "daz": ("hip chest head", "* l r Thigh Shin Foot Shldr ForeArm"),
    "cgspeed": ("Hips Spine1 Head", "* Left Right UpLeg Leg Foot Arm ForeArm"),
    "motionbuilder": ("Hips Chest2 Head", "* Left Right Hip Knee Ankle Shoulder Elbow"),
    "iclone": (
        "CC_Base_Hip CC_Base_Spine02 CC_Base_Head",
        "CC_Base_*_ L R Thigh Calf Foot Upperarm Forearm",
    ),
}
"""Rig -> its joints for pelvis, chest and head; and of the limbs (pattern, words of the sides, names)."""
HEEL_BACK = 0.35
"""Of the level distance from ankle to ball."""


def rig_joints(rig: str) -> dict[str, tuple[str, str]]:
    """Part of the body -> (joint of the rig, joint of ours)."""
    trunk, limbs = (text.split() for text in NAMED[rig])
    found: dict[str, tuple[str, str]] = {}
    for part, theirs, ours in zip(("pelvis", "chest", "head"), trunk, ("hip", "thorax", "nose"), strict=True):
        found[part] = (theirs, ours)
    pattern, *sides = limbs[:3]
    for letter, word in zip("lr", sides, strict=True):
        for (part, ours), name in zip(LIMBS.items(), limbs[3:], strict=True):
            found[f"{letter} {part}"] = (pattern.replace("*", word) + name, f"{letter}_{ours}")
    return found


def load(path: Path) -> tuple[Motion, dict[str, tuple[np.ndarray, str]]]:
    """The take on maquette-21, and for each part of the body its recorded orientation and the joint of ours."""
    take = read_motion(path)
    rig, body = rig_of(take), on_h36m_17(take)
    first = take.n_frames - body.n_frames
    assert take.rotations is not None
    turns = forward_kinematics(take.skeleton.parents, np.zeros((1, take.n_joints, 3)), take.rotations)[1][first:]
    joints = rig_joints(rig.name)
    positions = np.full((body.n_frames, len(LIFTED_21), 3), np.nan)
    positions[:, : len(H36M_17)] = body.positions
    for side in "lr":
        foot = turns[:, take.skeleton.index(joints[f"{side} foot"][0])]
        ankle = positions[:, LIFTED_21.index(f"{side}_ankle")]
        row = rig.rows[f"{side}_ankle"]
        assert isinstance(row, str)
        ball = take.joint(rig.feet[side][0])[first:] - take.joint(row)[first:]
        # The sole is level in the frames in which the ankle is lowest.
        back, low = quat_conjugate(foot), np.argsort(ankle[:, 1])[: max(5, len(ankle) // 20)]
        up = quat_rotate(back[low], np.array([0.0, 1.0, 0.0])).mean(axis=0)
        up /= np.linalg.norm(up)
        local = np.median(quat_rotate(back, ball), axis=0)
        drop = local @ up * up
        positions[:, LIFTED_21.index(f"{side}_toe")] = ankle + ball
        positions[:, LIFTED_21.index(f"{side}_heel")] = ankle + quat_rotate(foot, drop - HEEL_BACK * (local - drop))
    truth = {part: (turns[:, take.skeleton.index(theirs)], ours) for part, (theirs, ours) in joints.items()}
    return Motion(positions=positions, skeleton=LIFTED_21, fps=body.fps, frame="world"), truth


def shaken(motion: Motion, noise_mm: float) -> Motion:
    """Normal errors of so much per axis, low-passed as lifted motions are (the loss made up for)."""
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(motion.n_frames, motion.n_joints * 3))
    smooth = zero_phase_lowpass(flat, motion.fps, 6.0)
    noise = 1e-3 * noise_mm * (smooth / smooth.std()).reshape(motion.positions.shape)
    return Motion(positions=motion.positions + noise, skeleton=motion.skeleton, fps=motion.fps, frame="world")


def orientations(motion: Motion) -> dict[str, np.ndarray]:
    """World orientation of each joint of a solved motion."""
    assert motion.rotations is not None
    turns = forward_kinematics(motion.skeleton.parents, np.zeros((1, motion.n_joints, 3)), motion.rotations)[1]
    return dict(zip(motion.skeleton.joints, turns.transpose(1, 0, 2), strict=True))


def error_deg(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Angle of each frame after the constant turn that fits best (mean quaternion: Markley et al. 2007)."""
    relative = quat_multiply(quat_conjugate(truth), found)
    constant = np.linalg.eigh(relative.T @ relative)[1][:, -1]
    return np.degrees(quat_angle(relative, constant))


def steps_deg(turns: np.ndarray) -> float:
    return float(np.degrees(quat_angle(turns[1:], turns[:-1])).max())


def streamed(motion: Motion) -> Motion:
    """The motion with rotations solved one frame at a time."""
    stream, row = RotationStream(1), np.array([0])
    turns = [stream(row, at[None], frame / float(motion.fps))[0] for frame, at in enumerate(motion.positions)]
    return motion.with_notes("local rotations solved frame by frame", rotations=np.stack(turns))


def causal(raw: Path, noise_mm: float) -> None:
    """Print the table of rotations solved one frame at a time."""
    rows: dict[str, list[tuple[np.ndarray, np.ndarray, float, float]]] = {}
    for name in TAKES:
        motion, truth = load(raw / name)
        motion = shaken(motion, noise_mm) if noise_mm else motion
        found, whole = orientations(streamed(motion)), orientations(solve_rotations(motion))
        for part, (turns, joint) in truth.items():
            apart = np.degrees(quat_angle(found[joint], whole[joint]))
            row = error_deg(found[joint], turns), apart, steps_deg(found[joint]), steps_deg(whole[joint])
            rows.setdefault(part[2:] if part[1] == " " else part, []).append(row)
    print("one frame at a time; degrees")
    print(
        f"{'':12}{'median':>8}{'mean':>8}{'p95':>8}{'apart: median':>15}{'p95':>8}{'largest step':>14}"
        f"{'of the clip':>13}"
    )
    for part, found in rows.items():
        error, apart = (np.concatenate([row[column] for row in found]) for column in (0, 1))
        steps = [max(row[column] for row in found) for column in (2, 3)]
        print(
            f"{part:12}{np.median(error):8.1f}{error.mean():8.1f}{np.percentile(error, 95):8.1f}"
            f"{np.median(apart):15.2f}{np.percentile(apart, 95):8.2f}{steps[0]:14.1f}{steps[1]:13.1f}"
        )


def accuracy(raw: Path, noise_mm: float) -> None:
    """Print the table."""
    rows: dict[str, list[tuple[np.ndarray, float, float]]] = {}
    frames = 0
    for name in TAKES:
        motion, truth = load(raw / name)
        found = orientations(solve_rotations(shaken(motion, noise_mm) if noise_mm else motion))
        frames += motion.n_frames
        for part, (turns, joint) in truth.items():
            row = error_deg(found[joint], turns), steps_deg(found[joint]), steps_deg(turns)
            rows.setdefault(part[2:] if part[1] == " " else part, []).append(row)
    print(f"{len(TAKES)} takes, {frames} frames, errors of positions {noise_mm:g} mm per axis; degrees")
    print(f"{'':12}{'median':>8}{'mean':>8}{'p95':>8}{'largest step':>14}{'of the take':>13}")
    for part, found in rows.items():
        error = np.concatenate([row[0] for row in found])
        step, own = max(row[1] for row in found), max(row[2] for row in found)
        print(
            f"{part:12}{np.median(error):8.1f}{error.mean():8.1f}{np.percentile(error, 95):8.1f}{step:14.1f}{own:13.1f}"
        )


def speed(data: Path, profile: bool) -> None:
    """Print frames per second."""
    store = data / "cmu" / "cmu_landmarks.npz"
    if store.is_file():
        with np.load(store) as clips:
            positions = np.concatenate([clips[name][:, :21] for name in clips.files[:60]])[:24_000].astype(float)
    else:
        positions = np.tile(perform(60).motion.positions[:, :21], (40, 1, 1))
    positions = positions[np.isfinite(positions).all(axis=(1, 2))]
    motion = Motion(positions=positions, skeleton=LIFTED_21, fps=Fraction(50), frame="world")
    for name, call in (("solve_rotations", solve_rotations), ("animate (solve, and the rig)", animate)):
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            call(motion)
            seconds.append(time.perf_counter() - start)
        print(f"{name}: {len(positions) / min(seconds):,.0f} frames/s ({len(positions)} frames, best of 5)")
    if profile:
        profiler = cProfile.Profile()
        profiler.runcall(solve_rotations, motion)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(12)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with raw/ and cmu/")
    parser.add_argument("--noise-mm", type=float, default=0.0, help="errors put on the positions")
    parser.add_argument("--stream", action="store_true", help="also one frame at a time")
    parser.add_argument("--speed-only", action="store_true", help="no accuracy")
    parser.add_argument("--profile", action="store_true", help="also where the time goes")
    options = parser.parse_args()
    if not options.speed_only:
        accuracy(options.data / "raw", options.noise_mm)
        if options.stream:
            causal(options.data / "raw", options.noise_mm)
    speed(options.data, options.profile)


if __name__ == "__main__":
    main()
