"""From a checkpoint of the pose machine to its files: the machine as ONNX, and the correction by itself."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from maquette.lifting.min_max import PUBLISHED_16, MinMax
from maquette.models.pose_machine import PoseMachine
from maquette.models.pose_machine_spec import PUBLISHED_LIMITS, machine_model, machine_spec
from maquette.refine.correction_weights import CorrectionSpec, CorrectionWeights
from maquette.training.checkpoint import load_weights
from maquette.training.plans import PoseMachinePreset
from maquette.training.pose_machine import build_network
from maquette.training.stages import stages_of
from maquette.training.store_models import LICENCE

FIRST_CORRECTION_STAGE = 3
"""Before it the correction is as it was drawn."""


def machine_file(preset: PoseMachinePreset, state: Mapping[str, Any], command: str, accuracy: dict[str, Any]) -> Any:
    """The ``onnx.ModelProto`` of a checkpoint of stages 2 to 5."""
    facts = state["facts"]
    spec = machine_spec(
        _network(preset, state),
        _limits(facts),
        name=preset.model_name,
        limits_source=PUBLISHED_LIMITS if _is_published(_limits(facts)) else f"those of the lists in {facts['data']}",
        corrects=state["stage"] >= FIRST_CORRECTION_STAGE,
        sequence_frames=preset.sequence_frames,
        step_s=facts["window_step_s"],
        **_about(preset, state, command, accuracy),
    )
    return machine_model(_network(preset, state), spec)


def correction_file(
    preset: PoseMachinePreset, state: Mapping[str, Any], command: str, accuracy: dict[str, Any]
) -> CorrectionWeights:
    """The correction of a checkpoint of stages 3 to 5, for the published refinement."""
    limits = _limits(state["facts"])
    spec = CorrectionSpec(
        name=f"{preset.model_name}-correction",
        view="square-crop/v1",
        max_mm=limits.max_mm.tolist(),
        min_mm=limits.min_mm.tolist(),
        **_about(preset, state, command, accuracy),
    )
    return CorrectionWeights.from_arrays(_network(preset, state).correction.published_arrays(), spec)


def _network(preset: PoseMachinePreset, state: Mapping[str, Any]) -> PoseMachine:
    network = build_network(preset, state["stage"])
    load_weights(network, dict(state))
    return network.float().eval()


def _limits(facts: Mapping[str, Any]) -> MinMax:
    return MinMax(facts["limits"]["max_mm"].numpy(), facts["limits"]["min_mm"].numpy())


def _is_published(limits: MinMax) -> bool:
    return np.array_equal(limits.max_mm, PUBLISHED_16.max_mm) and np.array_equal(limits.min_mm, PUBLISHED_16.min_mm)


def _about(
    preset: PoseMachinePreset, state: Mapping[str, Any], command: str, accuracy: dict[str, Any]
) -> dict[str, Any]:
    facts, stage = state["facts"], state["stage"]
    data = [facts["data"]]
    if preset.mean_limb_scaled:
        data.append("every body at mean limb lengths")
    if facts["stills"]:
        data.append(f"{facts['stills']} still pictures")
    steps = state["step"] + sum(preset.stage_steps[i - 1] for i in stages_of(preset) if 1 < i < stage)
    return {
        "licence": LICENCE,
        "training_data": f"{'; '.join(data)}; stages {stages_of(preset)[0]} to {stage}",
        "command": command,
        "seed": preset.seed,
        "samples_seen": steps * preset.batch_size,
        "accuracy": accuracy,
    }
