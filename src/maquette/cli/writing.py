"""How results are written: the options that several commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from maquette.cli.options import refuse_own_input
from maquette.errors import InputError

_TABLES = (".csv", ".parquet", ".json")
_ANIMATIONS = (".bvh", ".glb", ".vrma", ".fbx", ".usda", ".usdc", "_smpl.npz")
_FORMATS = {
    "rig": _ANIMATIONS,
    "rest_pose": _ANIMATIONS,
    "root_motion": _ANIMATIONS,
    "foot_lock": _ANIMATIONS,
    "bvh_preset": (".bvh",),
    "rotation_order": (".bvh",),
    "unit": (".bvh", ".trc", ".c3d"),
    "layout": _TABLES,
    "unity_text": (".txt",),
    "opensim_model": (".mot",),
    "via_blender": (".fbx",),
}
"""Which formats each option is for."""
_NO_INCHES = (".trc", ".c3d")


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
    """Animations: hold feet still while they stand. Default: for lifted motions, and where the rig's proportions are
    not the person's; recorded motions keep their exact positions."""
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

    def check(self, outputs: tuple[Path, ...], *inputs: Path | None) -> None:
        """Refuse outputs that cannot be written, before any work is done.

        Raises:
            InputError: there is none, two results would be one file, one is an input, or the unit is none of the
                format's.
            MissingExtraError: the package that writes such a file is not installed.
            OutputError: a path cannot be written (:func:`maquette.exporters.check_output`), or there is no Blender for
                an .fbx.
        """
        from maquette.exporters import check_output
        from maquette.exporters.fbx import blender_command
        from maquette.exporters.writers import format_of
        from maquette.readers.motion_trc import confidence_path

        if not outputs:
            raise InputError("no output given: add for example -o walk.bvh (repeat -o for several files)")
        for out in outputs:
            check_output(out)
            if format_of(out) == ".fbx":
                blender_command(self.via_blender)
        tables = tuple(confidence_path(out) for out in outputs if format_of(out) == ".trc")
        written: set[Path] = set()
        for out in (*outputs, *tables):
            if out.resolve() in written:
                beside = ", the table that stands beside a .trc" if out in tables else ""
                raise InputError(f"{out}: two results would be written to this file{beside}; give each its own name")
            written.add(out.resolve())
        refuse_own_input((*outputs, *tables), *inputs)
        wrong = [str(out) for out in outputs if self.unit == "inch" and format_of(out) in _NO_INCHES]
        if wrong:
            raise InputError(f"--unit inch: {', '.join(wrong)} is written in m, cm or mm; write it on its own")

    def without_effect(self, outputs: tuple[Path, ...]) -> list[str]:
        """A sentence for each option that none of the outputs takes."""
        from maquette.exporters.writers import format_of

        kinds = {format_of(out) for out in outputs}
        return [
            f"--{name.replace('_', '-')} has no effect here: it is for {' '.join(formats)}"
            for name, formats in _FORMATS.items()
            if getattr(self, name) != getattr(AS_USUAL, name) and kinds.isdisjoint(formats)
        ]


AS_USUAL = Writing()
