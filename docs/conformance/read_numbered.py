"""Files whose joints are numbers, by Python alone: ``python read_numbered.py FILE RESULT.npz FPS``.

``3d_data.json`` of 3d-pose-baseline's OpenPose fork, and the lines of ``pos.txt`` (number x y z, ...) and of the TCP
stream (51 numbers) that Unity projects read. All are millimetres, x to the right, y away, z up. They know no rate.
"""

import json
import sys
from pathlib import Path
from platform import python_version

import numpy as np

NUMBERS = {
    "hip": 0, "r_hip": 1, "r_knee": 2, "r_ankle": 3, "l_hip": 6, "l_knee": 7, "l_ankle": 8, "spine": 12, "thorax": 13,
    "nose": 14, "head": 15, "l_shoulder": 17, "l_elbow": 18, "l_wrist": 19, "r_shoulder": 25, "r_elbow": 26,
    "r_wrist": 27,
}  # fmt: skip
"""Number of each joint in Human3.6M's 32."""

text = Path(sys.argv[1]).read_text(encoding="utf-8")
if text.startswith("{"):
    frames = json.loads(text)
    table = [[frames[str(i)][str(n)]["translate"] for n in NUMBERS.values()] for i in range(len(frames))]
elif "," in text:
    lines = [
        {int(words[0]): [float(word) for word in words[1:]] for words in map(str.split, line.split(",")) if words}
        for line in text.splitlines()
    ]
    table = [[line[number] for number in NUMBERS.values()] for line in lines]
else:
    table = [np.array(line.split(), dtype=float).reshape(17, 3) for line in text.splitlines()]
x, y, z = np.moveaxis(np.array(table, dtype=float) / 1000, -1, 0)
np.savez(
    sys.argv[2],
    program=f"Python {python_version()}",
    names=np.array(list(NUMBERS)),
    positions_m=np.stack((x, z, -y), axis=-1),
    fps=float(sys.argv[3]),
)
