"""TensorFlow's checkpoints: real ones to the last bit, and damaged ones."""

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.errors import InputError
from maquette.formats.crc32c import crc32c
from maquette.formats.sorted_table import masked, read_table
from maquette.importers.tensor_bundle import open_bundle

NAME = "checkpoint-48742"


@pytest.fixture
def run(goldens_dir, tmp_path) -> Path:
    """A run's folder that a test may spoil."""
    folder = tmp_path / "run"
    shutil.copytree(goldens_dir / "martinez_model" / "res_bn_maxnorm_16", folder)
    return folder


def test_every_variable(goldens_dir):
    folder = goldens_dir / "martinez_model" / "res_bn_maxnorm_16"
    bundle, expected = open_bundle(folder), dict(np.load(folder / "variables.npz"))
    assert len(bundle.tensors) == 80
    assert bundle.tensors.keys() == expected.keys()
    for name, values in expected.items():
        found = bundle.tensor(name)
        assert (found.dtype, found.shape) == (values.dtype, values.shape)
        np.testing.assert_array_equal(found, values)


def test_final_variables_of_a_training(goldens_dir):
    folder = goldens_dir / "martinez_model" / "trace_res_bn_maxnorm_14"
    bundle = open_bundle(folder)
    golden = {k[len("final/") :]: v for k, v in np.load(folder / "trace.npz").items() if k.startswith("final/")}
    assert len(golden) == 34
    for name, values in golden.items():
        np.testing.assert_array_equal(bundle.tensor(name), values)
    assert bundle.tensor("global_step") == 20


@pytest.mark.parametrize("suffix", ["", ".index", ".data-00000-of-00001", ".meta"])
def test_any_of_its_names(run, suffix):
    assert open_bundle(run / f"{NAME}{suffix}").prefix == run / NAME


def test_which_checkpoint_of_a_folder(run):
    for path in list(run.glob(f"{NAME}.*")):
        shutil.copy(path, run / path.name.replace("48742", "7"))
    assert open_bundle(run).prefix.name == NAME
    assert open_bundle(run, step=7).prefix.name == "checkpoint-7"
    with pytest.raises(InputError, match=r"no such file; checkpoints in that folder: checkpoint-48742, checkpoint-7$"):
        open_bundle(run, step=8)
    with pytest.raises(InputError, match="is a checkpoint itself"):
        open_bundle(run / NAME, step=7)
    # Runs are moved: of the path in the state file the last part counts, whatever system it is from.
    for text in ('"/home/someone/run/checkpoint-7"', r'"C:\\run\\checkpoint-7"'):
        (run / "checkpoint").write_text(f'model_checkpoint_path: {text}\nall_model_checkpoint_paths: "x"\n')
        assert open_bundle(run).prefix.name == "checkpoint-7"
    (run / "checkpoint").write_text("nothing")
    with pytest.raises(InputError, match="does not name a checkpoint"):
        open_bundle(run)
    (run / "checkpoint").unlink()
    with pytest.raises(InputError, match="choose one: checkpoint-48742, checkpoint-7"):
        open_bundle(run)
    (run / "checkpoint-7.index").unlink()
    assert open_bundle(run).prefix.name == NAME


def test_absent(tmp_path):
    with pytest.raises(InputError, match="no such file; checkpoints in that folder: none"):
        open_bundle(tmp_path / "checkpoint-1")


def test_two_files_of_tensors(run):
    """The second half of the tensors moved to a file of its own, as several machines write."""
    index, data = run / f"{NAME}.index", run / f"{NAME}.data-00000-of-00001"
    entries, content = read_table(index.read_bytes(), "index"), data.read_bytes()
    middle, bundle = len(content) // 2, open_bundle(run)
    cut = min(t.offset for t in bundle.tensors.values() if t.offset >= middle)
    changed = {b"": entries[b""].replace(b"\x08\x01", b"\x08\x02", 1)}
    for key, value in sorted(entries.items())[1:]:
        tensor = bundle.tensors[key.decode()]
        changed[key] = value if tensor.offset < cut else message(tensor, shard=1, offset=tensor.offset - cut)
    index.write_bytes(table(changed))
    (run / f"{NAME}.data-00000-of-00002").write_bytes(content[:cut])
    again = open_bundle(run)
    with pytest.raises(InputError, match=r"data-00001-of-00002: cannot be read"):
        [again.tensor(name) for name in bundle.tensors]
    (run / f"{NAME}.data-00001-of-00002").write_bytes(content[cut:])
    assert {again.tensors[name].shard for name in again.tensors} == {0, 1}
    for name in bundle.tensors:
        np.testing.assert_array_equal(again.tensor(name), bundle.tensor(name))


def number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def message(tensor, **changed) -> bytes:
    facts = {"shard": tensor.shard, "offset": tensor.offset, "dtype": tensor.dtype, "size": tensor.size, **changed}
    dims = b"".join(b"\x12" + number(len(d)) + d for d in (b"\x08" + number(n) for n in tensor.shape))
    parts = [b"\x08", number(facts["dtype"]), b"\x12", number(len(dims)), dims, b"\x18", number(facts["shard"])]
    parts += [b"\x20", number(facts["offset"]), b"\x28", number(facts["size"]), b"\x35", struct.pack("<I", tensor.crc)]
    return b"".join(parts)


def block(entries: dict[bytes, bytes]) -> bytes:
    body = b"".join(b"\0" + number(len(k)) + number(len(v)) + k + v for k, v in entries.items())
    return signed(body + struct.pack("<II", 0, 1) + b"\0")


def signed(body: bytes) -> bytes:
    return body + struct.pack("<I", masked(crc32c(body)))


def table(entries: dict[bytes, bytes]) -> bytes:
    """A table of one block."""
    data = block(entries)
    listing = block({b"\xff": number(0) + number(len(data) - 5)})
    handle = number(len(data)) + number(len(listing) - 5)
    return data + listing + (b"\0\0" + handle).ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def test_cut_off_and_damaged(run):
    index, data = run / f"{NAME}.index", run / f"{NAME}.data-00000-of-00001"
    whole, content = index.read_bytes(), data.read_bytes()
    for cut in (0, 7, 47, 1000, len(whole) - 1):
        index.write_bytes(whole[:cut])
        with pytest.raises(InputError, match="is no table of LevelDB, or its end is missing"):
            open_bundle(run)
    index.write_bytes(whole[:100] + bytes([whole[100] ^ 4]) + whole[101:])
    with pytest.raises(InputError, match="the checksum of the block at byte 0 is wrong"):
        open_bundle(run)
    index.write_bytes(whole)
    data.write_bytes(content[:5000] + bytes([content[5000] ^ 4]) + content[5001:])
    bundle = open_bundle(run)
    with pytest.raises(InputError, match=r"checksum of tensor 'linear_model/.*' is wrong"):
        [bundle.tensor(name) for name in bundle.tensors]
    data.write_bytes(content[:5000])
    with pytest.raises(InputError, match="ends before tensor"):
        [bundle.tensor(name) for name in bundle.tensors]
    data.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        bundle.tensor("global_step")
    with pytest.raises(InputError, match="no tensor 'w9'"):
        bundle.tensor("w9")


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"dtype": 7}, "of TensorFlow's type 7, expected numbers"),
        ({"size": 1 << 50}, "expected 8192"),
        ({"offset": 1 << 60}, "ends before tensor"),
        ({"shard": 3}, "a tensor in file 3 of 1"),
    ],
)
def test_an_index_that_lies(run, changed, text):
    index = run / f"{NAME}.index"
    entries, tensor = read_table(index.read_bytes(), "index"), open_bundle(run).tensors["linear_model/w1"]
    index.write_bytes(table({b"": entries[b""], b"linear_model/w1": message(tensor, **changed)}))
    with pytest.raises(InputError, match=text):
        open_bundle(run).tensor("linear_model/w1")


def test_big_endian_and_compressed(run):
    index = run / f"{NAME}.index"
    index.write_bytes(table({b"": b"\x08\x01\x10\x01"}))
    with pytest.raises(InputError, match="big-endian"):
        open_bundle(run)
    index.write_bytes(table({b"w": b""}))
    with pytest.raises(InputError, match="no header"):
        open_bundle(run)
    data = table({b"": b"\x08\x01"})
    body = data[: data.index(b"\0" + struct.pack("<I", masked(crc32c(block({b"": b"\x08\x01"})[:-4]))))]
    index.write_bytes(signed(body + b"\1") + data[len(body) + 5 :])
    with pytest.raises(InputError, match="is compressed"):
        open_bundle(run)


@settings(max_examples=100)
@given(st.data())
def test_any_damage_is_an_input_error(goldens_dir, tmp_path_factory, data):
    """Single bytes changed, with the checksums made right again so that what lies behind them is reached."""
    folder = goldens_dir / "martinez_model" / "res_bn_maxnorm_16"
    entries = sorted(read_table((folder / f"{NAME}.index").read_bytes(), "index").items())[:12]
    values = [bytearray(value) for _, value in entries]
    for _ in range(data.draw(st.integers(1, 4))):
        value = values[data.draw(st.integers(0, len(values) - 1))]
        if value:
            value[data.draw(st.integers(0, len(value) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "fuzz"
    if not path.exists():
        path.mkdir()
        shutil.copy(folder / f"{NAME}.data-00000-of-00001", path)
    (path / f"{NAME}.index").write_bytes(
        table({key: bytes(value) for (key, _), value in zip(entries, values, strict=True)})
    )
    try:
        bundle = open_bundle(path / NAME)
    except InputError:
        return
    for name in bundle.tensors:
        try:
            bundle.tensor(name)
        except InputError:
            pass


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_any_bytes_before_the_magic_number(data):
    try:
        read_table(data + struct.pack("<Q", 0xDB4775248B80FB57), "x.index")
    except InputError:
        pass
