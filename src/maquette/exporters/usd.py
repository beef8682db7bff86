"""Animation to USD: a UsdSkel skeleton, its animation, and a skinned body. Needs ``usd-core``."""

# The modules of pxr are compiled and have no type stubs.
# pyright: reportAttributeAccessIssue=false

import re
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

import maquette
from maquette.atomic import atomic_path
from maquette.errors import OutputError, missing_extra
from maquette.exporters.body import Body, make_body
from maquette.exporters.body_landmarks import standing_rest
from maquette.exporters.glb import COLOURS
from maquette.formats.unique_names import unique_names
from maquette.geometry.rotations import quat_to_matrix
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.forward import node_positions_m

_SUFFIXES = (".usda", ".usdc")


def write_usd(animation: RigAnimation, path: str | Path) -> None:
    """Write a USD file: text for ``.usda``, binary for ``.usdc``.

    Metres, Y up, one time code for each frame from 0, so that an editor counts frames and plays them at their rate.
    ``/Figure`` (a SkelRoot, the default prim) holds ``Rig`` (Skeleton), ``Rig/Motion`` (SkelAnimation) and ``Body``
    (Mesh with the rig's joints as weights, three materials). The rest and bind pose is that of the rig, on the ground.
    The layer's custom data has the scale, contacts and notes. Uneven times are kept: the time code is the second times
    the rate.

    Raises:
        MissingExtraError: ``usd-core`` is not installed.
        OutputError: another suffix, or it cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() not in _SUFFIXES:
        raise OutputError(f"{target}: USD files end in {' or '.join(_SUFFIXES)}")
    try:
        from pxr import Sdf, Tf, Usd, UsdGeom
    except ImportError as error:
        raise missing_extra("usd", "usd-core", error) from None
    with atomic_path(target) as temporary:
        layer = Sdf.Layer.CreateAnonymous(target.suffix.lower())
        stage = Usd.Stage.Open(layer)
        UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
        UsdGeom.SetStageMetersPerUnit(stage, 1.0)
        _fill(stage, animation)
        layer.customLayerData = _custom_data(animation)
        try:
            written = layer.Export(str(temporary))
        except Tf.ErrorException as error:
            raise OutputError(f"{target}: USD could not write the file; is there room on the disk?") from error
        if not written:
            raise OutputError(f"{target}: USD could not write the file")


def _custom_data(animation: RigAnimation) -> dict[str, Any]:
    from pxr import Vt

    return {
        "generator": f"Maquette {maquette.__version__}",
        "fps": str(animation.fps),
        "skeleton": animation.skeleton.name,
        "rig": animation.rig,
        "scale_source": animation.scale_source,
        "contacts": {
            _identifier(joint): Vt.IntArray([frame for stand in stands for frame in stand])
            for joint, stands in animation.contacts.items()
            if stands
        },
        "notes": Vt.StringArray(list(animation.notes)),
    }


def _fill(stage: Any, animation: RigAnimation) -> None:
    """All prims of the stage."""
    from pxr import Usd, UsdSkel

    codes = _time_codes(animation)
    stage.SetTimeCodesPerSecond(float(animation.fps))
    stage.SetFramesPerSecond(float(animation.fps))
    stage.SetStartTimeCode(float(codes[0]))
    stage.SetEndTimeCode(float(codes[-1]))
    figure = UsdSkel.Root.Define(stage, "/Figure")
    stage.SetDefaultPrim(figure.GetPrim())
    # What the figure is to tools that look for models.
    Usd.ModelAPI(figure.GetPrim()).SetKind("component")
    joints = joint_paths(animation)
    skeleton = _skeleton(stage, animation, joints)
    _motion(stage, animation, joints, codes)
    animated = UsdSkel.BindingAPI.Apply(skeleton.GetPrim())
    animated.CreateAnimationSourceRel().SetTargets(["/Figure/Rig/Motion"])
    # The box that holds the figure throughout, so that nothing has to be computed to show it.
    body = make_body(animation)
    figure.CreateExtentAttr(_extent(animation, body))
    _body(stage, body)


def joint_paths(animation: RigAnimation) -> list[str]:
    """Joints as UsdSkel names them: the path from the root, each name a USD identifier, unique."""
    names = unique_names([_identifier(name) for name in animation.names])
    paths: list[str] = []
    for name, parent in zip(names, animation.parents, strict=True):
        paths.append(name if parent < 0 else f"{paths[parent]}/{name}")
    return paths


def _identifier(name: str) -> str:
    """Letters, digits and underscores, not beginning with a digit."""
    clean = re.sub(r"[^A-Za-z0-9_]", "_", name) or "joint"
    return f"_{clean}" if clean[0].isdigit() else clean


def _time_codes(animation: RigAnimation) -> Float[np.ndarray, " frames"]:
    if animation.times_s is not None:
        return animation.times_s * float(animation.fps)
    return np.arange(len(animation.rotations), dtype=np.float64)


def _skeleton(stage: Any, animation: RigAnimation, joints: list[str]) -> Any:
    from pxr import UsdSkel, Vt

    places, orientations = standing_rest(animation)
    local = animation.rest_offsets_m.copy()
    local[0] = places[0]
    skeleton = UsdSkel.Skeleton.Define(stage, "/Figure/Rig")
    skeleton.CreateJointsAttr(joints)
    skeleton.CreateJointNamesAttr(list(animation.names))
    skeleton.CreateRestTransformsAttr(Vt.Matrix4dArray.FromNumpy(_matrices(local, animation.local_rest())))
    skeleton.CreateBindTransformsAttr(Vt.Matrix4dArray.FromNumpy(_matrices(places, orientations)))
    return skeleton


def _matrices(places_m: Float[np.ndarray, "joints 3"], rotations: Float[np.ndarray, "joints 4"]) -> np.ndarray:
    """Transforms as USD has them: for row vectors, the translation in the last row."""
    matrices = np.tile(np.eye(4), (len(places_m), 1, 1))
    matrices[:, :3, :3] = np.swapaxes(quat_to_matrix(rotations), -1, -2)
    matrices[:, 3, :3] = places_m
    return matrices


def _motion(stage: Any, animation: RigAnimation, joints: list[str], codes: Float[np.ndarray, " frames"]) -> None:
    """Rotations at every frame; of the translations, which UsdSkel wants for all joints at once, the root's moves."""
    from pxr import Gf, UsdSkel, Vt

    motion = UsdSkel.Animation.Define(stage, "/Figure/Rig/Motion")
    motion.CreateJointsAttr(joints)
    motion.CreateScalesAttr(Vt.Vec3hArray(len(joints), Gf.Vec3h(1.0)))
    rotations, translations = motion.CreateRotationsAttr(), motion.CreateTranslationsAttr()
    places = animation.rest_offsets_m.astype(np.float32)
    turns = animation.rotations[..., [1, 2, 3, 0]].astype(np.float32)
    for frame, code in enumerate(codes):
        places[0] = animation.root_positions_m[frame]
        # As NumPy arrays, USD has the real part of a quaternion last.
        rotations.Set(Vt.QuatfArray.FromNumpy(np.ascontiguousarray(turns[frame])), float(code))
        translations.Set(Vt.Vec3fArray.FromNumpy(places), float(code))


def _extent(animation: RigAnimation, body: Body) -> Any:
    """Two corners of a box around the body in all frames: around all joints, wider by the body's reach from its own."""
    from pxr import Vt

    places, _ = standing_rest(animation)
    reach = float(np.linalg.norm(body.vertices_m - places[body.bones[:, 0]], axis=-1).max())
    joints, _ = node_positions_m(animation)
    corners = np.stack((joints.min(axis=(0, 1)) - reach, joints.max(axis=(0, 1)) + reach))
    return Vt.Vec3fArray.FromNumpy(corners.astype(np.float32))


def _body(stage: Any, body: Body) -> None:
    from pxr import Sdf, UsdGeom, UsdShade, UsdSkel, Vt

    mesh = UsdGeom.Mesh.Define(stage, "/Figure/Body")
    points = body.vertices_m.astype(np.float32)
    triangles = np.concatenate(list(body.triangles.values())).astype(np.int32)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(points))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray(len(triangles), 3))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(triangles.reshape(-1)))
    mesh.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(body.normals.astype(np.float32)))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(np.stack((points.min(axis=0), points.max(axis=0)))))
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateSkeletonRel().SetTargets(["/Figure/Rig"])
    binding.CreateJointIndicesPrimvar(False, 2).Set(Vt.IntArray.FromNumpy(body.bones.astype(np.int32).reshape(-1)))
    weights = body.weights.astype(np.float32).reshape(-1)
    binding.CreateJointWeightsPrimvar(False, 2).Set(Vt.FloatArray.FromNumpy(weights))
    first = 0
    for part, found in body.triangles.items():
        material = UsdShade.Material.Define(stage, f"/Figure/Materials/{part}")
        shader = UsdShade.Shader.Define(stage, f"/Figure/Materials/{part}/Surface")
        shader.CreateIdAttr("UsdPreviewSurface")
        shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).Set(COLOURS[part])
        shader.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(0.75)
        material.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
        faces = np.arange(first, first + len(found), dtype=np.int32)
        subset = UsdGeom.Subset.CreateGeomSubset(
            mesh, part, UsdGeom.Tokens.face, Vt.IntArray.FromNumpy(faces), UsdShade.Tokens.materialBind
        )
        UsdShade.MaterialBindingAPI.Apply(subset.GetPrim()).Bind(material)
        first += len(found)
    UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim())
    UsdShade.MaterialBindingAPI(mesh.GetPrim()).SetMaterialBindSubsetsFamilyType(UsdGeom.Tokens.partition)
