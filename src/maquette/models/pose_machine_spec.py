"""Model files of the 3D pose machine: what they say about themselves, and the file."""

from typing import Any

import msgspec
from torch import nn

from maquette.lifting.min_max import MinMax
from maquette.models.pose_machine import PoseMachine
from maquette.models.pose_machine_fronts import ADAPTION_LAYERS, TRUNK_GROUPS, ImageFront
from maquette.models.pose_machine_graph import build_onnx
from maquette.models.pose_machine_lstm import ResettableLstm
from maquette.runtime.spec import METADATA_KEY, SCHEMA, Limits, ModelSpec
from maquette.skeletons import H36M_16

SEQUENCE_FRAMES = 5
"""Frames of the sequences that the published steps train on."""
PUBLISHED_LIMITS = "the published program: 16 joints of Human3.6M at mean limb lengths"
FRAME_S = 0.1
"""Ten frames a second: every fifth of Human3.6M."""


def machine_spec(
    machine: PoseMachine,
    limits: MinMax,
    *,
    name: str,
    limits_source: str,
    licence: str,
    training_data: str,
    sequence_frames: int = SEQUENCE_FRAMES,
    step_s: float = FRAME_S,
    **facts: Any,
) -> ModelSpec:
    """The spec of a machine.

    Args:
        limits: of the 3D values that it was trained on.
        limits_source: where they come from, in words.
        sequence_frames: length of the sequences that it was trained on.
        step_s: seconds between their frames.
        facts: other fields of the spec: corrects, attribution, command, seed, samples_seen, accuracy.
    """
    images = isinstance(machine.front, ImageFront)
    return ModelSpec(
        schema=SCHEMA,
        name=name,
        kind="pose-machine",
        form="images" if images else "keypoints",
        input_skeleton=H36M_16.name,
        output_skeleton=H36M_16.name,
        mapping=f"{H36M_16.name}/v1",
        normalisation="square-crop/v1",
        limits=Limits(source=limits_source, max_mm=limits.max_mm.tolist(), min_mm=limits.min_mm.tolist()),
        image_size=machine.image_size if images else 0,
        window_frames=sequence_frames,
        window_step_s=step_s,
        unit="mm",
        licence=licence,
        training_data=training_data,
        parameters=sum(p.numel() for p in machine.parameters()),
        macs_per_frame=macs_per_frame(machine),
        **facts,
    )


def machine_model(machine: PoseMachine, spec: ModelSpec) -> Any:
    """The ``onnx.ModelProto``, which :class:`maquette.runtime.pose_machine.PoseMachineModel` runs."""
    return build_onnx(machine, {METADATA_KEY: msgspec.json.encode(spec).decode()}, streaming=True)


def macs_per_frame(machine: PoseMachine) -> int:
    """Multiply-adds of one frame: every weight once, those of convolutions at every place."""
    total = 0
    if isinstance(machine.front, ImageFront):
        side, trunk, adaption = machine.image_size, machine.front.trunk, machine.front.adaption
        for i, group in enumerate(TRUNK_GROUPS):
            side = side // 2 if i else side
            total += sum(_weights(trunk, name) * side**2 for name, _ in group)
        for name, kernel, stride in ADAPTION_LAYERS:
            side = (side + 2 - kernel) // stride + 1
            total += _weights(adaption, name) * side**2
    others = [layer for layer in machine.modules() if isinstance(layer, nn.Linear | ResettableLstm)]
    return total + sum(p.numel() for layer in others for n, p in layer.named_parameters() if n.startswith("weight"))


def _weights(part: nn.Module, name: str) -> int:
    return part.get_submodule(name).get_parameter("weight").numel()
