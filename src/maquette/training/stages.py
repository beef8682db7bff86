"""The stages of a training: one for most, three for relative information encoding, five for the pose machine."""

from pathlib import Path

from maquette.training.plans import (
    CorrectionPreset,
    HourglassPreset,
    MocapPreset,
    PoseMachinePreset,
    Preset,
    RelativeMocapPreset,
    RelativePreset,
    TemporalPreset,
)


def stages_of(plan: Preset) -> tuple[int, ...]:
    """The stages of a training, one after the other; (0,): it has none. The first one starts from nothing."""
    if isinstance(plan, PoseMachinePreset):
        return (1, 2, 3, 4, 5) if plan.front == "image" else (2, 3, 4, 5)
    return (1, 2, 3) if isinstance(plan, RelativePreset | RelativeMocapPreset) else (0,)


def folder_of(out_dir: Path, stage: int) -> Path:
    """Where a stage has its checkpoints and logs."""
    return out_dir / f"stage-{stage}" if stage else out_dir


def stage_words(plan: Preset) -> list[str]:
    """One line for each stage of a training: what it trains, for how long."""
    if isinstance(plan, PoseMachinePreset):
        return [
            f"stage {i}: {plan.stage_steps[i - 1]} steps, learning rate {plan.learning_rate[i - 1]:g}; {_MACHINE[i]}"
            for i in stages_of(plan)
        ]
    if isinstance(plan, RelativePreset):
        lengths = [f"{epochs} epochs" for epochs in plan.epochs]
        return _three(lengths, plan.learning_rate)
    if isinstance(plan, RelativeMocapPreset):
        lengths = [f"{steps} steps of {plan.batch_size} windows" for steps in plan.stage_steps]
        return _three(lengths, plan.stage_rates)
    if isinstance(plan, TemporalPreset) and plan.subjects_unlabeled:
        return [f"{plan.epochs} epochs, the first {plan.warmup} of them on labelled data alone"]
    if isinstance(plan, MocapPreset):
        return [f"{plan.total_steps} steps of {plan.batch_size} windows"]
    if isinstance(plan, CorrectionPreset):
        return [f"{plan.total_steps} steps of {plan.batch_size} of {plan.poses} lifted poses"]
    if isinstance(plan, HourglassPreset):
        length = f" of {plan.epoch_samples} samples" if plan.epoch_samples else ""
        return [f"{plan.epochs} epochs{length}, learning rate {plan.learning_rate:g}; {_PICTURES[plan.stage]}"]
    return [f"{getattr(plan, 'epochs', 0)} epochs"]


_MACHINE = {
    1: "the trunk, by 2D points of pictures, from nothing",
    2: "coarse 3D: what is behind the trunk of stage 1, which is frozen",
    3: "the correction, from nothing; the weights of stage 2, frozen",
    4: "everything, from the weights of stage 3",
    5: "everything but the trunk, with joints hidden, from the weights of stage 4",
}


_PICTURES = {
    1: "joints in 2D, from nothing",
    2: "depths where 3D is known, from the weights of stage 1",
    3: "the geometry of bodies where it is not, too, from the weights of stage 2",
}


def _three(lengths: list[str], rates: tuple[float, ...]) -> list[str]:
    parts = (
        "encoders, global branch, decoders, all from nothing",
        "fusion and decoders from nothing; encoders and global branch of stage 1, frozen",
        "everything, from the weights of stage 2",
    )
    return [
        f"stage {i + 1}: {length}, learning rate {rate:g}; {part}"
        for i, (part, length, rate) in enumerate(zip(parts, lengths, rates, strict=True))
    ]
