"""From a finished training to the shipped correction: export, measure, write the numbers into the file and on its card.

python benchmarks/release_correction.py runs/correction-mocap --data ../shared/data --to src/maquette/weights
"""

import argparse
import json
from pathlib import Path

from self_supervised_accuracy import SEED, NearestPose, report, test_sets

from maquette.datasets.mocap import clips_of_split, load_clips
from maquette.refine.correction_weights import load_correction
from maquette.training.correction_card import card_text, summary
from maquette.training.export import export_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the training")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with cmu/ and hdm05/")
    parser.add_argument("--to", type=Path, default=Path("src/maquette/weights"), help="folder for weights and card")
    args = parser.parse_args()
    weights, nearest = load_correction(export_run(args.run)), NearestPose(args.data)
    sets = {name: report(weights, clips, nearest) for name, clips in test_sets(args.data).items()}
    path = args.to / f"{weights.spec.name}.npz"
    weights = load_correction(export_run(args.run, accuracy=summary(sets), path=path))
    frames = sum(len(clip) for clip in clips_of_split(load_clips(args.data / "cmu"), "train"))
    card = card_text(
        weights,
        size_bytes=path.stat().st_size,
        sets=sets,
        seed=SEED,
        train_minutes=frames / 50 / 60,
    )
    path.with_suffix(".md").write_text(card, encoding="utf-8")
    (args.run / "accuracy.json").write_text(json.dumps(sets, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
