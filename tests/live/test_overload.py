"""Senders that are faster than the processing: what is processed is new, and what is left out is counted."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import made_writers as writers
import numpy as np
import pytest
from made_ends import clip
from made_writers import Link

from maquette.live.ends import SourceReport
from maquette.live.frame_queue import FrameQueue
from maquette.live.sources import datagrams
from maquette.live.sources.newest import NEWEST, Packet, count_left_out, newest, newest_of_each
from maquette.stream.keypoint_frame import KeypointFrame

FRAME_S = 0.03
"""A frame takes the loop so long: 33 a second."""
FRAMES = 50


def flood(link: Link, sent_s: list[float], enough: threading.Event) -> None:
    """Some hundreds a second, each noted when it is given away."""
    points = clip()
    rows = np.concatenate((np.nan_to_num(points.points), points.confidence[..., None]), axis=2)
    try:
        with link.sending() as send:
            while not enough.is_set():
                sent_s.append(time.monotonic())
                number = len(sent_s) - 1
                send(number, number / 1000, rows[number % len(rows)])
                time.sleep(0.0005)
    except OSError:
        assert enough.is_set()  # the source has been closed


async def consumed(link: Link) -> tuple[np.ndarray, list[KeypointFrame], FrameQueue[KeypointFrame], int]:
    """Ages of the frames when they are processed, in seconds; the frames."""
    waiting = FrameQueue[KeypointFrame]()
    sent_s: list[float] = []
    enough = threading.Event()
    running = asyncio.create_task(link.source.run(waiting.put))
    while not link.source.report.detail and link.source.address != "-":
        await asyncio.sleep(0.001)
    sender = threading.Thread(target=flood, args=(link, sent_s, enough))
    sender.start()
    ages_s, frames = [], []
    try:
        for _ in range(FRAMES):
            frame = await asyncio.wait_for(waiting.get(), 10)
            assert frame is not None
            assert frame.number is not None
            time.sleep(FRAME_S)
            ages_s.append(time.monotonic() - sent_s[frame.number])
            frames.append(frame)
            await asyncio.sleep(0)
    finally:
        enough.set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.to_thread(sender.join, 10)
    return np.array(ages_s), frames, waiting, len(sent_s)


@pytest.mark.parametrize(
    "kind",
    [
        writers.udp,
        writers.osc,
        writers.tcp,
        writers.tcp_connect,
        writers.websocket,
        writers.websocket_connect,
        writers.stdin,
    ],
)
def test_what_is_processed_is_new_however_much_is_sent(tmp_path: Path, kind: Callable[[Path], Link]) -> None:
    link = kind(tmp_path)
    ages_s, frames, waiting, sent = asyncio.run(consumed(link))
    assert ages_s[5:].max() < 0.3
    numbers = [frame.number for frame in frames]
    assert numbers == sorted(set(numbers))  # pyright: ignore[reportArgumentType]
    # Each is processed, dropped or on its way.
    report = link.source.report
    assert (report.malformed, report.skipped) == (0, 0)
    assert report.frames == FRAMES + waiting.dropped + len(waiting)
    assert sent / 2 < report.frames + report.dropped <= sent


def test_packets_have_arrived_when_the_system_says() -> None:
    """While the loop is busy they wait, and that counts."""

    async def play() -> list[float]:
        link = writers.udp(Path())
        frames: list[KeypointFrame] = []
        running = asyncio.create_task(link.source.run(frames.append))
        while not link.source.report.detail:
            await asyncio.sleep(0.001)
        rows, late_s = np.full((25, 3), 9.0), []
        with link.sending() as send:
            for number in range(3):
                before_s = time.monotonic()
                send(number, 0.0, rows)
                after_s = time.monotonic()
                time.sleep(0.1)
                while len(frames) <= number:
                    await asyncio.sleep(0)
                assert frames[-1].arrived_s > before_s - 1e-3
                late_s.append(frames[-1].arrived_s - after_s)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return late_s

    late_s = asyncio.run(asyncio.wait_for(play(), 20))
    if datagrams._KNOWS_ARRIVALS:
        assert min(late_s) < 0.05
    else:
        assert min(late_s) >= 0.1


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0])
def test_a_system_clock_that_is_set_moves_no_arrival_out_of_its_bounds(monkeypatch, jump_s: float) -> None:
    async def play() -> None:
        came: list[Packet] = []
        now_s = time.time()
        async with datagrams.datagrams("udp://", writers.HOST, 0, SourceReport(), came.extend) as port:
            opened_s = time.monotonic()
            monkeypatch.setattr(datagrams.time, "time", lambda: now_s + jump_s)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"x", (writers.HOST, port))
            while not came:
                await asyncio.sleep(0.001)
        assert opened_s - 0.1 < came[0].arrived_s <= time.monotonic()

    asyncio.run(asyncio.wait_for(play(), 20))


def test_loops_that_cannot_wait_for_sockets_receive_as_well(monkeypatch) -> None:
    """As those of Windows."""

    def refuse(*_: object) -> None:
        raise NotImplementedError

    async def play() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", refuse)
        came: list[Packet] = []
        async with datagrams.datagrams("udp://", writers.HOST, 0, SourceReport(), came.extend) as port:
            monkeypatch.undo()  # what asyncio itself needs
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"one", (writers.HOST, port))
                sender.sendto(b"two", (writers.HOST, port))
                while len(came) < 2:
                    await asyncio.sleep(0.001)
                assert came[0].sender == (writers.HOST, sender.getsockname()[1])
        assert [packet.data for packet in came] == [b"one", b"two"]

    asyncio.run(asyncio.wait_for(play(), 20))


def sent_by(*senders: str) -> list[Packet]:
    return [Packet(sender.encode(), sender, float(number)) for number, sender in enumerate(senders)]


def test_a_flood_of_others_leaves_nothing_out_of_who_is_heard() -> None:
    packets = sent_by(*["other"] * 50, "heard", *["other"] * 50, "heard", *[f"other {i}" for i in range(100)])
    chosen, left_out = newest_of_each(packets, "heard")
    assert [packet.arrived_s for packet in chosen if packet.sender == "heard"] == [50.0, 101.0]
    assert len(chosen) < 20
    assert sorted(chosen + left_out, key=lambda packet: packet.arrived_s) == packets
    assert chosen == sorted(chosen, key=lambda packet: packet.arrived_s)


def test_of_who_is_heard_the_newest_are_taken() -> None:
    chosen, left_out = newest_of_each(sent_by(*["heard"] * 100), "heard")
    assert [packet.arrived_s for packet in chosen] == [96.0, 97.0, 98.0, 99.0]
    assert len(left_out) == 96
    assert newest_of_each(sent_by("anybody"), None) == (sent_by("anybody"), [])
    assert newest([1, 2, 3, 4, 5]) == ([2, 3, 4, 5], 1)
    assert newest([1], NEWEST) == ([1], 0)


def test_what_nobody_looked_at_is_counted() -> None:
    report = SourceReport()
    count_left_out(report, sent_by("a", "b", "b"), "a")
    assert (report.dropped, report.skipped) == (1, 2)
    count_left_out(report, sent_by("a", "b", "b"), None)
    assert (report.dropped, report.skipped) == (4, 2)
