"""Couples who dance salsa, hold hands and change places (motion capture), filmed and seen with gaps."""

from pathlib import Path

import numpy as np
import pytest

from maquette.track import Detections, track_people


def film(people: list[np.ndarray], rng: np.random.Generator) -> tuple[Detections, np.ndarray]:
    """Detections of both in random order, and who each row is; a body hides most joints behind it."""
    middle = np.mean([person[:, 0].mean(0) for person in people], axis=0)
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(5, 20))
    away = [np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)]
    forward = -np.array(away)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(forward, right), forward])
    seen = [(person - middle) @ axes.T + [0, 0, 5.0] for person in people]
    pixels = [[960, 540] + 1400 * person[..., :2] / person[..., 2:] for person in seen]
    frame, rows, who = [], [], []
    for t in range(len(people[0])):
        for k in rng.permutation(2):
            points = pixels[k][t] + rng.normal(0, 3, (17, 2))
            other = pixels[1 - k][t]
            if seen[k][t, 0, 2] > seen[1 - k][t, 0, 2]:
                hidden = ((points > other.min(0)) & (points < other.max(0))).all(1) & (rng.random(17) < 0.7)
                points[hidden] = np.nan
            points[rng.random(17) < 0.1] = np.nan
            if np.isfinite(points[:, 0]).sum() >= 5:
                frame.append(t)
                rows.append(points)
                who.append(k)
    points = np.array(rows)
    confidence = np.isfinite(points[..., 0]).astype(float)
    none = np.full(len(frame), -1)
    return Detections(np.array(frame), points, confidence, none, len(people[0])), np.array(who)


@pytest.mark.parametrize("take", ["02", "07", "15"])
def test_a_couple_stays_two_people(take: str, shared_dir: Path) -> None:
    path = shared_dir / "data" / "cmu" / "cmu17.npz"
    if not path.is_file():
        pytest.skip("the motion capture is not there")
    with np.load(path) as archive:
        couple = [archive[f"{subject}/{subject}_{take}"][::2].astype(float) for subject in (60, 61)]
    detections, who = film(couple, np.random.default_rng(int(take)))
    tracks, _ = track_people(detections, 25.0)
    assert len(tracks) == 2
    for track in tracks:
        assert (who[track.rows] == who[track.rows[0]]).all()
    assert sum(len(track.rows) for track in tracks) == len(who)
