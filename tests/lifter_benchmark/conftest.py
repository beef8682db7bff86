"""Made-up recordings of the test sets, and a model of the published kind that always gives the same pose."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

_NAMES: Sequence[str] = (
    "Hip RHip RKnee RAnkle LHip LKnee LAnkle Spine Thorax Nose Head LShoulder LElbow LWrist RShoulder RElbow RWrist "
    "LHeel RHeel LToeBase RToeBase LToeTip RToeTip LHandKnuckle RHandKnuckle LHandTip RHandTip "
    "HeadBase HeadForward HeadUp"
).split()
_RIGHT = {
    "Hip": (0, 0.95, 0),
    "Hip ": (-0.09, 0.95, 0),
    "Knee": (-0.1, 0.5, 0.05),
    "Ankle": (-0.1, 0.09, 0),
    "Spine": (0, 1.2, 0),
    "Thorax": (0, 1.47, 0.01),
    "Nose": (0, 1.57, 0.05),
    "Head": (0, 1.7, 0.02),
    "Shoulder": (-0.19, 1.44, 0),
    "Elbow": (-0.22, 1.16, 0),
    "Wrist": (-0.22, 1.1, 0.24),
    "Heel": (-0.1, 0.03, -0.05),
    "ToeBase": (-0.1, 0.03, 0.12),
    "ToeTip": (-0.1, 0.03, 0.18),
    "HandKnuckle": (-0.22, 1.1, 0.3),
    "HandTip": (-0.22, 1.1, 0.35),
    "HeadBase": (0, 1.5, 0),
    "HeadForward": (0, 0, 1),
    "HeadUp": (0, 1, 0),
}


def _standing() -> np.ndarray:
    rows = []
    for name in _NAMES:
        if name in _RIGHT:
            rows.append(_RIGHT[name])
        else:
            part = "Hip " if name[1:] == "Hip" else name[1:]
            rows.append(np.array(_RIGHT[part]) * ([1, 1, 1] if name[0] == "R" else [-1, 1, 1]))
    return np.array(rows, dtype=float)


def wandering(frames: int, seed: int) -> np.ndarray:
    """Somebody (frames, 30, 3) who turns, swings the arms and walks in a circle."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames) / 50
    angle = rng.uniform(-2, 2) + rng.uniform(0.3, 1) * t
    c, s, zero = np.cos(angle), np.sin(angle), np.zeros(frames)
    turn = np.stack([c, zero, s, zero, zero + 1, zero, -s, zero, c], axis=-1).reshape(frames, 3, 3)
    body = np.repeat(_standing()[None], frames, axis=0)
    for joint, sign in ((_NAMES.index("LWrist"), 1), (_NAMES.index("RWrist"), -1)):
        body[:, joint, 2] += sign * 0.2 * np.sin(5 * t)
    body = body @ turn.transpose(0, 2, 1)
    points = [i for i, name in enumerate(_NAMES) if name not in ("HeadForward", "HeadUp")]
    body[:, points] += np.stack([np.sin(0.5 * t), zero, np.cos(0.5 * t)], axis=-1)[:, None]
    return body.astype(np.float32)


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    """``cmu`` with two test subjects and one of training, ``hdm05`` with short clips."""
    root = tmp_path_factory.mktemp("data")
    stores = {
        "cmu": {"02/1": ("test", 240), "02/2": ("test", 90), "94/1": ("test", 320), "01/1": ("train", 60)},
        "hdm05": {"bd/1": ("val", 61), "bk/1": ("val", 118)},
    }
    for store, clips in stores.items():
        (root / store).mkdir()
        index = {
            name: {"subject": name[:2], "split": split, "action": "walk", "rig": "asf"}
            for name, (split, _) in clips.items()
        }
        (root / store / "index.json").write_text(json.dumps(index))
        arrays: dict[str, Any] = {name: wandering(frames, i) for i, (name, (_, frames)) in enumerate(clips.items())}
        np.savez(root / store / f"{store}_landmarks.npz", **arrays)
    return root


@pytest.fixture(scope="session")
def constant_pose() -> np.ndarray:
    return np.random.default_rng(7).normal(0, 0.3, (17, 3)).astype(np.float32)


@pytest.fixture(scope="session")
def constant_model(tmp_path_factory, constant_pose) -> Path:
    """Takes clips of Human3.6M's joints as the published systems do, and answers one pose whatever it sees."""
    path = tmp_path_factory.mktemp("model") / "constant.onnx"
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["features", "nothing"], ["zeros"]),
            helper.make_node("Add", ["zeros", "pose"], ["flat"]),
            helper.make_node("Reshape", ["flat", "shape"], ["positions"]),
        ],
        "constant",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["frames", 34])],
        [helper.make_tensor_value_info("positions", TensorProto.FLOAT, ["poses", 17, 3])],
        [
            numpy_helper.from_array(np.zeros((34, 51), dtype=np.float32), "nothing"),
            numpy_helper.from_array(constant_pose.reshape(51), "pose"),
            numpy_helper.from_array(np.array([-1, 17, 3], dtype=np.int64), "shape"),
        ],
    )
    spec = {
        "schema": 1,
        "name": "constant",
        "kind": "temporal",
        "form": "clip",
        "input_skeleton": "h36m-17",
        "output_skeleton": "h36m-17",
        "mapping": "h36m-17/v1",
        "normalisation": "screen/v1",
        "window_frames": 1,
        "window_step_s": 0.02,
        "unit": "m",
        "licence": "none",
        "training_data": "none",
    }
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"maquette": msgspec.json.encode(spec).decode()})
    onnx.save(model, str(path))
    return path
