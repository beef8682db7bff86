"""``maquette bench``."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from maquette.cli.options import progress


@dataclass(frozen=True)
class Bench:
    """Speed of the main path on this machine, from an OpenPose folder to a BVH file, against its floor."""

    frames: int = 10_000
    """Length of the clip."""
    model: Annotated[str | None, tyro.conf.arg(metavar="NAME|FILE")] = None
    """Name of a model in the package, or an .onnx file."""

    def run(self) -> None:
        """Measure and print."""
        import os
        import platform
        from importlib.util import find_spec

        from rich.console import Console

        from maquette.bench import network_rates, run_bench
        from maquette.errors import InputError
        from maquette.runtime.shipped import SHIPPED

        if self.frames < 1:
            raise InputError(f"--frames {self.frames}: expected at least 1")
        console = Console()
        console.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
        with progress("networks alone"):
            rates = [rate for name in ([self.model] if self.model else SHIPPED) for rate in network_rates(name)]
        console.print(self._network_table(rates))
        with progress(f"main path, {self.frames} frames"):
            report = run_bench(self.frames, self.model)
        console.print(self._stage_table(report))
        if find_spec("resource"):  # not on Windows
            console.print(f"memory at the peak: {self._peak_mib():.0f} MiB")

    def _peak_mib(self) -> float:
        """The largest resident size of this process so far."""
        import resource
        import sys

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 2**20 if sys.platform == "darwin" else peak / 2**10

    def _network_table(self, rates: list):
        from rich.table import Table

        table = Table(title="Networks alone (bare product: onnxruntime, 1024 x 1024)")
        for column in ("model", "batch", "poses/s", "GFLOP/s", "bare product", "share"):
            table.add_column(column, justify="right")
        for r in rates:
            table.add_row(
                r.model,
                str(r.batch),
                f"{r.poses_per_s:,.0f}",
                f"{r.flops_per_s / 1e9:.0f}",
                f"{r.gemm_flops_per_s / 1e9:.0f}",
                f"{r.share:.0%}",
            )
        return table

    def _stage_table(self, report):
        from rich.table import Table

        table = Table(title=f"OpenPose folder → BVH, {report.frames:,} frames, {report.model}")
        for column in ("stage", "seconds", "frames/s", "floor, s", "times the floor"):
            table.add_column(column, justify="right")
        for stage in report.stages:
            table.add_row(stage.name, *self._numbers(stage.duration_s, stage.floor_s, report.frames))
        table.add_section()
        table.add_row("all", *self._numbers(report.total_s, report.floor_s, report.frames))
        return table

    def _numbers(self, duration_s: float, floor_s: float | None, frames: int) -> tuple[str, str, str, str]:
        rate = f"{frames / max(duration_s, 1e-9):,.0f}"
        if floor_s is None:
            return f"{duration_s:.3f}", rate, "", ""
        return f"{duration_s:.3f}", rate, f"{floor_s:.3f}", f"{duration_s / floor_s:.1f}"
