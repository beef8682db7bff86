"""Lines out of a stream of bytes, none too long."""

from maquette.errors import InputError
from maquette.live.listening import MAX_MESSAGE_BYTES


class LineSplitter:
    """Cuts chunks as they come in into lines; holds at most one that is not finished."""

    def __init__(self, max_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self.max_bytes = max_bytes
        self._begun = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that ``chunk`` finishes, without their ends; empty ones are left out.

        Raises:
            InputError: a line is too long, finished or not. The splitter is of no use after that.
        """
        end = chunk.rfind(b"\n") + 1
        if not end:
            self._begun += chunk
            self._check(len(self._begun))
            return []
        whole = bytes(self._begun) + chunk[:end]
        self._begun = bytearray(chunk[end:])
        lines = [line for line in whole.split(b"\n") if line and line != b"\r"]
        self._check(max(map(len, lines), default=0))
        self._check(len(self._begun))
        return lines

    def rest(self) -> bytes:
        """What came after the last line end, when nothing more will come."""
        rest = bytes(self._begun)
        self._begun.clear()
        return rest

    def _check(self, length: int) -> None:
        if length > self.max_bytes:
            raise InputError(f"a line has over {self.max_bytes} bytes; expected one frame of keypoints a line")
