"""From a checkpoint of a network of pictures to its model file."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from maquette.models.hourglass_graph import picture_onnx
from maquette.models.hourglass_spec import picture_spec
from maquette.runtime.picture_spec import PUBLISHED_LENGTH_MM
from maquette.training.checkpoint import load_weights
from maquette.training.hourglass_recipe import build_network, load_before
from maquette.training.plans import HourglassPreset

LICENCE = "that of the data it was trained on"


def picture_file(preset: HourglassPreset, state: Mapping[str, Any], command: str, accuracy: dict[str, Any]) -> Any:
    """The ``onnx.ModelProto`` of a checkpoint; without depths where nothing has trained them."""
    network = build_network(preset)
    load_weights(network, dict(state))
    if preset.freezes_depth:
        whole, network = network, build_network(replace(preset, depth=False))
        load_before(network, whole.state_dict(), preset.name)
    facts, samples = state["facts"], preset.samples
    counts = f"{facts['samples_3d']} people with 3D, {facts['samples_2d']} with 2D alone"
    spec = picture_spec(
        network.float().eval(),
        name=preset.model_name,
        licence=LICENCE,
        training_data=f"{facts['data']} ({counts}); stage {preset.stage}",
        command=command,
        seed=preset.seed,
        samples_seen=state["step"] * preset.batch_size,
        accuracy=accuracy,
        colour_order=samples.colour_order,
        divide_by=samples.divide_by,
        mean=samples.mean,
        std=samples.std,
        depth_unit="crop" if samples.depth_unit == "crop" else "half-crop",
        heatmap_decode=preset.decode,
        skeleton_length_mm=facts["length_mm"] or PUBLISHED_LENGTH_MM,
        spine_from_neighbours=samples.thorax != "shoulders",
    )
    return picture_onnx(network, spec)
