"""A USD file as OpenUSD's UsdSkel computes it: ``python read_usd.py FILE RESULT.npz``."""

import sys

import numpy as np
from pxr import Usd, UsdGeom, UsdSkel

stage = Usd.Stage.Open(sys.argv[1])
if UsdGeom.GetStageUpAxis(stage) != "Y":
    raise SystemExit(f"{sys.argv[1]}: up is {UsdGeom.GetStageUpAxis(stage)}, expected Y")
cache = UsdSkel.Cache()
cache.Populate(UsdSkel.Root(stage.GetDefaultPrim()), Usd.PrimDefaultPredicate)
(skeleton,) = [prim for prim in stage.Traverse() if prim.IsA(UsdSkel.Skeleton)]
query = cache.GetSkelQuery(UsdSkel.Skeleton(skeleton))
metre = UsdGeom.GetStageMetersPerUnit(stage)


def places(code: float, rest: bool) -> list[list[float]]:
    matrices = query.ComputeJointWorldTransforms(UsdGeom.XformCache(code), rest)
    return [list(matrix.ExtractTranslation()) for matrix in matrices]


codes = query.GetAnimQuery().GetJointTransformTimeSamples()
np.savez(
    sys.argv[2],
    program=f"OpenUSD {'.'.join(map(str, Usd.GetVersion()[1:]))}",
    names=np.array(list(UsdSkel.Skeleton(skeleton).GetJointNamesAttr().Get())),
    positions_m=np.array([places(code, False) for code in codes]) * metre,
    rest_m=np.array(places(codes[0], True)) * metre,
    fps=stage.GetTimeCodesPerSecond(),
)
