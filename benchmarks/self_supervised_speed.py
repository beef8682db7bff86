"""How fast self-supervised refinement is for a whole clip, against the loop over frames and against the machine.

The loop is the published procedure: for one frame after the other two steps of Adam on the correcting layers, with
weights that are restored afterwards; in NumPy with gradients by hand, and in torch with its own. The floor is what the
matrix products alone cost at the rate of the large ones: forwards and backwards through all layers, and forwards
through the correction once more. By the processor's clock and by the clock on the wall; the best of several runs.

python benchmarks/self_supervised_speed.py [--frames 10000] [--width 1024]      (OMP_NUM_THREADS=2: two threads)
"""

import argparse
import os
import time
from collections.abc import Callable
from fractions import Fraction

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.models.martinez_recipe import make_optimizer
from maquette.motion import Motion
from maquette.refine.correction_batched import FRAMES_AT_ONCE, refine_frames
from maquette.refine.correction_published import LEARNING_RATE, refine_in_order
from maquette.refine.correction_weights import CorrectionSpec, CorrectionWeights
from maquette.refine.self_supervised import SelfSupervisedRefiner
from maquette.runtime.products import Product, single_precision_product
from maquette.skeletons import H36M_16, LIFTED_21

_ROUNDS = 3
_LOOP_FRAMES = 60


def made_up_weights(width: int) -> CorrectionWeights:
    """Of the right shapes and sizes; the values do not matter."""
    rng = np.random.default_rng(0)
    sizes = [(48, width), (width, 48), (48, width), (width, width), (width, width), (width, 32)]
    arrays = []
    for inputs, outputs in sizes:
        arrays += [rng.standard_normal((inputs, outputs)) / np.sqrt(inputs), 0.1 * rng.standard_normal(outputs)]
    spec = CorrectionSpec(name="made-up", view="body-rays/v1", licence="none", training_data="none")
    return CorrectionWeights.from_arrays([array.astype(np.float32) for array in arrays], spec)


class TorchLoop:
    """The published procedure with torch's gradients and optimiser."""

    def __init__(self, weights: CorrectionWeights) -> None:
        self.arrays = [torch.tensor(array) for array in weights.arrays]
        self.mask = torch.ones(32)
        self.mask[14:16] = 0
        parents = torch.tensor([max(parent, 0) for parent in H36M_16.parents])
        self.parents = (2 * parents[:, None] + torch.arange(2)).reshape(-1)

    def __call__(self, poses: np.ndarray, pictures: np.ndarray) -> None:
        start = self.arrays[:4]
        trained = [torch.nn.Parameter(array.clone()) for array in start]
        optimiser = make_optimizer(torch.nn.ParameterList(trained), learning_rate=LEARNING_RATE)
        for pose, picture in zip(torch.from_numpy(poses), torch.from_numpy(pictures), strict=True):
            for _ in range(2):
                optimiser.zero_grad()
                self.loss(trained, pose[None], picture[None]).backward()
                optimiser.step()
            with torch.no_grad():
                for array, first in zip(trained, start, strict=True):
                    array.copy_(first)
            optimiser.state.clear()

    def loss(self, trained: list[torch.nn.Parameter], pose: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
        w0, b0, w00, b00 = trained
        w1, b1, w2, b2, w3, b3, w4, b4 = self.arrays[4:]
        corrected = torch.relu(pose @ w0 + b0) @ w00 + b00
        y1 = torch.relu(corrected @ w1 + b1)
        v = torch.relu(torch.relu(y1 @ w2 + b2) @ w3 + b3)
        p, d = ((y1 + v) @ w4 + b4) * self.mask, picture * self.mask
        bones = (p[:, self.parents] - p).abs() - (d[:, self.parents] - d).abs()
        return (p - d).square().mean() + bones.square().mean()


def rates(run: Callable[[], object], work: int) -> tuple[float, float]:
    """Units of work a second by the processor's clock and on the wall."""
    run()
    processor, wall = [], []
    for _ in range(_ROUNDS):
        at, at_wall = time.process_time(), time.perf_counter()
        run()
        processor.append(time.process_time() - at)
        wall.append(time.perf_counter() - at_wall)
    return work / min(processor), work / min(wall)


def product_flops_per_s(product: Product, width: int) -> tuple[float, float]:
    """By the processor's clock and on the wall, of FRAMES_AT_ONCE rows and a square matrix."""
    rng = np.random.default_rng(0)
    left = rng.random((FRAMES_AT_ONCE, width), dtype=np.float32)
    right = rng.random((width, width), dtype=np.float32)
    flops = 2 * FRAMES_AT_ONCE * width**2
    best = [rates(lambda: product(left, right), flops) for _ in range(10)]
    return max(processor for processor, _ in best), max(wall for _, wall in best)


def frame_flops(width: int) -> float:
    """Of the matrix products of one frame and one step."""
    layers = 3 * 48 * width + 2 * width**2 + 32 * width
    backwards = layers - 48 * width  # nobody asks for the gradient of the pose that came in
    return 2.0 * (layers + backwards + 2 * 48 * width)


def made_up_clip(frames: int) -> tuple[Motion, Keypoints, Camera]:
    """A body that trembles in front of a camera."""
    rng = np.random.default_rng(1)
    body = 0.35 * rng.standard_normal((1, len(LIFTED_21), 3))
    positions = body + 0.05 * rng.standard_normal((frames, len(LIFTED_21), 3))
    camera = Camera((1100.0, 1100.0), (640.0, 360.0), (1280, 720))
    points = camera.project(positions + [0, 0, 5.0]) + 3 * rng.standard_normal((frames, len(LIFTED_21), 2))
    keypoints = Keypoints(points, np.ones(points.shape[:2]), LIFTED_21, Fraction(50))
    return Motion(positions - positions[:, :1], LIFTED_21, Fraction(50), "camera"), keypoints, camera


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of self-supervised refinement")
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--width", type=int, default=1024)
    arguments = parser.parse_args()
    threads = int(os.environ["OMP_NUM_THREADS"])
    torch.set_num_threads(threads)
    weights, frames = made_up_weights(arguments.width), arguments.frames
    rng = np.random.default_rng(2)
    poses = rng.random((frames, 48), dtype=np.float32)
    pictures = 0.5 + 0.2 * rng.standard_normal((frames, 32), dtype=np.float32)
    few = poses[:_LOOP_FRAMES], pictures[:_LOOP_FRAMES]
    flops = frame_flops(arguments.width)
    print(f"{threads} threads, {frames} frames, hidden layers of {arguments.width}, frames/s: processor, wall")
    floor = 0.0
    for name, product in (("NumPy", np.matmul), ("onnxruntime", single_precision_product(threads))):
        processor, wall = product_flops_per_s(product, arguments.width)
        floor = processor / flops
        label = f"floor: {flops / 1e6:.2f} MFLOP at {processor / 1e9:.0f} GFLOP/s of {name}"
        print(f"{label:<52}{floor:>10.0f}{wall / flops:>10.0f}")

    def show(name: str, run: Callable[[], object], n: int) -> np.ndarray:
        processor, wall = rates(run, n)
        print(f"{name:<52}{processor:>10.0f}{wall:>10.0f}")
        return np.array([processor, wall])

    loops = [
        show("loop in NumPy, float32", lambda: refine_in_order(weights, *few, dtype=np.float32), _LOOP_FRAMES),
        show("loop in NumPy, float64", lambda: refine_in_order(weights, *few), _LOOP_FRAMES),
        show("loop in torch, float32", lambda: TorchLoop(weights)(*few), _LOOP_FRAMES),
    ]
    batched = show(
        "whole clip, 1 step", lambda: refine_frames(weights, poses, pictures, final_loss=False, threads=threads), frames
    )
    show(
        "whole clip, 1 step and the losses after it",
        lambda: refine_frames(weights, poses, pictures, threads=threads),
        frames,
    )
    part = max(frames // 10, 1)
    for n_steps in (2, 5):
        show(
            f"whole clip, {n_steps} steps",
            lambda n=n_steps: refine_frames(
                weights, poses[:part], pictures[:part], n_steps=n, final_loss=False, threads=threads
            ),
            part,
        )
    refiner, clip = SelfSupervisedRefiner(weights, keep_worse=True, threads=threads), made_up_clip(frames)
    show("whole refiner of motions, 1 step", lambda: refiner(*clip), frames)
    for clock, which in enumerate(("processor", "wall")):
        times = ", ".join(f"{batched[clock] / loop[clock]:.1f}" for loop in loops)
        print(f"whole clip (1 step) to the loops, by the {which}'s clock: {times}")
    print(f"share of the floor: {batched[0] / floor:.2f}")


if __name__ == "__main__":
    main()
