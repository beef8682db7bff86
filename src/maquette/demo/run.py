"""The demo from end to end: perform, film, detect, write an OpenPose folder, run the main path on it, report."""

import logging
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from maquette.demo.choreography import Performance, perform
from maquette.demo.comparison import Errors, compare
from maquette.demo.filming import IMAGE_SIZE, camera, detect
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.skeletons import LIFTED_21

log = logging.getLogger(__name__)

FPS = 30
_PICTURE_FRAMES = (48, 112, 176, 200, 228, 276)


@dataclass(frozen=True)
class DemoResult:
    """What the demo made."""

    folder: Path
    errors: Errors
    keypoints: Keypoints
    """As read back from the OpenPose folder."""
    motion: Motion
    files: dict[str, Path]
    """By what they are: clip, npz, bvh, glb, truth, plots, video, picture, report."""
    seconds: dict[str, float]
    """Time that each stage took."""

    def lines(self) -> list[str]:
        """The result for a terminal: the error against the truth, and where things are."""
        e = self.errors
        return [
            f"error against the truth, {self.motion.n_frames} frames, 17 joints:",
            f"  pose (MPJPE, hips at one point)       {e.mpjpe_mm:6.1f} mm",
            f"  pose, size and turn fitted (PA-MPJPE) {e.pa_mpjpe_mm:6.1f} mm",
            f"  in the world, with its path           {e.world_mpjpe_mm:6.1f} mm",
            f"made in {sum(self.seconds.values()):.1f} s:",
            *(f"  {name:8} {path}" for name, path in self.files.items()),
        ]


def run_demo(folder: str | Path, *, model: str | Path | None = None, seed: int = 0) -> DemoResult:
    """Make the clip and run the main path on it.

    Args:
        folder: where everything goes; made when it does not exist. Files of an earlier demo there are replaced.
        model: name of a model in the package, or an .onnx file; None is the default.
        seed: of the simulated detector's noise.

    Raises:
        OutputError: the folder cannot be written to.
        ModelError: the model cannot be loaded.
    """
    folder = Path(folder)
    clock = _Clock()
    performance, clip = perform(FPS), folder / "clip"
    write_clip(performance, clip, seed=seed)
    clock.lap("make and film the clip")

    from maquette.pipeline import lift, prepare
    from maquette.readers import read_keypoints

    keypoints = read_keypoints(clip, fps=FPS, image_size=IMAGE_SIZE)[0]
    clock.lap("read the OpenPose folder")
    motion = lift(keypoints, model=model)
    clock.lap("lift")
    errors = compare(performance.motion, motion, camera())
    files = {"clip": clip, **_write_motions(folder, motion, performance.motion)}
    clock.lap("write npz, bvh, glb")

    from maquette.render import render_picture, render_video
    from maquette.render.curves import write_curves

    stages = prepare(keypoints, resample_fps=Fraction(2 * FPS))
    write_curves(folder / "plots", stages.raw, stages.repaired, stages.resampled)
    files["plots"] = folder / "plots"
    clock.lap("plot the 2D curves")
    files["video"] = folder / "demo.mp4"
    render_video(files["video"], stages.repaired, motion)
    clock.lap("render the video")
    pictures = []
    for frame in _PICTURE_FRAMES:
        pictures.append(folder / "pictures" / f"frame_{frame:03d}.png")
        render_picture(pictures[-1], stages.repaired, motion, frame=frame)
    files["picture"] = folder / "demo.png"
    render_picture(files["picture"], stages.repaired, motion, frame=_PICTURE_FRAMES[-1])
    clock.lap("render pictures")

    from maquette.demo.report import write_demo_report

    files["report"] = folder / "report.html"
    result = DemoResult(folder, errors, keypoints, motion, files, clock.laps_s)
    write_demo_report(files["report"], result, pictures)
    return result


def write_built_in_clip(folder: str | Path, *, seed: int = 0) -> Path:
    """The built-in clip (10 s at 30 frames/s, 1280 x 720) as a folder of OpenPose JSON; returns the folder.

    Raises:
        OutputError: the folder cannot be written, or holds other files.
    """
    write_clip(perform(FPS), Path(folder), seed=seed)
    return Path(folder)


def write_clip(performance: Performance, folder: Path, *, seed: int = 0) -> None:
    """The performance as a detector sees it, as a folder of OpenPose JSON; an earlier clip there is replaced.

    Raises:
        OutputError: the folder cannot be written, or holds other files.
    """
    from maquette.exporters.keypoints import write_keypoints

    if folder.is_dir():
        for path in folder.glob(f"{folder.name}_*_keypoints.json"):
            path.unlink()
    write_keypoints(detect(performance.motion, camera(), seed=seed), folder)


def _write_motions(folder: Path, motion: Motion, truth: Motion) -> dict[str, Path]:
    from maquette.exporters import write_motion

    files = {suffix: folder / f"demo.{suffix}" for suffix in ("npz", "bvh", "glb")}
    for path in files.values():
        write_motion(motion, path)
    files["truth"] = folder / "truth.npz"
    write_motion(true_motion(truth), files["truth"])
    return files


def true_motion(truth: Motion) -> Motion:
    """The performance on the skeleton that our lifters put out."""
    return truth.with_notes(
        "the demo's truth: procedural motion, not estimated",
        positions=truth.positions[:, truth.skeleton.indices(LIFTED_21.joints)],
        skeleton=LIFTED_21,
        camera=camera(),
    )


class _Clock:
    def __init__(self) -> None:
        self.laps_s: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps_s[name] = now - self._last
        self._last = now
        log.info("%s: %.2f s", name, self.laps_s[name])
