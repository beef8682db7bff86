"""The training of networks of pictures: heatmaps, depths where 3D is known, the geometry of bodies where it is not."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from maquette.models.deconv_pose import DeconvPose
from maquette.models.hourglass import PictureOutput
from maquette.models.hourglass_supervision import HourglassLossSettings, HourglassTarget, hourglass_loss, weak_geometry
from maquette.runtime.picture_spec import PUBLISHED_LENGTH_MM
from maquette.training.experiment import SOLE, Experiment, Share, device_of, dtype_of
from maquette.training.hourglass_before import trunk_of_imagenet
from maquette.training.hourglass_data import HourglassData, SampleArrays, TestBatches
from maquette.training.hourglass_feed import made_ahead
from maquette.training.hourglass_recipe import (
    PictureNetwork,
    batch_norms,
    batch_statistics,
    build_network,
    learning_rate,
    load_before,
    make_optimizer,
)
from maquette.training.hourglass_validation import JointsMissed, pose_errors_mm
from maquette.training.plans import HourglassPreset

_log = logging.getLogger(__name__)
_CHECKED_SAMPLES = 120
"""Of the training, on which evaluation is compared with training."""
_SUSPICIOUS_PERCENT = 10.0


class PictureBatch(NamedTuple):
    """A batch as the network takes it; see :class:`~maquette.datasets.hourglass_samples.HourglassSample`."""

    pictures: Float[Tensor, "n 3 size size"]
    heatmaps: Float[Tensor, "n joints height width"]
    xy_px: Float[Tensor, "n joints 2"]
    visible: Bool[Tensor, "n joints"]
    depth: Float[Tensor, "n joints"]
    has_depth: Bool[Tensor, " n"]
    weak: Bool[Tensor, " n"]

    @classmethod
    def of(cls, arrays: SampleArrays) -> "PictureBatch":
        return cls(*(torch.from_numpy(array) for array in arrays))


def loss_settings(preset: HourglassPreset) -> HourglassLossSettings:
    """How the losses of a preset are added up."""
    return HourglassLossSettings(
        heatmap_weight=preset.weight_2d,
        depth_weight=preset.weight_3d,
        geometry_weight=preset.weight_var,
        depth_kind=preset.depth_loss,
        reduction=preset.geometry,
        places_of=preset.places_of,
        annotated_maps_alone=not preset.published_missing,
        skip_zero_bones=preset.skip_zero_bones,
        shrunk_gradient=preset.shrunk_gradient,
    )


class HourglassExperiment(Experiment):
    """A preset on its data.

    Args:
        before: weights of the stage before, of the file ``source``; None: all fresh, or a run that goes on from its own
            checkpoint.

    Raises:
        InputError: the data do not fit the preset.
        ModelError: the weights do not fit the network.
    """

    loss_column, loss_scale = "loss", 1.0

    def __init__(
        self,
        preset: HourglassPreset,
        data: HourglassData,
        before: Mapping[str, Tensor] | None = None,
        share: Share = SOLE,
        *,
        source: str = "",
    ) -> None:
        self.preset, self.data, self.share = preset, data, share
        self.network: PictureNetwork = build_network(preset)
        if before is not None:
            load_before(self.network, before, source)
        elif preset.trunk and isinstance(self.network, DeconvPose):
            self.network.load_trunk(trunk_of_imagenet(Path(preset.trunk)))
        # The order in memory that convolutions on the CPU and in half precision are fast with.
        self.network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.settings = loss_settings(preset)
        self.maker, self.tests = data.batches(preset, share), data.tests(preset)
        self.steps_per_epoch = self.maker.order.batches
        self.total_steps, self.samples_per_step = preset.epochs * self.steps_per_epoch, preset.batch_size
        self.mean_decay, self.clip_norm = preset.ema_decay or None, preset.clip_norm or None
        self.length_mm = preset.skeleton_length_mm or data.bones_mm or PUBLISHED_LENGTH_MM
        self.metrics = self._metrics()

    def _metrics(self) -> tuple[str, ...]:
        """The first one is that by which weights are the best: 3D where it is learnt and known, else 2D where people
        are as in life."""
        found = [f"missed_{word}_percent" for word in reversed(self.tests)]
        if not self.preset.freezes_depth:
            known = [word for word, test in self.tests.items() if test.camera_mm(0) is not None]
            errors = [f"{what}_{word}_mm" for word in known for what in ("mpjpe", "depth")]
            found = errors + found + ([f"geometry_{self._geometric}"] if self._geometric else [])
        if self._has_running_statistics:
            found.append("batch_norm_gap_percent")
        return tuple(found)

    @property
    def _geometric(self) -> str:
        return "2d" if "2d" in self.tests else ""

    @property
    def _has_running_statistics(self) -> bool:
        return self.preset.norm == "batch"

    def make_optimizer(self) -> torch.optim.Optimizer:
        return make_optimizer(self.network, self.preset)

    def learning_rate(self, step: int) -> float:
        return learning_rate(self.preset, step, steps_per_epoch=self.steps_per_epoch)

    def before_step(self, step: int) -> None:
        """Frozen norms use their statistics in training, too."""
        if self.preset.norm == "frozen":
            for norm in batch_norms(self.network):
                norm.eval()

    @contextmanager
    def batches(self, first: int) -> Iterator[Iterator[PictureBatch]]:
        with made_ahead(self.maker, range(first, self.total_steps), self.preset.workers) as made:
            yield map(PictureBatch.of, made)

    def loss(self, batch: PictureBatch) -> Tensor:
        """The weighted sum; the process's part of it."""
        output = self._seen_in(batch.pictures)
        maps = [_wide(stack) for stack in output.heatmaps]
        target = self._target(batch, maps[0].dtype)
        found = hourglass_loss(maps, self._depth(batch, output), target, self.settings)
        total = found.total
        if self.settings.annotated_maps_alone:
            # By all joints, not by those that are there: so parts of a batch add up to the whole.
            total = total - found.heatmaps * (1 - batch.visible.to(total.dtype).mean())
        return self.share.weight(self._size_of_whole(len(batch.pictures))) * total

    def _seen_in(self, pictures: Float[Tensor, "n 3 size size"]) -> PictureOutput:
        return self.network(pictures.contiguous(memory_format=torch.channels_last))

    def _size_of_whole(self, part: int) -> int:
        return part if self.share.processes == 1 else self.preset.batch_size

    def _depth(self, batch: PictureBatch, output: PictureOutput) -> Tensor | None:
        """Of the joints, of a map where they are annotated; in single precision at least."""
        depth = output.depth
        if output.depth_map is not None:
            size = output.depth_map.shape[-1]
            column, row = batch.xy_px.long().clamp(0, size - 1).unbind(dim=-1)
            depth = output.depth_map.flatten(2).gather(2, (row * size + column)[..., None]).squeeze(2)
        return None if depth is None else _wide(depth)

    def _target(self, batch: PictureBatch, dtype: torch.dtype) -> HourglassTarget:
        return HourglassTarget(
            batch.heatmaps.to(dtype),
            batch.xy_px.to(dtype),
            batch.visible,
            batch.depth.to(dtype),
            batch.has_depth,
            batch.weak,
        )

    def validates_after(self, steps: int) -> bool:
        epochs = self.preset.validate_epochs
        return epochs > 0 and steps % (epochs * self.steps_per_epoch) == 0

    def validate(self) -> dict[str, float]:
        """:attr:`metrics`: per test set the share of joints missed (100 less the published accuracy), the MPJPE and the
        error of depth in mm with bones of one length for all, and the mean geometric constraint."""
        found: dict[str, float] = {}
        for word, test in self.tests.items():
            found |= self._measured(word, test)
        if self._has_running_statistics:
            found["batch_norm_gap_percent"] = self._batch_norm_gap()
        return {name: found[name] for name in self.metrics} if self.tests else {}

    def _measured(self, word: str, test: TestBatches) -> dict[str, float]:
        missed, errors, geometry = JointsMissed(), [], []
        with made_ahead(test, range(len(test)), self.preset.workers) as made:
            for number, arrays in enumerate(made):
                batch = self._on_device(arrays)
                output = self._seen_in(batch.pictures)
                maps = output.heatmaps[-1].float().cpu().numpy()
                missed.add(maps, arrays.heatmaps, arrays.visible)
                given = output.depth if output.depth_map is None else output.depth_map
                if given is None or self.preset.freezes_depth:
                    continue
                if (truth := test.camera_mm(number)) is not None:
                    errors.append(self._errors_mm(maps, given.float().cpu().numpy(), truth))
                geometry.append(self._geometry(batch, output))
        found = {f"missed_{word}_percent": missed.percent()}
        if errors:
            mpjpe, depth = np.concatenate(errors).mean(axis=0)
            found |= {f"mpjpe_{word}_mm": float(mpjpe), f"depth_{word}_mm": float(depth)}
        if geometry:
            found[f"geometry_{word}"] = float(np.concatenate(geometry).mean())
        return found

    def _on_device(self, arrays: SampleArrays) -> PictureBatch:
        device, dtype = device_of(self.network), dtype_of(self.network)
        batch = PictureBatch(*(tensor.to(device) for tensor in PictureBatch.of(arrays)))
        return batch._replace(pictures=batch.pictures.to(dtype))

    def _errors_mm(self, maps: np.ndarray, depth: np.ndarray, truth: np.ndarray) -> Float[np.ndarray, "n 2"]:
        """MPJPE, and the mean error along the camera's axis."""
        cells = maps.shape[-1] / (1 if self.preset.samples.depth_unit == "crop" else 2)
        return pose_errors_mm(
            maps, depth, truth, depth_cells=cells, length_mm=self.length_mm, refine=self.preset.decode
        )

    def _geometry(self, batch: PictureBatch, output: PictureOutput) -> Float[np.ndarray, " n"]:
        """The constraint, at the places where joints were annotated."""
        depth = self._depth(batch, output)
        assert depth is not None
        target = self._target(batch._replace(weak=torch.ones_like(batch.weak)), depth.dtype)
        return weak_geometry(target.xy_px, depth, target, self.settings).cpu().numpy()

    def _batch_norm_gap(self) -> float:
        """Of the same samples of the training, how many more joints in percent are missed in evaluation than with the
        statistics of the batches; large where running statistics are no good."""
        missed = JointsMissed(), JointsMissed()
        steps = range(min(-(-_CHECKED_SAMPLES // self.preset.batch_size), self.total_steps))
        with made_ahead(self.maker, steps, self.preset.workers) as made:
            for arrays in made:
                batch = self._on_device(arrays)
                answers = [self._seen_in(batch.pictures).heatmaps[-1]]
                with batch_statistics(self.network):
                    answers.append(self._seen_in(batch.pictures).heatmaps[-1])
                for counter, maps in zip(missed, answers, strict=True):
                    counter.add(maps.float().cpu().numpy(), arrays.heatmaps, arrays.visible)
        running, own = (counter.percent() for counter in missed)
        if running - own > _SUSPICIOUS_PERCENT:
            _log.warning(
                "batch norms: of the same pictures %.1f %% of the joints are missed with the running statistics, which "
                "the model will have, and %.1f %% with those of each batch; train with larger batches, --norm group, "
                "or from a checkpoint --norm frozen",
                running,
                own,
            )
        return running - own

    def facts(self) -> dict[str, Any]:
        return self.data.facts() | {"length_mm": self.length_mm}


def _wide(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
