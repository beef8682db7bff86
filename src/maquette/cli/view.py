"""``maquette view``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from maquette.cli.options import progress, refuse_own_input

if TYPE_CHECKING:
    from maquette.motion import Motion


@dataclass(frozen=True)
class View:
    """Look at motions in the browser, or write what is seen there."""

    files: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Motion files, of any kind that `maquette convert` reads. None: the keypoints are lifted."""
    keypoints: Annotated[Path | None, tyro.conf.arg(metavar="FILE|FOLDER")] = None
    """2D keypoints of the first motion, shown beside it."""
    video: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Video of the first motion, shown under its keypoints."""
    person: str = "0"
    """Which person of the keypoints, from 0."""
    fps: Annotated[str | None, tyro.conf.arg(metavar="F")] = None
    """Frames per second of the keypoints, when the files do not say."""
    image_size: Annotated[str | None, tyro.conf.arg(metavar="WxH")] = None
    """Size of the picture that the keypoints were found in, WIDTHxHEIGHT."""
    variant: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=FILE"), tyro.conf.UseAppendAction] = ()
    """Another version of the first motion, to be turned on and off: --variant raw=raw.npz. May be given again."""
    refinements: bool = False
    """Lift the keypoints as raw, smoothed and refined, to be turned on and off."""
    model: Annotated[str | None, tyro.conf.arg(metavar="NAME|FILE")] = None
    """Model that lifts; the default one if not said."""
    place: Literal["side-by-side", "overlaid", "overlaid-at-the-root"] = "side-by-side"
    """Where several motions stand at first."""
    export: Annotated[Path | None, tyro.conf.arg(metavar="F.mp4")] = None
    """Write a video (.mp4 .gif) of the motions and do not open the viewer."""
    record: Annotated[Path | None, tyro.conf.arg(metavar="F.html")] = None
    """Write one HTML file with the 3D scene, to mail, and do not open the viewer."""
    host: str = "127.0.0.1"
    """Address to listen on. Anything else than 127.0.0.1 lets others see it."""
    port: int = 8080
    """Port to listen on."""
    open_browser: bool = True
    """Open the page in the default browser."""

    def run(self) -> None:
        """Write what is to be written; else serve until Ctrl-C."""
        from maquette.cli.view_input import read_view

        outputs = tuple(path for path in (self.export, self.record) if path is not None)
        self._check(outputs)
        seen = read_view(self)
        shown: dict[str, Any] = {
            "variants": seen.variants,
            "video": self.video,
            "video_start_s": seen.video_start_s,
        }
        if outputs:
            self._write(seen.motions, seen.keypoints, shown)
            return
        from maquette.viewer import view

        viewer = view(
            seen.motions,
            seen.keypoints,
            **shown,
            arrangement=self._arrangement,
            host=self.host,
            port=self.port,
            open_browser=self.open_browser,
            block=False,
        )
        with viewer:
            print(f"{viewer.url} - Ctrl-C ends it", flush=True)
            viewer.wait()

    @property
    def _arrangement(self) -> Any:
        return self.place.replace("-", " ") if self.place.startswith("o") else "side by side"

    def _check(self, outputs: tuple[Path, ...]) -> None:
        from maquette.errors import OutputError
        from maquette.exporters import check_output
        from maquette.exporters.destination import check_place
        from maquette.viewer.recording import SUFFIXES

        if self.export is not None:
            if self.export.suffix.lower() not in {".mp4", ".gif"}:
                raise OutputError(f"{self.export}: --export writes a video; expected .mp4 or .gif")
            check_output(self.export)
        if self.record is not None:
            if self.record.suffix.lower() not in SUFFIXES:
                raise OutputError(f"{self.record}: --record writes one HTML file; expected .html")
            check_place(self.record)
        refuse_own_input(outputs, *self.files, self.keypoints, self.video)

    def _write(self, motions: "list[Motion]", keypoints: Any, shown: dict[str, Any]) -> None:
        if self.export is not None:
            from maquette.viewer.entries import Input2D, entries_of
            from maquette.viewer.film import write_film

            with progress(f"rendering {self.export}"):
                entries = entries_of(motions, shown["variants"])
                write_film(self.export, entries, Input2D(keypoints, self.video, shown["video_start_s"]))
            print(f"wrote {self.export}")
        if self.record is not None:
            from maquette.viewer.recording import write_recording

            with _bar(f"recording {self.record}") as advance:
                notes = write_recording(
                    self.record, motions, keypoints, **shown, arrangement=self._arrangement, progress=advance
                )
            for note in notes:
                print(f"  {note}")
            print(f"wrote {self.record} ({self.record.stat().st_size / 1e6:.1f} MB)")


@contextmanager
def _bar(text: str) -> Iterator[Callable[[float], None]]:
    """A progress bar on a terminal, a plain line elsewhere (both on standard error)."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        console.print(text, highlight=False, soft_wrap=True)
        yield lambda _share: None
        return
    with Progress(console=console) as bar:
        task = bar.add_task(text, total=1.0)
        yield lambda share: bar.update(task, completed=share)
