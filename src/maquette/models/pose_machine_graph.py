"""The 3D pose machine as an ONNX graph: frames of any number of sequences in, poses of all of them out.

The LSTM of ONNX knows no flags, so that each LSTM is a ``Scan`` over the frames with its cell written out; the second
one scans backward. What does not depend on the frame before is one matrix product for all frames.
"""

from typing import Any

import numpy as np
from torch import Tensor, nn

from maquette.errors import ModelError
from maquette.models.graph import Graph
from maquette.models.pose_machine import PoseMachine
from maquette.models.pose_machine_correction import Correction
from maquette.models.pose_machine_fronts import ADAPTION_LAYERS, TRUNK_GROUPS, ImageFront, KeypointFront
from maquette.models.pose_machine_lstm import LstmStack, ResettableLstm

_TO_THE_END = np.iinfo(np.int64).max


def build_onnx(machine: PoseMachine, metadata: dict[str, str], *, streaming: bool = False) -> Any:
    """The ``onnx.ModelProto`` of a machine, in evaluation.

    ============== ============================ ==================================================================
    tensor         shape                        what (all float32)
    ============== ============================ ==================================================================
    ``frames``     rows, 3, 368, 368            pictures as ``preprocess`` gives them, or
                   rows, 2 x joints             2D joints
    ``observed``   rows, joints                 with 2D joints: 0 where one is missing, else 1
    ``clip``       rows                         0 in the first frame of each sequence, else 1
    ``state``      4, width                     with ``streaming``: zeros, or ``next_state`` of the chunk before
    ============== ============================ ==================================================================

    It gives ``coarse`` and ``corrected`` (rows, 3 x joints), ``projected`` (rows, 2 x joints) and, with ``streaming``,
    ``next_state`` (4, width): output and cell of the first LSTM, then of the second; see
    :class:`maquette.models.pose_machine_lstm.LstmState` for what they are good for.

    Args:
        machine: on the CPU.
        metadata: texts that the file shall carry.
    """
    graph, joints, width = Graph(), machine.joints, machine.width
    features, inputs = _add_front(graph, machine)
    inputs.append(("clip", ["rows"]))
    if streaming:
        inputs.append(("state", [4, width]))
    y, states = _add_lstms(graph, machine.lstm, features, "state" if streaming else None)
    graph.linear(y, machine.fc_final, None, "coarse", relu=False)
    add_correction(graph, machine.correction, "coarse")
    outputs: list[tuple[str, list[str | int]]] = [
        ("coarse", ["rows", 3 * joints]),
        ("corrected", ["rows", 3 * joints]),
        ("projected", ["rows", 2 * joints]),
    ]
    if streaming:
        graph.node("Concat", states, "next_state", axis=0)
        outputs.append(("next_state", [4, width]))
    return graph.model(inputs, outputs, metadata, name="maquette-pose-machine")


def add_correction(graph: Graph, correction: Correction, coarse: str) -> None:
    """Adds the six layers: ``coarse`` (rows, values) to the tensors ``corrected`` and ``projected``."""
    hidden = graph.linear(coarse, correction.change_tmp, None, "change_tmp")
    graph.linear(hidden, correction.change, None, "corrected", relu=False)
    scaled = [
        _linear(correction.scale * layer.weight, correction.scale * layer.bias)
        for layer in (correction.project_1, correction.project_2, correction.project_3)
    ]
    first = graph.linear("corrected", scaled[0], None, "project_1")
    second = graph.linear(first, scaled[1], None, "project_2")
    third = graph.linear(second, scaled[2], None, "project_3", relu=not correction.test_template)
    total = graph.node("Add", [first, third], "residual1")
    if correction.test_template:
        total = graph.node("Relu", [total], "residual1.relu")
    graph.linear(total, correction.project_2d, None, "projected", relu=False)


def _add_front(graph: Graph, machine: PoseMachine) -> tuple[str, list[tuple[str, list[str | int]]]]:
    """The features of all frames, and the inputs that they need."""
    front, joints, size = machine.front, machine.joints, machine.image_size
    if isinstance(front, KeypointFront):
        features = _add_keypoint_front(graph, front)
        return features, [("frames", ["rows", 2 * joints]), ("observed", ["rows", joints])]
    if isinstance(front, ImageFront):
        return _add_image_front(graph, front), [("frames", ["rows", 3, size, size])]
    raise ModelError(f"a pose machine with a front of the type {type(front).__name__} has no ONNX graph")


def _add_image_front(graph: Graph, front: ImageFront) -> str:
    x = "frames"
    for i, group in enumerate(TRUNK_GROUPS):
        if i:
            x = graph.node("MaxPool", [x], f"pool{i}_stage1", kernel_shape=[2, 2], strides=[2, 2])
        for name, _ in group:
            x = _add_convolution(graph, front.trunk.get_submodule(name), x, name)
    for name, _, _ in ADAPTION_LAYERS:
        x = _add_convolution(graph, front.adaption.get_submodule(name), x, name)
    return graph.linear(graph.node("Flatten", [x], "adapted", axis=1), front.adaption.fc, None, "fc", relu=False)


def _add_convolution(graph: Graph, layer: nn.Module, x: str, name: str) -> str:
    """With the ReLU that follows each of them."""
    assert isinstance(layer, nn.Conv2d)
    blobs = [
        graph.constant(f"{name}.{part}", layer.get_parameter(part).detach().float().numpy())
        for part in ("weight", "bias")
    ]
    padding = [int(pad) for pad in layer.padding]
    y = graph.node("Conv", [x, *blobs], f"{name}.sum", strides=list(layer.stride), pads=padding * 2)
    return graph.node("Relu", [y], name)


def _add_keypoint_front(graph: Graph, front: KeypointFront) -> str:
    zero = graph.constant("zero", np.zeros((), np.float32))
    twice = graph.constant("coordinates", np.repeat(np.arange(front.joints), 2))
    each = graph.node("Gather", ["observed", twice], "observed.each", axis=1)
    seen = graph.node("Greater", [each, zero], "observed.seen")
    points = graph.node("Where", [seen, "frames", zero], "points")
    x = graph.node("Concat", [points, "observed"], "keypoints", axis=1)
    first = graph.linear(x, front.keypoint_1, None, "keypoint_1")
    second = graph.linear(first, front.keypoint_2, None, "keypoint_2")
    third = graph.linear(second, front.keypoint_3, None, "keypoint_3")
    return graph.linear(graph.node("Add", [first, third], "keypoints.sum"), front.fc, None, "fc", relu=False)


def _add_lstms(graph: Graph, stack: LstmStack, features: str, state: str | None) -> tuple[str, list[str]]:
    """What the second LSTM gives of all frames, and the states (output and cell of both) after their last frame."""
    before = [_state_before(graph, stack.lstm1.hidden_size, state, i) for i in range(4)]
    flags = graph.rows("clip", 1, "clip.rows")
    y, after1 = _add_scan(graph, stack.lstm1, features, flags, before[:2], "lstm1", directions=(0, 0))
    if stack.published_flags:
        # The rows in reversed order with flags in the order of the clip.
        y, after2 = _add_scan(graph, stack.lstm2, y, flags, before[2:], "lstm2", directions=(1, 0))
    else:
        later = _add_slice(graph, flags, 1, _TO_THE_END, "clip.later")
        end = graph.constant("clip.end", np.zeros((1, 1), np.float32))
        # Backward, a frame goes on from the one after it, unless that one starts a sequence.
        flags = graph.node("Concat", [later, end], "clip.next", axis=0)
        y, after2 = _add_scan(graph, stack.lstm2, y, flags, before[2:], "lstm2", directions=(1, 1))
    return y, after1 + after2


def _state_before(graph: Graph, width: int, state: str | None, i: int) -> str:
    """Row ``i`` of the state, (1, width); zeros without one."""
    name = f"state.before{i}"
    if state is None:
        return graph.constant(name, np.zeros((1, width), np.float32))
    return _add_slice(graph, state, i, i + 1, name)


def _add_slice(graph: Graph, x: str, start: int, stop: int, output: str) -> str:
    """Rows ``start`` to ``stop`` of ``x``."""
    bounds = [graph.constant(f"{output}.{i}", np.array([v])) for i, v in enumerate((start, stop, 0))]
    return graph.node("Slice", [x, *bounds], output)


def _add_scan(
    graph: Graph,
    lstm: ResettableLstm,
    x: str,
    flags: str,
    before: list[str],
    name: str,
    *,
    directions: tuple[int, int],
) -> tuple[str, list[str]]:
    """Outputs of all rows, and the state (output, cell) after the last one that is read.

    Args:
        before: the state before the first.
        directions: in which rows and flags are read, 1 for backward; outputs stand where their rows do.
    """
    from onnx import TensorProto, helper

    width = lstm.hidden_size
    of_input, bias, of_state = lstm.blobs()
    sums = graph.linear(x, _linear(of_input, bias), None, f"{name}.into", relu=False)
    carried = graph.constant(f"{name}.carried", of_state.detach().float().numpy().T.copy())
    cell = _cell(carried, name)
    inputs = {"output.before": [1, width], "cell.before": [1, width], "sums": [4 * width], "flag": [1]}
    body = helper.make_graph(
        cell.nodes,
        f"{name}.cell",
        [helper.make_tensor_value_info(f"{name}.{n}", TensorProto.FLOAT, shape) for n, shape in inputs.items()],
        [
            helper.make_tensor_value_info(f"{name}.{n}", TensorProto.FLOAT, [1, width])
            for n in ("output", "cell", "row")
        ],
    )
    after = [f"{name}.output.after", f"{name}.cell.after"]
    scan = helper.make_node(
        "Scan",
        [*before, sums, flags],
        [*after, f"{name}.rows"],
        name=name,
        body=body,
        num_scan_inputs=2,
        scan_input_directions=directions,
        scan_output_directions=directions[:1],
    )
    graph.nodes.append(scan)
    return graph.rows(f"{name}.rows", width, f"{name}.outputs"), after


def _cell(carried: str, name: str) -> Graph:
    """One frame of an LSTM with torch's order of gates; a flag of 0 forgets what was before."""
    cell = Graph()

    def add(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        return cell.node(kind, inputs, f"{name}.{output}", **attributes)

    kept = [add("Mul", [f"{name}.{part}.before", f"{name}.flag"], f"{part}.kept") for part in ("output", "cell")]
    total = add("Add", [add("MatMul", [kept[0], carried], "from_before"), f"{name}.sums"], "gates")
    split = [f"{name}.{gate}.sum" for gate in ("input", "forget", "candidate", "exit")]
    cell.nodes.append(_split(total, split))
    opened = {gate: add("Sigmoid", [f"{name}.{gate}.sum"], gate) for gate in ("input", "forget", "exit")}
    candidate = add("Tanh", [split[2]], "candidate")
    products = [
        add("Mul", [opened["forget"], kept[1]], "kept"),
        add("Mul", [opened["input"], candidate], "new"),
    ]
    squashed = add("Tanh", [add("Add", products, "cell")], "squashed")
    output = add("Mul", [opened["exit"], squashed], "output")
    add("Identity", [output], "row")
    return cell


def _split(x: str, parts: list[str]) -> Any:
    from onnx import helper

    return helper.make_node("Split", [x], parts, name=f"{x}.split", axis=1)


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    linear = nn.Linear(weight.shape[1], weight.shape[0])
    linear.weight, linear.bias = nn.Parameter(weight.detach()), nn.Parameter(bias.detach())
    return linear
