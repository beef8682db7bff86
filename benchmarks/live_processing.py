"""The processor's time for a frame of ``maquette live``, by stage: from a packet of keypoints to JSON and VMC packets.

    python benchmarks/live_processing.py [--people 1 3 10] [--frames 1200] [--paced 60] [--no-warm-up]

The demo's clip, forth and back, as packets of OpenPose's BODY_25; several people each at another place of the clip.
What is counted is the time that the thread had a processor (``time.thread_time``), which other programs disturb less
than the time that passes; they still take its caches. ``--paced`` sleeps between the frames, as a stream does: each
then finds the caches cold. Frames of the first seconds, with warm-up, calibration's hand-over and all, are said apart.
"""

import argparse
import gc
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from live_latency import CALIBRATION_S, clip_packets, processor

from maquette.live.clock import StreamClock
from maquette.live.processing import LiveProcessor
from maquette.live.settings import LiveSettings
from maquette.stream.keypoint_packets import KeypointDecoder
from maquette.stream.message import frame_messages
from maquette.stream.vmc import VmcEncoder

FPS = 30
STAGES = {
    "tracking": ("_tracker", "push"),
    "repair": ("_repair", "__call__"),
    "map": ("_map", "apply_arrays"),
    "network": ("_lift", "lift"),
    "body": ("_body", "__call__"),
    "rotations": ("_rotations", "__call__"),
    "humanoid": ("_humanoid", "__call__"),
}
"""Part of a frame -> which stage's attribute and method it is."""


class Stopwatch:
    """Adds up the time of parts, frame by frame."""

    def __init__(self) -> None:
        self.frame: dict[str, float] = defaultdict(float)

    def timed(self, name: str, function: Callable) -> Callable:
        """The same function, whose time is added to ``name``."""

        def run(*args, **kwargs):
            began_s = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.frame[name] += time.thread_time() - began_s

        return run

    def taken(self) -> dict[str, float]:
        """The times since the last call."""
        taken, self.frame = self.frame, defaultdict(float)
        return taken


class Timed:
    """Stands in for a stage, one of whose methods is timed."""

    def __init__(self, stage: object, method: str, name: str, watch: Stopwatch) -> None:
        self._stage = stage
        self._run = watch.timed(name, getattr(stage, method))
        if method != "__call__":
            setattr(self, method, self._run)

    def __call__(self, *args):
        return self._run(*args)

    def __getattr__(self, name: str):
        return getattr(self._stage, name)


def measure(people: int, frames: int, paced_fps: float, warm_up: bool) -> list[dict[str, float]]:
    """Times of each frame in seconds: of the stages, and ``all``."""
    packets = [json.dumps(packet).encode() for packet in clip_packets(people, FPS)]
    watch, vmc, decoder, clock = Stopwatch(), VmcEncoder(), KeypointDecoder(), StreamClock(fps=FPS, trust=True)
    found, timed = [], None
    with ThreadPoolExecutor(1) as executor:
        live = LiveProcessor(LiveSettings(people=people), executor)
        if warm_up:
            live.warm_up()
        gc.collect()
        gc.freeze()
        next_s = time.monotonic()
        for number in range(frames):
            packet = packets[number % len(packets)]
            began_s = time.thread_time()
            frame = watch.timed("decoding", decoder.decode)(packet, time.monotonic())
            for poses in live.push(frame, clock.time_of(frame) if frame.time_s is not None else number / FPS):
                watch.timed("json", frame_messages)(poses, time.monotonic())
                for pose in poses.poses:
                    watch.timed("vmc", vmc.encode)(poses, pose.humanoid)
            times = watch.taken()
            times["all"] = time.thread_time() - began_s
            found.append(times)
            stages = vars(live)["_stages"]
            if stages is not None and stages is not timed:
                timed = stages
                for name, (attribute, method) in STAGES.items():
                    setattr(stages, attribute, Timed(getattr(stages, attribute), method, name, watch))
            if paced_fps:
                next_s += 1.0 / paced_fps
                time.sleep(max(0.0, next_s - time.monotonic()))
        gc.unfreeze()
    return found


def row(name: str, values_s: np.ndarray) -> str:
    """A line of the table."""
    p50, p99 = np.percentile(values_s, (50, 99)) * 1000
    return f"  {name:<12}{p50:8.2f}{p99:8.2f}{values_s.max() * 1000:8.2f}"


def main() -> None:
    """Print a table for each number of people."""
    parser = argparse.ArgumentParser(description="The processor's time for a frame, by stage")
    parser.add_argument("--people", type=int, nargs="+", default=[1, 3, 10])
    parser.add_argument("--frames", type=int, default=1200)
    parser.add_argument("--paced", type=float, default=0.0, metavar="FPS", help="sleep between frames, as a stream")
    parser.add_argument("--no-warm-up", dest="warm_up", action="store_false")
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    print(f"{processor()}, {cores} of {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    first = round(CALIBRATION_S * FPS)
    for people in arguments.people:
        found = measure(people, arguments.frames, arguments.paced, arguments.warm_up)
        everything = np.array([times["all"] for times in found])
        stages = {
            name: np.array([times.get(name, 0.0) for times in found[first:]])
            for name in ("decoding", *STAGES, "json", "vmc")
        }
        print(f"\n{people} {'person' if people == 1 else 'people'}, ms a frame{'':10}p50     p99     max")
        for name, values_s in stages.items():
            print(row(name, values_s))
        print(row("the rest", everything[first:] - sum(stages.values())))
        print(row("all", everything[first:]))
        print(row(f"first {CALIBRATION_S:g} s", everything[:first]))
        firsts = " ".join(f"{value_s * 1000:.1f}" for value_s in everything[:6])
        print(f"  first frames {firsts} ms", flush=True)


if __name__ == "__main__":
    main()
