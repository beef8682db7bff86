"""When the frames of a glTF animation are: the times of its keys where they are even, else at a rate that is stated."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from maquette.errors import InputError
from maquette.formats.gltf_read import GltfAnimation
from maquette.frozen_arrays import exact_fps
from maquette.readers.usual_fps import USUAL_FPS

_SPARSE_S = 0.105
"""Keys farther apart were set by hand; between them the file interpolates, and so must the frames."""
_DEFAULT_FPS = Fraction(30)
_EVEN = 0.05
"""Share of a frame by which keys may lie beside its time."""
_RATE = 0.0004
"""Share by which the step of the keys may differ from that of a usual rate."""
_MOST_FRAMES = 2_000_000


@dataclass(frozen=True, eq=False)
class Clock:
    """The frames to sample."""

    times_s: Float[np.ndarray, " frames"]
    """In the animation's own time."""
    fps: Fraction
    timestamps_s: Float[np.ndarray, " frames"] | None
    """From 0, where the frames are not even."""
    note: str


def clock_of(animation: GltfAnimation, where: str, ours: tuple[str, int, bool] | None = None) -> Clock:
    """The frames of an animation.

    Args:
        ours: ``(fps, frames, whether times are uneven)`` as Maquette wrote them.

    Raises:
        InputError: ours, with another number of keys than said; or so long and finely keyed that it has over 2 million
            frames.
    """
    keys = np.unique(np.concatenate([channel.times_s for channel in animation.channels]))
    if ours is not None:
        fps, frames, uneven = ours
        if len(keys) != frames:
            raise InputError(f"{where}: has keys at {len(keys)} times and should have {frames}; the file was changed")
        return Clock(keys, exact_fps(fps), keys - keys[0] if uneven else None, f"{frames} frames as they were written")
    if len(keys) == 1:
        return Clock(keys, _DEFAULT_FPS, None, f"one pose; {_DEFAULT_FPS} frames per second assumed")
    # Keys may be left out where nothing moves: the frame is the smallest step that is no rounding error.
    steps = np.diff(keys)
    rounding_s = 4 * float(np.spacing(np.float32(np.abs(keys).max())))
    step_s = float(np.quantile(steps[steps > rounding_s], 0.02)) if (steps > rounding_s).any() else float(steps.max())
    length_s = float(keys[-1] - keys[0])
    if step_s <= _SPARSE_S:
        # Counted over the whole clip, so that rounding of single times does not matter.
        fps = _rate_of(length_s / max(float(np.round(steps / step_s).sum()), 1.0))
        numbers = (keys - keys[0]) * float(fps)
        if (np.abs(numbers - np.round(numbers)) <= _EVEN + rounding_s * float(fps)).all():
            return _even(keys[0], length_s, fps, f"keys at {_shown(fps)} frames per second", where)
    if step_s > _SPARSE_S:
        note = f"keys are {step_s:.3g} s apart or more: sampled at {_DEFAULT_FPS} frames per second"
        return _even(keys[0], length_s, _DEFAULT_FPS, note, where)
    fps = max(_DEFAULT_FPS, min(_rate_of(float(np.median(steps))), Fraction(240)))
    return _even(
        keys[0], length_s, fps, f"keys at uneven times: sampled at {_shown(fps)} frames per second between them", where
    )


def _even(first_s: float, length_s: float, fps: Fraction, note: str, where: str) -> Clock:
    frames = int(np.floor(length_s * float(fps) + 0.05)) + 1
    if frames > _MOST_FRAMES:
        raise InputError(f"{where}: {length_s:.0f} s with keys at {_shown(fps)} per second are more than is read")
    return Clock(first_s + np.arange(frames) / float(fps), fps, None, note)


def _rate_of(step_s: float) -> Fraction:
    """The rate whose frames last so long: the nearest usual one within 0.04 %, else a whole one, else as it is."""
    rate = 1.0 / step_s
    usual = min(USUAL_FPS, key=lambda other: abs(rate / float(other) - 1.0))
    if abs(rate / float(usual) - 1.0) < _RATE:
        return usual
    if rate > 1.5 and abs(rate / round(rate) - 1.0) < _RATE:
        return Fraction(round(rate))
    return exact_fps(Fraction(min(max(rate, 0.001), 100_000.0)).limit_denominator(1000))


def _shown(fps: Fraction) -> str:
    return str(fps) if fps.denominator == 1 else f"{float(fps):.3f}"
