"""The whole 3D pose machine: the published counts and shapes, several sequences at once, what it sees of a frame."""

import numpy as np
import pytest
import torch

from maquette.errors import InputError
from maquette.models.pose_machine import PoseMachine
from maquette.models.pose_machine_fronts import FeatureAdaption, ImageFront, KeypointFront, Trunk, preprocess
from maquette.models.pose_machine_lstm import ResettableLstm


def count(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


def test_published_numbers_of_parameters():
    with torch.device("meta"):
        machine = PoseMachine()
    front = machine.front
    assert isinstance(front, ImageFront)
    assert count(front.trunk) == 9_110_720
    assert count(front) - count(front.adaption.fc) == 10_225_344
    assert count(front.adaption.fc) == 13_108_224
    assert count(machine.lstm) == 16_785_408
    assert count(machine.fc_final) == 49_200
    assert count(machine.correction) == 2_281_552
    assert count(machine) == 42_449_728


def test_published_sizes():
    with torch.device("meta"):
        features = Trunk()(torch.zeros(2, 3, 368, 368))
        adaption = FeatureAdaption()
        assert features.shape == (2, 128, 46, 46)
        first = adaption.get_submodule("fa_conv_1")(features)
        assert first.shape[2:] == (22, 22)
        assert adaption.get_submodule("fa_conv_2")(first).shape[2:] == (10, 10)
        assert adaption.fc.weight.shape == (1024, 12_800)
        assert adaption(features).shape == (2, 1024)


def test_layers_by_their_published_names():
    with torch.device("meta"):
        machine = PoseMachine()
    layers = machine.caffe_layers()
    trunk = "conv1_1 conv1_2 conv2_1 conv2_2 conv3_1 conv3_2 conv3_3 conv3_4 conv4_1 conv4_2"
    trunk += " conv4_3_CPM conv4_4_CPM conv4_5_CPM conv4_6_CPM conv4_7_CPM"
    rest = "special_conv_1 special_conv_2 fa_conv_1 fa_conv_2 fc lstm1 lstm2 fc-final_16"
    correction = "change_tmp change project_1 project_2 project_3 project_2d"
    assert list(layers) == f"{trunk} {rest} {correction}".split()
    # Blobs as Caffe has them: (out, in, height, width), (out, in), and of LSTMs input, bias, state.
    assert [tuple(blob.shape) for blob in layers["fa_conv_1"]] == [(128, 128, 5, 5), (128,)]
    assert [tuple(blob.shape) for blob in layers["change_tmp"]] == [(1024, 48), (1024,)]
    assert [tuple(blob.shape) for blob in layers["lstm1"]] == [(4096, 1024), (4096,), (4096, 1024)]
    assert {id(p) for blobs in layers.values() for p in blobs} == {id(p) for p in machine.parameters()}


def louder(machine):
    """The published weights start so small that nothing comes through; these let states matter."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in machine.modules():
            if isinstance(module, ResettableLstm | torch.nn.Linear):
                for parameter in module.parameters():
                    parameter.copy_(torch.randn(parameter.shape, generator=generator) / parameter.shape[-1] ** 0.5)
    return machine.eval()


def test_several_sequences_at_once_are_each_alone():
    machine = louder(PoseMachine("keypoints", width=16))
    frames = torch.rand(12, 32)
    clip = torch.tensor([0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 1, 1])
    with torch.no_grad():
        together = machine(frames, clip)
        for start, stop in ((0, 5), (5, 6), (6, 9), (9, 12)):
            alone = machine(frames[start:stop], clip[start:stop])
            for name in ("coarse", "corrected", "projected"):
                torch.testing.assert_close(getattr(alone, name), getattr(together, name)[start:stop])


def test_chunks_of_a_stream():
    machine = louder(PoseMachine("keypoints", width=16))
    frames, clip = torch.rand(10, 32), torch.tensor([0] + [1] * 9)
    with torch.no_grad():
        state = None
        for start in (0, 3, 6):
            state = machine(frames[start : start + 3], clip[start : start + 3], state=state).state
        last = machine(frames[9:], clip[9:], state=state)
        torch.testing.assert_close(last.coarse, machine(frames, clip).coarse[9:])
        assert not torch.allclose(last.coarse, machine(frames[9:], clip[9:]).coarse)


def test_pictures_to_poses():
    machine = louder(PoseMachine(image_size=56, width=16))
    images = preprocess(torch.randint(0, 256, (3, 40, 40, 3), dtype=torch.uint8), 56)
    with torch.no_grad():
        output = machine(images, torch.tensor([0, 1, 1]))
    assert [tuple(values.shape) for values in output[:3]] == [(3, 48), (3, 48), (3, 32)]
    with pytest.raises(InputError, match="takes no flags"):
        machine(images, torch.tensor([0, 1, 1]), observed=torch.ones(3, 16, dtype=torch.bool))


def test_too_small_pictures():
    FeatureAdaption(image_size=56)
    with pytest.raises(InputError, match="55 pixels"):
        FeatureAdaption(image_size=55)


def test_training_drops_joints_before_the_correction_only():
    machine = louder(PoseMachine("keypoints", width=16, drop_joints=0.5))
    frames, clip = torch.rand(6, 32), torch.tensor([0, 1, 1, 1, 1, 1])
    with torch.no_grad():
        quiet = machine(frames, clip)
        machine.train()
        dropped = machine(frames, clip)
    torch.testing.assert_close(dropped.coarse, quiet.coarse)
    assert not torch.allclose(dropped.corrected, quiet.corrected)


def test_missing_joints_have_no_position():
    front = KeypointFront(width=8)
    points = torch.rand(2, 32)
    observed = torch.ones(2, 16, dtype=torch.bool)
    observed[1, 3] = False
    elsewhere = points.clone()
    elsewhere[1, 6:8] = float("nan")
    with torch.no_grad():
        torch.testing.assert_close(front(points, observed), front(elsewhere, observed))
        # A missing joint is not one in the corner of the picture.
        elsewhere[1, 6:8] = 0
        assert not torch.allclose(front(elsewhere), front(points, observed))


def test_preprocessing_by_the_formula():
    images = torch.randint(0, 256, (2, 8, 8, 3), dtype=torch.uint8)
    found = preprocess(images, 8).numpy()
    rgb = images.numpy().astype(float)
    for channel, of_rgb in enumerate((2, 1, 0)):
        np.testing.assert_array_equal(found[:, channel], (rgb[..., of_rgb] - 128) * 0.00390625)


def test_resizing_keeps_ramps():
    # Pixel centres: column x of the larger picture is at (x + 0.5) / 2 - 0.5 of the smaller one.
    ramp = (torch.arange(64) * 3).to(torch.uint8).expand(32, 64)[None, :, :, None].expand(1, 32, 64, 3)
    found = preprocess(ramp.contiguous(), 128)[0, 0] * 256 + 128
    inner = np.arange(2, 126)
    expected = 3 * ((inner + 0.5) / 2 - 0.5)
    assert np.abs(found[:, 2:126].numpy() - expected).max() <= 0.5
