"""What the model file of a network of pictures says about itself: the JSON under the key ``maquette`` of its ONNX
metadata, as lifters have it, but with the facts that crops of pictures, heatmaps and depths need."""

from typing import Any, Literal

import msgspec

from maquette.errors import ModelError
from maquette.runtime.spec import METADATA_KEY, SCHEMA
from maquette.skeletons import SKELETONS

PUBLISHED_LENGTH_MM = 4296.99233013
"""Total of the 14 bones of MPII that the published evaluation of the hourglass gives every person."""
V2_LENGTH_MM = 4000.0
"""The same of the authors' later program: its 15 bones of Human3.6M, whose spine and nose lie halfway between their
neighbours, have the total of the 14 of MPII."""


class PictureSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is needed to feed a network of pictures and to read what it gives."""

    schema: int = SCHEMA
    name: str
    kind: Literal["hourglass", "deconv"]
    """Stacked hourglass, or residual network with deconvolutions."""
    skeleton: str = "mpii-16"
    """Of its joints."""
    input_size: int
    """Pixels along each side of the crops that go in."""
    output_size: int
    """Cells along each side of the heatmaps."""
    colour_order: Literal["rgb", "bgr"] = "rgb"
    """In which the network was trained to get the colours; weights are no good in the other."""
    divide_by: Literal[1, 255, 256] = 255
    """What values from 0 to 255 are divided by, first."""
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Taken away next, from the colours in their order."""
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Divided by last."""
    depth: Literal["vector", "map", "none"]
    """One depth for each joint, one for each joint and cell (to be read where the heatmap is highest), or none."""
    depth_unit: Literal["half-crop", "crop"] = "half-crop"
    """A depth of 1 is half a side of the crop, or a whole side; in its pixels, away from the camera."""
    heatmap_decode: Literal["quarter", "none", "taylor"] = "quarter"
    """How evaluations read the joint's place: the highest cell moved by a quarter towards the higher one of its
    neighbours, or as it is, as published programs do; or the top of the bell, for networks trained on bells around the
    joint itself (:mod:`maquette.detect.heatmaps`)."""
    crop_heights: float = 1.25
    """Side of the crops that it was trained on, in heights of the person, about."""
    skeleton_length_mm: float = PUBLISHED_LENGTH_MM
    """Total length of the 14 bones of MPII that the poses get which come out without a unit."""
    spine_from_neighbours: bool = False
    """The network was not trained to find the joint between pelvis and neck, or not consistently: halfway between them
    is nearer."""
    licence: str
    training_data: str
    attribution: str = ""
    command: str = ""
    seed: int = 0
    samples_seen: int = 0
    parameters: int = 0
    macs_per_picture: int = 0
    accuracy: dict[str, Any] = {}


def decode_picture_spec(text: str, source: str) -> PictureSpec:
    """The spec in ``text``, the metadata of the model file ``source``.

    Raises:
        ModelError: it is not one of a network of pictures, or one of a newer schema.
    """
    try:
        spec = msgspec.json.decode(text, type=PictureSpec)
    except msgspec.DecodeError as error:
        raise ModelError(
            f"{source}: its '{METADATA_KEY}' metadata cannot be read ({error}); export the model again"
        ) from None
    if spec.schema != SCHEMA:
        raise ModelError(
            f"{source}: has metadata of schema {spec.schema}, this version reads {SCHEMA}; update maquette"
        )
    if spec.skeleton not in SKELETONS:
        raise ModelError(f"{source}: gives the joints of '{spec.skeleton}', which this version does not know")
    if not all(spec.std):
        raise ModelError(f"{source}: has deviations of colours {spec.std}, expected none that is 0")
    if spec.input_size < 1 or spec.output_size < 1 or spec.skeleton_length_mm <= 0:
        raise ModelError(
            f"{source}: has pictures of {spec.input_size} and heatmaps of {spec.output_size} pixels and bones of "
            f"{spec.skeleton_length_mm} mm, expected more than 0"
        )
    return spec


class _Kind(msgspec.Struct):
    kind: str = ""


def is_picture_spec(text: str) -> bool:
    """Whether the metadata ``text`` are those of a network of pictures."""
    try:
        kind = msgspec.json.decode(text, type=_Kind).kind
    except msgspec.DecodeError:
        return False
    return kind in ("hourglass", "deconv")
