"""How results are written: the options that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro


@dataclass(frozen=True)
class Writing:
    """How files are written."""

    rig: Annotated[str | None, tyro.conf.arg(metavar="NAME|FILE")] = None
    """Animations: rig to put the motion on: maquette, cmu, mixamo, unity, vrm, unreal, smpl, or a .bvh, .glb or .vrm
    file with a skeleton."""
    rest_pose: Literal["T", "A"] = "T"
    """Animations: arms level (T) or lowered (A) in the rest pose of a named rig."""
    root_motion: Literal["travel", "in-place"] = "travel"
    """Animations: whether the root goes through space or stays above one spot."""
    foot_lock: bool | None = None
    """Animations: hold feet while they stand. Default: where the rig's proportions are not the person's."""
    bvh_preset: Literal["blender", "motionbuilder", "3dsmax", "maya"] | None = None
    """Rotation order, unit and names for the BVH import of a program."""
    rotation_order: Literal["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"] | None = None
    """Order of the rotation channels in .bvh output; default: the preset's, or ZXY."""
    unit: Literal["m", "cm", "mm", "inch"] | None = None
    """Unit of length; default: the preset's, or the format's (cm in .bvh, m in .trc, mm in .c3d)."""
    layout: Literal["wide", "long"] = "wide"
    """Tables (.csv .parquet .json): a row for each frame, or for each joint of each frame."""
    unity_text: Literal["unity-frames", "unity-pos", "unity-stream"] = "unity-pos"
    """.txt: which text format of existing Unity projects."""
    opensim_model: Literal["rajagopal2016", "gait2392"] = "rajagopal2016"
    """.mot: whose coordinates."""
    via_blender: Annotated[Path | None, tyro.conf.arg(metavar="PROGRAM")] = None
    """.fbx: Blender's program; default: the module bpy, or the Blender on the PATH."""

    def keywords(self) -> dict[str, Any]:
        """As :func:`maquette.exporters.write_motion` takes them."""
        return {
            "rig": self.rig,
            "rest_pose": self.rest_pose,
            "root_motion": self.root_motion,
            "foot_lock": self.foot_lock,
            "bvh_preset": self.bvh_preset,
            "rotation_order": self.rotation_order,
            "unit": self.unit,
            "layout": self.layout,
            "unity_text": self.unity_text,
            "opensim_model": self.opensim_model,
            "blender": self.via_blender,
        }


AS_USUAL = Writing()
