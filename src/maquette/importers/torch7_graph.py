"""The layers of a network that Torch7's ``nngraph`` built, and which of them feed which.

A ``nn.gModule`` holds its nodes several times over, in graphs of both directions; what they share is the ``data`` of
each node: its layer, and the ``mapindex``, the data of the nodes that feed it.
"""

from dataclasses import dataclass, field
from typing import Any

from maquette.errors import ModelError
from maquette.formats.torch7 import Table, Torch7Object

_SAME = ("Identity", "Copy", "Dropout")
"""Layers that change nothing once a network is trained."""
MOST_PARTS = 64
"""Inputs of a layer, or layers within one; no hourglass has a tenth of that."""
_WRAPPERS = ("DataParallelTable", "DataParallel")


@dataclass(eq=False)
class Layer:
    """One layer of the graph; None stands for what comes into the network."""

    module: Torch7Object | None
    users: dict["Layer", None] = field(default_factory=dict)
    """The layers that its output goes to."""

    @property
    def kind(self) -> str:
        """Its class without the package, so that ``nn`` and ``cudnn`` are one."""
        return kind_of(self.module) if self.module is not None else "the input"


def kind_of(module: Torch7Object) -> str:
    return module.class_name.rpartition(".")[2]


def layers_of(root: Any, where: str) -> Layer:
    """The input of the graph in what :func:`maquette.formats.torch7.read_torch7` gives.

    Raises:
        ModelError: it holds no graph of layers.
    """
    network = _network(root)
    if network is None:
        name = root.class_name if isinstance(root, Torch7Object) else type(root).__name__
        raise ModelError(f"{where}: holds {name}, expected the graph of a network (nn.gModule)")
    nodes = network.get("forwardnodes")
    found = [_data(node) for node in nodes.sequence()] if isinstance(nodes, Table) else []
    if not found or any(data is None for data in found):
        raise ModelError(f"{where}: its network (nn.gModule) has no nodes")
    tables = [data for data in found if data is not None]
    first = _data(network.get("innode"))
    layers = {id(data): Layer(_module(data, where)) for data in tables}
    source = Layer(None)
    if first is not None:
        layers[id(first)] = source
    inputs = {id(data): [layers[id(fed)] for fed in _inputs(data) if id(fed) in layers] for data in tables}
    feeds = {layers[key]: fed for key, fed in inputs.items() if layers[key] is not source}
    for layer, fed in feeds.items():
        if layer.module is None or kind_of(layer.module) in _SAME:
            continue
        for other in fed or [source]:
            _behind(other, feeds, source).users[layer] = None
    return source


def _network(root: Any) -> Torch7Object | None:
    """The graph, wherever a program may put it."""
    for _ in range(4):
        if isinstance(root, Table):
            root = root.get("model")
        elif isinstance(root, Torch7Object) and kind_of(root) in _WRAPPERS:
            modules = root.get("modules")
            root = modules.get(1) if isinstance(modules, Table) else None
        elif isinstance(root, Torch7Object) and kind_of(root) == "gModule":
            return root
        else:
            return None
    return None


def _data(node: Any) -> Table | None:
    data = node.get("data") if isinstance(node, Torch7Object) else None
    return data if isinstance(data, Table) else None


def _module(data: Table, where: str) -> Torch7Object | None:
    module = data.get("module")
    if module is not None and not isinstance(module, Torch7Object):
        raise ModelError(f"{where}: a node of its graph holds no layer but {type(module).__name__}")
    return module


def _inputs(data: Table) -> list[Table]:
    index = data.get("mapindex")
    # Each input stands in it twice, by number and by data.
    if isinstance(index, Table) and len(index.entries) > 2 * MOST_PARTS:
        raise ModelError(f"a layer with {len(index.entries) // 2} inputs, expected {MOST_PARTS} at most")
    return [value for value in index.sequence() if isinstance(value, Table)] if isinstance(index, Table) else []


def _behind(layer: Layer, feeds: dict[Layer, list[Layer]], source: Layer) -> Layer:
    """The layer whose output comes out of ``layer``, which may change nothing."""
    for _ in range(MOST_PARTS):
        if layer is source or (layer.module is not None and kind_of(layer.module) not in _SAME):
            return layer
        fed = feeds.get(layer, [])
        if not fed:
            return source
        layer = fed[0]
    raise ModelError("layers that change nothing follow each other without end")
