"""MPII Human Pose for networks for pictures: its people with the squares that published trainings show of them."""

from pathlib import Path

import numpy as np

from maquette.datasets.mpii_set import MpiiSet
from maquette.datasets.picture_table import PictureTable, made_table
from maquette.datasets.sequences import Label
from maquette.errors import InputError

COUNT_FROM_PX = 0.5
"""MPII counts pixels from 1, at their middles."""


def mpii_people(
    people: MpiiSet, *splits: str, folder: str | Path | None = None, single: bool = False, with_points: bool = True
) -> PictureTable:
    """The people of MPII, in its order, in Maquette's pixels.

    Args:
        splits: all when none is named.
        folder: of the pictures, where it is not beside the annotations.
        single: only those far from others.
        with_points: only those with at least one joint.

    Raises:
        InputError: no such split, nobody in it, or no folder of pictures.
    """
    where = Path(folder) if folder is not None else Path(people.folder)
    if not str(folder or people.folder):
        raise InputError("MPII: the folder of its pictures is not known; say which it is with --pictures")
    chosen = people.people(*splits, single=single, with_points=with_points)
    centre, scale = people.hourglass_crop()
    known = np.isfinite(centre[chosen]).all(axis=1) & (scale[chosen] > 0)
    left_out, chosen = int((~known).sum()), chosen[known]
    if not len(chosen):
        raise InputError(f"MPII ({', '.join(splits) or 'all'}): nobody whose size is known")
    images = people.image_of[chosen]
    return made_table(
        "MPII",
        where,
        [people.images[i] for i in images],
        [Label("", people.activities[i], "") for i in images],
        split=people.split[chosen],
        centre_px=centre[chosen] - COUNT_FROM_PX,
        side_px=200 * scale[chosen],
        points_px=people.points_px[chosen] - COUNT_FROM_PX,
        visible=people.visible[chosen],
        head_px=people.head_px[chosen],
        count_from_px=COUNT_FROM_PX,
        notes=(f"people whose size is not known, left out: {left_out}",) if left_out else (),
    )
