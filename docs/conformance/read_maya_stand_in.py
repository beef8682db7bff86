"""What Maquette's Maya script builds in a stand-in for Maya: ``python read_maya_stand_in.py FILE RESULT.npz FPS``.

Not Maya: the module ``maya.cmds`` of the tests, which checks each call against Maya's documentation and composes the
joints' matrices with SciPy as that documentation says.
"""

import importlib
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "plugins"), str(ROOT / "src" / "maquette" / "plugins" / "maya")]
cmds = importlib.import_module("maya_stand_in").MayaStandIn()
package = ModuleType("maya")
package.__dict__["cmds"] = cmds
sys.modules.update({"maya": package, "maya.cmds": cmds})

file, result, fps = sys.argv[1], sys.argv[2], float(sys.argv[3])
made = importlib.import_module("maquette_maya").import_motion(file, fps=fps if file.endswith("3d_data.json") else None)
root = made.joints["hip"]
times = [time for time, _ in cmds.keys[f"{root}.translateX"]]
names = [name for name in made.joints if not name.endswith("_base")]
places = [[cmds.world(made.joints[name], time)[:3, 3] for name in names] for time in times]
turned = [node for node in made.joints.values() if f"{node}.rotateX" in cmds.keys]
angles = [[[value for _, value in cmds.keys[f"{node}.rotate{axis}"]] for axis in "XYZ"] for node in turned]
np.savez(
    result,
    program=f"our script in a stand-in for Maya, SciPy {version('scipy')} (not Maya)",
    names=np.array(names),
    positions_m=np.array(places),
    eulers_deg=np.array(angles).transpose(2, 0, 1),
    fps=(len(times) - 1) / (times[-1] - times[0]),
)
