"""Proof that the checks the other tests rely on are switched on."""

import warnings

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from maquette.frozen_arrays import time_base
from maquette.skeletons import H36M_17


def test_a_wrong_shape_is_caught_while_testing() -> None:
    with pytest.raises(TypeCheckError):
        time_base(30, np.zeros((3, 3)), 3)  # timestamps are (frames,)


def test_a_wrong_type_is_caught_while_testing() -> None:
    with pytest.raises(TypeCheckError):
        H36M_17.index(3)  # pyright: ignore[reportArgumentType]


def test_warnings_are_errors() -> None:
    with pytest.raises(UserWarning):
        warnings.warn("must not pass unseen", UserWarning, stacklevel=1)
