"""``maquette evaluate`` for networks of pictures: what they find in pictures, measured in 3D or in the picture."""

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from jaxtyping import Float

from maquette.cli.people_found import ANY, H36M, TDHP, Found, Setting, found_people, opened
from maquette.errors import InputError
from maquette.evaluate.hourglass import constant_skeleton, heatmap_accuracy, true_length_skeleton, with_torso
from maquette.evaluate.pckh import pckh
from maquette.evaluate.pckh_report import PckhReport, pckh_report
from maquette.evaluate.protocols import H36M_ACTIONS, PCKH_PROTOCOL, Protocol
from maquette.evaluate.report import DataFacts, Report
from maquette.evaluate.results import Prediction, evaluate
from maquette.lifting.weak_perspective import skeleton_lengths
from maquette.skeletons import MPII_16

if TYPE_CHECKING:
    from maquette.cli.evaluate import Evaluate
    from maquette.datasets.picture_people import PicturePerson

_PELVIS = MPII_16.index("pelvis")


def evaluated_in_space(options: "Evaluate", protocol: Protocol) -> Report:
    """The report under one of the protocols in 3D.

    Raises:
        InputError: options that do not go together, or data without 3D.
        ModelError: no model, or one of another kind.
    """
    setting = opened(options)
    if setting.model.spec.depth == "none":
        raise InputError(f"{options.model}: finds joints in the picture only; its protocol is {PCKH_PROTOCOL}")
    flat = sum(person.camera_mm is None for person in setting.people)
    if flat:
        raise InputError(
            f"{options.data}: {flat} of {len(setting.people)} people have no 3D; their protocol is {PCKH_PROTOCOL}"
        )
    found = found_people(options, setting, protocol.name)
    targets_mm = np.stack([np.asarray(person.camera_mm) for person in found.people])
    poses_mm, scale = _in_millimetres(options, setting, protocol, found, targets_mm)
    notes = [scale, _accuracy(found), *setting.notes]
    if protocol.name == ANY:
        # Of the published data it is the spine that stands in the thorax's place, so there the truth is not moved.
        targets_mm = with_torso(targets_mm)
    actions = list(dict.fromkeys(person.label.kind for person in found.people))
    if protocol.name == H36M and (known := len(set(actions) & set(H36M_ACTIONS))) < len(H36M_ACTIONS):
        notes.append(f"{known} of the {len(H36M_ACTIONS)} actions that published averages are made of")
    facts = DataFacts(
        name=setting.name,
        skeleton=MPII_16.name,
        subjects=[name for name in dict.fromkeys(person.label.subject for person in found.people) if name],
        actions=[name for name in actions if name],
        notes=notes,
    )
    report = evaluate(
        _sequences(found.people, poses_mm, targets_mm),
        protocol,
        joints=MPII_16.joints,
        root="pelvis",
        count=options.joints,
        model=setting.facts,
        data=facts,
    )
    return _with_mean_of_actions(report)


def _with_mean_of_actions(report: Report) -> Report:
    """With a note on the average that other papers would quote: all actions alike."""
    values = [value for row in report.of("action") if (value := row.metrics["mpjpe"]) is not None]
    if len(values) < 2:
        return report
    note = f"MPJPE with all {len(values)} actions alike: {np.mean(values):.2f} mm"
    data = msgspec.structs.replace(report.data, notes=[*report.data.notes, note])
    return msgspec.structs.replace(report, data=data)


def evaluated_in_picture(options: "Evaluate") -> PckhReport:
    """PCKh.

    Raises:
        InputError: options that do not go together, or people whose heads have no size.
        ModelError: no model, or one of another kind.
    """
    setting = opened(options)
    if options.joints is not None:
        raise InputError("--joints: PCKh is of all joints that are annotated")
    found = found_people(options, setting, PCKH_PROTOCOL)
    sized = np.array([person.head_px > 0 for person in found.people])
    if not sized.any():
        raise InputError(
            f"{options.data}: the size of nobody's head is known, which PCKh is measured by; prepare MPII from its "
            "release (.mat) or from mpii_annotations.json"
        )
    notes = list(setting.notes)
    if not sized.all():
        notes.append(f"people whose head has no size, left out: {int((~sized).sum())} of {len(sized)}")
    targets = np.stack([person.points_px for person in found.people])[sized]
    head_px = np.array([person.head_px for person in found.people])[sized]
    scores = pckh(found.points_px[sized], targets, head_px)
    data = DataFacts(name=setting.name, skeleton=MPII_16.name, notes=notes)
    return pckh_report(scores, int(sized.sum()), setting.facts, data)


def _in_millimetres(
    options: "Evaluate",
    setting: Setting,
    protocol: Protocol,
    found: Found,
    targets_mm: Float[np.ndarray, "people 16 3"],
) -> tuple[Float[np.ndarray, "people 16 3"], str]:
    """Poses relative to the pelvis, and a note on their scale."""
    assert found.depth_px is not None
    points = np.concatenate([found.points_px, found.depth_px[..., None]], axis=-1)
    if protocol.name == TDHP:
        if options.skeleton_length is not None:
            raise InputError(f"--skeleton-length: protocol {TDHP} takes the true length of each skeleton")
        return true_length_skeleton(points, targets_mm), "the scale of each pose is the true one"
    length_mm, source = _length(options, setting)
    note = f"the 14 bones of each skeleton are {length_mm:.1f} mm long in all ({source}); true: " + ", ".join(
        f"{name} {mm:.0f}" for name, mm in _true_lengths(found.people, targets_mm).items()
    )
    return constant_skeleton(points, length_mm), note


def _length(options: "Evaluate", setting: Setting) -> tuple[float, str]:
    """Of the 14 bones together, in mm, and where it comes from."""
    asked = options.skeleton_length
    if asked is None:
        return setting.model.spec.skeleton_length_mm, "as the model file says"
    if asked == "fit":
        from maquette.datasets.picture_sources import open_picture_people

        assert options.data is not None
        train = open_picture_people(options.data, "train", pictures=options.pictures)
        known = [mm for i in range(len(train)) if (mm := train.person(i).camera_mm) is not None]
        if not known:
            raise InputError(f"--skeleton-length fit: nobody in the training split of {options.data} has 3D")
        return float(np.nanmean(skeleton_lengths(np.stack(known)))), f"mean of {len(known)} people of the training"
    try:
        length_mm = float(asked)
    except ValueError:
        length_mm = float("nan")
    if not 500 <= length_mm <= 10_000:
        raise InputError(f"--skeleton-length {asked}: expected millimetres, about 4300, or fit")
    return length_mm, "given"


def _true_lengths(people: "list[PicturePerson]", targets_mm: Float[np.ndarray, "people 16 3"]) -> dict[str, float]:
    """Mean of each subject, mm."""
    lengths = skeleton_lengths(targets_mm)
    subjects = np.array([person.label.subject or "mean" for person in people])
    return {str(name): float(np.nanmean(lengths[subjects == name])) for name in dict.fromkeys(subjects.tolist())}


def _accuracy(found: Found) -> str:
    """The number that trainings print, as a note."""
    targets = np.stack([person.points_px for person in found.people])
    counted = np.asarray(np.isfinite(targets).all(axis=-1))
    # In sides of the crop, which is what a heatmap shows.
    apart = (found.points_px - np.where(counted[..., None], targets, 0)) / found.side_px[:, None, None]
    accuracy = heatmap_accuracy(apart, np.zeros_like(apart), counted, side=1)
    return f"in the picture: {100 * accuracy.mean:.2f} % of ten joints within 5 % of the crop's side"


def _sequences(
    people: "list[PicturePerson]",
    poses_mm: Float[np.ndarray, "people 16 3"],
    targets_mm: Float[np.ndarray, "people 16 3"],
) -> Iterator[Prediction]:
    """Stretches of the same subject, action and camera."""
    for label, group in groupby(range(len(people)), key=lambda i: people[i].label):
        rows = list(group)
        truth = targets_mm[rows] / 1000
        yield Prediction(label.subject, label.action, label.camera, poses_mm[rows] / 1000, truth - truth[:, [_PELVIS]])
