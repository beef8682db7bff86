"""The page that translates the originals: every flag of theirs is in it, and every command and flag of ours exists."""

import re
import shlex
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest
import tyro

from maquette.cli import COMMANDS
from maquette.errors import MaquetteError
from maquette.training.presets import PRESETS, flat_fields

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "guides" / "from-the-originals.md").read_text(encoding="utf-8")
ROWS = [re.split(r"(?<!\\) \| ", line.strip("| \n")) for line in PAGE.splitlines() if line.startswith("| ")]
CODE = re.compile(r"`([^`]+)`")

BASELINE = """
learning_rate dropout batch_size epochs camera_frame max_norm batch_norm predict_14 use_sh action linear_size
num_layers residual procrustes evaluateActionWise cameras_path data_dir train_dir sample use_cpu load use_fp16
noise pose_estimation_json interpolation multiplier write_gif gif_fps verbose cache_on_fail""".split()
PORT = """
data_dir exp ckpt load test resume action max_norm linear_size num_stage use_hg lr lr_decay lr_gamma epochs
dropout train_batch test_batch job no_max max procrustes""".split()
TEMPORAL = """
-d --dataset -k --keypoints -str --subjects-train -ste --subjects-test -sun --subjects-unlabeled -a --actions
-c --checkpoint --checkpoint-frequency -r --resume --evaluate --render --by-subject --export-training-curves
-s --stride -e --epochs -b --batch-size -drop --dropout -lr --learning-rate -lrd --lr-decay -no-da
--no-data-augmentation -no-tta --no-test-time-augmentation -arc --architecture --causal -ch --channels --stage
-lfd --latent-features-dim -p --pretrain -ft --finetune --subset --downsample --warmup --no-eval --dense
--disable-optimizations --linear-projection --no-bone-length --no-proj --viz-subject --viz-action --viz-camera
--viz-video --viz-skip --viz-output --viz-export --viz-bitrate --viz-no-ground-truth --viz-limit
--viz-downsample --viz-size""".split()

REFINEMENT = """
learning_rate dropout batch_size epochs batch_norm linear_size num_layers residual trained_model save_root data_dir
coarse3d coarse_3d save protocol pose2d""".split()
HOURGLASS = """
-demo -disable3DHP -validH36M -valid3DHP -DEBUG -display -Ratio3D -expID -dataset -h36mFullTest -manualSeed -GPU
-finalPredictions -nThreads -gt2D -netType -loadModel -continue -branch -task -nFeats -nStack -nModules -nRegModules
-validEpoch -snapshot -saveInput -saveHeatmaps -varWeight -regWeight -PCK_Threshold -dropLR -LR -LRdecay -momentum
-weightDecay -alpha -epsilon -crit -optMethod -threshold -nEpochs -trainIters -trainBatch -validIters -nValidImgs
-validBatch -randomValid -inputRes -outputRes -scale -rotate -hmGauss -test -valIntervals -ratio3D
--exp_id --gpus --num_workers --test --debug --demo --task --ratio_3d --weight_3d --weight_var --full_test
--hide_data_time --metric --resume --load_model --weight_decay --scale --rotate --flip --dataset --all_pts
--multi_person --fit_short_side --lr --lr_step --num_epochs --val_intervals --batch_size --arch --disable_cudnn
--save_all_models --print_iter --input_h --input_w --output_h --output_w""".split()


@pytest.mark.parametrize("flag", [f"--{name}" for name in (*BASELINE, *PORT, *REFINEMENT)] + TEMPORAL + HOURGLASS)
def test_every_flag_of_theirs_is_translated(flag: str) -> None:
    assert any(flag in code.split() for left, *_ in ROWS for code in CODE.findall(left)), f"{flag} is not on the page"


def ours() -> list[str]:
    """What stands in the right columns (and in the text), as it would be typed."""
    cells = [code for row in ROWS for cell in row[1:] for code in CODE.findall(cell)]
    return list(dict.fromkeys(cells))


def command_class(name: str) -> type:
    return getattr(import_module(f"maquette.cli.{name.replace('-', '_')}"), COMMANDS[name][0])


def parse(line: str) -> None:
    """As the command line reads it; nothing is run."""
    _, name, *arguments = shlex.split(line)
    command = command_class(name)
    own = getattr(command, "parse", None)
    own(arguments) if own else tyro.cli(command, prog=f"maquette {name}", args=arguments)


WHOLE = [text for text in ours() if text.startswith("maquette ") and len(text.split()) > 3]
NAMED = [text for text in ours() if text.startswith("maquette ") and len(text.split()) <= 3]


@pytest.mark.parametrize("line", WHOLE)
def test_every_command_of_ours_is_understood(line: str, capsys) -> None:
    try:
        parse(line)
    except (SystemExit, MaquetteError) as error:
        pytest.fail(f"{line}: {error} {capsys.readouterr().err}")


@pytest.mark.parametrize("text", NAMED)
def test_every_command_that_is_named_exists(text: str) -> None:
    assert text.split()[1] in COMMANDS


def test_every_flag_of_ours_exists() -> None:
    flags = {"-o"}
    for name in COMMANDS:
        for field in fields(command_class(name)):
            words = field.name.replace("_", "-")
            flags |= {f"--{words}", f"--no-{words}"}
    for preset in PRESETS.values():
        flags |= {f"--{pre}{name.replace('_', '-')}" for name in flat_fields(preset) for pre in ("", "no-")}
    flags |= {"--out", "--from"}
    typed = {code.split()[0] for code in ours() if code.startswith("-")}
    assert len(typed) > 40
    assert not typed - flags, sorted(typed - flags)
