"""Where the panels lie in a picture of any size."""

from dataclasses import dataclass

from maquette.render.figure import Box


@dataclass(frozen=True)
class Layout:
    """Boxes in pixels; None for a panel that is not shown."""

    keypoints: Box | None
    front: Box | None
    side: Box | None
    oblique: Box | None
    """The perspective view from between front and side."""
    footer: Box


def arrange(
    size: tuple[int, int], *, picture_aspect: float | None, has_motion: bool, stacked: bool, unit_px: float
) -> Layout:
    """Divide the picture.

    The input lies left (above, in an upright picture), front and side views right. The perspective view takes the room
    that a broad input leaves under it, or the input's place when there is none.

    Args:
        size: ``(width, height)`` of the whole.
        picture_aspect: width over height of the 2D input; None when there is none.
        has_motion: whether there is 3D to show.
        stacked: front and side one above the other, which suits a person lying or with arms spread; else beside.
        unit_px: height of a line of text.
    """
    width, height = size
    gap = max(2, round(0.5 * unit_px))
    foot = round(2.0 * unit_px)
    footer = (gap, height - foot, width - gap, height)
    body = (gap, gap, width - gap, height - foot)
    if not has_motion:
        return Layout(body, None, None, None, footer)
    if width >= height:
        left, right = _beside(body, gap, picture_aspect)
    else:
        needed = (body[2] - body[0]) / (picture_aspect or 1.0)
        left, right = _cut(body, gap, min(needed / (body[3] - body[1] - gap), 0.5), vertical=False)
    front, side = _cut(right, gap, 0.5, vertical=not stacked)
    if picture_aspect is None:
        return Layout(None, front, side, left, footer)
    needed = (left[2] - left[0]) / picture_aspect
    if width >= height and needed < 0.7 * (left[3] - left[1]):
        upper, lower = _cut(left, gap, max(needed / (left[3] - left[1] - gap), 0.3), vertical=False)
        return Layout(upper, front, side, lower, footer)
    return Layout(left, front, side, None, footer)


def _beside(body: Box, gap: int, picture_aspect: float | None) -> tuple[Box, Box]:
    """Left part for the input: as broad as the picture is, between a quarter and a half of the whole."""
    if picture_aspect is None:
        share = 0.5
    elif picture_aspect > 1.55:
        share = 0.49
    elif picture_aspect > 1.15:
        # Narrower than it could be, for the sake of the view under it.
        share = 0.42
    else:
        share = min(max((body[3] - body[1]) * picture_aspect / (body[2] - body[0]), 0.25), 0.5)
    return _cut(body, gap, share, vertical=True)


def _cut(box: Box, gap: int, share: float, *, vertical: bool) -> tuple[Box, Box]:
    """Two boxes beside each other (``vertical`` cut) or one above the other, the first with ``share`` of the room."""
    left, top, right, bottom = box
    if vertical:
        at = left + round((right - left - gap) * share)
        return (left, top, at, bottom), (at + gap, top, right, bottom)
    at = top + round((bottom - top - gap) * share)
    return (left, top, right, at), (left, at + gap, right, bottom)
