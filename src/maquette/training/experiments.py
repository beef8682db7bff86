"""From a preset and its data to the experiment that is to be run."""

from pathlib import Path

from maquette.training.experiment import Experiment
from maquette.training.plans import MocapPreset, Preset


def build_experiment(plan: Preset, data_dir: Path, *, stage: int = 0, before: Path | None = None) -> Experiment:
    """The experiment of a preset, with fresh weights from torch's global random state.

    Args:
        data_dir: a store, or the folder of the open motion capture.
        stage: of a training in stages.
        before: checkpoint of the stage before, from which this one starts.

    Raises:
        InputError: the data or the checkpoint cannot be used.
    """
    if isinstance(plan, MocapPreset):
        from maquette.training.mocap import MocapExperiment

        return MocapExperiment(plan, data_dir)
    raise NotImplementedError(plan.name)
