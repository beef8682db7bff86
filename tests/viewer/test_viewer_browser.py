"""The viewer in a real browser: headless Chromium with software GL. Set MAQUETTE_CHROMIUM to one that is not found."""

import io
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from headless_browser import PATIENCE_S
from made_body import made_motion
from PIL import Image

from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.viewer import Viewer
from maquette.viewer.recording import write_recording

_WINDOW = {"width": 900, "height": 560}


class Tab:
    """A page with what went wrong on it."""

    def __init__(self, browser, address: str, *, offline: bool = False) -> None:
        self.context = browser.new_context(viewport=_WINDOW, offline=offline, accept_downloads=True)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        self.page.on("request", lambda request: self.requests.append(request.url))
        # A quarter of the pixels: software GL is slow.
        self.page.goto(f"{address}?fixedDpr=0.5")
        self.page.wait_for_selector("canvas")

    def picture(self) -> np.ndarray:
        shot = self.page.screenshot(timeout=1000 * PATIENCE_S)
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)

    def text(self) -> str:
        return self.page.inner_text("body")

    def __enter__(self) -> "Tab":
        return self

    def __exit__(self, *_error: object) -> None:
        self.context.close()


def until(found: Callable[[], object], what: str) -> None:
    """Wait until something is so."""
    end_s = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < end_s, f"{what}: not within {PATIENCE_S:.0f} s"
        time.sleep(0.1)


def limbs(picture: np.ndarray) -> np.ndarray:
    """Columns and number of pixels of the scene in the orange of right limbs."""
    scene = picture[:, 345 : _WINDOW["width"] - 315] if picture.shape[1] == _WINDOW["width"] else picture
    red, green, blue = np.moveaxis(scene, -1, 0)
    return np.flatnonzero(((red > 140) & (red - blue > 60) & (red - green > 30)).any(axis=0))


def motion(seed: int = 0) -> Motion:
    return replace(made_motion(200, seed), source=f"made{seed}.npz")


def test_the_page_shows_plays_and_scrubs(browser) -> None:
    clip = motion()
    points = np.random.default_rng(0).uniform(50, 400, (200, 21, 2))
    keypoints = Keypoints(points, np.ones((200, 21)), clip.skeleton, clip.fps, (640, 480))
    with Viewer([clip], keypoints, port=0) as viewer, Tab(browser, viewer.url) as tab:
        until(lambda: viewer.page.tick > 10, "play advances")
        tab.page.get_by_role("button", name="Pause").click()
        until(lambda: not viewer.page.playback.playing, "the button pauses")
        box = tab.page.locator("input.mantine-NumberInput-input").first
        box.fill("150")
        box.press("Enter")
        until(lambda: viewer.page.bodies[0].frame == 150, "scrubbing seeks")
        until(lambda: "frame 150 of 199" in tab.text(), "the page says so")
        until(lambda: len(limbs(tab.picture())) > 10, "the figure is seen")
        before = tab.picture()[:, 345:585]
        tab.page.get_by_text("next", exact=True).click()
        until(lambda: viewer.page.bodies[0].frame == 151, "a step is a frame")
        viewer.page.go_to(20)
        until(lambda: np.abs(tab.picture()[:, 345:585] - before).max() > 60, "another frame looks different")
        with tab.page.expect_download(timeout=1000 * PATIENCE_S) as download:
            tab.page.get_by_role("button", name="Screenshot").click()
        assert download.value.suggested_filename == "made0-00020.png"
        saved = np.asarray(Image.open(download.value.path()).convert("RGB")).astype(int)
        assert len(limbs(saved)) > 10
        assert tab.errors == []


def test_two_motions_show_beside_each_other_and_overlaid(browser) -> None:
    with Viewer([motion(0), motion(1)], port=0) as viewer, Tab(browser, viewer.url) as tab:
        viewer.page.step_to(60)
        until(lambda: "frame 60 of 199" in tab.text(), "the page is there")
        until(lambda: np.ptp(limbs(tab.picture())) > 80 if len(limbs(tab.picture())) else False, "both are seen")
        columns = limbs(tab.picture())
        assert np.diff(columns).max() > 15, "with room between them"
        viewer.page.look.arrangement.value = "overlaid"
        until(lambda: "mean " in tab.text(), "the errors are told")
        node = viewer.page._differences[0].node
        assert node is not None
        assert node.visible
        assert tab.errors == []


def test_a_recording_plays_from_the_disk_without_a_network(browser, tmp_path: Path) -> None:
    path = tmp_path / "walk.html"
    notes = write_recording(path, [motion()])
    assert notes == ("100 of 200 frames are in the recording, 25 per second, to keep it small",)
    with Tab(browser, path.as_uri(), offline=True) as tab:
        clock = tab.page.locator("input.mantine-NumberInput-input").first
        until(lambda: float(clock.input_value()) > 0.3, "it plays")
        tab.page.keyboard.press("Space")
        until(lambda: len(limbs(tab.picture())) > 10, "the figure is seen")
        assert tab.page.title() == "Maquette"
        assert [url for url in tab.requests if not url.startswith(("file:", "data:", "blob:"))] == []
        assert tab.errors == []
