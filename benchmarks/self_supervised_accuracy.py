"""What self-supervised refinement does to lifted poses that were never trained on: before, corrected, refined.

    python benchmarks/self_supervised_accuracy.py --data ../shared/data [--weights NAME|FILE] [--json OUT]
    python benchmarks/self_supervised_accuracy.py --data ../shared/data --choose

Whole clips (up to 4 s) filmed by fixed cameras (``maquette.datasets.filmed_clips``), exact and with detector errors,
repaired and lifted as ``maquette lift`` does, not smoothed. Sets: CMU 02 and 94 (test), HDM05 (every eighth clip;
another rig, other people); never trained on. ``--choose`` measures learning rates and numbers of updates on
CMU 06 and 135 (val), which is where they were chosen.

Inputs: the shipped lifters; the default one behind detections of another definition of joints (BODY_25); and, as a kind
of lifter that the correction has never seen, the nearest of 20,480 training poses by its picture (as Chen & Ramanan
2017). Errors of 16 joints (h36m-16) in mm: N-MPJPE, MPJPE, PA-MPJPE, and MPJVE in mm per frame of 1/50 s.

"corrected" is the correction without any update; updates are of the size that the weights say, or of the published;
"as shipped" is ``SelfSupervisedRefiner()``, which leaves alone what fits, and stops where it does. "2D"
is the distance of the pose's picture to the 2D that was seen, as a share of a limb joint's mean distance, by the
projector: what an update lowers.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from maquette.datasets.corrections import LiftedClips, from_hip, lift_filmed, lifted_poses
from maquette.datasets.filmed_clips import film_clips
from maquette.datasets.mocap import Clip, clips_of_split, load_clips
from maquette.datasets.sample_settings import SampleSettings
from maquette.evaluate.metrics import mpjpe, n_mpjpe, pa_mpjpe, velocity_error
from maquette.lifting.lifter import Lifter
from maquette.refine.correction_batched import refine_frames
from maquette.refine.correction_published import LEARNING_RATE
from maquette.refine.correction_view import PICTURE_UNIT
from maquette.refine.correction_weights import CorrectionWeights, load_correction
from maquette.refine.self_supervised import SelfSupervisedRefiner
from maquette.runtime.shipped import DEFAULT_MODEL, SHIPPED
from maquette.skeletons import H36M_16

SEED = 20_240
FRAMES = 200
UPDATES = (0, 1, 2, 5, 10)
RATES = (3e-6, 1e-5, 2e-5, 5e-5)
LIBRARY_POSES, LIBRARY_SEED = 20_480, 77
_ROWS = 256


@dataclass(frozen=True)
class Case:
    """One lifter on one set of clips."""

    lifter: str
    errors: str
    clips: LiftedClips


class NearestPose:
    """The pose of a library whose picture is nearest to what was seen."""

    def __init__(self, data: Path) -> None:
        import torch

        from maquette.training.correction_network import picture_of

        poses = lifted_poses(
            data / "cmu", SampleSettings(), LIBRARY_POSES, lifters=("maquette-residual",), seed=LIBRARY_SEED
        )
        self.poses = poses.truth
        self.pictures = picture_of(torch.from_numpy(poses.truth), torch.from_numpy(poses.distance_mm)).numpy()

    def __call__(self, pictures: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Normalised poses for normalised pictures."""
        out = np.empty((len(pictures), self.poses.shape[1]), dtype=np.float32)
        squares = np.square(self.pictures)
        for start in range(0, len(pictures), _ROWS):
            rows = slice(start, start + _ROWS)
            w = np.repeat(weight[rows] > 0, 2, axis=1).astype(np.float32)
            seen = w * pictures[rows].astype(np.float32)
            out[rows] = self.poses[(w @ squares.T - 2 * seen @ self.pictures.T).argmin(axis=1)]
        return out

    def instead_of(self, clips: LiftedClips) -> LiftedClips:
        """Clips whose lifted poses are the library's."""
        views = tuple(replace(v, pose=self(v.picture, v.weight).astype(np.float64)) for v in clips.view)
        motions = tuple(
            replace(motion, positions=view.positions_m(view.pose), skeleton=H36M_16)
            for motion, view in zip(clips.motion, views, strict=True)
        )
        return LiftedClips(views, clips.truth_m, motions, clips.keypoints)


def cases(clips: Sequence[Clip], lifters: Sequence[str], nearest: NearestPose) -> Iterator[Case]:
    """Everything that is refined, exact and with errors."""
    for errors in (False, True):
        kind = "errors" if errors else "exact"
        filmed = list(film_clips(clips, seed=SEED, frames=FRAMES, errors=errors))
        for name in lifters:
            lifted = lift_filmed(filmed, Lifter(name))
            yield Case(name, kind, lifted)
            if name == DEFAULT_MODEL:
                yield Case("nearest of a library", kind, nearest.instead_of(lifted))
                other = list(film_clips(clips, seed=SEED, frames=FRAMES, errors=errors, detector="openpose-body-25"))
                yield Case(f"{name}, BODY_25", kind, lift_filmed(other, Lifter(name)))


def measure(clips: LiftedClips, positions_m: Sequence[np.ndarray]) -> dict[str, float]:
    """Means over frames; frames that the view cannot show stay as they were lifted."""
    found: dict[str, list[np.ndarray]] = {"n_mpjpe": [], "mpjpe": [], "pa_mpjpe": [], "mpjve": []}
    for i, (view, truth) in enumerate(zip(clips.view, clips.truth_m, strict=True)):
        positions = np.where(view.usable[:, None, None], positions_m[i], clips.lifted_m(i))
        for name, metric in (("n_mpjpe", n_mpjpe), ("mpjpe", mpjpe), ("pa_mpjpe", pa_mpjpe), ("mpjve", velocity_error)):
            found[name].append(1000 * metric(positions, truth))
    return {name: round(float(np.concatenate(values).mean()), 2) for name, values in found.items()}


def refined(
    weights: CorrectionWeights, clips: LiftedClips, updates: Sequence[int], learning_rate: float
) -> dict[int, dict[str, float]]:
    """Number of updates -> errors."""
    lengths = np.cumsum([len(view.pose) for view in clips.view])[:-1]
    pose, picture, weight = (np.concatenate([getattr(v, f) for v in clips.view]) for f in ("pose", "picture", "weight"))
    usable = np.concatenate([view.usable for view in clips.view])
    found = refine_frames(weights, pose, picture, weight=weight, n_steps=max(*updates, 1), learning_rate=learning_rate)
    rows = {}
    for n in updates:
        poses = np.split(found.poses[:, n].astype(np.float64), lengths)
        rows[n] = measure(clips, [view.positions_m(pose) for view, pose in zip(clips.view, poses, strict=True)])
        fit = found.point_loss[usable, n].mean() / weight[usable].mean()
        rows[n]["picture"] = round(float(np.sqrt(fit)) / PICTURE_UNIT, 4)
    return rows


def as_shipped(weights: CorrectionWeights, clips: LiftedClips) -> dict[str, float]:
    """What ``SelfSupervisedRefiner`` makes of the clips."""
    refiner, found = SelfSupervisedRefiner(weights), []
    for motion, keypoints in zip(clips.motion, clips.keypoints, strict=True):
        assert motion.camera is not None
        found.append(refiner(motion, keypoints, motion.camera))
    kept = np.mean(["; left as " not in motion.notes[-1] for motion in found])
    return {**measure(clips, [from_hip(motion) for motion in found]), "kept": round(float(kept), 2)}


def unrefined(clips: LiftedClips) -> dict[str, float]:
    """What the lifter gave."""
    return measure(clips, [clips.lifted_m(i) for i in range(len(clips.view))])


def line(name: str, row: dict[str, float]) -> str:
    """One row of a table."""
    more = f"   2D {row['picture']:.3f}" if "picture" in row else ""
    more += f"   {100 * row['kept']:.0f} % of the clips changed" if "kept" in row else ""
    return (
        f"  {name:<24} N-MPJPE {row['n_mpjpe']:6.2f}  MPJPE {row['mpjpe']:6.2f}  PA-MPJPE {row['pa_mpjpe']:6.2f}  "
        f"MPJVE {row['mpjve']:5.2f}{more}"
    )


def report(weights: CorrectionWeights, clips: Sequence[Clip], nearest: NearestPose) -> list[dict]:
    """Print and give all rows of a set."""
    rows = []
    for case in cases(clips, list(SHIPPED), nearest):
        frames = sum(len(view.pose) for view in case.clips.view)
        print(f"{case.lifter}, {case.errors}, {len(case.clips.view)} clips, {frames} frames", flush=True)
        by_updates = refined(weights, case.clips, UPDATES, weights.spec.learning_rate)
        found = {"before": unrefined(case.clips)}
        found |= {words(n): row for n, row in by_updates.items()}
        found["1 published update"] = refined(weights, case.clips, (1,), LEARNING_RATE)[1]
        found["as shipped"] = as_shipped(weights, case.clips)
        for name, row in found.items():
            print(line(name, row), flush=True)
        rows.append({"lifter": case.lifter, "errors": case.errors, "found": found})
    return rows


def words(updates: int) -> str:
    """A number of updates."""
    return "corrected" if updates == 0 else "1 update" if updates == 1 else f"{updates} updates"


def choose(weights: CorrectionWeights, clips: Sequence[Clip], nearest: NearestPose) -> None:
    """Print the change of N-MPJPE in percent, for every learning rate and number of updates."""
    for case in cases(clips, list(SHIPPED), nearest):
        before = unrefined(case.clips)
        print(f"{case.lifter}, {case.errors}: before {before['n_mpjpe']:.2f}, MPJVE {before['mpjve']:.2f}", flush=True)
        for rate in RATES:
            rows = refined(weights, case.clips, UPDATES, rate)
            cells = [f"{n}: {100 * (r['n_mpjpe'] / before['n_mpjpe'] - 1):+5.1f} %" for n, r in rows.items()]
            print(f"  rate {rate:.1e}  " + "  ".join(cells), flush=True)


def test_sets(data: Path) -> dict[str, list[Clip]]:
    """Name -> clips; HDM05 only where its folder exists."""
    sets = {"CMU test": clips_of_split(load_clips(data / "cmu"), "test")}
    if (data / "hdm05").is_dir():
        sets["HDM05"] = load_clips(data / "hdm05")[::8]
    return sets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with cmu/ and hdm05/")
    parser.add_argument("--weights", default=None, help="name of correction weights in the package, or an .npz file")
    parser.add_argument("--choose", action="store_true", help="learning rates and updates, on CMU val")
    parser.add_argument("--json", type=Path, help="write all numbers there")
    args = parser.parse_args()
    start = time.perf_counter()
    weights, nearest = load_correction(args.weights), NearestPose(args.data)
    if args.choose:
        choose(weights, clips_of_split(load_clips(args.data / "cmu"), "val"), nearest)
        return
    found = {}
    for name, clips in test_sets(args.data).items():
        print(f"== {name}")
        found[name] = report(weights, clips, nearest)
    print(f"{time.perf_counter() - start:.0f} s")
    if args.json:
        about = {"sha256": weights.sha256, "seed": SEED, "learning_rate": weights.spec.learning_rate}
        args.json.write_text(json.dumps({**about, "sets": found}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
