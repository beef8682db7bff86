"""How wrong joint angles and steps of a lifted motion are: recorded motion, filmed by virtual cameras and lifted again.

    python benchmarks/angle_accuracy.py --data ../shared/data [--model maquette-tcn27]

CMU subjects 02 and 94, which the shipped models were never trained on, up to 8 s of each take, by three cameras (from
ahead, from the side, from behind between both), 1920 x 1080, focal length 1400 px, Gaussian errors of 2 px in every
joint and frame. Printed for each angle: the root mean square error over all takes, that of it which stays the same
within a take (mean of the absolute means), what changes (mean of the standard deviations), and the uncertainty that
`maquette measure` gives. Then cadence and walking speed of the two walks, once with the true focal length and once
with the assumed one.
"""

import argparse
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from maquette import Keypoints, Motion, lift
from maquette.datasets.mocap import Clip, load_clips, positions_of
from maquette.geometry.camera import Camera, look_at
from maquette.measure import ANGLES, measure_motion
from maquette.measure.angle_definitions import base_name
from maquette.skeletons import LANDMARKS_27, LIFTED_21

FOCAL_PX, SIZE_PX, ERROR_PX = 1400.0, (1920, 1080), 2.0
FRAMES, FPS = 400, Fraction(50)
AZIMUTHS_DEG = {"ahead": 10.0, "side": 90.0, "behind": 150.0}
WALKS = ("02/02_01", "02/02_02")


def truth_of(clip: Clip) -> Motion:
    positions = positions_of(clip.vectors[:FRAMES].astype(np.float64))[:, : len(LIFTED_21)]
    return Motion(positions=positions, skeleton=LIFTED_21, fps=FPS, frame="world", scale_source="motion capture")


def filmed(truth: Motion, azimuth_deg: float, rng: np.random.Generator) -> Keypoints:
    """Seen by a level camera far enough away, at an angle from the way of the hip (or from +Z)."""
    hip = truth.joint("hip")
    middle = truth.positions.mean(axis=(0, 1))
    way = hip[-1] - hip[0]
    ahead = np.arctan2(way[0], way[2]) if np.hypot(way[0], way[2]) > 0.5 else 0.0
    angle = ahead + np.radians(azimuth_deg)
    distance_m = 4.0 + np.ptp(hip[:, [0, 2]], axis=0).max()
    place = middle + distance_m * np.array([np.sin(angle), 0.0, np.cos(angle)])
    centre = (SIZE_PX[0] / 2, SIZE_PX[1] / 2)
    camera = Camera((FOCAL_PX, FOCAL_PX), centre, SIZE_PX, look_at(place, middle), place)
    points = np.full((truth.n_frames, len(LANDMARKS_27), 2), np.nan)
    seen = [joint for joint, name in enumerate(LANDMARKS_27.joints) if name in LIFTED_21]
    pixels = camera.project_world(truth.positions)
    pixels = pixels + ERROR_PX * rng.normal(size=pixels.shape)
    points[:, seen] = pixels[:, LIFTED_21.indices(LANDMARKS_27.joints[joint] for joint in seen)]
    confidence = np.where(np.isfinite(points).all(axis=-1), 0.9, 0.0)
    return Keypoints(points=points, confidence=confidence, skeleton=LANDMARKS_27, image_size=SIZE_PX, fps=FPS)


def takes(data: Path, rng: np.random.Generator) -> Iterator[tuple[str, str, Motion, Keypoints]]:
    for clip in load_clips(data / "cmu", lambda entry: entry["subject"] in ("02", "94")):
        truth = truth_of(clip)
        for name, azimuth_deg in AZIMUTHS_DEG.items():
            yield clip.name, name, truth, filmed(truth, azimuth_deg, rng)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default=None)
    arguments = parser.parse_args()
    rows: dict[str, list[tuple[float, float, float, float]]] = {}
    walks = []
    for clip, view, truth, keypoints in takes(arguments.data, np.random.default_rng(1)):
        true = measure_motion(truth)
        found = measure_motion(lift(keypoints, model=arguments.model))
        for name in set(found.angles.names) & set(true.angles.names):
            error = found.angles.angle(name) - true.angles.angle(name)
            error = error - 360 * np.round(error / 360)
            known = np.isfinite(error)
            if known.sum() < 10 or found.sigma_deg is None:
                continue
            told = float(np.sqrt(np.mean(found.sigma_deg[known, found.angles.names.index(name)] ** 2)))
            error = error[known]
            rows.setdefault(base_name(name), []).append(
                (float(np.mean(error**2)), abs(float(error.mean())), float(error.std()), told)
            )
        if clip in WALKS:
            exact = measure_motion(lift(keypoints, model=arguments.model, focal_px=FOCAL_PX))
            for name in ("cadence", "walking_speed", "stance:l", "double_support:l"):
                values = (measured.number(name).value for measured in (true, exact, found))
                walks.append(f"{clip} {view:<8}{name:<18}" + "".join(f"{value:10.2f}" for value in values))
    print(f"{'angle, degrees':<22}{'rms':>7}{'same':>7}{'changes':>9}{'told':>7}{'rms/told':>10}")
    for base in (angle for angle in ANGLES if angle in rows):
        squares, same, changes, told = np.array(rows[base]).T
        rms = float(np.sqrt(squares.mean()))
        print(f"{base:<22}{rms:7.1f}{same.mean():7.1f}{changes.mean():9.1f}{told.mean():7.1f}{rms / told.mean():10.2f}")
    print(f"\n{'':<36}{'true':>10}{'focal ok':>10}{'assumed':>10}")
    print("\n".join(walks))


if __name__ == "__main__":
    main()
