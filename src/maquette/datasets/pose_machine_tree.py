"""The folder of lists that the authors of the 3D pose machine (Wang et al. 2019) gave out with their program.

::

    16skel_train_2d3d_clip.txt   16skel_test_2d3d_clip.txt     protocol I; *_p3_clip.txt: protocol III
    gt/test/test1.txt ... test15.txt                           truth of each action; gt/test_p3/: protocol III
    hg2dh36m/test1_square2d.txt ...                            2D of an hourglass network, protocol I
    ours_2d/bilstm2d-p1-800000/result1_norm.csv ...            2D of their own network; -p3-: protocol III
    ours_3d/ or any folder: result1_norm.csv ...               3D of their own network, or of yours
    16point_mean_limb_scaled_max_min.csv                       limits of the 3D; the published ones without it

The published program ignores the folder it is given for the truth (a leading slash), cannot read the hourglass's 2D,
and stops after 12 actions of 15; none of that here. Protocol I: subjects S1, S5, S6, S7 and S8 to train, S9 and S11 to
test, ten frames a second, all cameras. Which frames protocol III has is in its lists only.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from maquette.datasets.h36m_facts import ACTIONS
from maquette.datasets.pose_machine_lists import read_list
from maquette.datasets.pose_machine_results import read_min_max, read_results
from maquette.datasets.pose_machine_rows import JOINTS, PoseMachineRows
from maquette.datasets.sequences import Label
from maquette.errors import InputError
from maquette.lifting.min_max import PUBLISHED_16, MinMax

LIMITS_FILE = "16point_mean_limb_scaled_max_min.csv"
ListProtocol = Literal[1, 3]
PointsFrom = Literal["ours", "hourglass", "gt"]
"""Where the 2D of a test comes from: the authors' network, an hourglass network, the projected truth."""
_TRUTH = {1: "gt/test", 3: "gt/test_p3"}
_MARK = {1: "", 3: "p3_"}


@dataclass(frozen=True, eq=False)
class ActionTest:
    """What one action is tested with: truth, coarse poses and 2D, frame by frame."""

    action: str
    truth: PoseMachineRows
    """Cut to the frames that have coarse poses; the published evaluation does so, too."""
    coarse: Float64[np.ndarray, "rows 16 3"]
    """By min and max, as the network put them out."""
    points: Float32[np.ndarray, "rows 16 2"]
    """Shares of the square's side; 0 where not visible."""
    visible: Bool[np.ndarray, "rows 16"]
    """Whether a point is known."""
    frames_left_out: int
    """Frames of the truth without coarse poses."""


@dataclass(frozen=True)
class PublishedTree:
    """The folder, checked when its parts are read."""

    root: Path
    limits: MinMax = PUBLISHED_16

    def list_of(self, part: Literal["train", "test"], protocol: ListProtocol = 1) -> PoseMachineRows:
        """All rows to train or to test with, as one list.

        Raises:
            InputError: it is not there, or wrong.
        """
        path = self.root / f"16skel_{part}_2d3d_{_MARK[protocol]}clip.txt"
        if not path.is_file():
            found = sorted(p.name for p in self.root.glob("16skel_*.txt"))
            raise InputError(f"{path}: is not there; lists of this kind that are: {', '.join(found) or 'none'}")
        return read_list(path, limits=self.limits)

    def actions(self, protocol: ListProtocol = 1) -> tuple[str, ...]:
        """Actions whose truth is there, in the order of Human3.6M's tables (file 1 is Directions, 15 WalkTogether)."""
        folder = self.root / _TRUTH[protocol]
        return tuple(name for i, name in enumerate(ACTIONS, 1) if (folder / f"test{i}.txt").is_file())

    def truth(self, action: str, protocol: ListProtocol = 1) -> PoseMachineRows:
        """The list of one action, its rows labelled with it.

        Raises:
            InputError: no such action, or its list is not there, or wrong, or has no 3D.
        """
        path = self.root / _TRUTH[protocol] / f"test{_number(action)}.txt"
        rows = read_list(path, label=Label("", action, ""), limits=self.limits)
        if not rows.has_3d.all():
            raise InputError(f"{path}: has no 3D, and is to be the truth of {action}")
        return rows

    def points(
        self, action: str, source: PointsFrom, protocol: ListProtocol = 1
    ) -> tuple[Float32[np.ndarray, "rows 16 2"], Bool[np.ndarray, "rows 16"]]:
        """2D of one action as shares of the square's side, and which of its points are known.

        Raises:
            InputError: its file is not there, or wrong, or has no 2D; the hourglass has none of protocol III.
        """
        number = _number(action)
        if source == "ours":
            path = self.root / f"ours_2d/bilstm2d-p{protocol}-800000/result{number}_norm.csv"
            found = _poses(path, 2).astype(np.float32)
            return found, np.ones(found.shape[:2], dtype=bool)
        if source == "hourglass":
            if protocol != 1:
                raise InputError(
                    f"{self.root}: an hourglass's 2D was published for protocol 1 only, not for {protocol}; take 'ours'"
                )
            rows = read_list(self.root / f"hg2dh36m/test{number}_square2d.txt")
        else:
            rows = self.truth(action, protocol)
        if not rows.visible.any():
            others = [name for name in get_args(PointsFrom) if name != source and (protocol == 1 or name == "ours")]
            raise InputError(f"{rows.name}: has no 2D; take it from another source: {', '.join(others)}")
        return rows.points, rows.visible

    def test(
        self, action: str, coarse: str | Path, *, points: PointsFrom = "ours", protocol: ListProtocol = 1
    ) -> ActionTest:
        """One action with the coarse poses ``resultN_norm.csv`` of the folder ``coarse``.

        Raises:
            InputError: files that are not there or wrong, all of them; or fewer frames of truth or of 2D than of poses.
        """
        folder = Path(coarse)
        problems: list[str] = []
        parts = []
        for read in (
            lambda: self.truth(action, protocol),
            lambda: _poses(folder / f"result{_number(action)}_norm.csv", 3),
            lambda: self.points(action, points, protocol),
        ):
            try:
                parts.append(read())
            except InputError as error:
                problems.append(str(error))
        if problems:
            raise InputError.from_problems(f"test of {action}", list(dict.fromkeys(problems)))
        truth, poses, (seen, visible) = parts
        frames = len(poses)
        problems = [
            f"{len(part)} frames of {what} for {frames} of coarse poses; expected as many or more"
            for what, part in (("truth", truth), (f"2D ('{points}')", seen))
            if len(part) < frames
        ]
        if problems:
            raise InputError.from_problems(f"test of {action}", problems)
        left_out = len(truth) - frames
        if left_out:
            truth = truth.taken(slice(frames))
        return ActionTest(action, truth, poses, seen[:frames], visible[:frames], left_out)


def open_tree(root: str | Path, *, limits: MinMax | None = None) -> PublishedTree:
    """The published lists in the folder ``root``.

    Args:
        limits: that the 3D is normalised by; None: those of the folder's file of limits, the published ones where it
            has none.

    Raises:
        InputError: there is no such folder, none of the lists in it, or a file of limits that is wrong.
    """
    if not Path(root).is_dir():
        raise InputError(f"{root}: no such folder")
    file = Path(root) / LIMITS_FILE
    if limits is None:
        limits = read_min_max(file) if file.is_file() else PUBLISHED_16
    tree = PublishedTree(Path(root), limits)
    if not any(tree.actions(protocol) for protocol in get_args(ListProtocol)) and not any(
        tree.root.glob("16skel_*.txt")
    ):
        raise InputError(
            f"{root}: none of the pose machine's lists is there; expected 16skel_train_2d3d_clip.txt, gt/test ..."
        )
    return tree


def _number(action: str) -> int:
    if action not in ACTIONS:
        raise InputError(f"no action '{action}'; there are: {', '.join(ACTIONS)}")
    return ACTIONS.index(action) + 1


def _poses(path: Path, dimensions: int) -> Float[np.ndarray, "rows 16 dimensions"]:
    values = read_results(path).values
    if values.shape[1] != JOINTS * dimensions:
        raise InputError(f"{path}: {values.shape[1]} numbers a line, expected {JOINTS * dimensions}")
    return values.reshape(-1, JOINTS, dimensions)
