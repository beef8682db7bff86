"""The main path, stage by stage, timed on a clip of the demo repeated to the length asked for."""

import dataclasses
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maquette.bench.floors import best_time_s, decode_floor_s, gemm_flops_per_s
from maquette.exporters import write_motion
from maquette.lifting.assumed_camera import camera_for
from maquette.lifting.lifter import Lifter
from maquette.lifting.normalize import CHANNELS
from maquette.mapping import map_keypoints
from maquette.pipeline import prepare
from maquette.readers import read_keypoints
from maquette.refine.motion_finish import finish
from maquette.rig import solve_rotations
from maquette.skeletons import LANDMARKS_27


@dataclass(frozen=True)
class Stage:
    """One stage: how long it took, and the least that it could have taken where that is known."""

    name: str
    duration_s: float
    floor_s: float | None = None


@dataclass(frozen=True)
class NetworkRate:
    """A network at one batch size, beside bare matrix products at the same size."""

    model: str
    batch: int
    poses_per_s: float
    flops_per_s: float
    gemm_flops_per_s: float

    @property
    def share(self) -> float:
        """Of the rate of the bare products."""
        return self.flops_per_s / self.gemm_flops_per_s


@dataclass(frozen=True)
class BenchReport:
    """Stages of the main path over ``frames`` frames, from a folder of OpenPose files to a BVH file."""

    frames: int
    model: str
    stages: tuple[Stage, ...]

    @property
    def total_s(self) -> float:
        return sum(stage.duration_s for stage in self.stages)

    @property
    def floor_s(self) -> float:
        """Decoding the bytes plus the network's operations at the machine's rate."""
        return sum(stage.floor_s or 0.0 for stage in self.stages)


def network_rates(model: str, batches: tuple[int, ...] = (64, 256, 512, 1024)) -> list[NetworkRate]:
    """Speed of the network alone (no normalisation, no mirrored input)."""
    lifter = Lifter(model, flip=False)
    rates = []
    for batch in batches:
        x = np.random.default_rng(0).normal(size=(batch, lifter.spec.window_frames, CHANNELS)).astype(np.float32)
        run = lambda x=x, batch=batch: lifter.model.run(x, batch=batch)  # noqa: E731
        gemm = gemm_flops_per_s(batch)
        duration_s = best_time_s(run, repeats=11)
        flops = 2 * lifter.spec.macs_per_frame * batch
        rates.append(NetworkRate(model, batch, batch / duration_s, flops / duration_s, gemm))
    return rates


def run_bench(frames: int = 10_000, model: str | None = None) -> BenchReport:
    """Time the main path on ``frames`` frames."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "openpose"
        image_size, fps = _write_long_clip(folder, frames)
        lifter = Lifter(model)
        stages = _timed_stages(folder, Path(name) / "out.bvh", image_size, fps, lifter)
    return BenchReport(frames, lifter.spec.name, stages)


def _write_long_clip(folder: Path, frames: int) -> tuple[tuple[int, int], int]:
    """The demo's clip, repeated, as an OpenPose folder of ``frames`` files; returns picture size and frame rate."""
    from maquette.demo.choreography import perform
    from maquette.demo.filming import IMAGE_SIZE, camera, detect
    from maquette.demo.run import FPS
    from maquette.exporters.keypoints import write_keypoints

    clip = detect(perform(FPS).motion, camera(), seed=0)
    # Forth and back, so that the person never jumps: a jump would start a new track.
    turn = clip.n_frames - 1
    again = turn - np.abs(np.arange(frames) % (2 * turn) - turn)
    write_keypoints(dataclasses.replace(clip, points=clip.points[again], confidence=clip.confidence[again]), folder)
    return IMAGE_SIZE, FPS


def _timed_stages(folder: Path, out: Path, image_size, fps, lifter: Lifter) -> tuple[Stage, ...]:
    read_floor_s = decode_floor_s(folder)
    stages: list[Stage] = []
    clock = time.perf_counter()

    def lap(name: str, floor_s: float | None = None) -> None:
        nonlocal clock
        now = time.perf_counter()
        stages.append(Stage(name, now - clock, floor_s))
        clock = time.perf_counter()

    keypoints = read_keypoints(folder, fps=fps, image_size=image_size)[0]
    lap("read", read_floor_s)
    ready = prepare(keypoints).ready
    lap("repair")
    mapped = map_keypoints(ready, LANDMARKS_27.name)
    camera, _ = camera_for(mapped)
    lap("map")
    passes = 2 if lifter.flip else 1
    network_floor_s = 2 * passes * lifter.spec.macs_per_frame * mapped.n_frames / gemm_flops_per_s(512)
    clock = time.perf_counter()
    lifted = lifter(mapped, camera=camera)
    lap("lift", network_floor_s)
    moved = finish(lifted, mapped, camera)
    lap("refine")
    solved = solve_rotations(moved)
    lap("rotations")
    write_motion(solved, out)
    lap("write BVH")
    return tuple(stages)
