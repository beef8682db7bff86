"""Model files of the 3D pose machine: what they say about themselves, and the file."""

import copy
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from maquette.lifting.min_max import MinMax
from maquette.models.pose_machine import PoseMachine
from maquette.models.pose_machine_fronts import ImageFront
from maquette.models.pose_machine_graph import build_onnx
from maquette.models.pose_machine_lstm import ResettableLstm
from maquette.runtime.spec import METADATA_KEY, SCHEMA, Limits, ModelSpec
from maquette.skeletons import H36M_16

SEQUENCE_FRAMES = 5
"""Frames of the sequences that the published steps train on."""
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
        facts: other fields of the spec: attribution, command, seed, samples_seen, accuracy.
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
    front, total = copy.deepcopy(machine.front).to("meta"), 0

    def count(layer: nn.Conv2d, _: Any, y: Tensor) -> None:
        nonlocal total
        total += layer.weight.numel() * y.shape[-2] * y.shape[-1]

    convolutions = [layer for layer in front.modules() if isinstance(layer, nn.Conv2d)]
    if convolutions:
        for layer in convolutions:
            layer.register_forward_hook(count)
        front(torch.zeros(1, 3, machine.image_size, machine.image_size, device="meta"))
    others = [layer for layer in machine.modules() if isinstance(layer, nn.Linear | ResettableLstm)]
    return total + sum(p.numel() for layer in others for n, p in layer.named_parameters() if n.startswith("weight"))
