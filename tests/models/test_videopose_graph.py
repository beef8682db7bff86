"""The model file of the temporal convolution: against torch, and against the whole original program."""

import numpy as np
import onnx
import pytest
import torch
from published_sequences import published_tracks
from published_weights import fill  # pyright: ignore[reportMissingImports]

from maquette.errors import ModelError
from maquette.lifting.published import lift_clip
from maquette.models.videopose import TemporalModel
from maquette.models.videopose_graph import build_onnx, clip_spec, macs_per_frame
from maquette.runtime.onnx_model import OnnxModel
from maquette.skeletons import COCO_17, H36M_17, HUMANEVA_15


def model_file(path, network: TemporalModel, *, inputs=H36M_17, outputs=H36M_17) -> OnnxModel:
    spec = clip_spec(
        network,
        name="made-up",
        input_skeleton=inputs,
        output_skeleton=outputs,
        window_step_s=0.02,
        licence="none",
        training_data="none",
    )
    onnx.save(build_onnx(network, spec), str(path))
    return OnnxModel(path, threads=1)


@pytest.mark.parametrize(
    ("options", "joints", "features"),
    [
        ({"filter_widths": (3, 3, 3)}, 17, 2),
        ({"filter_widths": (3, 3, 3), "causal": True, "strided": True}, 17, 2),
        ({"filter_widths": (3, 5), "dense": True}, 17, 3),
        ({"filter_widths": (3, 3, 3), "dense": True, "causal": True}, 17, 2),
        ({"filter_widths": (5,)}, 15, 2),
    ],
)
def test_equal_to_torch(tmp_path, options, joints, features):
    network = fill(TemporalModel(joints, features, joints, channels=32, **options))
    skeleton = H36M_17 if joints == 17 else HUMANEVA_15
    model = model_file(tmp_path / "m.onnx", network, inputs=skeleton, outputs=skeleton)
    clips = TemporalModel(joints, features, joints, channels=32, **(options | {"strided": False})).eval()
    clips.load_state_dict(network.state_dict())
    x = torch.randn(50, joints, features, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = clips(x[None])[0].numpy()
    for chunk in (7, 1000):
        np.testing.assert_allclose(model.run_clip(x.flatten(1).numpy(), chunk=chunk), expected, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("flip", [False, True])
def test_predictions_of_the_whole_program(tmp_path, goldens_dir, causal, flip):
    golden = dict(np.load(goldens_dir / "videopose3d" / "run_predictions.npz"))
    network = fill(TemporalModel(17, 2, 17, filter_widths=(3, 3, 3), channels=64, causal=causal))
    model = model_file(tmp_path / "m.onnx", network)
    subject, action, camera = str(golden["clip"]).split("|")
    (track,) = (
        track
        for track in published_tracks(goldens_dir, subject, bits=False)
        if (track.label.action, track.label.camera) == (action, camera.removeprefix("camera "))
    )
    points = track.keypoints_px[: len(track.positions_camera_m)].astype(float)
    found = lift_clip(model, points, track.camera.image_size, flip=flip)
    expected = golden[("tta" if flip else "notta") + ("_causal" if causal else "")]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_what_the_file_says(tmp_path):
    network = fill(TemporalModel(17, 2, 17, channels=8))
    spec = model_file(tmp_path / "m.onnx", network, inputs=COCO_17).spec
    assert (spec.input_skeleton, spec.mapping, spec.normalisation) == ("coco-17", "coco-17/v1", "screen/v1")
    assert (spec.window_frames, spec.look_ahead_s, spec.unit) == (243, 2.42, "m")
    with torch.device("meta"):
        # The paper's count for its network, 16.95 M parameters, but for batch norms and the last bias.
        assert macs_per_frame(TemporalModel(17, 2, 17)) == 16_952_371 - 9 * 2048 - 51
    with pytest.raises(ModelError, match=r"a window of 243 frames, the network sees 9; causal is False"):
        build_onnx(TemporalModel(17, 2, 17, filter_widths=(3, 3), causal=True), spec)
