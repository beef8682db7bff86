"""The pose machine out of snapshots of Caffe: what Caffe computes with the file is what the network here computes."""

import numpy as np
import pytest
import torch
from made_caffemodel import snapshot
from torch import nn

from maquette.cli import main
from maquette.errors import ModelError
from maquette.formats.caffemodel import read_caffemodel
from maquette.importers.pose_machine import import_machine
from maquette.importers.pose_machine_layers import take_layers_from
from maquette.lifting.lifter import Lifter
from maquette.models.pose_machine import PoseMachine
from maquette.models.pose_machine_lstm import ResettableLstm
from maquette.runtime.onnx_model import OnnxModel
from maquette.runtime.pose_machine import PoseMachineModel
from maquette.runtime.shipped import find_model

RNG = np.random.default_rng(7)
WIDTH, SIDE = 12, 56
Arrays = dict[str, list[np.ndarray]]
TRUNK = {
    "conv1_1": (3, 64), "conv1_2": (64, 64), "conv2_1": (64, 128), "conv2_2": (128, 128), "conv3_1": (128, 256),
    "conv3_2": (256, 256), "conv3_3": (256, 256), "conv3_4": (256, 256), "conv4_1": (256, 512), "conv4_2": (512, 512),
    "conv4_3_CPM": (512, 256), "conv4_4_CPM": (256, 256), "conv4_5_CPM": (256, 256), "conv4_6_CPM": (256, 256),
    "conv4_7_CPM": (256, 128),
}  # fmt: skip
ADAPTION = {"special_conv_1": (3, 1), "special_conv_2": (3, 1), "fa_conv_1": (5, 2), "fa_conv_2": (5, 2)}


def made_layers() -> Arrays:
    """The published layers (specification of the released network) at a small width; values stay of the size of 1."""

    def layer(*shape: int) -> list[np.ndarray]:
        scale = np.sqrt(2 / np.prod(shape[1:]))
        return [(scale * RNG.normal(size=shape)).astype("f4"), (0.1 * RNG.normal(size=shape[0])).astype("f4")]

    def lstm() -> list[np.ndarray]:
        w_xc, b_c = layer(4 * WIDTH, WIDTH)
        return [w_xc, 5 * b_c, layer(4 * WIDTH, WIDTH)[0]]

    layers = {name: layer(outputs, inputs, 3, 3) for name, (inputs, outputs) in TRUNK.items()}
    layers |= {name: layer(128, 128, kernel, kernel) for name, (kernel, _) in ADAPTION.items()}
    layers |= {"fc": layer(WIDTH, 128), "lstm1": lstm(), "lstm2": lstm(), "fc-final_16": layer(48, WIDTH)}
    layers |= {"change_tmp": layer(WIDTH, 48), "change": layer(48, WIDTH), "project_1": layer(WIDTH, 48)}
    layers |= {"project_2": layer(WIDTH, WIDTH), "project_3": layer(WIDTH, WIDTH), "project_2d": layer(32, WIDTH)}
    return layers


@pytest.fixture(scope="module")
def layers() -> Arrays:
    return made_layers()


@pytest.fixture(scope="module")
def whole(layers, tmp_path_factory):
    path = tmp_path_factory.mktemp("caffe") / "mask3d_iter_400000.caffemodel"
    path.write_bytes(snapshot({"data": [], **layers, "project_media": [np.ones((2, 2))]}, raw=True))
    return path


def convolved(x: np.ndarray, blobs: list[np.ndarray], stride: int = 1) -> np.ndarray:
    """Caffe's Convolution with a border of 1, and ReLU; x (channels, rows, columns)."""
    weight, bias = blobs
    kernel = weight.shape[2:]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (1, 1), (1, 1))), kernel, axis=(1, 2))
    y = np.tensordot(weight, windows[:, ::stride, ::stride], axes=([1, 2, 3], [0, 3, 4]))
    return np.maximum(y + bias[:, None, None], 0)


def caffe_features(picture: np.ndarray, layers: Arrays) -> np.ndarray:
    x = picture
    for name in TRUNK:
        if name in ("conv2_1", "conv3_1", "conv4_1"):
            c, h, w = x.shape
            x = x.reshape(c, h // 2, 2, w // 2, 2).max(axis=(2, 4))
        x = convolved(x, layers[name])
    for name, (_, stride) in ADAPTION.items():
        x = convolved(x, layers[name], stride)
    return layers["fc"][0] @ x.ravel() + layers["fc"][1]


def caffe_lstm(x: np.ndarray, cont: np.ndarray, blobs: list[np.ndarray]) -> np.ndarray:
    """Caffe's LSTM: blobs W_xc, b_c, W_hc; blocks of rows input, forget, output, candidate."""
    w_xc, b_c, w_hc = blobs
    h, c, out = np.zeros(WIDTH), np.zeros(WIDTH), []
    for row, go_on in zip(x, cont, strict=True):
        i, f, o, g = np.split(w_xc @ row + b_c + w_hc @ (go_on * h), 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = go_on * f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        out.append(h)
    return np.array(out)


def caffe_machine(features: np.ndarray, clip: np.ndarray, layers: Arrays, *, published: bool) -> list[np.ndarray]:
    """The rest of the published network: coarse, corrected and projected."""
    forward = caffe_lstm(features, clip, layers["lstm1"])
    ends = np.append(clip[1:], 0)[::-1]
    backward = caffe_lstm(forward[::-1], clip if published else ends, layers["lstm2"])
    coarse = (backward @ layers["fc-final_16"][0].T + layers["fc-final_16"][1])[::-1]
    return [coarse, *after_coarse(coarse, layers)]


def after_coarse(coarse: np.ndarray, layers: Arrays) -> list[np.ndarray]:
    """Corrected and projected."""

    def linear(name: str, x: np.ndarray) -> np.ndarray:
        return x @ layers[name][0].T + layers[name][1]

    corrected = linear("change", np.maximum(linear("change_tmp", coarse), 0))
    first = np.maximum(linear("project_1", corrected), 0)
    third = np.maximum(linear("project_3", np.maximum(linear("project_2", first), 0)), 0)
    return [corrected, linear("project_2d", first + third)]


def picture_rows(count: int) -> np.ndarray:
    return RNG.uniform(-0.5, 0.5, size=(count, 3, SIDE, SIDE)).astype("f4")


@pytest.mark.parametrize("published", [False, True])
def test_the_network_computes_what_caffe_does(whole, layers, published) -> None:
    network = PoseMachine(width=WIDTH, image_size=SIDE, published_flags=published).eval()
    taken = take_layers_from(network, whole)
    assert set(taken.taken) == set(layers)
    assert taken.missing == ()
    assert taken.unknown == ("project_media",)
    pictures, clip = picture_rows(6), np.array([0, 1, 1, 0, 1, 0])
    with torch.no_grad():
        found = network(torch.from_numpy(pictures), torch.from_numpy(clip))
    features = np.array([caffe_features(picture, layers) for picture in pictures])
    assert 0.1 < features.std() < 10
    for ours, caffes in zip(found[:3], caffe_machine(features, clip, layers, published=published), strict=True):
        np.testing.assert_allclose(ours.numpy(), caffes, atol=2e-5 * np.abs(caffes).max())
        assert np.abs(np.diff(caffes, axis=0)).max() > 0.1


def test_gates_stand_in_another_order(layers, tmp_path) -> None:
    """An LSTM alone, in double precision: the output is that of Caffe's cell; without the other order it is not."""
    path = tmp_path / "a.caffemodel"
    path.write_bytes(snapshot({"lstm1": layers["lstm1"], "lstm2": layers["lstm2"]}))
    network = PoseMachine("keypoints", width=WIDTH)
    taken = take_layers_from(network, path)
    assert taken.taken == ("lstm1", "lstm2")
    x, clip = RNG.normal(size=(9, WIDTH)), np.array([0, 1, 1, 1, 0, 1, 1, 1, 1])
    expected = caffe_lstm(x, clip, layers["lstm1"])
    found, _ = network.lstm.lstm1.double().scan(torch.from_numpy(x), torch.from_numpy(clip))
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-12)
    with torch.no_grad():
        network.lstm.lstm1.get_parameter("weight_ih_l0").copy_(torch.from_numpy(layers["lstm1"][0]))
    wrong, _ = network.lstm.lstm1.scan(torch.from_numpy(x), torch.from_numpy(clip))
    assert np.abs(wrong.detach().numpy() - expected).max() > 0.1


def test_a_trunk_is_where_the_second_step_starts(layers, tmp_path) -> None:
    """pose_iter_320000: the trunk, and heat maps that the pose machine has not."""
    names = list(TRUNK)[:4]
    path = tmp_path / "pose_iter_320000.caffemodel"
    heat_maps = {"conv5_1_CPM": [np.ones((5, 128, 1, 1)), np.ones(5)], "Mconv1_stage2": [np.ones((5, 143, 7, 7))]}
    path.write_bytes(snapshot({**{name: layers[name] for name in names}, **heat_maps}, raw=True, old=True))
    network = PoseMachine(width=WIDTH, image_size=SIDE)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    taken = take_layers_from(network, path)
    assert taken.taken == tuple(names)
    assert taken.unknown == tuple(heat_maps)
    for name, value in network.state_dict().items():
        layer = name.split(".")[-2]
        if layer in names:
            blob = layers[layer][0 if name.endswith("weight") else 1]
            np.testing.assert_array_equal(value.numpy(), blob)
        else:
            assert torch.equal(value, before[name])
    notes = "\n".join(taken.notes())
    assert "taken over: conv1_1, conv1_2, conv2_1, conv2_2" in notes
    assert "left out, of another network: conv5_1_CPM, Mconv1_stage2" in notes


def test_other_networks_are_refused(layers, tmp_path) -> None:
    path = tmp_path / "a.caffemodel"
    network = PoseMachine("keypoints", width=WIDTH)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    for content, words in (
        ({"conv1": [np.ones((2, 3, 7, 7))]}, "has no layer of the pose machine; its layers are conv1$"),
        ({"relu": []}, "has no layer of the pose machine; its layers are without arrays"),
        ({**made(layers, "lstm1"), "change": [np.ones((48, 9)), np.ones(48)]}, "change has arrays of 48 x 9, 48, expe"),
        ({"lstm1": layers["lstm1"][:2]}, "lstm1 has arrays of 48 x 12, 48, expected 48 x 12, 48, 48 x 12"),
        ({"change": [np.full((48, WIDTH), np.inf), np.ones(48)]}, "change has values that are not finite"),
    ):
        path.write_bytes(snapshot(content))
        with pytest.raises(ModelError, match=words):
            take_layers_from(network, path)
        assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def made(layers: Arrays, *names: str) -> Arrays:
    return {name: layers[name] for name in names}


def test_every_trained_layer_has_its_published_name(layers) -> None:
    """Those of the made file, which are listed by hand with their shapes, and no others."""
    network = PoseMachine(width=WIDTH, image_size=SIDE)
    named = network.caffe_layers()
    assert {n: [p.shape for p in ps] for n, ps in named.items()} == {
        n: [b.shape for b in bs] for n, bs in layers.items()
    }
    trained = [m for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d | ResettableLstm)]
    assert len(trained) == len(named) == 29


def test_the_order_of_the_file_does_not_matter(layers, whole, tmp_path) -> None:
    some = made(layers, "change", "lstm2", "change_tmp")
    path = tmp_path / "a.caffemodel"
    path.write_bytes(snapshot(some))
    assert list(read_caffemodel(path).layers) == ["change", "lstm2", "change_tmp"]
    assert take_layers_from(PoseMachine("keypoints", width=WIDTH), path).taken == ("lstm2", "change_tmp", "change")


@pytest.mark.parametrize("published", [False, True])
def test_a_model_file_computes_what_caffe_does(whole, layers, published, tmp_path, capsys) -> None:
    """In chunks of three rows whose states are handed on, as its program feeds them."""
    target = tmp_path / "mask3d.onnx"
    flags = "yes" if published else "auto"
    assert main(["import-weights", "pose-machine", str(whole), "-o", str(target), "--published-flags", flags]) == 0
    out = capsys.readouterr().out
    for text in (
        "29 layers",
        "project_media",
        f"evaluate {target} --data STORE --protocol pose-machine",
        "pictures ->",
    ):
        assert text in out
    model = PoseMachineModel(target, threads=1)
    spec = model.spec
    assert (spec.name, spec.form, spec.image_size, spec.unit) == ("mask3d", "images", SIDE, "mm")
    assert spec.command.endswith(" --published-flags yes") == published
    assert spec.limits is not None
    assert spec.limits.max_mm[9][0] == 662.3160333
    pictures, clip = picture_rows(6), np.array([0, 1, 1, 1, 1, 0])
    state, parts = None, []
    for rows in (slice(3), slice(3, 6)):
        parts.append(model.run(pictures[rows], clip[rows], state=state))
        state = parts[-1].state
    features = np.array([caffe_features(picture, layers) for picture in pictures])
    for i in range(3):
        found = np.concatenate([part[i].reshape(3, -1) for part in parts])
        expected = caffe_chunks(features, clip, layers, published=published)[i]
        np.testing.assert_allclose(found, expected, atol=2e-5 * np.abs(expected).max())


def caffe_chunks(features: np.ndarray, clip: np.ndarray, layers: Arrays, *, published: bool) -> list[np.ndarray]:
    """Three rows at a time; states of the first LSTM go on, those of the second only with published flags."""
    forward = caffe_lstm(features, clip, layers["lstm1"])
    order = [2, 1, 0, 5, 4, 3]
    flags = clip if published else np.array([0, clip[2], clip[1], 0, clip[5], clip[4]])
    rows = np.empty_like(forward)
    rows[order] = caffe_lstm(forward[order], flags, layers["lstm2"])
    coarse = rows @ layers["fc-final_16"][0].T + layers["fc-final_16"][1]
    return [coarse, *after_coarse(coarse, layers)]


def test_a_lifter_is_something_else(whole, tmp_path) -> None:
    target = tmp_path / "mask3d.onnx"
    target.write_bytes(import_machine(whole, name="a").model.SerializeToString())
    with pytest.raises(ModelError, match="sees images of whole sequences and is no lifter of clips; measure it with"):
        Lifter(target)
    with pytest.raises(ModelError, match="is a pose machine"):
        OnnxModel(target)
    with pytest.raises(ModelError, match="is a lifter"):
        PoseMachineModel(find_model())


def test_frames_of_another_shape(whole, tmp_path) -> None:
    target = tmp_path / "a.onnx"
    target.write_bytes(import_machine(whole, name="a").model.SerializeToString())
    model = PoseMachineModel(target, threads=1)
    with pytest.raises(ModelError, match=r"takes frames of \(3, 56, 56\), not of \(3, 48, 48\)"):
        model.run(np.zeros((1, 3, 48, 48), np.float32), np.zeros(1))


def test_snapshots_of_other_steps(layers, tmp_path) -> None:
    path = tmp_path / "a.caffemodel"
    correction = ("change_tmp", "change", "project_1", "project_2", "project_3", "project_2d")
    for content, words in (
        (
            {k: v for k, v in layers.items() if k not in correction},
            r"lacks change_tmp, .*: the end of step 2, .*--stage 3",
        ),
        (made(layers, *TRUNK), r"lacks special_conv_1, .*: a trunk alone, as step 2 starts from.*--stage 2 --from"),
        (made(layers, "fc", "lstm1"), "expected the end of step 3"),
        ({"conv1": [np.ones((2, 3, 7, 7))]}, "has no layer of the pose machine"),
    ):
        path.write_bytes(snapshot(content, raw=True))
        with pytest.raises(ModelError, match=words):
            import_machine(path, name="a")


def test_a_machine_of_other_sizes(layers, tmp_path) -> None:
    path = tmp_path / "a.caffemodel"
    path.write_bytes(snapshot({**layers, "lstm1": [np.ones((4, 5)), np.ones(4), np.ones((4, 1))]}, raw=True))
    with pytest.raises(ModelError) as caught:
        import_machine(path, name="a")
    assert "lstm1 has arrays of 4 x 5, 4, 4 x 1, expected 48 x 12, 48, 48 x 12" in str(caught.value)
    assert "\n  - " in str(caught.value)
