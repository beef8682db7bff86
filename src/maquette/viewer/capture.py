"""Screenshot and video from the page."""

import io
import logging
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maquette.errors import MaquetteError
from maquette.viewer.entries import Entry, Input2D
from maquette.viewer.film import write_film
from maquette.viewer.page import Page

if TYPE_CHECKING:
    import viser

_LOG = logging.getLogger(__name__)
_TIMEOUT_S = 20.0


def offer_captures(page: Page, entries: Sequence[Entry], given: Input2D) -> None:
    """Make the buttons work."""
    writing = threading.Lock()

    @page.save.picture.on_click
    def _(event: "viser.GuiEvent") -> None:
        if event.client is not None:
            name = f"{Path(entries[0].name).stem}-{page.tick:05d}.png"
            _send_screenshot(event.client, name)

    @page.save.film.on_click
    def _(event: "viser.GuiEvent") -> None:
        if event.client is None or not writing.acquire(blocking=False):
            return
        try:
            shown = [entry for entry, body in zip(entries, page.bodies, strict=True) if body.shown]
            _send_film(event.client, shown, given)
        finally:
            writing.release()


def _send_screenshot(client: "viser.ClientHandle", name: str) -> None:
    from PIL import Image

    try:
        pixels = client.get_render(
            height=client.camera.image_height,
            width=client.camera.image_width,
            transport_format="png",
            timeout=_TIMEOUT_S,
        )
    except (RuntimeError, TimeoutError) as error:
        # The tab was closed, or it lies behind another one and draws nothing.
        _LOG.warning("no screenshot: %s", error)
        return
    picture = Image.fromarray(np.asarray(pixels)).convert("RGBA")
    paper = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    file = io.BytesIO()
    Image.alpha_composite(paper, picture).convert("RGB").save(file, "PNG")
    client.send_file_download(name, file.getvalue(), save_immediately=True)


def _send_film(client: "viser.ClientHandle", shown: Sequence[Entry], given: Input2D) -> None:
    notice = client.add_notification("Video", "is being drawn ...", loading=True, with_close_button=False)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{Path(shown[0].name).stem if shown else 'motion'}.mp4"
            write_film(path, shown, given)
            client.send_file_download(path.name, path.read_bytes(), save_immediately=True)
    except MaquetteError as error:
        notice.title, notice.body, notice.color = "No video", str(error), "red"
    else:
        notice.title, notice.body, notice.color = "Video", "is written and sent.", "green"
    notice.loading, notice.with_close_button = False, True
