"""Joints of the trunk that a network does not give."""

import numpy as np

from maquette.motion import Motion
from maquette.skeletons import H36M_17

_PLACES = {"spine": ("hip", "thorax", 0.486), "nose": ("thorax", "head", 0.382)}
"""Joint -> the ends of the line that it is put on, and where on it: that of Human3.6M's mean pose (the published table
of 3D joints that Martinez et al. 2017 normalise with), whose joints lie within 1 mm of these lines."""


def place_trunk(motion: Motion) -> Motion:
    """The motion with spine and neck/nose where a network of 14 joints (``predict_14``) leaves them out.

    They stand on straight lines between the joints around them, and a note says so: a body without them has no height
    and no rotations. A motion on another skeleton, or with them in any frame, is given back as it is.
    """
    if motion.skeleton != H36M_17:
        return motion
    index = motion.skeleton.index
    lacking = [name for name in _PLACES if np.isnan(motion.positions[:, index(name)]).all()]
    if not lacking:
        return motion
    positions = motion.positions.copy()
    for name in lacking:
        low, high, share = _PLACES[name]
        positions[:, index(name)] = (1 - share) * positions[:, index(low)] + share * positions[:, index(high)]
    note = f"{' and '.join(lacking)}, which the model does not give, put on straight lines between the joints around"
    return motion.with_notes(note, positions=positions)
