"""The semi-supervised step: projection of the original, losses against plain NumPy, gradients against differences."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from published_sequences import published_sequences

from maquette.datasets.chunks import ChunkFeed
from maquette.errors import InputError
from maquette.models.semi_supervised import (
    PoseAndTrajectory,
    bone_length_difference,
    check_unlabelled,
    project,
    semi_supervised_losses,
)
from maquette.models.videopose import TemporalModel, published_optimiser
from maquette.skeletons import COCO_17, H36M_17


def networks(**options) -> PoseAndTrajectory:
    torch.manual_seed(0)
    options = {"filter_widths": (3, 3, 3), "channels": 16, "dropout": 0.0, "strided": True} | options
    pair = PoseAndTrajectory(TemporalModel(17, 2, 17, **options), TemporalModel(17, 2, 1, **options)).double()
    # A person in front of the camera, or the projection is of no use.
    with torch.no_grad():
        dict(pair.trajectory.named_parameters())["shrink.bias"][2] = 5.0
    return pair


@pytest.fixture(scope="module")
def sequences(goldens_dir):
    return published_sequences(goldens_dir, "S1"), published_sequences(goldens_dir, "S9")


def batches(sequences, **options) -> dict[str, Any]:
    labelled, unlabelled = (
        ChunkFeed(part, receptive_field=27, batch_size=size, seed=seed, **options).batch(0, 0)
        for part, size, seed in zip(sequences, (12, 9), (1234, 4321), strict=True)
    )
    arrays = {
        "labelled": labelled.inputs,
        "targets": labelled.targets,
        "unlabelled": unlabelled.inputs,
        "intrinsics": unlabelled.intrinsics,
    }
    return {name: torch.from_numpy(array).double() for name, array in arrays.items()}


@pytest.mark.parametrize(("key", "linear"), [("project_to_2d", False), ("project_to_2d_linear", True)])
def test_projection_of_the_original(goldens_dir, key, linear):
    golden = dict(np.load(goldens_dir / "metrics" / "camera_videopose3d.npz"))
    points, cameras = torch.from_numpy(golden["proj_in"])[:, None], torch.from_numpy(golden["cam_params"])
    np.testing.assert_allclose(project(points, cameras, linear=linear)[:, 0], golden[key], atol=1e-6)


def by_numpy(poses, places, batch, before, *, linear) -> dict[str, Any]:
    """The loss written out joint by joint."""
    n, stride = len(batch["labelled"]), batch["targets"].shape[1]
    position, trajectory, seen = [], [], []
    for b in range(n):
        for t in range(stride):
            target = batch["targets"][b, t]
            for j in range(17):
                position.append(np.linalg.norm(poses[b, t, j] - (0 if j == 0 else target[j])))
            trajectory.append(np.linalg.norm(places[b, t, 0] - target[0]) / target[0, 2])
    for b in range(len(batch["unlabelled"])):
        fx, fy, cx, cy, k1, k2, k3, px, py = batch["intrinsics"][b]
        for t in range(stride):
            for j in range(17):
                x, y, z = poses[n + b, t, j] + places[n + b, t, 0]
                x, y = np.clip(x / z, -1, 1), np.clip(y / z, -1, 1)
                r2 = x * x + y * y
                bend = 1 + k1 * r2 + k2 * r2**2 + k3 * r2**3 + px * x + py * y
                u, v = (x, y) if linear else (x * bend + px * r2, y * bend + py * r2)
                at = batch["unlabelled"][b, before + t, j]
                seen.append(np.hypot(fx * u + cx - at[0], fy * v + cy - at[1]))
    bones = []
    for j in range(1, 17):
        lengths = np.linalg.norm(poses[:, :, j] - poses[:, :, H36M_17.parents[j]], axis=-1)
        bones.append(abs(lengths[:n].mean() - lengths[n:].mean()))
    return {
        "position": np.mean(position),
        "trajectory": np.mean(trajectory),
        "projection": np.mean(seen),
        "bones": np.mean(bones),
    }


@pytest.mark.parametrize(
    ("stride", "causal", "linear"), [(1, False, False), (1, True, True), (4, False, True), (4, True, False)]
)
def test_losses_by_plain_numpy(sequences, stride, causal, linear):
    pair = networks(causal=causal, strided=stride == 1)
    batch = batches(sequences, stride=stride, causal=causal)
    losses = semi_supervised_losses(pair, **batch, skeleton=H36M_17, is_warming_up=False, linear_projection=linear)
    with torch.no_grad():
        inputs = torch.cat([batch["labelled"], batch["unlabelled"]])
        poses, places = pair.pose(inputs).numpy(), pair.trajectory(inputs).numpy()
    arrays = {name: tensor.numpy() for name, tensor in batch.items()}
    expected = by_numpy(poses, places, arrays, 26 if causal else 13, linear=linear)
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(losses, name).item(), value, rtol=1e-10, err_msg=name)
    np.testing.assert_allclose(losses.total.item(), sum(expected.values()), rtol=1e-10)


def test_gradients_by_differences(sequences):
    pair, batch = networks(), batches(sequences)

    def total() -> torch.Tensor:
        return semi_supervised_losses(pair, **batch, skeleton=H36M_17, is_warming_up=False).total

    total().backward()
    step = 1e-6
    for network in (pair.pose, pair.trajectory):
        parameters = dict(network.named_parameters())
        for name in ("expand_conv.weight", "layers_bn.1.weight", "shrink.bias"):
            parameter = parameters[name]
            assert parameter.grad is not None
            place = parameter.grad.abs().flatten().argmax()
            values = []
            for side in (step, -step):
                with torch.no_grad():
                    parameter.view(-1)[place] += side
                    values.append(total().item())
                    parameter.view(-1)[place] -= side
            slope = (values[0] - values[1]) / (2 * step)
            np.testing.assert_allclose(parameter.grad.flatten()[place].item(), slope, rtol=1e-5)


def test_warming_up_learns_from_labels_only(sequences):
    pair, batch = networks(), batches(sequences)
    losses = semi_supervised_losses(pair, **batch, skeleton=H36M_17, is_warming_up=True)
    assert losses.projection is None
    assert losses.bones is None
    torch.testing.assert_close(losses.total, losses.position + losses.trajectory)
    without = semi_supervised_losses(
        pair, **batch, skeleton=H36M_17, is_warming_up=False, projection_term=False, bone_length_term=False
    )
    torch.testing.assert_close(without.total, losses.total)


def test_unlabelled_windows_teach(sequences):
    """Forty steps on one batch bring the projection down, which nothing else in the loss asks for."""
    pair, batch = networks(), batches(sequences)
    optimiser = published_optimiser([pair.pose, pair.trajectory], 1e-3)
    projections = []
    for _ in range(40):
        losses = semi_supervised_losses(pair, **batch, skeleton=H36M_17, is_warming_up=False)
        optimiser.zero_grad()
        losses.total.backward()
        optimiser.step()
        assert losses.projection is not None
        projections.append(losses.projection.item())
    assert projections[-1] < projections[0] / 2


def test_mirrored_camera_sees_the_mirrored_person(sequences):
    """The loss of a mirrored batch under mirrored cameras: the same points, mirrored."""
    feed = ChunkFeed(sequences[0], receptive_field=1, batch_size=1000, shuffle=False)
    batch = feed.batch(0, 0)
    chunks = feed.chunks
    for sequence in (0, 2):
        plain, mirrored = ((chunks.sequence == sequence) & (chunks.mirrored == m) for m in (False, True))
        seen = []
        for rows in (plain, mirrored):
            points = torch.from_numpy(batch.targets[rows]).double()
            points[:, :, 1:] += points[:, :, :1]
            seen.append(project(points, torch.from_numpy(batch.intrinsics[rows]).double()))
        swapped = seen[1][:, :, H36M_17.mirror_permutation.tolist()] * torch.tensor([-1, 1])
        torch.testing.assert_close(swapped, seen[0], rtol=0, atol=1e-6)


def test_bones_of_equal_length_cost_nothing():
    poses = torch.randn(5, 2, 17, 3)
    assert bone_length_difference(poses, poses + torch.randn(1, 2, 1, 3), H36M_17) < 1e-6
    torch.testing.assert_close(
        bone_length_difference(poses, 2 * poses, H36M_17),
        bone_length_difference(poses, 0 * poses, H36M_17),
    )


def test_what_cannot_be_trained_with(sequences):
    labelled, unlabelled = sequences
    check_unlabelled(labelled, unlabelled)
    no_lens = unlabelled.intrinsics.copy()
    no_lens[:, 4:] = np.nan
    strange = dataclasses.replace(unlabelled, input_skeleton=COCO_17, intrinsics=no_lens)
    with pytest.raises(InputError, match=r"(?s)2 problems.*unlabelled coco-17.*S9, Directions 1, camera 0"):
        check_unlabelled(labelled, strange)
    check_unlabelled(labelled, dataclasses.replace(unlabelled, intrinsics=no_lens), linear_projection=True)
    with pytest.raises(InputError, match="2D joints are coco-17"):
        check_unlabelled(dataclasses.replace(labelled, input_skeleton=COCO_17), strange, linear_projection=True)
    with pytest.raises(InputError, match="gives 17"):
        PoseAndTrajectory(TemporalModel(17, 2, 17, channels=4), TemporalModel(17, 2, 17, channels=4))
