"""Lifting the tracks of every condition with every model, and measuring."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from maquette.datasets.mocap import clips_of_split, load_clips
from maquette.errors import InputError, ModelError
from maquette.evaluate.metrics import mpjpe, pa_mpjpe
from maquette.geometry.camera import assumed_focal_px
from maquette.lifter_benchmark.grid import CONDITIONS, Condition, same_films
from maquette.lifter_benchmark.report import Cell, Entry, Report
from maquette.lifter_benchmark.tracks import IMAGE_SIZE, Track, cut, film
from maquette.lifting.lifter import BATCH, Lifter
from maquette.lifting.normalize import mirror_features, mirror_positions, normalise_windows, positions_in_camera
from maquette.lifting.published import output_joints
from maquette.lifting.published_input import lift_landmarks
from maquette.lifting.windows import gather_windows, window_samples
from maquette.skeletons import H36M_17, get_skeleton

SEED = 20_261
CMU, HDM05 = "cmu test", "hdm05"
_CENTRE_PX = (IMAGE_SIZE[0] / 2, IMAGE_SIZE[1] / 2)
Vectors = Float[np.ndarray, "_ 25 3"]


@dataclass(frozen=True)
class TestSet:
    """Pieces of recordings whose people are equally important, whatever their number of frames."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    name: str
    people: tuple[tuple[Vectors, ...], ...]


def test_sets(data: str | Path, tracks: int) -> list[TestSet]:
    """CMU's test subjects, and HDM05 (another rig, other people) where its folder is there, ``tracks`` of each set.

    Raises:
        InputError: ``data`` has no store of CMU's recordings, or fewer tracks are asked for than there are subjects.
    """
    data = Path(data)
    clips = clips_of_split(load_clips(data / "cmu"), "test")
    subjects = sorted({clip.subject for clip in clips})
    if tracks < len(subjects):
        raise InputError(f"{tracks} tracks: expected at least {len(subjects)}, one for each test subject")
    by_subject = tuple(
        tuple(cut([clip for clip in clips if clip.subject == subject], tracks // len(subjects))) for subject in subjects
    )
    sets = [TestSet(CMU, by_subject)]
    if (data / "hdm05").is_dir():
        sets.append(TestSet(HDM05, (tuple(cut(load_clips(data / "hdm05"), tracks)),)))
    return sets


test_sets.__test__ = False


def open_lifters(models: Sequence[str | Path], *, flip: bool = True, threads: int = 0) -> dict[str, Lifter]:
    """Name -> lifter, in the order given.

    Args:
        models: names or files. ``LABEL=FILE`` gives it another name than its own; files of one name are told apart by
            a number.
        flip: average with the mirrored result for the mirrored input.
        threads: of onnxruntime; 0: one for each core.

    Raises:
        ModelError: models that cannot be opened or do not give Human3.6M's joints, all of them named at once.
    """
    lifters: dict[str, Lifter] = {}
    problems = []
    for model in models:
        label, path = _labelled(model)
        try:
            lifter = Lifter(path, flip=flip, threads=threads)
        except ModelError as error:
            problems.append(str(error))
            continue
        lacking = [name for name in H36M_17.joints if name not in get_skeleton(lifter.spec.output_skeleton)]
        if lacking:
            problems.append(
                f"{path}: gives {lifter.spec.output_skeleton}, without {', '.join(lacking)}; the benchmark compares "
                f"the joints of {H36M_17.name}"
            )
        base = label or lifter.spec.name
        numbers = (f"{base} ({i})" for i in range(2, len(models) + 2))
        lifters[base if base not in lifters else next(n for n in numbers if n not in lifters)] = lifter
    if problems:
        raise ModelError("\n".join(problems))
    return lifters


def _labelled(model: str | Path) -> tuple[str, str | Path]:
    """``LABEL=FILE`` as its parts; a file whose name has an equals sign in it is a file."""
    label, equals, path = str(model).partition("=")
    return (label, path) if equals and label and path and not Path(model).exists() else ("", model)


def benchmark(
    lifters: dict[str, Lifter],
    sets: Sequence[TestSet],
    *,
    conditions: Sequence[Condition] = CONDITIONS,
    seed: int = SEED,
    report_progress: Callable[[float], None] = lambda share: None,
) -> Report:
    """Every model under every condition on every set; ``report_progress`` is told the share that is done."""
    known: dict[tuple, Cell] = {}
    cells = []
    for number, condition in enumerate(conditions):
        for index, test_set in enumerate(sets):
            if (same_films(condition), index) not in {key[:2] for key in known}:
                films = [
                    [film(piece, condition, (seed, index, who, i)) for i, piece in enumerate(pieces)]
                    for who, pieces in enumerate(test_set.people)
                ]
                for name, lifter in lifters.items():
                    known[same_films(condition), index, name] = _cell(lifter, films, condition)
            cells += [(condition, test_set.name, name, known[same_films(condition), index, name]) for name in lifters]
        report_progress((number + 1) / len(conditions))
    entries = [_entry(name, lifter) for name, lifter in lifters.items()]
    return Report(
        seed=seed,
        tracks={s.name: sum(len(pieces) for pieces in s.people) for s in sets},
        flip=all(lifter.flip for lifter in lifters.values()),
        models=entries,
        rows=[(condition.axis, condition.label, set_name, name, cell) for condition, set_name, name, cell in cells],
    )


def _entry(name: str, lifter: Lifter) -> Entry:
    spec = lifter.spec
    return Entry(
        name=name,
        sha256=lifter.model.sha256,
        parameters=spec.parameters,
        samples_seen=spec.samples_seen,
        window_s=(spec.window_frames - 1) * spec.window_step_s,
        normalisation=spec.normalisation,
        training_data=spec.training_data,
        joints=len(_compared(lifter)),
    )


def _cell(lifter: Lifter, films: list[list[Track]], condition: Condition) -> Cell:
    """Mean over the poses of each person's tracks, then over people."""
    joints = _compared(lifter)
    if condition.focal_told and lifter.published:
        return Cell(why_not="does not read a focal length")
    sums = []
    poses = 0
    for tracks in films:
        try:
            found = _lift_published(lifter, tracks) if lifter.published else _lift(lifter, tracks, condition)
        except InputError as error:
            return Cell(why_not=str(error))
        target = np.concatenate([track.targets_m for track in tracks])[:, joints]
        found = found[:, joints]
        sums.append([1000 * float(metric(found, target).mean()) for metric in (mpjpe, pa_mpjpe)])
        poses += len(target)
    first, second = np.mean(sums, axis=0)
    return Cell(mpjpe_mm=round(float(first), 2), pa_mpjpe_mm=round(float(second), 2), poses=poses)


def _compared(lifter: Lifter) -> list[int]:
    """Joints of Human3.6M-17 that the model gives; its root counts even where the network leaves it out."""
    given = {*output_joints(lifter.spec), H36M_17.joints[0]}
    return [i for i, name in enumerate(H36M_17.joints) if name in given]


def _lift(lifter: Lifter, tracks: list[Track], condition: Condition) -> Float[np.ndarray, "poses 17 3"]:
    """As :meth:`Lifter.lift_arrays` does it, with the windows of all tracks in common batches."""
    spec = lifter.spec
    points, observed, focal = [], [], []
    for track in tracks:
        samples = window_samples(track.times_s, track.instants, spec.window_frames, spec.window_step_s)
        windows, seen = gather_windows(track.points_px * track.observed[..., None], track.observed, samples)
        points.append(windows)
        observed.append(seen)
        focal_px = track.focal_px if condition.focal_told else assumed_focal_px(IMAGE_SIZE)
        focal.append(np.full((len(windows), 2), focal_px, dtype=np.float32))
    seen = normalise_windows(np.concatenate(points), np.concatenate(observed), np.concatenate(focal), _CENTRE_PX)
    found = lifter.model.run(seen.features, batch=BATCH)
    if lifter.flip:
        found = (found + mirror_positions(lifter.model.run(mirror_features(seen.features), batch=BATCH))) / 2
    return positions_in_camera(found - found[:, :1], seen.R_canonical_camera)[:, : len(H36M_17)]


def _lift_published(lifter: Lifter, tracks: list[Track]) -> Float[np.ndarray, "poses 17 3"]:
    """Whole tracks, of which the instants are taken; joints on Human3.6M-17, NaN where the model gives none."""
    order = get_skeleton(lifter.spec.output_skeleton).indices(H36M_17.joints)
    found = []
    for track in tracks:
        positions, _ = lift_landmarks(
            lifter.model, track.points_px, track.observed, track.times_s, IMAGE_SIZE, flip=lifter.flip
        )
        found.append(positions[track.instants][:, order])
    return np.concatenate(found)
