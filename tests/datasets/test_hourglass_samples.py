"""Samples for networks for pictures: picture, heatmaps and depths belong together whatever chance does."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn_people import POSE, MadePeople, colour
from torch.utils.data import DataLoader, Dataset

from maquette.datasets.hourglass_samples import HourglassSample, HourglassSamples, made_sample, without_chance
from maquette.datasets.hourglass_settings import (
    MODERN,
    NO_CHANCE,
    PLAIN,
    PORT,
    TORCH7,
    V2,
    Augmentation,
    HourglassSampleSettings,
)
from maquette.datasets.picture_augment import drawn_geometry, hide_parts, recoloured
from maquette.datasets.picture_people import MIRRORED, PicturePerson
from maquette.errors import InputError
from maquette.models.hourglass_losses import geometry_loss

LINES = {"torch7": TORCH7, "port": PORT, "v2": V2, "modern": MODERN, "plain": PLAIN}
TURNED = Augmentation(scale=0.25, shift=0.05, rotation_deg=40.0, rotation_share=1.0, flip_share=0.5)


def colours_at(sample: HourglassSample, settings: HourglassSampleSettings) -> np.ndarray:
    """RGB 0 to 255 of the picture at each joint's place."""
    picture = sample.picture
    picture = picture * np.array(settings.std)[:, None, None] + np.array(settings.mean)[:, None, None]
    picture = (picture * settings.divide_by)[:: -1 if settings.colour_order == "bgr" else 1]
    places = sample.xy_px * settings.input_size / settings.heatmap_size
    x, y = np.clip(places, 0, settings.input_size - 1).astype(int).T
    return picture[:, y, x].T


@pytest.mark.parametrize("flip_share", [0.0, 1.0])
@pytest.mark.parametrize("with_depth", [False, True])
def test_joints_are_where_the_picture_has_them(with_depth: bool, flip_share: float) -> None:
    """Each spot has its own colour: mirrored, the left wrist's colour stands at the right wrist's place."""
    chance = replace(TURNED, flip_share=flip_share)
    settings = replace(PLAIN, with_depth=chance, without_depth=chance, thorax="given")
    samples = HourglassSamples(MadePeople(with_depth=with_depth), settings)
    wanted = np.array([colour(joint) for joint in range(16)])
    wanted = wanted[list(MIRRORED)] if flip_share else wanted
    seen = 0
    for epoch in range(6):
        sample = samples.sample(epoch, epoch)
        inside = ((sample.xy_px > 1) & (sample.xy_px < 63)).all(axis=1)
        # Spots that touch mix their colours.
        far = [
            np.linalg.norm(np.delete(sample.xy_px, joint, 0) - sample.xy_px[joint], axis=1).min() > 3
            for joint in range(16)
        ]
        clear = inside & np.array(far)
        seen += int(clear.sum())
        assert np.abs(colours_at(sample, settings) - wanted)[clear].max() < 25
        peaks = sample.heatmaps.reshape(16, -1).argmax(axis=1)
        np.testing.assert_array_equal(
            np.stack([peaks % 64, peaks // 64], axis=1)[inside], np.floor(sample.xy_px[inside]).astype(int)
        )
        assert sample.has_depth == with_depth
        assert sample.weak != with_depth
    assert seen > 40


@pytest.mark.parametrize("name", LINES)
def test_published_lines_show_joints_near_where_they_are(name: str) -> None:
    settings = without_chance(LINES[name])
    for with_depth in (False, True):
        sample = made_sample(MadePeople(with_depth=with_depth).person(1), settings, np.random.default_rng(0))
        wanted = made_sample(MadePeople(with_depth=with_depth).person(1), PLAIN, np.random.default_rng(0))
        kept = [joint for joint in range(16) if joint != 7]
        assert np.abs(sample.xy_px - wanted.xy_px)[kept].max() < 1.4
        assert sample.picture.shape == (3, 256, 256)
        assert sample.visible.all()
        assert sample.depth.any() == with_depth


def test_depths_follow_the_size_of_the_crop() -> None:
    """By hand: 100 pixels a metre, and depths in half or whole sides of the crop."""
    person = MadePeople().person(0)
    z_px = 100 * (POSE[:, 2] - POSE[6, 2])
    z_px[7] = (z_px[12] + z_px[13]) / 2
    plain = made_sample(person, PLAIN, np.random.default_rng(0))
    np.testing.assert_allclose(plain.depth, z_px / 95, atol=1e-6)
    twice = replace(person, side_px=380.0)
    np.testing.assert_allclose(made_sample(twice, PLAIN, np.random.default_rng(0)).depth, z_px / 190, atol=1e-6)
    crop = made_sample(person, replace(PLAIN, depth="crop"), np.random.default_rng(0))
    np.testing.assert_allclose(crop.depth, z_px / 190, atol=1e-6)
    spine = made_sample(person, replace(PLAIN, anchor="thorax", thorax="given"), np.random.default_rng(0))
    np.testing.assert_allclose(spine.depth, 100 * (POSE[:, 2] - POSE[7, 2]) / 95, atol=1e-6)
    said = replace(person, depth_px=5.0 * np.arange(16))
    given = made_sample(said, replace(PLAIN, thorax="given"), np.random.default_rng(0))
    np.testing.assert_allclose(given.depth, 5.0 * (np.arange(16) - 6) / 95, atol=1e-6)


def mirror(sample: HourglassSample) -> HourglassSample:
    """The laws of a mirror, written out once more: x goes from the other side, left is right, depth stays."""
    pairs = [5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10]
    return sample._replace(
        picture=sample.picture[..., ::-1],
        heatmaps=sample.heatmaps[pairs, :, ::-1],
        xy_px=np.where(sample.visible[pairs, None], sample.xy_px[pairs] * [-1, 1] + [64, 0], 0),
        visible=sample.visible[pairs],
        depth=sample.depth[pairs],
    )


@pytest.mark.parametrize("name", LINES)
def test_a_mirrored_sample_is_the_sample_in_the_mirror(name: str) -> None:
    base = without_chance(LINES[name])
    flipped = replace(base, with_depth=Augmentation(flip_share=1.0))
    person = MadePeople().person(3)
    plain, mirrored = (made_sample(person, settings, np.random.default_rng(1)) for settings in (base, flipped))
    expected = mirror(plain)
    for name_of, ours, wanted in zip(plain._fields, mirrored, expected, strict=True):
        shift = 1 if name_of == "xy_px" and base.heatmaps != "subpixel" else 0
        np.testing.assert_allclose(ours, wanted - np.array([shift, 0]) if shift else wanted, atol=1e-5)
    again = mirror(mirror(plain))
    for ours, wanted in zip(again, plain, strict=True):
        np.testing.assert_allclose(ours, wanted, atol=1e-5)


def test_the_constraint_sees_no_mirror_and_no_rotation() -> None:
    """With one scale for x, y and z, bones keep their ratios however the crop is turned and mirrored."""
    settings = replace(PLAIN, with_depth=TURNED, thorax="given")
    samples = HourglassSamples(MadePeople(1), settings)

    def constraint(sample: HourglassSample) -> float:
        lengths = np.concatenate([sample.xy_px / 32 - 1, sample.depth[:, None]], axis=1).astype(np.float64)
        scale = np.linalg.norm(lengths[8] - lengths[6])
        joints = torch.tensor(lengths / scale)[None]
        return float(geometry_loss(joints[..., :2], joints[..., 2], torch.tensor(sample.visible)[None]))

    values = [constraint(samples.sample(0, epoch)) for epoch in range(8)]
    assert np.ptp(values) < 1e-5 * max(values)
    assert len({round(float(samples.sample(0, epoch).xy_px[0, 0]), 3) for epoch in range(8)}) == 8


def test_missing_joints() -> None:
    """By the rules of each line: not drawn, and counted or not."""
    person = MadePeople(with_depth=False, count_from_px=0.5).person(0)
    points = person.points_px.copy()
    points[[0, 15]] = np.nan
    points[1] = [-20.0, 50.0]
    points[2] = [-500.0, 50.0]
    person = replace(person, points_px=points)
    # Joint 1 is left of the picture, but within the crop (of the second version, which is smaller, just outside).
    expected = {
        # name: joints without a bump, joints that do not count
        "plain": ({0, 2, 15}, {0, 15}),
        "torch7": ({0, 1, 2, 15}, {0, 1, 2, 15}),
        "port": ({0, 1, 2, 15}, {0, 15}),
        "v2": ({0, 2, 15}, {1, 2}),
    }
    for name, (empty, unseen) in expected.items():
        sample = made_sample(replace(person, side_px=320.0), without_chance(LINES[name]), np.random.default_rng(0))
        assert set(np.flatnonzero(~sample.heatmaps.any(axis=(1, 2)))) == empty, name
        assert set(np.flatnonzero(~sample.visible)) == unseen, name
        assert not sample.xy_px[[0, 15]].any()
        assert np.isfinite(sample.xy_px).all()


def test_3d_without_any_bone_in_the_picture() -> None:
    person = MadePeople().person(0)
    points = np.full((16, 2), np.nan)
    points[7] = person.points_px[7]
    sample = made_sample(replace(person, points_px=points), PLAIN, np.random.default_rng(0))
    assert (sample.has_depth, sample.weak) == (False, False)
    assert not sample.depth.any()
    some = person.points_px.copy()
    some[[0, 7, 9]] = np.nan
    sample = made_sample(replace(person, points_px=some), PLAIN, np.random.default_rng(0))
    whole = made_sample(person, PLAIN, np.random.default_rng(0))
    assert sample.has_depth
    np.testing.assert_allclose(sample.depth, whole.depth, atol=1e-6)
    assert np.flatnonzero(~sample.visible).tolist() == [0, 9]


class _Epoch(Dataset):
    def __init__(self, samples: HourglassSamples, epoch: int) -> None:
        self.samples, self.epoch = samples, epoch

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple:
        return tuple(self.samples.sample(index, self.epoch))


def batches(epoch: int, workers: int) -> list[torch.Tensor]:
    samples = HourglassSamples(MadePeople(6), MODERN, seed=3)
    # Not forked: torch has threads by now.
    context = "spawn" if workers else None
    loader = DataLoader(_Epoch(samples, epoch), 2, num_workers=workers, multiprocessing_context=context)
    return [part for batch in loader for part in batch]


def test_samples_do_not_depend_on_the_number_of_processes() -> None:
    alone = batches(0, 0)
    for one, other in zip(alone, batches(0, 2), strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(alone[0], batches(1, 0)[0])


def test_samples_depend_on_seed_epoch_and_index_alone() -> None:
    samples = HourglassSamples(MadePeople(), MODERN, seed=1)
    first = samples.sample(2, 5).picture
    samples.sample(1, 5)
    np.testing.assert_array_equal(samples.sample(2, 5).picture, first)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(samples)).sample(2, 5).picture, first)
    others = (samples.sample(2, 6), samples.sample(3, 5), replace(samples, seed=2).sample(2, 5))
    assert all((other.picture != first).any() for other in others)


def geometries(settings: Augmentation, n: int = 4000) -> list:
    chance = np.random.default_rng(0)
    return [drawn_geometry(settings, chance) for _ in range(n)]


def test_published_distributions() -> None:
    """Shares and limits of the three programs, and the normal numbers in between."""
    drawn = geometries(TORCH7.without_depth)
    exponents = np.log2([g.scale for g in drawn])
    assert abs(exponents).max() == pytest.approx(0.5)
    assert np.std(exponents) == pytest.approx(0.25 * 0.9594, rel=0.03)  # of a normal number cut at two spreads
    turned = np.array([g.rotation_deg for g in drawn])
    assert np.mean(turned != 0) == pytest.approx(0.4, abs=0.03)
    assert abs(turned).max() == pytest.approx(60)
    assert np.mean([g.flipped for g in drawn]) == pytest.approx(0.5, abs=0.03)
    assert all(
        g == drawn_geometry(NO_CHANCE, np.random.default_rng(i)) for i, g in enumerate(geometries(PORT.with_depth, 3))
    )

    second = geometries(V2.without_depth)
    scales = np.array([g.scale for g in second])
    assert (scales.min(), scales.max()) == (pytest.approx(0.75), pytest.approx(1.25))
    assert np.mean([g.rotation_deg != 0 for g in second]) == pytest.approx(0.6, abs=0.03)
    with_3d = geometries(V2.with_depth)
    assert not any(g.rotation_deg for g in with_3d)
    assert np.std([g.scale for g in with_3d]) > 0.1
    assert np.mean([g.flipped for g in with_3d]) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(("settings", "low", "high"), [(TORCH7, 0.6, 1.4), (PORT, 0.6, 1.0)])
def test_published_gains(settings: HourglassSampleSettings, low: float, high: float) -> None:
    crop = np.full((8, 8, 3), 100, dtype=np.uint8)
    chance = np.random.default_rng(0)
    gains = np.array([recoloured(crop, settings.without_depth, chance)[:, 0, 0] for _ in range(2000)]) * 255 / 100
    assert gains.min() == pytest.approx(low, abs=0.01)
    assert gains.max() == pytest.approx(high, abs=0.01)
    assert gains.mean() == pytest.approx((low + high) / 2, abs=0.01)
    assert abs(np.asarray(np.corrcoef(gains.T))[0, 1]) < 0.1
    white = recoloured(np.full((8, 8, 3), 255, dtype=np.uint8), settings.without_depth, chance)
    assert white.max() <= 1


def test_colours_of_another_camera() -> None:
    crop = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    plain = recoloured(crop, NO_CHANCE, np.random.default_rng(0))
    np.testing.assert_array_equal(plain, crop.transpose(2, 0, 1).astype(np.float32) * np.float32(1 / 255))
    grey = recoloured(crop, Augmentation(grey_share=1.0), np.random.default_rng(0))
    wanted = 0.299 * plain[0] + 0.587 * plain[1] + 0.114 * plain[2]
    np.testing.assert_allclose(grey, np.broadcast_to(wanted, grey.shape), atol=1e-6)
    blurred = recoloured(crop, Augmentation(blur_share=1.0, blur_px=3.0), np.random.default_rng(1))
    assert blurred.std() < 0.7 * plain.std()
    for settings in (Augmentation(contrast=0.5), Augmentation(brightness=0.5), Augmentation(noise=0.2)):
        values = recoloured(crop, settings, np.random.default_rng(2))
        assert values.min() >= 0
        assert values.max() <= 1
        assert (values != plain).any()


def test_parts_are_hidden() -> None:
    crop = np.full((64, 64, 3), 100, dtype=np.uint8)
    assert hide_parts(crop, NO_CHANCE, np.random.default_rng(0)) is crop
    always = Augmentation(hidden_share=1.0)
    hidden = [np.mean(hide_parts(crop, always, np.random.default_rng(i)) != 100) for i in range(50)]
    assert 0.02 < np.mean(hidden) < 0.4


@pytest.mark.parametrize(
    "wrong",
    [{"flip_share": 1.5}, {"scale": -0.1}, {"noise": math.nan}, {"gain": (1.2, 0.8)}],
)
def test_what_is_no_augmentation(wrong: dict) -> None:
    with pytest.raises(InputError, match="augmentation"):
        Augmentation(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"input_size": 4}, {"heatmap_size": 512}, {"sigma_px": 0.0}, {"std": (1.0, 0.0, 1.0)}]
)
def test_what_are_no_settings(wrong: dict) -> None:
    with pytest.raises(InputError, match="samples"):
        HourglassSampleSettings(**wrong)


def test_side_within_the_picture() -> None:
    person: PicturePerson = replace(MadePeople(with_depth=False).person(0), side_px=1000.0)
    plain = made_sample(person, replace(PLAIN, side_within_picture=True), np.random.default_rng(0))
    expected = made_sample(replace(person, side_px=240.0), PLAIN, np.random.default_rng(0))
    np.testing.assert_array_equal(plain.xy_px, expected.xy_px)
