"""A motion's archive by NumPy alone, without pickles: ``python read_npz.py FILE RESULT.npz``."""

import json
import sys

import numpy as np

with np.load(sys.argv[1], allow_pickle=False) as stored:
    np.savez(
        sys.argv[2],
        program=f"NumPy {np.__version__}",
        names=np.array(json.loads(str(stored["metadata"]))["skeleton"]["joints"]),
        positions_m=stored["positions"],
        fps=stored["fps_numerator"] / stored["fps_denominator"],
    )
