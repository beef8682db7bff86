"""Rows hold together, and what is taken of them goes on only where it should."""

import dataclasses
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maquette.datasets.pose_machine_rows import PictureNames, PoseMachineRows
from maquette.datasets.sequences import Label
from maquette.errors import InputError
from maquette.lifting.min_max import PUBLISHED_17

ROWS = 12
STARTS = (0, 5, 6)


@pytest.fixture
def rows() -> PoseMachineRows:
    rng = np.random.default_rng(0)
    targets = rng.uniform(0, 1, (ROWS, 16, 3)).astype(np.float32)
    targets[5] = np.nan
    return PoseMachineRows(
        name="made up",
        points=rng.uniform(0, 1, (ROWS, 16, 2)).astype(np.float32),
        visible=np.ones((ROWS, 16), dtype=bool),
        targets=targets,
        continues=~np.isin(np.arange(ROWS), STARTS),
        label_of=np.array([0] * 5 + [1] * 7, dtype=np.int32),
        labels=(Label("S9", "Photo", "1"), Label("S9", "Photo", "2")),
        pictures=PictureNames.of(f"{i}.jpg" for i in range(ROWS)),
        boxes=rng.uniform(1, 2, (ROWS, 3)),
    )


def test_videos_of_rows(rows: PoseMachineRows) -> None:
    assert rows.starts.tolist() == [*STARTS, ROWS]
    assert rows.has_3d.tolist() == [i != 5 for i in range(ROWS)]
    assert rows.label(4).camera == "1"
    assert rows.label(5).camera == "2"
    with pytest.raises(ValueError, match="read-only"):
        rows.points[0] = 0


@pytest.mark.parametrize("kind", ["slice", "list", "mask"])
def test_taken_rows_go_on_where_their_predecessor_is_there(rows: PoseMachineRows, kind: str) -> None:
    numbers = [3, 4, 5, 6, 7, 9, 10]
    if kind == "list":
        some = rows.taken(numbers)
    elif kind == "mask":
        some = rows.taken(np.isin(np.arange(ROWS), numbers))
    else:
        some, numbers = rows.taken(slice(3, 8)), [3, 4, 5, 6, 7]
    expected = [i - 1 in numbers and i not in STARTS for i in numbers]
    assert some.continues.tolist() == expected
    np.testing.assert_array_equal(some.points, rows.points[numbers])
    assert some.pictures is not None
    assert [some.pictures[i] for i in range(len(some))] == [f"{i}.jpg" for i in numbers]
    assert not rows.taken([7, 6]).continues.any()  # backwards, nothing goes on


def test_rows_go_to_other_processes(rows: PoseMachineRows) -> None:
    again = pickle.loads(pickle.dumps(rows))
    np.testing.assert_array_equal(again.targets, rows.targets)
    assert again.pictures[3] == "3.jpg"


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=8), max_size=6))
def test_names_come_back(names: list[str]) -> None:
    printable = [name for name in names if not any("\ud800" <= c < "\udc80" or "\udcff" < c <= "\udfff" for c in name)]
    held = PictureNames.of(printable)
    kept = [name.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape") for name in printable]
    assert [held[i] for i in range(len(held))] == kept
    assert len(held) == len(printable)


@pytest.mark.parametrize(
    ("part", "value", "told"),
    [
        ("pictures", PictureNames.of(["a", "b"]), "2 rows of 'pictures' for 12 of points"),
        ("points", np.full((ROWS, 16, 2), np.nan, dtype=np.float32), "points that are not finite"),
        ("label_of", np.full(ROWS, 2, dtype=np.int32), "labels beyond the 2 there are"),
        ("continues", np.ones(ROWS, dtype=bool), "the first row goes on"),
        ("limits", PUBLISHED_17, "min-max limits of 17 joints"),
    ],
)
def test_parts_that_do_not_fit(rows: PoseMachineRows, part: str, value, told: str) -> None:
    with pytest.raises(InputError, match=f"made up: .*{told}"):
        dataclasses.replace(rows, **{part: value})


def test_3d_that_is_partly_missing(rows: PoseMachineRows) -> None:
    targets = rows.targets.copy()
    targets[2, 3] = np.nan
    with pytest.raises(InputError, match="partly missing"):
        dataclasses.replace(rows, targets=targets)
