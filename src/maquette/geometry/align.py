"""Best rigid or similarity transform between two sets of corresponding points."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Alignment(NamedTuple):
    """`aligned = scale * rotation @ source + translation`, for each item of the batch."""

    rotation: Float[np.ndarray, "*batch 3 3"]
    translation: Float[np.ndarray, "*batch 3"]
    scale: Float[np.ndarray, "*batch"]
    aligned: Float[np.ndarray, "*batch points 3"]


def similarity_align(
    target: Float[np.ndarray, "*batch points 3"],
    source: Float[np.ndarray, "*batch points 3"],
    *,
    scale: bool = True,
    weights: Float[np.ndarray, "*#batch points"] | None = None,
) -> Alignment:
    """Move `source` onto `target` with the least (weighted) sum of squared distances; never a reflection.

    Umeyama (1991), with Kabsch's guard against reflections. Points that are NaN on either side do not count (and come
    out as NaN where `source` is). Without any point in common everything is NaN. A source without extent keeps scale 1;
    points on one line leave a free turn about it, of which some solution is taken.
    """
    target = np.asarray(target, dtype=np.float64)
    source = np.asarray(source, dtype=np.float64)
    known = np.asarray(np.isfinite(target).all(axis=-1) & np.isfinite(source).all(axis=-1))
    w = known.astype(np.float64)
    if weights is not None:
        w = w * np.where(known, np.asarray(weights, dtype=np.float64), 0.0)
    total = w.sum(axis=-1, keepdims=True)
    w = (w / np.where(total > 0, total, np.nan))[..., None]
    clean_target = np.where(known[..., None], target, 0.0)
    clean_source = np.where(known[..., None], source, 0.0)
    mean_target = np.sum(w * clean_target, axis=-2, keepdims=True)
    mean_source = np.sum(w * clean_source, axis=-2, keepdims=True)
    centred_source = clean_source - mean_source
    covariance = np.swapaxes(w * (clean_target - mean_target), -1, -2) @ centred_source
    empty = np.isnan(covariance).any(axis=(-1, -2))
    u, singular, vt = np.linalg.svd(np.where(empty[..., None, None], 0.0, covariance))
    guard = np.ones_like(singular)
    guard[..., 2] = np.where(np.linalg.det(u) * np.linalg.det(vt) < 0, -1.0, 1.0)
    rotation = (u * guard[..., None, :]) @ vt
    rotation = np.where(empty[..., None, None], np.nan, rotation)
    variance = np.sum(w * centred_source**2, axis=(-1, -2))
    if scale:
        explained = np.sum(singular * guard, axis=-1)
        factor = np.where(variance > 0, explained / np.where(variance > 0, variance, 1.0), 1.0)
    else:
        factor = np.ones_like(variance)
    factor = np.where(empty, np.nan, factor)
    turned_mean = (mean_source @ np.swapaxes(rotation, -1, -2))[..., 0, :]
    translation = mean_target[..., 0, :] - factor[..., None] * turned_mean
    aligned = factor[..., None, None] * (source @ np.swapaxes(rotation, -1, -2)) + translation[..., None, :]
    return Alignment(rotation, translation, factor, aligned)


def rigid_align(
    target: Float[np.ndarray, "*batch points 3"],
    source: Float[np.ndarray, "*batch points 3"],
    *,
    weights: Float[np.ndarray, "*#batch points"] | None = None,
) -> Alignment:
    """Rotation and translation only: `similarity_align` with the scale held at 1."""
    return similarity_align(target, source, scale=False, weights=weights)
