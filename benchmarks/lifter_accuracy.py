"""Accuracy of lifters (ONNX files) on held-out motion capture, filmed by virtual cameras of a fixed seed.

    python benchmarks/lifter_accuracy.py src/maquette/weights/maquette-tcn27.onnx --data ../shared/data --json out.json

Root-relative MPJPE / PA-MPJPE of the 17 joints of Human3.6M in mm, of the middle frame in the camera frame, without
any smoothing. Test sets: CMU subjects 02 and 94 (never trained on) and the mean of the two, CMU's validation subjects
(06, 135: recipes were chosen on them), HDM05 (another rig, other people; never trained on, nothing chosen on it). The
cameras and the simulated detector errors, with their fixed strengths, are described in ``maquette.datasets.views``.

Rows: the 2D format that the detector imitates; without and with its errors. "focal assumed" reads the same pictures
with 1.15 times their longer side instead of the true focal length (0.8 to 2 times).
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from maquette.datasets.mocap import Clip, load_clips
from maquette.datasets.views import ASSUMED_FOCAL_PX, TestViews, film
from maquette.evaluate.metrics import mpjpe, n_mpjpe, pa_mpjpe
from maquette.lifting.normalize import mirror_features, mirror_positions, normalise_windows, positions_in_camera
from maquette.runtime import onnx_model

SEED = 20_240
JOINTS = 17


def lift_views(model: onnx_model.OnnxModel, views: TestViews, *, flip: bool) -> np.ndarray:
    """Positions (windows, 17, 3) in the camera frame from the hip; ``flip`` averages with the mirrored picture."""
    middle, reach = views.points_px.shape[1] // 2, model.spec.window_frames // 2
    window = slice(middle - reach, middle + reach + 1)
    seen = normalise_windows(views.points_px[:, window], views.observed[:, window], views.focal_px, views.centre_px)
    found = model.run(seen.features)
    if flip:
        found = (found + mirror_positions(model.run(mirror_features(seen.features)))) / 2
    found = positions_in_camera(found, seen.R_canonical_camera)
    return (found - found[:, :1])[:, :JOINTS]


def errors_mm(model: onnx_model.OnnxModel, views: TestViews, *, flip: bool) -> dict[str, float]:
    """Means over windows."""
    found, target = lift_views(model, views, flip=flip), views.targets_m[:, :JOINTS]
    metrics = {"mpjpe": mpjpe, "pa_mpjpe": pa_mpjpe, "n_mpjpe": n_mpjpe}
    return {name: round(1000 * float(metric(found, target).mean()), 2) for name, metric in metrics.items()}


def test_sets(data: Path) -> dict[str, list[Clip]]:
    """Name -> clips; HDM05 only where its folder exists."""
    cmu = load_clips(data / "cmu")
    sets = {f"cmu {subject}": [c for c in cmu if c.subject == subject] for subject in ("02", "94")}
    sets["cmu val"] = [c for c in cmu if c.split == "val"]
    if (data / "hdm05").is_dir():
        sets["hdm05"] = load_clips(data / "hdm05")
    return sets


def evaluate(model: onnx_model.OnnxModel, sets: dict[str, list[Clip]], windows: int, *, quick: bool) -> list[dict]:
    """One row for each format, error level, focal length and flip averaging; a column for each test set."""
    rows = []
    formats = ("h36m-17",) if quick else ("h36m-17", "openpose-body-25", "coco-17")
    for detector in formats:
        for errors in (False, True):
            views = {
                name: film(clips, windows, seed=SEED, detector=detector, errors=errors) for name, clips in sets.items()
            }
            for focal_known in (True,) if quick else (True, False):
                read = {
                    n: v if focal_known else replace(v, focal_px=np.full_like(v.focal_px, ASSUMED_FOCAL_PX))
                    for n, v in views.items()
                }
                for flip in (False, True) if focal_known and detector == "h36m-17" else (True,):
                    found = {name: errors_mm(model, v, flip=flip) for name, v in read.items()}
                    both = (found["cmu 02"], found["cmu 94"])
                    found["cmu test"] = {k: round((both[0][k] + both[1][k]) / 2, 2) for k in both[0]}
                    rows.append(
                        {"format": detector, "errors": errors, "focal_known": focal_known, "flip": flip, "sets": found}
                    )
    return rows


def table(rows: list[dict]) -> str:
    """The rows as text: MPJPE/PA-MPJPE."""
    names = ("cmu test", "cmu 02", "cmu 94", "cmu val", "hdm05")
    lines = [f"{'format':18}{'detector':10}{'focal':9}{'flip':6}" + "".join(f"{n:>13}" for n in names)]
    for row in rows:
        cells = [row["sets"].get(n) for n in names]
        texts = ["" if c is None else f"{c['mpjpe']:.1f}/{c['pa_mpjpe']:.1f}" for c in cells]
        lines.append(
            f"{row['format']:18}{'errors' if row['errors'] else 'exact':10}"
            f"{'known' if row['focal_known'] else 'assumed':9}"
            f"{'yes' if row['flip'] else 'no':6}" + "".join(f"{t:>13}" for t in texts)
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, help="ONNX files")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with cmu/ and hdm05/")
    parser.add_argument("--windows", type=int, default=2000, help="test views of each set")
    parser.add_argument("--quick", action="store_true", help="Human3.6M-17 with known focal length only")
    parser.add_argument("--json", type=Path, help="write all numbers there")
    args = parser.parse_args()
    sets = test_sets(args.data)
    report = {}
    for path in args.models:
        start = time.perf_counter()
        model = onnx_model.OnnxModel(path)
        rows = evaluate(model, sets, args.windows, quick=args.quick)
        report[model.spec.name] = {"sha256": model.sha256, "windows": args.windows, "seed": SEED, "rows": rows}
        print(
            f"{path} ({model.spec.samples_seen / 1e6:.1f} M samples seen), {args.windows} views of each set, mm\n"
            f"{table(rows)}"
        )
        print(f"{time.perf_counter() - start:.0f} s", file=sys.stderr)
    if args.json:
        args.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
