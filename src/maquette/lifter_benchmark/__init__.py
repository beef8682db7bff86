"""The open benchmark: lifters (model files) compared on recorded motion filmed by virtual cameras, on a fixed grid."""

from maquette.lifter_benchmark.grid import CONDITIONS, Condition
from maquette.lifter_benchmark.report import Report, markdown, table
from maquette.lifter_benchmark.run import benchmark, open_lifters, test_sets

__all__ = ["CONDITIONS", "Condition", "Report", "benchmark", "markdown", "open_lifters", "table", "test_sets"]
