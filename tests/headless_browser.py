"""Headless Chromium with software GL, for tests of pages. Set MAQUETTE_CHROMIUM to one that is not found."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SOFTWARE_GL = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")
PATIENCE_S = 60.0
"""Software GL needs seconds for its first pictures on a busy machine."""


def chromium_program() -> str:
    """Where it is; the test is skipped where there is none, or no playwright."""
    pytest.importorskip("playwright", reason="playwright is not installed (pip install playwright)")
    program = os.environ.get("MAQUETTE_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip(f"no Chromium found ({', '.join(_NAMES)}); set MAQUETTE_CHROMIUM to one")
    return program


@contextmanager
def chromium() -> Iterator:
    """A browser of Playwright's; while it runs, no other event loop can in this thread."""
    program = chromium_program()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=list(SOFTWARE_GL))
        yield browser
        browser.close()
