"""Errors of the hourglass and its successor equal those that their own programs printed."""

from pathlib import Path

import numpy as np
import pytest

from maquette.detect.heatmaps import decode
from maquette.detect.published_heatmaps import port_cells, port_points
from maquette.evaluate.hourglass import ACCURACY_JOINTS, constant_skeleton, heatmap_accuracy, v2_skeleton
from maquette.evaluate.pckh import CURVE, pckh
from maquette.skeletons import MPII_16

PELVIS = MPII_16.index("pelvis")


def in_the_ports_order(joints: np.ndarray) -> list[float]:
    """The ports list the ten joints as the skeleton does."""
    order = sorted(ACCURACY_JOINTS, key=MPII_16.index)
    return [float(joints[ACCURACY_JOINTS.index(name)]) for name in order]


@pytest.mark.parametrize("key", ["py2", "py3verbatim"])
def test_error_on_human36m_of_the_first_port(goldens_dir: Path, key: str) -> None:
    golden = np.load(goldens_dir / "zhou_hourglass" / "eval.npz")
    points = port_points(golden["heatmaps"], python=2 if key == "py2" else 3)
    depth = (golden["depth"].astype(np.float64) + 1) * 32
    poses = constant_skeleton(np.concatenate([points, depth[..., None]], axis=-1))
    truth = golden["meta3d"] - golden["meta3d"][:, [PELVIS]]
    supervised = np.abs(golden["meta3d"]).sum(axis=(1, 2)) > 0
    errors = np.linalg.norm(poses - truth, axis=-1).mean(axis=1)
    np.testing.assert_allclose(errors[supervised], golden[f"{key}_mpjpe_each"][supervised], atol=1e-5)
    assert supervised.sum() == golden[f"{key}_num3D"]
    assert errors[supervised].mean() == pytest.approx(float(golden[f"{key}_mpjpe"]), abs=1e-5)


@pytest.mark.parametrize("key", ["py2", "py3verbatim"])
def test_accuracy_of_the_first_port(goldens_dir: Path, key: str) -> None:
    golden = np.load(goldens_dir / "zhou_hourglass" / "eval.npz")
    found, targets = (port_cells(golden[name], python=2 if key == "py2" else 3) for name in ("heatmaps", "gt_heatmaps"))
    counted = np.asarray((targets > 0).all(axis=-1))
    distances = np.where(counted, np.linalg.norm(found - targets, axis=-1) / 6.4, -1)
    np.testing.assert_allclose(distances.T, golden[f"{key}_dists"], atol=1e-12)
    accuracy = heatmap_accuracy(found, targets, counted)
    np.testing.assert_allclose(in_the_ports_order(accuracy.joints), golden[f"{key}_joint_acc"], atol=1e-12)
    assert accuracy.mean == pytest.approx(float(golden[f"{key}_accuracy"]), abs=1e-12)


def test_accuracy_of_the_second_port_and_without_its_fraction(goldens_dir: Path) -> None:
    golden = np.load(goldens_dir / "zhou_v2_resnet" / "eval.npz")
    targets = decode(golden["gt_heatmaps"], "none").points
    counted = np.asarray(np.isfinite(targets).all(axis=-1))
    found = decode(golden["heatmaps"], "none").points
    assert heatmap_accuracy(found, targets, counted).mean == pytest.approx(float(golden["accuracy"]), abs=1e-12)


def test_error_on_human36m_of_the_second_port(goldens_dir: Path) -> None:
    golden = np.load(goldens_dir / "zhou_v2_resnet" / "eval.npz")
    cells = decode(golden["heatmaps"], "none").cells
    points = np.concatenate([cells / 64, golden["depth_at_preds_only"][..., None]], axis=-1).astype(np.float32)
    np.testing.assert_allclose(points - points[:, [PELVIS]], golden["preds_3d"], atol=1e-6)
    poses = v2_skeleton(points.astype(np.float64))
    np.testing.assert_allclose(poses, golden["converted"], rtol=1e-5, atol=1e-3)
    known = golden["gt_3d"].sum(axis=(1, 2)) != 0
    errors = np.linalg.norm(poses - golden["gt_3d"], axis=-1).mean(axis=1)
    assert errors[known].mean() == pytest.approx(float(golden["mpjpe"]), rel=1e-6)
    assert known.sum() == golden["mpjpe_count"]


def test_pckh_of_the_second_port(goldens_dir: Path) -> None:
    golden = np.load(goldens_dir / "zhou_v2_resnet" / "pckh.npz")
    boxes = golden["headboxes"]
    head_px = 0.6 * np.linalg.norm(boxes[1] - boxes[0], axis=0)
    scores = pckh(
        golden["preds"], golden["gt"].transpose(2, 0, 1), head_px, golden["jnt_missing"].T.astype(np.int64) == 0
    )
    np.testing.assert_allclose(scores.joints, golden["PCKh"], atol=1e-9)
    assert scores.mean == pytest.approx(float(golden["mean_masked"]), abs=1e-9)
    printed = str(golden["printed"]).split()[1:]
    assert [f"{value:.2f}" for value in (*scores.parts.values(), scores.mean)] == printed
    kept = [i for i, name in enumerate(MPII_16.joints) if name not in ("pelvis", "thorax")]
    np.testing.assert_allclose(scores.curve[:50], golden["pckAll"][:, kept].mean(axis=1), atol=1e-9)
    assert len(CURVE) == 51
    assert scores.curve[50] == pytest.approx(scores.mean)
