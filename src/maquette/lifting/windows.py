"""Windows of frames around each frame, a fixed time apart whatever the frame rate of the video."""

import numpy as np
from jaxtyping import Bool, Float, Int

Index = Int[np.ndarray, "outputs window"]


def window_samples(
    times_s: Float[np.ndarray, " frames"], outputs: Int[np.ndarray, " outputs"], window_frames: int, step_s: float
) -> tuple[Index, Index, Float[np.ndarray, "outputs window"]]:
    """Where each window samples the track: ``(before, after, fraction)``, read as before + fraction (after - before).

    Window ``i`` is centred on frame ``outputs[i]`` and samples at its time plus k ``step_s`` for k from
    -window_frames // 2 on. Samples beyond the ends hold the first or the last frame.
    """
    n = len(times_s)
    offsets_s = (np.arange(window_frames) - window_frames // 2) * step_s
    wanted_s = np.clip(times_s[outputs, None] + offsets_s, times_s[0], times_s[-1])
    if n == 1:
        zeros = np.zeros(wanted_s.shape, dtype=np.intp)
        return zeros, zeros, np.zeros(wanted_s.shape)
    # The last frame at or before the wanted time; a sample within a microsecond of a frame is that frame, so that
    # rounding in the time stamps cannot mix in a neighbour.
    before = np.clip(np.searchsorted(times_s, wanted_s + 1e-6, side="right") - 1, 0, n - 2)
    fraction = (wanted_s - times_s[before]) / (times_s[before + 1] - times_s[before])
    fraction = np.clip(fraction, 0.0, 1.0)
    fraction[fraction < 1e-4] = 0.0
    fraction[fraction > 1 - 1e-4] = 1.0
    return before, before + 1, fraction


def gather_windows(
    points: Float[np.ndarray, "frames joints 2"],
    observed: Bool[np.ndarray, "frames joints"],
    samples: tuple[Index, Index, Float[np.ndarray, "outputs window"]],
) -> tuple[Float[np.ndarray, "outputs window joints 2"], Bool[np.ndarray, "outputs window joints"]]:
    """Points and observed flags of each window, linearly interpolated between neighbouring frames.

    A sample is observed when the nearer of its two frames is; the other one joins in only if it is observed, too.
    ``points`` of missing joints must be finite (zero will do).
    """
    before, after, fraction = samples
    if not fraction.any():
        return points[before], observed[before]
    nearer_is_after = fraction > 0.5
    nearest = np.where(nearer_is_after, after, before)
    other = np.where(nearer_is_after, before, after)
    weight = np.where(nearer_is_after, 1 - fraction, fraction).astype(points.dtype)
    seen = observed[nearest]
    near = points[nearest]
    blend = weight[..., None] * observed[other]
    return near + blend[..., None] * (points[other] - near), seen
