"""Where the poses of a 3D pose machine come from: files that its program wrote, or a model file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from jaxtyping import Float

from maquette.cli.pose_machine_truth import ListTruth, Truth
from maquette.errors import InputError, ModelError
from maquette.evaluate.report import ModelFacts

if TYPE_CHECKING:
    from maquette.cli.evaluate import Evaluate
    from maquette.datasets.pose_machine_outputs import ActionFiles
    from maquette.datasets.pose_machine_rows import PoseMachineRows
    from maquette.lifting.min_max import MinMax
    from maquette.runtime.pose_machine import PoseMachineModel

Arrays = dict[str, Float[np.ndarray, "..."]]


@dataclass(frozen=True)
class FoundInFiles:
    """Results that the published program has written."""

    folder: Path
    files: "Mapping[str, ActionFiles]"
    limits: "MinMax"
    uses_points: ClassVar[bool] = False
    """Nothing goes into what is written already."""

    @property
    def facts(self) -> ModelFacts:
        """The folder."""
        return ModelFacts(name=self.folder.resolve().name, file=str(self.folder))

    def actions(self, truth: Truth) -> Sequence[str]:
        """Those with files."""
        return list(self.files)

    def poses(self, action: str, rows: "PoseMachineRows", truth: Truth) -> tuple[Arrays, Arrays]:
        """As the files have them."""
        files = self.files[action]
        return files.poses_mm(self.limits), files.errors_mm()


@dataclass(frozen=True)
class FoundByModel:
    """What a model file gives."""

    model: "PoseMachineModel"
    options: "Evaluate"

    @property
    def facts(self) -> ModelFacts:
        """The model file."""
        spec = self.model.spec
        return ModelFacts(
            name=spec.name, sha256=self.model.sha256, file=self.model.path.name, training_data=spec.training_data
        )

    @property
    def limits(self) -> "MinMax":
        """Of its 3D values."""
        from maquette.lifting.pose_machine import limits_of

        return limits_of(self.model)

    @property
    def uses_points(self) -> bool:
        """Whether it sees 2D joints."""
        return self.model.spec.form == "keypoints"

    def actions(self, truth: Truth) -> Sequence[str]:
        """All."""
        return truth.actions

    def poses(self, action: str, rows: "PoseMachineRows", truth: Truth) -> tuple[Arrays, Arrays]:
        """Of the rows that have 2D, or of all pictures."""
        from maquette.datasets.pose_machine_pictures import RowPictures
        from maquette.lifting.pose_machine import network_pictures, run_videos

        observed = None
        if self.uses_points:
            points, visible = truth.points(action, truth.source)
            points, observed = points[: len(rows)].reshape(-1, 32), visible[: len(rows)]

            def frames(piece: slice) -> np.ndarray:
                return points[piece]

            continues = rows.continues[: len(points)]
        else:
            folder = self.options.pictures or truth.where
            pictures = RowPictures(rows, folder, self.options.pictures_prefix, self.model.spec.image_size)
            if lacking := pictures.missing(most=1):
                raise InputError(
                    f"{lacking[0]}: no such picture, but {rows.name} names it; --pictures is the folder that names are "
                    "relative to, --pictures-prefix what they begin with elsewhere"
                )

            def frames(piece: slice) -> np.ndarray:
                return network_pictures(np.stack([pictures[i] for i in range(piece.start, piece.stop)]))

            continues = rows.continues
        sequences = self.options.sequences or "chunks"
        coarse, corrected = run_videos(self.model, frames, continues, observed=observed, sequences=sequences)
        return {"coarse": coarse} | ({"corrected": corrected} if self.model.spec.corrects else {}), {}


Found = FoundInFiles | FoundByModel


def find_poses(options: "Evaluate", truth: Truth) -> Found:
    """What the model of ``maquette evaluate`` is.

    Raises:
        InputError: a folder without results, or results on a store.
        ModelError: no model, or one of another kind.
    """
    from maquette.datasets.pose_machine_outputs import find_results
    from maquette.lifting.pose_machine import check_sequences
    from maquette.runtime.pose_machine import PoseMachineModel
    from maquette.runtime.shipped import find_model

    path = Path(options.model)
    if not path.is_dir():
        if path.suffix.lower() in (".csv", ".txt"):
            raise InputError(f"{path}: expected the folder with the results, whose names say which action they are of")
        try:
            model = find_model(options.model)
        except ModelError as error:
            raise InputError(f"{error}; or a folder with results of the pose machine") from None
        machine = PoseMachineModel(model, threads=options.threads)
        check_sequences(machine, options.sequences or "chunks")
        return FoundByModel(machine, options)
    if not isinstance(truth, ListTruth):
        raise InputError(
            f"{path}: results that the published program wrote are of the frames of its lists; give their folder with "
            f"--data, not a store"
        )
    return FoundInFiles(path, find_results(path), truth.limits)
