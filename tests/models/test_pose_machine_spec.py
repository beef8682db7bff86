"""Model files of the pose machine: what they say is true of the network, and what runs them takes nothing else."""

import msgspec
import numpy as np
import pytest
import torch

from maquette.errors import ModelError
from maquette.lifting.min_max import PUBLISHED_16
from maquette.models.pose_machine import PoseMachine
from maquette.models.pose_machine_graph import build_onnx
from maquette.models.pose_machine_spec import machine_model, machine_spec, macs_per_frame
from maquette.runtime.pose_machine import PoseMachineModel
from maquette.runtime.spec import METADATA_KEY, ModelSpec


def spec_of(machine: PoseMachine, **more) -> ModelSpec:
    return machine_spec(
        machine, PUBLISHED_16, name="made", limits_source="published", licence="none", training_data="none", **more
    )


def made_machine() -> PoseMachine:
    torch.manual_seed(3)
    machine = PoseMachine("keypoints", width=10)
    with torch.no_grad():
        for parameter in machine.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return machine.eval()


@pytest.fixture(scope="module")
def machine() -> PoseMachine:
    return made_machine()


@pytest.fixture(scope="module")
def path(machine, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "made.onnx"
    path.write_bytes(machine_model(machine, spec_of(machine, seed=7)).SerializeToString())
    return path


def test_the_file_runs_as_the_network(machine, path) -> None:
    model = PoseMachineModel(path, threads=1)
    rng = np.random.default_rng(0)
    points, clip = rng.uniform(size=(8, 32)).astype("f4"), np.array([0, 1, 1, 1, 1, 0, 1, 1], bool)
    seen = rng.uniform(size=(8, 16)) > 0.2
    points[~seen.repeat(2, axis=1)] = np.nan
    state, parts = None, []
    with torch.no_grad():
        before = None
        for rows in (slice(5), slice(5, 8)):
            parts.append(model.run(points[rows], clip[rows], observed=seen[rows], state=state))
            state = parts[-1].state
            expected = machine(
                torch.from_numpy(points[rows]), torch.from_numpy(clip[rows]),
                observed=torch.from_numpy(seen[rows]), state=before,
            )  # fmt: skip
            before = expected.state
            for found, values in zip(parts[-1][:3], expected[:3], strict=True):
                np.testing.assert_allclose(found.reshape(values.shape), values.numpy(), atol=1e-5)
    assert [part.coarse.shape for part in parts] == [(5, 16, 3), (3, 16, 3)]
    assert parts[0].projected.shape == (5, 16, 2)
    assert len(model.sha256) == 64
    assert model.joints == 16


def test_what_it_says_of_itself(machine, path) -> None:
    spec = PoseMachineModel(path).spec
    assert (spec.kind, spec.form, spec.image_size, spec.seed) == ("pose-machine", "keypoints", 0, 7)
    assert (spec.window_frames, spec.window_step_s, spec.output_skeleton) == (5, 0.1, "h36m-16")
    assert spec.parameters == sum(p.numel() for p in machine.parameters())
    assert spec.limits is not None
    np.testing.assert_array_equal(spec.limits.min_mm, PUBLISHED_16.min_mm)
    # Its weights, each once: the front, the LSTMs, what follows them.
    expected = 10 * (48 + 10 + 10 + 10) + 2 * 2 * 40 * 10 + 48 * 10 + 2 * 48 * 10 + 48 * 10 + 2 * 100 + 320
    assert spec.macs_per_frame == expected


def test_the_published_one_multiplies_at_every_place() -> None:
    """By the layer table of the specification: inputs x outputs x kernel, at 368, 184, 92, 46, 22 and 10 pixels."""
    machine = PoseMachine()
    trunk = [(3, 64, 368), (64, 64, 368), (64, 128, 184), (128, 128, 184), (128, 256, 92), *[(256, 256, 92)] * 3]
    trunk += [(256, 512, 46), (512, 512, 46), (512, 256, 46), *[(256, 256, 46)] * 3, (256, 128, 46)]
    convolutions = sum(9 * i * o * s * s for i, o, s in [*trunk, *[(128, 128, 46)] * 2])
    convolutions += 25 * 128 * 128 * (22**2 + 10**2)
    others = 12_800 * 1024 + 2 * 2 * 4096 * 1024 + 1024 * 48 + 3 * 48 * 1024 + 2 * 1024 * 1024 + 1024 * 32
    assert macs_per_frame(machine) == convolutions + others


def test_other_files_are_refused(machine, tmp_path) -> None:
    spec = spec_of(machine)
    replace, limits = msgspec.structs.replace, spec.limits
    assert limits is not None

    def written(spec: ModelSpec, *, streaming: bool = True):
        path = tmp_path / "a.onnx"
        metadata = {METADATA_KEY: msgspec.json.encode(spec).decode()}
        path.write_bytes(build_onnx(machine, metadata, streaming=streaming).SerializeToString())
        return path

    for change, words in (
        ({"limits": None}, "has no limits of its 3D values"),
        ({"limits": replace(limits, max_mm=limits.max_mm[1:])}, "has no limits of its 3D values"),
        ({"limits": replace(limits, max_mm=[[1.0]] * 16)}, "has no limits of its 3D values"),
        ({"form": "images", "image_size": 368}, "as its metadata say; export it again"),
        ({"form": "clip"}, "as its metadata say; export it again"),
        ({"kind": "temporal"}, r"is a lifter \(temporal\), expected a pose machine"),
    ):
        with pytest.raises(ModelError, match=words):
            PoseMachineModel(written(replace(spec, **change)))
    with pytest.raises(ModelError, match=r"takes frames, observed, clip and gives .*, expected clip, frames, observed"):
        PoseMachineModel(written(spec, streaming=False))
    with pytest.raises(ModelError, match="no such model file"):
        PoseMachineModel(tmp_path / "none.onnx")


def test_frames_are_checked(path) -> None:
    model = PoseMachineModel(path)
    with pytest.raises(ModelError, match=r"takes frames of \(32,\), not of \(34,\)"):
        model.run(np.zeros((2, 34), np.float32), np.zeros(2))
    with pytest.raises(ModelError, match="no frames, expected one or more"):
        model.run(np.zeros((0, 32), np.float32), np.zeros(0))
