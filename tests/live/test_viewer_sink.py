"""The live viewer: what is on the page while people come, move and leave; and in a real browser."""

import asyncio
import io
import socket
import time

import numpy as np
import pytest
from headless_browser import PATIENCE_S, SOFTWARE_GL, chromium_program
from recorded_people import clip, frame, pose

from maquette.errors import InputError, OutputError
from maquette.live.ends import Sink
from maquette.live.sinks.viewer import ViewerSink
from maquette.live.status import EndStatus, LiveStatus
from maquette.viewer import live_figure
from maquette.viewer.live_figure import LivePage
from maquette.viewer.serve import close_server, open_server


def shown(number: int, shift_m: tuple[float, float, float] = (0.0, 0.0, 0.0)):
    one = pose(number, 0, shift_m)
    return one.positions_m, one.contacts


@pytest.fixture
def page():
    server = open_server("127.0.0.1", 0)
    yield LivePage(server)
    close_server(server)


def test_people_come_move_and_vanish(page: LivePage, monkeypatch: pytest.MonkeyPatch) -> None:
    page.show({0: shown(0)})
    figure = page._figures[0]
    np.testing.assert_allclose(figure._meshes.joints.batched_positions, clip().positions[0], atol=1e-6)
    page.show({0: shown(40), 5: shown(0, (1.0, 0.0, 0.0))})
    np.testing.assert_allclose(figure._meshes.joints.batched_positions, clip().positions[40], atol=1e-6)
    assert page.people == (0, 5)
    page.show({5: shown(1)})
    assert page.people == (5,)
    page.show({0: shown(41), 5: shown(2)})
    assert page.people == (0, 5)
    monkeypatch.setattr(live_figure, "_FORGET_S", 0.0)
    page.show({})
    assert page.people == ()
    assert page._figures == {}


def test_bones_reach_from_joint_to_joint_and_rings_lie_under_feet_that_stand(page: LivePage) -> None:
    page.show({0: shown(25)})
    page.show({0: shown(26)})
    figure, positions = page._figures[0], clip().positions[26]
    pairs = np.array(figure._shape.bones)
    lengths = np.linalg.norm(positions[pairs[:, 1]] - positions[pairs[:, 0]], axis=-1)
    np.testing.assert_allclose(figure._meshes.bones.batched_positions, positions[pairs[:, 0]], atol=1e-6)
    np.testing.assert_allclose(np.asarray(figure._meshes.bones.batched_scales)[:, 1], lengths, atol=1e-6)
    contacts = clip().contacts
    assert contacts is not None
    np.testing.assert_array_equal(np.asarray(figure._contacts.node.batched_scales) > 0, contacts[26])


def test_unknown_joints_are_left_out(page: LivePage) -> None:
    positions, standing = shown(3)
    positions[4] = np.nan
    page.show({0: (positions, standing), 1: (np.full((21, 3), np.nan), standing)})
    assert page.people == (0,)
    assert np.asarray(page._figures[0]._meshes.joints.batched_scales)[4] == 0


def test_listens_on_this_machine_only() -> None:
    with pytest.raises(InputError, match=r"127\.0\.0\.1"):
        ViewerSink("view://0.0.0.0:8080", "0.0.0.0", 8080)


def test_a_taken_port_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OutputError, match=f"port {port}"):
            asyncio.run(ViewerSink("view", "127.0.0.1", port).start())


def test_stops_without_ever_having_started() -> None:
    sink = ViewerSink("view")
    assert isinstance(sink, Sink)
    asyncio.run(sink.stop())
    assert sink.report.state == "stopped"


STATUS = LiveStatus(1.0, 29.9, 29.8, 2.1, 4.2, 100, 3, 2, "live", EndStatus("udp://", "receiving"))


def test_in_a_browser() -> None:
    program = chromium_program()
    from playwright.async_api import async_playwright

    async def session() -> None:
        sink = ViewerSink("view", "127.0.0.1", 0)
        await sink.start()
        async with async_playwright() as running:
            browser = await running.chromium.launch(executable_path=program, args=list(SOFTWARE_GL))
            tab = await browser.new_page(viewport={"width": 900, "height": 560})
            errors: list[str] = []
            tab.on("pageerror", lambda error: errors.append(str(error)))
            await tab.goto(f"{sink.url}?fixedDpr=0.5")
            await tab.wait_for_selector("canvas")

            async def coloured() -> int:
                """Pixels of figures, left of the panel."""
                from PIL import Image

                shot = await tab.screenshot(timeout=1000 * PATIENCE_S)
                scene = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)[180:, :560]
                return int((np.ptp(scene, axis=-1) > 70).sum())

            async def seen(many: bool, *people) -> None:
                end_s, number = time.monotonic() + PATIENCE_S, 0
                while (await coloured() > 300) != many:
                    assert time.monotonic() < end_s
                    number += 1
                    sink.send(frame(number, *people))

            sink.tell(STATUS)
            sink.send(frame(0, pose(0, 0), pose(0, 1, (1.0, 0.0, 0.0))))
            await seen(True, pose(0, 0), pose(0, 1, (-1.0, 0.0, 0.0)))
            text = await tab.inner_text("body")
            assert "out 29.8 fps" in text
            assert "latency 2.1 ms, p99 4.2 ms" in text
            assert "3 frames dropped" in text
            await seen(False)
            assert errors == []
            await browser.close()
        await sink.stop()
        assert sink.report.state == "stopped"

    asyncio.run(session())
