"""The WebSocket port with an independent client: who gets in, what comes, and what becomes of those who do not read."""

import asyncio
import http.client
import json
import logging
import socket
import time
from collections.abc import Awaitable, Callable

import pytest
from made_poses import pose_frame
from waiting import until
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from maquette.errors import InputError, OutputError
from maquette.live.sinks import slow_clients, websocket
from maquette.live.sinks.websocket import MOST_CLIENTS, WebSocketSink
from maquette.live.status import EndStatus, LiveStatus

TOKEN = "open sesame & more"


def run(talk: Callable[[WebSocketSink], Awaitable[None]], *, token: str | None = None, host: str = "127.0.0.1") -> None:
    """Let a sink on a free port live for a talk."""

    async def live() -> None:
        sink = WebSocketSink("ws://test", host, 0, token=token)
        await sink.start()
        try:
            async with asyncio.timeout(60):
                await talk(sink)
        finally:
            await sink.stop()
        assert sink.report.state == "stopped"

    asyncio.run(live())


def address(sink: WebSocketSink, query: str = "") -> str:
    return f"ws://127.0.0.1:{sink.port}/{query}"


async def message(client) -> dict:
    return json.loads(await client.recv())


async def close_code(client) -> int | None:
    """With which the server ends the connection."""
    try:
        while True:
            await client.recv()
    except ConnectionClosed as closed:
        return None if closed.rcvd is None else closed.rcvd.code


def get(sink: WebSocketSink, path: str = "/", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """By another HTTP client; in a thread, for the server is in this one's loop."""
    connection = http.client.HTTPConnection("127.0.0.1", sink.port, timeout=20)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    finally:
        connection.close()


def status() -> LiveStatus:
    return LiveStatus(3.0, 30.0, 30.0, 2.0, float("nan"), 90, 4, 1, "live", EndStatus("-", "receiving"))


def test_hello_then_every_pose_in_order() -> None:
    async def talk(sink: WebSocketSink) -> None:
        sink.send(pose_frame(0))
        async with connect(address(sink), compression=None) as one, connect(address(sink)) as other:
            await until(lambda: sink.clients == 2)
            assert sink.report.state == "sending"
            assert not one.protocol.extensions
            for number in range(1, 41):
                sink.send(pose_frame(number, people=2))
            sink.send(pose_frame(41, gone=(1,)))
            for client in (one, other):
                assert (await message(client))["type"] == "hello"
                for number in range(1, 41):
                    told = [await message(client), await message(client)]
                    assert [(m["type"], m["frame"], m["person"]) for m in told] == [
                        ("pose", number, 0),
                        ("pose", number, 1),
                    ]
                assert ((await message(client))["frame"], (await message(client))["type"]) == (41, "gone")
        assert sink.report.sent == 41
        assert sink.report.dropped == 0
        await until(lambda: sink.clients == 0)
        sink.send(pose_frame(42))
        assert sink.report.sent == 41

    run(talk)


def test_small_packets_leave_at_once() -> None:
    async def talk(sink: WebSocketSink) -> None:
        async with connect(address(sink)):
            await until(lambda: sink.clients == 1)
            (server_side,) = sink._clients
            end = server_side.transport.get_extra_info("socket")
            assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    run(talk)


def test_status_is_told_also_to_those_who_come_later() -> None:
    async def talk(sink: WebSocketSink) -> None:
        sink.tell(status())
        async with connect(address(sink)) as client:
            assert (await message(client))["type"] == "hello"
            told = await message(client)
            assert (told["type"], told["dropped"], told["latency_ms"]) == ("status", 4, {"p50": 2.0, "p99": None})
            sink.tell(status())
            assert (await message(client))["type"] == "status"

    run(talk)


def test_the_page_and_its_parts() -> None:
    async def talk(sink: WebSocketSink) -> None:
        code, headers, body = await asyncio.to_thread(get, sink)
        assert (code, headers["content-type"]) == (200, "text/html; charset=utf-8")
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert f"ws://127.0.0.1:{sink.port}" in policy
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
        assert b"style=" not in body
        assert b"<script>" not in body
        for part in ("/main.js", "/page.css", "/icon.svg"):
            assert part[1:].encode() in body
            assert (await asyncio.to_thread(get, sink, part))[0] == 200
        code, headers, body = await asyncio.to_thread(get, sink, "/schema")
        assert code == 200
        assert json.loads(body)["title"] == "Messages of maquette live, version 1"
        for path in ("/nothing", "/page.html", "/../page.py", "/%2e%2e/listening.py", "//main.js", "/" + "a" * 4000):
            code, _, body = await asyncio.to_thread(get, sink, path)
            assert code in (404, 414), path
            assert len(body) < 200

    run(talk)


def test_only_pages_of_its_own_may_connect() -> None:
    async def talk(sink: WebSocketSink) -> None:
        own = f"http://127.0.0.1:{sink.port}"
        async with connect(address(sink), origin=own):  # pyright: ignore[reportArgumentType]
            pass
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1", f"{own}.evil.example"):
            with pytest.raises(InvalidStatus) as refusal:
                await connect(address(sink), origin=origin)  # pyright: ignore[reportArgumentType]
            assert refusal.value.response.status_code == 403, origin
        # A foreign name that leads here.
        rebound = f"evil.example:{sink.port}"
        assert (await asyncio.to_thread(lambda: get(sink, Host=rebound)))[0] == 403
        headers = {"Host": rebound, "Origin": f"http://{rebound}", "Upgrade": "websocket", "Connection": "Upgrade"}
        assert (await asyncio.to_thread(lambda: get(sink, **headers)))[0] == 403
        for host in ("127.0.0.1'; script-src *", ""):
            assert (await asyncio.to_thread(lambda host=host: get(sink, Host=host)))[0] in (400, 403)
        assert sink.clients == 0

    run(talk)


def test_token() -> None:
    async def talk(sink: WebSocketSink) -> None:
        assert sink.url.endswith("/?token=open%20sesame%20%26%20more")
        right = sink.url[sink.url.index("?") :]
        assert (await asyncio.to_thread(get, sink, "/" + right))[0] == 200
        async with connect(address(sink, right)) as client:
            assert (await message(client))["type"] == "hello"
        for query in ("", "?token=", "?token=wrong-token", f"{right}x", f"{right}&token=other", "?token=%ff%00"):
            assert (await asyncio.to_thread(get, sink, "/" + query))[0] == 401, query
            with pytest.raises(InvalidStatus) as refusal:
                await connect(address(sink, query))
            assert refusal.value.response.status_code == 401, query

    run(talk, token=TOKEN, host="0.0.0.0")


def test_listening_for_others_asks_for_a_token() -> None:
    with pytest.raises(InputError, match="--token"):
        WebSocketSink("ws://0.0.0.0:8765", "0.0.0.0", 8765)
    with pytest.raises(InputError, match="8"):
        WebSocketSink("ws://0.0.0.0:8765", "0.0.0.0", 8765, token="short")


def test_a_port_that_is_taken() -> None:
    async def talk(sink: WebSocketSink) -> None:
        other = WebSocketSink("ws://again", "127.0.0.1", sink.port)
        with pytest.raises(OutputError, match=rf"ws://again: cannot listen on port {sink.port}"):
            await other.start()
        await other.stop()

    run(talk)


def test_who_never_reads_is_cut_off_and_others_go_on(monkeypatch) -> None:
    monkeypatch.setattr(slow_clients, "PATIENCE_S", 0.4)

    async def talk(sink: WebSocketSink) -> None:
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", sink.port))
        deaf.sendall(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{sink.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        got: list[dict] = []
        async with connect(address(sink)) as client:
            await until(lambda: sink.clients == 2)

            async def read() -> None:
                async for line in client:
                    got.append(json.loads(line))

            reading = asyncio.create_task(read())
            number, most = 0, 0
            end_s = time.monotonic() + 30
            while not sink.cut_off and time.monotonic() < end_s:
                sink.send(pose_frame(number, people=3))
                number += 1
                waiting = [c.transport.get_write_buffer_size() for c in sink._clients.values()]
                most = max(most, *waiting)
                await asyncio.sleep(0.002)
            assert sink.cut_off == sink.report.failures == 1
            assert sink.skipped > 0
            assert most < slow_clients.WAITING_BYTES + 20_000
            await until(lambda: len(got) == 1 + 3 * number)
            assert sink.report.sent == number
            assert sink.clients == 1
            assert "cut off" in sink.report.detail
            reading.cancel()
        deaf.close()

    run(talk)


def test_a_slow_reader_misses_frames_and_not_who_left() -> None:
    async def talk(sink: WebSocketSink) -> None:
        async with connect(address(sink), max_queue=1) as client:
            await until(lambda: sink.clients == 1)
            assert (await message(client))["type"] == "hello"
            number = 0
            sink.send(pose_frame(number, people=4))
            while not sink.skipped:
                # Nothing is read: only what the system takes leaves; nothing between the last frame and the farewell.
                await asyncio.sleep(0)
                number += 1
                sink.send(pose_frame(number, people=4))
            number += 1
            sink.send(pose_frame(number, gone=(3,)))
            assert sink.report.dropped == sink.skipped == 2
            frames: list[tuple[int, str]] = []
            while not any(kind == "gone" for _, kind in frames):
                told = await message(client)
                frames.append((told["frame"], told["type"]))
                sink._with_room(time.monotonic())
            assert frames[-1] == (number, "gone")
            assert frames[:-1] == [(i // 4, "pose") for i in range(len(frames) - 1)]

    run(talk)


def test_clients_have_nothing_to_say(caplog, capfd) -> None:
    caplog.set_level(logging.DEBUG, logger="maquette")

    async def talk(sink: WebSocketSink) -> None:
        async with connect(address(sink)) as polite:
            for text in ("ping", "{", b"\x00\xff" * 100):
                await polite.send(text)
            await (await polite.ping())
            async with connect(address(sink)) as loud:
                await loud.send("x" * 5000)
                assert await close_code(loud) == 1009
            for garbage in (
                b"\x00" * 3000,
                b"GET / HTTP/1.1\r\n\r\n",
                b"POST / HTTP/1.1\r\n\r\n",
                b"GET " + b"a" * 20_000,
            ):
                _reader, writer = await asyncio.open_connection("127.0.0.1", sink.port)
                writer.write(garbage)
                await writer.drain()
                writer.close()
            sink.send(pose_frame(1))
            assert (await message(polite))["type"] == "hello"
            assert (await message(polite))["type"] == "pose"

    run(talk)
    assert capfd.readouterr() == ("", "")


def test_no_more_clients_than_there_is_room_for() -> None:
    async def talk(sink: WebSocketSink) -> None:
        clients = [await connect(address(sink)) for _ in range(MOST_CLIENTS)]
        await until(lambda: sink.clients == MOST_CLIENTS)
        with pytest.raises(InvalidStatus) as refusal:
            await connect(address(sink))
        assert refusal.value.response.status_code == 503
        await asyncio.gather(*(client.close() for client in clients))
        await until(lambda: sink.clients == 0)
        async with connect(address(sink)) as client:
            assert (await message(client))["type"] == "hello"

    run(talk)


def test_goodbye() -> None:
    async def live() -> None:
        sink = WebSocketSink("ws://test", "127.0.0.1", 0)
        await sink.start()
        async with connect(address(sink)) as client:
            await until(lambda: sink.clients == 1)
            await sink.stop()
            assert await close_code(client) == 1001
        again = WebSocketSink("ws://test", "127.0.0.1", sink.port)
        await again.start()
        await again.stop()

    asyncio.run(live())


def test_without_the_package(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "websockets.asyncio.server", None)
    with pytest.raises(ImportError, match=r"maquette\[live\]"):
        asyncio.run(websocket.WebSocketSink("ws://test", "127.0.0.1", 0).start())
