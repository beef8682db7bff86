"""What a model file says about itself: the JSON under the key ``maquette`` of its ONNX metadata."""

from typing import Any, Literal

import msgspec

from maquette.errors import ModelError

METADATA_KEY = "maquette"
SCHEMA = 1


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is needed to feed a lifter and to read its output."""

    schema: int
    name: str
    kind: Literal["residual", "temporal"]
    input_skeleton: str
    output_skeleton: str
    mapping: str
    """Family of joint maps that it was trained with, for example ``landmarks-27/v1``."""
    normalisation: str
    """Name of the normalisation, for example ``root-ray/v1``."""
    window_frames: int
    """Frames that it sees at once; 1 for a network of single poses."""
    window_step_s: float
    """Time between the frames of a window, in seconds, whatever the frame rate of the video."""
    unit: Literal["m"]
    licence: str
    training_data: str
    attribution: str = ""
    command: str = ""
    seed: int = 0
    samples_seen: int = 0
    parameters: int = 0
    macs_per_frame: int = 0
    accuracy: dict[str, Any] = {}

    @property
    def look_ahead_s(self) -> float:
        """How far into the future the network looks, in seconds: its latency in a stream."""
        return (self.window_frames // 2) * self.window_step_s


def decode_spec(text: str, source: str) -> ModelSpec:
    """The spec in ``text``, the metadata of the model file ``source``.

    Raises:
        ModelError: it is not a spec, or one of a newer schema.
    """
    try:
        spec = msgspec.json.decode(text, type=ModelSpec)
    except msgspec.DecodeError as error:
        raise ModelError(
            f"{source}: its '{METADATA_KEY}' metadata cannot be read ({error}); export the model again"
        ) from None
    if spec.schema != SCHEMA:
        raise ModelError(
            f"{source}: has metadata of schema {spec.schema}, this version reads {SCHEMA}; update maquette"
        )
    if spec.window_frames < 1 or spec.window_frames % 2 == 0 or spec.window_step_s < 0:
        raise ModelError(f"{source}: a window of {spec.window_frames} frames is not usable, expected an odd number")
    return spec
