"""A TRC file as OpenSim understands it: ``python read_trc.py FILE RESULT.npz``.

OpenSim's ground (X forward, Y up, Z right) becomes Y up and Z forward.
"""

import sys

import numpy as np
import opensim

opensim.Logger.setLevelString("Off")
table = opensim.TimeSeriesTableVec3(sys.argv[1])
unit = {"m": 1.0, "mm": 0.001, "cm": 0.01}[table.getTableMetaDataString("Units")]
names = list(table.getColumnLabels())
rows = range(table.getNumRows())
positions = np.array([[table.getRowAtIndex(row)[i].to_numpy() for i in range(len(names))] for row in rows])
positions = np.stack((-positions[..., 2], positions[..., 1], positions[..., 0]), axis=-1)
times = np.array(table.getIndependentColumn())
np.savez(
    sys.argv[2],
    program=f"OpenSim {opensim.GetVersion().split('-')[0]}",
    names=np.array(names),
    positions_m=positions * unit,
    fps=(len(times) - 1) / (times[-1] - times[0]),
)
