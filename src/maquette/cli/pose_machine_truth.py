"""What a 3D pose machine is tested on: the published lists, or a store, action by action."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.evaluate.pose_machine_names import action_in, subject_in

if TYPE_CHECKING:
    from maquette.cli.evaluate import Evaluate
    from maquette.datasets.pose_machine_rows import PoseMachineRows
    from maquette.datasets.pose_machine_tree import ListProtocol, PointsFrom, PublishedTree
    from maquette.datasets.store import PoseStore
    from maquette.lifting.min_max import MinMax

LISTS = "published lists of the pose machine"
LIST_SOURCES = ("ours", "hourglass", "gt")
FRAME_S = 0.1
"""Between the frames of the published lists."""
SCALED = "scaled to mean limb lengths"
Points = tuple[Float[np.ndarray, "rows 16 2"], Bool[np.ndarray, "rows 16"]]


@dataclass(frozen=True)
class ListTruth:
    """That of the published lists."""

    tree: "PublishedTree"
    protocol: "ListProtocol"
    source: str
    """The 2D that goes in."""
    name: str = LISTS
    truth_words: str = "as the lists give it"

    @property
    def where(self) -> Path:
        """The folder."""
        return self.tree.root

    @property
    def limits(self) -> "MinMax":
        """Of the 3D values in results that are normalised."""
        return self.tree.limits

    @property
    def actions(self) -> tuple[str, ...]:
        """Actions with a truth."""
        return self.tree.actions(self.protocol)

    @property
    def sources(self) -> tuple[str, ...]:
        """2D that there can be."""
        return LIST_SOURCES

    def rows(self, action: str) -> "PoseMachineRows":
        """Truth and pictures.

        Raises:
            InputError: the list is not there, or wrong.
        """
        return self.tree.truth(action, self.protocol)

    def points(self, action: str, source: str) -> Points:
        """2D of an action and which of its points are known.

        Raises:
            InputError: its file is not there, or wrong.
        """
        known: dict[str, PointsFrom] = {"ours": "ours", "hourglass": "hourglass", "gt": "gt"}
        return self.tree.points(action, known[source], self.protocol)

    def told(self, rows: "PoseMachineRows", action: str) -> tuple[str, tuple[str, ...]]:
        """The action as the pictures' names tell it if all tell the same one, else ``action``; the subject of each row,
        "" where it is not told."""
        if rows.pictures is None:
            return action, ("",) * len(rows)
        names = [rows.pictures[i] for i in range(len(rows))]
        found = {action_in(name) for name in names}
        return (found.pop() or action) if len(found) == 1 else action, tuple(subject_in(name) for name in names)


@dataclass(frozen=True)
class StoreTruth:
    """That of a store: ten frames a second of the test subjects."""

    store: "PoseStore"
    subjects: tuple[str, ...]
    every: int
    """Take every so many-th frame: ten a second."""
    limbs: Any
    """Mean limb lengths; None: the truth as it is."""
    picture_names: str | None
    source: str
    """The 2D that goes in, or that frames are chosen by."""
    truth_words: str
    """Which truth it is."""
    _read: "dict[str, PoseMachineRows]" = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """Of the data."""
        return self.store.name

    @property
    def where(self) -> Path:
        """The folder."""
        return self.store.path

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """Those of the subjects, by their names without the number of the take."""
        from maquette.datasets.store_choice import recordings_of

        return tuple(dict.fromkeys(recording.kind for recording in recordings_of(self.store, self.subjects)))

    @property
    def sources(self) -> tuple[str, ...]:
        """2D that the store has."""
        return tuple(self.store.sources)

    def rows(self, action: str, source: str | None = None) -> "PoseMachineRows":
        """Truth and 2D.

        Raises:
            InputError: see :func:`maquette.datasets.pose_machine_store.rows_from_store`.
        """
        rows = self._rows_of(source or self.source)
        kinds = np.array([label.kind for label in rows.labels])
        return rows.taken(np.flatnonzero(kinds[rows.label_of] == action))

    def _rows_of(self, source: str) -> "PoseMachineRows":
        """Of all actions."""
        from maquette.datasets.pose_machine_store import PICTURES, rows_from_store

        if source not in self._read:
            self._read[source] = rows_from_store(
                self.store,
                source=source,
                subjects=self.subjects,
                every=self.every,
                limbs=self.limbs,
                pictures=self.picture_names or PICTURES,
            )
        return self._read[source]

    def points(self, action: str, source: str) -> Points:
        """2D of an action, for the rows of the truth.

        Raises:
            InputError: frames in which one source has no joint at all, which are left out, while another has.
        """
        rows, others = self.rows(action), self.rows(action, source)
        if _names(rows) != _names(others):
            raise InputError(
                f"{self.where}: {action}: {len(rows)} frames of '{self.source}' have joints and {len(others)} of "
                f"'{source}', not the same ones; take one 2D for both (--source, --refine-source)"
            )
        return others.points, others.visible

    def told(self, rows: "PoseMachineRows", action: str) -> tuple[str, tuple[str, ...]]:
        """The action, and the subject of each row."""
        return action, tuple(rows.label(i).subject for i in range(len(rows)))


Truth = ListTruth | StoreTruth


def open_truth(options: "Evaluate", protocol: "ListProtocol") -> Truth:
    """What ``--data`` is.

    Raises:
        InputError: neither a store nor the published lists, or options that it does not have; all of it.
    """
    from maquette.datasets.store import open_store

    assert options.data is not None
    if not (options.data / "store.json").is_file():
        return _lists(options, protocol)
    store = open_store(options.data)
    if protocol == 3:
        raise InputError(f"{options.data}: is a store; which frames protocol III has is in its published lists only")
    from maquette.datasets.pose_machine_store import TEST, TRAIN, limbs_of_store

    subjects = options.subjects or tuple(name for name in TEST if name in store.subjects)
    problems = [
        f"no subject {name}; there are: {', '.join(store.subjects)} (--subjects)"
        for name in subjects or TEST
        if name not in store.subjects
    ]
    source = options.source or ("gt" if "gt" in store.sources else next(iter(store.sources), "gt"))
    problems += _no_source(options, source, tuple(store.sources))
    if problems:
        raise InputError.from_problems(str(options.data), problems)
    every = max(round(float(store.recordings[0].fps) * FRAME_S), 1)
    limbs, words = None, "raw"
    if options.truth == "mean-limb-scaled":
        others = tuple(name for name in store.subjects if name not in subjects)
        bodies = tuple(name for name in TRAIN if name in others) or others or subjects
        limbs = limbs_of_store(store, subjects=bodies, every=every)
        words = SCALED if bodies == TRAIN else f"{SCALED} of {', '.join(bodies)}"
    return StoreTruth(store, subjects, every, limbs, options.picture_names, source, words)


def _lists(options: "Evaluate", protocol: "ListProtocol") -> ListTruth:
    from maquette.datasets.pose_machine_tree import open_tree

    assert options.data is not None
    problems = []
    if options.subjects:
        problems.append("--subjects: the lists hold those of the protocol")
    if options.truth is not None:
        problems.append("--truth: the lists have the one they have; a store has both")
    if options.picture_names is not None:
        problems.append("--picture-names: the lists name their pictures themselves")
    source = options.source or "ours"
    problems += _no_source(options, source, LIST_SOURCES)
    if problems:
        raise InputError.from_problems(str(options.data), problems)
    return ListTruth(open_tree(options.data), protocol, source)


def _no_source(options: "Evaluate", source: str, known: tuple[str, ...]) -> list[str]:
    asked = [("--source", source)]
    if options.refine_source is not None:
        asked.append(("--refine-source", options.refine_source))
    return [
        f"{flag} {name}: no such 2D; there are: {', '.join(known) or 'none'}"
        for flag, name in asked
        if name not in known
    ]


def _names(rows: "PoseMachineRows") -> list[str]:
    return [] if rows.pictures is None else [rows.pictures[i] for i in range(len(rows))]
