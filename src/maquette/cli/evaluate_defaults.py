"""What ``maquette evaluate`` takes for a lifter where nobody says: the protocol, and the 2D."""

from typing import TYPE_CHECKING

from maquette.errors import InputError

if TYPE_CHECKING:
    from maquette.datasets.store import PoseStore
    from maquette.evaluate.protocols import Protocol
    from maquette.lifting.lifter import Lifter


def protocol_for(lifter: "Lifter", store: "PoseStore") -> "Protocol":
    """The one that results of such a model on such data are published under."""
    from maquette.evaluate.protocols import PROTOCOLS
    from maquette.lifting.published import STANDARD_SCORES

    skeleton = store.skeleton.name
    for name in ("humaneva", "mpi-inf-3dhp", "kth-football"):
        if skeleton in PROTOCOLS[name].skeletons:
            return PROTOCOLS[name]
    if skeleton != "h36m-32":
        return PROTOCOLS["plain"]
    if lifter.spec.normalisation == STANDARD_SCORES:
        return PROTOCOLS["martinez"]
    return PROTOCOLS["rie" if lifter.published and lifter.spec.kind == "relative" else "videopose3d"]


def source_for(lifter: "Lifter", store: "PoseStore") -> str:
    """The 2D that the model was trained on if it says so, the exact points else; of those whose joints fit."""
    import re

    from maquette.cli.evaluated_store import fit_model

    if not store.sources:
        raise InputError(f"{store.path}: the store has no 2D to lift")
    fitting = []
    for name in store.sources:
        try:
            fit_model(lifter, store, name)
        except InputError:
            continue
        fitting.append(name)
    told = [name for name in fitting if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", lifter.spec.training_data)]
    hourglass = [name for name in fitting if name.startswith("sh") and "hourglass" in lifter.spec.mapping]
    exact = [name for name in fitting if name == "gt"]
    return next(iter([*told, *hourglass, *exact, *fitting, *store.sources]))
