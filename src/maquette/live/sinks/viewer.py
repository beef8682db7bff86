"""The figures in the browser, by viser: the newest pose at most 30 times a second."""

import asyncio
import threading
from typing import TYPE_CHECKING

import numpy as np

from maquette.errors import InputError
from maquette.live.ends import SinkReport
from maquette.live.listening import is_loopback
from maquette.live.status import LiveStatus
from maquette.stream.pose_frame import PoseFrame

if TYPE_CHECKING:
    import viser

    from maquette.viewer.live_figure import LivePage

PICTURES_PER_S = 30
"""Sent to the browser at most."""


class ViewerSink:
    """A page at :attr:`url` that shows everybody who is followed, on their ground, with the feet that stand.

    A thread of its own takes the newest frame, so that :meth:`send` costs nothing; frames in between are passed over
    (that is not counted as dropped: no eye would see them).

    Args:
        address: as given on the command line.
        host, port: to listen on; port 0 takes any that is free.

    Raises:
        InputError: the host is not this machine's own (the page knows no token, so that everybody could look).
    """

    def __init__(self, address: str, host: str = "127.0.0.1", port: int = 8080) -> None:
        if not is_loopback(host):
            raise InputError(
                f"{address}: the viewer's page knows no token, so that everybody on {host} could look; expected "
                f"127.0.0.1 (from elsewhere: ssh -L {port}:127.0.0.1:{port} to this machine)"
            )
        self.address, self.host, self.port = address, host, port
        self.report = SinkReport()
        self._newest: PoseFrame | None = None
        self._status: LiveStatus | None = None
        self._ended = threading.Event()
        self._server: viser.ViserServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Address of the page."""
        from maquette.viewer.serve import page_url

        return page_url(self.host, self.port)

    async def start(self) -> None:
        """See :class:`maquette.live.ends.Sink`.

        Raises:
            OutputError: the port is taken, or the address is not this machine's.
        """
        from maquette.viewer.live_figure import LivePage
        from maquette.viewer.serve import open_server

        self._server = await asyncio.to_thread(open_server, self.host, self.port)
        self.port = self._server.get_port()
        page = LivePage(self._server)
        self._thread = threading.Thread(target=self._run, args=(page,), name="maquette-live-viewer", daemon=True)
        self._thread.start()
        self.report.say("sending", self.url)

    def send(self, frame: PoseFrame) -> None:
        """See :class:`maquette.live.ends.Sink`: keeps the frame for the thread."""
        self._newest = frame
        self.report.sent += 1

    def tell(self, status: LiveStatus) -> None:
        """Rates and latency, each second."""
        self._status = status

    async def stop(self) -> None:
        """End the thread and the server."""
        self._ended.set()
        if self._server is not None:
            await asyncio.to_thread(self._close)
        self.report.say("stopped")

    def _close(self) -> None:
        from maquette.viewer.serve import close_server

        if self._thread is not None:
            self._thread.join()
        if self._server is not None:
            close_server(self._server)

    def _run(self, page: "LivePage") -> None:
        shown: PoseFrame | None = None
        try:
            while not self._ended.wait(1 / PICTURES_PER_S):
                newest, server = self._newest, self._server
                # Nothing moves while nobody looks.
                if server is None or not server.get_clients():
                    continue
                page.say(_words(newest, self._status))
                if newest is not None and newest is not shown:
                    shown = newest
                    page.show({pose.person: (pose.positions_m, pose.contacts) for pose in newest.poses})
        finally:
            if not self._ended.is_set():
                self.report.failures += 1
                self.report.say("failed", "the page shows nothing more: its thread broke down")


def _words(newest: PoseFrame | None, status: LiveStatus | None) -> str:
    """What stands beside the scene."""
    state = "waiting" if newest is None else newest.state
    if status is None:
        return f"**{state}**"
    lines = [f"**{state}**, source {status.source.state}", f"in {status.fps_in:.1f} fps, out {status.fps_out:.1f} fps"]
    if np.isfinite(status.latency_p50_ms):
        lines.append(f"latency {status.latency_p50_ms:.1f} ms, p99 {status.latency_p99_ms:.1f} ms")
    lines.append(f"{status.people} {'person' if status.people == 1 else 'people'}, {status.dropped} frames dropped")
    return "  \n".join(lines)
