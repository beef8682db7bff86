"""The OpenPose fork's cleaning and post-processing against what the original program computed."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from walking_keypoints import walker

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.mapping import map_keypoints
from maquette.refine import legacy_fork
from maquette.skeletons import BODY_25, COCO_18

FLAVOURS = {"coco18": COCO_18, "body25": BODY_25}
EXACT = {"rtol": 0, "atol": 1e-9}
STATISTICS_2D = {"mean_px": "data_mean_2d", "std_px": "data_std_2d", "used": "dim_to_use_2d"}
STATISTICS_3D = {"mean_mm": "data_mean_3d", "std_mm": "data_std_3d", "used": "dim_to_use_3d"}


@pytest.fixture
def goldens(goldens_dir: Path) -> Path:
    return goldens_dir / "openpose"


def first_people(archive: Path) -> Iterator[list[float]]:
    """The fork reads ``people[0]`` of each file, in the order of their names."""
    with zipfile.ZipFile(archive) as files:
        for name in sorted(files.namelist()):
            assert re.search(r"\d+", name)
            yield json.load(io.BytesIO(files.read(name)))["people"][0]["pose_keypoints_2d"]


def read(goldens: Path, flavour: str) -> Keypoints:
    rows = np.array(list(first_people(goldens / f"json_{flavour}.zip"))).reshape(60, -1, 3)
    # One point has a place and confidence 0: the fork never looks at the confidence.
    found = (rows[..., :2] != 0).any(-1)
    return Keypoints(rows[..., :2], np.where(found, 1.0, 0.0), FLAVOURS[flavour], Fraction(30))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_reading(goldens: Path, flavour: str) -> None:
    mapped = map_keypoints(read(goldens, flavour), COCO_18.name)
    expected = np.load(goldens / f"read_smooth_{flavour}.npz")["cache"]
    np.testing.assert_allclose(legacy_fork.to_pairs(mapped), expected, **EXACT)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_smoothing(goldens: Path, flavour: str) -> None:
    golden = np.load(goldens / f"read_smooth_{flavour}.npz")
    np.testing.assert_allclose(legacy_fork.smooth_pairs(golden["cache"]), golden["smoothed"], **EXACT)
    cleaned = legacy_fork.clean(read(goldens, flavour))
    np.testing.assert_allclose(legacy_fork.to_pairs(cleaned), golden["smoothed"], **EXACT)
    assert cleaned.skeleton is COCO_18
    assert "fork" in cleaned.notes[-1]


@pytest.mark.parametrize(("flavour", "multiplier"), [("coco18", 0.5), ("coco18", 0.1), ("body25", 0.5)])
def test_spline(goldens: Path, flavour: str, multiplier: float) -> None:
    smoothed = np.load(goldens / f"read_smooth_{flavour}.npz")["smoothed"]
    expected = np.load(goldens / f"sandbox_{flavour}_stub_mult{multiplier:g}.npz")["export_2d"]
    got = legacy_fork.interpolate_pairs(smoothed, multiplier)
    np.testing.assert_allclose(got.reshape(-1, 18, 2), expected, **EXACT)
    track = legacy_fork.interpolate(legacy_fork.clean(read(goldens, flavour)), multiplier=multiplier)
    assert (track.fps, track.n_frames) == (30 / Fraction(str(multiplier)), 60 / Fraction(str(multiplier)))
    np.testing.assert_allclose(legacy_fork.to_pairs(track).reshape(-1, 18, 2), expected, **EXACT)


def test_encoder_and_normalisation(goldens: Path) -> None:
    golden = np.load(goldens / "sandbox_coco18_stub_nointerp.npz")
    pairs = golden["export_2d"].reshape(-1, 36)
    np.testing.assert_allclose(legacy_fork.encode(pairs), golden["raw64"], **EXACT)
    inputs = legacy_fork.lift_inputs(pairs, **{name: golden[key] for name, key in STATISTICS_2D.items()})
    np.testing.assert_allclose(inputs, golden["norm32"], **EXACT)


def test_poses_in_millimetres(goldens: Path) -> None:
    golden = np.load(goldens / "sandbox_coco18_stub_nointerp.npz")
    poses = legacy_fork.unnormalise(golden["net48"], **{name: golden[key] for name, key in STATISTICS_3D.items()})
    np.testing.assert_allclose(poses, golden["unnorm96"], rtol=1e-6)


@pytest.mark.parametrize("case", ["coco18_stub_nointerp", "coco18_stub_mult0.5", "body25_stub_mult0.5"])
def test_postprocessing_of_a_made_up_network(goldens: Path, case: str) -> None:
    golden = np.load(goldens / f"sandbox_{case}.npz")
    statistics = np.load(goldens / "sandbox_coco18_stub_nointerp.npz")
    poses = legacy_fork.unnormalise(golden["net48"], **{name: statistics[key] for name, key in STATISTICS_3D.items()})
    got, held = legacy_fork.postprocess(poses, golden["export_2d"].reshape(-1, 36))
    np.testing.assert_array_equal(held, golden["held"])
    assert held.any()
    np.testing.assert_allclose(got, golden["export_3d"], rtol=0, atol=1e-4)


def residual_network(x: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """The published network in evaluation mode, in double precision: matrices clipped to Frobenius norm 1, batch norm
    with epsilon 1e-3, two residual blocks."""

    def dense(h: np.ndarray, where: str, layer: str) -> np.ndarray:
        w = weights[f"linear_model/{where}w{layer}"]
        return h @ (w / max(1.0, float(np.linalg.norm(w)))) + weights[f"linear_model/{where}b{layer}"]

    def normed(h: np.ndarray, where: str) -> np.ndarray:
        g, b, m, v = (weights[f"{where}/{n}"] for n in ("gamma", "beta", "moving_mean", "moving_variance"))
        return np.maximum(0.0, (h - m) / np.sqrt(v + 1e-3) * g + b)

    h = normed(dense(x, "", "1"), "linear_model/batch_normalization")
    for block in range(2):
        scope = f"two_linear_{block}/"
        inner = normed(dense(h, scope, f"2_{block}"), f"linear_model/{scope}batch_normalization1{block}")
        inner = normed(dense(inner, scope, f"3_{block}"), f"linear_model/{scope}batch_normalization2{block}")
        h = h + inner
    return dense(h, "", "4")


@pytest.mark.parametrize("case", ["coco18_net_nointerp", "body25_net_nointerp", "coco18_net_mult0.5"])
def test_the_whole_program_with_the_published_network(goldens: Path, goldens_dir: Path, case: str) -> None:
    """JSON to 3d_data.json: reading, cleaning, spline, encoder, network, post-processing."""
    flavour, _, interpolation = case.split("_")
    statistics = np.load(goldens / "sandbox_coco18_stub_nointerp.npz")
    golden = np.load(goldens / f"sandbox_{case}.npz")
    with np.load(goldens_dir / "martinez" / "res_bn_maxnorm_16.npz") as archive:
        weights = {name: archive[name].astype(np.float64) for name in archive.files}
    track = legacy_fork.clean(read(goldens, flavour))
    if interpolation != "nointerp":
        track = legacy_fork.interpolate(track, multiplier=float(interpolation.removeprefix("mult")))
    pairs = legacy_fork.to_pairs(track)
    inputs = legacy_fork.lift_inputs(pairs, **{name: statistics[key] for name, key in STATISTICS_2D.items()})
    outputs = residual_network(inputs, weights)
    poses = legacy_fork.unnormalise(outputs, **{name: statistics[key] for name, key in STATISTICS_3D.items()})
    got, held = legacy_fork.postprocess(poses, pairs)
    np.testing.assert_array_equal(held, golden["held"])
    # The original computes in single precision: seven digits of coordinates of up to 2000 mm.
    np.testing.assert_allclose(outputs, golden["net48"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(got, golden["export_3d"], rtol=0, atol=1e-4)


def test_laws_of_the_postprocessing() -> None:
    """Depth passes through, width keeps its differences, height is mirrored; the neck's pixel is the offset."""
    rng = np.random.default_rng(0)
    poses = rng.normal(size=(5, 96)) * 100
    poses[:, :3] = 0.0
    pairs = rng.uniform(100, 900, (5, 36))
    got, held = legacy_fork.postprocess(poses, pairs)
    xyz = poses.reshape(5, 32, 3)
    assert not held.any()
    np.testing.assert_allclose(got[:, 0, 1], 0.0)
    np.testing.assert_allclose(got[..., 0], xyz[..., 0] + pairs[:, 2:3] - 630)
    np.testing.assert_allclose(got[:, :, 2] - got[:, :1, 2], -(xyz[..., 1] - xyz[:, :1, 1]), atol=1e-9)


def test_a_failure_before_any_pose_gives_zeros_and_no_check_gives_all() -> None:
    poses = np.zeros((3, 96))
    poses[0, 1::3], poses[2, 0] = -1e6, -5000.0
    poses[0, 2] = -2e3
    pairs = np.full((3, 36), 500.0)
    got, held = legacy_fork.postprocess(poses, pairs)
    assert held.tolist() == [True, False, True]
    np.testing.assert_array_equal(got[0], 0.0)
    np.testing.assert_array_equal(got[2], got[1])
    assert not legacy_fork.postprocess(poses, pairs, cache_on_fail=False)[1].any()


def test_number_of_frames() -> None:
    one = np.arange(36.0)[None]
    np.testing.assert_array_equal(legacy_fork.smooth_pairs(one), one)
    with pytest.raises(InputError, match="at least 9 frames, this clip has 8"):
        legacy_fork.clean(walker(8))
    assert legacy_fork.clean(walker(9)).n_frames == 9
    with pytest.raises(InputError, match="at least 4 frames"):
        legacy_fork.interpolate(walker(3), multiplier=0.5)


@pytest.mark.parametrize("multiplier", [0.3, 0.7, 0.0, -1.0, 2.0])
def test_multipliers_that_the_original_gets_wrong(multiplier: float) -> None:
    with pytest.raises(InputError, match="multiplier"):
        legacy_fork.interpolate(walker(61), multiplier=multiplier)


def test_other_skeletons_are_mapped_and_pairs_are_not() -> None:
    assert legacy_fork.clean(walker(20)).skeleton is COCO_18
    with pytest.raises(InputError, match="openpose-coco-18"):
        legacy_fork.to_pairs(walker(20))
