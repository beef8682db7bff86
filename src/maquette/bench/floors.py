"""What the main path cannot beat: decoding the bytes, and multiplying the numbers."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

GEMM_MODEL = Path(__file__).with_name("gemm.onnx")
GEMM_WIDTH, GEMM_LAYERS = 1024, 8


def best_time_s(run: Callable[[], object], *, repeats: int = 7, warm_up: int = 2) -> float:
    """Shortest of several runs, in seconds: what the machine can do when nothing disturbs it."""
    for _ in range(warm_up):
        run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def gemm_flops_per_s(batch: int, *, threads: int = 0) -> float:
    """Rate of onnxruntime on bare products (batch, 1024) x (1024, 1024), in floating point operations a second."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(GEMM_MODEL), options, providers=["CPUExecutionProvider"])
    x = np.ones((batch, GEMM_WIDTH), dtype=np.float32)
    duration_s = best_time_s(lambda: session.run(None, {"x0": x}))
    return 2 * batch * GEMM_WIDTH**2 * GEMM_LAYERS / duration_s


def decode_floor_s(folder: Path) -> float:
    """Seconds to read all files of an OpenPose folder and decode their JSON into typed structs, and nothing else."""
    import msgspec

    from maquette.formats.openpose_json import Frame

    decoder = msgspec.json.Decoder(Frame)
    paths = sorted(folder.glob("*.json"))
    return best_time_s(lambda: [decoder.decode(path.read_bytes()) for path in paths], repeats=3, warm_up=1)
