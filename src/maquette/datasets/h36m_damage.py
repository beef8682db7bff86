"""What the libraries that read Human3.6M's files do with damaged ones."""

import struct
import zlib

MOST_FRAMES = 200_000
"""In one file; the longest take of the data set has some 6,300."""

READ_FAILURES = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    RuntimeError,
    AttributeError,
    NotImplementedError,
    AssertionError,
    ArithmeticError,
    MemoryError,
    UnboundLocalError,
    struct.error,
    zlib.error,
)
"""What h5py and cdflib raise on damaged files."""


def first_line(error: BaseException) -> str:
    """The error's text, short enough for a sentence."""
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
