"""Lines out of a stream of bytes, none too long."""

from maquette.errors import InputError
from maquette.live.listening import MAX_MESSAGE_BYTES


class LineSplitter:
    """Cuts chunks as they come in into lines; holds at most one that is not finished.

    Args:
        max_bytes: of a line.
        skip_long: leave out lines that are longer, and count them in :attr:`too_long`, where there is no connection
            that could be closed for it.
    """

    def __init__(self, max_bytes: int = MAX_MESSAGE_BYTES, *, skip_long: bool = False) -> None:
        self.max_bytes = max_bytes
        self.too_long = 0
        """Lines that were left out."""
        self._skip_long, self._skipping = skip_long, False
        self._begun = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that ``chunk`` finishes, without their ends; empty ones are left out.

        Raises:
            InputError: a line is too long, finished or not, and such lines are not to be skipped. The splitter is of
                no use after that.
        """
        if self._skipping:
            _, end_of_line, chunk = chunk.partition(b"\n")
            self._skipping = not end_of_line
        end = chunk.rfind(b"\n") + 1
        if not end:
            self._begun += chunk
            self._check_begun()
            return []
        whole = bytes(self._begun) + chunk[:end]
        self._begun = bytearray(chunk[end:])
        lines = [line for line in whole.split(b"\n") if line and line != b"\r"]
        if max(map(len, lines), default=0) > self.max_bytes:
            self._refuse(sum(len(line) > self.max_bytes for line in lines))
            lines = [line for line in lines if len(line) <= self.max_bytes]
        self._check_begun()
        return lines

    def rest(self) -> bytes:
        """What came after the last line end, when nothing more will come."""
        rest = bytes(self._begun)
        self._begun.clear()
        return rest

    def _check_begun(self) -> None:
        if len(self._begun) > self.max_bytes:
            self._refuse(1)
            self._begun.clear()
            self._skipping = True

    def _refuse(self, lines: int) -> None:
        if not self._skip_long:
            raise InputError(self.why)
        self.too_long += lines

    @property
    def why(self) -> str:
        """What is wrong with lines that are too long."""
        return f"a line has over {self.max_bytes} bytes; expected one frame of keypoints a line"
