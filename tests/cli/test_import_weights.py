"""``maquette import-weights`` as a user meets it."""

from pathlib import Path

import torch

from maquette.cli.import_weights import KINDS
from maquette.models.videopose import TemporalModel
from maquette.runtime.onnx_model import OnnxModel


def test_a_checkpoint_becomes_a_model_that_lifts(run, openpose_folder: Path, goldens_dir: Path, tmp_path: Path) -> None:
    folder, target = goldens_dir / "martinez_model" / "res_bn_maxnorm_16", tmp_path / "taken-over.onnx"
    words = ["import-weights", "martinez-tf", str(folder), "-o", str(target)]
    status, out, err = run(*words, "--max-norm", "yes", "--residual", "yes", "--statistics", "published-sh")
    assert status == 0, err
    model = OnnxModel(target)
    assert model.spec.name == "taken-over"
    for text in ("80 tensors, step 48742", "statistics: Human3.6M: published table", model.sha256, f"wrote {target}"):
        assert text in out
    motion = tmp_path / "walk.npz"
    status, _, err = run("lift", str(openpose_folder), "--fps", "30", "--model", str(target), "-o", str(motion))
    assert status == 0, err
    assert motion.is_file()


def test_what_a_kind_does_not_take(run, tmp_path: Path) -> None:
    status, _, err = run("import-weights", "martinez-pytorch", "x.pth", "-o", str(tmp_path / "m.onnx"), "--step", "3")
    assert (status, "--step: not for martinez-pytorch, which takes --source, --statistics" in err) == (2, True)


def test_nothing_is_written_when_it_fails(run, goldens_dir: Path, tmp_path: Path) -> None:
    folder = goldens_dir / "martinez_model" / "res_bn_maxnorm_16"
    status, _, err = run("import-weights", "martinez-tf", str(folder), "-o", str(tmp_path / "m.onnx"))
    assert (status, "3 problems" in err) == (2, True)
    status, _, err = run("import-weights", "martinez-pytorch", str(folder), "-o", str(tmp_path / "m.onnx"))
    assert (status, "cannot be read" in err) == (2, True)
    assert not list(tmp_path.iterdir())


def test_a_model_file_has_its_suffix(run, goldens_dir: Path, tmp_path: Path) -> None:
    # `maquette evaluate` takes what ends in .json for a report.
    folder = goldens_dir / "martinez_model" / "res_bn_maxnorm_16"
    status, _, err = run("import-weights", "martinez-tf", str(folder), "-o", str(tmp_path / "m.json"))
    assert (status, "m.json: expected a name that ends in .onnx" in err) == (2, True)


def test_the_line_to_go_on_with_can_be_typed(run, tmp_path: Path) -> None:
    """Joints of HumanEva are none that detectors give, so its networks are for `maquette evaluate`."""
    for joints, words in ((17, "maquette lift INPUT --model "), (15, "maquette evaluate ")):
        network = TemporalModel(joints, 2, joints, filter_widths=(3, 3), channels=4)
        torch.save({"model_pos": network.state_dict()}, tmp_path / "a.bin")
        target = tmp_path / "my model.onnx"
        flags = ("--skeleton", "h36m-17") if joints == 17 else ()
        status, out, err = run("import-weights", "videopose3d", str(tmp_path / "a.bin"), "-o", str(target), *flags)
        assert status == 0, err
        assert f"{words}'{target}'" in out


def test_every_kind_can_be_typed() -> None:
    import typing

    from maquette.cli.import_weights import ImportWeights

    annotation = typing.get_type_hints(ImportWeights)["kind"]
    assert set(typing.get_args(annotation)) == set(KINDS)
