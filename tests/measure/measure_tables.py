"""The tables of docs/guides/measure.md, from the definitions that the code has."""

from maquette.measure import ANGLES, NUMBERS


def angle_rows() -> list[str]:
    """One for each angle."""
    return [
        f"| `{'l_ r_ ' if angle.sides else ''}{name}` | {angle.definition} | {angle.positive} | {angle.difference} | "
        f"{angle.source} |"
        for name, angle in ANGLES.items()
    ]


def number_rows() -> list[str]:
    """One for each kind of number."""
    return [f"| `{kind}` | {number.unit} | {number.definition} | {number.source} |" for kind, number in NUMBERS.items()]
