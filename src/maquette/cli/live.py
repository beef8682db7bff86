"""``maquette live``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class Live:
    """A camera or a stream of keypoints in, joints and rotations out, while it happens.

    Example: maquette live --replay demo

    Example: maquette live --source folder:openpose_json --to vmc://127.0.0.1:39539 --to ws://127.0.0.1:8765
    --to out.bvh
    """

    source: Annotated[str | None, tyro.conf.arg(metavar="ADDRESS")] = None
    """Where keypoints come from. folder:DIR (that OpenPose keeps writing into), udp://HOST:PORT tcp://HOST:PORT
    ws://HOST:PORT osc://HOST:PORT (listened on), tcp+connect://HOST:PORT ws+connect://HOST:PORT, - (standard input);
    camera:0, video:FILE (through a detector)."""
    replay: Annotated[str | None, tyro.conf.arg(metavar="PATH|demo")] = None
    """Instead of a source: play recorded keypoints (any folder or file that maquette lift reads) at their own pace;
    demo is the built-in clip."""
    to: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ADDRESS"), tyro.conf.UseAppendAction] = ()
    """Where poses go; repeat for several. vmc://HOST:PORT, ws://HOST:PORT (also serves a page that shows the figure),
    udp://HOST:PORT tcp://HOST:PORT tcp+listen://HOST:PORT - (JSON lines), unity-stream://HOST:PORT unity-pos:FILE
    unity-frames:DIR/name.txt, view://HOST:PORT (3D viewer), or a motion file (.npz, .bvh, .glb ..., finished at the
    end). If not said: ws://127.0.0.1:8765."""
    people: Annotated[int, tyro.conf.arg(metavar="N")] = 1
    """How many people are followed at once, the most prominent ones; whoever leaves hands over to the next."""
    calibrate: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 3.0
    """Tell the camera's tilt, the ground and the bones from the first seconds with somebody in the picture, who best
    walks about; 0 does without."""
    height_m: Annotated[float | None, tyro.conf.arg(metavar="METRES")] = None
    """Height of the person in metres; sets the scale."""
    focal_px: Annotated[float | None, tyro.conf.arg(metavar="PIXELS")] = None
    """Focal length of the camera in pixels."""
    image_size: Annotated[str | None, tyro.conf.arg(metavar="WxH")] = None
    """Size of the picture as WIDTHxHEIGHT in pixels, where the source does not say."""
    skeleton: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Skeleton of the keypoints when it cannot be told (for example openpose-body-25b)."""
    fps: Annotated[str | None, tyro.conf.arg(metavar="F")] = None
    """Frames per second of the keypoints, where they carry no times of their own: times are then told by the frames'
    numbers and not by their arrival. Of a replay, the pace."""
    model: Annotated[str | None, tyro.conf.arg(metavar="NAME|FILE")] = None
    """Model that lifts; if not said, one that sees single poses and so adds no delay. Others are late by their
    look-ahead (maquette models)."""
    smooth: Annotated[float, tyro.conf.arg(metavar="X")] = 1.0
    """How steady the figure is, from 0.25 to 4: 2 is steadier and follows later, 0.5 is prompter and shakes more."""
    repair: bool = True
    """Drop points that cannot be right, and exchange left and right back."""
    flip: bool = True
    """Average with the mirrored input: a little more accurate, twice the work of the network."""
    from_start: bool = False
    """folder: begin with the files that are there already."""
    speed: Annotated[str, tyro.conf.arg(metavar="X|max")] = "1"
    """Of a replay: times its own pace; max is as fast as it can be processed."""
    loop: bool = False
    """Of a replay: over and over."""
    seconds: Annotated[float | None, tyro.conf.arg(metavar="S")] = None
    """End after so long; if not said, when the source ends, or on Ctrl-C."""
    roll: Annotated[float | None, tyro.conf.arg(metavar="SECONDS")] = None
    """Files: finish one each so many seconds and go on in the next (out-0001.npz, out-0002.npz, ...)."""
    person: Annotated[str | None, tyro.conf.arg(metavar="first|all|N")] = None
    """Files: who is written. first: whoever was there first, also when somebody takes over, in one file; all: a file
    each. If not said: first, and all with --people 2 or more."""
    overwrite: bool = False
    """Files: replace those that are there."""
    recover: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Finish FILE, which a killed session was writing, and do nothing else."""
    vmc_root: Literal["still", "hips"] = "still"
    """vmc: what carries the person's way. still: the hips move and the root stays; hips: the root goes along."""
    token: Annotated[str | None, tyro.conf.arg(metavar="TEXT")] = None
    """What others must send to be let in; needed to listen on another address than 127.0.0.1."""
    detector: Literal["auto", "mediapipe", "mediapipe-legacy", "rtmpose", "rtmlib", "hourglass"] = "auto"
    """camera and video: what finds the people; auto takes the first that is installed."""
    det_model: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """camera and video: network of people's boxes for rtmpose and hourglass."""
    pose_model: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """camera and video: network of their joints."""
    mode: Literal["lightweight", "balanced", "performance"] | None = None
    """camera and video: size of rtmlib's networks."""
    mirror: bool = False
    """camera: left and right exchanged, as in a mirror."""
    quiet: bool = False
    """No status line."""

    def run(self) -> None:
        """Work until the source ends, or until Ctrl-C."""
        if self.recover is not None:
            from maquette.live.sinks.recording_finish import recover

            for file in recover(self.recover):
                print(f"wrote {file}")
            return
        self._live()

    def _live(self) -> None:
        import asyncio
        from concurrent.futures import ThreadPoolExecutor

        from maquette.cli.live_session import interrupts_kept, session_of, until_stopped
        from maquette.cli.live_status import StatusLine
        from maquette.errors import MaquetteError

        line = StatusLine(quiet=self.quiet)
        with ThreadPoolExecutor(1, thread_name_prefix="calibration") as executor:
            with interrupts_kept():
                session = session_of(self, line, executor)
            try:
                asyncio.run(until_stopped(session, self.seconds))
            except MaquetteError:
                if session.meter.frames:
                    line.end(session)
                raise
        line.end(session)
