"""Checkpoints are read without running what is in them."""

import io
import os
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from maquette.errors import InputError, MaquetteError, ModelError
from maquette.importers.torch_file import load_tensors, read_torch_file, tensors_of

LAYOUTS = [True, False]


def checkpoint() -> dict:
    """All that the published programs put into their checkpoints."""
    network = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(network.parameters(), amsgrad=True)
    network(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return {
        "epoch": 3,
        "lr": np.float64(0.001),
        "random_state": np.random.RandomState(1234),
        "optimizer": optimizer.state_dict(),
        "model_pos": network.state_dict(),
        "model_traj": None,
    }


@pytest.mark.parametrize("zipped", LAYOUTS)
def test_both_layouts(tmp_path, zipped):
    saved = checkpoint()
    torch.save(saved, tmp_path / "epoch_3.bin", _use_new_zipfile_serialization=zipped)
    found = read_torch_file(tmp_path / "epoch_3.bin")
    assert set(found) == {"epoch", "optimizer", "model_pos", "model_traj"}
    assert found["epoch"] == 3
    assert found["model_traj"] is None
    for name, tensor in saved["model_pos"].items():
        torch.testing.assert_close(found["model_pos"][name], tensor, rtol=0, atol=0)


class _Attack:
    def __init__(self, target: str) -> None:
        self.target = target

    def __reduce__(self):
        return os.mkdir, (self.target,)


@pytest.mark.parametrize("zipped", LAYOUTS)
def test_nothing_is_run(tmp_path, zipped):
    target = tmp_path / "made"
    torch.save({"model_pos": _Attack(str(target))}, tmp_path / "bad.bin", _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match=r"refused: .*mkdir"):
        read_torch_file(tmp_path / "bad.bin")
    assert not target.exists()


def test_what_is_no_checkpoint(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_torch_file(tmp_path / "none.bin")
    (tmp_path / "text.bin").write_text("hello")
    with pytest.raises(InputError, match=r"text\.bin"):
        read_torch_file(tmp_path / "text.bin")
    torch.save([1, 2], tmp_path / "list.bin")
    (tmp_path / "empty.bin").touch()
    with pytest.raises(InputError, match="is empty"):
        read_torch_file(tmp_path / "empty.bin")
    with pytest.raises(InputError, match="holds a list, expected a dictionary"):
        read_torch_file(tmp_path / "list.bin")
    (tmp_path / "plain.bin").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(InputError):
        read_torch_file(tmp_path / "plain.bin")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    written = []
    for zipped in LAYOUTS:
        stream = io.BytesIO()
        torch.save(checkpoint(), stream, _use_new_zipfile_serialization=zipped)
        written.append(stream.getvalue())
    return written, tmp_path_factory.mktemp("damaged") / "file.bin"


@given(data=st.data(), zipped=st.booleans())
def test_damage_is_an_error_of_ours_or_none(files, data, zipped):
    raw = bytearray(files[0][not zipped])
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(len(raw) // 2, len(raw)))
    files[1].write_bytes(raw[:cut])
    try:
        read_torch_file(files[1])
    except MaquetteError:
        pass


def test_tensors_that_do_not_fit(tmp_path):
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    tensors = tensors_of({f"module.{k}": v.double() for k, v in network.state_dict().items()}, "file")
    assert {name: t.dtype for name, t in tensors.items()}["0.weight"] == torch.float32
    del tensors["1.num_batches_tracked"]
    load_tensors(network, tensors, "file")
    del tensors["1.bias"]
    tensors |= {"0.weight": torch.full((3, 3), torch.nan), "2.weight": torch.zeros(1)}
    with pytest.raises(ModelError) as error:
        load_tensors(network, tensors, "file, model_pos")
    for part in (
        "file, model_pos does not fit the network",
        "missing: 1.bias",
        "not of this network: 2.weight",
        "0.weight has shape (3, 3), expected (2, 3)",
        "not finite in 0.weight",
    ):
        assert part in str(error.value)
    for value, text in ((None, "found NoneType"), ({"a": 1}, "a are no tensors of plain real numbers")):
        with pytest.raises(ModelError, match=text):
            tensors_of(value, "file")
