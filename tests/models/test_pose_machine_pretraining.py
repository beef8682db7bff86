"""Networks that train the trunk of the 3D pose machine."""

import numpy as np
import pytest
import torch

from maquette.models.pose_machine_pretraining import (
    DirectRegression,
    HeatMapNetwork,
    PointMachine,
    heat_map_loss,
    target_maps,
)


def test_heat_maps_of_both_stages():
    with torch.device("meta"):
        network = HeatMapNetwork()
        first, second = network(torch.zeros(2, 3, 368, 368))
    assert first.shape == second.shape == (2, 15, 46, 46)
    # Head of stage 1; then 7 x 7 from 143 channels (maps and features), four more of 128, 1 x 1 twice.
    head = 128 * 512 + 512 + 512 * 15 + 15
    stage = 49 * 143 * 128 + 128 + 4 * (49 * 128 * 128 + 128) + 128 * 128 + 128 + 128 * 15 + 15
    assert sum(p.numel() for p in network.parameters()) == 9_110_720 + head + stage


def test_the_second_stage_sees_the_first():
    torch.manual_seed(0)
    network = HeatMapNetwork()
    images = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        first, second = network(images)
        network.conv5_2_CPM.get_parameter("bias").add_(1)
        changed_first, changed_second = network(images)
    torch.testing.assert_close(changed_first, first + 1)
    assert not torch.allclose(second, changed_second)


@pytest.mark.parametrize(
    ("network", "name", "fan_in"),
    [(HeatMapNetwork, "Mconv2_stage2", 49 * 128), (DirectRegression, "trunk.conv4_2", 9 * 512)],
)
def test_weights_start_as_caffes_xavier(network, name, fan_in):
    torch.manual_seed(0)
    layer = network().get_submodule(name)
    weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
    # Uniform with variance 1 / fan-in.
    assert weight.var().item() * fan_in == pytest.approx(1, rel=0.01)
    assert weight.abs().max().item() == pytest.approx((3 / fan_in) ** 0.5, rel=0.001)
    assert not bias.any()


def test_target_maps_by_the_formula():
    rng = np.random.default_rng(0)
    points, observed = rng.uniform(0, 63, size=(2, 3, 2)), np.array([[True, True, False], [True, True, True]])
    found = target_maps(torch.from_numpy(points), torch.from_numpy(observed), image_size=64).numpy()
    assert found.shape == (2, 4, 8, 8)
    for frame in range(2):
        for joint in range(3):
            x, y = points[frame, joint]
            for row in range(8):
                for column in range(8):
                    # The middle of the cell's pixels 8k ... 8k + 7.
                    distance2 = (8 * column + 3.5 - x) ** 2 + (8 * row + 3.5 - y) ** 2
                    expected = np.exp(-distance2 / (2 * 49)) if observed[frame, joint] else 0
                    assert found[frame, joint, row, column] == pytest.approx(expected)
    np.testing.assert_allclose(found[:, 3], 1 - found[:, :3].max(axis=1))


def test_missing_joints_may_be_anything():
    points = torch.tensor([[[10.0, 10.0], [float("nan"), 0.0]]])
    maps = target_maps(points, torch.tensor([[True, False]]), image_size=16)
    assert torch.isfinite(maps).all()


def test_heat_map_loss_by_hand():
    target = torch.zeros(2, 3, 2, 2)
    stages = (torch.ones(2, 3, 2, 2), torch.full((2, 3, 2, 2), 2.0))
    # 24 values off by 1 and by 2, by twice two pictures.
    assert heat_map_loss(stages, target).item() == 24 / 4 + 96 / 4
    # Without one joint in one picture 20 are left.
    observed = torch.tensor([[True, False], [True, True]])
    assert heat_map_loss(stages, target, observed).item() == 20 / 4 + 80 / 4


def test_direct_regression():
    with torch.device("meta"):
        network = DirectRegression()
        assert network(torch.zeros(2, 3, 368, 368)).shape == (2, 34)
    assert network.fc.weight.shape == (34, 128 * 46 * 46)


def test_the_pose_machine_of_2d():
    network = PointMachine(image_size=56, width=8)
    points, _ = network(torch.rand(3, 3, 56, 56), torch.tensor([0, 1, 0]))
    assert points.shape == (3, 32)
