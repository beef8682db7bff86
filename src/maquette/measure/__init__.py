"""Numbers of a motion for people who work with movement: joint angles, steps, symmetry, smoothness, foot skate.

Each comes with its definition, its unit, how sure it is, and what in the data speaks against it.
"""

from maquette.measure.angle_definitions import ANGLES, AngleDefinition
from maquette.measure.angles import JointAngles, joint_angles
from maquette.measure.events import FootEvents, GaitEvents, gait_events
from maquette.measure.gait import gait_numbers
from maquette.measure.measurement import Measurement, measure_motion
from maquette.measure.number import Number
from maquette.measure.number_definitions import NUMBERS, NumberDefinition
from maquette.measure.smoothness import log_dimensionless_jerk, sparc
from maquette.measure.symmetry import symmetry_index
from maquette.measure.uncertainty import angle_sigma_deg, joint_sigma

__all__ = [
    "ANGLES",
    "NUMBERS",
    "AngleDefinition",
    "FootEvents",
    "GaitEvents",
    "JointAngles",
    "Measurement",
    "Number",
    "NumberDefinition",
    "angle_sigma_deg",
    "gait_events",
    "gait_numbers",
    "joint_angles",
    "joint_sigma",
    "log_dimensionless_jerk",
    "measure_motion",
    "sparc",
    "symmetry_index",
]
