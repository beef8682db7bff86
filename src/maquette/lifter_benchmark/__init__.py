"""The open benchmark: lifters (model files) compared on recorded motion filmed by virtual cameras, on a fixed grid."""

from maquette.lifter_benchmark.grid import CONDITIONS, Condition
from maquette.lifter_benchmark.report import Report, markdown, merged, read_report, table
from maquette.lifter_benchmark.run import benchmark, open_lifters, test_sets

__all__ = [
    "CONDITIONS",
    "Condition",
    "Report",
    "benchmark",
    "markdown",
    "merged",
    "open_lifters",
    "read_report",
    "table",
    "test_sets",
]
