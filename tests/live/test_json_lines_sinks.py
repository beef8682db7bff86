"""JSON lines by pipe, UDP and TCP: whole lines in order, whatever the other end does."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time

import pytest
from made_poses import pose_frame
from waiting import until

from maquette.errors import InputError, OutputError
from maquette.live.sinks import json_tcp, slow_clients
from maquette.live.sinks.json_lines import StdoutSink, UdpJsonSink
from maquette.live.sinks.json_tcp import TcpJsonSink, TcpListenJsonSink

TOKEN = "a token of ours"


def live(talk) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await talk()

    asyncio.run(bounded())


def kinds(lines: list[bytes]) -> list[tuple[str, int | None]]:
    parsed = [json.loads(line) for line in lines]
    return [(message["type"], message.get("frame")) for message in parsed]


def test_lines_on_standard_output() -> None:
    reader, writer = os.pipe()

    async def talk() -> None:
        sink = StdoutSink(descriptor=writer)
        await sink.start()
        sink.send(pose_frame(0, people=2))
        sink.send(pose_frame(1, gone=(1,)))
        await sink.stop()
        assert (sink.report.state, sink.report.sent, sink.report.dropped) == ("stopped", 2, 0)

    live(talk)
    os.close(writer)
    with open(reader, "rb") as pipe:
        lines = pipe.read().splitlines(keepends=True)
    assert all(line.endswith(b"\n") for line in lines)
    assert kinds(lines) == [("hello", None), ("pose", 0), ("pose", 0), ("pose", 1), ("gone", 1)]


def test_a_full_pipe_drops_frames_and_tears_no_line() -> None:
    reader, writer = os.pipe()
    sink = StdoutSink(descriptor=writer)

    async def talk() -> None:
        await sink.start()
        slowest_s = 0.0
        for number in range(300):
            frame = pose_frame(number)
            begin_s = time.perf_counter()
            sink.send(frame)
            slowest_s = max(slowest_s, time.perf_counter() - begin_s)
            await asyncio.sleep(0)
        # Nobody has read anything: a call that waited for that would not have come back.
        assert slowest_s < 5
        assert sink.report.dropped > 200
        assert sink.report.sent + sink.report.dropped == 300
        assert "slow" in sink.report.detail
        begin_s = time.monotonic()
        await sink.stop()
        assert time.monotonic() - begin_s < 10

    live(talk)
    os.set_blocking(reader, False)
    parts = []
    end_s = time.monotonic() + 20
    while sink._writer is not None and sink._writer.is_alive() and time.monotonic() < end_s:
        try:
            parts.append(os.read(reader, 1 << 16))
        except BlockingIOError:
            time.sleep(0.002)
    os.close(writer)
    while part := os.read(reader, 1 << 16):
        parts.append(part)
    os.close(reader)
    lines = b"".join(parts).splitlines(keepends=True)
    assert all(line.endswith(b"\n") for line in lines)
    told = kinds(lines)
    assert told[0] == ("hello", None)
    frames = [frame for _, frame in told[1:] if frame is not None]
    assert frames == sorted(set(frames))
    # A pipe holds 64 KiB: some fifteen frames of two people.
    assert 8 < len(frames) <= sink.report.sent


def test_a_reader_that_leaves_ends_the_sink() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    async def talk() -> None:
        sink = StdoutSink(descriptor=writer)
        await sink.start()
        await until(lambda: not (sink._writer and sink._writer.is_alive()))
        for number in range(3):
            sink.send(pose_frame(number))
        assert (sink.report.state, sink.report.detail) == ("failed", "the reader has closed the pipe")
        assert (sink.report.sent, sink.report.dropped, sink.report.failures) == (0, 3, 1)
        await sink.stop()
        assert sink.report.state == "failed"

    live(talk)
    os.close(writer)


def test_the_real_standard_output() -> None:
    program = (
        "import asyncio\n"
        "from maquette.live.sinks.json_lines import StdoutSink\n"
        "async def main():\n"
        "    sink = StdoutSink()\n"
        "    await sink.start()\n"
        "    await sink.stop()\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=True)
    assert kinds(done.stdout.splitlines()) == [("hello", None)]
    assert done.stderr == b""


def test_one_message_a_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)

        async def talk() -> None:
            sink = UdpJsonSink("udp://test", "127.0.0.1", receiver.getsockname()[1])
            await sink.start()
            sink.send(pose_frame(3, people=2, gone=(7,)))
            assert (sink.report.state, sink.report.sent) == ("sending", 1)
            await sink.stop()
            sink.send(pose_frame(4))

        live(talk)
        told = [json.loads(receiver.recv(65_536)) for _ in range(3)]
        assert [(m["type"], m["person"]) for m in told] == [("pose", 0), ("pose", 1), ("gone", 7)]


def test_nobody_at_the_other_end_of_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

    async def talk() -> None:
        sink = UdpJsonSink("udp://test", "127.0.0.1", port)
        await sink.start()
        for number in range(4):
            sink.send(pose_frame(number))
            await asyncio.sleep(0.02)
        assert (sink.report.state, sink.report.detail) == ("waiting", "nobody listens there")
        assert sink.report.dropped > 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
            receiver.bind(("127.0.0.1", port))
            receiver.settimeout(10)
            sink.send(pose_frame(8))
            sink.send(pose_frame(9))
            assert {json.loads(receiver.recv(65_536))["frame"] for _ in range(2)} <= {3, 8, 9}
            assert sink.report.state == "sending"
        await sink.stop()

    live(talk)
    with pytest.raises(OutputError, match=r"no-such-host\.invalid"):
        asyncio.run(UdpJsonSink("udp://no-such-host.invalid:9", "no-such-host.invalid", 9).start())


def test_tcp_connects_and_connects_again(monkeypatch) -> None:
    monkeypatch.setattr(json_tcp, "_FIRST_PAUSE_S", 0.02)

    async def talk() -> None:
        with socket.socket() as place:
            place.bind(("127.0.0.1", 0))
            port = place.getsockname()[1]
        sink = TcpJsonSink("tcp://test", "127.0.0.1", port)
        await sink.start()
        await until(lambda: sink.report.state == "reconnecting")
        sink.send(pose_frame(0))
        assert sink.report.dropped == 1
        for session in (1, 2):
            lines: list[bytes] = []
            closing = asyncio.Event()

            async def listen(reader, writer, lines=lines, closing=closing) -> None:
                while len(lines) < 3:
                    lines.append(await reader.readline())
                await closing.wait()
                writer.close()

            server = await asyncio.start_server(listen, "127.0.0.1", port)
            await until(lambda: sink.report.state == "sending")
            sink.send(pose_frame(10 * session))
            sink.send(pose_frame(10 * session + 1))
            await until(lambda lines=lines: len(lines) == 3)
            assert kinds(lines) == [("hello", None), ("pose", 10 * session), ("pose", 10 * session + 1)]
            server.close()
            closing.set()
            await until(lambda: sink.report.state == "reconnecting")
        assert sink.report.sent == 4
        await sink.stop()
        assert sink.report.state == "stopped"

    live(talk)


def test_tcp_to_one_who_does_not_read() -> None:
    async def talk() -> None:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            sink = TcpJsonSink("tcp://test", "127.0.0.1", listener.getsockname()[1])
            await sink.start()
            await until(lambda: sink.report.state == "sending")
            number = 0
            while sink.report.dropped < 50:
                sink.send(pose_frame(number))
                number += 1
                await asyncio.sleep(0)
            assert sink._line is not None
            assert sink._line.client.transport.get_write_buffer_size() < slow_clients.WAITING_BYTES + 4000
            assert (sink.report.state, sink.report.detail) == ("waiting", "the other end does not read")
            begin_s = time.monotonic()
            await sink.stop()
            assert time.monotonic() - begin_s < 10

    live(talk)


def test_many_listen_by_tcp(monkeypatch) -> None:
    monkeypatch.setattr(slow_clients, "PATIENCE_S", 0.3)

    async def talk() -> None:
        sink = TcpListenJsonSink("tcp+listen://test", "127.0.0.1", 0)
        await sink.start()
        assert sink.report.state == "waiting"
        deaf = socket.socket()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", sink.port))
        ends = [await asyncio.open_connection("127.0.0.1", sink.port) for _ in range(2)]
        await until(lambda: sink.clients == 3)
        got: list[list[bytes]] = [[], []]

        async def read(reader: asyncio.StreamReader, lines: list[bytes]) -> None:
            while line := await reader.readline():
                lines.append(line)

        reading = [asyncio.create_task(read(end[0], lines)) for end, lines in zip(ends, got, strict=True)]
        number, end_s = 0, time.monotonic() + 30
        while not sink.cut_off and time.monotonic() < end_s:
            sink.send(pose_frame(number, people=3))
            number += 1
            await asyncio.sleep(0.002)
        assert sink.cut_off == 1
        for lines in got:
            await until(lambda lines=lines: len(lines) == 1 + 3 * number)
            assert kinds(lines) == [("hello", None), *(("pose", i) for i in range(number) for _ in range(3))]
        # Who says much is not listened to, and who leaves is not missed.
        ends[0][1].write(b"\xff" * 100_000)
        ends[0][1].close()
        await until(lambda: sink.clients == 1)
        await sink.stop()
        await asyncio.gather(*reading, return_exceptions=True)
        ends[1][1].close()
        deaf.close()
        assert (sink.report.state, sink.report.sent, sink.report.dropped) == ("stopped", number, 0)

    live(talk)


def test_token_is_the_first_line() -> None:
    async def talk() -> None:
        sink = TcpListenJsonSink("tcp+listen://test", "0.0.0.0", 0, token=TOKEN)
        await sink.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", sink.port)
        writer.write(TOKEN.encode() + b"\r\n")
        assert kinds([await reader.readline()]) == [("hello", None)]
        for wrong in (b"\n", b"another token\n", b"x" * 5000 + b"\n", b"\xff\xfe\n", TOKEN.encode()[:-1]):
            other, end = await asyncio.open_connection("127.0.0.1", sink.port)
            end.write(wrong)
            end.write_eof()
            try:
                assert await other.read() == b""
            except ConnectionResetError:
                # Closed before all was read: nothing was told, either.
                pass
            end.close()
        assert sink.clients == 1
        writer.close()
        await sink.stop()

    live(talk)
    with pytest.raises(InputError, match="--token"):
        TcpListenJsonSink("tcp+listen://0.0.0.0:1", "0.0.0.0", 1)


def test_a_taken_port_is_told() -> None:
    async def talk() -> None:
        sink = TcpListenJsonSink("tcp+listen://test", "127.0.0.1", 0)
        await sink.start()
        with pytest.raises(OutputError, match=f"cannot listen on port {sink.port}"):
            await TcpListenJsonSink("tcp+listen://again", "127.0.0.1", sink.port).start()
        await sink.stop()

    live(talk)
