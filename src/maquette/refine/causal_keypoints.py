"""The repair of 2D tracks while they come in: what :mod:`maquette.refine.keypoints_repair` does, without the future."""

from collections import Counter

import numpy as np
from jaxtyping import Float, Int

from maquette.errors import InputError
from maquette.refine.causal_gaps import GapStream
from maquette.refine.causal_scale import HeightStream
from maquette.refine.causal_spikes import SpikeStream
from maquette.refine.causal_swaps import SwapStream
from maquette.refine.keypoints_outliers import outside, too_far
from maquette.skeleton import Skeleton

_PICTURE_MARGIN = 0.1
"""Of the longer side of the picture, as offline."""


class KeypointRepairStream:
    """Drops implausible points, exchanges left and right back, drops spikes and bridges short gaps, for several people
    at once.

    In the order of the offline repair, with its thresholds and costs. Decisions are made in the frame that they concern
    and never taken back. Joints that are lost for a moment go on (:class:`~maquette.refine.causal_gaps.GapStream`).

    Args:
        capacity: rows, one for each person followed.
        image_size: ``(width, height)`` in pixels; None where nobody knows, then nothing is outside.
        min_confidence: points below are dropped.
        swaps: exchange left and right back.
        spikes: drop points that leave their path.
        gaps: continue joints that are lost for a moment, also those dropped here.

    Raises:
        InputError: a capacity below 1, or a threshold outside [0, 1].
    """

    counts: Counter[str]
    """Points edited so far by kind: ``unsure``, ``outside``, ``far``, ``swap``, ``spike``, ``gap``."""

    def __init__(
        self,
        skeleton: Skeleton,
        capacity: int,
        *,
        image_size: tuple[int, int] | None = None,
        min_confidence: float | int = 0.1,
        swaps: bool = True,
        spikes: bool = True,
        gaps: bool = True,
    ) -> None:
        if capacity < 1 or not 0 <= min_confidence <= 1:
            raise InputError(
                f"capacity is {capacity}, expected at least 1; min_confidence is {min_confidence:g}, expected 0 to 1"
            )
        self.counts = Counter()
        self._picture = None if image_size is None else np.array(image_size, dtype=np.float64)
        self._min_confidence = float(min_confidence)
        self._heights = HeightStream(skeleton, capacity)
        self._swaps = SwapStream(skeleton, capacity) if swaps else None
        self._spikes = SpikeStream(len(skeleton), capacity) if spikes else None
        self._gaps = GapStream(len(skeleton), capacity) if gaps else None

    def reset(self, row: int) -> None:
        """Forget the person in a row: somebody else will be in it."""
        for stage in (self._heights, self._swaps, self._spikes, self._gaps):
            if stage is not None:
                stage.reset(row)

    def __call__(
        self,
        rows: Int[np.ndarray, " people"],
        points: Float[np.ndarray, "people joints 2"],
        confidence: Float[np.ndarray, "people joints"],
        time_s: float | int,
    ) -> tuple[Float[np.ndarray, "people joints 2"], Float[np.ndarray, "people joints"]]:
        """The people of one frame, repaired; what is given stays as it is.

        Args:
            rows: of each person, each at most once.
            points: pixels, NaN where missing.
            confidence: in [0, 1], 0 where missing.
            time_s: later than that of the frame before.
        """
        time_s = float(time_s)
        observed = confidence > 0
        unsure = observed & (confidence < self._min_confidence)
        sure = observed & ~unsure
        self._count("unsure", unsure)
        if self._picture is not None:
            off = sure & outside(points, self._picture, _PICTURE_MARGIN * float(self._picture.max()))
            self._count("outside", off)
            sure &= ~off
        points = np.where(sure[..., None], points, np.nan)
        height_px = self._heights(rows, points, time_s)
        far = too_far(points, sure, height_px)
        if self._count("far", far):
            sure &= ~far
            points[far] = np.nan
        confidence = np.where(sure, confidence, 0.0)
        if self._swaps is not None:
            source, exchanged = self._swaps(rows, points, confidence, time_s, height_px)
            if exchanged.any():
                person = np.arange(len(rows))[:, None]
                points, confidence = points[person, source], confidence[person, source]
                self._count("swap", exchanged & (confidence > 0))
        if self._spikes is not None:
            spike = self._spikes(rows, points, time_s, height_px)
            if self._count("spike", spike):
                points[spike] = np.nan
                confidence[spike] = 0.0
        if self._gaps is not None:
            self._count("gap", self._gaps(rows, points, confidence, time_s))
        return points, confidence

    def _count(self, kind: str, edited: np.ndarray) -> bool:
        count = int(np.count_nonzero(edited))
        if count:
            self.counts[kind] += count
        return count > 0
