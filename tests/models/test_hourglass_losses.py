"""Losses of networks for pictures: numbers of the original programs, numbers worked out by hand, laws."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from maquette.models.hourglass_losses import GROUPS, depth_loss, geometry_loss, heatmap_loss
from maquette.models.hourglass_supervision import (
    HourglassLossSettings,
    HourglassTarget,
    hourglass_loss,
    places_px,
    weak_geometry,
)

EVERYTHING = torch.ones(1, 16, dtype=torch.bool)
ROWS = {"all": range(6), "sup": (0, 3), "weak": (1, 4), "invis": (2, 5), "mixed": (0, 1)}
WEIGHTS = {"rw0.1_vw0.01": (0.1, 0.01), "rw1_vw0": (1.0, 0.0), "rw0_vw1": (0.0, 1.0), "rw0.5_vw0.25": (0.5, 0.25)}


def waves() -> tuple[Tensor, Tensor]:
    """The pose that the specification works out: places and depths by formulas."""
    k = torch.arange(16, dtype=torch.float64)
    return torch.stack([0.5 * torch.sin(k), 0.5 * torch.cos(2 * k)], -1)[None], (0.1 * ((7 * k) % 5 - 2))[None]


def some_target(n: int, seed: int = 0, size: int = 64) -> HourglassTarget:
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=rng, dtype=torch.float64)

    weak = torch.arange(n) % 2 == 1
    return HourglassTarget(
        draw(n, 16, size, size), size * draw(n, 16, 2), draw(n, 16) > 0.2, draw(n, 16) - 0.5, ~weak, weak
    )


def test_constraint_on_bones_by_hand() -> None:
    xy, z = waves()
    z.requires_grad_()
    loss = geometry_loss(xy, z, EVERYTHING)
    loss.sum().backward()
    assert z.grad is not None
    assert loss.item() == pytest.approx(0.20902644181622498, rel=1e-14)
    each = [geometry_loss(xy, z, EVERYTHING, groups=[group]).item() for group in GROUPS]
    by_hand = [0.05782484549633125, 0.0033311722326846618, 0.13567459828573492, 0.012195825801474157]
    np.testing.assert_allclose(each, by_hand, rtol=1e-13)
    gradient = [-0.033206, 0.178171, -0.069537, 0.131322, -0.010777, 0.032937, -0.228910, 0, -0.030901, 0]
    gradient += [-0.008064, 0.013558, 0.025407, -0.006759, -0.011707, 0.018465]
    np.testing.assert_allclose(z.grad[0], gradient, atol=5.1e-7)
    hidden = EVERYTHING.clone()
    hidden[0, [0, 12]] = False
    assert geometry_loss(xy, z, hidden).item() == pytest.approx(0.18180107600890386, rel=1e-14)
    second = geometry_loss((xy + 1) / 2, z, EVERYTHING, reduction="v2")
    assert second.item() == pytest.approx(0.025418097841346247, rel=1e-14)


def test_gradient_of_the_constraint_is_its_derivative() -> None:
    rng = torch.Generator().manual_seed(3)
    xy = torch.randn(3, 16, 2, generator=rng, dtype=torch.float64, requires_grad=True)
    z = torch.randn(3, 16, generator=rng, dtype=torch.float64, requires_grad=True)
    visible = torch.rand(3, 16, generator=rng) > 0.3
    assert torch.autograd.gradcheck(lambda a, b: geometry_loss(a, b, visible), (xy, z))
    assert torch.autograd.gradcheck(lambda a, b: geometry_loss(a, b, visible, skip_zero_bones=True), (xy, z))


def test_constraint_of_bodies_with_equal_bones_is_nothing() -> None:
    """Unit offsets along the bones of each group, shortened by its weights."""
    direction = torch.nn.functional.normalize(torch.randn(16, 3, dtype=torch.float64), dim=-1)
    joints = torch.zeros(16, 3, dtype=torch.float64)
    for group in GROUPS:
        for (a, b), weight in zip(group.bones, group.weights, strict=True):
            if group.bones == GROUPS[0].bones[:4]:
                joints[b] = joints[a] + direction[a] / weight
    chain = [((1, 2), 1.0), ((0, 1), GROUPS[0].weights[0]), ((3, 4), 1.0), ((4, 5), GROUPS[0].weights[3])]
    for (a, b), weight in chain:
        if a == 0:
            joints[a] = joints[b] + direction[a] / weight
        else:
            joints[b] = joints[a] + direction[b] / weight
    loss = geometry_loss(joints[None, :, :2], joints[None, :, 2], EVERYTHING, groups=GROUPS[:1])
    assert loss.item() < 1e-30


def test_constraint_knows_no_place_no_reflection_and_squares_scale() -> None:
    rng = torch.Generator().manual_seed(5)
    xy = torch.randn(4, 16, 2, generator=rng, dtype=torch.float64)
    z = torch.randn(4, 16, generator=rng, dtype=torch.float64)
    visible = torch.rand(4, 16, generator=rng) > 0.2
    plain = geometry_loss(xy, z, visible)
    shift = torch.tensor([3.0, -2.0], dtype=torch.float64)
    torch.testing.assert_close(geometry_loss(xy + shift, z + 7, visible), plain)
    torch.testing.assert_close(geometry_loss(xy, -z, visible), plain)
    torch.testing.assert_close(geometry_loss(-3 * xy, 3 * z, visible), 9 * plain)
    pairs = [5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10]
    mirrored = xy[:, pairs] * torch.tensor([-1.0, 1.0])
    torch.testing.assert_close(geometry_loss(mirrored, z[:, pairs], visible[:, pairs]), plain)


def test_groups_of_one_bone_and_invisible_nonsense_add_nothing() -> None:
    xy, z = waves()
    few = torch.zeros(1, 16, dtype=torch.bool)
    few[0, [0, 1, 2, 6, 12, 8]] = True  # two bones of the legs, one of the hips, one of the shoulders
    legs = geometry_loss(xy, z, few, groups=GROUPS[:1])
    torch.testing.assert_close(geometry_loss(xy, z, few), legs)
    broken = torch.where(few[..., None], xy, torch.nan)
    depth = z.clone().requires_grad_()
    loss = geometry_loss(broken, depth, few)
    loss.sum().backward()
    torch.testing.assert_close(loss.detach(), legs)
    assert depth.grad is not None
    assert torch.isfinite(depth.grad).all()
    assert geometry_loss(xy, z, torch.zeros(1, 16, dtype=torch.bool)).item() == 0


def test_bones_without_length_have_a_gradient() -> None:
    """By hand: legs of lengths 0, 1, 0, 2 (the weights of the second and third bone are 1)."""
    xy, z = torch.zeros(1, 16, 2, dtype=torch.float64), torch.zeros(1, 16, dtype=torch.float64)
    z[0, 2], z[0, 3], z[0, 4], z[0, 5] = 1, 0, 2, 2
    seen = torch.zeros(1, 16, dtype=torch.bool)
    seen[0, :6] = True
    depth = z.clone().requires_grad_()
    mean = 3 / 4
    all_count = (2 * mean**2 + (1 - mean) ** 2 + (2 - mean) ** 2) / 4
    loss = geometry_loss(xy, depth, seen)
    assert loss.item() == pytest.approx(all_count, rel=1e-14)
    loss.sum().backward()
    assert depth.grad is not None
    np.testing.assert_allclose(depth.grad[0, 2].item(), 2 / 4 * (1 - mean), rtol=1e-13)
    published = geometry_loss(xy, z, seen, skip_zero_bones=True)
    assert published.item() == pytest.approx(((1 - mean) ** 2 + (2 - mean) ** 2) / 4, rel=1e-14)


def fusion_target(target: np.ndarray) -> HourglassTarget:
    """The original's array: x, y in heatmap pixels and whether visible; or 0, 0 and the depth."""
    numbers = torch.tensor(target.astype(np.float64))
    has_depth = numbers[..., :2].sum(dim=(1, 2)) == 0
    return HourglassTarget(
        heatmaps=torch.zeros(len(numbers), 16, 64, 64, dtype=torch.float64),
        xy_px=numbers[..., :2],
        visible=numbers[..., 2] > 0.5,
        depth=numbers[..., 2],
        has_depth=has_depth,
        weak=~has_depth,
    )


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("shrunk", [False, True])
def test_published_sum_of_losses(goldens_dir: Path, rows: str, weights: str, shrunk: bool) -> None:
    golden = np.load(goldens_dir / "zhou_hourglass" / "fusion_criterion.npz")
    chosen = list(ROWS[rows])
    depth = torch.tensor(golden["input"][chosen].astype(np.float64), requires_grad=True)
    target = fusion_target(golden["target"][chosen])
    reg, var = WEIGHTS[weights]
    settings = HourglassLossSettings(depth_weight=reg, geometry_weight=var, shrunk_gradient=shrunk)
    losses = hourglass_loss([target.heatmaps], depth, target, settings)
    assert losses.heatmaps.item() == 0
    assert losses.total.item() == pytest.approx(float(golden[f"{weights}_{rows}_loss"]), rel=2e-6, abs=1e-12)
    assert losses.total.item() == pytest.approx(losses.depth.item() + losses.geometry.item())
    if losses.total.requires_grad:
        losses.total.backward()
    gradient = np.zeros((len(chosen), 16)) if depth.grad is None else depth.grad.numpy()
    expected = golden[f"{weights}_{rows}_grad_{'original_flow' if shrunk else 'unmutated_target'}"]
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-7 * max(np.abs(expected).max(), 1e-9) + 1e-9)


def test_the_two_gradients_of_the_port_differ(goldens_dir: Path) -> None:
    golden = np.load(goldens_dir / "zhou_hourglass" / "fusion_criterion.npz")
    ours, theirs = (golden[f"rw0_vw1_weak_grad_{kind}"].ravel() for kind in ("unmutated_target", "original_flow"))
    cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
    assert cosine < 0.8


def test_losses_of_the_second_version(goldens_dir: Path) -> None:
    golden = np.load(goldens_dir / "zhou_v2_resnet" / "losses.npz")
    depth = torch.tensor(golden["gathered_direct"].astype(np.float64), requires_grad=True)
    target = torch.tensor(golden["target"][..., 0].astype(np.float64))
    mask = torch.tensor(golden["mask"] > 0)
    has_depth = mask.any(dim=1)
    loss = depth_loss(depth, target, has_depth, "smooth-l1", mask)
    loss.backward()
    assert depth.grad is not None
    assert loss.item() == pytest.approx(float(golden["RegLoss"]), rel=1e-6)
    np.testing.assert_allclose(depth.grad, golden["RegLoss_grad_at_gathered"], rtol=1e-4, atol=1e-8)

    for weight in ("1", "0.01"):
        depth = depth.detach().requires_grad_()
        places = torch.tensor(golden["gt_2d"].astype(np.float64)) * 64
        weak = HourglassTarget(
            torch.zeros(4, 16, 64, 64, dtype=torch.float64), places, target > 0.5, target, has_depth, ~has_depth
        )
        settings = HourglassLossSettings(depth_weight=0.0, geometry_weight=float(weight), reduction="v2")
        losses = hourglass_loss([weak.heatmaps], depth, weak, settings)
        losses.total.backward()
        assert losses.total.item() == pytest.approx(float(golden[f"VarLoss_vw{weight}"]), rel=2e-6)
        assert depth.grad is not None
        np.testing.assert_allclose(depth.grad, golden[f"VarLoss_vw{weight}_grad"][..., 0], rtol=1e-4, atol=1e-8)


def test_heatmap_loss_is_the_mean_of_squares_of_each_stack() -> None:
    target = some_target(2).heatmaps
    maps = [target + 1, target - 2]
    assert heatmap_loss(maps, target).item() == pytest.approx(1 + 4)
    visible = torch.zeros(2, 16, dtype=torch.bool)
    visible[0, 3] = visible[1, 4] = True
    only = [target.clone()]
    only[0][0, 3] += 3
    only[0][0, 5] += 100
    assert heatmap_loss(only, target, visible).item() == pytest.approx(9 / 2)
    assert heatmap_loss(only, target, torch.zeros_like(visible)).item() == 0


def test_depth_counts_where_it_is_known() -> None:
    depth, target = torch.zeros(4, 16, requires_grad=True), torch.full((4, 16), torch.nan)
    target[1], target[3] = 1.0, 2.0
    loss = depth_loss(depth, target, torch.tensor([False, True, False, True]))
    assert loss.item() == pytest.approx((1 + 4) / 4)
    loss.backward()
    assert depth.grad is not None
    assert torch.isfinite(depth.grad).all()
    assert not depth.grad[[0, 2]].any()
    assert depth_loss(depth, target, torch.zeros(4, dtype=torch.bool)).item() == 0


@pytest.mark.parametrize(
    ("depth_weight", "geometry_weight", "parts"),
    [(0.0, 0.0, (False, False)), (0.1, 0.0, (True, False)), (0.1, 0.01, (True, True))],
)
def test_stages_are_weights(depth_weight: float, geometry_weight: float, parts: tuple[bool, bool]) -> None:
    target = some_target(4)
    # A flat body is a saddle of the constraint: there its gradient is 0.
    depth = some_target(4, seed=1).depth.requires_grad_()
    settings = HourglassLossSettings(depth_weight=depth_weight, geometry_weight=geometry_weight)
    losses = hourglass_loss([target.heatmaps * 0.5] * 2, depth, target, settings)
    assert (losses.depth.item() > 0, losses.geometry.item() > 0) == parts
    if any(parts):
        losses.total.backward()
        assert depth.grad is not None
        supervised, weak = depth.grad[target.has_depth].any(), depth.grad[target.weak].any()
        assert (bool(supervised), bool(weak)) == parts
    nothing = hourglass_loss([target.heatmaps], None, target, settings)
    assert nothing.total.item() == nothing.heatmaps.item() == 0


def test_samples_that_are_not_weak_obey_no_constraint() -> None:
    target = some_target(6)
    settings = HourglassLossSettings()
    each = weak_geometry(target.xy_px, torch.randn(6, 16, dtype=torch.float64), target, settings)
    assert (each > 0).tolist() == target.weak.tolist()
    everybody = target._replace(weak=torch.ones(6, dtype=torch.bool))
    assert (weak_geometry(target.xy_px, torch.randn(6, 16, dtype=torch.float64), everybody, settings) > 0).all()


def test_places_for_the_constraint() -> None:
    """Brightest pixel (10, 20) of the target; the prediction is brighter right of it and above it; a corner stays."""
    target = some_target(1)
    maps = torch.zeros(1, 16, 64, 64)
    maps[0, :, 20, 10] = 1
    maps[0, 1] = 0
    maps[0, 1, 0, 5] = 1
    predicted = torch.zeros(1, 16, 64, 64)
    predicted[0, :, 20, 11] = predicted[0, :, 19, 10] = 0.5
    predicted[0, 2, 40, 30] = 0.9
    target = target._replace(heatmaps=maps)
    assert places_px(predicted, target, "target") is target.xy_px
    torch7 = places_px(predicted, target, "torch7")[0]
    assert torch7[0].tolist() == [10.75, 20.25]
    assert torch7[1].tolist() == [5.5, 0.5]
    assert places_px(predicted, target, "predicted")[0, 2].tolist() == [30.5, 40.5]
    settings = replace(HourglassLossSettings(geometry_weight=1.0), places_of="predicted")
    depth = torch.randn(1, 16, requires_grad=True)
    weak = target._replace(
        xy_px=target.xy_px.float(),
        depth=target.depth.float(),
        weak=torch.tensor([True]),
        has_depth=torch.tensor([False]),
    )
    wants = predicted.requires_grad_()
    hourglass_loss([wants], depth, weak, replace(settings, heatmap_weight=0.0)).total.backward()
    assert wants.grad is None or not wants.grad.any()
    assert depth.grad is not None
    assert depth.grad.any()
