"""Makes docs/images/live.gif: the page of `maquette live --replay demo`, as a browser shows it.

    python docs/make_live_picture.py [--chromium PROGRAM]

Needs the packages of the extra `test` (Playwright) and a Chromium. The pictures are those that the browser drew, at the
times at which it drew them.
"""

import argparse
import base64
import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import CDPSession, sync_playwright

TARGET = Path(__file__).parent / "images" / "live.gif"
SIZE = (620, 380)
SECONDS = (5.0, 14.5)
"""Of the clip, which is ten seconds long and begins again: calibrated, and once round."""
FPS = 12
COLOURS = 160
ARGUMENTS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


def film(url: str, chromium: str, seconds: float) -> list[tuple[float, Image.Image]]:
    """Pictures of the page with their times."""
    shots: list[tuple[float, Image.Image]] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        page.goto(url)
        # The page allows no evaluation of text, which waiting for a function would be.
        while int(page.evaluate("() => document.querySelector('canvas').dataset.pictures || 0")) < 20:
            page.wait_for_timeout(100)
        session = page.context.new_cdp_session(page)
        session.on("Page.screencastFrame", lambda event: _keep(session, event, shots))
        session.send("Page.startScreencast", {"format": "png", "everyNthFrame": 1})
        began_s = time.monotonic()
        while time.monotonic() - began_s < seconds:
            page.wait_for_timeout(100)
        session.send("Page.stopScreencast")
        browser.close()
    return shots


def _keep(session: CDPSession, event: dict, shots: list[tuple[float, Image.Image]]) -> None:
    session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})
    picture = Image.open(io.BytesIO(base64.b64decode(event["data"]))).convert("RGB")
    shots.append((event["metadata"]["timestamp"], picture))


def write(shots: list[tuple[float, Image.Image]], target: Path) -> None:
    """A GIF of even pace: at each moment the newest picture there was."""
    begin_s, end_s = shots[0][0], shots[-1][0]
    count = int((end_s - begin_s) * FPS)
    chosen, at = [], 0
    for index in range(count):
        while at + 1 < len(shots) and shots[at + 1][0] <= begin_s + index / FPS:
            at += 1
        chosen.append(shots[at][1])
    # Colours of several moments: in some the figure is grey, because nobody is seen.
    few = chosen[:: max(len(chosen) // 6, 1)]
    sheet = Image.new("RGB", (SIZE[0], SIZE[1] * len(few)))
    for row, picture in enumerate(few):
        sheet.paste(picture, (0, SIZE[1] * row))
    palette = sheet.quantize(COLOURS, method=Image.Quantize.MEDIANCUT)
    pictures = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in chosen]
    # Whole hundredths of a second, as the format has them.
    pictures[0].save(target, save_all=True, append_images=pictures[1:], duration=round(100 / FPS) * 10, loop=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    chosen = parser.parse_args()
    command = [sys.executable, "-m", "maquette", "live", "--replay", "demo", "--loop", "--to", "ws://127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as live:
        assert live.stderr is not None
        # Without a graphics card the browser takes every core there is; the numbers in the picture are Maquette's.
        os.nice(15)
        try:
            url = next(found[0] for line in live.stderr if (found := re.search(r"http://\S+", line)))
            shots = film(url, chosen.chromium, SECONDS[1])
        finally:
            live.terminate()
    kept = [shot for shot in shots if shot[0] - shots[0][0] >= SECONDS[0]]
    write(kept, TARGET)
    drawn = len(kept) / (kept[-1][0] - kept[0][0])
    print(f"wrote {TARGET} ({TARGET.stat().st_size / 1e6:.2f} MB; the browser drew {drawn:.1f} pictures a second)")


if __name__ == "__main__":
    main()
