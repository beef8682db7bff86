"""The card of a model: what it was trained on, how, how good it is on what, and what it cannot do."""

from typing import Any

from maquette.runtime.spec import ModelSpec

_NAMES = {
    "cmu test": "CMU 02 and 94 (mean)",
    "cmu 02": "CMU 02",
    "cmu 94": "CMU 94",
    "cmu val": "CMU val",
    "hdm05": "HDM05",
}
_LIMITS = """\
* Trained on {minutes:.0f} minutes of recorded motion of few people, varied by machine: walking, running, climbing,
  dance, ball games and everyday gestures are well covered; floor work, gymnastics and crowds are not.
* Adults of about 1.45 to 1.95 m. The metric scale is a guess from proportions; give the height (`--height-m`).
* Depth errors grow where limbs point at the camera, and when the focal length is far from what it was told.
* Trained and measured with simulated detectors only; no real detector's output with known 3D was used.
* Positions only: no rotations about the bones, no hands, no face."""


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The numbers for the model file, by test set: Human3.6M-17, known focal length, flip averaging."""
    out: dict[str, Any] = {"protocol": "root-relative MPJPE/PA-MPJPE, 17 joints, mm; benchmarks/lifter_accuracy.py"}
    for row in rows:
        if row["format"] == "h36m-17" and row["focal_known"] and row["flip"]:
            kind = "detector errors" if row["errors"] else "exact 2D"
            for name, found in row["sets"].items():
                out[f"{_NAMES[name]}, {kind}"] = [round(found["mpjpe"], 1), round(found["pa_mpjpe"], 1)]
    return out


def card_text(
    spec: ModelSpec,
    *,
    sha256: str,
    size_bytes: int,
    rows: list[dict[str, Any]],
    windows: int,
    seed: int,
    train_minutes: float,
) -> str:
    """The card as Markdown, from the model's spec and the rows of the accuracy benchmark.

    Args:
        windows, seed: of the benchmark.
        train_minutes: of recorded motion in the training split.
    """
    names = [name for name in _NAMES if name in rows[0]["sets"]]
    header = ["2D format", "detector", "focal length", "flip", *(_NAMES[name] for name in names)]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for row in rows:
        cells = [f"{row['sets'][n]['mpjpe']:.1f} / {row['sets'][n]['pa_mpjpe']:.1f}" for n in names]
        errors, focal = "errors" if row["errors"] else "exact", "known" if row["focal_known"] else "assumed"
        lines.append("| " + " | ".join([row["format"], errors, focal, "yes" if row["flip"] else "no", *cells]) + " |")
    kind = {
        "temporal": f"temporal convolution over {spec.window_frames} frames, {spec.window_step_s} s apart",
        "relative": f"relative information encoding over {spec.window_frames} frames, {spec.window_step_s} s apart",
        "residual": "residual network of Martinez et al. 2017 on single poses",
    }[spec.kind]
    return f"""# {spec.name}

{kind[0].upper() + kind[1:]}; {spec.parameters:,} parameters,
{spec.macs_per_frame / 1e6:.2f} million multiply-adds a frame, {size_bytes / 1e6:.1f} MB.
In: 27 landmarks of a picture ({spec.input_skeleton}, any of them missing), normalised by `{spec.normalisation}`.
Out: 21 joints ({spec.output_skeleton}) in metres, relative to the hip, in the camera frame.

| | |
|---|---|
| sha256 | `{sha256}` |
| trained on | {spec.training_data} |
| licence | {spec.licence} |
| acknowledgement | {spec.attribution} |
| command | `{spec.command}` |
| seed | {spec.seed} |
| samples seen | {spec.samples_seen:,} (each made anew; every second one is the mirror image of the one before) |

## Accuracy

Root-relative MPJPE / PA-MPJPE in mm over 17 joints, {windows} views of each set, cameras of seed {seed}
(`benchmarks/lifter_accuracy.py`; what the simulated detector does is written in `maquette.datasets.views`). Subjects 02
and 94 and HDM05 were never trained on and nothing was chosen on them; the recipe was chosen on CMU val. "Assumed" focal
length: 1.15 times the longer side of the picture, where the true one is 0.8 to 2 times.

{chr(10).join(lines)}

## Limits

{_LIMITS.format(minutes=train_minutes)}
"""
