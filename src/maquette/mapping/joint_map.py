"""A map between two skeletons as data: each target joint is a weighted sum of named source joints."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.skeletons import get_skeleton

Row = tuple[tuple[str, float], ...]


class _Plan(NamedTuple):
    """A map by indices."""

    copied: np.ndarray
    """Target joints that are a source joint."""
    copied_from: np.ndarray
    mixed: tuple[tuple[int, np.ndarray, np.ndarray], ...]
    """Target joint, its sources, their weights."""


@dataclass(frozen=True)
class JointMap:
    """Joints of one skeleton from those of another.

    A target joint is observed when ALL its sources are, and is as confident as the least confident of them. Target
    joints without a row are missing (NaN, confidence 0).

    Raises:
        InputError: a row names an unknown joint, or its weights do not sum to 1 (it would not follow a translation).
    """

    source: str
    """Name of the skeleton it reads."""
    target: str
    """Name of the skeleton it makes."""
    rows: Mapping[str, str | Row]
    """Target joint -> a source joint, or weighted sources; a weight may lie outside [0, 1] (extrapolation)."""
    convention: str
    """Which convention it reproduces, with its source."""

    def __post_init__(self) -> None:
        source, target = get_skeleton(self.source), get_skeleton(self.target)
        problems = [f"'{name}' is not a joint of {target.name}" for name in self.rows if name not in target]
        for name, row in self.weighted_rows.items():
            problems += [f"'{name}' needs '{s}', which {source.name} does not have" for s, _ in row if s not in source]
            if abs(sum(weight for _, weight in row) - 1) > 1e-9:
                problems.append(f"the weights of '{name}' sum to {sum(w for _, w in row):.4g}, expected 1")
        if problems:
            raise InputError.from_problems(f"joint map {self.source} -> {self.target}", problems)

    @cached_property
    def weighted_rows(self) -> dict[str, Row]:
        """The rows with every plain name written as ``((name, 1.0),)``."""
        return {t: ((row, 1.0),) if isinstance(row, str) else tuple(row) for t, row in self.rows.items()}

    @cached_property
    def matrix(self) -> Float[np.ndarray, "target_joints source_joints"]:
        """Weights; the row of a target joint that the map does not make is zero."""
        source, target = get_skeleton(self.source), get_skeleton(self.target)
        weights = np.zeros((len(target), len(source)))
        for name, row in self.weighted_rows.items():
            for joint, weight in row:
                weights[target.index(name), source.index(joint)] += weight
        weights.flags.writeable = False
        return weights

    @cached_property
    def made(self) -> Bool[np.ndarray, " target_joints"]:
        """True for the target joints that the map makes."""
        return np.array([name in self.rows for name in get_skeleton(self.target).joints])

    def apply(self, keypoints: Keypoints) -> Keypoints:
        """The keypoints on the target skeleton.

        Raises:
            InputError: the keypoints have another skeleton than :attr:`source`.
        """
        if keypoints.skeleton.name != self.source:
            raise InputError(f"keypoints have skeleton '{keypoints.skeleton.name}', this map reads '{self.source}'")
        points, confidence = self.apply_arrays(keypoints.points, keypoints.confidence)
        return keypoints.with_notes(points=points, confidence=confidence, skeleton=get_skeleton(self.target))

    def apply_arrays(
        self,
        points: Float[np.ndarray, "frames source_joints dims"],
        confidence: Float[np.ndarray, "frames source_joints"],
    ) -> tuple[Float[np.ndarray, "frames target_joints dims"], Float[np.ndarray, "frames target_joints"]]:
        """The same for bare arrays (2D or 3D); missing points are NaN with confidence 0 on both sides."""
        n_frames, _, dims = points.shape
        plan = self._plan
        out = np.full((n_frames, len(self.made), dims), np.nan)
        out_confidence = np.zeros((n_frames, len(self.made)))
        out[:, plan.copied] = points[:, plan.copied_from]
        out_confidence[:, plan.copied] = confidence[:, plan.copied_from]
        for joint, sources, weights in plan.mixed:
            # A missing source is NaN and so makes the sum NaN; its confidence of 0 is the minimum.
            out[:, joint] = np.tensordot(points[:, sources], weights, axes=(1, 0))
            out_confidence[:, joint] = confidence[:, sources].min(axis=1)
        return out, out_confidence

    @cached_property
    def _plan(self) -> _Plan:
        source, target = get_skeleton(self.source), get_skeleton(self.target)
        rows = self.weighted_rows.items()
        single = [(target.index(name), source.index(row[0][0])) for name, row in rows if len(row) == 1]
        mixed = [
            (target.index(name), np.array(source.indices(j for j, _ in row)), np.array([w for _, w in row]))
            for name, row in rows
            if len(row) > 1
        ]
        copied = np.array(single, dtype=np.intp).reshape(-1, 2)
        return _Plan(copied[:, 0], copied[:, 1], tuple(mixed))
