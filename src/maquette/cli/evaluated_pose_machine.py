"""``maquette evaluate`` for the 3D pose machine: files that its program wrote, or its network, refined or not."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maquette.cli.pose_machine_found import Arrays, Found, find_poses
from maquette.cli.pose_machine_truth import ListTruth, Truth, open_truth
from maquette.cli.pose_machine_written import check_folder, write_poses
from maquette.cli.refined_stages import refinement_of
from maquette.errors import InputError
from maquette.evaluate.pose_machine import BATCH, ActionResult, evaluate_stages, limb_lengths_note
from maquette.evaluate.pose_machine_report import StagedReport
from maquette.evaluate.protocols import H36M_ACTIONS, deviations, find_protocol
from maquette.evaluate.report import DataFacts
from maquette.skeletons import H36M_16

if TYPE_CHECKING:
    from maquette.cli.evaluate import Evaluate
    from maquette.cli.refined_stages import Refinement

PROTOCOL, PROTOCOL_III = "pose-machine", "pose-machine-p3"
_AGREE_MM = 0.05
"""Published files have 6 digits."""
_ROUNDING_MM = 0.5


def evaluated(options: "Evaluate") -> StagedReport:
    """What ``maquette evaluate`` was asked for, under a protocol of the pose machine.

    Raises:
        InputError: options that do not go together, files that are missing or wrong; all that is seen at once.
        ModelError: no model, or one of another kind.
    """
    protocol = find_protocol(options.protocol or PROTOCOL)
    if protocol.name not in (PROTOCOL, PROTOCOL_III):
        raise InputError(
            f"{options.model}: is a folder, so of results of the pose machine; its protocols are {PROTOCOL} and "
            f"{PROTOCOL_III}, not '{protocol.name}'"
        )
    _check(options)
    truth = open_truth(options, 3 if protocol.name == PROTOCOL_III else 1)
    found = find_poses(options, truth)
    refinement = refinement_of(options, truth.source, found.limits)
    actions = _asked(options, found.actions(truth), truth)
    results, notes = _results(options, found, truth, refinement, actions)
    told, others = _renamed(results, actions)
    named = [result.action for result in told]
    subjects = list(dict.fromkeys(name for result in results for name in result.subjects if name))
    data = DataFacts(
        name=truth.name,
        skeleton=H36M_16.name,
        source=truth.source if found.uses_points else "",
        subjects=subjects,
        actions=named,
        notes=[
            *notes,
            *others,
            *_disagreements(told),
            *([limb_lengths_note(told)] if isinstance(truth, ListTruth) else []),
            *deviations(protocol, subjects or protocol.subjects, named, flip=False),
        ],
    )
    report = evaluate_stages(
        told,
        protocol,
        truth=truth.truth_words,
        published_truncation=options.published_truncation,
        count=options.joints,
        model=found.facts,
        data=data,
        refinement=refinement.facts if refinement else None,
    )
    if options.write_results is not None:
        kept = BATCH if options.published_truncation else 1
        files = write_poses(options.write_results, actions, results, found.limits, kept=kept)
        sys.stderr.write(f"wrote {len(files)} files of poses into {options.write_results}\n")
    return report


def _check(options: "Evaluate") -> None:
    problems = []
    if options.data is None:
        problems.append("no truth; give the folder of the published lists, or a store, with --data")
    if options.flip or options.no_flip:
        problems.append("--flip and --no-flip: the pose machine has no mirrored input")
    given = [
        f"--{name.replace('_', '-')}"
        for name in ("correction", "refine_source", "updates", "learning_rate", "optimiser_state")
        if getattr(options, name) is not None
    ]
    if given and options.refine is None:
        problems.append(f"{', '.join(given)}: of --refine self-supervised, which is not given")
    if Path(options.model).is_dir():
        of_models = ("sequences", "pictures", "pictures_prefix", "picture_names", "source")
        given = [f"--{name.replace('_', '-')}" for name in of_models if getattr(options, name)]
        if given:
            problems.append(f"{', '.join(given)}: of a network; here are results that somebody has written")
    if problems:
        raise InputError.from_problems(options.model, problems)
    if options.write_results is not None:
        check_folder(options.write_results, options.model)


def _asked(options: "Evaluate", found: Sequence[str], truth: Truth) -> list[str]:
    """Actions that are evaluated: those asked for, else all that have results.

    Raises:
        InputError: actions that are not there, or without a truth; all of them.
    """
    problems = []
    wrong = [prefix for prefix in options.actions if not any(name.startswith(prefix) for name in found)]
    if wrong:
        problems.append(f"no action begins with {', '.join(wrong)}; there are: {', '.join(found)} (--actions)")
    asked = [name for name in found if not options.actions or name.startswith(options.actions)]
    lacking = [name for name in asked if name not in truth.actions]
    if lacking:
        known = ", ".join(truth.actions) or "none"
        problems.append(f"no truth of {', '.join(lacking)} in {truth.where}; it is there of {known}")
    if not asked and not problems:
        problems.append(f"no truth for this protocol in {truth.where}")
    if problems:
        raise InputError.from_problems(options.model, problems)
    return asked


def _results(
    options: "Evaluate", found: Found, truth: Truth, refinement: "Refinement | None", actions: Sequence[str]
) -> tuple[list[ActionResult], list[str]]:
    """Of every action, and notes for the report."""
    from maquette.cli.evaluate import progress_bar

    problems: list[str] = []
    results: list[ActionResult] = []
    notes: list[str] = []
    text = f"{found.facts.name} on {truth.where}, protocol {options.protocol or PROTOCOL}"
    with progress_bar(text, len(actions)) as advance:
        for action in actions:
            try:
                rows = truth.rows(action)
                poses, errors = found.poses(action, rows, truth)
                if refinement:
                    poses, errors = _with_refined(action, poses, truth, refinement, notes), {}
            except InputError as error:
                problems.append(str(error))
                continue
            finally:
                advance(1)
            name, subjects = truth.told(rows, action)
            notes += rows.notes
            results.append(ActionResult(name, subjects, rows.targets_mm(), poses, errors))
    if problems:
        raise InputError.from_problems(f"{options.model} on {truth.where}", list(dict.fromkeys(problems)))
    return results, list(dict.fromkeys(notes))


def _with_refined(action: str, poses: Arrays, truth: Truth, refinement: "Refinement", notes: list[str]) -> Arrays:
    if "coarse" not in poses:
        raise InputError(f"{action}: there are no coarse poses to refine")
    points, visible = truth.points(action, refinement.facts.source)
    corrected, refined = refinement.refined(action, poses["coarse"], points, visible)
    known = poses.get("corrected")
    if known is not None and known.shape == corrected.shape and np.abs(known - corrected).max() > _ROUNDING_MM:
        notes.append(f"the weights '{refinement.facts.correction}' are not those that the corrected poses came from")
    return {**poses, "corrected": corrected if known is None else known, "refined": refined}


def _renamed(results: list[ActionResult], numbered: Sequence[str]) -> tuple[list[ActionResult], list[str]]:
    """Under the names that the pictures tell, unless two actions would have the same."""
    told: Sequence[str] = [result.action for result in results]
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
