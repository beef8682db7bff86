"""What the user writes after ``--to``."""

import pytest

from maquette.errors import InputError, MaquetteError
from maquette.live.ends import Sink
from maquette.live.network_address import host_and_port
from maquette.live.sink_addresses import SinkOptions, sink_of


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("vmc://127.0.0.1:39539", "VmcSink"),
        ("vmc://studio.local", "VmcSink"),
        ("udp://192.168.1.20:9000", "UdpJsonSink"),
        ("tcp://localhost:9000", "TcpJsonSink"),
        ("tcp+listen://9001", "TcpListenJsonSink"),
        ("ws://127.0.0.1:8765", "WebSocketSink"),
        ("WS://8765/", "WebSocketSink"),
        ("ws://", "WebSocketSink"),
        ("unity-stream://127.0.0.1:5005", "UnityStreamSink"),
        ("unity-pos:pos.txt", "UnityPosSink"),
        ("unity-frames:frames/name.txt", "UnityFramesSink"),
        ("view://127.0.0.1:8080", "ViewerSink"),
        ("-", "StdoutSink"),
        ("out.bvh", "FileSink"),
        ("some/folder/out.npz", "FileSink"),
        (r"C:\clips\out.bvh", "FileSink"),
    ],
)
def test_kinds(address: str, kind: str) -> None:
    sink = sink_of(address)
    assert type(sink).__name__ == kind
    assert isinstance(sink, Sink)
    assert sink.address == address


@pytest.mark.parametrize(
    ("rest", "usual", "expected"),
    [
        ("8765", None, ("127.0.0.1", 8765)),
        (":8765", None, ("127.0.0.1", 8765)),
        ("", 39539, ("127.0.0.1", 39539)),
        ("studio", 39539, ("studio", 39539)),
        ("0.0.0.0:1", None, ("0.0.0.0", 1)),
        ("[::1]:65535/", None, ("::1", 65535)),
        ("[::1]", 7, ("::1", 7)),
        ("host:0", None, ("host", 0)),
    ],
)
def test_hosts_and_ports(rest: str, usual: int | None, expected: tuple[str, int]) -> None:
    assert host_and_port("--to", f"x://{rest}", rest, usual_port=usual, listens=True) == expected


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("vcm://127.0.0.1:39539", "did you mean vmc://"),
        ("wss://127.0.0.1:1", "did you mean ws://"),
        ("http://127.0.0.1:8765", "did you mean ws://"),
        ("osc://127.0.0.1:9000", "did you mean vmc://"),
        ("tcp-listen://9000", "did you mean tcp+listen://"),
        ("unity-posse:file.txt", "did you mean unity-pos:"),
        ("gopher://x:1", "known are vmc://"),
        ("unity-pos:", "expected a file"),
        ("udp://127.0.0.1", "no port; expected HOST:PORT, such as udp://127.0.0.1:9000"),
        ("udp://", "no port; expected HOST:PORT, such as udp://127.0.0.1:9000"),
        ("udp://127.0.0.1:0", "port 0"),
        ("tcp://127.0.0.1:99999", "1 to 65535"),
        ("tcp://127.0.0.1:port", "1 to 65535"),
        ("tcp://[::1:9", "HOST:PORT"),
        ("ws://127.0.0.1:8765/path", "nothing more"),
        ("ws://me@127.0.0.1:8765", "nothing more"),
        ("ws://127.0.0.1:8765?token=abc", "nothing more"),
        ("ws://0.0.0.0:8765", "--token"),
        ("tcp+listen://192.168.1.2:8765", "--token"),
        ("out", "no such sink"),
        ("out.xyz", "xyz"),
        ("", "no such sink"),
    ],
)
def test_wrong_addresses(address: str, words: str) -> None:
    with pytest.raises(MaquetteError) as error:
        sink_of(address)
    assert words in str(error.value)
    assert address in str(error.value)


def test_options_reach_the_sinks() -> None:
    sink = sink_of("ws://0.0.0.0:8765", SinkOptions(token="long enough"))
    assert getattr(sink, "url", "").endswith("?token=long%20enough")
    with pytest.raises(InputError, match="person"):
        sink_of("out.bvh", SinkOptions(person="second"))
    with pytest.raises(MaquetteError, match="65535"):
        sink_of("vmc://127.0.0.1:65535", SinkOptions(people=3))
