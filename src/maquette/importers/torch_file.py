"""Checkpoints of PyTorch programs, read without running anything that they ask for.

Both layouts of ``torch.save`` (a zip archive; before torch 1.6 a row of pickles) go through torch's own reader of
weights, which knows tensors and plain values only. Published checkpoints hold the state of NumPy's random generator
besides, which that reader refuses: here the words for it lead to an empty stand-in, and such values are left out.
"""

import pickle
import struct
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from maquette.errors import InputError, ModelError

_SHOWN = 8
_FAILURES = (
    RuntimeError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    OverflowError,
    MemoryError,
    ImportError,
    RecursionError,
    struct.error,
)
"""What torch's reader raises on damaged data."""


class _LeftOut:
    """Stands for a value that is not read."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


_NOT_READ = [
    f"{module}.{name}"
    for modules, names in (
        (("numpy.random._pickle",), ("__randomstate_ctor", "__bit_generator_ctor", "__generator_ctor")),
        (("numpy.random._mt19937",), ("MT19937",)),
        (("numpy.random._pcg64",), ("PCG64",)),
        (("numpy.random",), ("__RandomState_ctor",)),
        (("numpy.core.multiarray", "numpy._core.multiarray"), ("_reconstruct", "scalar")),
        (("numpy.core.numeric", "numpy._core.numeric"), ("_frombuffer",)),
        (("numpy",), ("ndarray", "dtype")),
    )
    for module in modules
    for name in names
]


def read_torch_file(path: str | Path) -> dict[str, Any]:
    """What ``torch.save`` wrote: a dictionary of tensors (on the CPU), dictionaries, lists and plain values.

    Values of NumPy are left out.

    Raises:
        InputError: no such file, damaged, no checkpoint, or one that asks for more than tensors and plain values.
    """
    path = Path(path)
    if path.is_file() and not path.stat().st_size:
        raise InputError(f"{path}: is empty; copy it again")
    try:
        with torch.serialization.safe_globals([(_LeftOut, name) for name in _NOT_READ]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except pickle.UnpicklingError as error:
        raise InputError(f"{path}: refused: {_reason(error)}; only tensors and plain values are read") from None
    except _FAILURES as error:
        raise InputError(
            f"{path}: is no checkpoint of PyTorch, or a damaged one ({type(error).__name__}: {_reason(error)})"
        ) from None
    if not isinstance(loaded, dict):
        raise InputError(
            f"{path}: holds a {type(loaded).__name__}, expected a dictionary with the tensors of a network"
        )
    return {str(key): value for key, value in loaded.items() if not isinstance(value, _LeftOut)}


def tensors_of(value: Any, what: str) -> dict[str, Tensor]:
    """A state dict: the tensors of a network by their names, as float32 (counters as they are).

    Args:
        value: an entry of the checkpoint.
        what: file and entry, for the error.

    Raises:
        ModelError: it is none.
    """
    if not isinstance(value, Mapping) or not value:
        raise ModelError(f"{what}: expected the tensors of a network, found {type(value).__name__}")
    wrong = [str(name) for name, tensor in value.items() if not _is_plain(tensor)]
    if wrong:
        raise ModelError(f"{what}: {some_names(wrong)} are no tensors of plain real numbers")
    # Networks that were trained on several GPUs carry the name of the wrapper.
    names = [str(name) for name in value]
    prefix = "module." if all(name.startswith("module.") for name in names) else ""
    return {
        name.removeprefix(prefix): tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in zip(names, value.values(), strict=True)
    }


def _is_plain(value: Any) -> bool:
    """Real numbers that all stand in the file; a tensor can also repeat a few of them many times over."""
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_complex() or value.is_quantized:
        return False
    return value.untyped_storage().nbytes() >= value.numel() * value.element_size()


def load_tensors(network: nn.Module, tensors: Mapping[str, Tensor], what: str) -> None:
    """Give ``network`` the ``tensors``; counters of batches, which old checkpoints lack, may be missing.

    Raises:
        ModelError: the tensors are those of another architecture; the text says which differ.
    """
    expected = network.state_dict()
    missing = [name for name in expected if name not in tensors and not name.endswith("num_batches_tracked")]
    strange = [name for name in tensors if name not in expected]
    shapes = [
        f"{name} has shape {tuple(tensors[name].shape)}, expected {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in tensors and tensors[name].shape != tensor.shape
    ]
    # An average of weights that is not finite is a training that went wrong; nothing useful comes out of it.
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    problems = []
    if missing:
        problems.append(f"missing: {some_names(missing)}")
    if strange:
        problems.append(f"not of this network: {some_names(strange)}")
    problems += shapes[:_SHOWN] + ([f"and {len(shapes) - _SHOWN} other shapes"] if len(shapes) > _SHOWN else [])
    if broken:
        problems.append(f"values that are not finite in {some_names(broken)}")
    if problems:
        raise ModelError(f"{what} does not fit the network: " + "; ".join(problems))
    network.load_state_dict(dict(tensors), strict=False)


def some_names(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _reason(error: BaseException) -> str:
    """What was seen: torch wraps that in advice to switch the checks off."""
    lines = str(error.__context__ or error).strip().splitlines()
    return lines[0].split(". ")[0][:200] if lines else "no reason given"
