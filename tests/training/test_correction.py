"""The training of the correction pair: what it learns from, its published form, resuming, what comes out."""

from typing import Any

import numpy as np
import pytest
import torch

from maquette.datasets import corrections
from maquette.datasets.corrections import lifted_poses
from maquette.datasets.sample_settings import SampleSettings
from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.lifting.min_max import PUBLISHED_16
from maquette.models.pose_machine_correction import Correction
from maquette.refine.correction_view import REFERENCE_BODY_MM, correction_view
from maquette.refine.correction_weights import load_correction
from maquette.runtime.shipped import DEFAULT_CORRECTION, card_of
from maquette.skeletons import H36M_16
from maquette.training import correction
from maquette.training.checkpoint import CHECKPOINT, read_checkpoint
from maquette.training.correction import CorrectionExperiment, Poses, spoilt
from maquette.training.correction_card import card_text, summary
from maquette.training.correction_network import CorrectionPair, millimetres, mirrored, picture_of
from maquette.training.experiments import build_experiment
from maquette.training.export import training_command
from maquette.training.plans import CorrectionPreset
from maquette.training.presets import get_preset
from maquette.training.run import train

LIFTERS = ("maquette-residual",)
SMALL: dict[str, Any] = {
    "lifters": LIFTERS,
    "poses": 1024,
    "width": 64,
    "batch_size": 32,
    "projected_poses": 12,
    "total_steps": 6,
    "warmup_steps": 2,
    "cooldown_steps": 3,
    "validate_steps": 100,
}


@pytest.fixture(scope="module")
def poses(store):
    return lifted_poses(store, SampleSettings(), 1024, lifters=LIFTERS, seed=3)


@pytest.fixture
def bodies():
    """Bodies in reference size, (6, 16, 3) millimetres."""
    rng = np.random.default_rng(4)
    low, high = PUBLISHED_16.min_mm, PUBLISHED_16.max_mm
    drawn = rng.uniform(0.7 * low, 0.7 * high, (6, 16, 3))
    drawn[:, 0] = 0.0
    left, right = H36M_16.indices(["l_hip", "r_hip"])
    drawn[:, right] = -drawn[:, left]  # the hip lies in the middle of the hips
    parents, children = np.array(H36M_16.bones).T
    size = np.linalg.norm(drawn[:, children] - drawn[:, parents], axis=-1).sum(1)
    return drawn * (REFERENCE_BODY_MM / size)[:, None, None]


def test_lifted_poses_are_a_function_of_the_seed_and_near_the_truth(store, poses):
    again = lifted_poses(store, SampleSettings(), 1024, lifters=LIFTERS, seed=3)
    np.testing.assert_array_equal(poses.coarse, again.coarse)
    np.testing.assert_array_equal(poses.truth, again.truth)
    assert len(poses) > 900
    span, least = PUBLISHED_16.span_mm, PUBLISHED_16.min_mm
    coarse, truth = (values.reshape(-1, 16, 3) * span + least for values in (poses.coarse, poses.truth))
    assert np.linalg.norm(coarse - truth, axis=-1).mean() < 150
    # Every truth has the same size, and as much of it as fits the lifted poses best.
    parents, children = np.array(H36M_16.bones).T
    size = np.linalg.norm(truth[:, children] - truth[:, parents], axis=-1).sum(1)
    assert np.ptp(size) < 1e-3 * size.mean()
    assert np.sum(coarse * truth) / np.sum(coarse**2) == pytest.approx(1, abs=1e-3)
    assert poses.distance_mm.min() > 1000


def test_lifted_poses_are_kept_and_taken_only_where_they_are_the_same(store, poses, tmp_path, monkeypatch):
    cache = tmp_path / "poses.npz"
    first = lifted_poses(store, SampleSettings(), 1024, lifters=LIFTERS, seed=3, cache=cache)
    np.testing.assert_array_equal(first.coarse, poses.coarse)

    def refuse(*arguments):
        raise RuntimeError("lifted again")

    monkeypatch.setattr(corrections, "film_windows", refuse)
    kept = lifted_poses(store, SampleSettings(), 1024, lifters=LIFTERS, seed=3, cache=cache)
    np.testing.assert_array_equal(kept.distance_mm, poses.distance_mm)
    with pytest.raises(RuntimeError, match="lifted again"):
        lifted_poses(store, SampleSettings(), 1024, lifters=LIFTERS, seed=4, cache=cache)
    np.savez(cache, coarse=np.zeros(3))
    with pytest.raises(InputError, match=r"holds no lifted poses \(distance_mm, key, truth missing\)"):
        lifted_poses(store, SampleSettings(), 1024, lifters=LIFTERS, seed=3, cache=cache)


def test_the_published_form_computes_the_same():
    torch.manual_seed(1)
    pair = CorrectionPair(96).double()
    published = Correction(width=96).double()
    published.load_published_arrays(pair.published_arrays())
    pose = torch.rand(20, 48, dtype=torch.float64)
    with torch.no_grad():
        corrected, picture = published(pose)
        torch.testing.assert_close(corrected, pair.correct(pose), rtol=0, atol=2e-6)
        torch.testing.assert_close(picture, pair.project(pair.correct(pose)), rtol=0, atol=2e-6)


def test_the_picture_of_a_pose_is_what_a_camera_sees_of_it(bodies):
    """The independent way: a real camera that looks past the person, and the view that refinement makes of it."""
    camera = Camera((900.0, 900.0), (640.0, 360.0), (1280, 720))
    for distance_mm in (2000.0, 6000.0):
        root_mm = np.array([0.0, 0.0, distance_mm])
        pixels = camera.project((bodies + root_mm) / 1000)
        rays = camera.pixels_to_normalized(pixels)
        size = np.full(len(bodies), REFERENCE_BODY_MM)
        # The middle of the hips in the picture is not exactly the hip's place: poses without the view's small turn.
        view = correction_view(bodies / 1000, rays, np.ones((len(bodies), 16)), PUBLISHED_16, size)
        pose = PUBLISHED_16.normalise(bodies).reshape(-1, 48)
        seen = picture_of(torch.from_numpy(pose), torch.full((len(pose),), distance_mm, dtype=torch.float64))
        np.testing.assert_allclose(seen, view.picture, atol=4e-3)


def test_mirroring_exchanges_the_sides(bodies):
    pose = torch.from_numpy(PUBLISHED_16.normalise(bodies).reshape(-1, 48))
    seen = millimetres(mirrored(pose)).numpy()
    left, right = H36M_16.indices(["l_wrist", "r_wrist"])
    np.testing.assert_allclose(seen[:, left], bodies[:, right] * [-1, 1, 1], atol=1e-3)
    torch.testing.assert_close(mirrored(mirrored(pose)), pose)


def test_spoilt_poses_are_still_bodies(bodies):
    pose = torch.from_numpy(PUBLISHED_16.normalise(np.tile(bodies, (200, 1, 1))).reshape(-1, 48))
    found = spoilt(np.random.default_rng(1), pose)
    torch.testing.assert_close(found, spoilt(np.random.default_rng(1), pose))
    away = (millimetres(found) - millimetres(pose)).numpy()
    assert np.abs(away[:, 0]).max() < 1e-3
    distance = np.linalg.norm(away[:, 1:], axis=-1)
    assert 20 < np.median(distance) < 120
    assert np.linalg.norm(away[:, 1:].mean(0), axis=-1).max() < 40  # in no direction more than in the other


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> dict[str, Any]:
    """A small training whose poses are lifted once."""
    return SMALL | {"keep_poses": str(tmp_path_factory.mktemp("poses") / "poses.npz")}


def _experiment(store, small, **fields) -> CorrectionExperiment:
    plan = get_preset("correction-mocap", **{**small, **fields})
    assert isinstance(plan, CorrectionPreset)
    torch.manual_seed(plan.seed)
    experiment = build_experiment(plan, store)
    assert isinstance(experiment, CorrectionExperiment)
    return experiment


def test_the_published_losses_are_sums_of_squares_by_twice_the_rows(store, small):
    experiment = _experiment(store, small, losses="published")
    batch = experiment.batch(2)
    with torch.no_grad():
        found = float(experiment.loss(batch))
        corrected = experiment.network.correct(batch.coarse)
        seen = experiment.network.project(corrected).numpy()
        picture = picture_of(batch.truth, batch.distance_mm).numpy()
    corrected, truth = (a.numpy().reshape(-1, 16, 3) for a in (corrected, batch.truth))
    parents = [max(p, 0) for p in H36M_16.parents]
    bones = (corrected[:, parents] - corrected) - (truth[:, parents] - truth)
    squares = np.square(seen - picture).sum() + np.square(corrected - truth).sum() + np.square(bones).sum()
    assert found == pytest.approx(squares / (2 * len(corrected)), rel=1e-5)


def test_metric_losses_vanish_at_the_truth_but_for_the_projector(store, small):
    experiment = _experiment(store, small, picture_weight=0.0)
    torch.nn.init.zeros_(experiment.network.change.weight)
    torch.nn.init.zeros_(experiment.network.change.bias)
    truth = experiment.batch(0).truth
    away = truth.clone()
    away[:, 3:] += 10 / torch.from_numpy(PUBLISHED_16.span_mm.ravel())[3:].float()  # 10 mm in each direction
    distance = torch.full((len(truth),), 4000.0)
    with torch.no_grad():
        at_truth, found = (float(experiment.loss(Poses(coarse, truth, distance))) for coarse in (truth, away))
    assert at_truth == pytest.approx(1.3e-4, abs=1e-6)  # the square root's rounded corner
    # 15 of 16 joints are off by sqrt(3) cm; of the bones those at the hip.
    at_hip = sum(parent == 0 for parent in H36M_16.parents[1:])
    assert found == pytest.approx(0.01 * 3**0.5 * (15 + 0.3 * at_hip) / 16, rel=0.01)


def test_batches_are_a_function_of_the_step(store, small):
    experiment = _experiment(store, small)
    for first, again in zip(experiment.batch(3), experiment.batch(3), strict=True):
        torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not torch.equal(experiment.batch(3).coarse, experiment.batch(4).coarse)


def test_a_run_that_was_stopped_ends_with_the_same_weights(store, small, tmp_path, monkeypatch):
    whole = train("correction-mocap", data_dir=store, out_dir=tmp_path / "whole", **small)
    real = correction.learning_rate

    def stop(plan, step):
        if step == 4:
            raise RuntimeError("the power failed")
        return real(plan, step)

    monkeypatch.setattr(correction, "learning_rate", stop)
    with pytest.raises(RuntimeError, match="power"):
        train("correction-mocap", data_dir=store, out_dir=tmp_path / "parts", **small, checkpoint_minutes=0.0)
    monkeypatch.setattr(correction, "learning_rate", real)
    resumed = train("correction-mocap", data_dir=store, out_dir=tmp_path / "parts", resume=True)
    first, second = (read_checkpoint(tmp_path / name / CHECKPOINT) for name in ("whole", "parts"))
    assert first["step"] == second["step"] == 6
    for name, tensor in first["mean"].items():
        torch.testing.assert_close(tensor, second["mean"][name], rtol=0, atol=0)

    assert whole is not None
    assert resumed is not None
    assert resumed.name == "maquette-correction.npz"
    for a, b in zip(load_correction(whole).arrays, load_correction(resumed).arrays, strict=True):
        np.testing.assert_array_equal(a, b)
    spec = load_correction(whole).spec
    assert spec.view == "body-rays/v1"
    assert spec.samples_seen == 6 * 32
    assert "NSF EIA-0196217" in spec.attribution
    assert spec.command.startswith("maquette train correction-mocap --data shared/data/cmu")
    assert "--poses 1024" in spec.command


def test_validation_measures_the_correction(store, small):
    experiment = _experiment(store, small)
    torch.nn.init.zeros_(experiment.network.change.weight)
    torch.nn.init.zeros_(experiment.network.change.bias)
    with torch.no_grad():
        found = experiment.validate()
    assert list(found) == list(experiment.metrics)
    for kind, lifted in experiment.clips.items():
        errors = [
            1000 * np.linalg.norm(a - b, axis=-1).mean(-1)[view.usable]
            for clips in lifted
            for i, (view, b) in enumerate(zip(clips.view, clips.truth_m, strict=True))
            for a in [clips.lifted_m(i)]
        ]
        # A correction that changes nothing leaves the lifter's errors.
        assert found[f"{kind}_mpjpe_mm"] == pytest.approx(np.concatenate(errors).mean(), rel=1e-4)


def test_impossible_values_are_named():
    with pytest.raises(InputError) as error:
        get_preset("correction-mocap", poses=0, spoilt_share=1.0, bone_weight=-1.0, online_rate=0.0, width=48)
    for words in ("--poses 0", "--spoilt-share 1.0", "--bone-weight -1.0", "--online-rate 0.0", "--width 48"):
        assert words in str(error.value)


def test_the_shipped_pair_is_what_its_card_says():
    weights, name = load_correction(), DEFAULT_CORRECTION
    card, file = card_of(name).read_text(encoding="utf-8"), card_of(name).with_suffix(".npz")
    for fact in (weights.sha256, weights.spec.command, weights.spec.licence, weights.spec.attribution, "HDM05"):
        assert fact
        assert fact in card
    assert weights.parameters == 2_281_552  # as published
    assert file.stat().st_size < 10e6
    standard = get_preset("correction-mocap")
    assert isinstance(standard, CorrectionPreset)
    assert weights.spec.command == training_command(
        standard, standard.total_steps, standard.total_steps, data="shared/data/cmu"
    )
    assert weights.spec.samples_seen == standard.total_steps * standard.batch_size
    used = weights.spec.n_steps, weights.spec.learning_rate, weights.spec.good_fit
    assert used == (standard.online_steps, standard.online_rate, standard.good_fit)


def test_a_card_says_what_was_found():
    weights = load_correction()
    row = {"n_mpjpe": 42.04, "mpjpe": 43.0, "pa_mpjpe": 37.2, "mpjve": 3.6}
    found = {"before": row, "as shipped": {**row, "n_mpjpe": 41.56, "kept": 1.0}}
    sets = {"CMU test": [{"lifter": "some lifter", "errors": "exact", "found": found}]}
    text = card_text(weights, size_bytes=4_600_000, sets=sets, seed=7, train_minutes=29.0)
    assert "| some lifter | exact | 42.0 / 43.0 / 37.2; 3.6 | 41.6 / 43.0 / 37.2; 3.6 |" in text
    assert str(weights.sha256) in text
    assert f"at most\n{weights.spec.n_steps} updates" in text
    assert summary(sets)["CMU test, some lifter, exact"] == [42.0, 41.6]
