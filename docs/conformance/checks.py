"""The rows of the conformance table: what is written how, and which script of which environment reads it."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from maquette.exporters.bvh_presets import BVH_PRESETS
from maquette.exporters.choices import PER_METRE
from maquette.rig.rigs import RIGS

ON_RIGS = {".bvh": None, ".glb": None, ".fbx": None, ".usda": None, ".usdc": None, ".vrma": "vrm", "_smpl.npz": "smpl"}
"""Formats that hold rotations on a rig -> the rig that they are written on when nothing is said."""


@dataclass(frozen=True)
class Check:
    """One way of writing, and who reads it."""

    suffix: str
    """Or end of the name."""
    reader: str
    """``environment script options``."""
    label: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    metre_per_unit: float = 0.01
    """Of BVH files, whose unit is not in them."""
    clip: str = ""
    """The one motion that is written; all where it is empty."""
    rate: Fraction | None = None
    """Rate that the motions are played at before they are written, where a format knows one only."""

    @property
    def environment(self) -> str:
        return self.reader.split()[0]

    @property
    def script(self) -> str:
        return self.reader.split()[1]

    @property
    def is_animation(self) -> bool:
        return self.suffix in ON_RIGS

    @property
    def rig(self) -> str | Path | None:
        return self.options.get("rig", ON_RIGS.get(self.suffix))

    @property
    def is_on_a_file(self) -> bool:
        """Whether the rig is another figure's, so that its joints are not the person's."""
        return isinstance(self.rig, Path)


ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
INCH, BLENDER = 1 / PER_METRE["inch"], "blender blender_check.py"
LONG = {"layout": "long"}
CHECKS: tuple[Check, ...] = (
    *(Check(".bvh", "others read_bvh.py", order, {"rotation_order": order}) for order in ORDERS),
    Check(".bvh", "others read_bvh.py", "unit inch", {"unit": "inch"}, INCH),
    Check(".bvh", "others read_bvh_bvhio.py", "ZXY"),
    *(Check(".bvh", BLENDER, order, {"rotation_order": order}) for order in ORDERS),
    *(
        Check(".bvh", BLENDER, f"preset {name}", {"bvh_preset": name}, 1 / PER_METRE[preset.unit])
        for name, preset in BVH_PRESETS.items()
    ),
    Check(".bvh", BLENDER, "unit inch", {"unit": "inch"}, INCH),
    *(
        Check(".bvh", f"{BLENDER} --rotations QUATERNION", label, options, metre)
        for label, options, metre in (
            ("unit inch", {"unit": "inch"}, INCH),
            ("preset 3dsmax", {"bvh_preset": "3dsmax"}, 1 / PER_METRE[BVH_PRESETS["3dsmax"].unit]),
            ("rig cmu", {"rig": "cmu"}, 0.01),
        )
    ),
    *(Check(".bvh", BLENDER, f"rig {name}", {"rig": name}) for name in RIGS if name != "maquette"),
    Check(".glb", "others read_glb.py"),
    Check(".glb", "node read_three.py"),
    Check(".glb", BLENDER),
    *(Check(".glb", BLENDER, f"rig {name}", {"rig": name}) for name in ("mixamo", "unreal")),
    Check(".vrma", "node read_three.py"),
    Check(".fbx", "others read_fbx.py"),
    Check(".fbx", "others read_fbx.py", "rig unreal", {"rig": "unreal"}),
    Check(".fbx", f"{BLENDER} --importer fbx", "add-on importer"),
    Check(".fbx", f"{BLENDER} --importer fbx-ufbx", "built-in importer"),
    *(Check(suffix, reader) for suffix in (".usda", ".usdc") for reader in ("others read_usd.py", BLENDER)),
    Check("_smpl.npz", "others read_smpl.py"),
    Check(".c3d", "others read_c3d.py"),
    Check(".trc", "opensim read_trc.py", "m"),
    Check(".trc", "opensim read_trc.py", "mm", {"unit": "mm"}),
    *(
        Check(".mot", "opensim read_mot.py", f"{model}, {clip}", {"opensim_model": model}, clip=clip)
        for model in ("rajagopal2016", "gait2392")
        for clip in ("far turns", "demo")
    ),
    *(
        Check(suffix, "others read_table.py", label, options)
        for suffix in (".csv", ".parquet")
        for label, options in (("wide", {}), ("long", LONG))
    ),
    Check(".npz", "others read_npz.py"),
    Check(".json", "others read_json.py", "wide"),
    Check(".json", "others read_json.py", "long", LONG),
    Check(".json", "blender read_addon.py"),
    Check(".json", "here read_unity.py"),
    Check(".json", "here read_maya_stand_in.py"),
    Check("3d_data.json", "others read_numbered.py"),
    Check("3d_data.json", "here read_maya_stand_in.py"),
    Check(".txt", "others read_numbered.py", "unity-pos", {"unity_text": "unity-pos"}, rate=Fraction(30)),
    Check(".txt", "others read_numbered.py", "unity-stream", {"unity_text": "unity-stream"}),
)


def rig_checks(files: list[Path]) -> tuple[Check, ...]:
    """Rows for figures from BVH files."""
    return tuple(
        Check(suffix, reader, f"rig of {file.name} ({file.parent.name})", {"rig": file})
        for file in files
        for suffix, reader in (
            (".bvh", BLENDER),
            (".bvh", f"{BLENDER} --rotations QUATERNION"),
            (".glb", "others read_glb.py"),
        )
    )
