"""USD files: UsdSkel's own queries have every joint where the motion has it, and OpenUSD's validators find nothing."""

# The modules of pxr are compiled and have no type stubs.
# pyright: reportAttributeAccessIssue=false

import dataclasses
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_body import made_motion, wild_motion  # pyright: ignore[reportMissingImports]

from maquette.errors import MissingExtraError, OutputError
from maquette.exporters.usd import write_usd
from maquette.rig import animate
from maquette.rig.choice import animated
from maquette.rig.forward import node_positions_m

pytest.importorskip("pxr", reason="usd-core is not installed")


def query(path: Path) -> tuple[Any, Any]:
    """``(stage, what UsdSkel computes of its skeleton)``."""
    from pxr import Usd, UsdSkel

    stage = Usd.Stage.Open(str(path))
    cache = UsdSkel.Cache()
    cache.Populate(UsdSkel.Root(stage.GetDefaultPrim()), Usd.PrimDefaultPredicate)
    found = [prim for prim in stage.Traverse() if prim.IsA(UsdSkel.Skeleton)]
    assert len(found) == 1
    return stage, cache.GetSkelQuery(UsdSkel.Skeleton(found[0]))


def places(query: Any, codes: list[float]) -> np.ndarray:
    from pxr import UsdGeom

    found = [query.ComputeJointWorldTransforms(UsdGeom.XformCache(code), False) for code in codes]
    return np.array([[list(matrix.ExtractTranslation()) for matrix in matrices] for matrices in found])


@pytest.mark.parametrize("suffix", ["usda", "usdc"])
@pytest.mark.parametrize("rig", ["maquette", "unreal"])
def test_joints_are_where_the_motion_has_them(tmp_path: Path, suffix: str, rig: str) -> None:
    animation = animated(made_motion(12, seed=3), rig=rig)
    write_usd(animation, tmp_path / f"a.{suffix}")
    stage, found = query(tmp_path / f"a.{suffix}")
    expected, _ = node_positions_m(animation)
    codes = [float(code) for code in range(12)]
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (0.0, 11.0)
    assert np.abs(places(found, codes) - expected).max() < 1e-6
    assert found.HasBindPose()
    assert found.HasRestPose()


def test_wild_rotations_and_odd_times(tmp_path: Path) -> None:
    motion = dataclasses.replace(
        wild_motion(4), fps=Fraction(30000, 1001), timestamps_s=np.array([5.0, 5.03, 5.2, 5.21])
    )
    animation = animate(motion)
    write_usd(animation, tmp_path / "a.usdc")
    stage, found = query(tmp_path / "a.usdc")
    assert abs(stage.GetTimeCodesPerSecond() - 30000 / 1001) < 1e-9
    codes = [time * 30000 / 1001 for time in (0.0, 0.03, 0.2, 0.21)]
    expected, _ = node_positions_m(animation)
    assert np.abs(places(found, codes) - expected).max() < 1e-6


def test_the_skin_follows_the_bones(tmp_path: Path) -> None:
    """Points as UsdSkel skins them stay as far from their joint as at rest: it moves rigidly with what carries it."""
    animation = animated(made_motion(3, seed=3))
    write_usd(animation, tmp_path / "a.usdc")
    stage, found = query(tmp_path / "a.usdc")
    from pxr import Usd, UsdGeom, UsdSkel, Vt

    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/Figure/Body"))
    cache = UsdSkel.Cache()
    cache.Populate(UsdSkel.Root(stage.GetDefaultPrim()), Usd.PrimDefaultPredicate)
    skin = cache.GetSkinningQuery(mesh.GetPrim())
    rest = np.array(mesh.GetPointsAttr().Get())
    indices, weights = (np.array(values).reshape(-1, 2) for values in skin.ComputeVaryingJointInfluences(len(rest)))
    at_rest = np.array([list(m.ExtractTranslation()) for m in found.GetJointWorldBindTransforms()])
    for code in (0.0, 2.0):
        points = Vt.Vec3fArray.FromNumpy(rest.astype(np.float32))
        assert skin.ComputeSkinnedPoints(found.ComputeSkinningTransforms(code), points, code)
        now = places(found, [code])[0]
        one = weights[:, 0] > 0.9999
        assert one.sum() > 500
        joint = indices[one, 0]
        before = np.linalg.norm(rest[one] - at_rest[joint], axis=1)
        after = np.linalg.norm(np.array(points)[one] - now[joint], axis=1)
        assert np.abs(before - after).max() < 1e-5
    extent = np.array(UsdGeom.Boundable(stage.GetDefaultPrim()).GetExtentAttr().Get())
    assert (np.array(points) >= extent[0]).all()
    assert (np.array(points) <= extent[1]).all()


def test_validators_and_axes(tmp_path: Path) -> None:
    animation = dataclasses.replace(animate(made_motion(3)), contacts={"l_toe": [[0, 1]]}, notes=('a "note"',))
    write_usd(animation, tmp_path / "a.usda")
    stage, _ = query(tmp_path / "a.usda")
    from pxr import UsdGeom, UsdValidation

    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    data = dict(stage.GetRootLayer().customLayerData)
    assert list(data["notes"]) == ['a "note"']
    assert list(data["contacts"]["l_toe"]) == [0, 1]
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    problems = UsdValidation.ValidationContext(validators).Validate(stage)
    assert [problem.GetMessage() for problem in problems] == []


def test_names_become_identifiers(tmp_path: Path) -> None:
    animation = animate(made_motion(2))
    names = {"Hips": "mixamorig:Hips", "Spine": "Spine 1", "LowerBack": "Spine:1", "Head": "1st"}
    renamed = dataclasses.replace(animation, names=tuple(names.get(name, name) for name in animation.names), roles={})
    write_usd(renamed, tmp_path / "a.usda")
    _, found = query(tmp_path / "a.usda")
    last = [str(path).split("/")[-1] for path in found.GetJointOrder()]
    assert {"mixamorig_Hips", "Spine_1", "Spine_1_2", "_1st"} <= set(last)


def test_what_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    animation = animate(made_motion(2))
    with pytest.raises(OutputError, match=r"USD files end in \.usda or \.usdc"):
        write_usd(animation, tmp_path / "a.usdz")
    monkeypatch.setitem(sys.modules, "pxr", None)
    with pytest.raises(MissingExtraError, match=r"'usd-core', which is not installed: pip install 'maquette\[usd\]'"):
        write_usd(animation, tmp_path / "a.usda")
    assert not list(tmp_path.iterdir())
