"""What a training of networks of pictures takes: people with 3D, people without, and how samples are made of them."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from maquette.datasets.hourglass_mix import FusionOrder
from maquette.datasets.hourglass_samples import HourglassSample, HourglassSamples, without_chance
from maquette.datasets.hourglass_settings import Augmentation, HourglassSampleSettings
from maquette.datasets.picture_people import JoinedPeople, PicturePeople
from maquette.errors import InputError
from maquette.lifting.weak_perspective import skeleton_lengths
from maquette.training.hourglass_folders import FolderPeople, open_folder
from maquette.training.plans import HourglassPreset, PictureSampleFields
from maquette.training.share import Share

_MEASURED_PEOPLE = 5000
"""Of whom the mean length of all bones is taken."""
_OTHER_SEED = 1_000_003


def sample_settings(preset: HourglassPreset) -> HourglassSampleSettings:
    """How the samples of a preset are made.

    Raises:
        InputError: impossible values.
    """
    given = preset.samples
    chance: dict[str, Any] = _taken(Augmentation, given) | {"gain": None if given.gain == (1.0, 1.0) else given.gain}
    without_depth = with_depth = Augmentation(**chance)
    if given.augment_3d == "none":
        with_depth = Augmentation()
    elif given.augment_3d == "no-rotation":
        with_depth = replace(without_depth, rotation_deg=0.0, rotation_share=Augmentation.rotation_share)
    own: dict[str, Any] = _taken(HourglassSampleSettings, given) | {"depth": given.depth_unit}
    return HourglassSampleSettings(
        **own,
        input_size=preset.input_size,
        heatmap_size=preset.input_size // 4,
        with_depth=with_depth,
        without_depth=without_depth,
    )


def _taken(kind: type, given: PictureSampleFields) -> dict[str, Any]:
    return {f.name: getattr(given, f.name) for f in fields(kind) if hasattr(given, f.name)}


class SampleArrays(NamedTuple):
    """Samples as arrays, the first axis is that of the samples; see
    :class:`~maquette.datasets.hourglass_samples.HourglassSample`."""

    pictures: Float[np.ndarray, "n 3 size size"]
    heatmaps: Float[np.ndarray, "n joints height width"]
    xy_px: Float[np.ndarray, "n joints 2"]
    visible: Bool[np.ndarray, "n joints"]
    depth: Float[np.ndarray, "n joints"]
    has_depth: Bool[np.ndarray, " n"]
    weak: Bool[np.ndarray, " n"]


def stacked(samples: list[HourglassSample]) -> SampleArrays:
    """Samples as one batch."""
    return SampleArrays(*(np.stack([sample[i] for sample in samples]) for i in range(len(SampleArrays._fields))))


@dataclass(frozen=True, eq=False)
class BatchMaker:
    """A process's part of the batch of a step; may be sent to other processes."""

    with_3d: HourglassSamples | None
    only_2d: HourglassSamples | None
    order: FusionOrder
    share: Share

    def __call__(self, step: int) -> SampleArrays:
        """The batch.

        Raises:
            InputError: a picture cannot be read.
        """
        picks = self.order.batch(step)
        samples = []
        for pick in picks[self.share.of(len(picks))]:
            source = self.with_3d if pick.with_depth else self.only_2d
            assert source is not None
            samples.append(source.sample(pick.index, pick.turn))
        return stacked(samples)


@dataclass(frozen=True, eq=False)
class TestBatches:
    """People of a test set in batches, evenly spread, mixed, without chance; may be sent to other processes."""

    __test__ = False

    samples: HourglassSamples
    rows: Int[np.ndarray, " n"]
    size: int

    @classmethod
    def of(cls, people: PicturePeople, settings: HourglassSampleSettings, *, wanted: int, size: int) -> "TestBatches":
        count = min(wanted or len(people), len(people))
        rows = np.unique(np.linspace(0, len(people) - 1, count).astype(np.int64))
        # Neighbours in a list often are in one video: batches of them would not be like those of the training.
        rows = np.random.default_rng(0).permutation(rows)
        return cls(HourglassSamples(people, without_chance(settings)), rows, size)

    def __len__(self) -> int:
        return -(-len(self.rows) // self.size)

    def part(self, batch: int) -> Int[np.ndarray, " size"]:
        """Numbers of the people of a batch."""
        return self.rows[batch * self.size : (batch + 1) * self.size]

    def __call__(self, batch: int) -> SampleArrays:
        """The batch.

        Raises:
            InputError: a picture cannot be read.
        """
        return stacked([self.samples.sample(int(row)) for row in self.part(batch)])

    def camera_mm(self, batch: int) -> Float[np.ndarray, "size joints 3"] | None:
        """3D of a batch; None where it is not known of all."""
        poses = [self.samples.people.person(int(row)).camera_mm for row in self.part(batch)]
        return None if any(pose is None for pose in poses) else np.stack([pose for pose in poses if pose is not None])


@dataclass(frozen=True, eq=False)
class HourglassData:
    """All that a preset takes from its folders."""

    people: FolderPeople
    settings: HourglassSampleSettings
    bones_mm: float
    """Mean of all bones of the people with 3D; 0 where there are none."""

    @classmethod
    def open(cls, preset: HourglassPreset, data_dir: str | Path) -> "HourglassData":
        """People of ``data_dir``, and of ``--data-2d`` their 2D alone.

        Raises:
            InputError: they cannot be read, or are not what the preset needs.
        """
        people = open_folder(Path(data_dir), preset.pictures)
        if preset.data_2d:
            more = open_folder(Path(preset.data_2d), preset.pictures_2d).without_depth()
            people = people._replace(
                only_2d=_both(people.only_2d, more.only_2d), test_2d=_both(people.test_2d, more.test_2d)
            )
        if people.with_3d is None and preset.weight_3d:
            raise InputError(
                f"{data_dir}: nobody with 3D there, which preset '{preset.name}' learns depths from (--weight-3d)"
            )
        if people.only_2d is None and preset.weight_var:
            raise InputError(
                f"{data_dir}: nobody without 3D there, whom preset '{preset.name}' learns the geometry from; give them "
                "with --data-2d, or leave it out with --weight-var 0"
            )
        return cls(people, sample_settings(preset), _bones_mm(people.with_3d))

    def order(self, preset: HourglassPreset, share: Share) -> FusionOrder:
        """Which people each step of a preset has."""
        counts = [0 if part is None else len(part) for part in self.people[:2]]
        order = FusionOrder(
            counts[0],
            counts[1],
            preset.mixing,
            preset.batch_size,
            preset.seed,
            share=preset.ratio_3d / (1 + preset.ratio_3d),
            ratio=preset.ratio_3d,
            epoch_batches=max(preset.epoch_samples // preset.batch_size, 1) if preset.epoch_samples else 0,
        )
        # Several processes share whole batches alone; a batch norm cannot be trained on one person.
        least = preset.batch_size if share.processes > 1 else min(preset.batch_size, 2)
        if preset.mixing == "joined" and len(order.batch(order.batches - 1)) < least:
            order = replace(order, epoch_batches=max(order.batches - 1, 1))
        return order

    def batches(self, preset: HourglassPreset, share: Share) -> BatchMaker:
        """The batches of a preset, a process's part."""
        seeds = (preset.seed + _OTHER_SEED, preset.seed)
        sources = [
            None if part is None else HourglassSamples(part, self.settings, seed)
            for part, seed in zip(self.people[:2], seeds, strict=True)
        ]
        return BatchMaker(sources[0], sources[1], self.order(preset, share), share)

    def tests(self, preset: HourglassPreset) -> dict[str, TestBatches]:
        """Test sets by the word for them in the log."""
        found = {"3d": self.people.test_3d, "2d": self.people.test_2d}
        return {
            word: TestBatches.of(people, self.settings, wanted=preset.validate_samples, size=preset.batch_size)
            for word, people in found.items()
            if people is not None and len(people)
        }

    def facts(self) -> dict[str, Any]:
        """What tells these data from others, and what the export needs."""
        with_3d, only_2d = self.people[:2]
        parts = [part.name for part in (with_3d, only_2d) if part is not None]
        return {
            "data": "; ".join(parts),
            "samples_3d": 0 if with_3d is None else len(with_3d),
            "samples_2d": 0 if only_2d is None else len(only_2d),
            "bones_mm": self.bones_mm,
        }


def _both(first: PicturePeople | None, second: PicturePeople | None) -> PicturePeople | None:
    if first is None or second is None:
        return second if first is None else first
    return JoinedPeople([first, second])


def _bones_mm(people: PicturePeople | None) -> float:
    if people is None or not len(people):
        return 0.0
    rows = np.unique(np.linspace(0, len(people) - 1, min(len(people), _MEASURED_PEOPLE)).astype(int))
    known = [mm for row in rows if (mm := people.person(int(row)).camera_mm) is not None]
    return float(skeleton_lengths(np.stack(known)).mean()) if known else 0.0
