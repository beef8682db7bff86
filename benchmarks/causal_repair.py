"""How well 2D tracks are repaired while they come in, beside the offline repair of the same tracks.

    python benchmarks/causal_repair.py --data ../shared/data --json out.json

The tracks, the exchanges of left and right and what counts are those of ``benchmarks/swap_repair.py``: motion capture
through random cameras and a simulated detector, and real tracks. Into each track one exchange at a time is put; and,
separately, spikes: single joints that lie 0.15 to 0.6 body heights off for one or two frames, one in about every 1.5 s.

Exchanges. "taken back": share of them of whose displacement at most a tenth is left. "recall": share of the points that
an exchange moved by more than 3 cm that are right afterwards; "precision": of the points that the repair moved as far,
those that were wrong before and are right after. Spikes: the same of points dropped, without those that are dropped
before any are put in (the simulated detector has spikes of its own). "wrongly": on tracks into which nothing was put,
the share of frames in which a point is moved, and of points dropped that are within 0.06 body heights of the truth (of
all points where the truth is not known).
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from swap_repair import (
    _PAIRS,
    FORMATS,
    SCOPES,
    SEED,
    Track,
    asked_for,
    displaced,
    draw,
    drop_first,
    exchanged,
    misplaced,
    mocap_tracks,
    print_rows,
    real_tracks,
)

from maquette.keypoints import Keypoints
from maquette.refine.causal_keypoints import KeypointRepairStream
from maquette.refine.keypoints_outliers import drop, find_spikes
from maquette.refine.keypoints_scale import body_height_px
from maquette.refine.keypoints_swaps import repair_swaps

FINE = 0.06
"""A point nearer to the truth than this, in body heights, should not be dropped."""
Repair = Callable[[Sequence[Keypoints]], list[Keypoints]]
Counts = dict[tuple[str, ...], np.ndarray]


def no_counts() -> Counts:
    """Nothing measured yet."""
    return defaultdict(lambda: np.zeros(5))


def causal(tracks: Sequence[Keypoints], *, swaps: bool, spikes: bool) -> list[Keypoints]:
    """Tracks of one length, repaired as the people of one stream."""
    first = tracks[0]
    wanted = {"swaps": swaps, "spikes": spikes, "gaps": False}
    stream = KeypointRepairStream(first.skeleton, len(tracks), image_size=first.image_size, **wanted)
    points = np.stack([track.points for track in tracks])
    confidence = np.stack([track.confidence for track in tracks])
    rows = np.arange(len(tracks))
    for frame, time_s in enumerate(first.times_s.tolist()):
        found = stream(rows, points[:, frame], confidence[:, frame], time_s)
        points[:, frame], confidence[:, frame] = found
    return [track.with_notes(points=p, confidence=c) for track, p, c in zip(tracks, points, confidence, strict=True)]


def offline_spikes(track: Keypoints) -> Keypoints:
    """Without the spikes that the whole track tells."""
    return drop(track, find_spikes(track))


SWAPS: dict[str, Repair] = {
    "offline": lambda tracks: [repair_swaps(drop_first(track)) for track in tracks],
    "causal": lambda tracks: causal(tracks, swaps=True, spikes=False),
}
SPIKES: dict[str, Repair] = {
    "offline": lambda tracks: [offline_spikes(drop_first(track)) for track in tracks],
    "causal": lambda tracks: causal(tracks, swaps=False, spikes=True),
    "offline, with swaps": lambda tracks: [offline_spikes(repair_swaps(drop_first(track))) for track in tracks],
    "causal, with swaps": lambda tracks: causal(tracks, swaps=True, spikes=True),
}


def try_swaps(
    source: str, track: Track, rng: np.random.Generator, tries: int, counts: Counts, names: Sequence[str] = tuple(SWAPS)
) -> None:
    """The track as it is, and with exchanges, by each repair."""
    right = drop_first(track.keypoints)
    put_in, keys = [right], []
    while len(put_in) <= tries:
        scope, length, frames = draw(rng, right)
        parts = SCOPES[scope] or _PAIRS[rng.integers(len(_PAIRS))]
        changed = exchanged(right, frames, parts)
        if not misplaced(changed, right).any():
            tries -= 1
            continue
        put_in.append(changed)
        keys.append((scope, length))
    for name in names:
        clean, *repaired = SWAPS[name](put_in)
        wrong = misplaced(clean, right).any(1)
        counts["wrongly", name, source][:2] += wrong.sum(), right.n_frames
        for changed, after, (scope, length) in zip(put_in[1:], repaired, keys, strict=True):
            before, left = misplaced(changed, right), misplaced(after, right)
            taken = displaced(after, right, before) <= 0.1 * displaced(changed, right, before)
            row = [1, taken, before.sum(), (before & ~left).sum(), (left & ~before).sum()]
            for key in ((source,), (scope,), (length,), ("all",)):
                counts["swaps", name, *key] += row


def with_spikes(right: Keypoints, rng: np.random.Generator) -> tuple[Keypoints, np.ndarray]:
    """A copy with spikes, and where they are."""
    points, where = right.points.copy(), np.zeros(right.observed.shape, dtype=bool)
    height_px = body_height_px(right)
    frame, fps = 0, float(right.fps)
    while (frame := frame + int(rng.integers(round(0.5 * fps), round(2.5 * fps)))) < right.n_frames:
        here = slice(frame, frame + int(rng.integers(1, 3)))
        joint, angle = rng.integers(right.n_joints), rng.uniform(0, 2 * np.pi)
        size_px = rng.uniform(0.15, 0.6) * height_px[frame]
        points[here, joint] += size_px * np.array([np.cos(angle), np.sin(angle)])
        where[here, joint] = right.observed[here, joint]
    return right.with_notes(points=points), where


def misplaced_by(track: Keypoints, truth: Keypoints, heights: float) -> np.ndarray:
    """True at the points further from the truth than that."""
    off = np.linalg.norm(track.points - truth.points, axis=-1)
    return ~(off <= heights * body_height_px(track)[:, None])


def try_spikes(
    source: str,
    track: Track,
    rng: np.random.Generator,
    tries: int,
    counts: Counts,
    names: Sequence[str] = tuple(SPIKES),
) -> None:
    """The track as it is, and with spikes, by each repair."""
    right = drop_first(track.keypoints)
    fine = right.observed if track.truth is None else right.observed & ~misplaced_by(right, track.truth, FINE)
    several = [with_spikes(right, rng) for _ in range(max(1, tries // 3))]
    for name in names:
        clean, *repaired = SPIKES[name]([right, *(spiked for spiked, _ in several)])
        lost = right.observed & ~clean.observed
        counts["lost", name, source][:2] += (lost & fine).sum(), fine.sum()
        for after, (spiked, where) in zip(repaired, several, strict=True):
            gone = spiked.observed & ~after.observed
            # The detector's own spikes are no mistake of the repair.
            row = [where.sum(), (gone & where).sum(), (gone & ~where & ~lost).sum()]
            for key in (source, "all"):
                counts["spikes", name, key][:3] += row


def tables(counts: Counts) -> dict[str, dict[str, dict[str, float]]]:
    """Shares, by what was measured."""
    found: dict[str, dict[str, dict[str, float]]] = defaultdict(dict)
    for (kind, name, *rest), row in sorted(counts.items()):
        key = f"{', '.join(rest)}: {name}"
        if kind == "swaps":
            n, taken, wrong, righted, made = row
            found["exchanges of left and right"][key] = {
                "n": float(n),
                "taken back": taken / n,
                "recall": righted / wrong,
                "precision": righted / max(righted + made, 1),
            }
        elif kind == "spikes":
            n, hit, other = row[:3]
            found["spikes"][key] = {"n": float(n), "recall": hit / n, "precision": hit / max(hit + other, 1)}
        else:
            title = "frames changed wrongly" if kind == "wrongly" else "points dropped wrongly"
            found[title][key] = {"of": float(row[1]), "wrongly": row[0] / row[1]}
    return found


def speed(tracks: Sequence[Track]) -> dict[str, dict[str, float]]:
    """Milliseconds a frame, for one person and for ten."""
    found = {}
    for people in (1, 10):
        right = tracks[0].keypoints
        stream = KeypointRepairStream(right.skeleton, people, image_size=right.image_size)
        rows, spent_s = np.arange(people), []
        for frame in range(right.n_frames):
            points = np.repeat(right.points[frame : frame + 1], people, axis=0)
            confidence = np.repeat(right.confidence[frame : frame + 1], people, axis=0)
            start = time.perf_counter()
            stream(rows, points, confidence, float(right.times_s[frame]))
            spent_s.append(time.perf_counter() - start)
        spent_ms = 1e3 * np.array(spent_s)
        found[f"{people} in {right.skeleton.name}"] = {
            "p50 ms": float(np.median(spent_ms)),
            "p99 ms": float(np.percentile(spent_ms, 99)),
        }
    return found


def main() -> None:
    args, clips = asked_for(__doc__)
    counts = no_counts()
    spent = {}
    for name in args.sets:
        for number, skeleton in enumerate(FORMATS if name != "real" else [None]):
            rng = np.random.default_rng([SEED, number])
            chosen = clips.get(name, [])[:: args.every]
            tracks = list(real_tracks(args.data) if skeleton is None else mocap_tracks(chosen, skeleton, SEED))
            for track in tracks:
                try_swaps(name, track, rng, args.tries, counts)
                try_spikes(name, track, rng, args.tries, counts)
            spent |= speed(tracks)
    found = {**tables(counts), "speed": spent}
    for title, rows in found.items():
        print_rows(title, rows)
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
