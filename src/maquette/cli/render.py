"""``maquette render``."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from maquette.cli.options import choose_people, image_size, progress, refuse_own_input

if TYPE_CHECKING:
    from maquette.cli.render_store import StoreClip

_OF_STORES = "model subject action camera source sample seed skip limit downsample export ground_truth flip".split()
_NOT_OF_STORES = "keypoints person fps image_size plots".split()


@dataclass(frozen=True)
class Render:
    """Skeleton video, GIF or picture of a motion, of 2D keypoints, or of both side by side; and of what a lifter makes
    of a clip of a store, beside the 2D and the ground truth."""

    input: Annotated[Path, tyro.conf.Positional]
    """A motion file (.npz .json .csv .bvh), 2D keypoints (any file or folder that `maquette lift` takes), or a store
    (`maquette prepare`)."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="OUT")]
    """.mp4, .gif or .png."""
    keypoints: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """2D keypoints to draw beside a motion."""
    video: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Video to draw the keypoints on."""
    frame: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Which frame, for a picture; the middle one if not said."""
    size: Annotated[str | None, tyro.conf.arg(metavar="WxH")] = None
    """Size of the video or picture, WIDTHxHEIGHT; 960x540 if not said, 1920x1080 for samples."""
    person: str = "0"
    """Which person of the keypoints, from 0."""
    fps: Annotated[str | None, tyro.conf.arg(metavar="F")] = None
    """Frames per second of the keypoints, when the files do not say."""
    image_size: Annotated[str | None, tyro.conf.arg(metavar="WxH")] = None
    """Size of the picture that the keypoints were found in, WIDTHxHEIGHT."""
    plots: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder for pictures of the 2D curves before and after repair."""
    model: Annotated[str | None, tyro.conf.arg(metavar="NAME|FILE")] = None
    """Store: the lifter, a name or an .onnx file; the default model if not said."""
    subject: Annotated[str | None, tyro.conf.arg(metavar="S")] = None
    """Store: whose clip, for example S9."""
    action: Annotated[str | None, tyro.conf.arg(metavar="A")] = None
    """Store: which clip, for example "Walking 1"; Walking will do where there is one take."""
    camera: Annotated[str | None, tyro.conf.arg(metavar="C")] = None
    """Store: number (from 0) or name of the camera; 0 if not said."""
    source: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Store: which 2D, for example gt or cpn_ft_h36m_dbb; gt if there are several."""
    sample: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Store: instead of a clip, a picture of N poses (2D input, ground truth, prediction) drawn at random."""
    seed: int = 0
    """Store: of the random choice of samples."""
    skip: int = 0
    """Store: leave out so many frames at the start."""
    limit: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Store: show at most so many frames after those."""
    downsample: int = 1
    """Store: show means over so many frames, at a frame rate as many times lower."""
    export: Annotated[Path | None, tyro.conf.arg(metavar="F.npy")] = None
    """Store: write the predicted positions there: all frames, camera frame, metres, relative to the root."""
    ground_truth: bool = True
    """Store: show the ground truth beside the reconstruction."""
    flip: bool = True
    """Store: average with the mirrored result for the mirrored input."""

    def run(self) -> None:
        """Do it; prints what was written."""
        from maquette.exporters import check_output

        is_store = (self.input / "store.json").is_file()
        self._refuse(_NOT_OF_STORES if is_store else _OF_STORES, "a store" if is_store else "keypoints or a motion")
        check_output(self.output)
        refuse_own_input((self.output,), self.input, self.keypoints, self.video)
        if is_store:
            self._render_store()
        else:
            self._render_files()

    def _refuse(self, names: Sequence[str], what: str) -> None:
        """Options that say nothing about ``what`` are mistakes."""
        from maquette.errors import InputError

        defaults = {field.name: field.default for field in fields(self)}
        given = [
            f"--{'no-' if defaults[name] is True else ''}{name.replace('_', '-')}"
            for name in names
            if getattr(self, name) != defaults[name]
        ]
        if given:
            raise InputError(f"{self.input} is {what}: {', '.join(given)} cannot be used with it")

    def _render_store(self) -> None:
        from maquette.cli.render_store import write_clip, write_sample_figure

        if self.sample is not None:
            with progress(f"drawing {self.output}"):
                write_sample_figure(self._store_clip((1920, 1080)), self.sample, self.seed)
            print(f"wrote {self.output}")
            return
        clip = self._store_clip((960, 540))
        with progress(f"lifting and rendering {self.output}"):
            written = write_clip(clip)
        for path in written:
            print(f"wrote {path}")

    def _store_clip(self, size: tuple[int, int]) -> "StoreClip":
        from maquette.cli.render_store import StoreClip

        return StoreClip(
            store=self.input,
            output=self.output,
            model=self.model,
            subject=self.subject,
            action=self.action,
            camera=self.camera,
            source=self.source,
            video=self.video,
            frame=self.frame,
            size=image_size(self.size) or size,
            skip=self.skip,
            limit=self.limit,
            downsample=self.downsample,
            export=self.export,
            ground_truth=self.ground_truth,
            flip=self.flip,
        )

    def _render_files(self) -> None:
        from maquette.pipeline import prepare
        from maquette.readers import read_keypoints
        from maquette.readers.motion import is_motion_file, read_motion
        from maquette.render import render_picture, render_video

        size = image_size(self.size) or (960, 540)
        motion = read_motion(self.input) if is_motion_file(self.input) else None
        source = self.keypoints if motion else self.input
        keypoints = None
        if source is not None:
            people = read_keypoints(source, fps=self.fps, image_size=image_size(self.image_size))
            keypoints = choose_people(people, self.person)[0]
        with progress(f"rendering {self.output}"):
            if self.output.suffix.lower() in {".mp4", ".gif"}:
                render_video(self.output, keypoints, motion, video=self.video, size=size)
            else:
                render_picture(self.output, keypoints, motion, frame=self.frame, video=self.video, size=size)
        print(f"wrote {self.output}")
        if self.plots and keypoints is not None:
            from maquette.render.curves import write_curves

            stages = prepare(keypoints)
            for path in write_curves(self.plots, stages.raw, stages.repaired, stages.resampled):
                print(f"wrote {path}")
