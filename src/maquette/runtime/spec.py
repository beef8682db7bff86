"""What a model file says about itself: the JSON under the key ``maquette`` of its ONNX metadata."""

from typing import Any, Literal

import msgspec

from maquette.errors import ModelError

METADATA_KEY = "maquette"
SCHEMA = 1


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """Means and standard deviations of every input and output value, for ``standard-scores/v1``."""

    source: str
    """Where they come from, in words: computed from which data, a file, or a published table."""
    input_mean: list[float]
    """Pixels: x, y of each input joint."""
    input_std: list[float]
    output_mean: list[float]
    """Values in the unit of the model: x, y, z of each output joint."""
    output_std: list[float]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Largest and smallest value of x, y, z of every output joint, for ``square-crop/v1``; millimetres."""

    source: str
    """Where they come from, in words."""
    max_mm: list[list[float]]
    min_mm: list[list[float]]


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is needed to feed a lifter and to read its output."""

    schema: int
    name: str
    kind: Literal["residual", "temporal", "relative", "pose-machine"]
    form: Literal["window", "clip", "images", "keypoints"] = "window"
    """What one call takes. ``window``: a batch of windows, giving the pose of one frame of each; ``clip``: frames in a
    row, giving the pose of every frame that has a whole window. Pose machines take frames of any number of sequences
    and marks of where these go on (:class:`maquette.runtime.pose_machine.PoseMachineModel`): ``images`` square
    pictures, ``keypoints`` 2D joints."""
    input_skeleton: str
    """Of 2D joints that go in, or that are predicted from pictures."""
    output_skeleton: str
    mapping: str
    """Family of joint maps that it was trained with, for example ``landmarks-27/v1``."""
    normalisation: str
    """``root-ray/v1`` (our own: rays around the person), ``screen/v1`` (Pavllo et al.: both coordinates by the width
    of the picture), ``standard-scores/v1`` (Martinez et al.: pixels by mean and deviation) or ``square-crop/v1`` (Wang
    et al.: 2D as shares of a square crop around the person, 3D between its limits)."""
    input_joints: list[str] | None = None
    """Joints of ``input_skeleton`` that go in, in this order; None: all."""
    output_joints: list[str] | None = None
    """Joints of ``output_skeleton`` that come out, in this order; None: all. One that is missing is the root."""
    statistics: Statistics | None = None
    """Of ``standard-scores/v1``."""
    limits: Limits | None = None
    """Of ``square-crop/v1``."""
    image_size: int = 0
    """Pixels along each side of the pictures that go in; 0 where none do."""
    corrects: bool = True
    """Of a pose machine: its correction is trained, too. Before, its corrected poses mean nothing."""
    causal: bool = False
    """The pose is that of the last frame of the window, not of the middle one."""
    window_frames: int
    """Frames that it sees at once; 1 for a network of single poses. For a pose machine, which takes any number, those
    of the sequences that it was trained on."""
    window_step_s: float
    """Time between the frames of a window, in seconds, whatever the frame rate of the video."""
    unit: Literal["m", "mm"]
    frame: Literal["camera", "world"] = "camera"
    """Directions of what comes out: the camera's, or those of the world of its training data (an ablation of Martinez
    et al.), which a picture does not show."""
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
        return 0.0 if self.causal else (self.window_frames // 2) * self.window_step_s


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
    # A pose machine's sequences have no middle frame that its poses would be of.
    is_even = spec.window_frames % 2 == 0 and spec.kind != "pose-machine"
    if spec.window_frames < 1 or is_even or spec.window_step_s < 0:
        raise ModelError(f"{source}: a window of {spec.window_frames} frames is not usable, expected an odd number")
    return spec
