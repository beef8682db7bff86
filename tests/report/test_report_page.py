"""The report: whole, alone, and in agreement with what is known of made-up motions."""

import re
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from html_checker import HtmlChecker, needs_nothing_from_outside
from made_body import made_motion

from maquette.cli import main
from maquette.errors import OutputError
from maquette.exporters import write_motion
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.report import write_report
from maquette.report.excerpt import stretch, stretch_of_keypoints
from maquette.report.facts import bones, ground, speeds_mps
from maquette.skeletons import COCO_17, LIFTED_21

CAMERA = Camera((1000.0, 1000.0), (640.0, 360.0), (1280, 720), np.diag([1.0, -1.0, -1.0]), np.array([0.0, 1.0, 7.0]))


def words(page: str) -> str:
    checker = HtmlChecker()
    checker.feed(page)
    assert checker.open == []
    assert all(source.startswith("data:") for source in checker.sources)
    assert needs_nothing_from_outside(page)
    assert not re.search(r"\b(nan|inf)\b", re.sub(r'"data:[^"]*"', "", page.lower()))
    return " ".join(" ".join(checker.texts).split())


def lifted() -> Motion:
    body = made_motion(60)
    return replace(
        body, camera=CAMERA, sigma_m=np.full((60, 21), 0.02), model="a & b", scale_source="assumed <1.70 m>",
        notes=("assumed 1 < 2",), root_trajectory=body.positions[:, 0],
    )  # fmt: skip


def test_page_is_whole_and_says_what_is_known(tmp_path: Path) -> None:
    motion = lifted()
    source = tmp_path / "walk.npz"
    write_motion(motion, source)
    points = np.zeros((60, 21, 2)) + CAMERA.project_world(motion.positions) + [3.0, 4.0]
    keypoints = Keypoints(points, np.full((60, 21), 0.8), LIFTED_21, Fraction(50), CAMERA.image_size)
    write_report(motion, tmp_path / "walk.html", keypoints=keypoints, source=source, seconds=1.0)
    page = (tmp_path / "walk.html").read_text(encoding="utf-8")
    text = words(page)
    for part in (
        "walk.npz", "1.18 s", "60 frames at 50 a second", "assumed <1.70 m>", "a & b", "assumed 1 < 2",
        "the joints are 5.0 px (mean)", "100.0% of the points were seen",
    ):  # fmt: skip
        assert part in text, part
    # The thigh and shin of the made-up body, constant; the uncertainty that was put in.
    assert "hip to knee 42.0 42.0 +0.0 % 0.0 0.0" in text
    assert "knee to ankle 41.0 41.0" in text
    assert text.count("20 mm") == 21
    assert "data:video/mp4;base64," in page


@pytest.mark.parametrize("kind", ["camera", "gaps", "one frame", "other skeleton", "still"])
def test_any_motion_gets_a_page(tmp_path: Path, kind: str) -> None:
    motion = made_motion(40)
    if kind == "camera":
        motion = replace(motion, positions=motion.positions * [1.0, -1.0, -1.0] + [0.0, 0.0, 6.0], frame="camera")
    elif kind == "gaps":
        positions = motion.positions.copy()
        positions[10:15], positions[:, 5] = np.nan, np.nan
        motion = replace(motion, positions=positions)
    elif kind == "one frame":
        motion = stretch(motion, 0.0, 0.0)
    elif kind == "other skeleton":
        positions = np.random.default_rng(0).normal(size=(5, 17, 3))
        motion = Motion(positions, COCO_17, Fraction(30), "world")
    else:
        motion = replace(motion, positions=np.repeat(motion.positions[:1], 40, axis=0))
    write_report(motion, tmp_path / "any.html", seconds=0)
    assert "Bones" in words((tmp_path / "any.html").read_text(encoding="utf-8"))


def test_what_cannot_be_reported(tmp_path: Path) -> None:
    motion = made_motion(3)
    with pytest.raises(OutputError, match=r"its name ends in \.html"):
        write_report(motion, tmp_path / "walk.pdf")
    nothing = replace(motion, positions=np.full_like(motion.positions, np.nan))
    with pytest.raises(OutputError, match="no position to report about"):
        write_report(nothing, tmp_path / "walk.html")
    assert not list(tmp_path.iterdir())


def test_bones_and_speeds_and_ground_of_known_motions() -> None:
    motion = made_motion(50)
    found = {bone.name: bone for bone in bones(motion)}
    assert found["hip to hip"].length_m == pytest.approx((0.10, 0.10))
    assert found["spine to thorax"].length_m == pytest.approx((0.26,))
    longer = motion.positions.copy()
    shift = longer[:, LIFTED_21.index("l_wrist")] - longer[:, LIFTED_21.index("l_elbow")]
    longer[:, LIFTED_21.index("l_wrist")] += 0.2 * shift
    stretched = {bone.name: bone for bone in bones(replace(motion, positions=longer))}
    assert stretched["elbow to wrist"].asymmetry == pytest.approx(0.2 / 1.1)
    times_s = np.array([0.0, 0.1, 0.3, 0.4])
    np.testing.assert_allclose(speeds_mps(times_s[:, None] * np.array([3.0, 0.0, 4.0]), times_s), 5.0)
    level = ground(replace(motion, positions=motion.positions - [0.0, 0.5, 0.0]))
    whole = ground(motion)
    assert level is not None
    assert whole is not None
    assert level.lowest_m == pytest.approx(whole.lowest_m - 0.5)


def test_a_stretch_is_the_frames_of_its_times() -> None:
    motion = replace(made_motion(100), timestamps_s=5.0 + np.arange(100) / 50)
    part = stretch(motion, 0.5, 1.0)
    np.testing.assert_array_equal(part.positions, motion.positions[25:76])
    assert part.times_s[0] == 0.0
    track = Keypoints(motion.positions[..., :2], np.ones((100, 21)), LIFTED_21, Fraction(50))
    np.testing.assert_array_equal(stretch_of_keypoints(track, 0.5, 1.0).points, track.points[25:76])
    assert stretch(motion, 99.0, 1.0).n_frames == 1


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_motion(made_motion(30), tmp_path / "walk.bvh")
    assert main(["report", str(tmp_path / "walk.bvh"), "-o", str(tmp_path / "r.html"), "--seconds", "0"]) == 0
    assert f"wrote {tmp_path / 'r.html'}" in capsys.readouterr().out
    assert "walk.bvh" in words((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert main(["report", str(tmp_path / "walk.bvh"), "-o", str(tmp_path / "r.html"), "--video", "v.mp4"]) == 2
    assert "give the --keypoints" in capsys.readouterr().err


def test_in_a_browser_without_a_network(tmp_path: Path) -> None:
    """No errors, nothing asked for from outside, and the video is one that the browser can play."""
    playwright = pytest.importorskip("playwright.sync_api")
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    if browser_path is None:
        pytest.skip("no Chromium")
    write_report(lifted(), tmp_path / "walk.html", seconds=1.0)
    said: list[str] = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(offline=True).new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("requestfailed", lambda request: said.append(request.url[:100]))
        page.goto((tmp_path / "walk.html").as_uri())
        page.wait_for_function("document.querySelector('video').readyState > 0", timeout=60_000)
        seconds = page.evaluate("document.querySelector('video').duration")
        widths = page.evaluate("[...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect().width)")
        browser.close()
    assert said == []
    assert seconds == pytest.approx(1.0, abs=0.1)
    assert len(widths) > 5
    assert min(widths) > 300
