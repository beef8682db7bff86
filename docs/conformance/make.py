"""Make docs/benchmarks/conformance.md: every format written by Maquette and read by a program that is not Maquette.

    python docs/conformance/make.py --others PYTHON --blender PYTHON --opensim PYTHON --node FOLDER --rigs FILE ...

Each option is another environment, so that nothing of theirs has to fit together or with ours:

* ``--others``: ``pip install pybvh bvhio pygltflib scipy c3d pandas pyarrow ufbx usd-core``
* ``--blender``: ``pip install bpy`` (Blender as a module)
* ``--opensim``: ``pip install opensim``
* ``--node``: folder in which ``npm install gltf-validator three @pixiv/three-vrm @pixiv/three-vrm-animation`` was run;
  its pages are run by Chromium and the package playwright
* ``--rigs``: BVH files of any figures, onto which the motions are put

The plugins' readers need ``mcs`` and ``mono``. What is left out is not in the table. Two motions are used: the demo's
performance, and one in which every joint turns far (upside down among others). The error is the largest distance
between any joint of the motion and where the other program has it, over all frames.
"""

import argparse
import logging
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from checks import CHECKS, rig_checks
from programs import Environments, row

from maquette import __version__
from maquette.demo.choreography import perform
from maquette.exporters import write_motion
from maquette.motion import Motion
from maquette.rig.rigs import RIGS

HERE = Path(__file__).parent
PAGE, TEXT = HERE.parent / "benchmarks" / "conformance.md", HERE / "page.txt"
sys.path.insert(0, str(HERE.parents[1] / "tests"))


def clips() -> dict[str, Motion]:
    """The two motions."""
    from made_body import made_motion  # pyright: ignore[reportMissingImports]

    # The demo's figure has landmarks of a face beside the joints that rigs have.
    logging.getLogger("maquette").setLevel(logging.ERROR)
    return {"demo": perform().motion, "far turns": made_motion(150, seed=4)}


def validator_rows(motion: Motion, folder: Path, node: Path) -> list[str]:
    """Khronos' validator on GLB and VRMA files of every rig."""
    lines = []
    for suffix, rigs in ((".glb", (*RIGS,)), (".vrma", ("vrm",))):
        for rig in rigs:
            path = folder / f"rig_{rig}{suffix}"
            write_motion(motion, path, rig=rig)
            words = ["node", str(HERE / "validate_gltf.mjs"), "--modules", str(node), str(path)]
            ran = subprocess.run(words, capture_output=True, text=True, check=False)
            if ran.returncode > 1:
                raise SystemExit(f"{' '.join(words)}\n{ran.stderr}")
            program = ran.stderr.partition("validator ")[2].split()[0]
            lines.append(f"| `{suffix}` | rig {rig} | {program} | {ran.stdout.strip().partition(': ')[2]} |")
            print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Run all checks whose programs are there, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("others", "blender", "opensim", "node"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--rigs", nargs="*", type=Path, default=[])
    parser.add_argument("--only", default="", help="suffix, for trying; nothing is written then")
    given = parser.parse_args()
    where = Environments(
        given.others, given.blender, given.opensim, str(Path(given.node).resolve() if given.node else "")
    )
    checks = CHECKS + rig_checks(given.rigs)
    motions = clips()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for check in checks:
            has_mono = check.script != "read_unity.py" or (shutil.which("mcs") and shutil.which("mono"))
            has_blender = check.suffix != ".fbx" or where.blender
            is_wanted = given.only in ("", check.suffix)
            if where.python(check.environment) and has_mono and has_blender and is_wanted:
                rows.append(row(check, motions, folder, where))
                print(rows[-1], flush=True)
        valid = validator_rows(motions["demo"], folder, Path(given.node)) if given.node and not given.only else []
    if not given.only:
        PAGE.write_text(page(rows, valid), encoding="utf-8")


def page(rows: list[str], valid: list[str]) -> str:
    """The text of the page."""
    text = TEXT.read_text(encoding="utf-8")
    for name, value in (("version", __version__), ("rows", "\n".join(rows)), ("valid", "\n".join(valid))):
        text = text.replace(f"{{{name}}}", value)
    return text


if __name__ == "__main__":
    main()
