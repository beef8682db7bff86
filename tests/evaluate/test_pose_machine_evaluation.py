"""Errors of a pose machine by stage, against what its published program wrote; what is refused."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from maquette.errors import InputError
from maquette.evaluate import PROTOCOLS, compare
from maquette.evaluate.pose_machine import ActionResult, evaluate_stages, limb_lengths_note
from maquette.evaluate.pose_machine_report import compare_staged, is_staged, read_staged
from maquette.evaluate.pose_machine_tables import described_stages, stages_as_csv, stages_as_latex
from maquette.evaluate.protocols import H36M_ACTIONS
from maquette.skeletons import H36M_16

GOLDENS = Path(__file__).parents[1] / "goldens" / "ssl3d"
PROTOCOL = PROTOCOLS["pose-machine"]
QUOTED = {
    "Directions": 50.0, "Discussion": 60.0, "Eating": 54.7, "Greeting": 56.6, "Phoning": 65.7, "Posing": 52.7,
    "Purchases": 54.8, "Sitting": 85.9, "SittingDown": 118.0, "Smoking": 62.5, "Photo": 79.6, "Waiting": 59.6,
    "Walking": 41.5, "WalkDog": 65.2, "WalkTogether": 48.5,
}  # fmt: skip
"""As a later paper prints the method's row, labels put right (docs/concepts/protocols.md)."""


@pytest.fixture(scope="module")
def published() -> dict[str, np.ndarray]:
    with np.load(GOLDENS / "eval_h36m.npz", allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module")
def truth_mm(published: dict[str, np.ndarray]) -> np.ndarray:
    high, low = published["max_min"]
    return (published["gt_normalised"] * (high - low) + low).reshape(-1, 16, 3)


def made(
    action: str, frames: int = 12, *, seed: int = 0, subjects: tuple[str, ...] = ("S9", "S11"), **stages: float
) -> ActionResult:
    """Poses that are about so many millimetres wrong in each coordinate of each joint but the root."""
    rng = np.random.default_rng(seed + sum(action.encode()))
    truth = rng.normal(scale=300, size=(frames, 16, 3))
    truth[:, 0] = 0
    found = {}
    for name, error in stages.items():
        found[name] = truth + rng.normal(scale=error, size=truth.shape) * (np.arange(16) > 0)[:, None]
    whose = tuple(subjects[i * len(subjects) // frames] for i in range(frames))
    return ActionResult(action, whose, truth, found, {})


def poses(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), 16, 3)


def test_errors_are_those_of_the_published_evaluation(
    published: dict[str, np.ndarray], truth_mm: np.ndarray, tmp_path: Path
) -> None:
    found = {"coarse": poses(published["pred_mm"]), "refined": poses(published["change_mm"])}
    for i in range(len(truth_mm)):
        one = ActionResult("Directions", ("S9",), truth_mm[i : i + 1], {k: v[i : i + 1] for k, v in found.items()}, {})
        coarse, refined = (stage.report.headline for stage in evaluate_stages([one], PROTOCOL, truth="made").stages)
        assert coarse == pytest.approx(published["per_sample_pred"][i], rel=1e-12)
        assert refined == pytest.approx(published["per_sample_change"][i], rel=1e-12)
    whole = ActionResult("Directions", ("S9",) * len(truth_mm), truth_mm, found, {})
    report = evaluate_stages([whole], PROTOCOL, truth="made")
    assert [stage.report.headline for stage in report.stages] == pytest.approx(
        [float(published["eval_pred"]), float(published["eval_change"])], rel=1e-12
    )
    report.write(tmp_path / "r.json")
    assert is_staged(tmp_path / "r.json")
    assert read_staged(tmp_path / "r.json") == report


def test_errors_that_were_measured_elsewhere_are_averaged_the_same_way(truth_mm: np.ndarray) -> None:
    with np.load(GOLDENS / "refine_ls64.npz", allow_pickle=False) as file:
        measured, refined = file["script_mpjpe_before_it1_it2"], poses(file["script_refine3d_mm"])
    columns: dict[str, np.ndarray] = dict(zip(("coarse", "corrected", "refined"), measured.T, strict=True))
    whose = ("S9", "S9", "S11", "S11", "S11", "S11")
    numbers = evaluate_stages([ActionResult("Directions", whose, truth_mm, {}, columns)], PROTOCOL, truth="made")
    assert [stage.report.headline for stage in numbers.stages] == pytest.approx(measured.mean(axis=0), rel=1e-12)
    seen = evaluate_stages(
        [ActionResult("Directions", whose, truth_mm, {"refined": refined}, {})], PROTOCOL, truth="made"
    )
    # What the program wrote beside the poses is the error of those poses.
    ours, theirs = seen.stages[0].report, numbers.stages[2].report
    for row, other in zip(ours.rows, theirs.rows, strict=True):
        assert (row.group, row.title, row.frames) == (other.group, other.title, other.frames)
        assert row.metrics["mpjpe"] == pytest.approx(other.metrics["mpjpe"], rel=1e-9)
        assert other.metrics["pa_mpjpe"] is None
    assert not theirs.joints
    assert "joint" not in {difference.group for difference in compare(ours, theirs)}


def test_the_mean_is_of_actions_whatever_their_length() -> None:
    results = [
        ActionResult(action, ("",) * n, np.zeros((n, 16, 3)), {}, {"coarse": np.full(n, error)})
        for n, (action, error) in enumerate(QUOTED.items(), start=1)
    ]
    report = evaluate_stages(results, PROTOCOL, truth="made").stages[0].report
    # 63.69, as the papers' 63.7.
    assert report.headline == pytest.approx(63.6867, abs=1e-4)
    assert [row.action for row in report.of("action")] == list(H36M_ACTIONS)
    assert {row.action: row.metrics["mpjpe"] for row in report.of("action")} == pytest.approx(QUOTED)


def test_the_root_counts_with_an_error_of_0() -> None:
    results = [made("Walking", coarse=40.0), made("Photo", coarse=30.0)]
    with_root, without = (
        evaluate_stages(results, PROTOCOL, truth="made", count=count).stages[0].report for count in (16, 15)
    )
    for a, b in zip(with_root.rows, without.rows, strict=True):
        assert 16 * (a.metrics["mpjpe"] or 0) == pytest.approx(15 * (b.metrics["mpjpe"] or 1))
    assert with_root.joints[0].name == H36M_16.joints[0]
    assert with_root.joints[0].mpjpe == 0
    assert len(without.joints) == 15


@pytest.mark.parametrize("measured", [False, True])
def test_frames_that_do_not_fill_a_batch_are_dropped_where_asked(measured: bool) -> None:
    whole = made("Walking", 13, coarse=20.0)
    errors = np.linalg.norm(whole.found_mm["coarse"] - whole.truth_mm, axis=-1).mean(axis=1)
    # As the published programs leave it: nothing was written for the frames of the last batch.
    short: Mapping[str, np.ndarray] = {"coarse": errors[:12]} if measured else {}
    poses_mm = {} if measured else {"coarse": whole.found_mm["coarse"][:12]}
    result = ActionResult("Walking", whole.subjects, whole.truth_mm, poses_mm, short)
    with pytest.raises(InputError, match=r"12 frames were found, the truth has 13; .*--published-truncation"):
        evaluate_stages([result], PROTOCOL, truth="made")
    report = evaluate_stages([result], PROTOCOL, truth="made", published_truncation=True)
    found = report.stages[0].report
    assert found.headline == pytest.approx(errors[:10].mean(), rel=1e-12)
    assert [(row.subject, row.frames, row.dropped) for row in found.of("subject and action")] == [
        ("S9", 7, 0),
        ("S11", 3, 2),
    ]
    assert any("2 dropped" in line for line in described_stages(report))


@pytest.mark.parametrize("measured", [False, True])
def test_an_action_that_is_shorter_than_a_batch(measured: bool) -> None:
    short, long = made("Photo", 4, coarse=20.0), made("Walking", 5, coarse=30.0)
    results = [short, long]
    if measured:
        results = [
            ActionResult(r.action, r.subjects, r.truth_mm, {}, {"coarse": np.ones(len(r.subjects))}) for r in results
        ]
    report = evaluate_stages(results, PROTOCOL, truth="made", published_truncation=True).stages[0].report
    values = {row.action: row.metrics["mpjpe"] for row in report.of("action")}
    assert values["Photo"] is None
    assert report.headline == values["Walking"]
    with pytest.raises(InputError, match="4 frames do not fill a batch of 5"):
        evaluate_stages(results[:1], PROTOCOL, truth="made", published_truncation=True)


def test_everything_wrong_is_said_at_once() -> None:
    good = made("Walking", coarse=20.0, refined=10.0)
    lame = made("Photo", coarse=20.0)
    lame.found_mm["coarse"][3, 4, 1] = np.nan  # type: ignore[index]
    uneven = made("Eating", coarse=20.0, refined=10.0)
    uneven = ActionResult(
        "Eating", uneven.subjects, uneven.truth_mm, {**uneven.found_mm, "refined": uneven.truth_mm[:7]}, {}
    )
    longer = made("Posing", coarse=20.0, refined=10.0)
    longer = ActionResult("Posing", longer.subjects[:5], longer.truth_mm[:5], longer.found_mm, {})
    with pytest.raises(InputError) as caught:
        evaluate_stages([good, lame, uneven, longer], PROTOCOL, truth="made")
    text = str(caught.value)
    assert "4 problems" in text
    assert "the refined poses of Photo are missing" in text
    assert "--actions Walking Eating Posing" in text
    assert "Photo, coarse: 1 of 12 frames have values that are not finite (first: frame 4)" in text
    assert "Eating: numbers of frames differ: 12 coarse, 7 refined" in text
    assert "Posing: 12 frames were found, the truth has 5" in text
    for nothing in ([], [made("Walking")]):
        with pytest.raises(InputError, match="nothing to evaluate"):
            evaluate_stages(nothing, PROTOCOL, truth="made")
    with pytest.raises(InputError, match="compares 16 or 15 joints, not 14"):
        evaluate_stages([good], PROTOCOL, truth="made", count=14)
    numbers = ActionResult("Walking", good.subjects, good.truth_mm, {}, {"coarse": np.ones(12)})
    with pytest.raises(InputError, match="measured for 16 joints"):
        evaluate_stages([numbers], PROTOCOL, truth="made", count=15)


def test_errors_on_different_truths_are_not_compared(tmp_path: Path) -> None:
    results = [made("Walking", coarse=20.0, corrected=15.0)]
    raw = evaluate_stages(results, PROTOCOL, truth="raw")
    other = evaluate_stages([made("Walking", coarse=30.0, refined=9.0)], PROTOCOL, truth="raw")
    found = compare_staged(raw, other)
    assert list(found) == ["coarse"]
    (average,) = (d for d in found["coarse"] if d.group == "average" and d.metric == "mpjpe")
    assert average.value == raw.stages[0].report.headline
    scaled = evaluate_stages(results, PROTOCOL, truth="limb-scaled", published_truncation=True)
    with pytest.raises(InputError, match=r"the truth: raw and limb-scaled[\s\S]*truncation: none and as published"):
        compare_staged(raw, scaled)
    third = evaluate_stages([made("Walking", refined=9.0)], PROTOCOL, truth="raw")
    with pytest.raises(InputError, match="no stage in common: coarse, corrected and refined"):
        compare_staged(raw, third)


def test_reports_that_somebody_edited(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    evaluate_stages([made("Walking", coarse=20.0)], PROTOCOL, truth="raw").write(path)
    document = json.loads(path.read_text())
    for change, said in (
        ({"schema": "maquette evaluation in stages 9"}, "this version reads"),
        ({"stages": []}, "its stages are none"),
        ({"stages": [document["stages"][0] | {"name": "finest"}]}, "its stages are finest"),
        ({"truth": 3}, "is no report"),
    ):
        path.write_text(json.dumps(document | change))
        assert is_staged(path)
        with pytest.raises(InputError, match=said):
            read_staged(path)
    two = tmp_path / "two.json"
    evaluate_stages([made("Walking", coarse=20.0, refined=9.0)], PROTOCOL, truth="raw").write(two)
    uneven = json.loads(two.read_text())
    uneven["stages"][1]["report"]["rows"].pop(0)
    two.write_text(json.dumps(uneven))
    with pytest.raises(InputError, match="refined: its lines or its protocol are not those of coarse"):
        read_staged(two)
    document["stages"][0]["report"]["rows"] = []
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="coarse: the report has no line 'all frames'"):
        read_staged(path)
    path.write_bytes(b"\xff")
    assert not is_staged(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_staged(tmp_path / "none.json")


def test_tables_for_papers_and_programs() -> None:
    report = evaluate_stages([made("Walking", coarse=20.0, corrected=15.0, refined=9.0)], PROTOCOL, truth="raw")
    lines = stages_as_csv(report).splitlines()
    rows = len(report.stages[0].report.rows) + 16 + len(report.stages[0].report.limbs)
    assert len(lines) == 1 + 3 * rows
    assert sum(line.startswith("model,") for line in lines) == 1
    *comments, a, b, c = stages_as_latex(report).splitlines()
    assert all(line.startswith("%") for line in comments)
    assert "% truth: raw" in comments
    assert sum("Avg." in line for line in comments) == 1
    for line, stage in zip((a, b, c), report.stages, strict=True):
        assert line == f"unnamed ({stage.name}) & {stage.report.headline:.1f} & {stage.report.headline:.1f} \\\\"


def test_bones_tell_whether_the_truth_was_scaled(truth_mm: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    lengths = rng.uniform(100, 400, size=16)

    def body(frames: int, lengths: np.ndarray) -> np.ndarray:
        turned = rng.normal(size=(frames, 16, 3))
        turned *= (lengths / np.linalg.norm(turned, axis=-1))[..., None]
        placed = np.zeros_like(turned)
        for joint, parent in enumerate(H36M_16.parents):
            if parent >= 0:
                placed[:, joint] = placed[:, parent] + turned[:, joint]
        return placed

    def note(nine: np.ndarray, eleven: np.ndarray, who: tuple[str, str] = ("S9", "S11")) -> str:
        whose = (who[0],) * len(nine) + (who[1],) * len(eleven)
        return limb_lengths_note([ActionResult("Walking", whose, np.concatenate([nine, eleven]), {}, {})])

    assert "is scaled to mean limb lengths" in note(body(5, lengths), body(7, lengths))
    assert "not limb-scaled" in note(body(5, lengths), body(7, lengths * rng.uniform(0.93, 1.07, size=16)))
    assert "is not seen" in note(body(5, lengths), body(7, lengths), ("S9", "S9"))
