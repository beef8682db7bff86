"""From a finished training to a shipped model: export, measure, write the numbers into the file and onto its card.

python benchmarks/release_lifter.py runs/tcn-mocap --data ../shared/data --to src/maquette/weights
"""

import argparse
import json
from pathlib import Path

from lifter_accuracy import SEED, evaluate, table, test_sets

from maquette.datasets.mocap import clips_of_split, load_clips
from maquette.runtime.onnx_model import OnnxModel
from maquette.training.card import card_text, summary
from maquette.training.export import export_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of the training")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with cmu/ and hdm05/")
    parser.add_argument("--to", type=Path, default=Path("src/maquette/weights"), help="folder for model and card")
    parser.add_argument("--windows", type=int, default=2000, help="test views of each set")
    args = parser.parse_args()
    rows = evaluate(OnnxModel(export_run(args.run)), test_sets(args.data), args.windows, quick=False)
    print(table(rows))
    name = OnnxModel(export_run(args.run)).spec.name
    path = export_run(args.run, accuracy=summary(rows), path=args.to / f"{name}.onnx")
    model = OnnxModel(path)
    frames = sum(len(clip) for clip in clips_of_split(load_clips(args.data / "cmu"), "train"))
    card = card_text(
        model.spec,
        sha256=model.sha256,
        size_bytes=path.stat().st_size,
        rows=rows,
        windows=args.windows,
        seed=SEED,
        train_minutes=frames / 50 / 60,
    )
    path.with_suffix(".md").write_text(card, encoding="utf-8")
    (args.run / "accuracy.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
