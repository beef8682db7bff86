"""Addresses make the sources that they name, and wrong ones say what was meant."""

from pathlib import Path

import pytest

from maquette.errors import InputError
from maquette.live.addresses import SourceOptions, source_of
from maquette.live.ends import Source
from maquette.live.sources.folder import FolderSource


@pytest.mark.parametrize(
    ("address", "kind", "host", "port"),
    [
        ("udp://9000", "UdpSource", "127.0.0.1", 9000),
        ("udp://:9000", "UdpSource", "127.0.0.1", 9000),
        ("UDP://localhost:9000/", "UdpSource", "localhost", 9000),
        ("tcp://[::1]:9000", "TcpSource", "::1", 9000),
        ("ws://127.0.0.1:0", "WebSocketSource", "127.0.0.1", 0),
        ("osc://9000", "OscSource", "127.0.0.1", 9000),
        ("tcp+connect://example.org:9000", "TcpConnectSource", "example.org", 9000),
    ],
)
def test_network_addresses(address: str, kind: str, host: str, port: int) -> None:
    source = source_of(address)
    assert isinstance(source, Source)
    assert (type(source).__name__, source.host, source.port) == (kind, host, port)  # pyright: ignore[reportAttributeAccessIssue]
    assert source.address == address


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("ws+connect://h:99/a/b?c=1", "ws://h:99/a/b?c=1"),
        ("wss+connect://h:443", "wss://h:443/"),
        ("ws+connect://[::1]:99", "ws://[::1]:99/"),
    ],
)
def test_websocket_servers(address: str, url: str) -> None:
    assert source_of(address).url == url  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("path", ["keypoints", "/a b/c", "C:\\Users\\x", "C:/x"])
def test_folders_may_be_anywhere(path: str) -> None:
    source = source_of(f"folder:{path}")
    assert isinstance(source, FolderSource)
    assert source.folder == Path(path)


def test_the_rest() -> None:
    assert type(source_of("-")).__name__ == "StdinSource"
    demo = source_of("demo", SourceOptions(speed=3, loop=True, fps=60))
    assert (demo.address, demo.speed, demo.loop, demo.recording.frame_s) == ("demo", 3.0, True, 1 / 60)  # pyright: ignore[reportAttributeAccessIssue]
    assert source_of("udp://0.0.0.0:9000", SourceOptions(token="long enough")).address == "udp://0.0.0.0:9000"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("upd://9000", "did you mean udp://"),
        ("camra:0", "did you mean camera:0"),
        ("dmeo", "did you mean demo"),
        ("xyzzy://1", "there are: folder:keypoints"),
        ("udp://127.0.0.1", "no port"),
        ("udp://127.0.0.1:99999", "port from 1 to 65535"),
        ("udp://127.0.0.1:9000/path", "HOST:PORT and nothing more"),
        ("tcp+connect://h:0", "nobody listens on port 0"),
        ("ws:9000", "expected the form ws://127.0.0.1:9000"),
        ("folder:", "expected something after 'folder:'"),
        ("0", "write camera:0"),
        ("C:\\nothing\\there", "no such file or folder"),
        ("udp://0.0.0.0:9000", "give a --token"),
        ("", "no such file or folder|is a folder"),
    ],
)
def test_wrong_addresses_say_what_was_meant(address: str, why: str) -> None:
    with pytest.raises(InputError, match=why) as caught:
        source_of(address)
    assert "\n" not in str(caught.value)


def test_paths_without_a_kind_say_both(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"write folder:.* to watch it, or replay:"):
        source_of(str(tmp_path))
    file = tmp_path / "x.npz"
    file.write_bytes(b"")
    with pytest.raises(InputError, match="write replay:"):
        source_of(str(file))


def test_options_are_checked_with_the_address() -> None:
    with pytest.raises(InputError, match="no skeleton is called"):
        source_of("udp://9000", SourceOptions(skeleton="coco-71"))
    with pytest.raises(InputError, match="--image-size is 0 x 5"):
        source_of("udp://9000", SourceOptions(image_size=(0, 5)))
