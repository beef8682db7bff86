"""Sinks from what the user writes after ``--to``."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from maquette.errors import InputError
from maquette.live.ends import Sink
from maquette.live.network_address import host_and_port
from maquette.stream.vmc import Root


@dataclass(frozen=True)
class SinkOptions:
    """What the sinks of a session need to know beside their addresses."""

    token: str | None = None
    """What clients of ``ws://`` and ``tcp+listen://`` must give; None only where nobody else can connect."""
    people: int = 1
    """How many are followed; ``vmc://`` and ``unity-stream://`` send each to a port of their own."""
    root: Root = "still"
    """What carries the path of the person in VMC, see :class:`maquette.stream.vmc.VmcEncoder`."""
    person: str = "first"
    """Who is written to files: ``first``, ``all``, or a number."""
    roll_s: float | int | None = None
    """Finish a file each so many seconds."""
    overwrite: bool = False
    """Replace files that are there already."""
    model: str | None = None
    model_sha256: str | None = None
    source: str = ""
    """Address of the keypoints, for the provenance in files."""
    scale_source: str = "unknown"
    notes: tuple[str, ...] = ()


def sink_of(address: str, options: SinkOptions | None = None) -> Sink:
    """The sink that an address means; nothing is opened yet.

    Args:
        address: ``vmc://HOST:PORT``, ``udp://HOST:PORT``, ``tcp://HOST:PORT``, ``tcp+listen://HOST:PORT``,
            ``ws://HOST:PORT``, ``unity-stream://HOST:PORT``, ``view://HOST:PORT``, ``unity-pos:FILE``,
            ``unity-frames:DIR/name.txt``, ``-``, or a file to write when the session ends. The host may be left out
            (``ws://8765``) and is 127.0.0.1 then; the port may be where there is a usual one.
        options: for all sinks of a session.

    Raises:
        InputError: no such kind of address, no such port, or a host that lets other machines in without a token.
        OutputError: no format of that suffix, or no file can be written there.
        MissingExtraError: a package that the sink needs is not there.
    """
    options = options or SinkOptions()
    text = address.strip()
    if text == "-":
        from maquette.live.sinks.json_lines import StdoutSink

        return StdoutSink(text)
    scheme, separator, rest = text.partition("://")
    if separator:
        kind = _NETWORK.get(scheme.lower())
        if kind is None:
            raise _unknown(address, scheme)
        host, port = host_and_port("--to", address, rest, usual_port=kind.port, listens=kind.listens)
        return kind.make(text, host, port, options)
    scheme, separator, rest = text.partition(":")
    # One letter is a drive of Windows.
    if separator and len(scheme) > 1 and "/" not in scheme and "\\" not in scheme:
        if scheme.lower() not in _TEXT_FILES:
            raise _unknown(address, scheme)
        if not rest:
            raise InputError(
                f"--to {address}: expected a file after '{scheme}:', such as {_TEXT_FILES[scheme.lower()]}"
            )
        return _text_file(text, scheme.lower(), rest)
    return _file(text, options)


@dataclass(frozen=True)
class _Network:
    """A kind of address with a host and a port."""

    make: Callable[[str, str, int, SinkOptions], Sink]
    port: int | None = None
    listens: bool = False
    """Whether port 0 means any that is free."""


def _vmc(address: str, host: str, port: int, options: SinkOptions) -> Sink:
    from maquette.live.sinks.vmc import VmcSink

    return VmcSink(address, host, port, people=options.people, root=options.root)


def _udp(address: str, host: str, port: int, _options: SinkOptions) -> Sink:
    from maquette.live.sinks.json_lines import UdpJsonSink

    return UdpJsonSink(address, host, port)


def _tcp(address: str, host: str, port: int, _options: SinkOptions) -> Sink:
    from maquette.live.sinks.json_tcp import TcpJsonSink

    return TcpJsonSink(address, host, port)


def _tcp_listen(address: str, host: str, port: int, options: SinkOptions) -> Sink:
    from maquette.live.sinks.json_tcp import TcpListenJsonSink

    return TcpListenJsonSink(address, host, port, token=options.token)


def _websocket(address: str, host: str, port: int, options: SinkOptions) -> Sink:
    from maquette.live.sinks.websocket import WebSocketSink

    return WebSocketSink(address, host, port, token=options.token)


def _unity_stream(address: str, host: str, port: int, options: SinkOptions) -> Sink:
    from maquette.live.sinks.unity_stream import UnityStreamSink

    return UnityStreamSink(address, host, port, people=options.people)


def _viewer(address: str, host: str, port: int, _options: SinkOptions) -> Sink:
    from maquette.live.sinks.viewer import ViewerSink

    return ViewerSink(address, host, port)


_NETWORK: dict[str, _Network] = {
    "vmc": _Network(_vmc, 39539),
    "udp": _Network(_udp),
    "tcp": _Network(_tcp),
    "tcp+listen": _Network(_tcp_listen, listens=True),
    "ws": _Network(_websocket, 8765, listens=True),
    "unity-stream": _Network(_unity_stream, 5005),
    "view": _Network(_viewer, 8080, listens=True),
}
_TEXT_FILES = {"unity-pos": "unity-pos:pos.txt", "unity-frames": "unity-frames:frames/pose.txt"}


def _text_file(address: str, scheme: str, path: str) -> Sink:
    from maquette.live.sinks.unity_text import UnityFramesSink, UnityPosSink

    return UnityPosSink(address, path) if scheme == "unity-pos" else UnityFramesSink(address, path)


def _file(address: str, options: SinkOptions) -> Sink:
    from maquette.exporters import check_output
    from maquette.live.sinks.files import FileSink

    if not Path(address).suffix:
        raise _unknown(address, address)
    check_output(address)
    return FileSink(
        address,
        address,
        person=options.person,
        roll_s=options.roll_s,
        overwrite=options.overwrite,
        model=options.model,
        model_sha256=options.model_sha256,
        source=options.source,
        scale_source=options.scale_source,
        notes=options.notes,
    )


def _unknown(address: str, scheme: str) -> InputError:
    """No such kind; ``http`` and ``osc`` are what people mean by ``ws`` and ``vmc``."""
    known = [f"{name}://" for name in _NETWORK] + [f"{name}:" for name in _TEXT_FILES]
    meant = {"http": "ws://", "https": "ws://", "wss": "ws://", "osc": "vmc://", "viser": "view://"}.get(scheme.lower())
    close = get_close_matches(scheme.lower(), [name.rstrip(":/") for name in known], n=1)
    guess = meant or next((name for name in known if close and name.rstrip(":/") == close[0]), None)
    suggestion = f"did you mean {guess}?" if guess else f"known are {' '.join(known)} - and files such as out.bvh"
    return InputError(f"--to {address}: no such sink; {suggestion}")
