"""MediaPipe's chatter kept off the terminal."""

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# What the C++ side tells everybody at each start, whatever one does: information and warnings of its log (I0000,
# W0000), of TensorFlow Lite, and the word before them that the log is not set up. Its errors (E0000, F0000) are none.
_CHATTER = re.compile(
    rb"^(?:[IW]\d{4} |INFO: |WARNING: (?:All log messages before|Logging before|Read-only tensor|Attempting to use))"
)
_ONE_AT_A_TIME = threading.RLock()
_STANDARD_ERROR = 2


@contextmanager
def without_chatter() -> Iterator[None]:
    """Holds the process's standard error back meanwhile, and then gives everything that is not chatter.

    No setting of the log reaches it: it is written before the log of the C++ side is set up, straight to the file.
    """
    with _ONE_AT_A_TIME:
        try:
            kept = os.dup(_STANDARD_ERROR)
        except OSError:  # a program without standard error has nothing to hold back
            yield
            return
        try:
            with tempfile.TemporaryFile() as held:
                os.dup2(held.fileno(), _STANDARD_ERROR)
                try:
                    yield
                finally:
                    os.dup2(kept, _STANDARD_ERROR)
                    held.seek(0)
                    for line in held:
                        if not _CHATTER.match(line):
                            os.write(_STANDARD_ERROR, line)
        finally:
            os.close(kept)
