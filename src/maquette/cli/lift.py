"""``maquette lift``."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from maquette.cli.detection import AUTO, Detection
from maquette.cli.options import check_person, numbered, progress, shortened
from maquette.cli.writing import AS_USUAL, Writing
from maquette.errors import InputError, OutputError

if TYPE_CHECKING:
    from maquette.cli.lift_input import LiftInput


@dataclass(frozen=True)
class Lift:
    """2D keypoints, a video or a picture in, a moving 3D body out.

    Example: maquette lift openpose_json/ -o walk.bvh -o walk.glb -o walk.mp4 --height-m 1.75

    Example: maquette lift clip.mp4 -o walk.bvh -o walk.mp4
    """

    input: Annotated[Path, tyro.conf.Positional]
    """Folder or file with 2D keypoints (OpenPose, COCO, AlphaPose, MMPose, MediaPipe, VideoPose3D, Sports2D, ...); or
    a video, an animated GIF, a picture, a folder of pictures, in which a detector finds the people."""
    output: Annotated[tuple[Path, ...], tyro.conf.arg(aliases=["-o"], metavar="OUT"), tyro.conf.UseAppendAction]
    """File to write, format by suffix (.bvh .glb .mp4 .gif .png .npz .json .csv); a path ending in 3d_data.json writes
    the files of 3d-pose-baseline's OpenPose fork. Repeat for several."""
    model: Annotated[str | None, tyro.conf.arg(metavar="NAME|FILE")] = None
    """Name of a model in the package (maquette models) or an .onnx file; with --detector hourglass, its file."""
    detection: Annotated[Detection, tyro.conf.arg(name="")] = AUTO
    person: Annotated[str, tyro.conf.arg(metavar="N|all")] = "0"
    """Which person, from 0 (the largest and longest seen first), or all (then one file each)."""
    fps: Annotated[str | None, tyro.conf.arg(metavar="F")] = None
    """Frames per second of the input (30, 29.97, 30000/1001); needed when the files do not say. A video is played at
    this rate instead of its own times."""
    image_size: Annotated[str | None, tyro.conf.arg(metavar="WxH")] = None
    """Size of the picture as WIDTHxHEIGHT in pixels; needed for coordinates in 0..1."""
    skeleton: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Skeleton of the keypoints when it cannot be told (for example openpose-body-25b)."""
    height_m: Annotated[float | None, tyro.conf.arg(metavar="METRES")] = None
    """Height of the person in metres; sets the scale."""
    focal_px: Annotated[float | None, tyro.conf.arg(metavar="PIXELS")] = None
    """Focal length of the camera in pixels."""
    frame: Literal["world", "camera"] = "world"
    """Coordinates of the result: world (Y up, ground at 0) or camera (x right, y down, z forward)."""
    repair: Literal["default", "none", "fork"] = "default"
    """Cleaning of the 2D: gaps, spikes, left/right swaps; or none; or exactly as 3d-pose-baseline's OpenPose fork."""
    resample_fps: Annotated[str | None, tyro.conf.arg(metavar="F")] = None
    """Frame rate of the result; splines in between."""
    smooth_hz: float = 6.0
    """Cutoff of the zero-phase low-pass on the 3D in hertz (-3 dB after both passes); 0 leaves it out."""
    refine: Literal["none", "self-supervised", "reprojection"] = "none"
    """Second look at the 3D. reprojection: bones of fixed length fitted to the 2D, the lifter's pose and standing feet
    over the whole clip. self-supervised: each pose bent until a network sees the 2D in it (Wang et al. 2019)."""
    correction: Annotated[str | None, tyro.conf.arg(metavar="NAME|FILE")] = None
    """Weights of --refine self-supervised: a name (maquette models) or an .npz file; default: those in the package."""
    flip: bool = True
    """Average with the mirrored input: a little more accurate, twice the work of the network (the lifter's; the
    hourglass's, when its depths are the 3D)."""
    plots: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder for pictures of the 2D curves before and after repair."""
    video: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Video to draw the 2D on, in .mp4, .gif and .png output; its picture size and frame rate are taken, too, where
    neither the files nor options say them. A video or picture that is lifted is drawn on in any case."""
    writing: Annotated[Writing, tyro.conf.arg(name="")] = AS_USUAL
    fork_legacy: bool = False
    """Write 3d_data.json in the fork's own coordinates (pixels added to millimetres, the pose turned upside down)."""

    def run(self) -> None:
        """Do it; prints what was written."""
        from maquette.cli.lift_input import read_input

        check_person(self.person)
        self.writing.check(self.output, self.input, self.video)
        if self.correction is not None and self.refine != "self-supervised":
            raise InputError(f"--correction {self.correction}: is for --refine self-supervised; add it")
        given = read_input(self)
        for sentence in self.writing.without_effect(self.output):
            print(f"  {sentence}")
        for index, chosen in enumerate(given.chosen):
            motion, ready = self._lift(index, given) if chosen.depths is None else self._lift_depth(index, given)
            for note in motion.notes:
                print(f"  {shortened(note)}")
            for out in self.output:
                self._write(numbered(out, index, len(given.chosen)), motion, ready, given)

    def _lift(self, index: int, given: "LiftInput") -> tuple:
        """``(motion, keypoints)`` by a lifter."""
        from maquette.pipeline import lift, prepare

        keypoints = given.chosen[index].keypoints
        with progress(f"lifting {keypoints.n_frames} frames at {float(keypoints.fps):g} fps"):
            stages = prepare(keypoints, repair=self.repair, resample_fps=self.resample_fps)
            motion = lift(
                stages.ready,
                repair="none",
                model=given.lifter,
                frame=self.frame,
                height_m=self.height_m,
                focal_px=self.focal_px,
                smooth_hz=self.smooth_hz,
                flip=self.flip,
                refine=self._refinement(),
            )
        if self.plots:
            from maquette.render.curves import write_curves

            folder = self.plots if len(given.chosen) == 1 else self.plots / f"person{index}"
            for path in write_curves(folder, stages.raw, stages.repaired, stages.resampled):
                print(f"wrote {path}")
        return motion, stages.ready

    def _lift_depth(self, index: int, given: "LiftInput") -> tuple:
        """``(motion, keypoints)`` by the depths that the detector saw."""
        from maquette.pipeline import lift_depth

        keypoints, depths = given.chosen[index].keypoints, given.chosen[index].depths
        assert depths is not None
        with progress(f"placing {keypoints.n_frames} frames at {float(keypoints.fps):g} fps"):
            motion = lift_depth(
                keypoints,
                depths.depth_px,
                frame=self.frame,
                height_m=self.height_m,
                skeleton_length_m=depths.skeleton_length_m,
                focal_px=self.focal_px,
                smooth_hz=self.smooth_hz,
                thorax=depths.thorax,
                model=depths.model,
                model_sha256=depths.model_sha256,
            )
        return motion, keypoints

    def _refinement(self):
        """What ``refine`` of :func:`maquette.pipeline.lift` takes."""
        if self.correction is None:
            return self.refine
        from maquette.refine.self_supervised import SelfSupervisedRefiner

        return SelfSupervisedRefiner(self.correction)

    def _write(self, path: Path, motion, keypoints, given: "LiftInput") -> None:
        from maquette.exporters import write_motion

        with progress(f"writing {path}"):
            write_motion(
                motion,
                path,
                keypoints=keypoints,
                video=given.video,
                video_start_s=given.video_start_s,
                video_fps=given.video_fps,
                fork_legacy=self.fork_legacy,
                **self.writing.keywords(),
            )
        if not path.exists():
            raise OutputError(f"{path}: was not written")
        print(f"wrote {path}")
