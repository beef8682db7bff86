"""``maquette convert``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from maquette.cli.options import progress, shortened
from maquette.cli.writing import AS_USUAL, Writing

if TYPE_CHECKING:
    from maquette.motion import Motion


@dataclass(frozen=True)
class Convert:
    """Motion file to motion file, by suffix; ours or another program's.

    Example: maquette convert walk.npz -o walk.glb -o walk.trc

    Example: maquette convert capture.bvh -o game.bvh --rig character.glb
    """

    input: Annotated[Path, tyro.conf.Positional]
    """Motion file: .npz .json .csv .parquet .bvh .amc .glb .trc .c3d; VideoPose3D's or MotionBERT's .npy; MediaPipe's
    world landmarks."""
    output: Annotated[tuple[Path, ...], tyro.conf.arg(aliases=["-o"], metavar="OUT"), tyro.conf.UseAppendAction]
    """File to write; repeat for several."""
    fps: Annotated[str | None, tyro.conf.arg(metavar="F")] = None
    """Frames per second of a file that does not say (.npy, landmarks)."""
    skeleton: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Skeleton of an array whose joints have no names (for example smpl-24)."""
    fill_gaps: bool = False
    """Give unknown joints positions: bones turn evenly from where they were last known to the next time. Animation
    formats cannot leave joints out."""
    writing: Annotated[Writing, tyro.conf.arg(name="")] = AS_USUAL

    def run(self) -> None:
        """Do it; prints what was written, and how the input was understood."""
        from maquette.exporters import write_motion
        from maquette.readers.motion import read_motion

        self.writing.check(self.output, self.input)
        motion = read_motion(self.input, fps=self.fps, skeleton=self.skeleton)
        if self.fill_gaps:
            motion = _filled(motion)
        for note in (*motion.notes, *self.writing.without_effect(self.output)):
            print(f"  {shortened(note)}")
        for out in self.output:
            with progress(f"writing {out}"):
                write_motion(motion, out, **self.writing.keywords())
            print(f"wrote {out}")


def _filled(motion: "Motion") -> "Motion":
    """Without gaps, and with a note that says how much was filled."""
    import numpy as np

    from maquette.refine.motion_smooth import fill_gaps

    filled = fill_gaps(motion)
    known = np.asarray(np.isfinite(motion.positions).all(axis=-1))
    count = int((~known & np.isfinite(filled.positions).all(axis=-1)).sum())
    if not count:
        return filled
    frames = int((~known).any(axis=1).sum())
    return filled.with_notes(f"{count} unknown positions in {frames} frames filled from the frames around them")
