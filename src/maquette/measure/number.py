"""One number about a motion, with everything needed to judge it."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from maquette.measure.number_definitions import NUMBERS, NumberDefinition


@dataclass(frozen=True)
class Number:
    """A value with how sure it is and what speaks against it."""

    kind: str
    """Of :data:`maquette.measure.number_definitions.NUMBERS`, which gives unit and definition."""
    of: str
    """What it is the number of: a side (``l``, ``r``), an angle, a joint; empty for the whole person."""
    value: float
    """NaN where the data do not give it; the warnings say why."""
    uncertainty: float
    """One standard deviation in the same unit; NaN when it is not known."""
    basis: str
    """How the uncertainty is known, or why not."""
    count: int = 0
    """How many strides, steps, stances or frames it is taken from."""
    warnings: tuple[str, ...] = ()
    """What in the data does not support it."""

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.of}" if self.of else self.kind

    @property
    def definition(self) -> NumberDefinition:
        return NUMBERS[self.kind]

    @property
    def unit(self) -> str:
        return self.definition.unit

    def warned(self, *warnings: str) -> "Number":
        """The same with further warnings."""
        return replace(self, warnings=(*self.warnings, *(w for w in warnings if w not in self.warnings)))


def of_repeats(kind: str, of: str, samples: Float[np.ndarray, " samples"], single: float | int, what: str) -> Number:
    """The mean of what was measured several times; its uncertainty is the standard error of the mean.

    Args:
        samples: one for each stride, step or stance.
        single: standard deviation of one sample as far as it is known, for when there is only one.
        what: plural of what the samples are, for the basis.
    """
    samples = samples[np.isfinite(samples)]
    n = len(samples)
    if n == 0:
        return Number(kind, of, float("nan"), float("nan"), f"no {what}", 0, (f"no {what} were found",))
    if n == 1:
        known = f"one {what[:-1]}: the frame rate alone" if np.isfinite(single) else f"one {what[:-1]}: not known"
        return Number(kind, of, float(samples[0]), float(single), known, 1, (f"from a single {what[:-1]}",))
    error = float(samples.std(ddof=1) / np.sqrt(n))
    few = (f"from {n} {what} only",) if n < 5 else ()
    return Number(kind, of, float(samples.mean()), error, f"standard error of the mean of {n} {what}", n, few)
