"""Our axes and those of movement science: OpenSim's ground and a laboratory with Z up.

Our world has Y up and a person at rest faces +Z with the left at +X. OpenSim's ground has X forward, Y up and Z right,
and a laboratory of motion capture has X forward, Y left and Z up, which a quarter turn about X makes OpenSim's
(OpenSim documentation, "Coordinate Systems"). All are right-handed, and all keep ground and origin.
"""

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, "*any 3"]


def opensim_from_world(positions: Points) -> Points:
    """From our world to OpenSim's ground: our +Z (forward) is +X there, our +X (left) is -Z."""
    return positions[..., (2, 1, 0)] * (1.0, 1.0, -1.0) + 0.0


def world_from_opensim(positions: Points) -> Points:
    """From OpenSim's ground to our world."""
    return positions[..., (2, 1, 0)] * (-1.0, 1.0, 1.0) + 0.0


def lab_from_world(positions: Points) -> Points:
    """From our world to a laboratory with Z up: our +Z (forward) is +X there, our +X (left) is +Y."""
    return positions[..., (2, 0, 1)]


def world_from_lab(positions: Points) -> Points:
    """From a laboratory with Z up to our world."""
    return positions[..., (1, 2, 0)]


def turned_upright(positions: Points) -> Points:
    """Between the camera's axes (y down, z forward) and the same with Y up and Z towards the camera, either way. The
    ground is level only as far as the camera was."""
    return positions * (1.0, -1.0, -1.0) + 0.0
