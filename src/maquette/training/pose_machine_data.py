"""What the training of the pose machine takes: rows of video to train on and to test with, and still pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from maquette.datasets.mpii_set import is_mpii, open_mpii
from maquette.datasets.pose_machine_lists import read_list
from maquette.datasets.pose_machine_pictures import RowPictures
from maquette.datasets.pose_machine_rows import PoseMachineRows
from maquette.datasets.pose_machine_store import limbs_of_store, rows_from_store
from maquette.datasets.pose_machine_tree import PublishedTree, open_tree
from maquette.datasets.store import PoseStore, open_store
from maquette.errors import InputError
from maquette.training.plans import PoseMachinePreset

MPII_LIST = "train_h36m.txt"
"""Name of the original program's list of still pictures."""
LISTS_STEP_S = 0.1
"""Between the frames of the published lists: every fifth of Human3.6M's."""


@dataclass(frozen=True)
class PoseMachineData:
    """What stages 2 to 5 train on; without pictures their folder means nothing."""

    train: RowPictures
    test: RowPictures | None
    stills: RowPictures | None
    step_s: float
    """Time between consecutive rows of a video."""

    @classmethod
    def open(cls, preset: PoseMachinePreset, data_dir: str | Path) -> "PoseMachineData":
        """What stages 2 to 5 of a preset take from a store, or from a folder with the published lists.

        Raises:
            InputError: it is neither, or it lacks what the preset wants.
        """
        folder = Path(data_dir)
        stills = open_stills(preset, Path(preset.mpii)) if preset.mpii else None
        if (folder / "store.json").is_file():
            store = open_store(folder)
            train, test = _of_store(preset, store)
            step_s = preset.every / float(store.recordings[0].fps)
        else:
            train, test = _of_lists(preset, open_tree(folder))
            step_s = LISTS_STEP_S
        place, prefix = Path(preset.pictures or folder), preset.pictures_prefix
        filmed = [
            None if rows is None else RowPictures(rows, place, prefix, preset.image_size) for rows in (train, test)
        ]
        lacking = [rows for rows in (train, test) if rows is not None and not rows.has_3d.all()]
        if lacking:
            raise InputError(f"{' and '.join(rows.name for rows in lacking)}: has rows without 3D")
        assert filmed[0] is not None
        _check(preset, [part for part in (*filmed, stills) if part is not None], stills)
        return cls(filmed[0], filmed[1], stills, step_s)

    def facts(self) -> dict[str, Any]:
        """What tells these data from others, and what the export needs."""
        rows, stills = self.train.rows, self.stills
        return {
            "data": rows.name,
            "samples": len(rows),
            "stills": 0 if stills is None else len(stills.rows),
            "limits": {
                "max_mm": torch.from_numpy(rows.limits.max_mm.copy()),
                "min_mm": torch.from_numpy(rows.limits.min_mm.copy()),
            },
            "window_step_s": self.step_s,
        }


@dataclass(frozen=True)
class PretrainingData:
    """Still pictures of stage 1."""

    train: RowPictures
    test: RowPictures | None
    """None: there is nothing to validate on."""

    @classmethod
    def open(cls, preset: PoseMachinePreset, data_dir: str | Path) -> "PretrainingData":
        """The pictures of ``--mpii``, or, without it, of ``data_dir``. Validated on those that MPII sets aside; where
        it does not, on the test subjects in ``data_dir``.

        Raises:
            InputError: they cannot be read, or are points without pictures.
        """
        path = Path(preset.mpii or data_dir)
        train = open_stills(preset, path)
        test = None
        if is_mpii(path) and len(open_mpii(path).people("val")):
            test = open_stills(preset, path, "val")
        _check(preset, [train, *([] if test is None else [test])])
        if test is None and preset.mpii:
            test = PoseMachineData.open(preset, data_dir).test
        return cls(train, test)

    def facts(self) -> dict[str, Any]:
        """What tells these data from others."""
        return {"data": self.train.rows.name, "samples": len(self.train.rows)}


def open_stills(preset: PoseMachinePreset, path: Path, split: str = "train") -> RowPictures:
    """Still pictures with 2D points.

    Args:
        path: what ``maquette prepare mpii`` made, a list of the original program, or its folder.

    Raises:
        InputError: they cannot be read.
    """
    size = preset.image_size
    if is_mpii(path):
        people = open_mpii(path)
        return RowPictures(people.machine_rows(split), Path(preset.mpii_pictures or people.folder or path), "", size)
    file = path / MPII_LIST if path.is_dir() else path
    if not file.is_file():
        hint = (
            "" if preset.mpii else "; stage 1 learns from these (--mpii). With a trunk begin at --stage 2 --from FILE"
        )
        raise InputError(
            f"{path}: is no folder made by maquette prepare mpii, and no list of pictures ({MPII_LIST}){hint}"
        )
    return RowPictures(read_list(file), Path(preset.mpii_pictures or file.parent), preset.pictures_prefix, size)


def _of_store(preset: PoseMachinePreset, store: PoseStore) -> tuple[PoseMachineRows, PoseMachineRows | None]:
    limbs = None
    if preset.mean_limb_scaled:
        limbs = limbs_of_store(store, subjects=preset.subjects_train, every=preset.every)
    common: dict[str, Any] = {
        "source": preset.source,
        "actions": list(preset.actions) or None,
        "every": preset.every,
        "limbs": limbs,
        "pictures": preset.picture_names,
    }
    train = rows_from_store(store, subjects=preset.subjects_train, **common)
    if not preset.subjects_test:
        return train, None
    return train, rows_from_store(store, subjects=preset.subjects_test, **common)


def _of_lists(preset: PoseMachinePreset, tree: PublishedTree) -> tuple[PoseMachineRows, PoseMachineRows | None]:
    if preset.mean_limb_scaled:
        raise InputError(f"{tree.root}: --mean-limb-scaled is for stores; the published lists are as they are")
    number = 3 if preset.protocol == "3" else 1
    return tree.list_of("train", number), tree.list_of("test", number)


def _check(preset: PoseMachinePreset, parts: list[RowPictures], stills: RowPictures | None = None) -> None:
    problems = []
    for part in parts:
        rows = part.rows
        if part is stills and len(rows) < preset.stills:
            problems.append(
                f"{rows.name}: {len(rows)} still pictures, fewer than the {preset.stills} of a step (--stills)"
            )
        if (lacking := int((~rows.visible.any(axis=1)).sum())) and preset.front == "keypoints":
            problems.append(f"{rows.name}: {lacking} of {len(rows)} rows have no 2D points, which is all that it sees")
        if preset.front == "image" and rows.pictures is None:
            problems.append(f"{rows.name}: names no pictures; train without them: pose-machine-h36m-pairs")
        elif preset.front == "image" and (missing := part.missing(most=3)):
            problems.append(
                f"{rows.name}: no such picture: {', '.join(map(str, missing))} ...; say in which folder they are "
                "(--pictures, --mpii-pictures), how they are called (--picture-names, of a store) or what their names "
                "begin with that is not there (--pictures-prefix, of a list)"
            )
    if problems:
        raise InputError.from_problems(f"preset '{preset.name}'", problems)
