"""Pictures of 2D tracks as curves over time: one panel for each joint, before and after repair."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image, ImageDraw, ImageFont

from maquette.atomic import atomic_path
from maquette.keypoints import Keypoints
from maquette.render.curve_panel import COLOURS as COLOURS
from maquette.render.curve_panel import PANEL_HEIGHT, PANEL_WIDTH, SCALE, Marks, Panel

_MARGIN, _HEAD, _GAP = 24, 74, 18
_INK, _PALE_INK = (32, 36, 44), (96, 102, 112)
_MOST_PANELS = 40
_MOVED_HEIGHTS = 0.02
"""A point that repair moved by less than this share of the track's extent counts as smoothed, not as replaced."""


def write_curves(
    folder: str | Path, raw: Keypoints, repaired: Keypoints, resampled: Keypoints | None = None
) -> list[Path]:
    """Write ``raw.png``, ``repaired.png`` and, when there is such a track, ``resampled.png``; returns their paths.

    Each shows x and y of every joint in pixels over time in seconds, each coordinate on its own axis, up being up in
    the picture. Where a joint is missing the panel is grey. The second picture marks what repair exchanged, filled,
    replaced and dropped, with the raw curve behind; the third has the repaired points behind its curve.

    Raises:
        OutputError: the folder cannot be written to.
    """
    target = Path(folder)
    comparable = raw.skeleton.name == repaired.skeleton.name and raw.n_frames == repaired.n_frames
    pictures = {"raw": draw_curves(raw, "raw")}
    before = raw if comparable else None
    pictures["repaired"] = draw_curves(repaired, "repaired", before, mark_edits=True)
    if resampled is not None:
        behind = repaired if repaired.skeleton.name == resampled.skeleton.name else None
        pictures["resampled"] = draw_curves(resampled, "resampled", behind)
    paths = []
    for name, picture in pictures.items():
        path = target / f"{name}.png"
        with atomic_path(path) as temporary:
            picture.save(temporary, format="PNG")
        paths.append(path)
    return paths


def draw_curves(
    track: Keypoints, title: str, behind: Keypoints | None = None, *, mark_edits: bool = False
) -> Image.Image:
    """One picture: the curves of ``track``, and faintly those of the track ``behind`` it.

    ``mark_edits`` colours what differs between the two, which must then share their frames.
    """
    marks = _marks(track, behind) if mark_edits and behind is not None else None
    joints = _joints_drawn(track, behind)
    columns = 4 if len(joints) <= 28 else 6
    places = _places(joints, track)
    rows = max(places, default=0) // columns + 1
    width = 2 * _MARGIN + columns * PANEL_WIDTH + (columns - 1) * _GAP
    height = _HEAD + rows * (PANEL_HEIGHT + _GAP) + _MARGIN
    picture = Image.new("RGB", (width, height), (255, 255, 255))
    canvas = Image.new("RGB", (PANEL_WIDTH * SCALE, PANEL_HEIGHT * SCALE))
    times_s = track.times_s
    span_s = (float(times_s[0]), float(times_s[-1])) if track.n_frames else (0.0, 1.0)
    for place, joint in zip(places, joints, strict=True):
        left = _MARGIN + place % columns * (PANEL_WIDTH + _GAP)
        top = _HEAD + place // columns * (PANEL_HEIGHT + _GAP)
        panel = Panel(track, joint, span_s, behind, marks)
        panel.draw(picture, canvas, (left, top))
    _head(picture, track, title, marks, behind, joints)
    return picture


def _joints_drawn(track: Keypoints, behind: Keypoints | None) -> list[int]:
    """Joints that are ever seen: those of the midline first, then left and right side by side. Fingers and the contour
    of the face are left out where there are too many."""
    seen = track.observed.sum(axis=0) > 0
    if behind is not None:
        seen = seen | (behind.observed.sum(axis=0) > 0)
    skeleton = track.skeleton
    paired = {index for pair in zip(skeleton.left, skeleton.right, strict=True) for index in pair}
    order = [index for index in range(len(skeleton)) if index not in paired]
    order += [index for pair in zip(skeleton.left, skeleton.right, strict=True) for index in pair]
    drawn = [index for index in order if seen[index]]
    if len(drawn) > _MOST_PANELS:
        drawn = [i for i in drawn if not skeleton.joints[i].startswith(("face_", "l_hand_", "r_hand_"))]
    return drawn[: 2 * _MOST_PANELS]


def _places(joints: list[int], track: Keypoints) -> list[int]:
    """Number of each joint's panel, row by row: left and right of a pair stand side by side in one row, of which all
    have an even number of panels."""
    right_of = dict(zip(track.skeleton.left, track.skeleton.right, strict=True))
    places: list[int] = []
    place = 0
    for joint in joints:
        if right_of.get(joint) in joints and place % 2 == 1:
            place += 1
        places.append(place)
        place += 1
    return places


def _marks(track: Keypoints, before: Keypoints) -> Marks:
    """What repair did, told from the two tracks."""
    permutation = track.skeleton.mirror_permutation
    mirrored = before.points[:, permutation]
    seen, was_seen = track.observed, before.observed
    extent = np.nanmax(before.points, axis=(0, 1)) - np.nanmin(before.points, axis=(0, 1)) if was_seen.any() else 1.0
    tolerance_px = _MOVED_HEIGHTS * float(np.max(extent))
    with np.errstate(invalid="ignore"):
        moved = seen & was_seen & (_distance(track.points, before.points) > tolerance_px)
        as_mirrored = _distance(track.points, mirrored) <= 1e-6 + 0.25 * _distance(track.points, before.points)
    other_side = (permutation != np.arange(len(permutation)))[None, :]
    swapped = (moved | (seen & ~was_seen)) & as_mirrored & was_seen[:, permutation] & other_side
    # An exchange takes both sides; a point that was put right may lie near the other side by chance.
    swapped &= swapped[:, permutation] | ~seen[:, permutation]
    return Marks(
        swapped=swapped,
        filled=seen & ~was_seen & ~swapped,
        replaced=moved & ~swapped,
        dropped=was_seen & ~seen,
    )


def _distance(
    a: Float[np.ndarray, "frames joints 2"], b: Float[np.ndarray, "frames joints 2"]
) -> Float[np.ndarray, "frames joints"]:
    return np.hypot(a[..., 0] - b[..., 0], a[..., 1] - b[..., 1])


@dataclass(frozen=True)
class _Key:
    """One entry of the legend."""

    words: str
    colour: tuple[int, int, int]
    line: bool


def _head(
    picture: Image.Image,
    track: Keypoints,
    title: str,
    marks: Marks | None,
    behind: Keypoints | None,
    joints: list[int],
) -> None:
    """Title and legend."""
    draw = ImageDraw.Draw(picture)
    fps = float(track.fps)
    name = f"{' '.join(Path(track.source).name.split())}: " if track.source else ""
    draw.text((_MARGIN, 14), f"{name}{title}", font=ImageFont.load_default(size=22), fill=_INK)
    never = [joint for joint, ever in zip(track.skeleton.joints, track.observed.sum(axis=0), strict=True) if not ever]
    facts = f"{track.skeleton.name}, {track.n_frames} frames at {fps:.5g} frames/s"
    if never:
        facts += f"; never seen: {', '.join(never[:6])}{f' and {len(never) - 6} more' if len(never) > 6 else ''}"
    left_out = len(track.skeleton) - len(never) - len(joints)
    if left_out > 0:
        facts += f"; {left_out} points of hands and face not drawn"
    small = ImageFont.load_default(size=13)
    draw.text((_MARGIN, 46), facts, font=small, fill=_PALE_INK)
    x = picture.width - _MARGIN
    for key in reversed(_legend(marks, behind)):
        x -= round(draw.textlength(key.words, font=small))
        draw.text((x, 18), key.words, font=small, fill=_INK)
        x -= 28
        if key.line:
            draw.line((x, 27, x + 22, 27), fill=key.colour, width=3)
        else:
            draw.rectangle((x, 20, x + 22, 33), fill=key.colour, outline=(190, 194, 200))
        x -= 20


def _legend(marks: Marks | None, behind: Keypoints | None) -> list[_Key]:
    keys = [_Key("x in px", COLOURS["x"], True), _Key("y in px, up as in the picture", COLOURS["y"], True)]
    if behind is not None:
        keys.append(_Key("raw" if marks is not None else "before resampling", COLOURS["behind"], True))
    keys.append(_Key("missing", COLOURS["missing"], False))
    found: dict[str, Bool[np.ndarray, "frames joints"]] = {} if marks is None else vars(marks)
    words = {
        "swapped": "left and right exchanged",
        "filled": "filled",
        "replaced": "replaced",
        "dropped": "dropped",
    }
    return keys + [_Key(words[kind], COLOURS[kind], False) for kind in words if kind in found and found[kind].any()]
