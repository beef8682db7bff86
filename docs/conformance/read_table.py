"""Tables as pandas understands them: ``python read_table.py FILE RESULT.npz``."""

import sys
from importlib.metadata import version

import numpy as np
import pandas

file, result = sys.argv[1], sys.argv[2]
table = pandas.read_parquet(file) if file.endswith(".parquet") else pandas.read_csv(file, comment="#")
if "joint" in table.columns:
    names = list(dict.fromkeys(table["joint"].astype(str)))
    frames = [
        table.pivot(index="frame", columns="joint", values=f"{axis}_m")[names].to_numpy(dtype=float) for axis in "xyz"
    ]
    positions, times = np.stack(frames, axis=-1), np.unique(table["time_s"])
else:
    names = [column.removesuffix("_x_m") for column in table.columns if column.endswith("_x_m")]
    columns = [[f"{name}_{axis}_m" for axis in "xyz"] for name in names]
    positions = np.stack([table[three].to_numpy(dtype=float) for three in columns], axis=1)
    times = table["time_s"].to_numpy()
np.savez(
    result,
    program=f"pandas {version('pandas')}",
    names=np.array(names),
    positions_m=positions,
    fps=(len(times) - 1) / (times[-1] - times[0]),
)
