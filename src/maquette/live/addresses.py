"""Sources from what the user writes after ``--source``."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maquette.errors import InputError
from maquette.live.ends import Source
from maquette.live.network_address import host_and_port
from maquette.live.sources.replay import BUILT_IN_CLIP
from maquette.skeleton import Skeleton
from maquette.skeletons import get_skeleton
from maquette.stream.keypoint_packets import KeypointDecoder

if TYPE_CHECKING:
    from maquette.detect.choice import DetectorWish
    from maquette.detect.detector import Detector
else:
    DetectorWish = Detector = Any


@dataclass(frozen=True)
class SourceOptions:
    """What a user says about the source beside its address. What a source cannot use is not looked at."""

    token: str | None = None
    """That senders must show to a source that listens; that a source that connects shows."""
    skeleton: str | None = None
    """Of all keypoints, whatever they say."""
    image_size: tuple[int, int] | None = None
    """``(width, height)`` in pixels, for senders that give fractions of the picture."""
    fps: Fraction | float | int | None = None
    """Of a replay, or that the numbers in a folder count by."""
    from_start: bool = False
    """Take what lies in a folder already, too."""
    speed: float | int = 1.0
    """Of a replay."""
    loop: bool = False
    """A replay begins again at its end."""
    detector: "str | DetectorWish | Detector" = "auto"
    """For cameras and videos."""
    mirror: bool = False
    """Left and right exchanged, for cameras and videos."""

    def given_skeleton(self) -> Skeleton | None:
        """
        Raises:
            InputError: no skeleton has that name.
        """
        return None if self.skeleton is None else get_skeleton(self.skeleton)

    def decoder(self) -> KeypointDecoder:
        """
        Raises:
            InputError: no such skeleton or picture size.
        """
        return KeypointDecoder(self.skeleton, self.image_size)


def source_of(address: str, options: SourceOptions | None = None) -> Source:
    """The source that an address means. Recordings are read; nothing else is opened yet.

    Args:
        address: ``folder:DIR``, ``udp://HOST:PORT``, ``tcp://HOST:PORT``, ``ws://HOST:PORT``, ``osc://HOST:PORT``,
            ``tcp+connect://HOST:PORT``, ``ws+connect://HOST:PORT/PATH``, ``-`` (standard input), ``camera:0``,
            ``video:FILE``, ``replay:PATH`` or ``demo`` (the built-in clip). Where one listens, the host may be left out
            (``udp://9000``) and is 127.0.0.1 then.
        options: beside the address.

    Raises:
        InputError: no such kind of address, no such port, a host that lets other machines in without a token, or a
            recording that cannot be read.
        MissingExtraError: a package that the source needs is not there.
    """
    options = options or SourceOptions()
    text = address.strip()
    if text == "-":
        from maquette.live.sources.stdin import StdinSource

        return StdinSource(decoder=options.decoder())
    if text == BUILT_IN_CLIP:
        return _replay(text, text, options)
    scheme, separator, rest = text.partition("://")
    if separator and scheme.lower() in ("ws+connect", "wss+connect"):
        return _websocket_client(text, scheme, rest, options)
    if separator:
        make = _NETWORK.get(scheme.lower())
        if make is None:
            raise _unknown(address, scheme)
        listens = not scheme.lower().endswith("+connect")
        host, port = host_and_port("--source", address, rest, listens=listens)
        return make(text, host, port, options)
    scheme, separator, rest = text.partition(":")
    # One letter is a drive of Windows.
    if not separator or len(scheme) == 1 or "/" in scheme or "\\" in scheme:
        raise _bare(text)
    if scheme.lower() not in _PLACES:
        raise _unknown(address, scheme)
    if not rest:
        raise InputError(
            f"--source {address}: expected something after '{scheme}:', such as {_EXAMPLES[scheme.lower()]}"
        )
    return _PLACES[scheme.lower()](text, rest, options)


def _udp(address: str, host: str, port: int, options: SourceOptions) -> Source:
    from maquette.live.sources.udp import UdpSource

    return UdpSource(address, host, port, token=options.token, decoder=options.decoder())


def _tcp(address: str, host: str, port: int, options: SourceOptions) -> Source:
    from maquette.live.sources.tcp import TcpSource

    return TcpSource(address, host, port, token=options.token, decoder=options.decoder())


def _websocket(address: str, host: str, port: int, options: SourceOptions) -> Source:
    from maquette.live.sources.websocket import WebSocketSource

    return WebSocketSource(address, host, port, token=options.token, decoder=options.decoder())


def _osc(address: str, host: str, port: int, options: SourceOptions) -> Source:
    from maquette.live.sources.osc import OscSource

    skeleton = options.given_skeleton()
    return OscSource(address, host, port, token=options.token, skeleton=skeleton, image_size=options.image_size)


def _tcp_client(address: str, host: str, port: int, options: SourceOptions) -> Source:
    from maquette.live.sources.connect import TcpConnectSource

    return TcpConnectSource(address, host, port, token=options.token, decoder=options.decoder())


def _websocket_client(address: str, scheme: str, rest: str, options: SourceOptions) -> Source:
    from maquette.live.sources.connect import WebSocketConnectSource

    place, slash, path = rest.partition("/")
    host, port = host_and_port("--source", address, place)
    shown = f"[{host}]" if ":" in host else host
    url = f"{scheme.lower().removesuffix('+connect')}://{shown}:{port}{slash or '/'}{path}"
    return WebSocketConnectSource(address, url, token=options.token, decoder=options.decoder())


def _folder(address: str, rest: str, options: SourceOptions) -> Source:
    from maquette.live.sources.folder import FolderSource

    return FolderSource(
        address, Path(rest).expanduser(), from_start=options.from_start, fps=options.fps, decoder=options.decoder()
    )


def _replay(address: str, rest: str, options: SourceOptions) -> Source:
    from maquette.live.sources.replay import replay_of

    what = rest if rest == BUILT_IN_CLIP else Path(rest).expanduser()
    source = replay_of(
        what,
        fps=options.fps,
        image_size=options.image_size,
        skeleton=options.given_skeleton(),
        speed=options.speed,
        loop=options.loop,
    )
    source.address = address
    return source


def _pictures(address: str, rest: str, options: SourceOptions) -> Source:
    from maquette.live.sources.camera import CameraSource

    what = f"{address.partition(':')[0].lower()}:{rest}"
    return CameraSource(address, what, detector=options.detector, mirror=options.mirror)


_NETWORK: dict[str, Callable[[str, str, int, SourceOptions], Source]] = {
    "udp": _udp,
    "tcp": _tcp,
    "ws": _websocket,
    "osc": _osc,
    "tcp+connect": _tcp_client,
}
_PLACES: dict[str, Callable[[str, str, SourceOptions], Source]] = {
    "folder": _folder,
    "replay": _replay,
    "camera": _pictures,
    "video": _pictures,
}
_EXAMPLES: dict[str, str] = {
    "folder": "folder:keypoints",
    "udp": "udp://127.0.0.1:9000",
    "tcp": "tcp://127.0.0.1:9000",
    "ws": "ws://127.0.0.1:9000",
    "osc": "osc://127.0.0.1:9000",
    "tcp+connect": "tcp+connect://127.0.0.1:9000",
    "ws+connect": "ws+connect://127.0.0.1:9000/",
    "wss+connect": "wss+connect://example.org:443/",
    "camera": "camera:0",
    "video": "video:clip.mp4",
    "replay": "replay:keypoints",
}


def _unknown(address: str, scheme: str) -> InputError:
    name = scheme.lower()
    if name in _EXAMPLES:
        return InputError(f"--source {address}: expected the form {_EXAMPLES[name]}")
    close = get_close_matches(name, _EXAMPLES, n=1, cutoff=0.5)
    if close:
        return InputError(f"--source {address}: no source is called '{scheme}'; did you mean {_EXAMPLES[close[0]]}?")
    return InputError(
        f"--source {address}: no source is called '{scheme}'; there are: {', '.join(_EXAMPLES.values())}, demo, -"
    )


def _bare(text: str) -> InputError:
    """For what looks like a path, a camera's number or a host."""
    path = Path(text)
    if path.is_dir():
        return InputError(f"--source {text}: is a folder; write folder:{text} to watch it, or replay:{text} to play it")
    if path.exists():
        return InputError(
            f"--source {text}: is a file; write replay:{text} to play keypoints, or video:{text} to have people found "
            "in pictures"
        )
    if text.isdecimal():
        return InputError(f"--source {text}: write camera:{text} for a camera, or udp://{text} for a port")
    close = get_close_matches(text.lower(), (BUILT_IN_CLIP, *_EXAMPLES), n=1, cutoff=0.5)
    hint = f"did you mean {_EXAMPLES.get(close[0], close[0])}?" if close else f"such as {_EXAMPLES['folder']}"
    return InputError(f"--source {text}: no such file or folder, and no address; {hint}")
