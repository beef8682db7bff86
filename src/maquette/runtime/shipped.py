"""The models inside the package, and how a name or a path becomes a model file."""

from pathlib import Path

from maquette.errors import ModelError

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"

SHIPPED: dict[str, str] = {
    "maquette-tcn27": "maquette-tcn27.onnx",
    "maquette-residual": "maquette-residual.onnx",
    "maquette-rie27": "maquette-rie27.onnx",
}
"""Name -> file in the package; each has a card of the same name beside it."""

DEFAULT_MODEL = "maquette-tcn27"

LIVE_MODEL = "maquette-residual"
"""Of streams: it sees single poses, so nothing has to wait for the future."""

CORRECTIONS: dict[str, str] = {"maquette-correction": "maquette-correction.npz"}
"""Name -> file of the weights of self-supervised refinement; each has a card of the same name beside it."""

DEFAULT_CORRECTION = "maquette-correction"

SIDES: dict[str, str] = {"maquette-sides": "maquette-sides.npz"}
"""Name -> file of the weights that tell left from right in the repair of 2D; with a card, too."""


def find_model(model: str | Path | None = None) -> Path:
    """Path of a shipped model by name, of any ``.onnx`` file by path, or of the default model for None.

    Raises:
        ModelError: neither a shipped name nor an existing file.
    """
    name = str(model) if model is not None else DEFAULT_MODEL
    if name in SHIPPED:
        return WEIGHTS / SHIPPED[name]
    path = Path(name)
    if path.is_file():
        return path
    raise ModelError(f"no model '{name}': expected an .onnx file or one of {', '.join(SHIPPED)}")


def find_correction(weights: str | Path | None = None) -> Path:
    """Path of shipped correction weights by name, of any ``.npz`` file by path, or of the default ones for None.

    Raises:
        ModelError: neither a shipped name nor an existing file.
    """
    name = str(weights) if weights is not None else DEFAULT_CORRECTION
    path = WEIGHTS / CORRECTIONS[name] if name in CORRECTIONS else Path(name)
    if path.is_file():
        return path
    raise ModelError(f"no correction weights '{name}': expected an .npz file or one of {', '.join(CORRECTIONS)}")


def card_of(name: str) -> Path:
    """Path of the card of the shipped model or weights ``name``."""
    return (WEIGHTS / (SHIPPED | CORRECTIONS | SIDES)[name]).with_suffix(".md")
