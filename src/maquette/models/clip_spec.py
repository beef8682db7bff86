"""What the model file of a network of whole clips says about itself, and whether that is true of the network."""

from typing import Any, Literal

from torch import nn

from maquette.errors import ModelError
from maquette.runtime.spec import SCHEMA, ModelSpec
from maquette.skeleton import Skeleton


def describe_clip(
    network: nn.Module,
    *,
    kind: Literal["temporal", "relative"],
    receptive_field: int,
    causal: bool,
    macs_per_frame: int,
    name: str,
    input_skeleton: Skeleton,
    output_skeleton: Skeleton,
    window_step_s: float,
    licence: str,
    training_data: str,
    **more: Any,
) -> ModelSpec:
    """The spec of a network that reads ``screen/v1`` and gives metres.

    Args:
        receptive_field: frames that the network sees.
        causal: whether it gives the pose of the last one of them.
        window_step_s: time between the frames that it was trained on: 0.02 for Human3.6M, 1/60 for HumanEva.
        more: other fields of the spec.
    """
    return ModelSpec(
        schema=SCHEMA,
        name=name,
        kind=kind,
        form="clip",
        input_skeleton=input_skeleton.name,
        output_skeleton=output_skeleton.name,
        mapping=f"{input_skeleton.name}/v1",
        normalisation="screen/v1",
        causal=causal,
        window_frames=receptive_field,
        window_step_s=window_step_s,
        unit="m",
        licence=licence,
        training_data=training_data,
        parameters=sum(p.numel() for p in network.parameters()),
        macs_per_frame=macs_per_frame,
        **more,
    )


def check_clip_spec(spec: ModelSpec, *, receptive_field: int, causal: bool) -> None:
    """Refuse a spec of another network.

    Args:
        receptive_field: frames that the network sees.
        causal: whether it gives the pose of the last one of them.

    Raises:
        ModelError: the spec describes another form or window; the text says all that differs.
    """
    problems = []
    if spec.form != "clip":
        problems.append(f"form '{spec.form}', expected 'clip'")
    if spec.window_frames != receptive_field:
        problems.append(f"a window of {spec.window_frames} frames, the network sees {receptive_field}")
    if spec.causal != causal:
        problems.append(f"causal is {spec.causal}, of the network it is {causal}")
    if problems:
        raise ModelError("the spec does not fit the network: " + "; ".join(problems))
