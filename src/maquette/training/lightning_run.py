"""The only file that knows Lightning: it runs any experiment, on any number of processes, from any checkpoint.

Lightning brings devices, mixed precision and the exchange of gradients. Checkpoints are our own: one file written
atomically, with the random state of every process, so that a run that was killed goes on to the same weights.
"""

import math
import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, nn

from maquette.errors import InputError, ModelError
from maquette.training.checkpoint import (
    BEST,
    CHECKPOINT,
    RunningMean,
    random_state,
    save_checkpoint,
    set_random_state,
)
from maquette.training.experiment import Experiment
from maquette.training.plans import Preset
from maquette.training.records import Records
from maquette.training.surroundings import choose_accelerator, interruptible, quiet

_PRECISIONS: dict[str, Any] = {"bf16": "bf16-mixed", "16": "16-mixed", "32": "32-true", "64": "64-true"}
_TALK_STEPS = 20  # steps between the moments at which several processes agree on what the clock says


@dataclass(frozen=True)
class Run:
    """Where and how long."""

    out_dir: Path
    settings: dict[str, Any]
    """What stands in the checkpoint beside the state: the preset, as plain values, and the stage."""
    max_minutes: float | None = None
    bar: bool = False


@dataclass
class _Clock:
    """Time spent, counted on from the runs before."""

    minutes_before: float
    start: float = field(default_factory=time.monotonic)
    saved: float = field(default_factory=time.monotonic)

    @property
    def here(self) -> float:
        """Minutes of this call."""
        return (time.monotonic() - self.start) / 60

    @property
    def minutes(self) -> float:
        return self.minutes_before + self.here


def fit(experiment: Experiment, preset: Preset, run: Run, state: dict[str, Any] | None) -> bool:
    """Train to the last step, or for ``run.max_minutes``; True if the last step is done.

    Args:
        state: a checkpoint of the same run, from which to go on.

    Raises:
        InputError: there is no such GPU, or the checkpoint is of another number of processes.
        ModelError: the loss is not finite; the last good checkpoint is kept.
        OutputError: the checkpoint cannot be written; the one before is kept.
    """
    processes, local = experiment.share.processes, int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    accelerator = choose_accelerator(preset)
    if state is not None and len(state["random"]) != processes:
        raise InputError(
            f"{run.out_dir}: was trained by {len(state['random'])} processes, and can only go on with as many "
            f"(here: {processes}); start it with torchrun --nproc-per-node {len(state['random'])}"
        )
    if state is not None and state["step"] >= experiment.total_steps:
        return True
    module = _Module(experiment, preset, run, state)
    with quiet(), closing(module), interruptible(module.ask_to_stop):
        trainer = Trainer(
            accelerator=accelerator,
            devices=local,
            num_nodes=processes // local,
            # While the first process validates the others wait: for longer than torch's half an hour, if need be.
            strategy=DDPStrategy(timeout=timedelta(days=1)) if processes > 1 else "auto",
            precision=_PRECISIONS[preset.precision],
            sync_batchnorm=preset.sync_batch_norm and accelerator == "gpu" and processes > 1,
            deterministic="warn" if accelerator == "gpu" else False,
            benchmark=False,
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
        )
        with experiment.batches(module.steps) as batches:
            trainer.fit(module, _Batches(batches, experiment.total_steps - module.steps))
    return module.steps >= experiment.total_steps


class _Module(LightningModule):
    """An experiment as Lightning wants it, with everything that happens around a step."""

    def __init__(self, experiment: Experiment, preset: Preset, run: Run, state: dict[str, Any] | None) -> None:
        super().__init__()
        self.network = experiment.network
        self.experiment, self.preset, self.run, self.share = experiment, preset, run, experiment.share
        self.state = state
        self.steps: int = state["step"] if state else 0
        self.best: float = state["best"] if state else math.inf
        self.clock = _Clock(state["minutes"] if state else 0.0)
        self.mean: RunningMean | None = None
        self.records: Records | None = None
        self.stop = False
        self._sum, self._count = 0.0, 0

    def configure_optimizers(self) -> torch.optim.Optimizer:
        optimizer = self.experiment.make_optimizer()
        if self.state is not None:
            optimizer.load_state_dict(self.state["optimizer"])
        return optimizer

    def on_train_start(self) -> None:
        experiment, state, preset = self.experiment, self.state, self.preset
        if experiment.mean_decay is not None:
            self.mean = RunningMean(self.network)
            if state is not None:
                self.mean.load_state_dict(state["mean"])
        if self.share.rank == 0:
            self.records = Records(
                self.run.out_dir,
                experiment.loss_column,
                experiment.metrics,
                first_step=self.steps,
                total_steps=experiment.total_steps,
                bar=self.run.bar,
            )
        self.clock = _Clock(self.clock.minutes_before)
        # Last, because setting up may have drawn random numbers.
        if state is not None:
            self.trainer.precision_plugin.load_state_dict(state["precision"])
            set_random_state(state["random"][self.share.rank])
        elif self.share.rank:
            torch.manual_seed(preset.seed + 1_000_003 * self.share.rank)
        self.state = None

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        rate = self.experiment.learning_rate(self.steps)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        self.experiment.before_step(self.steps)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self.experiment.loss(batch)

    def configure_gradient_clipping(self, optimizer: Any, *args: Any, **kwargs: Any) -> None:
        if self.experiment.clip_norm is None:
            return
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.experiment.clip_norm, foreach=True)
        if self.preset.precision != "16":
            # A gradient that is not finite spoils the weights one step before it shows in the loss. (With float16 it
            # is an everyday event: that step is left out.)
            self._sum = self._sum + 0 * norm

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        experiment = self.experiment
        loss = outputs["loss"].detach()
        self._sum, self._count = self._sum + (loss if loss.is_cuda else float(loss)), self._count + 1
        if self.mean is not None and experiment.mean_decay is not None:
            self.mean.update(min(experiment.mean_decay, (1 + self.steps) / (10 + self.steps)))
        self.steps += 1
        last = self.steps >= experiment.total_steps
        save, stop = self._agree(last)
        # Whoever presses Ctrl-C does not want to wait for a validation first.
        validate = experiment.validates_after(self.steps) or last or (stop and not self.stop)
        if self.steps % self.preset.log_steps == 0 or validate:
            self._row(validate)
        elif self.records is not None:
            self.records.advance(self.steps)
        if save or last or stop:
            self._save()
        if stop:
            self.trainer.should_stop = True

    def _agree(self, last: bool) -> tuple[bool, bool]:
        """Whether the clock says to save, and to stop: what the first process's clock says."""
        if self.share.processes > 1 and self.steps % _TALK_STEPS and not last:
            return False, False
        limit = self.run.max_minutes
        stop = self.stop or (limit is not None and self.clock.here > limit)
        save = time.monotonic() - self.clock.saved > 60 * self.preset.checkpoint_minutes
        if self.share.processes == 1:
            return save, stop
        return self.trainer.strategy.broadcast((save, stop), src=0)

    def _row(self, validate: bool) -> None:
        """A row of the log, of the first process; the loss is that of its own part of the batches."""
        loss = self.experiment.loss_scale * float(self._sum) / max(self._count, 1)
        self._check(loss)
        self._sum, self._count = 0.0, 0
        if self.records is None:
            return
        errors = self._validate() if validate else {}
        samples = self.steps * self.experiment.samples_per_step
        rate = self.experiment.learning_rate(self.steps - 1)
        self.records.row(self.steps, samples, self.clock.minutes, rate, loss, errors)
        first = self.experiment.metrics[0] if errors else ""
        if errors and errors[first] < self.best:
            self.best = errors[first]
            save_checkpoint(self.run.out_dir / BEST, self._weights())

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            kept = self.run.out_dir / CHECKPOINT
            raise ModelError(
                f"the loss is no longer finite, at or before step {self.steps}; "
                + (f"{kept} holds the last good state: " if kept.is_file() else "no checkpoint had been written yet: ")
                + "train again from there with a lower learning rate"
            )

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        """Errors of the weights that would be exported, in evaluation."""
        kept = {name: tensor.clone() for name, tensor in self.network.state_dict().items()} if self.mean else {}
        if self.mean is not None:
            self.network.load_state_dict(self.mean.state_dict(), strict=False)
        training = [module for module in self.network.modules() if module.training]
        self.network.eval()
        errors = dict(self.experiment.validate())
        if self.mean is not None:
            self.network.load_state_dict(kept)
        for module in training:
            module.training = True
        return errors

    def _weights(self) -> dict[str, Any]:
        return {
            **self.run.settings,
            "facts": self.experiment.facts(),
            "step": self.steps,
            "total_steps": self.experiment.total_steps,
            "minutes": self.clock.minutes,
            "network": self.network.state_dict(),
            "mean": self.mean.state_dict() if self.mean is not None else None,
            "best": self.best,
        }

    def _save(self) -> None:
        """Write the checkpoint, if what has happened since the last one was finite."""
        if self._count:
            self._check(float(self._sum))
        if not all(bool(torch.isfinite(p).all()) for p in self.network.parameters()):
            self._check(math.nan)
        states: list[Any] = [random_state()]
        if self.share.processes > 1:
            states *= self.share.processes
            torch.distributed.all_gather_object(states, random_state())
        if self.share.rank == 0:
            optimizer = self.trainer.optimizers[0].state_dict()
            precision = self.trainer.precision_plugin.state_dict()
            state = {**self._weights(), "optimizer": optimizer, "precision": precision, "random": states}
            save_checkpoint(self.run.out_dir / CHECKPOINT, state)
        self.clock.saved = time.monotonic()

    def ask_to_stop(self) -> None:
        """Stop after the present step, with a checkpoint."""
        self.stop = True

    def close(self) -> None:
        """End the records, whatever happened."""
        if self.records is not None:
            self.records.close()


class _Batches:
    """The batches of the steps that are left; the length tells Lightning when it is done."""

    def __init__(self, batches: Iterator[Any], n: int) -> None:
        self._batches, self._n = batches, n

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[Any]:
        return self._batches
