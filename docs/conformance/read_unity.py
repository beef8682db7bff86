"""A motion's JSON by Maquette's C# reader, compiled with mcs and run by mono: ``python read_unity.py FILE RESULT.npz``.

Not Unity: the reader needs none, and the tests' program prints what it has read. Unity's left-handed X is turned back.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
SOURCES, STUB = ROOT / "src" / "maquette" / "plugins" / "unity", ROOT / "tests" / "plugins" / "unity_stub"

with tempfile.TemporaryDirectory() as folder:
    program = f"{folder}/program.exe"
    sources = [*map(str, sorted(SOURCES.glob("*.cs"))), *map(str, sorted(STUB.glob("*.cs")))]
    subprocess.run(["mcs", "-nowarn:0649", f"-out:{program}", *sources], check=True)
    ran = subprocess.run(["mono", program, "motion", sys.argv[1]], capture_output=True, text=True, check=True)
version = subprocess.run(["mono", "--version"], capture_output=True, text=True, check=True).stdout.split()[4]
head, *lines = ran.stdout.splitlines()
frames, joints, fps, *_ = (float(word) for word in head.split())
table = np.array([line.split() for line in lines], dtype=float).reshape(int(frames), int(joints), 7)
np.savez(
    sys.argv[2],
    program=f"our C# reader, mono {version} (not Unity)",
    names=np.array(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["skeleton"]["joints"]),
    positions_m=table[..., :3] * [-1.0, 1.0, 1.0],
    fps=fps,
)
