"""Positions to rotations: local rotations of joints, the rest pose, rigs of other programs, and the rig that animation
files carry."""

from maquette.rig.animate import animate
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.choice import animated
from maquette.rig.foot_lock import lock_feet
from maquette.rig.forward import joint_positions_m, node_positions_m
from maquette.rig.human_motion import human_motion
from maquette.rig.rest import rest_offsets_m
from maquette.rig.rest_pose import with_rest_pose
from maquette.rig.retarget import retarget
from maquette.rig.rig_file import read_rig
from maquette.rig.rigs import RIGS
from maquette.rig.root_motion import in_place
from maquette.rig.solve import solve_rotations
from maquette.rig.target_rig import Rig

__all__ = [
    "RIGS",
    "Rig",
    "RigAnimation",
    "animate",
    "animated",
    "human_motion",
    "in_place",
    "joint_positions_m",
    "lock_feet",
    "node_positions_m",
    "read_rig",
    "rest_offsets_m",
    "retarget",
    "solve_rotations",
    "with_rest_pose",
]
