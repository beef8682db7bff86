"""The ONNX graph of the 3D pose machine against torch, run by onnxruntime."""

import numpy as np
import onnxruntime
import pytest
import torch
from test_pose_machine import louder

from maquette.models.pose_machine import PoseMachine
from maquette.models.pose_machine_graph import build_onnx

NAMES = ("coarse", "corrected", "projected")


def onnx_session(machine, **options):
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        build_onnx(machine, {"maquette": "{}"}, **options).SerializeToString(),
        settings,
        providers=["CPUExecutionProvider"],
    )


def run(session, names, feeds) -> list[np.ndarray]:
    return session.run(list(names), feeds)


def floats(flags):
    return np.array(flags, np.float32)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"published_flags": True},
        {"batch_norm_scale": True, "drop_joints": 0.5},
        {"test_template": True},
    ],
)
@pytest.mark.parametrize("clip", [[0], [0, 1, 1, 1, 1, 0, 0, 0], [1, 1, 0, 1, 1, 1], [0] * 3])
def test_equal_to_torch(options, clip):
    machine = louder(PoseMachine("keypoints", width=24, **options))
    rng = np.random.default_rng(0)
    points = rng.normal(size=(len(clip), 32)).astype(np.float32)
    observed = rng.uniform(size=(len(clip), 16)) > 0.2
    points[~np.repeat(observed, 2, axis=1)] = np.nan
    with torch.no_grad():
        expected = machine(torch.from_numpy(points), torch.tensor(clip), observed=torch.from_numpy(observed))
    session = onnx_session(machine)
    found = run(session, NAMES, {"frames": points, "observed": floats(observed), "clip": floats(clip)})
    for values, name in zip(found, NAMES, strict=True):
        np.testing.assert_allclose(values, getattr(expected, name).numpy(), atol=1e-4)


@pytest.mark.parametrize("published_flags", [False, True])
def test_chunks_of_a_stream(published_flags):
    machine = louder(PoseMachine("keypoints", width=24, published_flags=published_flags))
    session = onnx_session(machine, streaming=True)
    points = np.random.default_rng(0).normal(size=(10, 32)).astype(np.float32)
    state, carried = None, np.zeros((4, 24), np.float32)
    for start in (0, 5):
        clip = [int(start > 0), 1, 1, 1, 1]
        chunk = points[start : start + 5]
        with torch.no_grad():
            expected = machine(torch.from_numpy(chunk), torch.tensor(clip), state=state)
        state = expected.state
        feeds = {"frames": chunk, "observed": np.ones((5, 16), np.float32), "clip": floats(clip), "state": carried}
        *found, carried = run(session, [*NAMES, "next_state"], feeds)
        for values, name in zip(found, NAMES, strict=True):
            np.testing.assert_allclose(values, getattr(expected, name).numpy(), atol=1e-4)
        np.testing.assert_allclose(carried, torch.stack([*state.lstm1, *state.lstm2]).numpy(), atol=1e-4)


def test_pictures():
    machine = louder(PoseMachine(image_size=56, width=24))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        # He et al.'s scale, so that pictures are not lost on the way.
        for layer in machine.modules():
            if isinstance(layer, torch.nn.Conv2d):
                fan_in = layer.weight[0].numel()
                layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) * (2 / fan_in) ** 0.5)
        images, clip = torch.randn(4, 3, 56, 56, generator=generator), [0, 1, 0, 1]
        expected = machine(images, torch.tensor(clip))
    assert expected.coarse.std(dim=0).max() > 0.01
    found = run(onnx_session(machine), NAMES, {"frames": images.numpy(), "clip": floats(clip)})
    for values, name in zip(found, NAMES, strict=True):
        np.testing.assert_allclose(values, getattr(expected, name).numpy(), atol=1e-4)


def test_what_the_file_says():
    model = build_onnx(PoseMachine("keypoints", width=8), {"maquette": "a text"})
    assert {entry.key: entry.value for entry in model.metadata_props} == {"maquette": "a text"}
    assert [value.name for value in model.graph.output] == list(NAMES)
