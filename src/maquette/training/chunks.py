"""The trainings of Pavllo et al. 2019 and Shan et al. 2021: windows of recordings in, poses out, MPJPE."""

import math
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from maquette.datasets.chunks import ChunkBatch, ChunkFeed
from maquette.datasets.sequences import Sequences, sequences_from_store
from maquette.datasets.store import PoseStore, open_store
from maquette.errors import InputError
from maquette.training.experiment import SOLE, Experiment, Share, device_of, dtype_of
from maquette.training.plans import ChunkPreset

_VALIDATION_BATCH = 256  # windows; larger batches do not fit the caches


class Chunks(NamedTuple):
    """A batch as the network takes it."""

    inputs: Float[Tensor, "batch frames joints2 channels"]
    targets_m: Float[Tensor, "batch stride joints 3"]
    """Relative to the root, which is 0."""
    weight: float
    """Of this process's part (:meth:`Share.weight`)."""


def mpjpe_loss(
    predicted: Float[Tensor, "batch poses joints 3"], target: Float[Tensor, "batch poses joints 3"]
) -> Float[Tensor, ""]:
    """Mean distance, of the root too (which some networks predict)."""
    return torch.linalg.vector_norm(predicted - target, dim=-1).mean()


@dataclass(frozen=True, eq=False)
class ChunkData:
    """Sequences to train on, and to validate with."""

    train: Sequences
    test: Sequences | None
    store_name: str
    step_s: float
    """Time between frames."""

    @classmethod
    def open(cls, preset: ChunkPreset, data_dir: str | Path) -> "ChunkData":
        """What a preset takes from a store.

        Raises:
            InputError: the store does not have it.
        """
        store = open_store(data_dir)
        actions = list(preset.actions) or None
        train = sequences_from_store(
            store,
            source=preset.source,
            subjects=preset.subjects_train,
            actions=actions,
            subset=preset.subset,
            downsample=preset.downsample,
        )
        test = None
        if preset.subjects_test and preset.validate_epochs:
            test = sequences_from_store(
                store,
                source=preset.source,
                subjects=preset.subjects_test,
                actions=actions,
                downsample=preset.downsample,
            )
        return cls(train, test, store.name, preset.downsample / frame_rate(store))

    def facts(self) -> dict[str, Any]:
        """What the network and the model file depend on."""
        joints, channels = self.train.inputs.shape[1:]
        return {
            "data": self.store_name,
            "window_step_s": self.step_s,
            "input_skeleton": self.train.input_skeleton.name,
            "output_skeleton": self.train.target_skeleton.name,
            "joints": joints,
            "channels": channels,
            "joints_out": self.train.targets.shape[1],
        }


class ChunkExperiment(Experiment):
    """Any network of (batch, frames, joints, channels) -> (batch, poses, joints, 3), trained on chunks.

    Args:
        network: with the attribute ``receptive_field``.
        epochs, learning_rate: of this stage.
    """

    loss_column, loss_scale = "loss_mm", 1000.0
    metrics = ("mpjpe_mm", "pa_mpjpe_mm")
    mean_decay, clip_norm = None, None

    def __init__(
        self,
        network: nn.Module,
        preset: ChunkPreset,
        data: ChunkData,
        *,
        receptive_field: int,
        epochs: int,
        learning_rate: float,
        share: Share = SOLE,
    ) -> None:
        self.network, self.preset, self.data, self.share = network, preset, data, share
        self.epochs, self.first_rate = epochs, learning_rate
        self.receptive_field = receptive_field
        self.samples_per_step = preset.batch_size
        self.feed = ChunkFeed(
            data.train,
            receptive_field=receptive_field,
            stride=preset.stride,
            causal=preset.causal,
            batch_size=max(preset.batch_size // preset.stride, 1),
            mirror=preset.mirror,
            seed=preset.order_seed,
        )
        self.samples = len(self.feed)
        self.steps_per_epoch = steps_of(self.samples, self.feed.batch_size, share)
        self.total_steps = epochs * self.steps_per_epoch

    @abstractmethod
    def make_optimizer(self) -> torch.optim.Optimizer: ...

    def learning_rate(self, step: int) -> float:
        """Falls by the same factor after every epoch."""
        return self.first_rate * self.preset.lr_decay ** (step // self.steps_per_epoch)

    def momentum(self, step: int) -> float:
        """Of the temporal batch norms: falls exponentially from epoch to epoch."""
        first, last = self.preset.momentum_first, self.preset.momentum_last
        return first * math.exp(-(step // self.steps_per_epoch) / self.epochs * math.log(first / last))

    @contextmanager
    def batches(self, first: int) -> Iterator[Iterator[Chunks]]:
        yield (self.batch(step) for step in range(first, self.total_steps))

    def batch(self, step: int) -> Chunks:
        """This process's part of the batch of a step."""
        return self.tensors(self.feed.batch(*divmod(step, self.steps_per_epoch)))

    def tensors(self, batch: ChunkBatch) -> Chunks:
        part, weight = self.share.of(len(batch.inputs)), self.share.weight(len(batch.inputs))
        targets = torch.from_numpy(batch.targets[part]).clone()
        targets[:, :, self.data.train.root] = 0
        return Chunks(torch.from_numpy(batch.inputs[part]), targets, weight)

    def poses(self, inputs: Float[Tensor, "batch frames joints2 channels"]) -> Tensor:
        """The network's poses, (batch, poses, joints, 3)."""
        return self.network(inputs)

    def loss(self, batch: Any) -> Tensor:
        predicted = self.poses(batch.inputs)
        dtype = torch.promote_types(predicted.dtype, torch.float32)
        return batch.weight * mpjpe_loss(predicted.to(dtype), batch.targets_m.to(dtype))

    def validates_after(self, steps: int) -> bool:
        every = self.preset.validate_epochs * self.steps_per_epoch
        return bool(every) and steps % every == 0

    def validate(self) -> dict[str, float]:
        """MPJPE and PA-MPJPE in mm of the test subjects, without mirroring, all frames alike."""
        from maquette.evaluate.metrics import mpjpe, pa_mpjpe

        if self.data.test is None:
            return {}
        found, target = self.predictions(self.data.test)
        return {
            "mpjpe_mm": 1000 * float(mpjpe(found, target).mean()),
            "pa_mpjpe_mm": 1000 * float(pa_mpjpe(found, target).mean()),
        }

    def predictions(
        self, sequences: Sequences
    ) -> tuple[Float[np.ndarray, "poses joints 3"], Float[np.ndarray, "poses joints 3"]]:
        """The network's poses and the true ones, metres relative to the root, of every frame in order (or of
        ``validate_frames`` of them)."""
        feed = ChunkFeed(
            sequences,
            receptive_field=self.receptive_field,
            causal=self.preset.causal,
            batch_size=_VALIDATION_BATCH,
            mirror=False,
            shuffle=False,
        )
        wanted = -(-self.preset.validate_frames // _VALIDATION_BATCH) or feed.batches_per_epoch
        chosen = np.unique(np.linspace(0, feed.batches_per_epoch - 1, min(wanted, feed.batches_per_epoch)).astype(int))
        device, dtype = device_of(self.network), dtype_of(self.network)
        found, targets = [], []
        for index in chosen:
            batch = feed.batch(0, int(index))
            poses = self.poses(torch.from_numpy(batch.inputs).to(device, dtype))
            found.append(poses[:, 0].double().cpu().numpy())
            target = batch.targets[:, 0].astype(np.float64)
            target[:, sequences.root] = 0
            targets.append(target)
        return np.concatenate(found), np.concatenate(targets)

    def facts(self) -> dict[str, Any]:
        return {**self.data.facts(), "samples": self.samples}


def frame_rate(store: PoseStore) -> float:
    """Frames per second of all recordings of a store.

    Raises:
        InputError: they differ.
    """
    rates = sorted({float(recording.fps) for recording in store.recordings})
    if len(rates) != 1:
        raise InputError(f"{store.path}: recordings of {rates} frames per second; expected one rate for all")
    return rates[0]


def steps_of(samples: int, batch_size: int, share: Share) -> int:
    """Steps of an epoch. A last batch of fewer than two samples for each process is left out: a batch norm cannot be
    trained on one.

    Raises:
        InputError: there are too few samples for a single step.
    """
    whole, rest = divmod(samples, batch_size)
    steps = whole + (rest >= 2 * share.processes)
    if not steps or batch_size < 2 * share.processes:
        raise InputError(
            f"{samples} samples in batches of {batch_size} for {share.processes} processes: expected two samples or "
            "more for each; take more data or another --batch-size"
        )
    return steps
