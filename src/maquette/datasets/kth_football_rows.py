"""Rows of KTH Multiview Football II for the 3D pose machine: 2D and pictures of one camera's view, without 3D.

The machine's 3D targets have a spine, a thorax and a head that the data do not have; what the data have is compared
with its output by :mod:`maquette.cli.evaluated_football`.
"""

import numpy as np

from maquette.datasets.pose_machine_rows import JOINTS, PictureNames, PoseMachineRows
from maquette.datasets.pose_machine_square import machine_points, squares_around
from maquette.datasets.sequences import Label
from maquette.datasets.store import PoseStore, Recording, View


def football_rows(store: PoseStore, recording: Recording, view: View, source: str, *, every: int) -> PoseMachineRows:
    """Every so many-th frame of a view, one video; pictures as the release calls them.

    Raises:
        InputError: the view has no points of ``source``.
    """
    seen = store.keypoints_px(recording, view, source)[: recording.frames : every]
    points_px, visible = machine_points(np.asarray(seen, dtype=np.float64), store.sources[source].skeleton)
    squares = squares_around(points_px, visible)
    player, sequence = recording.subject.removeprefix("Player"), recording.kind.removeprefix("Sequence")
    folder = f"player{player}/Sequence {sequence}/{view.camera_name}"
    continues = np.ones(len(seen), dtype=bool)
    continues[:1] = False
    return PoseMachineRows(
        name=f"{store.name}, {recording}, 2D '{source}'",
        points=np.where(visible[..., None], squares.shares(points_px), 0).astype(np.float32),
        visible=visible,
        targets=np.full((len(seen), JOINTS, 3), np.nan, dtype=np.float32),
        continues=continues,
        label_of=np.zeros(len(seen), dtype=np.int32),
        labels=(Label(recording.subject, recording.action, view.camera_name),),
        pictures=PictureNames.of(f"{folder}/{every * i + 1:05d}.png" for i in range(len(seen))),
        boxes=squares.boxes,
    )
