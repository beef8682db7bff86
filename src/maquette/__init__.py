"""Maquette: 2D human keypoints in, a moving 3D body out.

The public names are imported when they are first used, so that ``import maquette`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maquette.errors import InputError as InputError
    from maquette.errors import MaquetteError as MaquetteError
    from maquette.errors import MissingExtraError as MissingExtraError
    from maquette.errors import ModelError as ModelError
    from maquette.errors import OutputError as OutputError
    from maquette.exporters import write_motion as write_motion
    from maquette.keypoints import Keypoints as Keypoints
    from maquette.lifting.lifter import Lifter as Lifter
    from maquette.motion import Motion as Motion
    from maquette.pipeline import lift as lift
    from maquette.readers import read_keypoints as read_keypoints
    from maquette.readers.motion import read_motion as read_motion
    from maquette.skeleton import Skeleton as Skeleton
    from maquette.skeletons import SKELETONS as SKELETONS
    from maquette.skeletons import get_skeleton as get_skeleton
    from maquette.viewer import view as view

__version__ = "0.1.0"

_HOME = {
    "InputError": "maquette.errors",
    "MaquetteError": "maquette.errors",
    "MissingExtraError": "maquette.errors",
    "ModelError": "maquette.errors",
    "OutputError": "maquette.errors",
    "Keypoints": "maquette.keypoints",
    "Lifter": "maquette.lifting.lifter",
    "Motion": "maquette.motion",
    "SKELETONS": "maquette.skeletons",
    "Skeleton": "maquette.skeleton",
    "get_skeleton": "maquette.skeletons",
    "lift": "maquette.pipeline",
    "read_keypoints": "maquette.readers",
    "read_motion": "maquette.readers.motion",
    "view": "maquette.viewer",
    "write_motion": "maquette.exporters",
}

__all__ = ["__version__", *sorted(_HOME)]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'maquette' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
