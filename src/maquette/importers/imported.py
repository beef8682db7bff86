"""What an importer gives back."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True, eq=False)
class Imported:
    """A model made from a published checkpoint."""

    model: "onnx.ModelProto"
    """With its spec among the metadata, as ``maquette.runtime.OnnxModel`` reads it."""
    notes: tuple[str, ...] = ()
    """Lines for people: what was read, from where the statistics come, what was assumed."""
