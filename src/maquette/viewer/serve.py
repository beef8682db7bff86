"""``view``: a motion in the browser."""

import logging
import socket
import threading
import time
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from maquette.errors import InputError, OutputError
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.viewer.entries import Input2D, entries_of

if TYPE_CHECKING:
    import viser
    from viser.infra import StateSerializer

    from maquette.viewer.arrangement import Arrangement

_LOG = logging.getLogger(__name__)

_PICTURES_PER_S = 30
"""Sent to the browser at most; faster motions skip frames, in step with the clock."""


class Viewer:
    """A running viewer; the page is at :attr:`url`."""

    def __init__(
        self,
        motions: Sequence[Motion],
        keypoints: Keypoints | None = None,
        *,
        variants: Mapping[str, Motion] | None = None,
        video: str | Path | None = None,
        video_start_s: float | int = 0.0,
        arrangement: "Arrangement" = "side by side",
        host: str = "127.0.0.1",
        port: int = 8080,
    ) -> None:
        entries = entries_of(motions, variants)
        if keypoints is not None and keypoints.n_frames == 0:
            raise InputError(f"{keypoints.source or 'the keypoints'}: have no frames, nothing to show")
        given = Input2D(keypoints, None if video is None else Path(video), float(video_start_s))
        from maquette.viewer.capture import offer_captures
        from maquette.viewer.page import Page

        self._server = open_server(host, port)
        self.host, self.port = host, self._server.get_port()
        try:
            self.page = Page(self._server, entries, given, arrangement)
        except BaseException:
            close_server(self._server)
            raise
        offer_captures(self.page, entries, given)
        self._ended = threading.Event()
        self._clock = threading.Thread(target=self._run, name="maquette-viewer", daemon=True)
        self._clock.start()
        _LOG.info("%s shows %d motion(s)", self.url, len(entries))

    @property
    def url(self) -> str:
        """Address of the page."""
        return page_url(self.host, self.port)

    def recorder(self) -> "StateSerializer":
        """What is in the scene now, and what is sent from now on."""
        return self._server.get_scene_serializer()

    def wait(self) -> None:
        """Return when the viewer was stopped, or on Ctrl-C (which stops it)."""
        try:
            while not self._ended.wait(0.5):
                pass
        except KeyboardInterrupt:
            self.stop()

    def stop(self) -> None:
        """End the server; a second call does nothing."""
        if not self._ended.is_set():
            self._ended.set()
            self._clock.join()
            self.page.close()
            close_server(self._server)

    def __enter__(self) -> "Viewer":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def _run(self) -> None:
        last_s = time.monotonic()
        while not self._ended.wait(1 / _PICTURES_PER_S):
            now_s = time.monotonic()
            # Nothing moves while nobody looks.
            if self._server.get_clients():
                self.page.step(now_s - last_s)
            last_s = now_s


def view(
    motion: Motion | Sequence[Motion],
    keypoints: Keypoints | None = None,
    *,
    variants: Mapping[str, Motion] | None = None,
    video: str | Path | None = None,
    video_start_s: float | int = 0.0,
    arrangement: "Arrangement" = "side by side",
    host: str = "127.0.0.1",
    port: int = 8080,
    open_browser: bool = True,
    block: bool = True,
) -> Viewer:
    """Show a motion in the browser: play, pause, step, scrub, speed, loop; the 2D input beside it; curves of a joint.

    Args:
        motion: one motion, or several, which play together.
        keypoints: the 2D input of the (first) motion.
        variants: name -> another version of the first motion (raw, smoothed, refined), to be turned on and off.
        video: what the keypoints were found in; shown under them, and in the camera that saw the motion.
        video_start_s: time in the video at which the keypoints' time is 0.
        arrangement: ``"side by side"``, ``"overlaid"`` (where the files say, with lines between joints of one name), or
            ``"overlaid at the root"``; the page can change it.
        host: address to listen on; anything else than 127.0.0.1 lets others see it.
        port: port to listen on; 0 takes any that is free.
        open_browser: open the page in the default browser.
        block: return only when the viewer ends (Ctrl-C); else at once, and `Viewer.stop` ends it.

    Raises:
        InputError: no motion, one without frames, or a video that cannot be read.
        OutputError: the port is taken, or the address is not this machine's.
    """
    viewer = Viewer(
        [motion] if isinstance(motion, Motion) else motion,
        keypoints,
        variants=variants,
        video=video,
        video_start_s=video_start_s,
        arrangement=arrangement,
        host=host,
        port=port,
    )
    if open_browser:
        webbrowser.open(viewer.url)
    if block:
        viewer.wait()
    return viewer


def open_server(host: str, port: int) -> "viser.ViserServer":
    """A server with an empty page; port 0 takes any that is free.

    Raises:
        InputError: there is no such port.
        OutputError: the port is taken, or the address is not this machine's.
    """
    port = _free_port(host, port)
    import viser

    with _quiet():
        server = viser.ViserServer(host=host, port=port, label="Maquette", verbose=False)
    if server.get_port() != port:
        close_server(server)
        raise OutputError(_taken(host, port))
    return server


def close_server(server: "viser.ViserServer") -> None:
    """End it, without a word."""
    with _quiet():
        server.stop()


def page_url(host: str, port: int) -> str:
    """Where a browser on this machine finds the page of a server."""
    named = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    return f"http://{f'[{named}]' if ':' in named and '[' not in named else named}:{port}"


@contextmanager
def _quiet() -> Iterator[None]:
    """viser prints its address and its end whatever one asks; a library does not."""
    import rich

    console = rich.get_console()
    before, console.quiet = console.quiet, True
    try:
        yield
    finally:
        console.quiet = before


def _free_port(host: str, port: int) -> int:
    """The port, found to be free now; viser itself would quietly take another one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OverflowError:
            raise InputError(f"port {port}: expected a number from 0 to 65535") from None
        except socket.gaierror as error:
            raise OutputError(f"host {host}: not an address of this machine ({error.strerror})") from error
        except OSError as error:
            in_use = error.errno in {98, 48, 10048}
            reason = _taken(host, port) if in_use else f"cannot listen on {host}:{port} ({error.strerror})"
            raise OutputError(reason) from error
        return trial.getsockname()[1]


def _taken(host: str, port: int) -> str:
    return f"port {port} of {host} is taken by another program; choose another one, for example --port {port + 1}"
