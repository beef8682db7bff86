"""From a training's checkpoint to the model file that ``maquette lift`` runs."""

import json
import logging
from pathlib import Path
from typing import Any

from maquette.atomic import atomic_path
from maquette.errors import missing_extra
from maquette.lifting.normalize import CHANNELS
from maquette.lifting.normalize import NAME as NORMALISATION
from maquette.skeletons import LANDMARKS_27, LIFTED_21
from maquette.training.presets import Preset, get_preset

_log = logging.getLogger(__name__)
METADATA_KEY = "maquette"
TRAINING_DATA = "CMU Graphics Lab Motion Capture Database (mocap.cs.cmu.edu), train split by subject, virtual cameras"
LICENCE = "MIT (weights); the CMU data may be used freely, also in products, and may not be resold, even converted"
ATTRIBUTION = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. "
    "The database was created with funding from NSF EIA-0196217."
)


def export_run(out_dir: str | Path, *, accuracy: dict[str, Any] | None = None, path: str | Path | None = None) -> Path:
    """Write the averaged weights of the run in ``out_dir`` as ONNX with its spec; the path is returned.

    Args:
        accuracy: numbers on named test sets, for the spec.
        path: where to; ``<out_dir>/<model name>.onnx`` when None.

    Raises:
        MissingExtraError: torch or onnx is not installed.
        InputError: there is no checkpoint.
        OutputError: the file cannot be written.
    """
    try:
        import onnx  # noqa: F401 - asked for here, so that a long training does not end without it
        import torch
    except ImportError as error:
        raise missing_extra("train", error.name or "onnx") from None
    from maquette.training.checkpoint import CHECKPOINT, read_checkpoint
    from maquette.training.networks import build_network
    from maquette.training.onnx_graph import build_onnx
    from maquette.training.run import resumed_preset

    out_dir = Path(out_dir)
    state = read_checkpoint(out_dir / CHECKPOINT)
    preset = resumed_preset(state["settings"], state["settings"]["name"], {}, step=state["step"])
    with torch.random.fork_rng():
        network = build_network(preset)
    network.load_state_dict(state["mean"], strict=False)
    network.eval()
    spec = spec_of(preset, network, steps=state["step"], accuracy=accuracy or {})
    model = build_onnx(network, {METADATA_KEY: json.dumps(spec)})
    target = Path(path) if path is not None else out_dir / f"{preset.model_name}.onnx"
    with atomic_path(target) as temporary:
        temporary.write_bytes(model.SerializeToString())
    _log.info("wrote %s: %d parameters, %d steps", target, spec["parameters"], state["step"])
    return target


def spec_of(preset: Preset, network: Any, *, steps: int, accuracy: dict[str, Any]) -> dict[str, Any]:
    """What the model file says about itself (:class:`maquette.runtime.spec.ModelSpec`)."""
    from maquette.models.temporal import macs_per_window

    frames = network.window_frames
    return {
        "schema": 1,
        "name": preset.model_name,
        "kind": preset.kind,
        "input_skeleton": LANDMARKS_27.name,
        "output_skeleton": LIFTED_21.name,
        "mapping": "landmarks-27/v1",
        "normalisation": NORMALISATION,
        "window_frames": frames,
        "window_step_s": preset.samples.step_s,
        "unit": "m",
        "licence": LICENCE,
        "training_data": TRAINING_DATA,
        "attribution": ATTRIBUTION,
        "command": training_command(preset, steps),
        "seed": preset.seed,
        "samples_seen": steps * preset.batch_size,
        "parameters": sum(p.numel() for p in network.parameters()),
        "macs_per_frame": macs_per_window(network, frames, CHANNELS),
        "accuracy": accuracy,
    }


def training_command(preset: Preset, steps: int) -> str:
    """The command that makes these weights: the preset and every field that differs from it.

    Of a run that was stopped before its end (no cool-down yet), the command with the steps done so far is a different
    training; it is named as what it is.
    """
    import dataclasses

    standard = get_preset(preset.name)
    parts = [f"maquette train {preset.name} --data shared/data/cmu --out runs/{preset.name}"]
    for owner, default in ((preset, standard), (preset.samples, standard.samples)):
        for field in dataclasses.fields(owner):
            value = getattr(owner, field.name)
            if field.name != "samples" and value != getattr(default, field.name):
                parts.append(f"--{field.name.replace('_', '-')} {value}")
    stopped = "" if steps >= preset.total_steps else f"  (stopped after {steps} of {preset.total_steps} steps)"
    return " ".join(parts) + stopped
