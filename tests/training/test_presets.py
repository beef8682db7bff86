"""The presets: every published number, every field explained, impossible values refused."""

import dataclasses
import inspect
import math

import pytest

from maquette.cli.train import ABOUT
from maquette.datasets.sample_settings import SampleSettings
from maquette.errors import InputError
from maquette.training import mocap, plans
from maquette.training.plans import MocapPreset, PosePreset, RelativePreset, TemporalPreset
from maquette.training.presets import PRESETS, check_preset, get_preset


def test_unknown_presets_and_fields_are_named():
    with pytest.raises(InputError, match=r"no preset is called 'x'; there are: martinez-h36m-gt, .*tcn-mocap"):
        get_preset("x")
    with pytest.raises(InputError, match=r"has no field speed; it has: .*learning_rate"):
        get_preset("tcn-mocap", speed=1)
    changed = get_preset("tcn-mocap", width=64, pose_strength=0.5)
    assert isinstance(changed, MocapPreset)
    assert (changed.width, changed.samples.pose_strength) == (64, 0.5)


def test_all_impossible_values_are_named_at_once():
    with pytest.raises(InputError) as error:
        get_preset(
            "rie-h36m-gt",
            epochs=(1, 0, 1),
            dropout=1.0,
            filter_widths=(3, 4),
            stride=2,
            export_weights="best",
            validate_epochs=0,
        )
    for words in (
        "without validations no weights are the best",
        "--epochs 1 0 1",
        "--dropout 1.0",
        "--filter-widths 3 4",
        "--stride 2",
    ):
        assert words in str(error.value)


@pytest.mark.parametrize(
    ("preset", "fields"),
    [
        ("tcn-h36m-cpn", {"seed": -1, "order_seed": 2**32, "momentum_first": 0.0, "momentum_last": 1.5}),
        ("tcn-h36m-semi", {"subset": 3.0, "warmup": -1, "validate_epochs": -1, "checkpoint_minutes": -0.5}),
        ("rie-mocap", {"stage_steps": (0, 1, 1), "stage_rates": (1.0, -1.0, 1.0), "stage_cooldowns": (1, 1, -1)}),
        ("martinez-mocap", {"warmup_steps": -1, "weight_decay": math.nan, "blocks": -1, "ema_decay": 1.0}),
        ("martinez-h36m-gt", {"num_layers": -1, "validate_frames": -1, "decay": math.inf}),
    ],
)
def test_values_with_which_no_training_is_possible(preset, fields):
    with pytest.raises(InputError) as error:
        get_preset(preset, **fields)
    for name in fields:
        assert f"--{name.replace('_', '-')} " in str(error.value)


def test_every_preset_is_possible_and_has_a_line_in_the_help():
    assert list(ABOUT) == list(PRESETS)
    for name, preset in PRESETS.items():
        assert preset.name == name
        check_preset(preset)


def test_every_field_of_a_preset_is_explained():
    kinds = [kind for _, kind in inspect.getmembers(plans, dataclasses.is_dataclass) if isinstance(kind, type)]
    kinds.append(SampleSettings)
    assert len(kinds) == 13
    for kind in kinds:
        text = inspect.getsource(kind)
        for field in kind.__annotations__:
            after = text.split(f"    {field}: ", 1)[1].split("\n", 1)[1]
            assert after.lstrip().startswith('"""'), f"{kind.__name__}.{field} has no docstring"


def test_the_published_numbers():
    """``specs/martinez.md`` and ``specs/rie.md``: command lines of the three repositories."""
    martinez = get_preset("martinez-h36m-sh-ft")
    assert isinstance(martinez, PosePreset)
    assert (martinez.source, martinez.epochs, martinez.batch_size, martinez.learning_rate) == ("sh_ft", 200, 64, 1e-3)
    assert martinez.learning_rate * martinez.decay ** (24371 / martinez.decay_steps) == pytest.approx(
        9.901e-4, rel=1e-4
    )
    rie = get_preset("rie-h36m-cpn")
    assert isinstance(rie, RelativePreset)
    assert (rie.latent, rie.epochs, rie.learning_rate) == (512, (80, 80, 80), (1e-3, 1e-3, 5e-4))
    assert rie.learning_rate[0] * rie.lr_decay**80 == pytest.approx(1.65e-5, rel=2e-3)
    assert math.prod(rie.filter_widths) == 243
    human = get_preset("tcn-humaneva")
    assert isinstance(human, TemporalPreset)
    assert (human.batch_size, human.epochs, human.lr_decay) == (128, 1000, 0.996)
    assert math.prod(human.filter_widths) == 27


def test_learning_rate_rises_stays_and_falls():
    preset = get_preset("tcn-mocap", total_steps=1000, warmup_steps=100, cooldown_steps=400, learning_rate=2.0)
    assert isinstance(preset, MocapPreset)
    rates = [mocap.learning_rate(preset, step) for step in (0, 49, 99, 300, 600, 800, 999)]
    assert rates == pytest.approx([0.02, 1.0, 2.0, 2.0, 2.0, 1.0, 0.0], abs=1e-3)
    longer = dataclasses.replace(preset, total_steps=2000)
    assert all(mocap.learning_rate(longer, s) == mocap.learning_rate(preset, s) for s in range(0, 600, 50))
