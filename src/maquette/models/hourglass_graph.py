"""Networks of pictures as ONNX graphs: norms folded into the convolutions before them, nothing else but layers.

============== ============================ ======================================================
tensor         shape                        what (all float32)
============== ============================ ======================================================
``pictures``   n, 3, size, size             as :meth:`maquette.runtime.picture_model.PictureModel.prepare` gives them
``heatmaps``   n, joints, size/4, size/4    of the last stack
``depth``      n, joints                    from networks with a depth branch
``depth_map``  n, joints, size/4, size/4    from networks with a map of depths
============== ============================ ======================================================
"""

from typing import TYPE_CHECKING

import msgspec
from torch import nn

from maquette.errors import ModelError
from maquette.models.deconv_pose import Bottleneck, DeconvPose, PlainBlock
from maquette.models.hourglass import HourglassDepth
from maquette.models.hourglass_layers import DepthHead, Hourglass, Residual, Stack, Stem
from maquette.models.hourglass_nodes import PictureGraph
from maquette.runtime.picture_spec import PictureSpec
from maquette.runtime.spec import METADATA_KEY

if TYPE_CHECKING:
    import onnx

PictureNetwork = HourglassDepth | DeconvPose


def picture_onnx(network: PictureNetwork, spec: PictureSpec) -> "onnx.ModelProto":
    """The checked model, in evaluation; any number of pictures goes in.

    Args:
        network: on the CPU.
        spec: what the file shall say, see :func:`maquette.models.hourglass_spec.picture_spec`.

    Raises:
        ModelError: the spec is not that of the network.
    """
    if (spec.input_size, spec.output_size) != (network.input_size, network.output_size):
        raise ModelError(
            f"a network of pictures of {network.input_size} pixels and heatmaps of {network.output_size}, but the spec "
            f"says {spec.input_size} and {spec.output_size}"
        )
    graph, joints, side = PictureGraph(), network.n_joints, network.output_size
    maps: list[str | int] = ["n", joints, side, side]
    outputs: list[tuple[str, list[str | int]]] = [("heatmaps", maps)]
    if isinstance(network, HourglassDepth):
        _add_hourglasses(graph, network)
        if network.depth is not None:
            outputs.append(("depth", ["n", joints]))
    else:
        _add_deconv_pose(graph, network)
        if "depth" in network.heads:
            outputs.append(("depth_map", maps))
    pictures: list[str | int] = ["n", 3, network.input_size, network.input_size]
    metadata = {METADATA_KEY: msgspec.json.encode(spec).decode()}
    return graph.model([("pictures", pictures)], outputs, metadata, name=f"maquette-{spec.kind}")


def _add_hourglasses(graph: PictureGraph, network: HourglassDepth) -> None:
    x = _stem(graph, network.stem)
    for i, stack in enumerate(network.stacks):
        assert isinstance(stack, Stack)
        is_last = i == network.n_stack - 1
        x = _stack(graph, stack, x, f"stacks.{i}", "heatmaps" if is_last else f"stacks.{i}.heatmap")
    if network.depth is not None:
        _depth(graph, network.depth, x)


def _stem(graph: PictureGraph, stem: Stem) -> str:
    x = graph.convolution("pictures", stem.conv, "stem.conv", norm=stem.norm, relu=True)
    x = graph.halved(_residual(graph, stem.residual1, x, "stem.residual1"), "stem.half")
    x = _residual(graph, stem.residual2, x, "stem.residual2")
    return _residual(graph, stem.residual3, x, "stem.residual3")


def _residual(graph: PictureGraph, residual: nn.Module, x: str, name: str) -> str:
    assert isinstance(residual, Residual)
    y = graph.norm(x, residual.norm1, f"{name}.norm1")
    y = graph.convolution(y, residual.conv1, f"{name}.conv1", norm=residual.norm2, relu=True)
    y = graph.convolution(y, residual.conv2, f"{name}.conv2", norm=residual.norm3, relu=True)
    y = graph.convolution(y, residual.conv3, f"{name}.conv3")
    if residual.shortcut is not None:
        x = graph.convolution(x, residual.shortcut, f"{name}.shortcut")
    return graph.added(y, x, name)


def _residuals(graph: PictureGraph, residuals: nn.Module, x: str, name: str) -> str:
    for i, residual in enumerate(residuals.children()):
        x = _residual(graph, residual, x, f"{name}.{i}")
    return x


def _hourglass(graph: PictureGraph, hourglass: Hourglass, x: str, name: str) -> str:
    beside = _residuals(graph, hourglass.beside, x, f"{name}.beside")
    low = _residuals(graph, hourglass.down, graph.halved(x, f"{name}.half"), f"{name}.down")
    inner = hourglass.inner
    add = _hourglass if isinstance(inner, Hourglass) else _residuals
    low = add(graph, inner, low, f"{name}.inner")  # pyright: ignore[reportArgumentType]
    low = _residuals(graph, hourglass.up, low, f"{name}.up")
    return graph.added(beside, graph.doubled(low, f"{name}.double"), name)


def _stack(graph: PictureGraph, stack: Stack, x: str, name: str, heatmap: str) -> str:
    """Features with what the stack adds; its heatmaps are the tensor ``heatmap``."""
    y = _residuals(graph, stack.after, _hourglass(graph, stack.hourglass, x, f"{name}.hourglass"), f"{name}.after")
    y = graph.convolution(y, stack.conv, f"{name}.conv", norm=stack.norm, relu=True)
    graph.convolution(y, stack.heatmap, heatmap)
    if stack.from_features is None or stack.from_heatmap is None:
        return x
    from_features = graph.convolution(y, stack.from_features, f"{name}.from_features")
    from_heatmap = graph.convolution(heatmap, stack.from_heatmap, f"{name}.from_heatmap")
    return graph.added(graph.added(x, from_features, f"{name}.features"), from_heatmap, name)


def _depth(graph: PictureGraph, head: DepthHead, x: str) -> None:
    for i, level in enumerate(head.levels):
        x = graph.halved(_residuals(graph, level, x, f"depth.levels.{i}"), f"depth.half.{i}")
    graph.linear(graph.node("Flatten", [x], "depth.flat", axis=1), head.linear, None, "depth", relu=False)


def _add_deconv_pose(graph: PictureGraph, network: DeconvPose) -> None:
    x = graph.convolution("pictures", network.conv1, "conv1", norm=network.bn1, relu=True)
    x = graph.halved(x, "half", kernel=3, padding=1)
    for i, part in enumerate(network.trunk_parts()):
        for j, block in enumerate(part):
            x = _block(graph, block, x, f"layer{i + 1}.{j}")
    layers = list(network.deconv_layers)
    for i in range(0, len(layers), 3):
        x = graph.convolution(x, layers[i], f"deconv_layers.{i}", norm=layers[i + 1], relu=True)
    for head in network.heads:
        graph.convolution(x, network.get_submodule(head), {"hm": "heatmaps", "depth": "depth_map"}[head])


def _block(graph: PictureGraph, block: nn.Module, x: str, name: str) -> str:
    assert isinstance(block, PlainBlock | Bottleneck)
    y = graph.convolution(x, block.conv1, f"{name}.conv1", norm=block.bn1, relu=True)
    is_plain = isinstance(block, PlainBlock)
    y = graph.convolution(y, block.conv2, f"{name}.conv2", norm=block.bn2, relu=not is_plain)
    if not is_plain:
        y = graph.convolution(y, block.conv3, f"{name}.conv3", norm=block.bn3)
    if block.downsample is not None:
        x = graph.convolution(x, block.downsample[0], f"{name}.downsample", norm=block.downsample[1])
    return graph.relu(graph.added(y, x, f"{name}.sum"), name)
