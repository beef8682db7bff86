"""Errors of the 3D pose machine (Wang et al. 2019) in its three stages, each a report of its own.

``coarse`` is what the network of images (or 2D points) gives, ``corrected`` the same behind the correction layers,
``refined`` behind those layers after they were tuned to the frame's 2D. The metric is the published one: the mean over
the 16 joints of the distance between what is given and the truth, both relative to the root, which counts with its own
error of 0; frames of an action are averaged, then actions.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.evaluate.pose_machine_report import STAGES, RefinementFacts, Stage, StagedReport
from maquette.evaluate.protocols import Protocol
from maquette.evaluate.report import DataFacts, ModelFacts, Report
from maquette.evaluate.results import Key, Prediction, evaluate, summed
from maquette.evaluate.tally import Tally
from maquette.skeletons import H36M_16

BATCH = 5
"""Frames that the published programs put through the network at once; what does not fill a batch is never seen."""

Poses = Float[np.ndarray, "frames 16 3"]


@dataclass(frozen=True, eq=False)
class ActionResult:
    """What was found for the frames of one action."""

    action: str
    subjects: tuple[str, ...]
    """Of every frame; "" where it is not known."""
    truth_mm: Poses
    """Camera frame, relative to the root, as is what was found."""
    found_mm: Mapping[str, Float[np.ndarray, "found 16 3"]]
    """Stage -> poses."""
    errors_mm: Mapping[str, Float[np.ndarray, " found"]]
    """Stage -> MPJPE of each frame that somebody else has measured, for stages whose poses are not there."""

    @property
    def lengths(self) -> dict[str, int]:
        """Stage -> number of frames found, in the order of the stages."""
        known = {**self.errors_mm, **self.found_mm}
        return {stage: len(known[stage]) for stage in STAGES if stage in known}


def evaluate_stages(
    results: Sequence[ActionResult],
    protocol: Protocol,
    *,
    truth: str,
    published_truncation: bool = False,
    count: int | None = None,
    model: ModelFacts | None = None,
    data: DataFacts | None = None,
    refinement: RefinementFacts | None = None,
) -> StagedReport:
    """The three columns of the published table, as far as they are there.

    Args:
        truth: which truth it is, in words that go into the report; results for different ones cannot be compared.
        published_truncation: do as the published programs: cut the truth to the length of what was found, and drop
            the frames of an action that do not fill a batch of 5.
        count: number of joints: 16, or 15 without the root.

    Raises:
        InputError: nothing to evaluate, stages that are not there for all actions, numbers of frames that differ,
            values that are not finite; everything at once.
    """
    problems = _problems(results, published_truncation)
    model = model or ModelFacts(name="unnamed")
    if problems:
        raise InputError.from_problems(model.name, problems)
    if published_truncation:
        results = [_cut(result) for result in results]
        protocol = replace(protocol, batch=BATCH)
    stages = []
    for name in results[0].lengths:
        facts = msgspec.structs.replace(model, name=f"{model.name} ({name})")
        report = _report(results, name, protocol, count, facts, data)
        stages.append(Stage(name=name, about=STAGES[name], report=report))
    return StagedReport(truth=truth, published_truncation=published_truncation, stages=stages, refinement=refinement)


def limb_lengths_note(results: Sequence[ActionResult]) -> str:
    """What the bones of the truth tell about it: raw, or scaled to mean limb lengths.

    A skeleton of Human3.6M keeps its bone lengths over a subject's recordings, so of one subject alone the two cannot
    be told apart.
    """
    positions = np.concatenate([result.truth_mm for result in results])
    parents = np.array(H36M_16.parents)
    bones = np.linalg.norm(positions[:, 1:] - positions[:, parents[1:]], axis=-1)
    spread = float((bones.std(axis=0) / np.maximum(bones.mean(axis=0), 1e-9)).max())
    subjects = {subject for result in results for subject in result.subjects if subject}
    if spread > _SAME_LENGTHS:
        return f"bone lengths of the truth differ by up to {spread:.1%} (deviation over all frames): not limb-scaled"
    if len(subjects) == 1:
        return "bone lengths of the truth are the same in all frames; of one subject, so raw or limb-scaled is not seen"
    return (
        "bone lengths of the truth are the same in all frames of all subjects: it is scaled to mean limb lengths, "
        "errors on it are not comparable with those on the raw positions"
    )


_SAME_LENGTHS = 1e-3
"""Standard deviation over mean of a bone's length: above what rounding makes, below what subjects differ by."""


def _problems(results: Sequence[ActionResult], published_truncation: bool) -> list[str]:
    if not any(result.lengths for result in results):
        return ["there is nothing to evaluate"]
    problems = []
    stages = [stage for stage in STAGES if any(stage in result.lengths for result in results)]
    for stage in stages:
        lacking = [result.action for result in results if stage not in result.lengths]
        if lacking:
            having = " ".join(result.action for result in results if stage in result.lengths)
            problems.append(
                f"the {stage} poses of {', '.join(lacking)} are missing: averages would be of different actions (those "
                f"with it: --actions {having})"
            )
    for result in results:
        problems += _wrong_lengths(result, published_truncation)
        for stage, values in {**result.errors_mm, **result.found_mm}.items():
            finite = np.asarray(np.isfinite(values).reshape(len(values), -1).all(axis=1))
            if not finite.all():
                problems.append(
                    f"{result.action}, {stage}: {int((~finite).sum())} of {len(finite)} frames have values that are "
                    f"not finite (first: frame {int(np.argmin(finite)) + 1})"
                )
    return problems


def _wrong_lengths(result: ActionResult, published_truncation: bool) -> list[str]:
    frames, lengths = len(result.truth_mm), result.lengths
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{n} {stage}" for stage, n in lengths.items())
        return [f"{result.action}: numbers of frames differ: {said}"]
    for found in lengths.values():
        if found > frames:
            return [f"{result.action}: {found} frames were found, the truth has {frames}"]
        if found < frames and not published_truncation:
            cut = "the published programs cut the truth to that (--published-truncation)"
            return [f"{result.action}: {found} frames were found, the truth has {frames}; {cut}"]
        return []
    return []


def _cut(result: ActionResult) -> ActionResult:
    """With the truth as long as what was found."""
    frames = next(iter(result.lengths.values()))
    return replace(result, truth_mm=result.truth_mm[:frames], subjects=result.subjects[:frames])


def _report(
    results: Sequence[ActionResult],
    stage: str,
    protocol: Protocol,
    count: int | None,
    model: ModelFacts,
    data: DataFacts | None,
) -> Report:
    if any(stage in result.errors_mm and stage not in result.found_mm for result in results):
        if count not in (None, 16):
            raise InputError(f"{model.name}: what was measured for 16 joints cannot be said for {count}")
        compared = protocol.joints(H36M_16.joints, 16)
        tallies = _measured(results, stage, protocol)
        if not any(tally.frames for tally in tallies.values()):
            dropped = sum(tally.dropped for tally in tallies.values())
            raise InputError(f"{model.name}: {dropped} frames do not fill a batch of {protocol.batch}")
        return summed(tallies, protocol, compared, model=model, data=data)
    predictions = [
        Prediction(subject, result.action, "", result.found_mm[stage][rows] / 1e3, result.truth_mm[rows] / 1e3)
        for result in results
        for subject, rows in runs(result.subjects)
    ]
    return evaluate(predictions, protocol, joints=H36M_16.joints, count=count, model=model, data=data)


def runs(names: Sequence[str]) -> list[tuple[str, slice]]:
    """Stretches of the same name."""
    starts = [i for i in range(len(names)) if i == 0 or names[i] != names[i - 1]]
    return [(names[a], slice(a, b)) for a, b in zip(starts, [*starts[1:], len(names)], strict=True)]


def _measured(results: Sequence[ActionResult], stage: str, protocol: Protocol) -> dict[Key, Tally]:
    tallies: dict[Key, Tally] = defaultdict(lambda: Tally(16))
    for result in results:
        full = len(result.subjects) // protocol.batch * protocol.batch
        for subject, rows in runs(result.subjects):
            tally = tallies[subject, result.action]
            errors = result.errors_mm[stage][rows]
            kept = errors[: max(0, full - rows.start)]
            tally.sequences += 1
            tally.dropped += len(errors) - len(kept)
            tally.add_measured(kept / 1e3, protocol)
    return tallies
