"""``maquette import-weights hourglass`` as a user meets it."""

from pathlib import Path

import torch
from made_hourglass import OldTorchFile, published_tensors

from maquette.models.hourglass import HourglassDepth
from maquette.runtime.picture_model import PictureModel


def test_a_published_file_becomes_a_model(run, tmp_path: Path) -> None:
    source, target = tmp_path / "hgreg-3d.pth", tmp_path / "taken over.onnx"
    source.write_bytes(OldTorchFile().write(published_tensors(HourglassDepth(1, 1, 8, 1, input_size=64))))
    status, out, err = run("import-weights", "hourglass", str(source), "-o", str(target))
    assert status == 0, err
    model = PictureModel(target)
    assert model.spec.name == "taken over"
    for text in (
        "1 stack, 1 residual in a row, 1 in the depth branch, 8 features",
        "takes pictures of 64 pixels, colours in the order B G R, divided by 256",
        "pictures -> mpii-16, 2D and depth",
        model.sha256,
        f"maquette lift PICTURE --detector hourglass --model '{target}'",
    ):
        assert text in out


def test_options_and_failures(run, tmp_path: Path) -> None:
    source, target = tmp_path / "model_60.pth", tmp_path / "m.onnx"
    torch.save(published_tensors(HourglassDepth(1, 1, 8, None)), source)
    words = ["import-weights", "hourglass", str(source), "-o", str(target)]
    status, out, err = run(*words, "--input-size", "128", "--colour-order", "rgb")
    assert status == 0, err
    assert "takes pictures of 128 pixels, colours in the order R G B" in out
    assert "it finds joints in the picture only" in out
    status, _, err = run("lift", "x.json", "--model", str(target), "-o", str(tmp_path / "a.bvh"))
    assert status == 2
    target.unlink()
    status, _, err = run(*words, "--input-size", "100")
    assert (status, "pictures of 100 pixels, expected a multiple of 64" in err) == (2, True)
    status, _, err = run(*words, "--skeleton", "mpii-16")
    assert (status, "--skeleton: not for hourglass, which takes --colour-order, --input-size" in err) == (2, True)
    assert not target.exists()
