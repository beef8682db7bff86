"""Keypoints over OSC, sent by python-osc and by messages laid out as the programs' own documentation says."""

import asyncio
import json
import os
import random
import socket
import time
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from pythonosc import osc_bundle_builder, osc_message_builder
from pythonosc.udp_client import SimpleUDPClient
from waiting import until

from maquette.errors import InputError
from maquette.live.ends import Source
from maquette.live.sources.newest import Packet
from maquette.live.sources.osc import OscSource
from maquette.skeletons import BODY_25, COCO_17
from maquette.stream.keypoint_frame import KeypointFrame

PARTS = """nose leftEye rightEye leftEar rightEar leftShoulder rightShoulder leftElbow rightElbow leftWrist rightWrist
leftHip rightHip leftKnee rightKnee leftAnkle rightAnkle""".split()
POINTS = np.round(np.random.default_rng(4).uniform((20, 30, 0.1), (600, 400, 1.0), (17, 3)), 2)

Send = Callable[[SimpleUDPClient, OscSource, list[KeypointFrame]], Awaitable[None]]


def received(send: Send, **options: object) -> tuple[list[KeypointFrame], OscSource]:
    """Run a source while ``send`` sends to it."""
    frames: list[KeypointFrame] = []

    async def session() -> OscSource:
        source = OscSource("osc://127.0.0.1:0", "127.0.0.1", 0, **options)  # pyright: ignore[reportArgumentType]
        assert isinstance(source, Source)
        running = asyncio.create_task(source.run(frames.append))
        while source.port == 0:
            await asyncio.sleep(0.001)
        client = SimpleUDPClient("127.0.0.1", source.port)
        try:
            await send(client, source, frames)
        finally:
            client._sock.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        return source

    source = asyncio.run(session())
    return frames, source


def own(number: int, person: int, people: int, points: np.ndarray = POINTS, skeleton: str = "coco-17") -> list:
    return [skeleton, number, person, people, 640, 480, *points.ravel().tolist()]


def shifted(by_px: int) -> np.ndarray:
    return POINTS + [by_px, by_px, 0]


def same(frame: KeypointFrame, *people: np.ndarray) -> None:
    assert len(frame.points) == len(people)
    for points, confidence, expected in zip(frame.points, frame.confidence, people, strict=True):
        np.testing.assert_allclose(points, expected[:, :2], rtol=1e-6)
        np.testing.assert_allclose(confidence, expected[:, 2], rtol=1e-6)


def test_one_person_is_delivered_at_once() -> None:
    async def send(client: SimpleUDPClient, source: OscSource, frames: list[KeypointFrame]) -> None:
        client.send_message("/maquette/keypoints", own(7, 3, 1))
        await until(lambda: len(frames) == 1)
        assert source.report.state == "receiving"

    (frame,), source = received(send)
    same(frame, POINTS)
    assert frame.skeleton is COCO_17
    assert (frame.number, frame.identities, frame.image_size, frame.time_s) == (7, (3,), (640, 480), None)
    assert abs(time.monotonic() - frame.arrived_s) < 5
    assert (source.report.frames, source.report.malformed) == (1, 0)


def test_people_of_a_frame_come_together_in_a_bundle_or_one_by_one() -> None:
    async def send(client: SimpleUDPClient, source: OscSource, frames: list[KeypointFrame]) -> None:
        bundle = osc_bundle_builder.OscBundleBuilder(1_700_000_000)
        for person in (4, 5):
            message = osc_message_builder.OscMessageBuilder("/maquette/keypoints")
            for value in own(0, person, 2, shifted(person)):
                message.add_arg(value)
            bundle.add_content(message.build())
        client.send(bundle.build())
        await until(lambda: len(frames) == 1)
        for person in (-1, -1, -1):
            client.send_message("/maquette/keypoints", own(1, person, 3))
        await until(lambda: len(frames) == 2)
        client.send_message("/maquette/nobody", [2, 640, 480])
        await until(lambda: len(frames) == 3)

    (both, three, nobody), _ = received(send)
    same(both, shifted(4), shifted(5))
    assert both.identities == (4, 5)
    assert both.time_s == pytest.approx(1_700_000_000 + 2_208_988_800, abs=1e-5)
    assert len(three.points) == 3
    assert three.identities is None
    assert (len(nobody.points), nobody.number, nobody.skeleton) == (0, 2, COCO_17)


def test_lost_people_are_not_waited_for_long_and_late_ones_are_left_out() -> None:
    async def send(client: SimpleUDPClient, source: OscSource, frames: list[KeypointFrame]) -> None:
        client.send_message("/maquette/keypoints", own(10, 0, 2))
        client.send_message("/maquette/keypoints", own(11, 0, 1))
        await until(lambda: len(frames) == 2)
        client.send_message("/maquette/keypoints", own(10, 1, 2))
        client.send_message("/maquette/keypoints", own(11, 0, 1))
        await until(lambda: source.report.skipped == 2)
        client.send_message("/maquette/keypoints", own(12, 0, 2))
        await until(lambda: len(frames) == 3)
        client.send_message("/maquette/keypoints", own(12, 1, 2))
        await until(lambda: source.report.skipped == 3)

    frames, _ = received(send)
    assert [frame.number for frame in frames] == [10, 11, 12]
    assert [len(frame.points) for frame in frames] == [1, 1, 1]


def test_a_sender_that_begins_anew_is_heard() -> None:
    async def send(client: SimpleUDPClient, source: OscSource, frames: list[KeypointFrame]) -> None:
        client.send_message("/maquette/keypoints", own(1000, 0, 1))
        client.send_message("/maquette/keypoints", own(0, 0, 1))
        await until(lambda: len(frames) == 2)

    assert [frame.number for frame in received(send)[0]] == [1000, 0]


def test_missing_points_and_whole_numbers() -> None:
    points = POINTS.copy()
    points[0] = (100, 200, 1)
    values = own(0, 0, 1, points)
    values[6:9] = [100, 200, 1]  # ints
    values[9:12] = [None, None, 0]
    values[12] = float("nan")

    async def send(client: SimpleUDPClient, source: OscSource, frames: list[KeypointFrame]) -> None:
        client.send_message("/maquette/keypoints", values)
        await until(lambda: len(frames) == 1)

    ((frame,), _) = received(send)
    np.testing.assert_array_equal(frame.points[0, 0], (100, 200))
    assert np.isnan(frame.points[0, 1:3]).all()
    assert frame.confidence[0, :3].tolist() == [1.0, 0.0, 0.0]


def poses(people: list[np.ndarray]) -> list[dict]:
    """As PoseNet gives them."""
    return [
        {
            "score": 0.8,
            "keypoints": [
                {"score": score, "part": part, "position": {"x": x, "y": y}}
                for part, (x, y, score) in zip(PARTS, person.tolist(), strict=True)
            ],
        }
        for person in people
    ]


def test_poseosc_in_three_of_its_formats() -> None:
    people = [POINTS, POINTS * [0.5, 0.5, 1]]
    flat = [v for person in people for v in (0.8, *person.ravel().tolist())]
    # osc-js sends whole numbers as ints.
    arr = [640, 480, 2, *[int(v) if v == int(v) else v for v in flat]]
    xml = '<poses videoWidth="640" videoHeight="480" nPoses="2">'
    for pose in poses(people):
        xml += f'<pose score="{pose["score"]}">'
        for k in pose["keypoints"]:
            x, y = (round(k["position"][axis], 2) for axis in "xy")
            xml += f'<keypoint part="{k["part"]}" x="{x}" y="{y}" score="{round(k["score"], 2)}"/>'
        xml += "</pose>"

    async def send(client: SimpleUDPClient, source: OscSource, frames: list[KeypointFrame]) -> None:
        client.send_message("/poses/arr", arr)
        client.send_message("/poses/json", json.dumps(poses(people)))
        client.send_message("/poses/xml", xml + "</poses>")
        client.send_message("/poses/arr", [640, 480, 0])
        client.send_message("/poses/json", "[]")
        client.send_message("/poses/xml", '<poses videoWidth="640" videoHeight="480" nPoses="0"></poses>')
        await until(lambda: len(frames) == 6)

    frames, source = received(send)
    for frame in frames[:2]:
        same(frame, *people)
    np.testing.assert_allclose(frames[2].points[1], people[1][:, :2], atol=0.0051)
    assert [frame.image_size for frame in frames[:3]] == [(640, 480), None, (640, 480)]
    assert [len(frame.points) for frame in frames] == [2, 2, 2, 0, 0, 0]
    assert all(frame.skeleton is COCO_17 for frame in frames)
    assert source.report.malformed == 0


def test_mediapipe_over_osc_in_two_forms() -> None:
    landmarks = np.random.default_rng(1).uniform(0.05, 0.95, (33, 4)).round(3)
    bare = [dict(zip(("x", "y", "z", "visibility"), row, strict=True)) for row in landmarks.tolist()]

    async def send(client: SimpleUDPClient, source: OscSource, frames: list[KeypointFrame]) -> None:
        client.send_message("/mediapipe/pose", [1, *landmarks.ravel().tolist()])
        client.send_message("/poses/json/1", json.dumps(bare))
        client.send_message("/mediapipe/pose", 0)
        await until(lambda: len(frames) == 3)

    frames, _ = received(send, image_size=(1280, 720))
    expected = np.column_stack((landmarks[:, :2] * (1280, 720), landmarks[:, 3]))
    for frame in frames[:2]:
        same(frame, expected)
        assert (frame.skeleton.name, frame.image_size) == ("blazepose-33", (1280, 720))
    assert len(frames[2].points) == 0


def test_openposes_json_in_a_string() -> None:
    flat = np.concatenate((np.arange(1, 51).reshape(25, 2), np.full((25, 1), 0.5)), axis=1)
    text = json.dumps({"version": 1.3, "people": [{"pose_keypoints_2d": flat.ravel().tolist()}]})

    async def send(client: SimpleUDPClient, source: OscSource, frames: list[KeypointFrame]) -> None:
        client.send_message("/maquette/json", text)
        await until(lambda: len(frames) == 1)

    ((frame,), _) = received(send, skeleton=BODY_25, image_size=(640, 480))
    assert frame.skeleton is BODY_25
    np.testing.assert_allclose(frame.points[0, :, 0], flat[:, 0])


@pytest.mark.parametrize(
    ("address", "arguments", "word"),
    [
        ("/maquette/keypoints", [], "name of a skeleton"),
        ("/maquette/keypoints", [1, 2], "name of a skeleton"),
        ("/maquette/keypoints", ["none", 0, 0, 1, 0, 0], "no skeleton is called"),
        ("/maquette/keypoints", own(0, 0, 1)[:-1], "50 numbers of keypoints; expected 51"),
        ("/maquette/keypoints", own(0, 0, 65), "65 people"),
        ("/maquette/keypoints", ["coco-17", 0.5, 0, 1, 0, 0], "whole numbers"),
        ("/maquette/keypoints", [*own(0, 0, 1)[:-1], "x"], "expected numbers"),
        ("/maquette/keypoints", own(0, 0, 1, POINTS * 1e9), "away"),
        ("/maquette/keypoints", ["coco-17", 0, 0, 1, -5, 480, *[1.0] * 51], "picture of -5"),
        ("/maquette/nobody", [], "3 whole numbers"),
        ("/poses/arr", [640, 480, 1], "expected 55"),
        ("/poses/arr", [640, 480, -1], "people"),
        ("/poses/json", "{}", "PoseNet"),
        ("/poses/json", "[" * 60000, "PoseNet"),
        ("/poses/json", '[{"keypoints":[{"part":"tail","score":1,"position":{"x":1,"y":2}}]}]', "'tail'"),
        ("/poses/json", 7, "one string"),
        ("/poses/xml", "<html>", "PoseOSC's XML"),
        ("/poses/json/3", "hello", "JSON"),
        ("/mediapipe/pose", [1, 2.0], "133"),
        ("/mediapipe/pose", [1, *[0.5] * 132], "--image-size"),
        ("/poses/0/score", 0.7, "ARR"),
        ("/nPoses", 1, "ARR"),
        ("/whatever", [], "no address"),
    ],
)
def test_what_is_not_understood_is_counted_and_shown(address: str, arguments: list, word: str) -> None:
    async def send(client: SimpleUDPClient, source: OscSource, frames: list[KeypointFrame]) -> None:
        client.send_message(address, arguments)
        client.send_message("/maquette/keypoints", own(0, 0, 1))
        await until(lambda: len(frames) == 1)

    _, source = received(send)
    assert source.report.malformed == 1
    assert word in source.report.first_malformed


def test_the_token_opens_the_door_to_its_machine() -> None:
    async def send(client: SimpleUDPClient, source: OscSource, frames: list[KeypointFrame]) -> None:
        client.send_message("/maquette/keypoints", own(0, 0, 1))
        client.send_message("/maquette/token", "wrong-secret-word")
        client.send_message("/maquette/token", 5)
        client.send_message("/maquette/token", [])
        await until(lambda: source.report.malformed == 4)
        client.send_message("/maquette/token", "a-secret-word")
        client.send_message("/maquette/keypoints", own(1, 0, 1))
        await until(lambda: len(frames) == 1)
        for number in range(200):
            data = b"/maquette/token\0,s\0\0a-secret-word\0\0\0"
            source.take([Packet(data, (f"10.0.0.{number}", 1), time.monotonic())])

    frames, source = received(send, token="a-secret-word")
    assert [frame.number for frame in frames] == [1]
    assert "wrong-secret-word" not in source.report.first_malformed
    assert "127.0.0.1" in source.report.first_malformed
    assert len(source._admitted) == 64


def test_one_sender_at_a_time() -> None:
    async def send(client: SimpleUDPClient, source: OscSource, frames: list[KeypointFrame]) -> None:
        other = SimpleUDPClient("127.0.0.1", source.port)
        client.send_message("/maquette/keypoints", own(0, 0, 1))
        await until(lambda: len(frames) == 1)
        other.send_message("/maquette/keypoints", own(500, 0, 1))
        await until(lambda: source.report.skipped == 1)
        await until(lambda: source.report.state == "stalled")
        other.send_message("/maquette/keypoints", own(501, 0, 1))
        await until(lambda: len(frames) == 2)
        other._sock.close()

    frames, _ = received(send)
    assert [frame.number for frame in frames] == [0, 501]


def test_garbage_neither_stalls_nor_grows_anything() -> None:
    rng = random.Random(3)
    whole = osc_message_builder.OscMessageBuilder("/maquette/keypoints")
    for value in own(0, 0, 1):
        whole.add_arg(value)
    good = whole.build().dgram

    def garbage(n: int) -> bytes:
        if n % 3 == 0:
            return os.urandom(rng.randrange(0, 1400))
        if n % 3 == 1:
            return good[: rng.randrange(len(good))]
        mangled = bytearray(good)
        for _ in range(5):
            mangled[rng.randrange(40)] = rng.randrange(256)
        return bytes(mangled)

    async def send(client: SimpleUDPClient, source: OscSource, frames: list[KeypointFrame]) -> None:
        noise = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.send_message("/maquette/keypoints", own(10_000, 0, 1))
        await until(lambda: len(frames) == 1)
        for number in range(100):
            for n in range(20):
                noise.sendto(garbage(n), ("127.0.0.1", source.port))
            client.send_message("/maquette/keypoints", own(10_001 + number, 0, 1))
            await until(lambda: len(frames) == number + 2)  # noqa: B023
        noise.close()
        assert source.report.malformed + source.report.skipped > 1900
        assert len(source.report.first_malformed) < 400

    frames, _ = received(send)
    assert [frame.number for frame in frames] == list(range(10_000, 10_101))


def test_a_port_that_is_taken_and_other_machines_without_a_token() -> None:
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    with pytest.raises(InputError, match="cannot listen"):
        asyncio.run(OscSource(f"osc://127.0.0.1:{port}", "127.0.0.1", port).run(lambda frame: None))
    taken.close()
    with pytest.raises(InputError, match="--token"):
        OscSource("osc://0.0.0.0:9000", "0.0.0.0", 9000)
