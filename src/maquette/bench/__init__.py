"""Speed of the main path on this machine, against the least that it could cost."""

from maquette.bench.floors import decode_floor_s as decode_floor_s
from maquette.bench.floors import gemm_flops_per_s as gemm_flops_per_s
from maquette.bench.stages import BenchReport as BenchReport
from maquette.bench.stages import NetworkRate as NetworkRate
from maquette.bench.stages import Stage as Stage
from maquette.bench.stages import network_rates as network_rates
from maquette.bench.stages import run_bench as run_bench
