"""Motion to Maquette's own archive, without loss."""

import io
from pathlib import Path

import msgspec
import numpy as np

from maquette.atomic import write_bytes
from maquette.formats.npz import write_arrays
from maquette.motion import Motion
from maquette.readers.motion_record import FORMAT_VERSION, record_of

OPTIONAL_ARRAYS = ("rotations", "sigma_m", "contacts", "root_trajectory", "timestamps_s")
"""Fields of :class:`Motion` that an archive has only when the motion has them."""


def write_npz(motion: Motion, path: str | Path) -> None:
    """Write the archive that :func:`motion_to_npz` makes.

    Raises:
        OutputError: it cannot be written.
    """
    write_bytes(path, motion_to_npz(motion))


def motion_to_npz(motion: Motion) -> bytes:
    """The archive: plain arrays, no pickles, every number to the last bit.

    ``kind`` (``motion``), ``format_version``, ``positions`` (frames, joints, 3) in metres, ``fps_numerator``,
    ``fps_denominator``, ``metadata`` (JSON text: :class:`maquette.readers.motion_record.MotionRecord`), and those of
    :data:`OPTIONAL_ARRAYS` that the motion has.
    """
    arrays = {name: getattr(motion, name) for name in OPTIONAL_ARRAYS if getattr(motion, name) is not None}
    stream = io.BytesIO()
    # Not compressed: the low bits of measured floats are noise, and zlib would cost more than all the rest.
    record = {
        "kind": np.array("motion"),
        "format_version": np.array(FORMAT_VERSION),
        "fps_numerator": np.array(motion.fps.numerator),
        "fps_denominator": np.array(motion.fps.denominator),
        "metadata": np.array(msgspec.json.encode(record_of(motion)).decode("utf-8")),
        "positions": motion.positions,
    }
    write_arrays(stream, {**record, **arrays})
    return stream.getvalue()
