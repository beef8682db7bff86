"""Model files of Martinez' network against the original program and against torch."""

import numpy as np
import pytest
import torch
from martinez_variables import NETWORKS, load_variables

from maquette.datasets.pose_statistics import INPUT_JOINTS, PoseStatistics, output_joints, published_statistics
from maquette.errors import ModelError
from maquette.lifting.published import lift_clip
from maquette.models.martinez import MaxNorm, ResidualNetwork
from maquette.models.martinez_graph import build_onnx, model_spec
from maquette.runtime.onnx_model import OnnxModel
from maquette.skeleton import Skeleton
from maquette.skeletons import H36M_17, H36M_32, MPII_16

STATISTICS = published_statistics("sh")


def written(path, network: ResidualNetwork, points: Skeleton = MPII_16, statistics: PoseStatistics = STATISTICS):
    spec = model_spec(network, statistics, name="test", points=points, training_data="made up", licence="none", seed=3)
    path.write_bytes(build_onnx(network, spec).SerializeToString())
    return OnnxModel(path, threads=1)


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_of_the_original_from_pixels_to_millimetres(goldens_dir, tmp_path, name):
    golden = dict(np.load(goldens_dir / "martinez" / f"{name}.npz"))
    network = ResidualNetwork(linear_size=64, **NETWORKS[name]).eval()
    load_variables(network, golden)
    model = written(tmp_path / "m.onnx", network)
    found = model.run(golden["enc_in"][:, None])
    np.testing.assert_allclose(found.reshape(len(found), -1), golden["outputs"], atol=1e-5)

    predict_14 = name.endswith("14")
    points_px = STATISTICS.points_px(golden["enc_in"].astype(float)).reshape(-1, 32, 2)
    seen = points_px[:, H36M_32.indices(INPUT_JOINTS)]
    expected = STATISTICS.positions_mm(golden["outputs"].astype(float), predict_14=predict_14).reshape(-1, 32, 3)
    expected = expected[:, H36M_32.indices(output_joints(predict_14))]
    np.testing.assert_allclose(lift_clip(model, seen, (1000, 1000), flip=False) * 1000, expected, atol=0.01)


def test_the_spec_says_what_goes_in_and_out(tmp_path):
    spec = written(tmp_path / "a.onnx", ResidualNetwork(linear_size=8).eval()).spec
    assert (spec.mapping, spec.unit, spec.window_frames) == ("h36m-17/stacked-hourglass", "mm", 1)
    assert spec.input_joints is not None
    assert spec.output_joints is not None
    assert spec.input_joints == [name for name in H36M_17.joints if name != "nose"]
    assert spec.output_joints == list(H36M_17.joints[1:])
    assert spec.seed == 3
    # 32 x 8, four of 8 x 8, 8 x 48; biases; batch norms.
    assert spec.macs_per_frame == 256 + 256 + 384
    assert spec.parameters == spec.macs_per_frame + 5 * 8 + 48 + 5 * 16
    other = written(tmp_path / "b.onnx", ResidualNetwork(outputs=42, linear_size=8).eval(), H36M_32).spec
    assert other.mapping == "h36m-17/v1"
    assert other.output_joints is not None
    assert set(H36M_17.joints) - set(other.output_joints) == {"hip", "spine", "nose"}


@pytest.mark.parametrize("max_norm", [False, True, "per_row"])
def test_folding_changes_nothing(tmp_path, max_norm: MaxNorm):
    torch.manual_seed(0)
    network = ResidualNetwork(linear_size=32, num_layers=3, max_norm=max_norm)
    for _ in range(5):
        network(torch.randn(64, 32) * 2 + 1)
    network.eval()
    model = written(tmp_path / "m.onnx", network)
    x = torch.randn(10, 32)
    with torch.no_grad():
        expected = network(x).numpy()
    np.testing.assert_allclose(model.run(x[:, None].numpy()).reshape(10, -1), expected, atol=1e-5)
    assert network.last.max_norm == max_norm
    assert network.last.weight.dtype == torch.float32


def test_flipping_the_input_flips_the_output(tmp_path):
    torch.manual_seed(1)
    model = written(tmp_path / "m.onnx", ResidualNetwork(linear_size=16).eval())
    rng = np.random.default_rng(0)
    points = rng.normal(500, 100, (4, 16, 2))
    names = list(INPUT_JOINTS)
    swap = [names.index(H36M_17.joints[H36M_17.mirror_permutation[H36M_17.index(name)]]) for name in names]
    middle = np.array(STATISTICS.for_spec().input_mean)[0::2].mean()
    mirrored = points[:, swap] * [-1, 1] + [2 * middle, 0]
    found, other = (lift_clip(model, p, (1000, 1000), flip=True) for p in (points, mirrored))
    outs = list(output_joints(False))
    swap_out = [outs.index(H36M_17.joints[H36M_17.mirror_permutation[H36M_17.index(name)]]) for name in outs]
    np.testing.assert_allclose(other, found[:, swap_out] * [-1, 1, 1], atol=1e-6)


def test_networks_of_other_sizes_are_refused():
    with pytest.raises(ModelError, match="a network of 32 inputs and 51 outputs, expected 32"):
        model_spec(
            ResidualNetwork(outputs=51, linear_size=8),
            STATISTICS,
            name="x",
            points=MPII_16,
            training_data="",
            licence="",
        )
