"""How much of exchanged left and right the repair takes back, and what it exchanges that was right.

    python benchmarks/swap_repair.py --data ../shared/data --json out.json

Motion capture (CMU's test and validation subjects, HDM05) at 25 frames/s, one random camera for each clip
(:mod:`maquette.datasets.filmed_clips`), seen by the simulated detector of the training
(:mod:`maquette.datasets.detector_noise`, without its own exchanges), in COCO-17, BODY_25 and BlazePose-33; and the real
tracks of ``real/``. Into each clip one exchange at a time is put: the whole body, the legs with or without the hips,
the arms, the shoulders with the arms, a single pair with its fingers or toes; over 1-10 frames, or over 0.5-5 s.

Points count that the exchange moved by more than 3 cm (for a person of 1.7 m; elsewhere nothing was lost).
"taken back": share of the exchanges of whose displacement, summed over points and frames, at most a tenth is left.
"points left": share of the points that are still wrong; "or made wrong": with those that the repair itself has put
there. "wrongly": share of the frames of the clips without any exchange in which the repair moves a point as far. Views
are those of the trunk in the middle of the exchange: within 45 degrees of facing the camera (front), of turning its
back (back), else side; "turning" when the trunk turns by more than 120 degrees within 2 s around it.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from maquette import read_keypoints
from maquette.datasets.detector_noise import disturb
from maquette.datasets.filmed_clips import FilmedClip, film_clips
from maquette.datasets.mocap import Clip, load_clips
from maquette.keypoints import Keypoints
from maquette.mapping import LANDMARKS_27_V1
from maquette.refine.keypoints_repair import repair_steps
from maquette.refine.keypoints_scale import body_height_px
from maquette.skeleton import Skeleton
from maquette.skeletons import BLAZEPOSE_33, BODY_25, COCO_17, LIFTED_21

SEED = 20_260
FPS = 25
FRAMES = 300
"""Of each clip, at most."""
FORMATS = (COCO_17, BODY_25, BLAZEPOSE_33)
APART = 0.03 / 1.7
"""How far apart left and right must be, in body heights, for an exchange to matter."""
_NOT_THERE = 0.1
"""Distance, in body heights, that a point counts for which is on the side where none was seen."""
_LEGS = ("knee", "ankle", "heel", "toe", "big_toe", "small_toe", "foot_index")
_ARMS = ("elbow", "wrist", "pinky", "index", "thumb")
_FACE = ("eye", "ear", "eye_inner", "eye_outer", "mouth")
SCOPES = {
    "whole body": (*_FACE, "shoulder", *_ARMS, "hip", *_LEGS),
    "legs and hips": ("hip", *_LEGS),
    "legs": _LEGS,
    "shoulders and arms": ("shoulder", *_ARMS),
    "arms": _ARMS,
    "one pair": (),
}
_PAIRS = (("elbow",), _ARMS[1:], ("knee",), _LEGS[1:], ("shoulder",), ("hip",))
"""With what hangs on them."""
LENGTHS_S = {"0.5-1 s": (0.5, 1.0), "1-2 s": (1.0, 2.0), "2-5 s": (2.0, 5.0)}


@dataclass(frozen=True, eq=False)
class Track:
    """A track that is right, and where the trunk faces in each frame if anybody knows."""

    name: str
    keypoints: Keypoints
    facing: np.ndarray | None
    """Angle from facing the camera, radians, unwrapped."""
    truth: Keypoints | None = None
    """Where the joints really are in the picture, if anybody knows."""

    def view(self, frame: int) -> str:
        """Of one frame."""
        if self.facing is None:
            return "real"
        reach = round(float(self.keypoints.fps))
        around = self.facing[max(0, frame - reach) : frame + reach + 1]
        if np.ptp(around) > np.radians(120):
            return "turning"
        cosine = np.cos(self.facing[frame])
        return "front" if cosine > np.sqrt(0.5) else "back" if cosine < -np.sqrt(0.5) else "side"


def mocap_tracks(clips: list[Clip], skeleton: Skeleton, seed: int) -> Iterator[Track]:
    """Clips as the simulated detector of ``skeleton`` sees them."""
    slow = [replace(clip, vectors=clip.vectors[::2]) for clip in clips]
    for number, filmed in enumerate(film_clips(slow, seed=seed, frames=FRAMES, detector=skeleton.name)):
        if filmed.keypoints.n_frames >= FPS:
            rng = np.random.default_rng([seed, number, 77])
            detected, truth = _on(skeleton, _detected(rng, filmed)), _on(skeleton, filmed.keypoints)
            yield Track(filmed.name, detected, _facing(filmed.truth_m), truth)


def _detected(rng: np.random.Generator, filmed: FilmedClip) -> Keypoints:
    keypoints = filmed.keypoints
    size = np.array(keypoints.image_size, dtype=np.float32)
    longer = float(size.max())
    picture = ((np.nan_to_num(keypoints.points) - size / 2) / longer).astype(np.float32)
    person_px = float(np.median(body_height_px(keypoints))) / 1.7
    points, seen = disturb(
        rng,
        picture[None],
        keypoints.observed[None],
        person_side=np.array([person_px / longer], dtype=np.float32),
        size=size[None] / np.float32(longer),
        clean_share=0.0,
        swap_share=0.0,
    )
    return keypoints.with_notes(
        points=points[0].astype(np.float64) * longer + size / 2,
        confidence=0.8 * seen[0],
        fps=Fraction(FPS),
        timestamps_s=None,
    )


def _on(skeleton: Skeleton, landmarks: Keypoints) -> Keypoints:
    """The landmarks under the names of ``skeleton``; what has no landmark hangs where its parent is."""
    points = np.full((landmarks.n_frames, len(skeleton), 2), np.nan)
    confidence = np.zeros(points.shape[:2])
    for target, source in LANDMARKS_27_V1[skeleton.name].rows.items():
        assert isinstance(source, str)
        index, landmark = skeleton.index(source), landmarks.skeleton.index(target)
        points[:, index], confidence[:, index] = landmarks.points[:, landmark], landmarks.confidence[:, landmark]
    known = set(LANDMARKS_27_V1[skeleton.name].rows.values())
    shift = {"pinky": (0.01, 0.03), "index": (-0.01, 0.035), "thumb": (-0.015, 0.015)}
    height_px = body_height_px(landmarks)[:, None]
    for joint in skeleton.joints:
        if joint not in known:
            side, _, part = joint.partition("_")
            near = "nose" if part == "mouth" else f"{side}_{ {'small_toe': 'big_toe'}.get(part, part.split('_')[0]) }"
            near = near if near in known else f"{side}_wrist"
            index, other = skeleton.index(joint), skeleton.index(near)
            points[:, index] = points[:, other] + height_px * shift.get(part, (0.004, 0.004))
            confidence[:, index] = confidence[:, other]
    return replace(landmarks, points=points, confidence=confidence, skeleton=skeleton)


def _facing(truth_m: np.ndarray) -> np.ndarray:
    """Angle of the trunk's left about the vertical of the picture; 0 when it faces the camera."""
    ends = LIFTED_21.indices(["l_shoulder", "l_hip", "r_shoulder", "r_hip"])
    left = truth_m[:, ends[:2]].sum(1) - truth_m[:, ends[2:]].sum(1)
    return np.unwrap(np.arctan2(left[:, 2], left[:, 0]))


def real_tracks(data: Path) -> Iterator[Track]:
    """What real detectors saw of people whose left and right were looked at by eye (the walker), or who face the camera
    all the time."""
    real = data / "real"
    walk = np.load(real / "sports2d_demo" / "walker_reference.npz")
    for name, skeleton in (("coco17", COCO_17), ("body25", BODY_25), ("mediapipe33", BLAZEPOSE_33)):
        points = walk[name][56:187].astype(np.float64)
        confidence = np.nan_to_num(points[..., 2]).clip(0, 1)
        track = Keypoints(points[..., :2], confidence, skeleton, Fraction(30), image_size=(1768, 994))
        # In these three frames MediaPipe itself has exchanged the lower legs.
        for frame in (106 - 56, 159 - 56, 160 - 56):
            track = exchanged(track, slice(frame, frame + 1), _LEGS)
        yield Track(f"walker {skeleton.name}", track, None)
    folders = sorted((real / "openpose_coco18_pose-trainer").glob("bicep*"))
    folders += [real / "openpose_body25_OpenPoseR" / "gebaerden"]
    for folder in folders:
        yield Track(f"OpenPose {folder.name}", read_keypoints(folder, fps=25, image_size=(1280, 720))[0], None)


def exchanged(keypoints: Keypoints, frames: slice, parts: tuple[str, ...]) -> Keypoints:
    """A copy with the left and right ``parts`` exchanged in ``frames``."""
    skeleton = keypoints.skeleton
    here = [i for side in "lr" for p in parts if (i := _index(skeleton, f"{side}_{p}")) is not None]
    there = skeleton.mirror_permutation[here]
    points, confidence = keypoints.points.copy(), keypoints.confidence.copy()
    points[frames, here] = keypoints.points[frames, there]
    confidence[frames, here] = keypoints.confidence[frames, there]
    return keypoints.with_notes(points=points, confidence=confidence)


def _index(skeleton: Skeleton, joint: str) -> int | None:
    return skeleton.index(joint) if joint in skeleton else None


def repaired(keypoints: Keypoints) -> Keypoints:
    """The first steps of the repair, to the exchange of left and right."""
    for find, apply in repair_steps()[:2]:
        keypoints = apply(keypoints, find(keypoints))
    return keypoints


def misplaced(got: Keypoints, right: Keypoints) -> np.ndarray:
    """True at the points (frames, joints) that are not where they were, or there only before or after."""
    with np.errstate(invalid="ignore"):
        off = np.linalg.norm(got.points - right.points, axis=-1)
        return (off > APART * body_height_px(right)[:, None]) | (got.observed != right.observed)


def displaced(got: Keypoints, right: Keypoints, where: np.ndarray) -> float:
    """Sum of the distances of the points ``where`` to where they were, in body heights."""
    off = np.linalg.norm(got.points - right.points, axis=-1) / body_height_px(right)[:, None]
    off[got.observed != right.observed] = _NOT_THERE
    return float(np.nansum(off[where]))


class Tally:
    """Counts by scope, length and view."""

    def __init__(self) -> None:
        self.bursts: dict[tuple[str, ...], list[tuple[bool, int, int, int]]] = defaultdict(list)
        self.clean: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)

    def test(self, source: str, track: Track, rng: np.random.Generator, tries: int) -> None:
        """One track: as it is, then ``tries`` times with an exchange."""
        keypoints = drop_first(track.keypoints)
        wrong: list[bool] = np.any(misplaced(repaired(keypoints), keypoints), axis=1).tolist()
        views = [track.view(frame) for frame in range(keypoints.n_frames)]
        for view in set(views):
            here = [w for w, v in zip(wrong, views, strict=True) if v == view]
            self.clean[source, view].append((sum(here), len(here)))
        for _ in range(tries):
            scope, length, frames = draw(rng, keypoints)
            parts = SCOPES[scope] or _PAIRS[rng.integers(len(_PAIRS))]
            changed = exchanged(keypoints, frames, parts)
            put_in = misplaced(changed, keypoints)
            if put_in.any():
                after = repaired(changed)
                left = misplaced(after, keypoints)
                taken = displaced(after, keypoints, put_in) <= 0.1 * displaced(changed, keypoints, put_in)
                view = track.view((frames.start + frames.stop) // 2)
                key = (source, scope, length, view)
                self.bursts[key].append((bool(taken), int(put_in.sum()), int((left & put_in).sum()), int(left.sum())))


def drop_first(keypoints: Keypoints) -> Keypoints:
    """Without what the repair drops before it looks at left and right."""
    find, apply = repair_steps()[0]
    return apply(keypoints, find(keypoints))


def draw(rng: np.random.Generator, keypoints: Keypoints) -> tuple[str, str, slice]:
    """An exchange: half of them short; bursts may lie at the ends of the clip."""
    n = keypoints.n_frames
    scope = list(SCOPES)[rng.integers(len(SCOPES))]
    if rng.random() < 0.6:
        length = "1-10 frames"
        count = int(rng.integers(1, 11))
    else:
        length = list(LENGTHS_S)[rng.integers(len(LENGTHS_S))]
        count = min(round(rng.uniform(*LENGTHS_S[length]) * float(keypoints.fps)), n // 2)
        seconds = count / float(keypoints.fps)
        length = next((name for name, (_, most) in LENGTHS_S.items() if seconds <= most), length)
    start = int(rng.integers(n - count + 1))
    return scope, length, slice(start, start + count)


def rows_of(tally: Tally, by: tuple[int, ...]) -> dict[str, dict[str, float]]:
    """The counts summed by the places ``by`` of their keys."""
    groups: dict[tuple[str, ...], list] = defaultdict(list)
    for key, found in tally.bursts.items():
        groups[tuple(key[k] for k in by)] += found
    rows = {}
    for key, found in sorted(groups.items()):
        taken, put_in, left, left_anywhere = (np.array(column) for column in zip(*found, strict=True))
        rows[", ".join(key)] = {
            "bursts": len(found),
            "taken back": round(float(taken.mean()), 4),
            "points left": round(float(left.sum() / put_in.sum()), 4),
            "points left or made wrong": round(float(left_anywhere.sum() / put_in.sum()), 4),
        }
    return rows


def clean_rows(tally: Tally) -> dict[str, dict[str, float]]:
    """Exchanges in clips without any."""
    groups: dict[str, list] = defaultdict(list)
    for (source, view), counts in tally.clean.items():
        groups[f"{source}, {view}"] += counts
        groups[source] += counts
    rows = {}
    for name, counts in sorted(groups.items()):
        wrong, frames = np.array(counts).sum(0)
        rows[name] = {"frames": int(frames), "wrongly": round(float(wrong / frames), 5)}
    return rows


def print_rows(title: str, rows: dict[str, dict[str, float]]) -> None:
    print(f"\n{title}")
    for name, row in rows.items():
        print(f"  {name:50}" + "  ".join(f"{k} {v:.4g}" for k, v in row.items()))


def asked_for(description: str | None) -> tuple[argparse.Namespace, dict[str, list[Clip]]]:
    """``(options of the command line, clips of each set)``."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with cmu/, hdm05/ and real/")
    parser.add_argument("--every", type=int, default=1, help="of the clips")
    parser.add_argument("--tries", type=int, default=12, help="exchanges put into each track")
    parser.add_argument("--sets", nargs="+", default=["cmu test", "cmu val", "hdm05", "real"])
    parser.add_argument("--json", type=Path, help="write all numbers there")
    args = parser.parse_args()
    cmu = load_clips(args.data / "cmu")
    clips = {
        "cmu test": [c for c in cmu if c.split == "test"],
        "cmu val": [c for c in cmu if c.split == "val"],
        "hdm05": load_clips(args.data / "hdm05")[::4],
    }
    return args, clips


def main() -> None:
    args, clips = asked_for(__doc__)
    tally, start = Tally(), time.perf_counter()
    for name in args.sets:
        for number, skeleton in enumerate(FORMATS if name != "real" else [None]):
            rng = np.random.default_rng([SEED, number])
            chosen = clips.get(name, [])[:: args.every]
            tracks = real_tracks(args.data) if skeleton is None else mocap_tracks(chosen, skeleton, SEED)
            for track in tracks:
                source = f"{name}, {skeleton.name}" if skeleton else track.name
                tally.test(source, track, rng, args.tries if skeleton else 10 * args.tries)
    report = {
        "length": rows_of(tally, (2,)),
        "length, view": rows_of(tally, (2, 3)),
        "length, scope": rows_of(tally, (2, 1)),
        "source, length": rows_of(tally, (0, 2)),
        "scope, length, view": rows_of(tally, (1, 2, 3)),
        "clean": clean_rows(tally),
    }
    for title, rows in report.items():
        print_rows(title, rows)
    print(f"{time.perf_counter() - start:.0f} s")
    if args.json:
        args.json.write_text(json.dumps({"seed": SEED, **report}, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
