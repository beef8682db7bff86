"""From predictions to a report: pooled and averaged as a protocol says."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.evaluate.metrics import AUC_THRESHOLDS_M
from maquette.evaluate.pcp import PARTS
from maquette.evaluate.protocols import Protocol
from maquette.evaluate.report import (
    SCHEMA,
    Curve,
    DataFacts,
    JointRow,
    LimbRow,
    ModelFacts,
    ProtocolFacts,
    Report,
    Row,
)
from maquette.evaluate.tally import Tally

Poses = Float[np.ndarray, "frames joints 3"]
Key = tuple[str, str]
"""Subject, action without its number."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model said of one sequence (one recording seen by one camera), and what is true."""

    subject: str
    action: str
    """With the number of the take: "Directions 1"."""
    camera: str
    predicted_m: Poses
    """Camera frame, metres, as the protocol wants them (``Protocol.root``)."""
    target_m: Float[np.ndarray, "true_frames true_joints 3"]
    """The same frame; NaN in frames whose truth is not known."""

    def __post_init__(self) -> None:
        if self.predicted_m.shape != self.target_m.shape or self.predicted_m.shape[2:] != (3,):
            raise InputError(
                f"{self}: {self.predicted_m.shape} predicted and {self.target_m.shape} true positions, expected two "
                "arrays of (frames, joints, 3)"
            )

    @property
    def kind(self) -> str:
        """The action without the number of the take, which results are pooled by."""
        return self.action.split(" ")[0]

    def __str__(self) -> str:
        return f"{self.subject} {self.action}, camera {self.camera}"


def evaluate(
    predictions: Iterable[Prediction],
    protocol: Protocol,
    *,
    joints: Sequence[str],
    root: str | None = None,
    count: int | None = None,
    model: ModelFacts | None = None,
    data: DataFacts | None = None,
) -> Report:
    """Errors of ``predictions``, which may be an iterator: one sequence is in memory at a time.

    Args:
        predictions: in the order in which the protocol drops what does not fill a batch.
        joints: names of the joints of the arrays.
        root: the joint that poses are made relative to as the protocol says; None leaves them as they are.
        count: number of joints to compare (see :meth:`Protocol.joints`).

    Raises:
        InputError: joints that the protocol wants are missing, a predicted position is not finite, there is nothing
            to evaluate, or no batch is full.
    """
    compared = protocol.joints(tuple(joints), count)
    places = [list(joints).index(name) for name in compared]
    tallies = _tally(predictions, protocol, compared, places, None if root is None else list(joints).index(root))
    if not any(tally.frames for tally in tallies.values()):
        dropped = sum(tally.dropped for tally in tallies.values())
        why = f"{dropped} frames do not fill a batch of {protocol.batch}" if dropped else "there are no frames"
        raise InputError(f"nothing to evaluate under protocol '{protocol.name}': {why}")
    return summed(tallies, protocol, compared, model=model, data=data)


def summed(
    tallies: Mapping[Key, Tally],
    protocol: Protocol,
    compared: Sequence[str],
    *,
    model: ModelFacts | None = None,
    data: DataFacts | None = None,
) -> Report:
    """The report of what was pooled, which must hold at least one frame.

    Args:
        compared: names of the joints of the tallies; their lines are left out where only whole poses were measured.
    """
    total = sum(tallies.values(), Tally(len(compared)))
    rows = _rows(tallies, protocol)
    return Report(
        schema=SCHEMA,
        model=model or ModelFacts(name="unnamed"),
        data=data or DataFacts(name="unnamed"),
        protocol=ProtocolFacts(
            name=protocol.name,
            about=protocol.about,
            joints=list(compared),
            root=protocol.root,
            average=protocol.average,
            headline=protocol.headline,
            batch=protocol.batch,
            velocity_weight=protocol.velocity_weight,
            pck_joints=[name for name in protocol.pck_joints if name in compared],
        ),
        rows=rows,
        joints=[] if total.measured else _joint_rows(compared, total),
        limbs=[
            LimbRow(name=name, pcp=100 * right / n, limbs=int(n))
            for name, right, n in zip(PARTS, *total.limb_sums.tolist(), strict=True)
            if n
        ],
        pck_curve=Curve(
            thresholds_mm=[round(1000 * float(t), 3) for t in AUC_THRESHOLDS_M],
            correct=[100 * float(c) / total.frames for c in total.correct],
        ),
    )


def _tally(
    predictions: Iterable[Prediction],
    protocol: Protocol,
    names: Sequence[str],
    places: list[int],
    root: int | None,
) -> dict[Key, Tally]:
    tallies: dict[Key, Tally] = defaultdict(lambda: Tally(len(names)))
    # Frames that do not yet fill a batch wait here for the next sequence of the same pool.
    waiting: dict[str, list[tuple[Key, np.ndarray, np.ndarray]]] = defaultdict(list)
    for prediction in predictions:
        key = (prediction.subject, prediction.kind)
        tally = tallies[key]
        predicted, target, valid = _prepared(prediction, protocol, places, root)
        tally.sequences += 1
        tally.left_out += int((~valid).sum())
        if "mpjve" in protocol.metrics:
            tally.add_steps(predicted, target, valid, protocol)
        predicted, target = predicted[valid], target[valid]
        if protocol.batch == 1:
            tally.add(predicted, target, names, protocol)
            continue
        pool = prediction.kind if protocol.batches_of == "action" else ""
        waiting[pool].append((key, predicted, target))
        waiting[pool] = _full_batches(waiting[pool], tallies, names, protocol)
    for rest in waiting.values():
        for key, predicted, _ in rest:
            tallies[key].dropped += len(predicted)
    return tallies


def _full_batches(
    parts: list[tuple[Key, np.ndarray, np.ndarray]], tallies: dict[Key, Tally], names: Sequence[str], protocol: Protocol
) -> list[tuple[Key, np.ndarray, np.ndarray]]:
    """Pool the frames that fill batches; the others are given back."""
    full = sum(len(target) for _, _, target in parts) // protocol.batch * protocol.batch
    rest = []
    for key, predicted, target in parts:
        take = min(full, len(target))
        full -= take
        tallies[key].add(predicted[:take], target[:take], names, protocol)
        if take < len(target):
            rest.append((key, predicted[take:].copy(), target[take:].copy()))
    return rest


def _prepared(
    prediction: Prediction, protocol: Protocol, places: list[int], root: int | None
) -> tuple[Poses, Poses, np.ndarray]:
    """The joints that are compared, relative to the root; and which frames have a truth."""
    predicted = np.asarray(prediction.predicted_m, dtype=np.float64)
    target = np.asarray(prediction.target_m, dtype=np.float64)
    if root is not None:
        target = target - target[:, root, None]
        if protocol.root == "subtracted":
            predicted = predicted - predicted[:, root, None]
    predicted, target = predicted[:, places], target[:, places]
    valid: np.ndarray = np.asarray(np.isfinite(target).all(axis=(1, 2)))
    lost: np.ndarray = valid & ~np.asarray(np.isfinite(predicted).all(axis=(1, 2)))
    if lost.any():
        raise InputError(
            f"{prediction}: {int(lost.sum())} of {len(lost)} predicted poses have values that are not finite (first in "
            f"frame {int(np.argmax(lost))}); a model must give every joint of every frame to be evaluated"
        )
    return predicted, target, valid


def _rows(tallies: Mapping[Key, Tally], protocol: Protocol) -> list[Row]:
    subjects = list(dict.fromkeys(subject for subject, _ in tallies))
    actions = list(dict.fromkeys(action for _, action in tallies))
    cells = [
        _row("subject and action", subject, action, tally, protocol) for (subject, action), tally in tallies.items()
    ]
    rows = [_row("action", None, action, _pooled(tallies, None, action), protocol) for action in actions]
    for subject in subjects:
        rows.append(_averaged("subject", subject, tallies, protocol))
    everything = _row("all frames", None, None, _pooled(tallies, None, None), protocol)
    return [*rows, *cells, everything, _averaged("average", None, tallies, protocol)]


def _pooled(tallies: Mapping[Key, Tally], subject: str | None, action: str | None) -> Tally:
    fitting = [t for (s, a), t in tallies.items() if subject in (None, s) and action in (None, a)]
    return sum(fitting[1:], fitting[0])


def _averaged(group: str, subject: str | None, tallies: Mapping[Key, Tally], protocol: Protocol) -> Row:
    """The protocol's average, over everything or over what is of one subject."""
    own = {key: tally for key, tally in tallies.items() if subject in (None, key[0])}
    pooled = _row(group, subject, None, _pooled(own, None, None), protocol)
    if protocol.average == "frames":
        return pooled
    if protocol.average == "actions":
        parts = [_pooled(own, None, action) for action in dict.fromkeys(action for _, action in own)]
    else:
        parts = list(own.values())
    means = {}
    for metric in protocol.metrics:
        values = [value for part in parts if (value := part.value(metric)) is not None]
        means[metric] = float(np.mean(values)) if values else None
    return Row(**{name: getattr(pooled, name) for name in Row.__struct_fields__ if name != "metrics"}, metrics=means)


def _row(group: str, subject: str | None, action: str | None, tally: Tally, protocol: Protocol) -> Row:
    return Row(
        group=group,
        subject=subject,
        action=action,
        frames=tally.frames,
        sequences=tally.sequences,
        left_out=tally.left_out,
        dropped=tally.dropped,
        metrics={metric: tally.value(metric) for metric in protocol.metrics},
    )


def _joint_rows(names: Sequence[str], total: Tally) -> list[JointRow]:
    plain, aligned = 1000 * total.joint_sums / total.frames
    return [
        JointRow(name=name, mpjpe=float(p), pa_mpjpe=float(a)) for name, p, a in zip(names, plain, aligned, strict=True)
    ]
