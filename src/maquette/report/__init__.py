"""One HTML file about a motion: numbers, plots, a small video, provenance."""

from maquette.report.write import write_report

__all__ = ["write_report"]
