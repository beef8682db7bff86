"""``maquette evaluate`` of a 3D pose machine on KTH Multiview Football II: PCP of what its correction gives."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from maquette.errors import InputError, ModelError
from maquette.evaluate.protocols import KTH_FOOTBALL_13, check_data, deviations, find_protocol
from maquette.evaluate.report import DataFacts, ModelFacts, Report
from maquette.evaluate.results import Prediction, evaluate
from maquette.skeletons import H36M_16, KTH_FOOTBALL_15

if TYPE_CHECKING:
    from maquette.cli.evaluate import Evaluate
    from maquette.datasets.pose_machine_rows import PoseMachineRows
    from maquette.datasets.store import PoseStore, Recording, View
    from maquette.runtime.pose_machine import PoseMachineModel

_PROTOCOL = "kth-football"


def machine_on_football(options: "Evaluate") -> Report | None:
    """The report of a pose machine on a store of KTH Football; None for any other model or data.

    Raises:
        InputError: options that do not go together, or pictures that are not there.
    """
    if options.data is None or not (options.data / "store.json").is_file():
        return None
    from maquette.datasets.store import open_store
    from maquette.runtime.pose_machine import PoseMachineModel
    from maquette.runtime.shipped import find_model

    store = open_store(options.data)
    if store.skeleton != KTH_FOOTBALL_15:
        return None
    try:
        model = PoseMachineModel(find_model(options.model), threads=options.threads)
    except ModelError:
        return None
    return _report(options, store, model)


def _report(options: "Evaluate", store: "PoseStore", model: "PoseMachineModel") -> Report:
    from maquette.cli.evaluated_store import chosen_views

    protocol, source = find_protocol(options.protocol or _PROTOCOL), options.source or "gt"
    check_data(protocol, str(store.path), store.skeleton.name)
    problems = []
    if options.flip or options.no_flip:
        problems.append("--flip and --no-flip: the pose machine has no mirrored input")
    if options.refine or options.truth or options.published_truncation or options.write_results:
        problems.append(
            "--refine, --truth, --published-truncation and --write-results are of the protocols of the pose machine"
        )
    if source not in store.sources:
        problems.append(f"no 2D source '{source}'; there are: {', '.join(store.sources)} (--source)")
    if model.spec.form == "images" and options.pictures is None:
        problems.append("the model sees pictures; give the folder with player2/Sequence 1/Camera 1 with --pictures")
    if problems:
        raise InputError.from_problems(options.model, problems)
    views, left_out = chosen_views(store, source, protocol, options.subjects, options.actions)
    subjects = list(dict.fromkeys(recording.subject for recording, _ in views))
    actions = list(dict.fromkeys(recording.kind for recording, _ in views))
    every = max(round(float(views[0][0].fps) * (model.spec.window_step_s or 0.1)), 1)
    notes = [
        f"of the machine's stages the {'corrected' if model.spec.corrects else 'coarse'} one",
        f"every {every}. frame, nearest to the machine's {1 / (model.spec.window_step_s or 0.1):g} a second",
    ]
    facts = DataFacts(
        name=store.name,
        skeleton=store.skeleton.name,
        source=source,
        subjects=subjects,
        actions=actions,
        notes=[*notes, *left_out, *deviations(protocol, subjects, actions, flip=protocol.flip)],
    )
    spec = model.spec
    about = ModelFacts(name=spec.name, sha256=model.sha256, file=model.path.name, training_data=spec.training_data)
    found = _predictions(options, store, model, source, views, every)
    return evaluate(found, protocol, joints=KTH_FOOTBALL_13, root="hip", count=options.joints, model=about, data=facts)


def _predictions(
    options: "Evaluate",
    store: "PoseStore",
    model: "PoseMachineModel",
    source: str,
    views: "list[tuple[Recording, View]]",
    every: int,
) -> Iterator[Prediction]:
    from maquette.datasets.kth_football_rows import football_rows
    from maquette.lifting.pose_machine import run_videos

    given, wanted = H36M_16.indices(KTH_FOOTBALL_13), KTH_FOOTBALL_15.indices(KTH_FOOTBALL_13)
    for recording, view in views:
        rows = football_rows(store, recording, view, source, every=every)
        coarse_mm, corrected_mm = run_videos(
            model,
            _frames(model, rows, options.pictures),
            rows.continues,
            observed=rows.visible if model.spec.form == "keypoints" else None,
            sequences=options.sequences or "chunks",
        )
        found_mm = corrected_mm if model.spec.corrects else coarse_mm
        truth_m = store.positions_camera_m(recording, view)[::every]
        yield Prediction(
            recording.subject,
            recording.action,
            view.camera_name,
            found_mm[:, list(given)] / 1000,
            truth_m[:, list(wanted)],
        )


def _frames(model: "PoseMachineModel", rows: "PoseMachineRows", folder: Path | None) -> Callable[[slice], np.ndarray]:
    """What goes into the machine for some rows."""
    if model.spec.form == "keypoints":
        return lambda piece: rows.points[piece].reshape(-1, 2 * len(H36M_16))
    from maquette.datasets.pose_machine_pictures import RowPictures
    from maquette.lifting.pose_machine import network_pictures

    assert folder is not None
    pictures = RowPictures(rows, folder, side_px=model.spec.image_size)
    if lacking := pictures.missing(most=1):
        raise InputError(f"{lacking[0]}: no such picture (--pictures is the folder with player2/Sequence 1/Camera 1)")
    return lambda piece: network_pictures(np.stack([pictures[i] for i in range(piece.start, piece.stop)]))
