"""Recordings and views of a store that subjects, actions and a 2D source choose."""

from collections.abc import Sequence

from maquette.datasets.store import PoseStore, Recording, View
from maquette.errors import InputError


def recordings_of(store: PoseStore, subjects: Sequence[str], actions: Sequence[str] | None = None) -> list[Recording]:
    """Recordings of ``subjects`` in the order asked for; of ``actions`` by their whole names without the number of the
    take ("Sitting" is not "SittingDown")."""
    wanted = [r for subject in dict.fromkeys(subjects) for r in store.recordings if r.subject == subject]
    return [r for r in wanted if actions is None or r.kind in actions]


def views_of(
    store: PoseStore,
    *,
    source: str,
    subjects: Sequence[str],
    actions: Sequence[str] | None = None,
    also_wrong: Sequence[str] = (),
) -> list[tuple[Recording, View]]:
    """Views of these recordings that have points of ``source``, with as many frames of 2D as of 3D or more.

    Args:
        also_wrong: problems already found in the store, told with those found here.

    Raises:
        InputError: no such source, subject or action; a view with too few frames of 2D; all of it at once.
    """
    problems = list(also_wrong)
    if source not in store.sources:
        problems.append(f"no 2D points of '{source}'; there are: {', '.join(store.sources) or 'none'}")
    have = ", ".join(store.subjects)
    problems += [f"no subject '{name}'; there are: {have}" for name in subjects if name not in store.subjects]
    kinds = list(dict.fromkeys(recording.kind for recording in recordings_of(store, subjects)))
    problems += [
        f"no action '{name}' of these subjects; there are: {', '.join(kinds)}"
        for name in actions or ()
        if name not in kinds
    ]
    if not problems:
        found = [(r, v) for r in recordings_of(store, subjects, actions) for v in r.views if source in v.rows]
        problems += [
            f"{recording}, camera {view.camera_name}: {view.rows[source][1]} frames of 2D for {recording.frames} of "
            "motion capture; expected as many or more"
            for recording, view in found
            if view.rows[source][1] < recording.frames
        ]
        if not found:
            problems.append(f"no recording of these subjects has 2D points of '{source}'")
        if not problems:
            return found
    raise InputError.from_problems(str(store.path), problems)
