"""People in pictures, and what a network of pictures finds of them, for ``maquette evaluate``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.evaluate.protocols import PCKH_PROTOCOL
from maquette.evaluate.report import ModelFacts
from maquette.skeletons import MPII_16

if TYPE_CHECKING:
    from maquette.cli.evaluate import Evaluate
    from maquette.datasets.hourglass_settings import HourglassSampleSettings
    from maquette.datasets.picture_people import PicturePeople, PicturePerson
    from maquette.detect.person_crop import Crop
    from maquette.runtime.picture_model import PictureModel

BATCH = 16
"""Crops that go through the network at once."""
H36M, TDHP, ANY = "hourglass-h36m", "hourglass-3dhp", "hourglass-pictures"
OF_PICTURES = (PCKH_PROTOCOL, H36M, TDHP, ANY)
"""Protocols of networks of pictures."""


class Found(NamedTuple):
    """What a network found of some people, in their order."""

    people: "list[PicturePerson]"
    points_px: Float[np.ndarray, "people 16 2"]
    depth_px: Float[np.ndarray, "people 16"] | None
    """Behind the pelvis."""
    side_px: Float[np.ndarray, " people"]
    """Of the crops."""


@dataclass(frozen=True, eq=False)
class Setting:
    """What is evaluated on what."""

    model: "PictureModel"
    facts: ModelFacts
    name: str
    people: "list[PicturePerson]"
    notes: tuple[str, ...]
    """For the report."""


def protocol_of(data: Path) -> str | None:
    """The one that a folder of people in pictures is evaluated under; None for any other data."""
    from maquette.datasets.mannequin_set import is_mannequin
    from maquette.datasets.mpii_set import is_mpii
    from maquette.datasets.picture_table import is_picture_table, open_picture_table

    if is_mpii(data):
        return PCKH_PROTOCOL
    if is_mannequin(data):
        return ANY
    if not is_picture_table(data):
        return None
    name = open_picture_table(data).name
    return H36M if name.startswith("Human3.6M") else TDHP if name.startswith("MPI-INF-3DHP") else ANY


def opened(options: "Evaluate") -> Setting:
    """Network and people that are asked for.

    Raises:
        InputError: options that do not go together, or no such people.
        ModelError: no model, or one of another kind.
    """
    from maquette.runtime.picture_model import PictureModel
    from maquette.runtime.shipped import find_model

    problems = []
    if options.data is None:
        problems.append("no data; give a folder of maquette prepare with --data")
    if options.flip and options.no_flip:
        problems.append("--flip and --no-flip exclude each other")
    if others := options.of_other_models():
        problems.append(f"{', '.join(others)}: of lifters and pose machines; this protocol is of networks of pictures")
    if options.every is not None and options.every < 1:
        problems.append(f"--every {options.every}: expected 1 (each picture) or more")
    if problems or options.data is None:
        raise InputError.from_problems(options.model, problems)
    model = PictureModel(find_model(options.model), threads=options.threads)
    if model.spec.skeleton != MPII_16.name:
        raise InputError(f"{options.model}: gives the joints of '{model.spec.skeleton}', expected {MPII_16.name}")
    people, split = _of_test(options)
    chosen = _asked(options, people)
    spec = model.spec
    facts = ModelFacts(
        name=spec.name,
        sha256=model.sha256,
        file=model.path.name,
        training_data=spec.training_data,
        flip=options.flip,
    )
    notes = [f"split {split}", *getattr(people, "notes", ())]
    if options.every is not None:
        notes.append(f"frames of videos whose number divides by {options.every}")
    notes.append("crops exact" if options.crops == "exact" else f"crops as the published program ({options.crops})")
    return Setting(model, facts, people.name, chosen, tuple(notes))


def _of_test(options: "Evaluate") -> "tuple[PicturePeople, str]":
    """People for testing; of validation where there are none."""
    from maquette.datasets.mpii_set import is_mpii
    from maquette.datasets.picture_sources import open_picture_people
    from maquette.datasets.picture_table import is_picture_table, open_picture_table

    assert options.data is not None
    path, every = options.data, options.every or 1
    if is_mpii(path):
        # Joints of MPII's test pictures are not published.
        return open_picture_people(path, "val", pictures=options.pictures), "val"
    if is_picture_table(path) and not len(open_picture_table(path).people("test")):
        return open_picture_people(path, "val", pictures=options.pictures, every=every), "val"
    return open_picture_people(path, "test", pictures=options.pictures, every=every), "test"


def _asked(options: "Evaluate", people: "PicturePeople") -> "list[PicturePerson]":
    """Of the subjects and actions asked for."""
    everybody = [people.person(i) for i in range(len(people))]
    subjects = dict.fromkeys(person.label.subject for person in everybody)
    actions = dict.fromkeys(person.label.kind for person in everybody)
    problems = []
    if absent := [name for name in options.subjects if name not in subjects]:
        known = ", ".join(filter(None, subjects)) or "no names"
        problems.append(f"no subject {', '.join(absent)}; there are: {known} (--subjects)")
    if absent := [start for start in options.actions if not any(name.startswith(start) for name in actions)]:
        known = ", ".join(filter(None, actions)) or "no names"
        problems.append(f"no action begins with {', '.join(absent)}; there are: {known} (--actions)")
    chosen = [
        person
        for person in everybody
        if (not options.subjects or person.label.subject in options.subjects)
        and (not options.actions or person.label.action.startswith(tuple(options.actions)))
    ]
    if not problems and not chosen:
        problems.append("nobody of these subjects does any of these actions")
    if problems:
        raise InputError.from_problems(str(options.data), problems)
    return chosen


def found_people(options: "Evaluate", setting: Setting, protocol: str) -> Found:
    """The network, run on everybody."""
    from maquette.cli.evaluate import progress_bar
    from maquette.datasets.hourglass_settings import HourglassSampleSettings
    from maquette.detect.crop_joints import read_crops
    from maquette.detect.hourglass import in_picture

    size, people = setting.model.spec.input_size, setting.people
    settings = HourglassSampleSettings(
        input_size=size,
        heatmap_size=setting.model.spec.output_size,
        crop="affine" if options.crops == "exact" else options.crops,
        side_within_picture=options.crops == "opencv",
    )
    points, depths, sides = [], [], []
    text = f"{setting.facts.name} on {setting.name}, protocol {protocol}"
    with progress_bar(text, len(people)) as advance:
        for start in range(0, len(people), BATCH):
            batch = people[start : start + BATCH]
            crops, cuts = zip(*(_crop(person, settings) for person in batch), strict=True)
            seen = in_picture(read_crops(setting.model, np.stack(cuts), flip=options.flip, first=True), crops)
            points.append(seen.points)
            depths.append(seen.depth_px)
            sides += [crop.side_px for crop in crops]
            advance(len(batch))
    known = [depth for depth in depths if depth is not None]
    return Found(people, np.concatenate(points), np.concatenate(known) if known else None, np.array(sides))


def _crop(person: "PicturePerson", settings: "HourglassSampleSettings") -> "tuple[Crop, np.ndarray]":
    from maquette.datasets.hourglass_samples import crop_of, cut
    from maquette.datasets.picture_augment import Geometry

    picture = person.picture()
    crop = crop_of(person, settings, Geometry(), picture.shape[:2])
    return crop, cut(picture, crop, person, settings)
