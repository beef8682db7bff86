"""``maquette evaluate`` for the 3D pose machine: files that its program wrote, or its network, refined or not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float

from maquette.cli.options import progress
from maquette.errors import InputError
from maquette.evaluate.pose_machine import ActionResult, evaluate_stages, limb_lengths_note
from maquette.evaluate.pose_machine_report import RefinementFacts, StagedReport
from maquette.evaluate.protocols import H36M_ACTIONS, Protocol, deviations, find_protocol
from maquette.evaluate.report import DataFacts, ModelFacts
from maquette.skeletons import H36M_16

if TYPE_CHECKING:
    from maquette.cli.evaluate import Evaluate
    from maquette.datasets.pose_machine_rows import PoseMachineRows
    from maquette.datasets.pose_machine_tree import ListProtocol, PointsFrom, PublishedTree
    from maquette.refine.correction_weights import CorrectionWeights

PROTOCOL, PROTOCOL_III = "pose-machine", "pose-machine-p3"
LISTS = "published lists of the pose machine"
_AS_LISTED = "as the lists give it"
_POINTS = ("ours", "hourglass", "gt")
_AGREE_MM = 0.05
"""Published files have 6 digits."""


@dataclass(frozen=True, eq=False)
class Refinement:
    """How the third column is made."""

    weights: "CorrectionWeights"
    facts: RefinementFacts

    def refined(
        self,
        action: str,
        coarse_mm: Float[np.ndarray, "frames 16 3"],
        points: Float[np.ndarray, "seen 16 2"],
        visible: Bool[np.ndarray, "seen 16"],
    ) -> tuple[Float[np.ndarray, "frames 16 3"], Float[np.ndarray, "frames 16 3"]]:
        """Corrected and refined poses of one action, millimetres.

        Raises:
            InputError: fewer frames of 2D than of poses.
        """
        from maquette.refine.correction_batched import refine_frames
        from maquette.refine.correction_loss import PUBLISHED_LOSS
        from maquette.refine.correction_published import refine_in_order

        if len(points) < len(coarse_mm):
            raise InputError(
                f"{action}: {len(points)} frames of 2D '{self.facts.source}' for {len(coarse_mm)} of poses; expected "
                "as many or more"
            )
        limits, frames = self.weights.spec.limits, len(coarse_mm)
        poses = limits.normalise(coarse_mm).reshape(frames, 48)
        pictures = np.asarray(points[:frames], dtype=np.float64).reshape(frames, 32)
        seen = visible[:frames]
        settings: dict[str, Any] = {
            "weight": None if seen.all() else seen.astype(np.float64),
            "n_steps": self.facts.updates,
            "learning_rate": self.facts.learning_rate,
            "loss": PUBLISHED_LOSS,
            "batch_norm_scale": self.facts.batch_norm_scale,
        }
        if self.facts.optimiser_state == "carry":
            found = refine_in_order(self.weights, poses, pictures, optimiser_state="carry", **settings)
        else:
            found = refine_frames(self.weights, poses, pictures, final_loss=False, **settings)
        first, last = (
            limits.unnormalise(poses.reshape(frames, 16, 3)) for poses in (found.poses[:, 0], found.chosen())
        )
        return first, last


def evaluated(options: "Evaluate") -> StagedReport:
    """What ``maquette evaluate`` was asked for, under a protocol of the pose machine.

    Raises:
        InputError: options that do not go together, files that are missing or wrong; all that is seen at once.
    """
    protocol = find_protocol(options.protocol or PROTOCOL)
    if protocol.name not in (PROTOCOL, PROTOCOL_III):
        raise InputError(
            f"{options.model}: is a folder, so of results of the pose machine; its protocols are {PROTOCOL} and "
            f"{PROTOCOL_III}, not '{protocol.name}'"
        )
    _check(options)
    assert options.data is not None
    number = 3 if protocol.name == PROTOCOL_III else 1
    return _of_files(options, protocol, number)


def _check(options: "Evaluate") -> None:
    problems = []
    if options.data is None:
        problems.append("no truth; give the folder of the published lists with --data")
    if options.flip or options.no_flip:
        problems.append("--flip and --no-flip: the pose machine has no mirrored input")
    if options.subjects:
        problems.append("--subjects: the lists hold those of the protocol")
    given = [
        f"--{name.replace('_', '-')}"
        for name in ("correction", "refine_source", "updates", "learning_rate", "optimiser_state")
        if getattr(options, name) is not None
    ]
    if given and options.refine is None:
        problems.append(f"{', '.join(given)}: of --refine self-supervised, which is not given")
    if options.refine is not None and options.correction is None:
        problems.append("--refine self-supervised: of which weights? give those of the pose machine with --correction")
    if problems:
        raise InputError.from_problems(options.model, problems)


def _of_files(options: "Evaluate", protocol: Protocol, number: "ListProtocol") -> StagedReport:
    """Results that the published program has written."""
    from maquette.datasets.pose_machine_outputs import find_results
    from maquette.datasets.pose_machine_tree import open_tree

    assert options.data is not None
    folder = Path(options.model)
    tree = open_tree(options.data, limits=_limits(options.data))
    files = find_results(folder)
    actions = _asked(options, tree, number, list(files), folder)
    refinement = _refinement(options, tree)
    problems: list[str] = []
    results = []
    with progress(f"{folder} on {options.data}, protocol {protocol.name}"):
        for action in actions:
            try:
                poses, errors = files[action].poses_mm(tree.limits), files[action].errors_mm()
                truth = tree.truth(action, number)
                if refinement:
                    if "coarse" not in poses:
                        raise InputError(f"{action}: no coarse poses to refine in {folder}")
                    points, visible = tree.points(action, _source(refinement.facts.source), number)
                    poses["corrected"], poses["refined"] = refinement.refined(action, poses["coarse"], points, visible)
                    errors = {}
            except InputError as error:
                problems.append(str(error))
                continue
            name, subjects = _told_by_pictures(truth, action)
            results.append(ActionResult(name, subjects, truth.targets_mm(), poses, errors))
    if problems:
        raise InputError.from_problems(f"{folder} on {options.data}", list(dict.fromkeys(problems)))
    results, notes = _renamed(results, actions)
    notes += _disagreements(results)
    actions = [result.action for result in results]
    subjects = list(dict.fromkeys(name for result in results for name in result.subjects if name))
    data = DataFacts(
        name=LISTS,
        skeleton=H36M_16.name,
        subjects=subjects,
        actions=actions,
        notes=[*notes, limb_lengths_note(results), *_deviations(protocol, subjects, actions)],
    )
    return evaluate_stages(
        results,
        protocol,
        truth=_AS_LISTED,
        published_truncation=options.published_truncation,
        count=options.joints,
        model=ModelFacts(name=folder.resolve().name, file=str(folder)),
        data=data,
        refinement=refinement.facts if refinement else None,
    )


def _limits(data: Path):
    """Those that lie beside the lists, or the published ones."""
    from maquette.datasets.pose_machine_results import read_min_max
    from maquette.lifting.min_max import PUBLISHED_16

    path = data / "16point_mean_limb_scaled_max_min.csv"
    return read_min_max(path) if path.is_file() else PUBLISHED_16


def _asked(
    options: "Evaluate", tree: "PublishedTree", number: "ListProtocol", found: Sequence[str], folder: Path
) -> list[str]:
    """Actions that are evaluated: those asked for, else all that have results.

    Raises:
        InputError: actions that are not there, or without a truth; all of them.
    """
    known = tree.actions(number)
    problems = []
    wrong = [prefix for prefix in options.actions if not any(name.startswith(prefix) for name in found)]
    if wrong:
        problems.append(f"{folder} has no action that begins with {', '.join(wrong)}; it has: {', '.join(found)}")
    asked = [name for name in found if not options.actions or name.startswith(options.actions)]
    lacking = [name for name in asked if name not in known]
    if lacking:
        part = "gt/test_p3" if number == 3 else "gt/test"
        problems.append(
            f"no truth of {', '.join(lacking)} in {tree.root / part}; it is there of {', '.join(known) or 'none'}"
        )
    if problems:
        raise InputError.from_problems(options.model, problems)
    return asked


def _refinement(options: "Evaluate", tree: "PublishedTree") -> Refinement | None:
    if options.refine is None:
        return None
    from maquette.refine.correction_published import LEARNING_RATE
    from maquette.refine.correction_weights import load_correction

    weights = load_correction(options.correction)
    problems = []
    if weights.spec.view != "square-crop/v1":
        problems.append(
            f"the weights '{weights.spec.name}' see '{weights.spec.view}', the published lists are of "
            "'square-crop/v1'; import those of the pose machine (maquette import-weights pose-machine-correction)"
        )
    elif not np.allclose(weights.spec.limits.max_mm, tree.limits.max_mm, atol=0.01) or not np.allclose(
        weights.spec.limits.min_mm, tree.limits.min_mm, atol=0.01
    ):
        problems.append(f"the weights '{weights.spec.name}' have other limits of the 3D than {tree.root}")
    source = options.refine_source or "ours"
    if source not in _POINTS:
        problems.append(f"--refine-source {source}: expected {', '.join(_POINTS)}")
    updates = 1 if options.updates is None else options.updates
    if updates < 1:
        problems.append(f"--updates {updates}: expected 1 or more")
    if problems:
        raise InputError.from_problems("--refine self-supervised", problems)
    facts = RefinementFacts(
        correction=weights.spec.name,
        sha256=weights.sha256 or "",
        source=source,
        updates=updates,
        learning_rate=LEARNING_RATE if options.learning_rate is None else options.learning_rate,
        optimiser_state=options.optimiser_state or "reset",
        batch_norm_scale=weights.spec.batch_norm_scale,
    )
    return Refinement(weights, facts)


def _source(name: str) -> "PointsFrom":
    known: dict[str, PointsFrom] = {"ours": "ours", "hourglass": "hourglass", "gt": "gt"}
    return known[name]


def _told_by_pictures(rows: "PoseMachineRows", action: str) -> tuple[str, tuple[str, ...]]:
    """The action as the pictures' names tell it if all tell the same one, else ``action``; the subject of each row, ""
    where it is not told."""
    from maquette.evaluate.pose_machine_names import action_in, subject_in

    if rows.pictures is None:
        return action, ("",) * len(rows)
    names = [rows.pictures[i] for i in range(len(rows))]
    told = {action_in(name) for name in names}
    return (told.pop() or action) if len(told) == 1 else action, tuple(subject_in(name) for name in names)


def _renamed(results: list[ActionResult], numbered: list[str]) -> tuple[list[ActionResult], list[str]]:
    """Under the names that the pictures tell, unless two actions would have the same."""
    told = [result.action for result in results]
    if len(set(told)) < len(told):
        told = numbered
    results = [replace(result, action=name) for result, name in zip(results, told, strict=True)]
    others = [f"{H36M_ACTIONS.index(a) + 1} is {b}" for a, b in zip(numbered, told, strict=True) if a != b]
    notes = [f"files are counted in another order than that of the tables, by their pictures: {', '.join(others)}"]
    return results, notes if others else []


def _disagreements(results: Sequence[ActionResult]) -> list[str]:
    """Where the program wrote errors beside poses, both should say the same."""
    notes = []
    for result in results:
        for stage, errors in result.errors_mm.items():
            poses = result.found_mm.get(stage)
            frames = min(len(errors), len(result.truth_mm), len(poses) if poses is not None else 0)
            if not frames or poses is None:
                continue
            ours = np.linalg.norm(poses[:frames] - result.truth_mm[:frames], axis=-1).mean(axis=1)
            if (worst := float(np.abs(ours - errors[:frames]).max())) > _AGREE_MM:
                notes.append(
                    f"{result.action}, {stage}: the errors that were written beside the poses differ by up to "
                    f"{worst:.2f} mm from those measured: they are of another truth?"
                )
    return notes


def _deviations(protocol: Protocol, subjects: list[str], actions: list[str]) -> list[str]:
    named = subjects or list(protocol.subjects)
    return deviations(protocol, named, actions, flip=False)
