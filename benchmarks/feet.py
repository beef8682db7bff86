"""Feet and knees of lifted motions: as lifted, planted, and as animation files have them; against recorded motion.

    python benchmarks/feet.py --data ../shared/data [--model maquette-tcn27]

The takes and cameras of angle_accuracy.py (CMU subjects 02 and 94, three cameras) whose feet are seen to stand. Four
versions of each: the lifter's placed poses before :func:`plant_feet`; planted (what .npz and .csv hold); the animation
with foot_lock=False; the animation as written by default. Means over the takes of

slide       how far a foot joint strays from its mean place during a contact, cm (mean and 95th percentile of contacts)
speed       mean speed of standing foot joints, m/s
picture     root mean square distance to the 2D, % of the figure's height: leg joints, all joints
peak        largest acceleration of knees and ankles, over that of the truth
knee peak   largest angular acceleration of the knees, over that of the truth
error       mean distance to the truth, cm: hip, knees, ankles, heels and toes, all joints; size, heading and place on
            the floor set once for each take, from the version before planting
knee        root mean square error of knee flexion, degrees: all frames, frames in which that foot stands
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from angle_accuracy import takes

from maquette import Keypoints, Motion
from maquette.lifting.assumed_camera import camera_for
from maquette.lifting.lifter import Lifter
from maquette.mapping import map_keypoints
from maquette.pipeline import prepare
from maquette.refine.motion_bones import bone_lengths
from maquette.refine.motion_contacts import contact_runs, still_steps
from maquette.refine.motion_finish import finish
from maquette.refine.motion_plant import plant_feet
from maquette.refine.motion_scale import height_from_bones
from maquette.refine.motion_trajectory import matched_keypoints
from maquette.refine.motion_trunk import place_trunk
from maquette.rig.choice import animated
from maquette.rig.forward import joint_positions_m
from maquette.skeletons import LANDMARKS_27, LIFTED_21

FEET = ("l_heel", "l_toe", "r_heel", "r_toe")
GROUPS: dict[str, tuple[str, ...]] = {
    "hip": ("hip",),
    "knee": ("l_knee", "r_knee"),
    "ankle": ("l_ankle", "r_ankle"),
    "foot": FEET,
    "all": LIFTED_21.joints,
}
LEGS = LIFTED_21.indices([*GROUPS["knee"], *GROUPS["ankle"], *FEET])


def unplanted(keypoints: Keypoints, lifter: Lifter) -> tuple[Motion, Keypoints]:
    """The motion as :func:`maquette.lift` has it before feet are planted, and the 2D it comes from."""
    mapped = map_keypoints(prepare(keypoints).ready, LANDMARKS_27.name)
    camera, notes = camera_for(mapped)
    lifted = place_trunk(lifter(mapped.with_notes(*notes), camera=camera))
    return finish(lifted, mapped, camera, plant=False), mapped


def placing(motion: Motion, truth: Motion) -> Callable[[np.ndarray], np.ndarray]:
    """Puts positions where they fit the truth best: size, heading and place on the floor of ``motion``'s."""
    heights = [height_from_bones(bone_lengths(m), LIFTED_21) for m in (truth, motion)]
    scale = heights[0] / heights[1]
    a, b = (scale * motion.positions).reshape(-1, 3), truth.positions.reshape(-1, 3)
    p, q = a - a.mean(0), b - b.mean(0)
    angle = np.arctan2((p[:, 2] * q[:, 0] - p[:, 0] * q[:, 2]).sum(), (p[:, 0] * q[:, 0] + p[:, 2] * q[:, 2]).sum())
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])

    def placed(positions: np.ndarray) -> np.ndarray:
        out = (scale * positions - a.mean(0)) @ turn.T + b.mean(0)
        out[..., 1] = scale * positions[..., 1]
        return out

    return placed


def flexion_deg(positions: np.ndarray, side: str) -> np.ndarray:
    hip, knee, ankle = (positions[:, LIFTED_21.index(f"{side}_{part}")] for part in ("hip", "knee", "ankle"))
    thigh, shin = knee - hip, ankle - knee
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(thigh, shin), axis=-1), (thigh * shin).sum(-1)))


def peak(paths: np.ndarray) -> float:
    """Largest second difference over frames."""
    change = np.diff(paths, 2, axis=0)
    return float((np.linalg.norm(change, axis=-1) if change.ndim == 3 else np.abs(change)).max())


def measured(truth: Motion, source: Motion, mapped: Keypoints, positions: np.ndarray) -> dict[str, float]:
    """The numbers of one version of one take."""
    assert source.contacts is not None
    contacts = np.ascontiguousarray(source.contacts.T)
    feet = positions[:, LIFTED_21.indices(source.contact_joints)]
    stood = [feet[first:stop, foot] for foot, first, stop in contact_runs(contacts)]
    slides_cm = [100 * float(np.linalg.norm(path - path.mean(0), axis=-1).max()) for path in stood]
    steps = np.linalg.norm(np.diff(feet, axis=0), axis=-1).T * float(source.fps)
    out = {"slide": float(np.mean(slides_cm)), "slide95": float(np.percentile(slides_cm, 95))}
    out["speed"] = float(steps[still_steps(contacts)].mean())
    assert source.camera is not None
    pixels = source.camera.project_world(positions)
    seen_px, confidence = matched_keypoints(source, mapped)
    height_px = float(np.median(np.ptp(pixels[..., 1], axis=1)))
    away = np.where(confidence > 0, np.linalg.norm(pixels - seen_px, axis=-1), np.nan) / height_px
    out["pic leg"] = 100 * float(np.sqrt(np.nanmean(away[:, LEGS] ** 2)))
    out["pic all"] = 100 * float(np.sqrt(np.nanmean(away**2)))
    for name in ("knee", "ankle"):
        joints = LIFTED_21.indices(GROUPS[name])
        out[f"{name[:2]} peak"] = peak(positions[:, joints]) / peak(truth.positions[:, joints])
    bends = [np.stack([flexion_deg(p, side) for side in "lr"], axis=1) for p in (positions, truth.positions)]
    out["bend pk"] = peak(bends[0]) / peak(bends[1])
    error_cm = 100 * np.linalg.norm(placing(source, truth)(positions) - truth.positions, axis=-1)
    for name, joints in GROUPS.items():
        out[f"e {name}"] = float(error_cm[:, LIFTED_21.indices(joints)].mean())
    off = bends[0] - bends[1]
    out["knee"] = float(np.sqrt(np.mean(off**2)))
    stands = np.stack(
        [np.any([row for row, j in zip(contacts, source.contact_joints, strict=True) if j[0] == s], 0) for s in "lr"], 1
    )
    out["stance"] = float(np.sqrt(np.mean(off[stands] ** 2)))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default=None)
    arguments = parser.parse_args()
    lifter = Lifter(arguments.model)
    rows: dict[str, list[dict[str, float]]] = {}
    for _, _, truth, keypoints in takes(arguments.data, np.random.default_rng(1)):
        source, mapped = unplanted(keypoints, lifter)
        if source.contacts is None or not source.contacts.any():
            continue
        planted = plant_feet(source)
        versions = {
            "as lifted": source.positions,
            "planted": planted.positions,
            "foot_lock=False": joint_positions_m(animated(planted, foot_lock=False)),
            "default": joint_positions_m(animated(planted)),
        }
        for name, positions in versions.items():
            rows.setdefault(name, []).append(measured(truth, source, mapped, positions))
    names = list(rows["default"][0])
    print(f"{len(rows['default'])} takes".ljust(16) + "".join(f"{name:>8}" for name in names))
    for version, found in rows.items():
        print(f"{version:<16}" + "".join(f"{np.mean([row[name] for row in found]):8.2f}" for name in names))


if __name__ == "__main__":
    main()
