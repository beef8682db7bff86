"""Relative information encoding on a clip: every frame through a window of its own, against our model file.

The windowed evaluation does what the published program does: it cuts a window for every frame, puts 1024 of them (or
128) into a batch, makes the three encodings, and runs convolutions; with flip averaging a second time for the mirrored
windows. Both have the same weights, batch norms filled at random. All take turns, the least time of some rounds counts:
on the wall, and of the processor over all threads. Peak memory is what one run takes in a fresh process beyond what it
holds once the model is loaded. "local" is the variant whose windows share all work; it is another function (differences
are to its own windows).

    python benchmarks/rie_inference.py [--frames 1000] [--latent 256 512] [--threads 2] [--rounds 5] [--chunk 96 ...]
"""

import argparse
import ctypes
import gc
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from maquette.models.rie import LocalEncoder, RelativeEncodingNetwork
from maquette.models.rie_graph import build_onnx, clip_spec
from maquette.runtime.onnx_model import OnnxModel
from maquette.skeletons import H36M_17

JOINTS, WINDOW = 17, 243
MIRROR = np.asarray(H36M_17.mirror_permutation)
Run = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Way:
    """One way of getting the poses of a clip."""

    name: str
    latent: int
    batch: int
    """Windows of a batch, or poses of a chunk."""
    threads: int
    flip: bool
    temporal_code: str = "centre"

    def prepared(self, folder: Path) -> Run:
        """From a clip (frames, 17, 2) to (poses, 17, 3)."""
        torch.set_num_threads(self.threads)
        network = made_network(self.latent, self.temporal_code)
        if self.name == "windows":
            run = partial(run_windows, Windowed(network), self.batch)
        else:
            path = folder / f"{self.temporal_code}{self.latent}.onnx"
            if not path.exists():
                write_model(network, path)
            run = partial(run_model, OnnxModel(path, threads=self.threads), self.batch)
        return partial(averaged, run) if self.flip else run

    def label(self) -> str:
        if self.name == "windows":
            return f"own window for each frame, torch, batch {self.batch}"
        return f"model file{' (local)' if self.temporal_code == 'local' else ''}, chunk {self.batch}"


def made_network(latent: int, temporal_code: str) -> RelativeEncodingNetwork:
    torch.manual_seed(1)
    network = RelativeEncodingNetwork(latent=latent, temporal_code="local" if temporal_code == "local" else "centre")
    for name, tensor in network.state_dict().items():
        if name.endswith("running_mean"):
            tensor.normal_(0, 0.1)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
    return network.eval()


def write_model(network: RelativeEncodingNetwork, path: Path) -> None:
    about = {"licence": "none", "training_data": "none", "window_step_s": 0.02, "name": path.stem}
    spec = clip_spec(network, input_skeleton=H36M_17, output_skeleton=H36M_17, **about)
    onnx.save(build_onnx(network, spec), str(path))


class Windowed:
    """The published computation, layer by layer."""

    def __init__(self, network: RelativeEncodingNetwork) -> None:
        self.network = network

    def __call__(self, x: Tensor) -> Tensor:
        network, groups = self.network, self.network.groups.groups
        x = x.flatten(2).transpose(1, 2)
        to_root = x - x[:, :2].repeat(1, JOINTS, 1)
        to_centre = x - x[:, :, WINDOW // 2 : WINDOW // 2 + 1]
        overall = network.GlobalInfo(x[:, :, WINDOW // 2])
        local = []
        for group in groups:
            channels = [2 * joint + axis for joint in group.inputs for axis in (0, 1)]
            joined = torch.cat([part[:, channels] for part in (x, to_root, to_centre)], dim=1)
            local.append(self.encoded(network.encoder(group), joined))
        decoded = []
        for i, group in enumerate(groups):
            mixed = network.fusion(i)(torch.cat(local[:i] + local[i + 1 :], dim=1))
            known = torch.cat([local[i], mixed, overall], dim=1)
            decoded.append(network.decoder(group)(known).reshape(len(x), -1, 3))
        return torch.cat(decoded, dim=1)[:, network.order]

    def encoded(self, encoder: LocalEncoder, x: Tensor) -> Tensor:
        x = F.leaky_relu(encoder.expand_bn(encoder.expand_conv(x)), 0.2)
        layers: list[tuple[nn.Module, nn.Module]] = list(zip(encoder.layers_conv, encoder.layers_bn, strict=True))
        for block in range(len(layers) // 2):
            skip = x[:, :, 1::3]
            for convolution, norm in layers[2 * block : 2 * block + 2]:
                x = F.leaky_relu(norm(convolution(x)), 0.2)
            x = skip + x
        return encoder.shrink(x)[:, :, 0]


def run_windows(model: Windowed | RelativeEncodingNetwork, batch: int, clip: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(clip, WINDOW, axis=0).transpose(0, 3, 1, 2)
    found = []
    with torch.no_grad():
        for i in range(0, len(windows), batch):
            found.append(model(torch.from_numpy(np.ascontiguousarray(windows[i : i + batch]))).numpy())
    return np.concatenate(found).reshape(-1, JOINTS, 3)


def run_model(model: OnnxModel, chunk: int, clip: np.ndarray) -> np.ndarray:
    return model.run_clip(clip.reshape(len(clip), -1), chunk=chunk)


def averaged(run: Run, clip: np.ndarray) -> np.ndarray:
    mirrored = run(clip[:, MIRROR] * np.array([-1, 1], dtype=np.float32))
    return (run(clip) + mirrored[:, MIRROR] * np.array([-1, 1, 1], dtype=np.float32)) / 2


def made_clip(frames: int) -> np.ndarray:
    """A smooth walk of 17 points in the picture, with the frames that the first and the last window need."""
    rng = np.random.default_rng(2)
    steps = rng.normal(0, 0.01, (frames + WINDOW - 1, JOINTS, 2)).cumsum(0)
    return (rng.uniform(-0.5, 0.5, (JOINTS, 2)) + np.tanh(steps)).astype(np.float32)


def peak_mb(way: Way, folder: Path, frames: int) -> float:
    """Most memory of one run beyond that of the loaded model; in a process of its own, after a short first run."""
    run, clip = way.prepared(folder), made_clip(frames)
    run(clip[: WINDOW + 1])
    # What loading left over must not serve the run, or it would seem to take nothing.
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before, most, done = resident_mb(), 0.0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.002):
            most = max(most, resident_mb())

    watcher = threading.Thread(target=watch)
    watcher.start()
    run(clip)
    done.set()
    watcher.join()
    return max(most, resident_mb()) - before


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def measure(ways: list[Way], folder: Path, frames: int, rounds: int) -> None:
    clip = made_clip(frames)
    runs = [way.prepared(folder) for way in ways]
    wall, cpu = [float("inf")] * len(ways), [float("inf")] * len(ways)
    outputs = [np.empty(0)] * len(ways)
    for _ in range(rounds):
        for i, run in enumerate(runs):
            before = time.perf_counter(), time.process_time()
            outputs[i] = run(clip)
            wall[i] = min(wall[i], time.perf_counter() - before[0])
            cpu[i] = min(cpu[i], time.process_time() - before[1])
    print(
        f"\nlatent {ways[0].latent}, {'with' if ways[0].flip else 'without'} flip averaging, {ways[0].threads} threads"
    )
    print(f"{'':52}{'wall s':>8}{'CPU s':>8}{'faster':>8}{'CPU':>6}{'peak MB':>9}{'difference':>12}")
    for i, way in enumerate(ways):
        expected = outputs[0]
        if way.temporal_code == "local":
            own = partial(run_windows, made_network(way.latent, "local"), 128)
            expected = (partial(averaged, own) if way.flip else own)(clip)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            memory = pool.submit(peak_mb, way, folder, frames).result()
        print(
            f"{way.label():52}{wall[i]:8.3f}{cpu[i]:8.3f}{wall[0] / wall[i]:7.2f}x{cpu[0] / cpu[i]:5.2f}x{memory:9.0f}"
            f"{abs(outputs[i] - expected).max():12.1e}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--latent", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chunk", type=int, nargs="+", default=[60, 96, 192])
    parser.add_argument("--local-chunk", type=int, nargs="+", default=[192, 1000])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for latent in args.latent:
            for flip in (False, True):
                ways = [Way("windows", latent, batch, args.threads, flip) for batch in (1024, 128)]
                ways += [Way("model", latent, chunk, args.threads, flip) for chunk in args.chunk]
                ways += [Way("model", latent, chunk, args.threads, flip, "local") for chunk in args.local_chunk]
                measure(ways, Path(folder), args.frames, args.rounds)


if __name__ == "__main__":
    main()
