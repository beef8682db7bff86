"""From a preset and its data to the experiment that is to be run."""

from pathlib import Path

from torch import Tensor

from maquette.errors import InputError
from maquette.training.checkpoint import read_checkpoint, weights_of
from maquette.training.experiment import Experiment, Share
from maquette.training.plans import (
    CorrectionPreset,
    HourglassPreset,
    MocapPreset,
    PoseMachinePreset,
    PosePreset,
    Preset,
    RelativePreset,
    TemporalPreset,
)


def build_experiment(plan: Preset, data_dir: Path, *, stage: int = 0, before: Path | None = None) -> Experiment:
    """The experiment of a preset, with fresh weights from torch's global random state.

    Args:
        data_dir: a store, or the folder of the open motion capture.
        stage: of a training in stages.
        before: checkpoint of the stage before, from which this one starts.

    Raises:
        InputError: the data or the checkpoint cannot be used.
    """
    share = Share.here()
    if isinstance(plan, PoseMachinePreset):
        return _pose_machine(plan, data_dir, stage, before, share)
    if isinstance(plan, HourglassPreset):
        return _hourglass(plan, data_dir, before, share)
    weights = None if before is None else weights_before(before)
    if isinstance(plan, MocapPreset):
        from maquette.training.mocap import MocapExperiment

        return MocapExperiment(plan, data_dir, share, stage=stage, before=weights)
    if isinstance(plan, CorrectionPreset):
        from maquette.training.correction import CorrectionExperiment

        return CorrectionExperiment(plan, data_dir, share)
    if isinstance(plan, RelativePreset):
        from maquette.training.chunks import ChunkData
        from maquette.training.relative import RelativeExperiment

        return RelativeExperiment(plan, ChunkData.open(plan, data_dir), stage, weights, share)
    if isinstance(plan, PosePreset):
        from maquette.training.poses import PoseData, PoseExperiment

        return PoseExperiment(plan, PoseData.open(plan, data_dir), share)
    if isinstance(plan, TemporalPreset):
        from maquette.training.chunks import ChunkData
        from maquette.training.semi import SemiSupervisedExperiment, open_unlabelled
        from maquette.training.temporal import TemporalExperiment

        if plan.subjects_unlabeled:
            data = ChunkData.open(plan, data_dir)
            return SemiSupervisedExperiment(plan, data, open_unlabelled(plan, data_dir), share)
        return TemporalExperiment(plan, ChunkData.open(plan, data_dir), share)
    raise TypeError(f"{type(plan).__name__} has no experiment")


def _pose_machine(plan: PoseMachinePreset, data_dir: Path, stage: int, before: Path | None, share: Share) -> Experiment:
    from maquette.training.pose_machine_data import PoseMachineData, PretrainingData

    if stage == 1:
        from maquette.training.pose_machine_pretraining import PretrainingExperiment

        return PretrainingExperiment(plan, PretrainingData.open(plan, data_dir), share)
    from maquette.training.pose_machine import PoseMachineExperiment, caffe_weights

    data, weights = PoseMachineData.open(plan, data_dir), None
    if before is not None:
        is_caffe = before.suffix.lower() == ".caffemodel"
        weights = caffe_weights(plan, before) if is_caffe else weights_before(before, at_least=stage - 1)
    return PoseMachineExperiment(plan, data, stage, weights, share)


def _hourglass(plan: HourglassPreset, data_dir: Path, before: Path | None, share: Share) -> Experiment:
    from maquette.training.hourglass_before import weights_of_pictures
    from maquette.training.hourglass_data import HourglassData
    from maquette.training.hourglass_experiment import HourglassExperiment

    weights = None if before is None else weights_of_pictures(before, plan)
    data = HourglassData.open(plan, data_dir)
    return HourglassExperiment(plan, data, weights, share, source=str(before))


def weights_before(path: Path, *, at_least: int = 0) -> dict[str, Tensor]:
    """The weights of the stage before: of a checkpoint of ours, or of one that the original program wrote.

    Args:
        at_least: of this stage or a later one; all stages of a pose machine have the same tensors, trained or not.

    Raises:
        InputError: the file cannot be read, or is of an earlier stage.
    """
    from maquette.importers.torch_file import read_torch_file, tensors_of

    found = read_torch_file(path)
    if "model_pos" in found:
        return tensors_of(found["model_pos"], f"{path}: model_pos")
    state = read_checkpoint(path)
    if (stage := state.get("stage", at_least)) < at_least:
        raise InputError(f"{path}: is of stage {stage}; expected one of stage {at_least}, train that first")
    return weights_of(state)
