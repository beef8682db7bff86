"""The correction's weights as the published program keeps them: what comes out of them, and what is refused."""

import pickle

import numpy as np
import pytest
from made_caffemodel import snapshot

from maquette.cli import main
from maquette.errors import InputError, ModelError
from maquette.evaluate.pose_machine_report import read_staged
from maquette.importers.pose_machine_correction import import_correction
from maquette.refine.correction_weights import LAYERS, load_correction

SIZES = ((48, 6), (6, 48), (48, 6), (6, 6), (6, 6), (6, 32))
RNG = np.random.default_rng(1)
ARRAYS = [a for n, m in SIZES for a in (RNG.normal(size=(n, m)).astype("f4"), RNG.normal(size=m).astype("f4"))]
CAFFE = {name: (ARRAYS[2 * i].T, ARRAYS[2 * i + 1]) for i, name in enumerate(LAYERS)}


def pickled(path, value, protocol=2):
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


def test_the_published_pickle_computes_what_the_published_program_did(goldens_dir) -> None:
    """``forward_ls64``: corrected pose and 2D by the program itself, whose batch norms scale."""
    golden = np.load(goldens_dir / "ssl3d" / "forward_ls64.npz")
    for batch_norm_scale, tolerance in ((True, 5e-6), (False, None)):
        imported = import_correction(
            goldens_dir / "ssl3d" / "model_ls64.pkl", name="ssl", batch_norm_scale=batch_norm_scale
        )
        weights = imported.weights
        assert (weights.spec.view, weights.spec.batch_norm_scale) == ("square-crop/v1", batch_norm_scale)
        scale = 1 / np.sqrt(1.001) if weights.spec.batch_norm_scale else 1.0
        corrected = np.maximum(golden["enc_in"] @ weights.change_tmp.weight + weights.change_tmp.bias, 0)
        corrected = corrected @ weights.change.weight + weights.change.bias
        np.testing.assert_allclose(corrected, golden["refine"], atol=5e-6)
        hidden = corrected
        kept = []
        for layer in (weights.project_1, weights.project_2, weights.project_3):
            hidden = np.maximum(scale * (hidden @ layer.weight + layer.bias), 0)
            kept.append(hidden)
        seen = (kept[0] + kept[2]) @ weights.project_2d.weight + weights.project_2d.bias
        if tolerance:
            np.testing.assert_allclose(seen, golden["proj"], atol=tolerance)
        else:
            assert 1e-5 < np.abs(seen - golden["proj"]).max() < 1e-2
    assert "12 arrays, hidden layers of 64" in imported.notes[0]


def test_limits_are_the_published_ones(goldens_dir) -> None:
    weights = import_correction(goldens_dir / "ssl3d" / "model_ls64.pkl", name="ssl").weights
    parsed = np.load(goldens_dir / "ssl3d" / "parsed.npz")
    np.testing.assert_allclose(weights.spec.limits.max_mm.ravel(), parsed["max_16"].ravel(), atol=1e-6)
    np.testing.assert_allclose(weights.spec.limits.min_mm.ravel(), parsed["min_16"].ravel(), atol=1e-6)


@pytest.mark.parametrize("old", [False, True])
def test_a_snapshot_of_caffe_has_the_same_layers(tmp_path, old) -> None:
    path = tmp_path / "mask3d-400000.caffemodel"
    path.write_bytes(snapshot({"conv1_1": [np.ones((2, 3, 3, 3))], **CAFFE}, old=old))
    found = import_correction(path, name="ssl").weights.arrays
    same = import_correction(pickled(tmp_path / "a.pkl", ARRAYS), name="ssl").weights.arrays
    for a, b, truth in zip(found, same, ARRAYS, strict=True):
        np.testing.assert_array_equal(a, truth)
        np.testing.assert_array_equal(b, truth)


@pytest.mark.parametrize("protocol", range(5))
def test_pickles_of_any_protocol_and_precision(tmp_path, protocol) -> None:
    path = pickled(tmp_path / "a.pkl", tuple(a.astype(np.float64) for a in ARRAYS), protocol)
    for found, truth in zip(import_correction(path, name="a").weights.arrays, ARRAYS, strict=True):
        np.testing.assert_array_equal(found, truth)


def test_what_it_refuses(tmp_path) -> None:
    path = tmp_path / "a.pkl"
    with pytest.raises(InputError, match=r"a\.pkl: cannot be read \(No such file"):
        import_correction(path, name="a")
    path.write_bytes(b"")
    with pytest.raises(InputError, match="is empty"):
        import_correction(path, name="a")
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(InputError, match=r"the pickle asks for os\.system"):
        import_correction(path, name="a")
    for value, words in (
        (ARRAYS[:-2], "holds 10 values, expected a list of 12 arrays"),
        ({"a": 1}, "holds 1 values, expected a list"),
        (3, "holds a int, expected a list"),
        ([*ARRAYS[:-1], "text"], "entries 11 of its list are no arrays"),
        ([*ARRAYS[:-1], np.arange(32)], "entries 11 of its list are no arrays"),
        ([*ARRAYS[2:4], *ARRAYS[:2], *ARRAYS[4:]], r"change_tmp\.weight has shape \(6, 48\), expected \(48, 48\)"),
        ([a.T for a in ARRAYS], r"stored \(out, in\), the published program has them \(in, out\): transpose"),
        ([*ARRAYS[:-1], np.full(32, 1e300)], r"project_2d\.bias holds values that are not finite"),
        ([*ARRAYS[:-1], np.full(32, np.nan)], "project_2d.bias holds values that are not finite"),
    ):
        with pytest.raises(ModelError, match=words):
            import_correction(pickled(path, value), name="a")


def test_snapshots_without_the_correction(tmp_path) -> None:
    path = tmp_path / "a.caffemodel"
    path.write_bytes(snapshot({"conv1_1": [np.ones((2, 3, 3, 3)), np.ones(2)]}))
    with pytest.raises(ModelError, match=r"has no layer change_tmp, .*training steps 3 \(addsrr\)"):
        import_correction(path, name="a")
    path.write_bytes(snapshot({**CAFFE, "change": CAFFE["change"][:1]}))
    with pytest.raises(ModelError, match="change: expected two arrays, weight and bias"):
        import_correction(path, name="a")
    path.write_bytes(snapshot({**CAFFE, "change": (np.ones((2, 6, 1, 48)), np.ones(48))}))
    with pytest.raises(ModelError, match=r"change\.weight has shape"):
        import_correction(path, name="a")


def test_the_command(tmp_path, goldens_dir, capsys) -> None:
    source, target = goldens_dir / "ssl3d" / "model_ls64.pkl", tmp_path / "taken-over.npz"
    arguments = ["import-weights", "pose-machine-correction", str(source), "-o", str(target)]
    assert main([*arguments, "--batch-norm-scale", "yes"]) == 0
    out = capsys.readouterr().out
    weights = load_correction(target)
    assert (weights.spec.name, weights.spec.batch_norm_scale) == ("taken-over", True)
    assert weights.spec.command.endswith("pose-machine-correction model_ls64.pkl --batch-norm-scale yes")
    assert weights.sha256 is not None
    assert weights.sha256 in out
    for found, truth in zip(weights.arrays, pickle.loads(source.read_bytes(), encoding="latin1"), strict=True):
        np.testing.assert_array_equal(found, truth)
    assert main([*arguments[:3], "-o", str(tmp_path / "a.onnx")]) == 2
    assert "a.onnx: expected a name that ends in .npz" in capsys.readouterr().err


def test_imported_weights_refine_as_the_published_program_did(tmp_path, goldens_dir, capsys) -> None:
    """Its own three columns (coarse, corrected, refined) over its own data, from the pickle to the report."""
    folder = goldens_dir / "ssl3d"
    weights, report = tmp_path / "c.npz", tmp_path / "r.json"
    words = ["import-weights", "pose-machine-correction", str(folder / "model_ls64.pkl"), "-o", str(weights)]
    assert main([*words, "--batch-norm-scale", "yes"]) == 0
    words = ["evaluate", str(folder / "data" / "coarse"), "--data", str(folder / "data"), "--protocol", "pose-machine"]
    words += ["--refine", "self-supervised", "--correction", str(weights), "--optimiser-state", "carry"]
    assert main([*words, "--json", str(report)]) == 0, capsys.readouterr().err
    found = [stage.report.headline for stage in read_staged(report).stages]
    golden = np.load(folder / "refine_ls64.npz")["script_mpjpe_before_it1_it2"].mean(axis=0)
    np.testing.assert_allclose(np.array(found, dtype=float), golden, atol=1e-2)
