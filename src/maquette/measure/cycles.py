"""Angles over the gait cycle: every stride stretched to 0 to 100 percent."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from maquette.measure.angles import JointAngles
from maquette.measure.events import GaitEvents
from maquette.measure.gait import strides_s

POINTS = 101


@dataclass(frozen=True, eq=False)
class AngleCycle:
    """One angle over the strides of one foot."""

    name: str
    foot: str
    """``l_`` or ``r_``: whose landings begin and end the strides. Of the midline the right."""
    strides_deg: Float[np.ndarray, "strides 101"]
    """From landing (0 %) to landing (100 %)."""

    @property
    def mean_deg(self) -> Float[np.ndarray, "101"]:
        return self.strides_deg.mean(axis=0)

    @property
    def sd_deg(self) -> Float[np.ndarray, "101"]:
        """Standard deviation over the strides; NaN of one stride."""
        if len(self.strides_deg) < 2:
            return np.full(POINTS, np.nan)
        return self.strides_deg.std(axis=0, ddof=1)


def angle_cycles(angles: JointAngles, events: GaitEvents) -> dict[str, AngleCycle]:
    """Angle -> its cycles, linear between frames; strides with unknown values are left out, and angles without
    a stride."""
    cycles = {}
    for column, name in enumerate(angles.names):
        foot = name[:2] if name[:2] in events.feet else "r_"
        values, strides = angles.values_deg[:, column], []
        for start, end in strides_s(events.feet[foot]):
            curve = np.interp(np.linspace(start, end, POINTS), angles.times_s, values)
            inside = (angles.times_s >= start) & (angles.times_s <= end)
            if np.isfinite(curve).all() and not (np.abs(np.diff(values[inside])) > 180.0).any():
                strides.append(curve)
        if strides:
            cycles[name] = AngleCycle(name, foot, np.stack(strides))
    return cycles
