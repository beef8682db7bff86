"""Pooling and averaging, against a second implementation in plain loops, and what is refused."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from maquette.errors import InputError
from maquette.evaluate import PROTOCOLS, Prediction, Protocol, evaluate
from maquette.skeletons import H36M_17

JOINTS = H36M_17.joints
LENGTHS = {
    ("S9", "Directions 1"): 70,
    ("S9", "Directions"): 41,
    ("S9", "Walking"): 90,
    ("S11", "Directions"): 33,
    ("S11", "Walking 1"): 64,
    ("S11", "Photo"): 7,
}


def made(seed: int = 0, *, frames_short_of: int = 0) -> list[Prediction]:
    rng = np.random.default_rng(seed)
    found = []
    for (subject, action), frames in LENGTHS.items():
        for camera in ("a", "b"):
            target = rng.normal(scale=0.3, size=(frames - frames_short_of, 17, 3))
            predicted = target + rng.normal(scale=0.06, size=target.shape)
            found.append(Prediction(subject, action, camera, predicted, target))
    return found


def distances(prediction: Prediction, protocol: Protocol, joints: Sequence[int] = range(17)) -> np.ndarray:
    """Millimetres, (frames, joints)."""
    p, t = prediction.predicted_m, prediction.target_m - prediction.target_m[:, :1]
    if protocol.root == "subtracted":
        p = p - p[:, :1]
    return 1000 * np.array([[np.sqrt(((p[f, j] - t[f, j]) ** 2).sum()) for j in joints] for f in range(len(t))])


def kept(errors: list[np.ndarray], batch: int) -> np.ndarray:
    whole = np.concatenate(errors)
    return whole[: len(whole) // batch * batch]


@pytest.mark.parametrize("name", ["martinez", "videopose3d", "rie"])
@pytest.mark.parametrize("count", [17, 14])
def test_mean_of_action_means(name: str, count: int) -> None:
    protocol, sequences = PROTOCOLS[name], made()
    joints = [i for i, j in enumerate(JOINTS) if count == 17 or j not in ("hip", "spine", "nose")]
    report = evaluate(sequences, protocol, joints=JOINTS, root="hip", count=count)
    assert len(report.protocol.joints) == len(report.joints) == count
    means = []
    for action in ("Directions", "Photo", "Walking"):
        errors = kept([distances(s, protocol, joints) for s in sequences if s.kind == action], protocol.batch)
        (row,) = (row for row in report.of("action") if row.action == action)
        assert row.frames == len(errors)
        assert row.dropped == sum(len(s.target_m) for s in sequences if s.kind == action) - len(errors)
        if len(errors):
            assert row.metrics["mpjpe"] == pytest.approx(errors.mean(), rel=1e-12)
            assert row.metrics["pck150"] == pytest.approx(100 * (errors < 150).mean(), rel=1e-12)
            means.append(errors.mean())
        else:
            assert row.metrics["mpjpe"] is None
    assert report.headline == pytest.approx(np.mean(means), rel=1e-12)
    assert report.average.frames == sum(row.frames for row in report.of("action"))


def test_all_frames_alike_with_and_without_a_remainder() -> None:
    for name in ("plain", "martinez-global"):
        protocol, sequences = PROTOCOLS[name], made()
        report = evaluate(iter(sequences), protocol, joints=JOINTS, root="hip")
        errors = kept([distances(s, protocol) for s in sequences], protocol.batch)
        assert report.headline == pytest.approx(errors.mean(), rel=1e-12)
        assert report.average.frames == len(errors)
        np.testing.assert_allclose([joint.mpjpe for joint in report.joints], errors.mean(axis=0), rtol=1e-12)


def test_subjects_and_actions_alike() -> None:
    protocol = dataclasses.replace(PROTOCOLS["humaneva"], joint_sets={}, headline="mpjpe")
    sequences = made()
    report = evaluate(sequences, protocol, joints=JOINTS, root="hip")
    cells: dict[tuple[str, str], list[np.ndarray]] = {}
    for s in sequences:
        cells.setdefault((s.subject, s.kind), []).append(distances(s, protocol))
    means = {key: np.concatenate(errors).mean() for key, errors in cells.items()}
    assert {(r.subject, r.action): r.metrics["mpjpe"] for r in report.of("subject and action")} == pytest.approx(means)
    assert report.headline == pytest.approx(np.mean(list(means.values())), rel=1e-12)
    for row in report.of("subject"):
        own = [mean for (subject, _), mean in means.items() if subject == row.subject]
        assert row.metrics["mpjpe"] == pytest.approx(np.mean(own), rel=1e-12)


def test_subjects_are_averaged_as_everything_is() -> None:
    protocol, sequences = PROTOCOLS["videopose3d"], made()
    report = evaluate(sequences, protocol, joints=JOINTS, root="hip")
    for row in report.of("subject"):
        alone = evaluate([s for s in sequences if s.subject == row.subject], protocol, joints=JOINTS, root="hip")
        assert row.metrics == pytest.approx(alone.average.metrics)


@pytest.mark.parametrize(("name", "weight"), [("videopose3d", lambda n: n), ("plain", lambda n: n - 1)])
def test_velocity_of_sequences_of_unequal_length(name: str, weight) -> None:
    protocol, sequences = PROTOCOLS[name], [s for s in made() if s.kind == "Directions"]
    report = evaluate(sequences, protocol, joints=JOINTS, root="hip")
    total = weights = steps = second = 0.0
    for s in sequences:
        p, t = s.predicted_m, s.target_m - s.target_m[:, :1]
        if protocol.root == "subtracted":
            p = p - p[:, :1]
        n = len(p)
        changes = [np.linalg.norm((p[i + 1] - p[i]) - (t[i + 1] - t[i]), axis=-1).mean() for i in range(n - 1)]
        total += weight(n) * np.mean(changes)
        weights += weight(n)
        bends = [
            np.linalg.norm((p[i + 2] - 2 * p[i + 1] + p[i]) - (t[i + 2] - 2 * t[i + 1] + t[i]), axis=-1).mean()
            for i in range(n - 2)
        ]
        second += sum(bends)
        steps += len(bends)
    (row,) = report.of("action")
    assert row.metrics["mpjve"] == pytest.approx(1000 * total / weights, rel=1e-12)
    assert row.metrics["acceleration"] == pytest.approx(1000 * second / steps, rel=1e-12)


def test_a_root_beside_zero_counts_only_where_the_protocol_says_so() -> None:
    target = np.random.default_rng(0).normal(size=(64, 17, 3))
    target -= target[:, :1]
    moved = Prediction("S9", "Walking", "a", target + [0.03, 0, 0.04], target)
    for name, expected in (("videopose3d", 50.0), ("rie", 50.0), ("martinez", 0.0), ("plain", 0.0)):
        report = evaluate([moved], PROTOCOLS[name], joints=JOINTS, root="hip")
        assert report.headline == pytest.approx(expected, abs=1e-9)


def test_frames_without_a_truth_are_left_out_and_steps_over_them_too() -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(size=(40, 17, 3))
    predicted = target + rng.normal(scale=0.05, size=target.shape)
    holes = target.copy()
    holes[[10, 11, 30], 5] = np.nan
    predicted[10] = np.nan
    sequence = Prediction("S9", "Walking", "a", predicted, holes)
    report = evaluate([sequence], PROTOCOLS["plain"], joints=JOINTS)
    assert (report.average.frames, report.average.left_out) == (37, 3)
    parts = [slice(0, 10), slice(12, 30), slice(31, 40)]
    whole = [Prediction("S9", "Walking", str(i), predicted[p], target[p]) for i, p in enumerate(parts)]
    assert report.average.metrics == pytest.approx(
        evaluate(whole, PROTOCOLS["plain"], joints=JOINTS).average.metrics, rel=1e-12
    )


def test_one_frame_and_a_pose_without_extent() -> None:
    target = np.random.default_rng(0).normal(size=(1, 17, 3))
    report = evaluate(
        [Prediction("S9", "Photo", "a", np.zeros_like(target), target)], PROTOCOLS["plain"], joints=JOINTS
    )
    assert report.average.metrics["mpjve"] is None
    assert report.average.metrics["acceleration"] is None
    assert all(np.isfinite(v) for v in report.average.metrics.values() if v is not None)
    nothing = np.zeros((3, 17, 3))
    report = evaluate([Prediction("S9", "Photo", "a", nothing, nothing)], PROTOCOLS["plain"], joints=JOINTS)
    assert report.headline == 0
    assert report.average.metrics["pcp"] is None


def test_what_cannot_be_evaluated_is_said() -> None:
    (first, *_) = made()
    with pytest.raises(InputError, match="nothing to evaluate under protocol 'plain': there are no frames"):
        evaluate([], PROTOCOLS["plain"], joints=JOINTS)
    short = Prediction("S9", "Photo", "a", first.predicted_m[:20], first.target_m[:20])
    with pytest.raises(InputError, match="20 frames do not fill a batch of 64"):
        evaluate([short], PROTOCOLS["martinez"], joints=JOINTS, root="hip")
    lost = first.predicted_m.copy()
    lost[3, 2, 1] = np.inf
    lost[5, 2, 1] = np.nan
    with pytest.raises(InputError, match=r"S9 Directions 1, camera a: 2 of 70 predicted poses .* frame 3"):
        evaluate([Prediction("S9", "Directions 1", "a", lost, first.target_m)], PROTOCOLS["plain"], joints=JOINTS)
    with pytest.raises(InputError, match=r"\(70, 17, 3\) predicted and \(60, 17, 3\) true"):
        Prediction("S9", "Photo", "a", first.predicted_m, first.target_m[:60])
    with pytest.raises(InputError, match="compares 17 or 14 joints, not 16"):
        evaluate([first], PROTOCOLS["rie"], joints=JOINTS, root="hip", count=16)
    with pytest.raises(InputError, match=r"nose cannot be compared.*protocol 'plain' compares those"):
        PROTOCOLS["rie"].joints(tuple(name for name in JOINTS if name != "nose"), 17)
    assert len(PROTOCOLS["rie"].joints(tuple(name for name in JOINTS if name != "nose"))) == 14
    with pytest.raises(InputError, match="here 17; leave the number"):
        PROTOCOLS["plain"].joints(JOINTS, 14)
