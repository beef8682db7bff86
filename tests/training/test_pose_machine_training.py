"""The recipe of the pose machine's five stages against the published table; order, losses and pictures by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from made_machine_data import FILMED, PAIRS, write_filmed_store, write_lists, write_stills

from maquette.errors import InputError, ModelError
from maquette.lifting.min_max import PUBLISHED_16
from maquette.models.pose_machine import PoseMachine
from maquette.skeletons import H36M_16
from maquette.training.plans import PoseMachinePreset
from maquette.training.pose_machine import PoseMachineExperiment, build_network, validation_chunks
from maquette.training.pose_machine_data import PoseMachineData, PretrainingData
from maquette.training.pose_machine_order import SequenceOrder, StillOrder
from maquette.training.pose_machine_pretraining import PretrainingExperiment
from maquette.training.pose_machine_recipe import FACTOR, freeze_for_stage, layer_factors, load_stage, stage_optimiser
from maquette.training.presets import get_preset

TRUNK = (
    "conv1_1 conv1_2 conv2_1 conv2_2 conv3_1 conv3_2 conv3_3 conv3_4 conv4_1 conv4_2 "
    "conv4_3_CPM conv4_4_CPM conv4_5_CPM conv4_6_CPM conv4_7_CPM"
).split()
ADAPTION = "special_conv_1 special_conv_2 fa_conv_1 fa_conv_2 fc".split()
CORRECTION = "change_tmp change project_1 project_2 project_3 project_2d".split()
TABLE: dict[int, dict[str, Any]] = {
    2: dict.fromkeys(ADAPTION, (1, 2)) | {"lstm1": (1, 1), "lstm2": (1, 1), "fc-final_16": (10, 20)},
    3: dict.fromkeys(CORRECTION, (1, 2)) | {"change": (2, 2), "project_2d": (5, 5)},
    4: dict.fromkeys([*TRUNK, *ADAPTION, "lstm1", "lstm2", *CORRECTION], (1, 1)) | {"fc-final_16": (2, 2)},
    5: dict.fromkeys([*ADAPTION, "lstm1", "lstm2", "fc-final_16", *CORRECTION], (1, 1))
    | {"change": (2, 2), "project_2d": (2, 2)},
}
"""``specs/pose_machine.md``, section 5: what moves in each step, and its ``lr_mult`` of weight and bias."""


def plan(name: str = "pose-machine-h36m-pairs", **fields: Any) -> PoseMachinePreset:
    found = get_preset(name, **fields)
    assert isinstance(found, PoseMachinePreset)
    return found


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    return write_filmed_store(tmp_path_factory.mktemp("filmed") / "store")


@pytest.fixture(scope="module")
def stills(tmp_path_factory):
    return write_stills(tmp_path_factory.mktemp("mpii"))


def test_the_published_numbers():
    preset = plan("pose-machine-h36m")
    assert preset.stage_steps[1:] == (300_000, 300_000, 400_000, 400_000)
    assert preset.learning_rate[1:] == (1e-4, 1e-4, 1e-5, 1e-5)
    assert (preset.batch_size, preset.sequence_frames, preset.stills) == (5, 5, 3)
    assert (preset.clip_norm, preset.mask_probability, preset.image_size, preset.width) == (5, 0.02, 368, 1024)
    switches = ("half_bone_gradient", "published_flags", "published_sampling", "published_missing", "mean_limb_scaled")
    assert not any(getattr(preset, name) for name in switches)


@pytest.mark.parametrize("stage", TABLE)
def test_the_factors_of_every_layer(stage):
    network = PoseMachine("image", width=8, image_size=64)
    assert layer_factors(network, stage) == TABLE[stage]
    frozen = set(freeze_for_stage(network, stage))
    for name, parameters in network.caffe_layers().items():
        assert all(p.requires_grad == (name in TABLE[stage]) for p in parameters), name
    assert len(frozen) == sum(len(p) for n, p in network.caffe_layers().items() if n not in TABLE[stage])
    optimiser = stage_optimiser(network, stage, 1e-4)
    layers, factor_of = network.caffe_layers(), {}
    for group in optimiser.param_groups:
        assert (group["betas"], group["weight_decay"]) == ((0.9, 0.999), 0)
        factor_of |= {id(p): group[FACTOR] for p in group["params"]}
    for name, (weight, bias) in TABLE[stage].items():
        assert factor_of[id(layers[name][0])] == weight, name
        assert factor_of[id(layers[name][1])] == bias, name
        assert all(factor_of[id(p)] == weight for p in layers[name][2:]), name
    assert len(factor_of) == sum(len(layers[name]) for name in TABLE[stage])


@pytest.mark.parametrize("stage", TABLE)
@pytest.mark.parametrize("front", ["image", "keypoints"])
def test_one_step_moves_each_layer_by_its_rate_and_nothing_else(filmed, stills, stage, front):
    """Caffe's first step: the rate times g / (|g| + epsilon / sqrt(1 - 0.999)), of the clipped gradient g."""
    name = "pose-machine-h36m" if front == "image" else "pose-machine-h36m-pairs"
    preset = plan(name, **FILMED, mpii=str(stills), learning_rate=(1e-4, 1e-3, 1e-4, 1e-4, 1e-4))
    torch.manual_seed(3)
    experiment = PoseMachineExperiment(preset, PoseMachineData.open(preset, filmed), stage)
    network = experiment.network.train()
    for parameter in network.parameters():  # the published start is so small that nothing reaches the front
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter.data, std=1.4 / parameter[0].numel() ** 0.5)
    before = {n: p.detach().clone() for n, p in network.named_parameters()}
    optimiser = experiment.make_optimizer()
    experiment.loss(experiment.batch(0)).backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), preset.clip_norm)
    optimiser.step()
    expected: dict[str, Any] = dict(TABLE[stage])
    if front == "keypoints":
        seen = dict.fromkeys(
            ("keypoint_1", "keypoint_2", "keypoint_3", "fc"), {2: (1, 2), 4: (1, 1), 5: (1, 1)}.get(stage)
        )
        rest = {n: f for n, f in expected.items() if n not in (*TRUNK, *ADAPTION)}
        expected = rest if stage == 3 else rest | seen
    names = {id(p): n for n, p in network.named_parameters()}
    rate = preset.learning_rate[stage - 1]
    for layer, parameters in network.caffe_layers().items():
        for i, parameter in enumerate(parameters):
            moved = (parameter.detach() - before[names[id(parameter)]]).double()
            if layer not in expected:
                assert not moved.any(), layer
                continue
            gradient = parameter.grad
            assert gradient is not None
            g = gradient.double()
            step = -rate * expected[layer][i == 1] * g / (g.abs() + 1e-8 / np.sqrt(1e-3))
            assert moved.abs().max() > 0.9 * rate * expected[layer][i == 1], layer
            torch.testing.assert_close(moved, step, rtol=1e-3, atol=2e-7)


def bones(values: np.ndarray, dims: int) -> np.ndarray:
    joints = values.reshape(len(values), 16, dims)
    return joints[:, [0, 0, 1, 2, 0, 4, 5, 0, 7, 8, 8, 10, 11, 8, 13, 14]] - joints


def test_the_losses_are_the_published_sums(filmed, stills):
    preset = plan(**PAIRS, mpii=str(stills), published_missing=True, dropped_value=0.0)
    data = PoseMachineData.open(preset, filmed)
    for stage in TABLE:
        experiment = PoseMachineExperiment(preset, data, stage)
        experiment.network.eval()
        batch = experiment.batch(4)
        assert len(batch.frames) == (5 if stage == 2 else 8)
        with torch.no_grad():
            losses = {k: v.item() for k, v in experiment.losses(batch).items()}
            output = experiment.output(batch)
        coarse, corrected, projected = (v.numpy().astype(float) for v in output[:3])
        points, poses = batch.points.numpy().astype(float), batch.poses.numpy().astype(float)
        assert np.isnan(poses[5:]).all()
        truth = poses[:5]
        expected = {"coarse_3d": ((coarse[:5] - truth) ** 2).sum() / 10}
        if stage > 2:
            expected |= {
                "corrected_3d": ((corrected[:5] - truth) ** 2).sum() / 10,
                "coarse_bones": ((bones(coarse[:5], 3) - bones(truth, 3)) ** 2).sum() / 10,
                "corrected_bones": ((bones(corrected[:5], 3) - bones(truth, 3)) ** 2).sum() / 10,
                "projected_2d": ((projected - points) ** 2).sum() / 16,
            }
        if stage == 5:
            expected["projected_bones"] = ((bones(projected, 2) - bones(points, 2)) ** 2).sum() / 16
        assert losses == pytest.approx(expected, rel=1e-5)
        assert experiment.loss(batch).item() == pytest.approx(sum(expected.values()), rel=1e-5)


def test_missing_points_count_only_as_published(filmed, stills):
    fields: dict[str, Any] = PAIRS | {"mpii": str(stills)}
    found = {}
    for published in (False, True):
        preset = plan(**fields, published_missing=published)
        torch.manual_seed(0)
        experiment = PoseMachineExperiment(preset, PoseMachineData.open(preset, filmed), 3)
        batch = experiment.batch(0)
        assert batch.observed is not None
        assert not batch.observed[5:, 7].any()
        moved = batch._replace(points=batch.points.clone())
        moved.points[5:, 14:16] += 0.3  # the spine, which no still picture has
        found[published] = [experiment.losses(b)["projected_2d"].item() for b in (batch, moved)]
    assert found[False][0] == found[False][1]
    assert found[True][0] != found[True][1]


def test_bodies_at_mean_limb_lengths_are_a_switch_of_stores(filmed, tmp_path):
    lengths = {}
    for scaled in (False, True):
        data = PoseMachineData.open(plan(**PAIRS, mean_limb_scaled=scaled), filmed)
        assert data.test is not None
        bones = [part.rows.targets_mm()[:, 3] - part.rows.targets_mm()[:, 2] for part in (data.train, data.test)]
        lengths[scaled] = np.linalg.norm(np.concatenate(bones), axis=-1)
    assert lengths[True].std() < 1e-3 * lengths[True].mean()
    train_rows = len(data.train.rows)
    assert lengths[True].mean() == pytest.approx(lengths[False][:train_rows].mean(), rel=0.02)
    with pytest.raises(InputError, match="--mean-limb-scaled is for stores"):
        PoseMachineData.open(plan(**PAIRS, mean_limb_scaled=True), write_lists(tmp_path / "lists", filmed))


def test_half_the_gradient_of_bones_is_a_switch(filmed):
    gradients, losses = [], []
    for half in (False, True):
        preset = plan(**PAIRS, half_bone_gradient=half)
        torch.manual_seed(0)
        experiment = PoseMachineExperiment(preset, PoseMachineData.open(preset, filmed), 4)
        loss = experiment.losses(experiment.batch(0))["corrected_bones"]
        loss.backward()
        bias = experiment.network.correction.change.bias.grad
        assert bias is not None
        losses.append(loss.item())
        gradients.append(bias.reshape(16, 3))
    assert losses[0] == losses[1]
    for joint in range(16):
        # A joint that is nobody's parent (feet, head, wrists) loses nothing.
        same = torch.equal(gradients[0][joint], gradients[1][joint])
        assert same == (joint in (3, 6, 9, 12, 15)), joint


def test_joints_are_hidden_in_stage_5_alone(filmed):
    data = PoseMachineData.open(plan(**PAIRS), filmed)
    for stage in TABLE:
        network = PoseMachineExperiment(plan(**PAIRS), data, stage).network
        expected = torch.full((16,), 0.02 if stage == 5 else 0.0)
        expected[[7, 9]] *= 2
        torch.testing.assert_close(network.dropout.get_buffer("probabilities"), expected)


def test_sequences_stay_in_one_video_unless_as_published():
    continues = np.array([0, 1, 1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1], dtype=bool)
    sane = SequenceOrder(continues, frames=5, sequences=2, seed=1, published=False)
    starts = {int(start) for step in range(60) for start in sane.rows(step)[:, 0]}
    assert starts == {0, 1, 9}
    assert np.array_equal(
        sane.rows(7), SequenceOrder(continues, frames=5, sequences=2, seed=1, published=False).rows(7)
    )
    assert np.array_equal(sane.marks(sane.rows(3)), [[False, True, True, True, True]] * 2)
    published = SequenceOrder(continues, frames=5, sequences=1, seed=1, published=True)
    rows = {int(published.rows(step)[0, 0]): published.rows(step) for step in range(300)}
    assert set(rows) == set(range(14))
    assert rows[12].tolist() == [[12, 13, 0, 1, 2]]
    assert published.marks(rows[12]).tolist() == [[False, True, False, True, True]]
    assert published.marks(rows[4]).tolist() == [[False, True, False, True, True]]
    with pytest.raises(InputError, match="no video of the training data has 7 frames"):
        SequenceOrder(continues, frames=7, sequences=1, seed=1, published=False)


def test_still_pictures_come_once_in_an_epoch_unless_as_published():
    order = StillOrder(9, count=3, seed=5, published=False)
    epochs = [np.concatenate([order.rows(3 * epoch + i) for i in range(3)]) for epoch in range(4)]
    assert all(sorted(epoch) == list(range(9)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert np.array_equal(order.rows(1), epochs[0][3:6])
    published = StillOrder(9, count=3, seed=5, published=True)
    triples = {tuple(published.rows(step)) for step in range(200)}
    assert len(triples) == 9
    ring = {triple[0]: triple for triple in triples}
    assert all(ring[second][0] == second and ring[second][1] == third for _, second, third in triples)
    with pytest.raises(InputError, match="2 still pictures, fewer than the 3 of a step"):
        StillOrder(2, count=3, seed=5, published=False)


def test_validation_is_in_millimetres_and_each_sequence_by_itself(filmed):
    fields: dict[str, Any] = PAIRS | {"validate_frames": 0}
    preset = plan(**fields, published_flags=True)
    data = PoseMachineData.open(preset, filmed)
    experiment = PoseMachineExperiment(preset, data, 3)
    network = experiment.network.eval()
    assert data.test is not None
    test = data.test.rows
    with torch.no_grad():
        for layer in (network.fc_final, network.correction.project_2d):
            torch.nn.init.normal_(layer.weight, std=0.3)
        for parameter in network.lstm.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
        found = experiment.validate()
        coarse, corrected, projected = [], [], []
        for begin, end in zip(test.starts[:-1], test.starts[1:], strict=True):
            for start in range(begin, end, 5):
                rows = np.arange(start, min(start + 5, end))
                output = network(
                    torch.from_numpy(test.points[rows].reshape(len(rows), -1)), torch.arange(len(rows)) > 0
                )
                for values, into in zip(output[:3], (coarse, corrected, projected), strict=True):
                    into.append(values.numpy().astype(float))
    assert network.lstm.published_flags
    truth = test.targets_mm()
    span, low = PUBLISHED_16.max_mm - PUBLISHED_16.min_mm, PUBLISHED_16.min_mm
    errors = [
        np.linalg.norm(np.concatenate(v).reshape(-1, 16, 3) * span + low - truth, axis=-1).mean()
        for v in (coarse, corrected)
    ]
    off = np.linalg.norm(np.concatenate(projected).reshape(-1, 16, 2) - test.points, axis=-1).mean()
    expected = dict(
        zip(("coarse_mpjpe_mm", "corrected_mpjpe_mm", "projected_2d_percent"), (*errors, 100 * off), strict=True)
    )
    assert found == pytest.approx(expected, rel=1e-4)
    assert len(validation_chunks(test.continues, 5, 10)) == 2


def test_weights_of_the_stage_before():
    torch.manual_seed(1)
    before, after = (PoseMachine("keypoints", width=8) for _ in range(2))
    load_stage(after, before.state_dict(), 3)
    for name, tensor in after.state_dict().items():
        assert torch.equal(tensor, before.state_dict()[name]) != (
            name.startswith("correction") and name.endswith("weight")
        ), name
    load_stage(after, before.state_dict(), 4)
    assert all(torch.equal(tensor, before.state_dict()[name]) for name, tensor in after.state_dict().items())
    with pytest.raises(
        ModelError, match=r"(?s)of stage 3 do not fit .* of stage 4 .*front\.keypoint_1\.weight .*missing"
    ):
        load_stage(after, PoseMachine("image", width=8, image_size=64).state_dict(), 4)
    with pytest.raises(ModelError, match=r"lstm\.lstm1\.weight_hh_l0 has shape \(64, 16\), expected \(32, 8\)"):
        load_stage(after, PoseMachine("keypoints", width=16).state_dict(), 5)


@pytest.mark.parametrize("form", ["heatmaps", "regression"])
def test_stage_1_learns_points_of_still_pictures(stills, form):
    preset = plan("pose-machine-h36m", **FILMED, pretraining=form)
    torch.manual_seed(0)
    data = PretrainingData.open(preset, stills)
    experiment = PretrainingExperiment(preset, PretrainingData(data.train, data.train))
    optimiser, batch = experiment.make_optimizer(), experiment.batch(0)
    before = experiment.network.trunk.get_parameter("conv1_1.weight").detach().clone()
    losses = []
    for _ in range(5):
        optimiser.zero_grad()
        loss = experiment.loss(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(experiment.network.parameters(), preset.clip_norm)
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    assert not torch.equal(before, experiment.network.trunk.get_parameter("conv1_1.weight"))
    moved = batch._replace(points=batch.points.clone())
    moved.points[:, 7] += 0.3  # the spine, which is not there
    assert experiment.loss(moved).item() == experiment.loss(batch).item()
    with torch.no_grad():
        assert 0 < experiment.validate()["point_error_percent"] < 100


def test_the_network_of_a_preset():
    torch.manual_seed(0)
    network = build_network(plan("pose-machine-h36m"), 2)
    assert sum(p.numel() for p in network.parameters()) == 42_449_728
    assert len(H36M_16) == network.joints
