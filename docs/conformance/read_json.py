"""A motion's JSON by Python's json alone: ``python read_json.py FILE RESULT.npz``. Unknown numbers are null there."""

import json
import sys
from fractions import Fraction
from pathlib import Path
from platform import python_version

import numpy as np

document = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
names = document["skeleton"]["joints"]
if "rows" in document:
    columns = [document["columns"].index(name) for name in ("frame", "joint", "x_m", "y_m", "z_m")]
    positions = np.full((document["frames"], len(names), 3), np.nan)
    for row in document["rows"]:
        frame, joint, *place = (row[column] for column in columns)
        positions[frame, names.index(joint)] = np.array(place, dtype=float)
else:
    positions = np.array(document["positions"], dtype=float)
np.savez(
    sys.argv[2],
    program=f"json of Python {python_version()}",
    names=np.array(names),
    positions_m=positions,
    fps=float(Fraction(document["fps"])),
)
