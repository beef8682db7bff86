"""Model files of the trainings on stores: network, weights and a spec that says how to feed them."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from maquette.datasets.pose_statistics import PoseStatistics
from maquette.models import martinez_graph, rie_graph, videopose_graph
from maquette.skeletons import get_skeleton
from maquette.training import poses, relative, temporal
from maquette.training.checkpoint import load_weights
from maquette.training.plans import PosePreset, RelativePreset, StorePreset, TemporalPreset
from maquette.training.semi import of_pose

LICENCE = (
    "as the recordings allow: Human3.6M and HumanEva are for academic research only, and so are weights made from them"
)


def store_model(preset: StorePreset, state: Mapping[str, Any], command: str, accuracy: dict[str, Any]) -> Any:
    """The ``onnx.ModelProto`` of a checkpoint of a training on a store.

    Args:
        state: the checkpoint.
        command: that made it, for the spec.
    """
    facts = state["facts"]
    about = {
        "name": preset.model_name,
        "licence": LICENCE,
        "training_data": training_data(preset, facts),
        "command": command,
        "seed": preset.seed,
        "samples_seen": _steps(preset, state) * preset.batch_size,
        "accuracy": accuracy,
    }
    if isinstance(preset, PosePreset):
        network = poses.build_network(preset)
        _load(network, state)
        vectors = {k: v if k == "source" else v.numpy() for k, v in facts["statistics"].items()}
        statistics = PoseStatistics(**vectors)
        about["camera_frame"] = preset.camera_frame
        spec = martinez_graph.model_spec(network, statistics, points=get_skeleton(facts["input_skeleton"]), **about)
        return martinez_graph.build_onnx(network, spec)
    seen, body = get_skeleton(facts["input_skeleton"]), get_skeleton(facts["output_skeleton"])
    about |= {"input_skeleton": seen, "output_skeleton": body, "window_step_s": facts["window_step_s"]}
    if isinstance(preset, TemporalPreset):
        network = temporal.build_network(preset, facts, strided=False)
        _load(network, of_pose(state) if preset.subjects_unlabeled else state)
        return videopose_graph.build_onnx(network, videopose_graph.clip_spec(network, **about))
    if isinstance(preset, RelativePreset):
        network = relative.build_network(preset, facts, state["stage"])
        _load(network, state)
        return rie_graph.build_onnx(network, rie_graph.clip_spec(network, **about))
    raise TypeError(f"{type(preset).__name__} is no training on a store")


def _steps(preset: StorePreset, state: Mapping[str, Any]) -> int:
    """Of this stage and of those before it."""
    if not isinstance(preset, RelativePreset):
        return state["step"]
    before = preset.epochs[: state["stage"] - 1]
    return state["step"] + sum(before) * state["total_steps"] // preset.epochs[state["stage"] - 1]


def _load(network: nn.Module, state: Mapping[str, Any]) -> None:
    load_weights(network, dict(state))
    network.float().eval()


def training_data(preset: StorePreset, facts: Mapping[str, Any]) -> str:
    """Whose recordings, and which 2D."""
    actions = f"; actions {', '.join(preset.actions)}" if preset.actions else ""
    return f"{facts['data']}: subjects {', '.join(preset.subjects_train)}; 2D source {preset.source}{actions}"
