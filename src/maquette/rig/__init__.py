"""Positions to rotations: local rotations of joints, the rest pose, and the rig that animation files carry."""

from maquette.rig.animate import animate
from maquette.rig.animation_rig import RigAnimation
from maquette.rig.forward import joint_positions_m, node_positions_m
from maquette.rig.rest import rest_offsets_m
from maquette.rig.solve import solve_rotations

__all__ = [
    "RigAnimation",
    "animate",
    "joint_positions_m",
    "node_positions_m",
    "rest_offsets_m",
    "solve_rotations",
]
