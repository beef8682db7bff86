"""The VMC sink against receivers made of python-osc's own server."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from made_humanoids import demo_humanoids, live_pose, pose_frame, t_pose
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer
from scipy.spatial.transform import Rotation

from maquette.errors import OutputError
from maquette.live.ends import Sink
from maquette.live.sinks.seats import Seats
from maquette.live.sinks.vmc import VmcSink
from maquette.stream.pose_frame import Humanoid, PoseFrame


class Marionette:
    """A receiver of the protocol: python-osc's server, in a thread."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        dispatcher = Dispatcher()
        self.messages: list[tuple[str, tuple]] = []
        dispatcher.set_default_handler(lambda address, *arguments: self.messages.append((address, arguments)))
        if ":" in host:
            server_class = type("Server6", (BlockingOSCUDPServer,), {"address_family": socket.AF_INET6})
        else:
            server_class = BlockingOSCUDPServer
        self.server = server_class((host, port), dispatcher)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def of(self, address: str) -> list[tuple]:
        return [arguments for seen, arguments in self.messages if seen == address]

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@contextmanager
def marionettes(count: int, host: str = "127.0.0.1") -> Iterator[list[Marionette]]:
    """Receivers at ports in a row."""
    for _ in range(50):
        made = [Marionette(host)]
        try:
            made += [Marionette(host, made[0].port + seat) for seat in range(1, count)]
        except OSError:
            for marionette in made:
                marionette.close()
            continue
        break
    try:
        yield made
    finally:
        for marionette in made:
            marionette.close()


def sent(sink: VmcSink, frames: list[PoseFrame], until: Callable[[], bool]) -> None:
    """Send frames, stop, and wait until something is so."""

    async def session() -> None:
        await sink.start()
        for frame in frames:
            sink.send(frame)
            # Sixty at once would be more than the system keeps for a receiver that is busy.
            await asyncio.sleep(0.005)
        await sink.stop()

    asyncio.run(session())
    deadline = time.monotonic() + 5
    while not until():
        assert time.monotonic() < deadline, "not received"
        time.sleep(0.005)


def joints(bones: list[tuple]) -> np.ndarray:
    """Left ankle from the hip joint, in Unity's axes, from one bundle's messages of bones."""
    local = {bone[0]: (np.array(bone[1:4]), Rotation.from_quat(bone[4:8])) for bone in bones}
    turn = local["Hips"][1] * local["LeftUpperLeg"][1]
    return turn.apply(local["LeftLowerLeg"][0] + local["LeftLowerLeg"][1].apply(local["LeftFoot"][0]))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_receiver_gets_every_frame(host: str) -> None:
    humanoids, truth = demo_humanoids()
    with marionettes(1, "::1" if host == "::1" else "127.0.0.1") as (marionette,):
        sink = VmcSink("vmc://there", host, marionette.port)
        assert isinstance(sink, Sink)
        frames = [pose_frame(i, live_pose(0, humanoid)) for i, humanoid in enumerate(humanoids[:60])]
        sent(sink, frames, lambda: len(marionette.of("/VMC/Ext/OK")) == 61)
    assert (sink.report.sent, sink.report.dropped, sink.report.failures) == (60, 0, 0)
    assert sink.report.state == "stopped"
    assert [t for (t,) in marionette.of("/VMC/Ext/T")] == pytest.approx([i / 30 for i in range(60)])
    bones = marionette.of("/VMC/Ext/Bone/Pos")
    assert len(bones) == 60 * 22
    for index in (0, 31, 59):
        leg = (truth["l_ankle"] - truth["l_hip"])[index] * [-1, 1, 1]
        np.testing.assert_allclose(joints(bones[22 * index : 22 * index + 22]), leg, atol=2e-4)


def test_the_last_word_is_that_nothing_is_loaded() -> None:
    with marionettes(1) as (marionette,):
        sink = VmcSink("vmc://there", "127.0.0.1", marionette.port)
        sent(sink, [pose_frame(0, live_pose(0, t_pose()))], lambda: len(marionette.of("/VMC/Ext/OK")) == 2)
        assert marionette.of("/VMC/Ext/OK") == [(1, 3, 0, 1), (0, 0, 0, 0)]


def test_each_person_has_a_port_of_its_own() -> None:
    near = t_pose()
    far = Humanoid(near.rotations, near.offsets_m, np.array([3.0, 0.9, 1.0]))
    frames = [
        pose_frame(0, state="calibrating"),
        pose_frame(1, live_pose(7, near), state="calibrating"),
        pose_frame(2, live_pose(7, near), live_pose(8, far)),
        pose_frame(3, live_pose(8, far)),  # the first is not seen for a moment
        pose_frame(4, live_pose(8, far), gone=(7,)),
        pose_frame(5, live_pose(8, far), live_pose(9, near)),
    ]
    with marionettes(3) as (first, second, third):
        sink = VmcSink("vmc://there", "127.0.0.1", first.port, people=3)
        sent(sink, frames, lambda: len(first.of("/VMC/Ext/OK")) == 7 and len(second.of("/VMC/Ext/OK")) == 5)
    assert [ok[0] for ok in first.of("/VMC/Ext/OK")] == [0, 1, 1, 1, 1, 1, 0]
    assert [ok[1] for ok in first.of("/VMC/Ext/OK")] == [1, 2, 3, 3, 3, 3, 0]
    assert [ok[3] for ok in first.of("/VMC/Ext/OK")] == [0, 1, 1, 0, 0, 1, 0]
    assert [ok[3] for ok in second.of("/VMC/Ext/OK")] == [1, 1, 1, 1, 0]
    assert {bone[1] for bone in first.of("/VMC/Ext/Bone/Pos") if bone[0] == "Hips"} == {-0.5}
    assert {bone[1] for bone in second.of("/VMC/Ext/Bone/Pos") if bone[0] == "Hips"} == {-3.0}
    assert third.messages == []


def test_with_one_seat_the_one_followed_longest_takes_over() -> None:
    seats = Seats(1)
    a, b, c = (live_pose(person, t_pose()) for person in (0, 1, 2))
    assert seats.place(pose_frame(0, a)) == (a,)
    assert seats.place(pose_frame(1, a, b)) == (a,)
    assert seats.place(pose_frame(2, b, c)) == (None,)
    assert seats.place(pose_frame(3, b, c, gone=(0,))) == (b,)
    assert seats.place(pose_frame(4, c, gone=(1,))) == (c,)


def test_who_is_not_seen_for_seconds_gives_the_seat_to_somebody_who_waits() -> None:
    seats = Seats(1)
    a, b = (live_pose(person, t_pose()) for person in (0, 1))
    assert seats.place(pose_frame(0, a)) == (a,)
    assert seats.place(pose_frame(100)) == (None,)
    assert seats.place(pose_frame(101, a)) == (a,)
    assert seats.place(pose_frame(150, b)) == (None,)
    assert seats.place(pose_frame(162, b)) == (b,)
    assert seats.place(pose_frame(163, a, b)) == (b,)


def test_nobody_listens_and_then_somebody_does() -> None:
    with marionettes(1) as (marionette,):
        port = marionette.port

    async def session() -> tuple[VmcSink, str, int]:
        sink = VmcSink("vmc://there", "127.0.0.1", port)
        await sink.start()
        for number in range(50):
            sink.send(pose_frame(number, live_pose(0, t_pose())))
            await asyncio.sleep(0.001)
        assert sink.report.state == "waiting"
        refused, why = sink.report.failures, sink.report.detail
        marionette = Marionette(port=port)
        try:
            deadline = time.monotonic() + 5
            number = 50
            while sink.report.state != "sending" or len(marionette.of("/VMC/Ext/OK")) < 10:
                assert time.monotonic() < deadline
                sink.send(pose_frame(number, live_pose(0, t_pose())))
                number += 1
                await asyncio.sleep(0.005)
        finally:
            marionette.close()
        await sink.stop()
        return sink, why, refused

    sink, why, refused = asyncio.run(session())
    assert why == f"nobody listens on 127.0.0.1:{port}"
    assert 0 < refused <= 50
    assert sink.report.failures <= refused + 1


def test_a_pose_that_is_not_finite_is_left_out_and_the_others_go_on() -> None:
    bad = t_pose()
    bad = Humanoid(bad.rotations * np.nan, bad.offsets_m, bad.hips_m)
    with marionettes(2) as (first, second):
        sink = VmcSink("vmc://there", "127.0.0.1", first.port, people=2)
        frames = [pose_frame(0, live_pose(0, bad), live_pose(1, t_pose())), pose_frame(1, live_pose(0, bad))]
        sent(sink, frames, lambda: len(second.of("/VMC/Ext/OK")) == 3)
    assert first.of("/VMC/Ext/Bone/Pos") == []
    assert len(second.of("/VMC/Ext/Bone/Pos")) == 22
    assert sink.report.failures == 2
    assert "not finite" in sink.report.detail or sink.report.state == "stopped"


def test_networks_that_are_not_there_are_counted() -> None:
    async def session() -> VmcSink:
        # A documentation address without a route, or with one that leads nowhere: nothing of it may raise.
        sink = VmcSink("vmc://there", "2001:db8::1", 39539)
        await sink.start()
        for number in range(5):
            sink.send(pose_frame(number, live_pose(0, t_pose())))
        await sink.stop()
        return sink

    report = asyncio.run(session()).report
    assert report.sent + report.dropped == 5


def test_a_sink_that_was_not_started_or_was_stopped_takes_frames_quietly() -> None:
    sink = VmcSink("vmc://there", "127.0.0.1")
    sink.send(pose_frame(0, live_pose(0, t_pose())))
    asyncio.run(sink.stop())
    sink.send(pose_frame(0, live_pose(0, t_pose())))
    assert sink.report.sent == 0


def test_hosts_that_do_not_exist_are_told_at_the_start() -> None:
    with pytest.raises(OutputError, match=r"no address is known for 'no-such-host.invalid'"):
        asyncio.run(VmcSink("vmc://x", "no-such-host.invalid").start())


@pytest.mark.parametrize(("port", "people"), [(0, 1), (65536, 1), (65535, 2), (39539, 0)])
def test_ports_that_do_not_exist_are_refused(port: int, people: int) -> None:
    with pytest.raises(OutputError, match="ports"):
        VmcSink("vmc://x", "127.0.0.1", port, people=people)
