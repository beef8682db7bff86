"""The published refinement against runs of the original program and against the numeric example of its description."""

from pathlib import Path

import numpy as np
import pytest
from correction_recipes import SPEC, recipe_weights, sine_arrays, sine_frames

from maquette.errors import InputError
from maquette.lifting.min_max import PUBLISHED_16
from maquette.refine.correction_loss import PUBLISHED_LOSS
from maquette.refine.correction_network import Correction
from maquette.refine.correction_published import OnlineCorrection, OptimiserState, RefinedPoses, refine_in_order
from maquette.refine.correction_weights import CorrectionWeights

ATOL = 5e-6  # between TensorFlow's float32 and NumPy, in normalised values
WIDTHS = pytest.mark.parametrize("width", [64, 1024])
PRECISIONS = pytest.mark.parametrize("dtype", [np.float64, np.float32])


@pytest.fixture(scope="module")
def example() -> dict[str, RefinedPoses]:
    weights = CorrectionWeights.from_arrays(sine_arrays(), SPEC)
    poses, pictures = sine_frames()
    return {state: refine_in_order(weights, poses, pictures, optimiser_state=state) for state in ("carry", "reset")}


@WIDTHS
@PRECISIONS
def test_forward(goldens_dir: Path, width: int, dtype: type) -> None:
    golden = np.load(goldens_dir / "ssl3d" / f"forward_ls{width}.npz")
    network = Correction(recipe_weights(goldens_dir, width), dtype=dtype, batch_norm_scale=True)
    _, corrected = network.correct(golden["enc_in"].astype(dtype))
    projected, _ = network.project(corrected)
    np.testing.assert_allclose(corrected, golden["refine"], rtol=0, atol=ATOL)
    np.testing.assert_allclose(projected, golden["proj"], rtol=0, atol=ATOL)
    error = PUBLISHED_LOSS(projected[:1], golden["dec_2d"][:1].astype(dtype))
    np.testing.assert_allclose(error.point[0], golden["sample0_point_loss"], rtol=1e-5)
    np.testing.assert_allclose(error.bone[0], golden["sample0_bone_loss"], rtol=1e-5)


@WIDTHS
@PRECISIONS
def test_each_frame_by_itself(goldens_dir: Path, width: int, dtype: type) -> None:
    golden = np.load(goldens_dir / "ssl3d" / f"refine_ls{width}.npz")
    frames = np.load(goldens_dir / "ssl3d" / f"forward_ls{width}.npz")
    weights = recipe_weights(goldens_dir, width)
    for i in range(6):
        calls = len(golden[f"fresh_s{i}_point_loss"])
        seen = refine_in_order(
            weights,
            frames["enc_in"][i : i + 1],
            frames["dec_2d"][i : i + 1],
            n_steps=calls,
            optimiser_state="reset",
            dtype=dtype,
        )
        np.testing.assert_allclose(seen.poses[0, :calls], golden[f"fresh_s{i}_refine"], rtol=0, atol=ATOL)
        np.testing.assert_allclose(seen.projected[0, :calls], golden[f"fresh_s{i}_proj"], rtol=0, atol=ATOL)
        np.testing.assert_allclose(seen.point_loss[0, :calls], golden[f"fresh_s{i}_point_loss"], rtol=2e-5)
        np.testing.assert_allclose(seen.bone_loss[0, :calls], golden[f"fresh_s{i}_bone_loss"], rtol=2e-5)
        if i == 0:
            np.testing.assert_allclose(
                seen.poses[0, calls], golden["fresh_s0_refine_after_10_updates"][0], rtol=0, atol=ATOL
            )


def test_weights_after_ten_updates(goldens_dir: Path) -> None:
    golden = np.load(goldens_dir / "ssl3d" / "refine_ls64.npz")
    frames = np.load(goldens_dir / "ssl3d" / "forward_ls64.npz")
    online = OnlineCorrection(recipe_weights(goldens_dir, 64))
    for _ in range(10):
        online.step(frames["enc_in"][0], frames["dec_2d"][0])
    trained = (*online.network.change_tmp, *online.network.change)
    for name, array in zip(("w0", "b0", "w00", "b00"), trained, strict=True):
        np.testing.assert_allclose(array, golden[f"fresh_s0_final_{name}"], rtol=0, atol=1e-6)


@WIDTHS
@PRECISIONS
def test_the_published_loop(goldens_dir: Path, width: int, dtype: type) -> None:
    golden = np.load(goldens_dir / "ssl3d" / f"refine_ls{width}.npz")
    parsed = np.load(goldens_dir / "ssl3d" / "parsed.npz")
    weights = recipe_weights(goldens_dir, width)
    coarse = parsed["coarse_3d"]
    seen = refine_in_order(weights, coarse, parsed["ours_2d"], dtype=dtype)
    np.testing.assert_allclose(seen.poses, golden["script_refine_norm"], rtol=0, atol=ATOL)
    np.testing.assert_allclose(seen.projected, golden["script_proj"], rtol=0, atol=ATOL)
    np.testing.assert_allclose(seen.point_loss, golden["script_point_loss"], rtol=2e-5)
    np.testing.assert_allclose(seen.bone_loss, golden["script_bone_loss"], rtol=2e-5)

    def in_mm(values: np.ndarray) -> np.ndarray:
        return PUBLISHED_16.unnormalise(values.reshape(len(values), 16, 3))

    refined = in_mm(seen.chosen())
    np.testing.assert_allclose(refined.reshape(-1, 48), golden["script_refine3d_mm"], rtol=0, atol=1e-2)
    truth = in_mm(parsed["gt_2d3d"][:, 32:])
    columns = [in_mm(coarse), in_mm(seen.poses[:, 0]), refined]
    errors = np.stack([np.linalg.norm(pose - truth, axis=-1).mean(axis=1) for pose in columns], axis=1)
    np.testing.assert_allclose(errors, golden["script_mpjpe_before_it1_it2"], rtol=0, atol=1e-2)


EXAMPLE: list[tuple[OptimiserState, int, int, str, str]] = [
    ("carry", 0, 0, "2.5521839500", "2.5118208295"),
    ("carry", 0, 1, "2.0841834117", "1.9733040864"),
    ("carry", 1, 0, "1.5126990696", "1.5504849651"),
    ("carry", 1, 1, "1.2798136365", "1.2874266406"),
    ("reset", 0, 0, "2.5521839500", "2.5118208295"),
    ("reset", 0, 1, "2.0841834117", "1.9733040864"),
    ("reset", 1, 1, "1.2409456480", "1.2586520180"),
]


@pytest.mark.parametrize(("state", "frame", "call", "point", "bone"), EXAMPLE)
def test_losses_of_the_numeric_example(
    example: dict[str, RefinedPoses], state: str, frame: int, call: int, point: str, bone: str
) -> None:
    seen = example[state]
    assert f"{seen.point_loss[frame, call]:.10f}" == point
    assert f"{seen.bone_loss[frame, call]:.10f}" == bone


def test_poses_of_the_numeric_example(example: dict[str, RefinedPoses]) -> None:
    carry, reset = example["carry"], example["reset"]
    sums = [carry.poses[0, 0], carry.poses[0, 1], carry.poses[1, 0], carry.poses[1, 1], reset.poses[1, 1]]
    printed = ["26.14528288", "26.06440800", "25.21061823", "25.14575566", "25.13210408"]
    assert [f"{pose.sum():.8f}" for pose in sums] == printed
    assert [f"{v:.8f}" for v in carry.poses[0, 0, :3]] == ["0.78288275", "0.86933102", "0.90881849"]
    assert [f"{v:.8f}" for v in carry.poses[0, 1, :3]] == ["0.78248966", "0.86641340", "0.88936375"]
    assert [f"{v:.8f}" for v in carry.projected[0, 0, :2]] == ["-1.10828743", "0.14581716"]


def test_the_best_of_the_steps() -> None:
    losses = np.array([[3.0, 1.0, 2.0], [1.0, 1.0, 2.0]])
    poses = np.arange(2 * 3 * 48, dtype=np.float64).reshape(2, 3, 48)
    seen = RefinedPoses(poses, np.zeros((2, 3, 32)), losses, np.zeros((2, 3)))
    assert seen.best_step.tolist() == [1, 0]
    np.testing.assert_array_equal(seen.chosen(), poses[:, 2])
    np.testing.assert_array_equal(seen.chosen(best=True), poses[[0, 1], [1, 0]])


def test_numbers_out_of_range_are_named(goldens_dir: Path) -> None:
    weights = recipe_weights(goldens_dir, 64)
    poses, pictures = sine_frames()
    with pytest.raises(InputError, match="-1 steps"):
        refine_in_order(weights, poses, pictures, n_steps=-1)
    with pytest.raises(InputError, match="learning rate is 0"):
        refine_in_order(weights, poses, pictures, learning_rate=0.0)
