"""Make docs/benchmarks/conformance.md: every format written by Maquette and read by a program that is not Maquette.

    python docs/conformance/make.py --others PYTHON --blender PYTHON --opensim PYTHON --node FOLDER

Each option is another environment, so that nothing of theirs has to fit together or with ours:

* ``--others``: ``pip install pybvh bvhio pygltflib scipy c3d pandas pyarrow ufbx``
* ``--blender``: ``pip install bpy`` (Blender as a module)
* ``--opensim``: ``pip install opensim``
* ``--node``: folder in which ``npm install gltf-validator`` was run

What is left out is not in the table. Two motions are used: the demo's performance, and one in which every joint turns
far (upside down among others). The error is the largest distance between any joint of the motion and where the other
program has it, over all frames.
"""

import argparse
import logging
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from measure import Seen, joint_error_mm, largest_jump_deg, rest_pose

from maquette import __version__
from maquette.demo.choreography import perform
from maquette.exporters import write_motion
from maquette.exporters.bvh_presets import BVH_PRESETS, BvhPreset
from maquette.exporters.choices import PER_METRE
from maquette.motion import Motion
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.choice import animated
from maquette.rig.rigs import RIGS

HERE = Path(__file__).parent
PAGE = HERE.parent / "benchmarks" / "conformance.md"
sys.path.insert(0, str(HERE.parents[1] / "tests"))


@dataclass(frozen=True)
class Check:
    """One way of writing, and who reads it."""

    suffix: str
    reader: str
    """``environment script``."""
    label: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    metre_per_unit: float = 0.01
    """Of BVH files, whose unit is not in them."""

    @property
    def is_animation(self) -> bool:
        return self.suffix in (".bvh", ".glb", ".fbx", ".usda")


ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")
CHECKS: tuple[Check, ...] = (
    *(Check(".bvh", "others read_bvh.py", order, {"rotation_order": order}) for order in ORDERS),
    Check(".bvh", "others read_bvh_bvhio.py", "ZXY"),
    *(Check(".bvh", "blender blender_check.py", order, {"rotation_order": order}) for order in ORDERS),
    *(
        Check(".bvh", "blender blender_check.py", f"preset {name}", {"bvh_preset": name}, 1 / PER_METRE[preset.unit])
        for name, preset in BVH_PRESETS.items()
    ),
    Check(".bvh", "blender blender_check.py", "unit inch", {"unit": "inch"}, 1 / PER_METRE["inch"]),
    *(Check(".bvh", "blender blender_check.py", f"rig {name}", {"rig": name}) for name in RIGS if name != "maquette"),
    Check(".glb", "others read_glb.py"),
    Check(".glb", "blender blender_check.py"),
    *(Check(".glb", "blender blender_check.py", f"rig {name}", {"rig": name}) for name in ("mixamo", "unreal")),
    Check(".fbx", "others read_fbx.py"),
    Check(".fbx", "others read_fbx.py", "rig unreal", {"rig": "unreal"}),
    Check(".fbx", "blender blender_check.py --importer fbx", "add-on importer"),
    Check(".fbx", "blender blender_check.py --importer fbx-ufbx", "built-in importer"),
    Check(".usda", "blender blender_check.py"),
    Check(".c3d", "others read_c3d.py"),
    Check(".trc", "opensim read_trc.py", "m"),
    Check(".trc", "opensim read_trc.py", "mm", {"unit": "mm"}),
    Check(".csv", "others read_table.py", "wide"),
    Check(".csv", "others read_table.py", "long", {"layout": "long"}),
    Check(".parquet", "others read_table.py", "wide"),
    Check(".parquet", "others read_table.py", "long", {"layout": "long"}),
)


def motions() -> dict[str, Motion]:
    """The two clips."""
    from made_body import made_motion

    # The demo's figure has landmarks of a face beside the joints that rigs have.
    logging.getLogger("maquette").setLevel(logging.ERROR)
    return {"demo": perform().motion, "far turns": made_motion(150, seed=4)}


def seen_of(check: Check, path: Path, motion: Motion, pythons: dict[str, str]) -> Seen:
    """The file as the other program has it."""
    environment, script, *options = check.reader.split()
    result = path.with_suffix(".seen.npz")
    words = [pythons[environment], str(HERE / script), str(path), str(result), *options]
    if script.startswith("read_bvh"):
        words.append(str(check.metre_per_unit))
    elif script == "read_fbx.py":
        words += [str(motion.n_frames), str(float(motion.fps))]
    elif script == "blender_check.py" and check.suffix == ".bvh":
        words += ["--scale", str(check.metre_per_unit)]
    elif script == "blender_check.py" and check.suffix == ".glb":
        words += ["--fps", str(float(motion.fps))]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{' '.join(words)}\n{ran.stdout}{ran.stderr}")
    if environment != "blender":
        return Seen.load(str(result))
    with np.load(result) as stored:
        return Seen(
            f"Blender {stored['blender']}",
            tuple(str(name) for name in stored["names"]),
            stored["heads"],
            stored["rest_heads"],
            None,
            float(stored["fps"]),
        )


def blender_program(folder: Path, python: str) -> Path:
    """A program that takes the options of Blender's and runs its module instead."""
    program = folder / "blender"
    program.write_text(f'#!/bin/sh\nwhile [ "$1" != --python ]; do shift; done\nshift\nexec {python} "$@"\n')
    program.chmod(0o755)
    return program


def own_names(names: tuple[str, ...], animation: RigAnimation, preset: BvhPreset) -> tuple[str, ...]:
    """The rig's names of joints that a preset has renamed."""
    renamed = {theirs: animation.roles[bone] for bone, theirs in preset.names.items() if bone in animation.roles}
    return tuple(renamed.get(name, name) for name in names)


def row(check: Check, folder: Path, pythons: dict[str, str]) -> str:
    """One line of the table: the worse of the two motions."""
    errors, rests, jumps, program = [], [], [], ""
    for name, motion in motions().items():
        options = dict(check.options)
        path = folder / f"{name.replace(' ', '_')}_{check.label.replace(' ', '_')}{check.suffix}"
        if check.suffix == ".fbx":
            options["blender"] = blender_program(folder, pythons["blender"])
        write_motion(motion, path, **options)
        seen = seen_of(check, path, motion, pythons)
        program = seen.program
        animation = animated(motion, rig=options.get("rig")) if check.is_animation else None
        if animation is not None and "bvh_preset" in options:
            seen = replace(seen, names=own_names(seen.names, animation, BVH_PRESETS[options["bvh_preset"]]))
        errors.append(joint_error_mm(seen, motion, animation))
        rests.append(rest_pose(seen, animation) if animation else "-")
        jumps.append(largest_jump_deg(seen, animation) if animation else "-")
        # Blender's import of USD leaves the scene's rate as it is.
        if check.suffix != ".usda" and abs(seen.fps / float(motion.fps) - 1) > 1e-3:
            raise SystemExit(f"{path.name}: {program} reads {seen.fps} frames a second, expected {motion.fps}")
    worst_rest = next((rest for rest in rests if rest not in ("T", "-")), rests[0])
    worst_jump = next((jump for jump in jumps if jump not in ("none", "-")), jumps[0])
    line = f"| `{check.suffix}` | {check.label} | {program} | {max(errors):.4f} | {worst_rest} | {worst_jump} |"
    print(line, flush=True)
    return line


def validator_rows(folder: Path, node: Path) -> list[str]:
    """Khronos' validator on GLB and VRMA files of every rig."""
    lines = []
    for suffix, rigs in ((".glb", (*RIGS,)), (".vrma", ("vrm",))):
        for rig in rigs:
            path = folder / f"rig_{rig}{suffix}"
            write_motion(motions()["demo"], path, rig=rig)
            words = ["node", str(HERE / "validate_gltf.mjs"), str(path)]
            ran = subprocess.run(
                words,
                capture_output=True,
                text=True,
                check=False,
                env={"PATH": "/usr/bin:/bin:/usr/local/bin", "NODE_PATH": str(node / "node_modules")},
            )
            lines.append(f"| `{suffix}` | rig {rig} | {ran.stdout.strip().partition(': ')[2]} |")
            print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Run all checks whose programs are there, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("others", "blender", "opensim", "node"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--only", default="", help="suffix, for trying; nothing is written then")
    given = parser.parse_args()
    pythons = {name: getattr(given, name) for name in ("others", "blender", "opensim") if getattr(given, name)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [
            row(check, folder, pythons)
            for check in CHECKS
            if check.reader.split()[0] in pythons and given.only in ("", check.suffix)
        ]
        valid = validator_rows(folder, Path(given.node)) if given.node and not given.only else []
    if not given.only:
        PAGE.write_text(page(rows, valid), encoding="utf-8")


def page(rows: list[str], valid: list[str]) -> str:
    """The text of the page."""
    return "\n".join(
        [
            "# Conformance of files",
            "",
            f"Written by Maquette {__version__}, read by programs that are not Maquette; made by",
            "`docs/conformance/make.py`, which says how. Two motions: the demo's performance, and one in which every",
            "joint turns far, upside down among others. **Error**: the largest distance in any frame between a joint",
            "of the motion and where the program has it, in millimetres. **Rest**: whether arms are level and to the",
            "sides, left at +x, legs down and toes forward when all rotations are at rest. **Jumps**: of Euler angles",
            "from frame to frame that are not turns of the joint.",
            "",
            "| file | written as | read by | error in mm | rest | jumps |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            "## Khronos' validator",
            "",
            "| file | written on | errors, warnings |",
            "|---|---|---|",
            *valid,
            "",
        ]
    )


if __name__ == "__main__":
    main()
