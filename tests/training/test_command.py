"""``maquette train`` as it is typed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from maquette.cli import main
from maquette.cli.train import Train
from maquette.datasets.sample_settings import SampleSettings
from maquette.errors import InputError
from maquette.training.presets import PRESETS

CHECKOUT = Path(__file__).resolve().parents[2]
TYPED = sorted(
    {
        line.split("#")[0].strip()
        for page in (CHECKOUT / "docs").rglob("*.md")
        for line in re.findall(r"^(?:torchrun .* -m )?(maquette train .*)$", page.read_text("utf-8"), re.MULTILINE)
        if "--help" not in line
    }
)


@pytest.mark.parametrize("line", TYPED)
def test_the_guides_lines_are_possible_trainings(capsys, line):
    assert main([*line.split()[1:], "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith(f"{line.split()[2]}: ")


def test_the_guide_has_lines():
    assert len(TYPED) >= 6


def test_every_preset_shows_its_own_fields_and_no_others(capsys):
    for name, preset in PRESETS.items():
        assert main(["train", name, "--dry-run"]) == 0
        shown = capsys.readouterr().out
        assert ("--latent" in shown) == hasattr(preset, "latent")
        assert ("--linear-size" in shown) == hasattr(preset, "linear_size")
        assert ("--pose-strength" in shown) == isinstance(getattr(preset, "samples", None), SampleSettings)


def test_stages_and_changes_are_shown(capsys):
    assert main(["train", "rie-h36m-cpn", "--dry-run", "--epochs", "1", "2", "3", "--no-mirror"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"stage 3: 3 epochs, learning rate 0\.0005; everything", shown)
    assert re.search(r"--mirror +False   \(changed\)", shown)
    assert re.search(r"--latent +512\n", shown)


@pytest.mark.parametrize("options", ["--dry-run", "--help"])
def test_without_torch_and_numpy(options):
    code = (
        "import sys\n"
        "from maquette.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit:\n    pass\n"
        "assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    line = [sys.executable, "-c", code, "train", "tcn-mocap", options]
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    assert "--pose-strength" in done.stdout


def test_what_was_typed_is_an_override_even_if_it_is_the_presets_value():
    line = "tcn-mocap --data d --out o --resume --total-steps 24000 --clean_share 0.5"
    typed = Train.parse([str(word) for word in line.split()])
    assert typed.overrides == {"total_steps": 24000, "clean_share": 0.5}
    assert typed.preset == "tcn-mocap"
    assert typed.resume


def test_wrong_words_are_answered():
    with pytest.raises(InputError, match="no preset is called 'tcn-mocp'; did you mean 'tcn-mocap'"):
        Train.parse(["tcn-mocp", "--dry-run"])
    with pytest.raises(InputError, match="no preset was given"):
        Train.parse(["--dry-run"])
    with pytest.raises(InputError, match="training needs --data and --output"):
        Train.parse(["tcn-mocap"]).run()


def test_impossible_values_end_with_status_2(capsys):
    assert main(["train", "tcn-h36m-cpn", "--dry-run", "--dropout", "1.5", "--epochs", "0"]) == 2
    said = capsys.readouterr().err
    assert "--dropout 1.5" in said
    assert "--epochs 0" in said
