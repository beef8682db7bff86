"""What the sources that wait at a port for frames in JSON have in common."""

from maquette.live.ends import SourceReport
from maquette.live.listening import check_listening
from maquette.stream.keypoint_packets import KeypointDecoder


class ListeningSource:
    """Listens for senders, one of which has the turn (see :class:`~maquette.live.sources.intake.Intake`).

    Args:
        address: as the user gave it.
        host: to listen on.
        port: 0 lets the system choose; see :attr:`port` then.
        token: that senders must show.
        decoder: of what they send.

    Raises:
        InputError: others could send, and there is no token.
    """

    def __init__(
        self, address: str, host: str, port: int, *, token: str | None = None, decoder: KeypointDecoder | None = None
    ) -> None:
        check_listening(address, host, token)
        self.address, self.host, self.port = address, host, port
        self.report = SourceReport()
        self._token = token
        self._decoder = decoder or KeypointDecoder()
