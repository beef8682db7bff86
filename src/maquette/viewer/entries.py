"""What is shown: motions with names and places, and what the first of them was made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.motion import Motion


@dataclass(frozen=True, eq=False)
class Entry:
    """One motion on the page."""

    name: str
    """Unique on the page."""
    motion: Motion
    slot: int
    """Which place it takes side by side; versions of one motion share theirs."""
    shown: bool = True
    """Whether it can be seen at the start."""


@dataclass(frozen=True, eq=False)
class Input2D:
    """The 2D input of the first motion."""

    keypoints: Keypoints | None = None
    video: Path | None = None
    video_start_s: float = 0.0
    """Time in the video at which the first motion begins."""
    video_fps: Fraction | None = None
    """Rate to play the video at; None for its own times."""

    def __bool__(self) -> bool:
        return self.keypoints is not None or self.video is not None


def entries_of(motions: Sequence[Motion], variants: Mapping[str, Motion] | None = None) -> tuple[Entry, ...]:
    """Names and places: each motion beside the last, and the variants where the first one is.

    Variants are versions of the first motion (raw, smoothed, refined). Without any motion the last variant is the one
    to be seen at first; else none is, until it is asked for.

    Raises:
        InputError: nothing to show, or a motion without frames.
    """
    variants = variants or {}
    for motion in (*motions, *variants.values()):
        if motion.n_frames == 0:
            raise InputError(f"{motion.source or 'the motion'}: has no frames, nothing to show")
    if not motions and not variants:
        raise InputError("no motion to show")
    entries: list[Entry] = []
    for slot, motion in enumerate(motions):
        entries.append(Entry(_unused(Path(motion.source).name or f"motion {slot + 1}", entries), motion, slot))
    for name, motion in variants.items():
        shown = not motions and name == [*variants][-1]
        entries.append(Entry(_unused(name, entries), motion, 0, shown))
    return tuple(entries)


def _unused(name: str, entries: Sequence[Entry]) -> str:
    taken = {entry.name for entry in entries}
    number, free = 2, name
    while free in taken:
        number, free = number + 1, f"{name} ({number})"
    return free
