"""The demo's page: well-formed, complete, and without anything from outside."""

import dataclasses

import numpy as np
import pytest
from html_checker import HtmlChecker, needs_nothing_from_outside
from PIL import Image

from maquette.demo import DemoResult, camera, compare, detect, perform, true_motion
from maquette.demo.choreography import ACTIVITIES, DURATION_S
from maquette.demo.report import write_demo_report
from maquette.report.charts import bars, over_time, path_from_above


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    performance = perform(30)
    positions = 1.05 * true_motion(performance.motion).positions
    positions[143] = np.nan
    estimate = dataclasses.replace(
        true_motion(performance.motion),
        positions=positions,
        model="a & b",
        scale_source="<none>",
        notes=("assumed 1 < 2",),
    )
    pictures = [folder / "frame_048.png", folder / "frame_276.png"]
    for picture in pictures:
        Image.new("RGB", (96, 54)).save(picture)
    result = DemoResult(
        folder,
        compare(performance.motion, estimate, camera()),
        detect(performance.motion, camera()),
        estimate,
        {"clip": folder / "clip", "bvh": folder / "demo.bvh", "report": folder / "report.html"},
        {"lift": 1.25},
    )
    write_demo_report(folder / "report.html", result, pictures)
    return result, (folder / "report.html").read_text(encoding="utf-8")


def test_page_is_well_formed_and_alone(page):
    checker = HtmlChecker()
    checker.feed(page[1])
    assert checker.open == []
    assert all(source.startswith("data:") or "/" not in source for source in checker.sources)
    assert {"clip", "demo.bvh", "report.html"} <= set(checker.sources)
    assert needs_nothing_from_outside(page[1])
    assert "nan" not in page[1].lower().split("base64")[0]


def test_page_says_what_happened(page):
    result, text = page
    checker = HtmlChecker()
    checker.feed(text)
    words = " ".join(checker.texts)
    for part in (
        f"{result.errors.mpjpe_mm:.0f} mm", f"{result.errors.pa_mpjpe_mm:.0f} mm", "a & b", "<none>", "assumed 1 < 2",
        "nobody found in frame 143", "walk, 1.6 s (frame 48)", "wave, 9.2 s (frame 276)", "1.25 s",
    ):  # fmt: skip
        assert part in words, part


def test_lines_for_the_terminal(page):
    lines = page[0].lines()
    assert lines[0] == "error against the truth, 300 frames, 17 joints:"
    assert any(f"{page[0].errors.mpjpe_mm:6.1f} mm" in line for line in lines)
    assert any(line.startswith("  bvh") and line.endswith("demo.bvh") for line in lines)


def test_charts_interrupt_their_lines_at_gaps():
    values = np.linspace(10.0, 90.0, 50)
    values[20:25] = np.nan
    chart = over_time(np.linspace(0, DURATION_S, 50), {"error": values}, "mm", bands=ACTIVITIES)
    assert chart.count("<polyline") == 2
    assert "nan" not in chart
    path = np.stack((np.linspace(0, 1, 30), np.linspace(0, 2, 30)), axis=-1)
    broken = path.copy()
    broken[0] = np.nan
    assert path_from_above({"truth": path, "lifted": broken}, (0.0, 4.0)).count("<polyline") == 2
    assert bars({"l_knee": 10.0, "r_knee": 0.0}).count("<rect") == 2
