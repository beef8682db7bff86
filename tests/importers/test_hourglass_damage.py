"""Files of the hourglass that are damaged, of other networks or hostile: one sentence, and nothing of them is run."""

import contextlib
import struct
import sys
import types
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_hourglass import (
    MAGIC,
    VERSION,
    Called,
    Global,
    Instance,
    OldTorchFile,
    Python2Pickle,
    filled,
    published_tensors,
)
from made_torch7 import HourglassGraph, Lua, Thing, Torch7Writer
from torch import nn

from maquette.errors import InputError, MaquetteError, ModelError
from maquette.importers.hourglass import import_weights
from maquette.importers.hourglass_pickle import read_network
from maquette.importers.hourglass_stand_ins import StandInModule, StandInTensor
from maquette.models.hourglass import HourglassDepth

SIZES = (1, 1, 4, 1, 2, 64)


def small_network() -> HourglassDepth:
    return filled(HourglassDepth(*SIZES))


def small_pickle() -> bytes:
    return OldTorchFile().write(published_tensors(HourglassDepth(*SIZES)))


def small_graph() -> bytes:
    return Torch7Writer().dump(HourglassGraph(small_network()).gmodule())


def legacy(value: object) -> bytes:
    """A file of old torch with this object and no storages."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 8}}
    return MAGIC + VERSION + b"".join(Python2Pickle().dump(part) for part in (system, value, []))


def network_with(value: object) -> Instance:
    """A layer of torch, so that the file counts as a network, with something in it."""
    state = {"_parameters": {}, "_buffers": {}, "_modules": {}, "something": value}
    return Instance(Global("torch.nn.modules.container", "Sequential"), state)


@pytest.mark.parametrize(
    "call",
    [
        Called(Global("os", "mkdir"), ("made",)),
        Called(Global("posix", "system"), ("mkdir made",)),
        Called(Global("__builtin__", "eval"), ("__import__('os').mkdir('made')",)),
        Called(Global("torch.utils.cpp_extension", "load"), ("made",)),
        Called(Global("torch.nn.modules.container", "OrderedDict.fromkeys"), ("made",)),
    ],
)
def test_nothing_is_run(tmp_path, monkeypatch, call: Called) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.pth").write_bytes(legacy(network_with(call)))
    with pytest.raises(InputError, match=r"a\.pth: refused: the pickle asks for .*; only layers and tensors"):
        import_weights(tmp_path / "a.pth")
    assert [p.name for p in tmp_path.iterdir()] == ["a.pth"]


@pytest.mark.parametrize("name", ["StandInModule", "StandInTensor"])
def test_stand_ins_stay_as_they_are(tmp_path, name: str) -> None:
    """A state that is given to a class instead of an object changes nothing."""
    inner = (
        Global("torch.nn.modules.conv", "Conv2d")
        if name == "StandInModule"
        else Global("torch._utils", "_rebuild_tensor")
    )
    changed = Python2Pickle()
    changed.save(network_with(None))
    out = changed.out + b"0"
    out += f"c{inner.module}\n{inner.name}\n".encode() + b"N}(U\x04parttNNq\xffb."
    before = {cls: dict(vars(cls)) for cls in (StandInModule, StandInTensor)}
    data = legacy(1).replace(Python2Pickle().dump(1), bytes(out), 1)
    (tmp_path / "a.pth").write_bytes(data)
    with pytest.raises(MaquetteError):
        read_network(tmp_path / "a.pth")
    assert {cls: dict(vars(cls)) for cls in before} == before


def test_networks_within_networks_without_end(tmp_path) -> None:
    """Itself in itself, and twice the same thirty deep: a thousand million layers."""
    endless = network_with(None)
    endless.state["_modules"] = {"inner": endless}
    doubled = network_with(None)
    for _ in range(40):
        outer = network_with(None)
        outer.state["_modules"] = {"a": doubled, "b": doubled}
        doubled = outer
    for value in (endless, doubled):
        (tmp_path / "a.pth").write_bytes(legacy(value))
        with pytest.raises(InputError, match="layers within layers without end"):
            import_weights(tmp_path / "a.pth")


def test_a_network_saved_by_torch_of_today(tmp_path, monkeypatch) -> None:
    """Whole, in a zip archive; one that is packed is none of torch's."""
    module = types.ModuleType("models")
    module.Any = type("Any", (nn.Sequential,), {"__module__": "models"})  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "models", module)
    network = module.Any(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    torch.save(network, tmp_path / "a.pth")
    found = read_network(tmp_path / "a.pth")
    assert found.class_name == "Any"
    for name, value in network.state_dict().items():
        torch.testing.assert_close(found.tensors[name], value)
    with pytest.raises(ModelError, match="has no layers of the hourglass"):
        import_weights(tmp_path / "a.pth")
    with zipfile.ZipFile(tmp_path / "a.pth") as old, zipfile.ZipFile(tmp_path / "b.pth", "w") as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info), zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="a packed archive, which torch does not write"):
        read_network(tmp_path / "b.pth")


@pytest.mark.parametrize("name", ["a.pth", "a.t7"])
def test_a_file_that_ends_too_early(tmp_path, name: str) -> None:
    data = small_pickle() if name == "a.pth" else small_graph()
    for stop in [*range(1, 200, 29), *np.linspace(200, len(data) - 1, 12).astype(int)]:
        (tmp_path / name).write_bytes(data[:stop])
        with pytest.raises(MaquetteError, match=name):
            import_weights(tmp_path / name)


def test_what_is_no_file_of_weights(tmp_path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        import_weights(tmp_path / "nothing.pth")
    with pytest.raises(InputError, match="cannot be read"):
        import_weights(tmp_path)
    (tmp_path / "a.pth").write_bytes(b"")
    with pytest.raises(InputError, match="is empty; copy it again"):
        import_weights(tmp_path / "a.pth")
    (tmp_path / "a.t7").write_bytes(Torch7Writer().dump(Lua({"model": Thing("nn.Sequential")})))
    with pytest.raises(ModelError, match=r"expected the graph of a network \(nn.gModule\)"):
        import_weights(tmp_path / "a.t7")


def test_state_dicts_of_other_networks(tmp_path) -> None:
    tensors = published_tensors(HourglassDepth(*SIZES))
    cases = [
        ({"fc.weight": torch.zeros(2, 2)}, "has no layers of the hourglass"),
        ({k: v for k, v in tensors.items() if k != "lin_.0.0.bias"}, r"missing: stacks\.0\.conv\.bias"),
        (tensors | {"extra.weight": torch.zeros(3)}, "not of this network: extra.weight"),
        (tensors | {"reg.weight": torch.zeros(2, 12)}, r"its depth branch has 4 residuals and a last layer of shape"),
        (tensors | {"reg.bias": torch.full((2,), torch.nan)}, "values that are not finite in depth.linear.bias"),
        # A network of features that the file does not hold would take memory.
        (
            tensors | {"tmpOut.0.weight": torch.zeros(2, 100_000, 1, 1), "reg.weight": torch.zeros(2, 100_000)},
            "smaller than",
        ),
        (
            {"deconv_layers.0.weight": torch.zeros(1)},
            r"blocks 0, 0, 0, 0 and heads .*expected a residual network of 18",
        ),
    ]
    for state, text in cases:
        torch.save(state, tmp_path / "a.pth")
        with pytest.raises(ModelError, match=text):
            import_weights(tmp_path / "a.pth")
    torch.save(tensors, tmp_path / "a.pth")
    with pytest.raises(InputError, match=r"for pictures of 64 pixels, --input-size says 128"):
        import_weights(tmp_path / "a.pth", input_size=128)


def changed_graph(change) -> bytes:
    graph = HourglassGraph(small_network())
    root = graph.gmodule()
    change(graph, root)
    return Torch7Writer().dump(root)


def drop_bias(graph: HourglassGraph, root: Thing) -> None:
    first = next(data for data in graph.nodes if "Convolution" in getattr(data.get("module"), "class_name", ""))
    del first["module"].fields["bias"]


def other_layer(graph: HourglassGraph, root: Thing) -> None:
    last = next(data for data in graph.nodes if getattr(data.get("module"), "class_name", "") == "nn.Linear")
    last["module"].class_name = "nn.LogSoftMax"


def no_nodes(graph: HourglassGraph, root: Thing) -> None:
    root.fields["forwardnodes"] = Lua()


def circle(graph: HourglassGraph, root: Thing) -> None:
    """The first residual is fed by itself, and by nothing else."""
    first = next(data for data in graph.nodes if getattr(data.get("module"), "class_name", "") == "nn.Sequential")
    first["mapindex"] = Lua({1: first, first: 1})


def epsilon(graph: HourglassGraph, root: Thing) -> None:
    norm = next(d for d in graph.nodes if "BatchNormalization" in getattr(d.get("module"), "class_name", ""))
    norm["module"].fields["eps"] = 1e-3


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (drop_bias, r"at stem\.conv: a cudnn\.SpatialConvolution without bias"),
        (other_layer, r"at depth\.linear: expected one Linear after View, found LogSoftMax"),
        (no_nodes, r"its network \(nn\.gModule\) has no nodes"),
        (circle, "expected one Sequential after ReLU"),
        (epsilon, r"at stem\.norm: a norm with the epsilon 0\.001, expected 1e-05"),
    ],
)
def test_graphs_that_are_no_hourglass(tmp_path, change, text: str) -> None:
    (tmp_path / "a.t7").write_bytes(changed_graph(change))
    with pytest.raises(ModelError, match=text):
        import_weights(tmp_path / "a.t7")


GOOD = {"pth": small_pickle(), "t7": small_graph()}


@settings(max_examples=25)
@given(
    st.sampled_from(sorted(GOOD)),
    st.one_of(
        st.binary(max_size=200),
        st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)),
        st.tuples(st.integers(0, 4000), st.sampled_from([struct.pack("<i", n) for n in (-1, 0, 4, 2**31 - 1)])),
    ),
)
def test_any_bytes(tmp_path_factory, kind: str, change) -> None:
    """Files of chance, and good files in which something else stands somewhere."""
    good = GOOD[kind]
    if isinstance(change, bytes):
        data = change
    else:
        place, other = change
        at = int(place * len(good)) if isinstance(place, float) else place
        data = good[:at] + other + good[at + len(other) :]
    path = tmp_path_factory.getbasetemp() / f"fuzz.{kind}"
    path.write_bytes(data)
    with contextlib.suppress(MaquetteError):
        import_weights(path)
