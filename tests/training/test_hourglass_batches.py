"""Batches of pictures: who is in them, what is learnt from them, who makes them."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from made_blobs import write_blobs
from torch import Tensor, nn

from maquette.errors import InputError, MaquetteError
from maquette.models.hourglass import PictureOutput
from maquette.training.checkpoint import read_checkpoint
from maquette.training.experiment import Share
from maquette.training.hourglass_data import HourglassData
from maquette.training.hourglass_experiment import HourglassExperiment, PictureBatch
from maquette.training.hourglass_feed import made_ahead
from maquette.training.plans import HourglassPreset
from maquette.training.presets import get_preset
from maquette.training.run import train

SMALL: dict[str, Any] = {"stacks": 1, "modules": 1, "feats": 8, "reg_modules": 1, "input_size": 64, "workers": 0}


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return write_blobs(tmp_path_factory.mktemp("people") / "p", with_3d=7, only_2d=9)


def experiment(name: str, people, share: Share | None = None, **fields: Any) -> HourglassExperiment:
    plan = get_preset(name, **(SMALL | fields))
    assert isinstance(plan, HourglassPreset)
    torch.manual_seed(1)
    return HourglassExperiment(plan, HourglassData.open(plan, people), share=share or Share())


def test_each_published_line_has_its_share_of_3d(people):
    paper = experiment("hourglass-stage2", people)
    assert (paper.steps_per_epoch, paper.total_steps) == (4000, 50 * 4000)
    picks = [pick for step in range(400) for pick in paper.maker.order.batch(step)]
    # A coin for each: 2400 of them, five standard deviations.
    assert np.mean([pick.with_depth for pick in picks]) == pytest.approx(0.5, abs=5 * 0.5 / 2400**0.5)
    port = experiment("hourglass-port-stage2", people)
    epoch = [pick for step in range(port.steps_per_epoch) for pick in port.maker.order.batch(step)]
    assert sorted(pick.index for pick in epoch if not pick.with_depth) == list(range(9))
    assert sum(pick.with_depth for pick in epoch) == 7
    # Of 16 people in fives one is left over, on whom alone a batch norm cannot be trained.
    assert experiment("hourglass-port-stage2", people, batch_size=5).steps_per_epoch == 3
    flat = experiment("hourglass-port-stage1", people)
    assert not any(pick.with_depth for step in range(9) for pick in flat.maker.order.batch(step))
    half = experiment("hourglass-modern-stage3", people, batch_size=6)
    assert half.maker(3).has_depth.sum() == half.maker(3).weak.sum() == 3


def test_shares_of_a_batch_are_the_batch(people):
    fields: dict[str, Any] = {"batch_size": 7}
    whole = experiment("hourglass-modern-stage3", people, **fields).maker(5)
    parts = [experiment("hourglass-modern-stage3", people, Share(i, 3), **fields).maker(5) for i in range(3)]
    for name in whole._fields:
        np.testing.assert_array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(whole, name))


class Answer(nn.Module):
    """A network that says what it is told to."""

    def __init__(self, output: PictureOutput) -> None:
        super().__init__()
        self.output = output

    def forward(self, pictures: Tensor) -> PictureOutput:
        return self.output


def batch_of_three() -> PictureBatch:
    """Two people without 3D, one with; joint 0 of the first is not annotated."""
    rng = torch.Generator().manual_seed(4)
    visible = torch.ones(3, 16, dtype=torch.bool)
    visible[0, 0] = False
    return PictureBatch(
        torch.zeros(3, 3, 64, 64),
        torch.rand(3, 16, 16, 16, generator=rng),
        torch.rand(3, 16, 2, generator=rng) * 16,
        visible,
        torch.rand(3, 16, generator=rng),
        torch.tensor([False, True, False]),
        torch.tensor([True, False, True]),
    )


def test_the_loss_by_hand(people):
    """Two stacks' squared errors, 0.1 of the depths' where there is 3D, 0.01 of the geometry where there is none, both
    by all three samples; with the geometry of one pair of bones that are not equal."""
    found = experiment("hourglass-stage3", people, places_of="target")
    batch, rng = batch_of_three(), np.random.default_rng(0)
    maps = [torch.from_numpy(rng.random((3, 16, 16, 16))) for _ in range(2)]
    depth = torch.zeros(3, 16, dtype=torch.float64)
    # All in one place but the right hip, one unit (half a side) away from the pelvis: hips 1 and 0, and of the legs
    # one shin... thigh of the right leg is as long, times its weight.
    places = torch.full((3, 16, 2), 8.0)
    places[:, 2, 0] = 16.0
    batch = batch._replace(xy_px=places)
    found.network = Answer(PictureOutput(maps, depth))  # pyright: ignore[reportAttributeAccessIssue]
    expected = sum(float(((stack - batch.heatmaps) ** 2).mean()) for stack in maps)
    expected += 0.1 / 3 * float((batch.depth[1] ** 2).mean())
    hips = np.var([1.0, 0.0])
    legs = np.var([0.0, 1.0, 0.0, 0.0])
    # Without joint 0 the shin of the first person's right leg does not count.
    expected += 0.01 / 3 * (2 * hips + legs + np.var([1.0, 0.0, 0.0]))
    assert float(found.loss(batch)) == pytest.approx(expected, rel=1e-6)


def test_parts_of_a_loss_add_up(people):
    """Of networks that no batch norm couples; joints that are missing are left out."""
    name, fields = "hourglass-modern-stage3", {"batch_size": 3, "norm": "group"}
    batch = batch_of_three()
    whole = experiment(name, people, **fields)
    parts = [experiment(name, people, Share(rank, 2), **fields) for rank in range(2)]
    for part in parts:
        part.network.load_state_dict(whole.network.state_dict())
    slices = [PictureBatch(*(tensor[Share(rank, 2).of(3)] for tensor in batch)) for rank in range(2)]
    losses = [part.loss(piece) for part, piece in zip(parts, slices, strict=True)]
    torch.testing.assert_close(sum(losses) / 2, whole.loss(batch), rtol=1e-5, atol=0)


def test_depths_of_a_map_are_read_where_joints_are(people):
    found = experiment("deconv-stage3", people, layers=18)
    batch, columns = batch_of_three(), torch.arange(256.0).reshape(1, 1, 16, 16).expand(3, 16, 16, 16)
    depth = found._depth(batch, PictureOutput([columns], None, columns))
    x, y = batch.xy_px.floor().unbind(dim=-1)
    assert depth is not None
    assert torch.equal(depth, 16 * y + x)


def twice(step: int) -> int:
    return 2 * step


def broken(step: int) -> int:
    if step == 3:
        raise InputError("picture.png: cannot be read")
    return step


def fatal(step: int) -> int:
    os._exit(7)


def test_other_processes_make_the_same_in_the_same_order():
    for workers in (0, 2):
        with made_ahead(twice, range(4, 15), workers) as made:
            assert list(made) == list(range(8, 30, 2))
    with made_ahead(twice, range(0), 2) as made:
        assert list(made) == []


def test_what_goes_wrong_in_other_processes_is_said():
    with made_ahead(broken, range(6), 2) as made:
        assert [next(made) for _ in range(3)] == [0, 1, 2]
        with pytest.raises(InputError, match=r"^picture\.png: cannot be read$"):
            next(made)
    with made_ahead(fatal, range(6), 1) as made, pytest.raises(MaquetteError, match=r"ended \(exit code 7\)"):
        next(made)


def test_gradients_are_those_of_one_process_with_the_whole_batch(people, tmp_path):
    """No batch norm: on CPUs each process normalises by its own half of the batch."""
    fields: dict[str, Any] = SMALL | {"norm": "group", "batch_size": 5, "epochs": 1, "epoch_samples": 5}
    fields |= {"precision": "64", "weight_3d": 0.1, "weight_var": 0.01, "validate_samples": 2, "ema_decay": 0.0}
    train("hourglass-modern-stage1", data_dir=people, out_dir=tmp_path / "one", clip_norm=0.0, **fields)
    line = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "maquette"]
    line += ["train", "hourglass-modern-stage1", "--data", str(people), "--out", str(tmp_path / "two")]
    line += [word for k, v in fields.items() for word in (f"--{k.replace('_', '-')}", str(v))] + ["--clip-norm", "0"]
    done = subprocess.run(line, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    one, two = (read_checkpoint(tmp_path / name / "last.pt") for name in ("one", "two"))
    assert one["step"] == two["step"] == 1
    for place, state in one["optimizer"]["state"].items():
        torch.testing.assert_close(two["optimizer"]["state"][place]["exp_avg"], state["exp_avg"], rtol=1e-6, atol=1e-12)
