"""Models of the published systems: normalisation, padding, mirroring, against plain loops."""

import msgspec
import numpy as np
import onnx
import pytest
from made_model import SPEC
from onnx import TensorProto, helper, numpy_helper

from maquette.errors import InputError, ModelError
from maquette.lifting.published import input_joints, lift_clip, mirror_order, normalise_screen, on_skeleton
from maquette.runtime.onnx_model import OnnxModel
from maquette.skeletons import H36M_17

WINDOW, SIZE = 9, (1000, 1002)
WEIGHTS = (np.random.default_rng(1).normal(size=(51, 34, WINDOW)) / 30).astype(np.float32)


def clip_model(path, **spec) -> OnnxModel:
    """A convolution over a clip: position = sum over the window of weights times coordinates."""
    fields = {
        **SPEC,
        "input_skeleton": "h36m-17",
        "output_skeleton": "h36m-17",
        "normalisation": "screen/v1",
        "form": "clip",
        "window_frames": WINDOW,
        "window_step_s": 0.02,
        **spec,
    }
    node = helper.make_node
    graph = helper.make_graph(
        [
            node("Transpose", ["features"], ["channels_first"], perm=[1, 0]),
            node("Unsqueeze", ["channels_first", "zero"], ["batch"]),
            node("Conv", ["batch", "weights"], ["sum"]),
            node("Squeeze", ["sum", "zero"], ["one"]),
            node("Transpose", ["one"], ["frames_first"], perm=[1, 0]),
            node("Reshape", ["frames_first", "shape"], ["positions"]),
        ],
        "made-up",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["frames", 34])],
        [helper.make_tensor_value_info("positions", TensorProto.FLOAT, ["poses", 17, 3])],
        [
            numpy_helper.from_array(WEIGHTS, "weights"),
            numpy_helper.from_array(np.array([0], dtype=np.int64), "zero"),
            numpy_helper.from_array(np.array([-1, 17, 3], dtype=np.int64), "shape"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"maquette": msgspec.json.encode(fields).decode()})
    onnx.save(model, str(path))
    return OnnxModel(path)


def track(frames: int) -> np.ndarray:
    return np.random.default_rng(2).uniform(100, 900, (frames, 17, 2))


def by_loops(points: np.ndarray, *, before: int) -> np.ndarray:
    """The convolution frame by frame, the ends of the clip held."""
    u = np.empty_like(points)
    u[..., 0], u[..., 1] = points[..., 0] / 500 - 1, (points[..., 1] - 501) / 500
    out = np.zeros((len(points), 51))
    for t in range(len(points)):
        for k in range(WINDOW):
            s = min(max(t - before + k, 0), len(points) - 1)
            out[t] += WEIGHTS[:, :, k].astype(float) @ u[s].ravel()
    return out.reshape(-1, 17, 3)


@pytest.mark.parametrize(("causal", "before"), [(False, 4), (True, 8)])
@pytest.mark.parametrize("frames", [1, 5, 300])
def test_a_clip_of_any_length_is_held_at_its_ends(tmp_path, causal: bool, before: int, frames: int) -> None:
    model = clip_model(tmp_path / "m.onnx", causal=causal)
    points = track(frames)
    found = lift_clip(model, points, SIZE, flip=False)
    np.testing.assert_allclose(found, by_loops(points, before=before), atol=2e-6)


def test_flip_averages_with_the_mirror_image(tmp_path) -> None:
    model, points = clip_model(tmp_path / "m.onnx"), track(40)
    swap = H36M_17.mirror_permutation
    mirrored = points[:, swap] * (-1, 1) + (1000, 0)
    other = by_loops(mirrored, before=4)[:, swap] * (-1, 1, 1)
    expected = (by_loops(points, before=4) + other) / 2
    np.testing.assert_allclose(lift_clip(model, points, SIZE, flip=True), expected, atol=2e-6)


def test_screen_corners_are_the_published_ones() -> None:
    corners = np.array([[[0.0, 0.0], [1000.0, 1002.0]]])
    np.testing.assert_allclose(normalise_screen(corners, SIZE), [[[-1, -1.002], [1, 1.002]]], atol=1e-12)


def test_joints_that_do_not_fit_are_named(tmp_path) -> None:
    model = clip_model(tmp_path / "m.onnx")
    with pytest.raises(InputError, match="takes 17 joints of 2: hip, r_hip"):
        lift_clip(model, track(3)[:, :16], SIZE)
    gap = track(3)
    gap[1, 2] = np.nan
    with pytest.raises(InputError, match="every joint present"):
        lift_clip(model, gap, SIZE)


def test_mirror_order_of_some_joints() -> None:
    assert mirror_order(H36M_17, ["l_knee", "hip", "r_knee"]) == [2, 1, 0]
    with pytest.raises(ModelError, match="r_knee"):
        mirror_order(H36M_17, ["l_knee", "hip"])


def test_a_missing_root_is_zero_and_other_missing_joints_are_nan(tmp_path) -> None:
    joints = [name for name in H36M_17.joints if name not in ("hip", "spine")]
    spec = msgspec.convert(
        {**SPEC, "output_skeleton": "h36m-17", "output_joints": joints}, type=type(clip_model(tmp_path / "m.onnx").spec)
    )
    full = on_skeleton(np.ones((2, 15, 3)), spec)
    assert (full[:, 0] == 0).all()
    assert np.isnan(full[:, H36M_17.index("spine")]).all()
    assert (full[:, H36M_17.indices(joints)] == 1).all()
    assert len(input_joints(spec)) == 27
