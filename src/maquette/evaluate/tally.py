"""Sums of errors over frames, so that any number of sequences can be pooled without keeping their poses."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from maquette.evaluate.metrics import (
    AUC_THRESHOLDS_M,
    acceleration_error,
    joint_errors,
    n_mpjpe,
    pcp,
    procrustes,
    velocity_error,
)
from maquette.evaluate.metrics import auc as auc_of
from maquette.evaluate.metrics import pck as pck_of
from maquette.evaluate.metrics import pck_curve as curve_of
from maquette.evaluate.pcp import PARTS
from maquette.evaluate.protocols import Metric, Protocol

Poses = Float[np.ndarray, "frames joints 3"]

SCALE: dict[Metric, float] = {
    "mpjpe": 1e3,
    "pa_mpjpe": 1e3,
    "n_mpjpe": 1e3,
    "mpjve": 1e3,
    "acceleration": 1e3,
    "pck150": 100.0,
    "auc": 100.0,
    "pcp": 100.0,
}
"""From metres to millimetres, from shares to percent."""


@dataclass
class Tally:
    """What has been pooled so far. It grows by :meth:`add`, and tallies add up."""

    joints: int
    frames: int = 0
    sequences: int = 0
    left_out: int = 0
    """Frames without a true pose."""
    dropped: int = 0
    """Frames that did not fill a batch."""
    measured: int = 0
    """Those of :attr:`frames` whose error somebody else has measured: nothing is known of their joints."""
    sums: dict[Metric, Float[np.ndarray, "2"]] = field(default_factory=dict)
    """Metric -> (sum of weight times value, sum of weights)."""
    joint_sums: Float[np.ndarray, "2 joints"] = field(init=False)
    """Sums of the errors of each joint: as they are, and after the best similarity transform."""
    correct: Float[np.ndarray, "31"] = field(default_factory=lambda: np.zeros(len(AUC_THRESHOLDS_M)))
    """Frames times the share of joints that are correct at each threshold."""
    limb_sums: Float[np.ndarray, "2 4"] = field(default_factory=lambda: np.zeros((2, len(PARTS))))
    """Of each kind of limb: how many are correct, and how many there are."""

    def __post_init__(self) -> None:
        self.joint_sums = np.zeros((2, self.joints))

    def __add__(self, other: "Tally") -> "Tally":
        total = Tally(self.joints)
        for name in ("frames", "sequences", "left_out", "dropped", "measured", "joint_sums", "correct", "limb_sums"):
            setattr(total, name, getattr(self, name) + getattr(other, name))
        total.sums = dict(self.sums)
        for metric, sums in other.sums.items():
            total.sums[metric] = total.sums.get(metric, 0) + sums
        return total

    def value(self, metric: Metric) -> float | None:
        """Mean of a metric, in mm or percent; None where nothing was counted."""
        total, weight = self.sums.get(metric, np.zeros(2))
        return float(SCALE[metric] * total / weight) if weight > 0 else None

    def add(self, predicted: Poses, target: Poses, names: Sequence[str], protocol: Protocol) -> None:
        """Pool frames that all have a true pose; nothing here depends on their order."""
        n = len(target)
        self.frames += n
        if not n:
            return
        errors = joint_errors(predicted, target)
        aligned_poses = procrustes(predicted, target)
        aligned = joint_errors(aligned_poses, target)
        self.joint_sums += np.stack([errors.sum(axis=0), aligned.sum(axis=0)])
        near = errors[:, [names.index(name) for name in protocol.pck_joints if name in names]]
        counted = near if near.shape[1] else errors
        self.correct += n * curve_of(counted)
        values: dict[Metric, Float[np.ndarray, " frames"]] = {
            "mpjpe": errors.mean(axis=1),
            "pa_mpjpe": aligned.mean(axis=1),
            "n_mpjpe": n_mpjpe(predicted, target),
            "pck150": pck_of(counted),
            "auc": auc_of(counted),
        }
        for metric, each in values.items():
            self._put(metric, float(each.sum()), n, protocol)
        compared = aligned_poses if protocol.pcp_after == "similarity" else predicted
        self._add_limbs(compared, target, names, protocol)

    def add_measured(self, errors: Float[np.ndarray, " frames"], protocol: Protocol) -> None:
        """Pool the MPJPE (metres) of frames whose poses are not there."""
        self.frames += len(errors)
        self.measured += len(errors)
        self._put("mpjpe", float(errors.sum()), len(errors), protocol)

    def _add_limbs(self, predicted: Poses, target: Poses, names: Sequence[str], protocol: Protocol) -> None:
        places = {name: i for i, name in enumerate(names)}
        for k, pairs in enumerate(PARTS.values()):
            limbs = [(places[a], places[b]) for a, b in pairs if a in places and b in places]
            if limbs:
                correct = pcp(predicted, target, limbs)
                known = float(np.isfinite(correct).sum())
                self.limb_sums[:, k] += float(np.nansum(correct)), known
                self._put("pcp", float(np.nansum(correct)), known, protocol)

    def add_steps(
        self, predicted: Poses, target: Poses, valid: Bool[np.ndarray, " frames"], protocol: Protocol
    ) -> None:
        """Pool the velocities and accelerations of ONE sequence; steps over frames without a true pose do not count."""
        velocity = velocity_error(predicted, target)[valid[1:] & valid[:-1]]
        if len(velocity):
            weight = float(valid.sum() if protocol.velocity_weight == "frames" else len(velocity))
            self._put("mpjve", float(velocity.mean()) * weight, weight, protocol)
        steps = acceleration_error(predicted, target)[valid[2:] & valid[1:-1] & valid[:-2]]
        self._put("acceleration", float(steps.sum()), len(steps), protocol)

    def _put(self, metric: Metric, total: float, weight: float | int, protocol: Protocol) -> None:
        if metric in protocol.metrics:
            self.sums[metric] = self.sums.get(metric, np.zeros(2)) + (total, weight)
