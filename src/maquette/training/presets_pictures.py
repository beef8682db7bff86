"""The trainings of networks of pictures, in one literal dict: what was published three times, and a modern line.

Where two programs agree the fields' defaults are theirs (:class:`maquette.training.plans.HourglassPreset`).
"""

from typing import Any

from maquette.training.plans_hourglass import HourglassPreset
from maquette.training.plans_pictures import MODERN_SAMPLES, PAPER_SAMPLES, PORT_SAMPLES, V2_SAMPLES

_2D: dict[str, Any] = {"stage": 1, "weight_3d": 0.0}
_DEPTH: dict[str, Any] = {"stage": 2, "weight_3d": 0.1}
_GEOMETRY: dict[str, Any] = {"stage": 3, "weight_3d": 0.1, "weight_var": 0.01}

_PORT: dict[str, Any] = {
    "kind": "hourglass",
    "samples": PORT_SAMPLES,
    "places_of": "target",
    "skip_zero_bones": True,
    "shrunk_gradient": True,
    "mixing": "joined",
    "epoch_samples": 0,
}
_DECONV: dict[str, Any] = {
    "kind": "deconv",
    "samples": V2_SAMPLES,
    "norm_weights": "one",
    "depth_loss": "smooth-l1",
    "geometry": "v2",
    "places_of": "target",
    "mixing": "joined",
    "epoch_samples": 0,
    "batch_size": 32,
    "optimizer": "adam",
    "learning_rate": 1e-3,
    "skeleton_length_mm": 4000.0,
    "decode": "none",
}
_MODERN: dict[str, Any] = {
    "kind": "hourglass",
    "samples": MODERN_SAMPLES,
    "norm_weights": "one",
    "places_of": "target",
    "published_missing": False,
    "mixing": "halves",
    "batch_size": 32,
    "optimizer": "adamw",
    "schedule": "cosine",
    "warmup_steps": 500,
    "weight_decay": 0.01,
    "clip_norm": 1.0,
    "ema_decay": 0.999,
    "skeleton_length_mm": 0.0,
    "decode": "taylor",
}


def _preset(name: str, line: dict[str, Any], stage: dict[str, Any], **fields: Any) -> HourglassPreset:
    return HourglassPreset(name=name, model_name=name, **{**line, **stage, **fields})


_PAPER: dict[str, Any] = {"kind": "hourglass", "samples": PAPER_SAMPLES}
PICTURE_PRESETS: dict[str, HourglassPreset] = {
    "hourglass-stage1": _preset("hourglass-stage1", _PAPER, _2D),
    "hourglass-stage2": _preset("hourglass-stage2", _PAPER, _DEPTH, epochs=50, drop_epochs=(40,)),
    "hourglass-stage3": _preset("hourglass-stage3", _PAPER, _GEOMETRY, epochs=10, learning_rate=2.5e-5),
    "hourglass-port-stage1": _preset("hourglass-port-stage1", _PORT, _2D, ratio_3d=0.0),
    "hourglass-port-stage2": _preset("hourglass-port-stage2", _PORT, _DEPTH, epochs=30, drop_epochs=(25,)),
    "hourglass-port-stage3": _preset("hourglass-port-stage3", _PORT, _GEOMETRY, epochs=10, learning_rate=2.5e-5),
    "deconv-stage1": _preset(
        "deconv-stage1", _DECONV, _2D, depth=False, ratio_3d=0.0, epochs=140, drop_epochs=(90, 120)
    ),
    "deconv-stage2": _preset("deconv-stage2", _DECONV, _DEPTH, epochs=60, drop_epochs=(45,)),
    "deconv-stage3": _preset("deconv-stage3", _DECONV, _GEOMETRY, epochs=10, learning_rate=1e-4),
    "hourglass-modern-stage1": _preset("hourglass-modern-stage1", _MODERN, _2D, learning_rate=1e-3),
    "hourglass-modern-stage2": _preset("hourglass-modern-stage2", _MODERN, _DEPTH, epochs=40, learning_rate=5e-4),
    "hourglass-modern-stage3": _preset("hourglass-modern-stage3", _MODERN, _GEOMETRY, epochs=10, learning_rate=1e-4),
}
