"""From a training's checkpoint to the model file that ``maquette lift`` runs."""

import json
import logging
import os
from pathlib import Path
from typing import Any

from maquette.atomic import atomic_path
from maquette.errors import missing_extra
from maquette.lifting.normalize import CHANNELS
from maquette.lifting.normalize import NAME as NORMALISATION
from maquette.runtime.spec import METADATA_KEY
from maquette.skeletons import LANDMARKS_27, LIFTED_21
from maquette.training.plans import (
    CorrectionPreset,
    HourglassPreset,
    MocapPreset,
    PoseMachinePreset,
    Preset,
    RelativeMocapPreset,
    StorePreset,
)
from maquette.training.presets import flat_fields, get_preset
from maquette.training.run import plan_from_settings

_log = logging.getLogger(__name__)
TRAINING_DATA = "CMU Graphics Lab Motion Capture Database (mocap.cs.cmu.edu), train split by subject, virtual cameras"
LICENCE = "MIT (weights); the CMU data may be used freely, also in products, and may not be resold, even converted"
ATTRIBUTION = (
    "The data used in this project was obtained from mocap.cs.cmu.edu. "
    "The database was created with funding from NSF EIA-0196217."
)


def is_first_process() -> bool:
    """Whether this process writes files (of several that train together, one does)."""
    return os.environ.get("RANK", "0") == "0"


def export_run(out_dir: str | Path, *, accuracy: dict[str, Any] | None = None, path: str | Path | None = None) -> Path:
    """Write the weights of the run in ``out_dir`` as ONNX with its spec; the path is returned. Of a pose machine whose
    correction has been trained, that is written beside it (``...-correction.npz``).

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
    from maquette.training.checkpoint import BEST, CHECKPOINT, read_checkpoint

    out_dir = Path(out_dir)
    state = read_checkpoint(out_dir / CHECKPOINT)
    preset = plan_from_settings(state["settings"])
    if preset.export_weights == "best" and (out_dir / BEST).is_file():
        state = read_checkpoint(out_dir / BEST)
    target = Path(path) if path is not None else out_dir / model_file(preset)
    if isinstance(preset, CorrectionPreset):
        _export_pair(preset, state, target, accuracy or {})
        return target
    with torch.random.fork_rng():
        model = _model(preset, state, accuracy or {})
    with atomic_path(target) as temporary:
        temporary.write_bytes(model.SerializeToString())
    if isinstance(preset, PoseMachinePreset):
        _export_correction(preset, state, target, accuracy or {})
    _log.info("wrote %s: %d steps", target, state["step"])
    return target


def model_file(preset: Preset) -> str:
    """What the model of a preset is called."""
    return preset.model_name + (".npz" if isinstance(preset, CorrectionPreset) else ".onnx")


def _export_pair(preset: CorrectionPreset, state: dict[str, Any], target: Path, accuracy: dict[str, Any]) -> None:
    """Correction and projection, in half precision, which loses nothing that can be measured."""
    import torch

    from maquette.refine.correction_view import VIEW
    from maquette.refine.correction_weights import CorrectionSpec, CorrectionWeights, save_correction
    from maquette.training.checkpoint import load_weights
    from maquette.training.correction_network import CorrectionPair

    with torch.random.fork_rng():
        network = CorrectionPair(preset.width)
    load_weights(network, state)
    spec = CorrectionSpec(
        name=preset.model_name,
        view=VIEW,
        n_steps=preset.online_steps,
        learning_rate=preset.online_rate,
        good_fit=preset.good_fit,
        licence=LICENCE,
        training_data=TRAINING_DATA,
        attribution=ATTRIBUTION,
        command=training_command(preset, state["step"], state["total_steps"], data="shared/data/cmu"),
        seed=preset.seed,
        samples_seen=state["step"] * preset.batch_size,
        accuracy=accuracy,
    )
    save_correction(CorrectionWeights.from_arrays(network.published_arrays(), spec), target, half=True)
    _log.info("wrote %s: %d steps", target, state["step"])


def _model(preset: Preset, state: dict[str, Any], accuracy: dict[str, Any]) -> Any:
    """The ``onnx.ModelProto`` of a checkpoint."""
    from maquette.training.checkpoint import load_weights

    if isinstance(preset, MocapPreset):
        from maquette.training.networks import build_network
        from maquette.training.onnx_graph import build_onnx

        network = build_network(preset, state["stage"])
        load_weights(network, state)
        steps = state["step"]
        if isinstance(preset, RelativeMocapPreset):
            steps += sum(preset.stage_steps[: state["stage"] - 1])
        spec = spec_of(preset, network.eval(), steps=steps, accuracy=accuracy)
        return build_onnx(network, {METADATA_KEY: json.dumps(spec)})
    command = training_command(preset, state["step"], state["total_steps"], data="STORE")
    if isinstance(preset, PoseMachinePreset):
        from maquette.training.pose_machine_export import machine_file

        return machine_file(preset, state, command, accuracy)
    if isinstance(preset, HourglassPreset):
        from maquette.training.hourglass_export import picture_file

        command = training_command(preset, state["step"], state["total_steps"], data="PICTURES")
        return picture_file(preset, state, command, accuracy)
    if not isinstance(preset, StorePreset):
        raise TypeError(f"{type(preset).__name__} has no export")
    from maquette.training.store_models import store_model

    return store_model(preset, state, command, accuracy)


def _export_correction(
    preset: PoseMachinePreset, state: dict[str, Any], target: Path, accuracy: dict[str, Any]
) -> None:
    from maquette.refine.correction_weights import save_correction
    from maquette.training.pose_machine_export import FIRST_CORRECTION_STAGE, correction_file

    if state["stage"] < FIRST_CORRECTION_STAGE:
        return
    command = training_command(preset, state["step"], state["total_steps"], data="STORE")
    path = target.with_name(f"{target.stem}-correction.npz")
    save_correction(correction_file(preset, state, command, accuracy), path)
    _log.info("wrote %s", path)


def spec_of(preset: MocapPreset, network: Any, *, steps: int, accuracy: dict[str, Any]) -> dict[str, Any]:
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
        "command": training_command(preset, steps, _all_steps(preset), data="shared/data/cmu"),
        "seed": preset.seed,
        "samples_seen": steps * preset.batch_size,
        "parameters": sum(p.numel() for p in network.parameters()),
        "macs_per_frame": macs_per_window(network, frames, CHANNELS),
        "accuracy": accuracy,
    }


def _all_steps(preset: MocapPreset) -> int:
    return sum(preset.stage_steps) if isinstance(preset, RelativeMocapPreset) else preset.total_steps


def training_command(preset: Preset, steps: int, total_steps: int, *, data: str) -> str:
    """The command that makes these weights: the preset and every field that differs from it.

    Of a run that was stopped before its end (no cool-down yet), the command with the steps done so far is a different
    training; it is named as what it is.
    """
    parts = [f"maquette train {preset.name} --data {data} --out runs/{preset.name}"]
    standard = flat_fields(get_preset(preset.name))
    for name, value in flat_fields(preset).items():
        if value != standard[name] and name not in _NOT_IN_COMMAND:
            parts.append(_flag(name, _PLACES.get(name, value)))
    stopped = "" if steps >= total_steps else f"  (stopped after {steps} of {total_steps} steps)"
    return " ".join(parts) + stopped


_NOT_IN_COMMAND = {
    *("threads", "workers", "keep_poses", "accelerator", "checkpoint_minutes", "log_steps"),
    *("pictures", "pictures_prefix", "picture_names", "mpii_pictures", "pictures_2d"),
}
"""They do not change the weights."""
_PLACES = {"mpii": "MPII", "data_2d": "PICTURES_2D", "trunk": "TRUNK"}
"""Folders, in the words of the guides: those of this machine are nobody else's."""


def _flag(name: str, value: Any) -> str:
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return f"--{flag}" if value else f"--no-{flag}"
    return f"--{flag} {' '.join(map(str, value if isinstance(value, tuple) else (value,)))}"
