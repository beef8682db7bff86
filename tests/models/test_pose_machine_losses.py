"""Losses of the 3D pose machine: small numbers by hand, and gradients by finite differences."""

import numpy as np
import pytest
import torch

from maquette.errors import InputError
from maquette.models.pose_machine import MachineOutput
from maquette.models.pose_machine_losses import (
    PARENTS,
    MachineTargets,
    bone_loss,
    bone_vectors,
    euclidean_loss,
    machine_losses,
)
from maquette.models.pose_machine_lstm import LstmState

CHAIN = (0, 0, 1)
"""Three joints in a row."""


def test_the_published_parents():
    assert PARENTS == (0, 0, 1, 2, 0, 4, 5, 0, 7, 8, 8, 10, 11, 8, 13, 14)


def test_euclidean_loss_by_hand():
    a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    # 1 + 4 + 0 + 9 = 14, by twice two rows.
    assert euclidean_loss(a, torch.tensor([[0.0, 0.0], [3.0, 1.0]])).item() == 3.5
    assert euclidean_loss(a[:0], a[:0]).item() == 0


def test_weighted_euclidean_loss_by_hand():
    nan = float("nan")
    a = torch.tensor([[1.0, 2.0, 1.0, 1.0], [3.0, 4.0, 0.0, 0.0], [9.0, 9.0, 9.0, 9.0]], requires_grad=True)
    target = torch.tensor([[0.0, 0.0, nan, nan], [3.0, 1.0, 0.0, 2.0], [nan] * 4])
    weights = torch.tensor([[1.0, 0.0], [0.5, 1.0], [0.0, 0.0]])
    # Two joints of two rows are seen: 1 + 4; half of 9, and 4. The third row fills up.
    loss = euclidean_loss(a, target, weights)
    loss.backward()
    assert loss.item() == (5 + 4.5 + 4) / 4
    assert a.grad is not None
    assert a.grad.tolist() == [[0.5, 1.0, 0.0, 0.0], [0.0, 0.75, 0.0, -1.0], [0.0] * 4]


def test_weights_of_one_are_no_weights():
    rng = np.random.default_rng(0)
    a, b = (torch.from_numpy(rng.normal(size=(5, 48))) for _ in range(2))
    ones = torch.ones(5, 16, dtype=torch.float64)
    for loss in (euclidean_loss, bone_loss):
        np.testing.assert_allclose(loss(a, b, ones).item(), loss(a, b).item(), rtol=1e-12)


def test_bones_by_hand():
    poses = torch.tensor([[1.0, 2.0, 4.0, 3.0, 9.0, 5.0]])
    assert bone_vectors(poses, CHAIN).tolist() == [[0, 0, -3, -1, -5, -2]]
    # Against a pose of one point, in which every bone is 0: 9 + 1 + 25 + 4 = 39, by twice one row.
    assert bone_loss(poses, torch.zeros(1, 6), parents=CHAIN).item() == 19.5
    # Without the last joint only the first bone is left.
    assert bone_loss(poses, torch.zeros(1, 6), torch.tensor([[1.0, 1.0, 0.0]]), parents=CHAIN).item() == 5


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_gradient_of_the_bone_loss_is_that_of_its_value(dimensions):
    rng = np.random.default_rng(1)
    a, b = (torch.from_numpy(rng.normal(size=(3, 16 * dimensions))) for _ in range(2))
    weights = torch.from_numpy(rng.uniform(size=(3, 16)))
    assert torch.autograd.gradcheck(lambda x: bone_loss(x, b), a.clone().requires_grad_())
    assert torch.autograd.gradcheck(lambda x: bone_loss(x, b, weights), a.clone().requires_grad_())


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_published_gradient_reaches_children_only(dimensions):
    rng = np.random.default_rng(2)
    a, b = (rng.normal(size=(4, 16, dimensions)) for _ in range(2))
    x = torch.from_numpy(a.reshape(4, -1)).requires_grad_()
    loss = bone_loss(x, torch.from_numpy(b.reshape(4, -1)), gradient="child_only")
    loss.backward()
    parents = list(PARENTS)
    difference = (a[:, parents] - a) - (b[:, parents] - b)
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy().reshape(a.shape), -difference / 4, rtol=1e-12)
    np.testing.assert_allclose(loss.item(), (difference**2).sum() / 8, rtol=1e-12)


def published_batch():
    """Five rows of Human3.6M and three of MPII; each 3D value is off by 0.1 or 0.2, each 2D value by 0.5."""
    zeros = torch.zeros(8, 48)
    state = LstmState((torch.zeros(1), torch.zeros(1)), (torch.zeros(1), torch.zeros(1)))
    output = MachineOutput(zeros + 0.1, zeros + 0.2, torch.full((8, 32), 0.5), state)
    poses = zeros.clone()
    poses[5:] = float("nan")
    return output, MachineTargets(torch.zeros(8, 32), poses, torch.arange(8) < 5)


def test_terms_of_each_step():
    output, targets = published_batch()
    found = {step: machine_losses(output, targets, step) for step in (2, 3, 4, 5)}
    assert list(found[2]) == ["coarse_3d"]
    # 5 x 48 values by twice 5 rows; 8 x 32 values by twice 8.
    for step in (3, 4, 5):
        assert found[step]["coarse_3d"].item() == pytest.approx(240 * 0.01 / 10)
        assert found[step]["corrected_3d"].item() == pytest.approx(240 * 0.04 / 10)
        assert found[step]["projected_2d"].item() == pytest.approx(256 * 0.25 / 16)
        # All joints are off by the same, so that no bone is.
        assert found[step]["coarse_bones"].item() == found[step]["corrected_bones"].item() == 0
    assert set(found[3]) == set(found[4]) == set(found[5]) - {"projected_bones"}
    with pytest.raises(InputError, match="step 1"):
        machine_losses(output, targets, 1)


def test_bone_terms_of_the_last_step():
    output, targets = published_batch()
    # Joint 1 off by 1 more in one coordinate of each row: its bone, and that of its child.
    for values in (output.coarse, output.projected):
        values[:, values.shape[1] // 16] += 1
    found = machine_losses(output, targets, 5)
    assert found["coarse_bones"].item() == pytest.approx(5 * 2 / 10)
    assert found["projected_bones"].item() == pytest.approx(8 * 2 / 16)
    assert found["corrected_bones"].item() == 0


def test_missing_joints_and_rows_that_fill_up():
    output, targets = published_batch()
    seen = torch.ones(8, 16)
    seen[5:, 7] = 0
    points = targets.points.clone()
    points[5:, 14:16] = float("nan")
    masked = MachineTargets(points, targets.poses, targets.has_pose, seen)
    found = machine_losses(output, masked, 5)
    assert found["projected_2d"].item() == pytest.approx((256 - 6) * 0.25 / 16)
    coarse, corrected, projected = (torch.cat([v, v[:2]]) for v in output[:3])
    more = MachineOutput(coarse, corrected, projected, output.state)
    filled = MachineTargets(
        torch.cat([points, points[:2]]),
        torch.cat([targets.poses, targets.poses[:2]]),
        torch.arange(10) < 5,
        torch.cat([seen, torch.zeros(2, 16)]),
    )
    for name, value in machine_losses(more, filled, 5).items():
        assert value.item() == pytest.approx(found[name].item())


def test_a_batch_without_3d():
    output, targets = published_batch()
    found = machine_losses(output, MachineTargets(targets.points, targets.poses, torch.zeros(8, dtype=torch.bool)), 4)
    assert found["coarse_3d"].item() == found["coarse_bones"].item() == 0
    assert found["projected_2d"].item() == 4
