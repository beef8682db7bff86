"""Twenty steps of the published training, and its schedule."""

import numpy as np
import pytest
import torch
from martinez_variables import NETWORKS, load_variables

from maquette.models.martinez import BATCH_NORM_MOMENTUM, BiasedBatchNorm, ResidualNetwork
from maquette.models.martinez_recipe import learning_rate, make_optimizer, squared_error

TRACES = ["res_bn_maxnorm_16", "res_bn_maxnorm_14", "nores_nobn_nomaxnorm_16"]


@pytest.mark.parametrize("name", TRACES)
def test_twenty_steps_of_the_original(goldens_dir, name):
    golden = dict(np.load(goldens_dir / "martinez_model" / f"trace_{name}" / "trace.npz"))
    # In double precision, as the tolerances of the reference are: single precision adds its own rounding to theirs.
    network = ResidualNetwork(linear_size=64, dropout=0.0, **NETWORKS[name]).double()
    expected = ResidualNetwork(linear_size=64, dropout=0.0, **NETWORKS[name]).double()
    load_variables(network, {k[len("init/") :]: v for k, v in golden.items() if k.startswith("init/")})
    load_variables(expected, {k[len("final/") :]: v for k, v in golden.items() if k.startswith("final/")})
    x, y = torch.from_numpy(golden["X"]).double(), torch.from_numpy(golden["Y"]).double()
    optimizer, losses, outputs = make_optimizer(network), [], {}
    for step in range(20):
        rate = learning_rate(step)
        assert rate == pytest.approx(golden["lr_before_step"][step], rel=1e-6)
        optimizer.param_groups[0]["lr"] = rate
        found = network(x[step % 4])
        loss = squared_error(found, y[step % 4])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        outputs[step] = found.detach().numpy()
    np.testing.assert_allclose(losses, golden["losses"], atol=1e-5)
    for i, step in enumerate((0, 1, 19)):
        np.testing.assert_allclose(outputs[step], golden["train_outputs_steps_0_1_19"][i], atol=1e-5)
    with torch.no_grad():
        found = network.eval()(x[0]).numpy()
    np.testing.assert_allclose(found, golden["eval_outputs_batch0"], atol=1e-4)
    for (key, ours), theirs in zip(network.state_dict().items(), expected.state_dict().values(), strict=True):
        if key.endswith("num_batches_tracked"):
            continue
        feeds_norm = key.endswith("linear.bias") and network.first.norm is not None
        # Behind such a bias the running mean follows it.
        wide = feeds_norm or key.endswith("running_mean")
        np.testing.assert_allclose(ours, theirs, atol=1e-3 if wide else 5e-6, err_msg=key)


def test_published_learning_rates():
    assert learning_rate(24_371) == pytest.approx(9.901e-4, rel=1e-4)
    assert learning_rate(4_874_200) == pytest.approx(1.367e-4, rel=1e-3)
    assert learning_rate(50, start=2.0, decay=0.5, decay_steps=100) == pytest.approx(2 * 0.5**0.5)


def test_the_first_step_of_adam_shows_where_epsilon_stands():
    value = torch.nn.Parameter(torch.zeros(3, dtype=torch.float64))
    optimizer = make_optimizer(torch.nn.ParameterList([value]), learning_rate=0.1)
    gradient = torch.tensor([1e-8, 1e-6, 1.0], dtype=torch.float64)
    value.grad = gradient.clone()
    optimizer.step()
    # m = 0.1 g, v = 0.001 g^2: the step is 0.1 sqrt(0.001) / 0.1 * 0.1 g / (sqrt(0.001) |g| + eps).
    expected = -0.1 * 0.001**0.5 * gradient / (0.001**0.5 * gradient + 1e-8)
    torch.testing.assert_close(value.detach(), expected)


def test_a_resumed_optimizer_goes_on():
    def run(parts: list[int]) -> torch.Tensor:
        torch.manual_seed(0)
        layer, state = torch.nn.Linear(3, 2), None
        for steps in parts:
            optimizer = make_optimizer(layer)
            if state is not None:
                optimizer.load_state_dict(state)
            for _ in range(steps):
                optimizer.zero_grad()
                layer(torch.full((4, 3), 1e-8)).square().mean().backward()
                optimizer.step()
            state = optimizer.state_dict()
        return layer.weight.detach()

    torch.testing.assert_close(run([3, 4]), run([7]), rtol=0, atol=0)


def test_running_variance_is_that_of_the_batch():
    norm = BiasedBatchNorm(5, momentum=BATCH_NORM_MOMENTUM)
    plain = torch.nn.BatchNorm1d(5, momentum=BATCH_NORM_MOMENTUM)
    x = torch.randn(8, 5, generator=torch.Generator().manual_seed(0)) * 3
    torch.testing.assert_close(norm(x), plain(x))
    expected = (1 - BATCH_NORM_MOMENTUM) + BATCH_NORM_MOMENTUM * x.var(0, correction=0)
    torch.testing.assert_close(norm.running_var, expected, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(norm.running_mean, plain.running_mean)
    assert norm.num_batches_tracked == plain.num_batches_tracked == 1
    norm.eval()
    plain.eval()
    plain.load_state_dict(norm.state_dict())
    torch.testing.assert_close(norm(x), plain(x))
