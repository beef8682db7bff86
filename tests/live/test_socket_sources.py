"""Sources on real sockets: frames are delivered, what is wrong is counted, and nobody gets in without the token."""

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from waiting import until
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import InvalidStatus

from maquette.errors import InputError
from maquette.live.ends import Source
from maquette.live.sources.connect import TcpConnectSource, WebSocketConnectSource
from maquette.live.sources.lines import LineSplitter
from maquette.live.sources.stdin import StdinSource
from maquette.live.sources.tcp import TcpSource
from maquette.live.sources.udp import UdpSource
from maquette.live.sources.websocket import WebSocketSource
from maquette.stream.keypoint_frame import KeypointFrame

HOST = "127.0.0.1"
TOKEN = "open sesame"


def packet(number: int, **members: Any) -> bytes:
    values = [v for i in range(17) for v in (100.0 + i, 50.0 + 3 * i, 0.9)]
    return json.dumps({"frame": number, "people": [{"keypoints": values}], **members}).encode()


@asynccontextmanager
async def running(source: Source) -> AsyncIterator[list[KeypointFrame]]:
    """The source at work; the frames that it delivers."""
    frames: list[KeypointFrame] = []
    task = asyncio.create_task(source.run(frames.append))
    try:
        await until(lambda: source.report.detail or task.done())
        if task.done():
            task.result()
        yield frames
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def numbers(frames: list[KeypointFrame]) -> list[int | None]:
    return [frame.number for frame in frames]


def test_udp_delivers_and_counts_garbage() -> None:
    async def play() -> None:
        source = UdpSource("udp://0", HOST, 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            async with running(source) as frames:
                to = (HOST, source.port)
                for data in (b"", b"\xff\x00\x1b[2J", b"{", b'{"people": 5}', b"[[[["):
                    sender.sendto(data, to)
                before = time.monotonic()
                await until(lambda: source.report.malformed == 5)
                for burst in ((0,), (1, 3, 2, 3), (4,)):  # not more at once than are looked at
                    for number in burst:
                        sender.sendto(packet(number), to)
                    await until(lambda last=burst[-1]: frames and frames[-1].number == last)
                assert numbers(frames) == [0, 1, 3, 4]
                assert source.report.skipped == 2
                assert source.report.first_malformed.startswith("packet: empty")
                assert source.report.state == "receiving"
                assert all(before <= frame.arrived_s <= time.monotonic() for frame in frames)
                await until(lambda: source.report.state == "stalled")

    asyncio.run(play())


def test_udp_takes_one_sender_at_a_time() -> None:
    async def play() -> None:
        source = UdpSource("udp://0", HOST, 0)
        first = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        second = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with first, second:
            async with running(source) as frames:
                to = (HOST, source.port)
                first.sendto(packet(0), to)
                second.sendto(packet(100), to)
                second.sendto(b"garbage", to)
                first.sendto(packet(1), to)
                await until(lambda: len(frames) == 2)
                assert (source.report.skipped, source.report.malformed) == (1, 1)
                assert "another sender waits" in source.report.detail
                await until(lambda: source.report.state == "stalled")
                second.sendto(packet(101), to)
                await until(lambda: len(frames) == 3)
                assert numbers(frames) == [0, 1, 101]

    asyncio.run(play())


def test_udp_packets_need_the_token_where_there_is_one() -> None:
    async def play() -> None:
        source = UdpSource("udp://0.0.0.0:0", "0.0.0.0", 0, token=TOKEN)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            async with running(source) as frames:
                for data in (packet(0), packet(1, token="wrong"), packet(2, token=7), packet(3, token=TOKEN)):
                    sender.sendto(data, (HOST, source.port))
                await until(lambda: frames)
                assert numbers(frames) == [3]
                assert source.report.malformed == 3
                assert "people" not in source.report.first_malformed

    asyncio.run(play())


@pytest.mark.parametrize("kind", [UdpSource, TcpSource, WebSocketSource])
def test_ports_that_are_taken_and_open_doors_are_refused(kind: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match="give a --token"):
        kind("x://0.0.0.0:0", "0.0.0.0", 0)
    with pytest.raises(InputError, match="at least 8"):
        kind("x://127.0.0.1:0", HOST, 0, token="short")
    datagrams = kind is UdpSource
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM) as taken:
        taken.bind((HOST, 0))
        if not datagrams:
            taken.listen()
        with pytest.raises(InputError, match="cannot listen there"):
            asyncio.run(kind("x://here", HOST, taken.getsockname()[1]).run(print))


def test_tcp_lines_come_in_pieces_and_in_bursts() -> None:
    async def play() -> None:
        source = TcpSource("tcp://0", HOST, 0)
        async with running(source) as frames:
            _, writer = await asyncio.open_connection(HOST, source.port)
            data = packet(0) + b"\r\n\n" + packet(1) + b"\n"
            for i in range(0, len(data), 100):
                writer.write(data[i : i + 100])
                await asyncio.sleep(0)
            await until(lambda: len(frames) == 2)
            writer.write(b"".join(packet(10 + i) + b"\n" for i in range(60)))
            await until(lambda: frames[-1].number == 69)
            assert len(frames) + source.report.dropped == 62
            writer.write(packet(99))
            writer.close()
            await until(lambda: source.report.state == "waiting")
            assert frames[-1].number == 99
            _, writer = await asyncio.open_connection(HOST, source.port)
            writer.write(packet(0) + b"\n")
            await until(lambda: frames[-1].number == 0)
            writer.close()

    asyncio.run(play())


def test_tcp_closes_on_lines_without_end_and_wrong_tokens() -> None:
    async def play() -> None:
        source = TcpSource("tcp://0", HOST, 0, token=TOKEN)
        async with running(source) as frames:
            for first in (packet(1), b'{"token": "wrong one"}', b"\xff\xfe", b"x" * (1 << 20) + b"yy"):
                reader, writer = await asyncio.open_connection(HOST, source.port)
                writer.write(first + b"\n")
                with_end = await asyncio.gather(reader.read(), return_exceptions=True)
                assert with_end[0] == b"" or isinstance(with_end[0], ConnectionError)
                writer.transport.abort()
            assert source.report.malformed == 4
            _, writer = await asyncio.open_connection(HOST, source.port)
            writer.write(json.dumps({"token": TOKEN}).encode() + b"\n" + packet(5) + b"\n")
            await until(lambda: frames)
            assert numbers(frames) == [5]
            writer.close()

    asyncio.run(play())


def test_pages_in_a_browser_cannot_send_to_a_port_of_lines() -> None:
    """Any page may have its browser send a request with a body like this one to this machine."""

    async def play() -> None:
        source = TcpSource("tcp://0", HOST, 0)
        async with running(source) as frames:
            reader, writer = await asyncio.open_connection(HOST, source.port)
            body = packet(1) + b"\n"
            head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            with_end = await asyncio.gather(reader.read(), return_exceptions=True)
            assert with_end[0] == b"" or isinstance(with_end[0], ConnectionError)
            assert not frames
            assert "HTTP" in source.report.first_malformed
            writer.transport.abort()

    asyncio.run(play())


def test_websocket_messages_and_tokens() -> None:
    async def play() -> None:
        source = WebSocketSource("ws://0", HOST, 0, token=TOKEN)
        async with running(source) as frames:
            url = f"ws://{HOST}:{source.port}"
            with pytest.raises(InvalidStatus):
                await connect(f"{url}/?token=wrong")
            async with connect(f"{url}/any?token=open%20sesame", origin="https://example.org") as sender:  # pyright: ignore[reportArgumentType]
                await sender.send(packet(1).decode())
                await sender.send(packet(2))
                await sender.send("garbage")
                await until(lambda: len(frames) == 2 and source.report.malformed == 2)
            async with connect(url) as sender:
                await sender.send(json.dumps({"token": TOKEN}))
                await sender.send(packet(3).decode())
                await until(lambda: len(frames) == 3)
            async with connect(url) as sender:
                await sender.send(packet(4))
                await sender.wait_closed()
            assert numbers(frames) == [1, 2, 3]
            await until(lambda: source.report.state == "waiting")

    asyncio.run(play())


def test_websocket_pages_from_elsewhere_and_huge_messages_are_refused() -> None:
    async def play() -> None:
        source = WebSocketSource("ws://0", HOST, 0)
        async with running(source) as frames:
            url = f"ws://{HOST}:{source.port}"
            for origin in ("https://example.org", "null", "http://127.0.0.1.example.org"):
                with pytest.raises(InvalidStatus):
                    await connect(url, origin=origin)  # pyright: ignore[reportArgumentType]
            async with connect(url, origin="http://localhost:3000") as sender:  # pyright: ignore[reportArgumentType]
                await sender.send(packet(1))
                await until(lambda: frames)
                await sender.send(b"x" * ((1 << 20) + 1))
                await sender.wait_closed()
            await until(lambda: source.report.malformed == 4)

    asyncio.run(play())


def test_a_tcp_server_that_goes_and_comes_back() -> None:
    async def play() -> None:
        with socket.socket() as free:
            free.bind((HOST, 0))
            port = free.getsockname()[1]
        source = TcpConnectSource("tcp+connect://x", HOST, port, token=TOKEN)
        greetings: list[bytes] = []

        async def give(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            greetings.append(await reader.readline())
            writer.write(packet(len(greetings)) + b"\n")
            await writer.drain()
            writer.close()

        async with running(source) as frames:
            await until(lambda: source.report.state == "reconnecting")
            assert source.report.detail == "connection refused; again in 0.2 s"
            for round_ in (1, 2):
                server = await asyncio.start_server(give, HOST, port)
                seen = len(frames)
                await until(lambda seen=seen: len(frames) > seen)
                server.close()
                await server.wait_closed()
                assert frames[-1].number is not None, round_
                await until(lambda: "refused" in source.report.detail)
        assert greetings[0] == json.dumps({"token": TOKEN}).encode() + b"\n"

    asyncio.run(play())


def test_a_websocket_server_that_goes_and_comes_back() -> None:
    async def play() -> None:
        asked: list[str] = []

        async def give(connection: Any) -> None:
            asked.append(connection.request.path)
            await connection.send(packet(len(asked)).decode())

        server = await serve(give, HOST, 0)
        port = next(iter(server.sockets)).getsockname()[1]
        source = WebSocketConnectSource("ws+connect://x", f"ws://{HOST}:{port}/poses?a=1")
        async with running(source) as frames:
            await until(lambda: len(frames) >= 2)
            assert source.report.state in ("reconnecting", "receiving", "waiting")
            server.close()
            await server.wait_closed()
            await until(lambda: "refused" in source.report.detail)
        assert asked[0] == "/poses?a=1"

    asyncio.run(play())


def test_standard_input_ends_and_takes_a_last_line_without_end() -> None:
    async def play() -> tuple[list[int | None], StdinSource]:
        read, write = os.pipe()
        source = StdinSource(descriptor=read)
        frames: list[KeypointFrame] = []
        task = asyncio.create_task(source.run(frames.append))
        os.write(write, packet(0) + b"\nnonsense\n")
        await until(lambda: len(frames) == 1 and source.report.malformed == 1)
        os.write(write, packet(1))
        os.close(write)
        await asyncio.wait_for(task, 5)
        os.close(read)
        return numbers(frames), source

    got, source = asyncio.run(play())
    assert got == [0, 1]
    assert source.report.state == "ended"


def test_a_file_on_standard_input_loses_no_line(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_bytes(b"".join(packet(i) + b"\n" for i in range(500)))
    frames: list[KeypointFrame] = []
    with path.open("rb") as file:
        source = StdinSource(descriptor=file.fileno())
        asyncio.run(source.run(frames.append))
    assert numbers(frames) == list(range(500))


def test_lines_on_standard_input_that_are_too_long_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(packet(0) + b"\n" + bytes((1 << 21) + 70_000) + b"\n" + packet(1) + b"\n" + bytes((1 << 20) + 1))
    frames: list[KeypointFrame] = []
    with path.open("rb") as file:
        source = StdinSource(descriptor=file.fileno())
        asyncio.run(source.run(frames.append))
    assert len(frames) == 2
    assert source.report.malformed == 2
    assert "a line has over 1048576 bytes" in source.report.first_malformed


def test_lines_are_those_of_the_whole_text_however_it_is_cut() -> None:
    text = b"a\n\nbb\r\n" + b"c" * 50 + b"\nrest"
    for size in range(1, len(text)):
        splitter = LineSplitter(60)
        lines = [line for i in range(0, len(text), size) for line in splitter.feed(text[i : i + size])]
        assert lines == [b"a", b"bb\r", b"c" * 50]
        assert splitter.rest() == b"rest"
    with pytest.raises(InputError, match="over 60 bytes"):
        LineSplitter(60).feed(b"x" * 61)
    for size in (1, 7, 64, 1000):
        text = b"a\n" + b"x" * 61 + b"\n" + b"y" * 200 + b"\nbb\n" + b"z" * 300
        splitter = LineSplitter(60, skip_long=True)
        lines = [line for i in range(0, len(text), size) for line in splitter.feed(text[i : i + size])]
        assert (lines, splitter.too_long, splitter.rest()) == ([b"a", b"bb"], 3, b"")
