"""The page of the WebSocket port in headless Chromium. Set MAQUETTE_CHROMIUM to one that is not found."""

import asyncio
import io
import re
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from headless_browser import PATIENCE_S
from made_poses import clip_length, pose_frame, pose_of_clip
from PIL import Image

from maquette.live.sinks.websocket import WebSocketSink
from maquette.live.status import EndStatus, LiveStatus
from maquette.render.look import SIDE_COLOURS
from maquette.skeletons import LIFTED_21
from maquette.stream.pose_frame import PoseFrame

_WINDOW = {"width": 480, "height": 400}


class Server:
    """A sink in a loop of its own, in another thread; ``send`` and ``tell`` are for the test's."""

    def __init__(self, port: int = 0, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.sink = WebSocketSink("ws://test", options.pop("host", "127.0.0.1"), port, **options)
        self._do(self.sink.start())

    def _do(self, work: Coroutine) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def send(self, frame: PoseFrame) -> None:
        self._loop.call_soon_threadsafe(self.sink.send, frame)

    def tell(self, state: str = "live", source: str = "receiving", detail: str = "", **changes: Any) -> None:
        end = EndStatus("folder:clip", source, detail)
        status = LiveStatus(3.0, 30.0, 29.5, 1.84, 4.12, 90, 0, 1, state, end)
        self._loop.call_soon_threadsafe(self.sink.tell, replace(status, **changes))

    def stop(self) -> None:
        self._do(self.sink.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(*args: Any, **options: Any) -> Server:
        running.append(Server(*args, **options))
        return running[-1]

    yield start
    for server in running:
        if server._thread.is_alive():
            server.stop()


class Tab:
    """A page with all that it asked for and what went wrong on it."""

    def __init__(self, browser, address: str, **options: Any) -> None:
        self.context = browser.new_context(viewport=_WINDOW, **options)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.goto(address)

    def picture(self) -> np.ndarray:
        shot = self.page.screenshot(timeout=1000 * PATIENCE_S)
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)

    def figure(self) -> dict[str, np.ndarray]:
        """Columns of the pixels of left and right limbs; the legend is not looked at."""
        red, green, blue = np.moveaxis(self.picture()[50:310], -1, 0)
        left = (blue > 100) & (blue - red > 60) & (blue - green > 30)
        right = (red > 120) & (red - blue > 70) & (red - green > 40)
        return {"left": np.nonzero(left)[1], "right": np.nonzero(right)[1]}

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def __enter__(self) -> "Tab":
        return self

    def __exit__(self, *_error: object) -> None:
        self.context.close()


def until(found: Callable[[], object], what: str, doing: Callable[[], object] = lambda: None) -> None:
    """Wait until something is so, and do something meanwhile."""
    end_s = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < end_s, f"{what}: not within {PATIENCE_S:.0f} s"
        doing()
        time.sleep(0.03)


def facing_front(number: int = 0) -> PoseFrame:
    """A pose turned so that the person looks along +z."""
    pose = pose_of_clip(0, number)
    x, _, z = pose.positions_m[LIFTED_21.index("l_hip")] - pose.positions_m[LIFTED_21.index("r_hip")]
    angle = np.arctan2(z, x)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    return PoseFrame(number, number / 30, time.monotonic(), (replace(pose, positions_m=pose.positions_m @ turn.T),))


def test_connects_and_the_figure_moves(browser, serve) -> None:
    server = serve()
    with Tab(browser, server.sink.url) as tab:
        until(lambda: tab.text("#connection") == "connected", "it connects")
        until(lambda: tab.text("#message strong") == "Waiting for a person", "it says what it waits for")
        server.tell()
        until(lambda: tab.text("#fps") == "30.0 / 29.5", "rates are told")
        assert tab.text("#latency") == "1.8 / 4.1 ms"
        assert tab.text("#source") == "folder:clip"
        empty = tab.picture()
        server.send(facing_front())
        until(lambda: min(map(len, tab.figure().values())) > 150, "the figure is seen")
        columns = tab.figure()
        assert np.median(columns["left"]) > np.median(columns["right"]) + 5, "seen from the front, left is on the right"
        assert tab.page.is_hidden("#message")
        first = tab.picture()
        assert np.abs(first - empty).max() > 100
        server.send(facing_front(clip_length() // 2))
        until(lambda: (np.abs(tab.picture() - first).max(-1) > 60).sum() > 300, "another pose looks different")
        server.send(replace(pose_frame(clip_length()), poses=(), gone=(0,)))
        until(lambda: max(map(len, tab.figure().values())) < 20, "whoever leaves is not seen")
        host = f"127.0.0.1:{server.sink.port}/"
        assert tab.requests
        assert all(request.startswith((f"http://{host}", f"ws://{host}")) for request in tab.requests)
        assert tab.errors == []


def test_connects_again_after_a_restart(browser, serve) -> None:
    server = serve(host="127.0.0.1", token="the same token")
    with Tab(browser, server.sink.url) as tab:
        until(lambda: tab.text("#connection") == "connected", "the token is passed on")
        server.send(facing_front())
        until(lambda: min(map(len, tab.figure().values())) > 150, "the figure is seen")
        server.stop()
        until(lambda: tab.text("#connection").startswith("reconnecting ("), "it notices")
        until(lambda: tab.text("#connection") not in ("connected", "reconnecting (1)"), "it counts")
        until(lambda: tab.text("#message strong") == "The connection is lost", "it says so")
        again = serve(server.sink.port, token="the same token")
        until(lambda: tab.text("#connection") == "connected", "it comes back")
        until(lambda: max(map(len, tab.figure().values())) < 20, "the last session's figure is gone")
        again.send(facing_front(40))
        until(lambda: min(map(len, tab.figure().values())) > 150, "the figure is seen again")
        assert tab.page.is_hidden("#message")
        # Browsers report each failed attempt; nothing else may have gone wrong.
        assert [error for error in tab.errors if "ERR_CONNECTION_REFUSED" not in error] == []


def test_several_people_and_what_is_waited_for(browser, serve) -> None:
    server = serve()
    with Tab(browser, server.sink.url, color_scheme="dark") as tab:
        until(lambda: tab.text("#connection") == "connected", "it connects")
        server.tell("calibrating")
        until(lambda: tab.text("#message strong") == "Calibrating", "calibrating")
        server.tell("waiting", "waiting")
        until(lambda: tab.text("#message strong") == "Waiting for keypoints", "waiting")
        server.send(pose_frame(0, people=3))
        until(lambda: tab.page.locator("#tags span").all_inner_texts() == ["0", "1", "2"], "numbers over heads")
        server.tell("live", "stalled", "nothing for 3 s", dropped=7)
        until(lambda: tab.text("#message strong") == "The source has stalled", "stalled")
        assert tab.text("#message span") == "nothing for 3 s"
        assert tab.text("#dropped") == "7"
        server.tell("live", "receiving")
        server.send(pose_frame(1, people=3))
        until(lambda: tab.page.is_hidden("#message"), "and on")
        server.send(replace(pose_frame(2, people=1), gone=(1, 2)))
        until(lambda: tab.page.locator("#tags span").count() == 0, "one alone needs no number")
        assert tab.page.evaluate("getComputedStyle(document.body).color") == "rgb(236, 233, 226)"
        assert tab.errors == []


def test_the_view_is_turned_by_mouse_and_keys(browser, serve) -> None:
    server = serve()
    with Tab(browser, server.sink.url, reduced_motion="reduce") as tab:
        until(lambda: tab.text("#connection") == "connected", "it connects")
        server.send(facing_front())
        until(lambda: min(map(len, tab.figure().values())) > 150, "the figure is seen")
        until(lambda: tab.page.get_attribute("#stage", "data-people") == "1", "drawn")
        half_turn_px = np.pi / 0.008
        tab.page.mouse.move(40, 200)
        for _ in range(2):
            tab.page.mouse.down()
            tab.page.mouse.move(40 + half_turn_px / 2, 200, steps=4)
            tab.page.mouse.up()
            tab.page.mouse.move(40, 200)

        def from_behind() -> bool:
            columns = tab.figure()
            return bool(
                min(map(len, columns.values())) > 100 and np.median(columns["left"]) < np.median(columns["right"])
            )

        until(from_behind, "from behind, left is on the left")
        tab.page.focus("#stage")
        tab.page.keyboard.press("r")
        until(lambda: not from_behind(), "R looks from the front again")
        size = len(tab.figure()["left"])
        for _ in range(6):
            tab.page.keyboard.press("+")
        until(lambda: len(tab.figure()["left"]) > 1.3 * size, "plus comes nearer")
        assert tab.errors == []


def test_limbs_end_at_the_joints(browser, serve) -> None:
    """The page's own modules, asked by name."""
    server = serve()
    frame = facing_front(200)
    joints = dict(zip(LIFTED_21.joints, frame.poses[0].positions_m.tolist(), strict=True))
    with Tab(browser, server.sink.url) as tab:
        ask = "async (joints) => (await import('/body.js')).limbsOf(joints, {})"
        limbs = tab.page.evaluate(ask, joints)
        for letter, side in (("l", "left"), ("r", "right")):
            ends = {(tuple(limb["from"]), tuple(limb["to"])) for limb in limbs if limb["side"] == side}
            for upper, lower in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist")):
                assert (tuple(joints[f"{letter}_{upper}"]), tuple(joints[f"{letter}_{lower}"])) in ends
        assert min(min(limb["from"][1], limb["to"][1]) for limb in limbs) > 0
        for unknown in LIFTED_21.joints:
            for limb in tab.page.evaluate(ask, joints | {unknown: None}):
                assert np.isfinite([*limb["from"], *limb["to"], limb["radiusFrom"], limb["radiusTo"]]).all(), unknown
        assert tab.page.evaluate(ask, {}) == []
        assert tab.errors == []


def test_colours_are_those_of_the_pictures() -> None:
    style = (files("maquette.live") / "page" / "page.css").read_text(encoding="utf-8")
    for side in ("left", "right"):
        first = re.search(rf"--{side}: #([0-9a-f]{{6}});", style)
        assert first is not None
        assert tuple(bytes.fromhex(first[1])) == SIDE_COLOURS[side]
