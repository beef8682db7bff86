"""Left against right."""

from collections.abc import Sequence

from maquette.measure.number import Number

_COMPARED = ("step_time", "step_length", "stance", "double_support", "range")
_LEAST_DEG = 5.0
"""Ranges of motion below this are not compared: their ratio is one of noise."""


def symmetry_index(right: float, left: float) -> float:
    """``100 (right - left) / (0.5 (right + left))`` in percent (Robinson et al. 1987); NaN where the mean is not
    positive."""
    mean = 0.5 * (right + left)
    return 100.0 * (right - left) / mean if mean > 0 else float("nan")


def symmetry_numbers(numbers: Sequence[Number]) -> list[Number]:
    """``symmetry`` of every pair of numbers of both sides that is compared, with its propagated uncertainty."""
    found = {(number.kind, number.of): number for number in numbers if number.kind in _COMPARED}
    result = []
    for (kind, of), left in found.items():
        right = found.get((kind, "r" + of[1:]))
        if right is None or of[:1] != "l" or of[1:2] not in ("", "_"):
            continue
        if not min(left.value, right.value) > (_LEAST_DEG if kind == "range" else 0.0):
            continue
        mean = 0.5 * (right.value + left.value)
        # d(SI)/dR = 100 L / mean^2, d(SI)/dL = -100 R / mean^2
        sure = 100.0 / mean**2 * ((left.value * right.uncertainty) ** 2 + (right.value * left.uncertainty) ** 2) ** 0.5
        result.append(
            Number(
                "symmetry",
                f"{kind}{of[1:]}",
                symmetry_index(right.value, left.value),
                sure,
                f"from both sides: {left.basis}",
                min(left.count, right.count),
                tuple(dict.fromkeys(left.warnings + right.warnings)),
            )
        )
    return result
