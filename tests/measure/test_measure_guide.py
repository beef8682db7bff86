"""The guide says what the code says."""

from pathlib import Path

from measure_tables import angle_rows, number_rows

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "measure.md"


def test_every_definition_stands_in_the_guide() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    missing = [row for row in (*angle_rows(), *number_rows()) if row not in text.splitlines()]
    assert not missing, "put these rows into the tables of docs/guides/measure.md:\n" + "\n".join(missing)
