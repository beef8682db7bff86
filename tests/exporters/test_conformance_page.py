"""The page of the documentation on what other programs read: no format can be forgotten there."""

import re
from pathlib import Path

import pytest

from maquette.exporters.writers import ENDINGS, WRITERS

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "conformance.md"
PICTURES = {".mp4", ".gif", ".png"}
"""Written for looking at; they hold no motion."""


@pytest.mark.parametrize("ending", sorted({*WRITERS, *ENDINGS} - PICTURES))
def test_another_program_has_read_every_format_of_a_motion(ending: str) -> None:
    rows = [line.split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    of_it = [cells for cells in rows if cells[1].strip() == f"`{ending}`"]
    # Ending, written as, read by, error in mm; the validator's rows have no error.
    read = [cells for cells in of_it if cells[3].strip() and re.fullmatch(r"\d+\.\d+", cells[4].strip())]
    assert read, f"{ending} is not in {PAGE.name}: add it to docs/conformance/checks.py"
