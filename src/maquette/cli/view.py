"""``maquette view``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class View:
    """Look at motions in the browser."""

    files: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Motion files (.npz .json .csv .bvh .amc); several stand side by side."""
    host: str = "127.0.0.1"
    """Address to listen on. Anything else than 127.0.0.1 lets others see it."""
    port: int = 8080
    """Port to listen on."""
    open_browser: bool = True
    """Open the page in the default browser."""

    def run(self) -> None:
        """Serve until Ctrl-C."""
        from maquette.errors import InputError
        from maquette.viewer import view_files

        if not self.files:
            raise InputError("no file given: maquette view MOTION.npz [MORE ...]")
        viewer = view_files(self.files, host=self.host, port=self.port, open_browser=self.open_browser, block=False)
        with viewer:
            print(f"{viewer.url} - Ctrl-C ends it", flush=True)
            viewer.wait()
