"""The published text files: as the original's reader reads them, round trips, damage, and any bytes at all."""

import re
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maquette.datasets.h36m_facts import ACTIONS
from maquette.datasets.pose_machine_lists import WIDTHS, read_list, write_list
from maquette.datasets.pose_machine_results import (
    Results,
    read_min_max,
    read_results,
    write_min_max,
    write_results,
)
from maquette.datasets.pose_machine_rows import PictureNames, PoseMachineRows
from maquette.datasets.pose_machine_text import read_number_lines
from maquette.datasets.pose_machine_tree import open_tree
from maquette.datasets.sequences import Label
from maquette.errors import InputError, OutputError
from maquette.lifting.min_max import PUBLISHED_16, PUBLISHED_17, MinMax

SINGLE = 5e-8
"""Half a step of single precision below 1."""


@pytest.fixture
def tree_dir(goldens_dir: Path) -> Path:
    return goldens_dir / "ssl3d" / "data"


@pytest.fixture
def parsed(goldens_dir: Path) -> dict[str, np.ndarray]:
    """What the original's ``data.py`` reads from these files."""
    with np.load(goldens_dir / "ssl3d" / "parsed.npz", allow_pickle=False) as file:
        return dict(file)


def _rows(count: int, *, with_3d: bool = True, with_2d: bool = True) -> PoseMachineRows:
    rng = np.random.default_rng(count)
    targets = rng.uniform(-0.2, 1.2, (count, 16, 3)).astype(np.float32)
    return PoseMachineRows(
        name="made up",
        points=rng.uniform(0.01, 1, (count, 16, 2)).astype(np.float32) * with_2d,
        visible=np.full((count, 16), with_2d),
        targets=targets if with_3d else np.full_like(targets, np.nan),
        continues=np.arange(count) % 4 > 0,
        label_of=np.zeros(count, dtype=np.int32),
        labels=(Label("", "", ""),),
        pictures=PictureNames.of(f"a folder/S9 Ünder/img {row}.jpg" for row in range(count)),
    )


def _line(width: int, *, clip: bool, value: float = 0.5, name: str = "a.jpg") -> str:
    numbers = [f"{value:g}"] * width
    if clip:
        numbers[-1] = "0"
    return f"{name} {','.join(numbers)}\n"


# --- as the original reads them ---------------------------------------------------------------------------------------


def test_the_truth_is_what_the_original_reads(tree_dir: Path, parsed: dict[str, np.ndarray]) -> None:
    rows = open_tree(tree_dir).truth("Directions")
    np.testing.assert_allclose(rows.points.reshape(-1, 32), parsed["gt_2d3d"][:, :32], rtol=0, atol=SINGLE)
    np.testing.assert_allclose(rows.targets.reshape(-1, 48), parsed["gt_2d3d"][:, 32:], rtol=0, atol=SINGLE)
    assert rows.visible.all()
    assert rows.has_3d.all()
    assert rows.label(3) == Label("", "Directions", "")
    assert rows.pictures is not None
    prefix = "/home/jiangchenhan/data/human3.6m/"  # which the original puts before every name
    assert [prefix + rows.pictures[i] for i in range(len(rows))] == parsed["gt_filenames"].tolist()


def test_the_truth_of_protocol_3_has_no_points(tree_dir: Path) -> None:
    first, third = (open_tree(tree_dir).truth("Directions", protocol) for protocol in (1, 3))
    np.testing.assert_array_equal(third.targets, first.targets)
    assert not third.visible.any()
    np.testing.assert_array_equal(third.continues, [False] + [True] * 5)
    with pytest.raises(InputError, match=r"has no 2D; take it from another source: ours$"):
        open_tree(tree_dir).points("Directions", "gt", 3)


@pytest.mark.parametrize(("source", "golden"), [("ours", "ours_2d"), ("hourglass", "hourglass_2d"), ("gt", "gt_2d3d")])
def test_a_test_of_one_action(tree_dir: Path, parsed: dict[str, np.ndarray], source, golden: str) -> None:
    found = open_tree(tree_dir).test("Directions", tree_dir / "coarse", points=source)
    np.testing.assert_allclose(found.points.reshape(-1, 32), parsed[golden][:, :32], rtol=0, atol=SINGLE)
    np.testing.assert_array_equal(found.coarse.reshape(-1, 48), parsed["coarse_3d"])
    assert found.visible.all()
    assert found.frames_left_out == 0


def test_millimetres_are_those_of_the_published_evaluation(tree_dir: Path, goldens_dir: Path) -> None:
    found = open_tree(tree_dir).test("Directions", tree_dir / "coarse")
    with np.load(goldens_dir / "ssl3d" / "eval_h36m.npz", allow_pickle=False) as golden:
        errors = np.linalg.norm(PUBLISHED_16.unnormalise(found.coarse) - found.truth.targets_mm(), axis=-1)
        np.testing.assert_allclose(errors.mean(axis=1), golden["per_sample_pred"], atol=1e-4)


# --- any folder, all 15 actions ---------------------------------------------------------------------------------------


def test_all_15_actions_from_any_folder(tree_dir: Path, tmp_path: Path) -> None:
    root = tmp_path / "with blanks"
    shutil.copytree(tree_dir, root)
    for i in range(2, 16):
        shutil.copy(root / "gt/test/test1.txt", root / f"gt/test/test{i}.txt")
    shutil.copy(root / "gt/test/test1.txt", root / "16skel_train_2d3d_clip.txt")
    tree = open_tree(root)
    assert tree.actions() == ACTIONS
    assert tree.actions(3) == ("Directions",)
    assert len(tree.list_of("train")) == 6
    with pytest.raises(InputError, match=r"16skel_test_2d3d_clip.txt: is not there; .*: 16skel_train_2d3d_clip.txt"):
        tree.list_of("test")


def test_limits_of_the_folder_count(tree_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(tree_dir, tmp_path / "tree")
    before = open_tree(tmp_path / "tree").truth("Directions").targets_mm()
    doubled = MinMax(2 * PUBLISHED_16.max_mm, 2 * PUBLISHED_16.min_mm)
    write_min_max(tmp_path / "tree" / "16point_mean_limb_scaled_max_min.csv", doubled)
    np.testing.assert_allclose(open_tree(tmp_path / "tree").truth("Directions").targets_mm(), 2 * before)


def test_truth_is_cut_to_the_poses_and_never_the_other_way(tree_dir: Path, tmp_path: Path) -> None:
    for kept, name in ((5, "short"), (6, "long")):
        lines = (tree_dir / "coarse/result1_norm.csv").read_text().splitlines(keepends=True)
        (tmp_path / name).mkdir()
        (tmp_path / name / "result1_norm.csv").write_text("".join((lines * 2)[: kept if kept == 5 else 8]))
    found = open_tree(tree_dir).test("Directions", tmp_path / "short")
    assert len(found.truth) == len(found.points) == len(found.coarse) == 5
    assert found.frames_left_out == 1
    with pytest.raises(InputError, match=r"2 problems:\n.*6 frames of truth for 8 (.|\n)*6 frames of 2D \('ours'\)"):
        open_tree(tree_dir).test("Directions", tmp_path / "long")


def test_everything_that_is_missing_is_told_at_once(tree_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"3 problems:(.|\n)*test2.txt(.|\n)*result2_norm(.|\n)*test2_square2d"):
        open_tree(tree_dir).test("Discussion", tmp_path, points="hourglass")
    with pytest.raises(InputError, match="for protocol 1 only"):
        open_tree(tree_dir).points("Directions", "hourglass", 3)
    with pytest.raises(InputError, match="no action 'Dancing'; there are: Directions"):
        open_tree(tree_dir).truth("Dancing")
    with pytest.raises(InputError, match="none of the pose machine's lists"):
        open_tree(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        open_tree(tmp_path / "nowhere")


# --- kinds of lines, round trips --------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
def test_numbers_are_counted(tmp_path: Path, width: int) -> None:
    path = tmp_path / "list.txt"
    path.write_text("".join(_line(width, clip=width % 16 == 1, name=f"my pictures/{i}.jpg") for i in range(3)))
    rows = read_list(path)
    assert rows.has_3d.all() == rows.has_3d.any() == (width >= 48)
    assert rows.visible.all() == rows.visible.any() == (width not in (48, 49))
    assert rows.pictures is not None
    assert rows.pictures[2] == "my pictures/2.jpg"
    assert rows.continues.tolist() == ([False, True, True] if width in (80, 48) else [False] * 3)
    assert bool(rows.notes) == (width in (80, 48))


@pytest.mark.parametrize(("with_3d", "with_2d"), [(True, True), (True, False), (False, True)])
def test_lists_come_back_as_they_were(tmp_path: Path, with_3d: bool, with_2d: bool) -> None:
    rows = _rows(50, with_3d=with_3d, with_2d=with_2d)
    path = tmp_path / "list.txt"
    write_list(path, rows)
    again = read_list(path)
    for part in ("points", "visible", "targets", "continues"):
        np.testing.assert_array_equal(getattr(again, part), getattr(rows, part))
    assert again.pictures is not None
    assert rows.pictures is not None
    assert [again.pictures[i] for i in range(50)] == [rows.pictures[i] for i in range(50)]
    assert path.read_text().splitlines()[0].count(",") + 1 == 32 * with_2d + 48 * with_3d + 1


def test_missing_points_of_mpii(tmp_path: Path) -> None:
    numbers = np.full(33, 0.5)
    numbers[[0, 1]] = 0
    numbers[[2, 3]] = -0.3, -0.01
    numbers[[4, 5]] = -0.1, 0.4  # left of the picture, but there
    numbers[32] = 0
    (tmp_path / "train_h36m.txt").write_text(f"1.jpg {','.join(map(str, numbers))}\r\n\r\n")
    rows = read_list(tmp_path / "train_h36m.txt")
    assert rows.visible[0].tolist() == [False, False] + [True] * 14
    assert (rows.points[0, :2] == 0).all()


def test_what_cannot_be_a_list(tmp_path: Path) -> None:
    rows = _rows(3)
    without = PoseMachineRows("x", rows.points, rows.visible, rows.targets, rows.continues, rows.label_of, rows.labels)
    with pytest.raises(InputError, match="no names of pictures"):
        write_list(tmp_path / "a.txt", without)
    odd = PictureNames.of(["a.jpg", "b\n.jpg", "c.jpg"])
    broken = PoseMachineRows(
        "x", rows.points, rows.visible, rows.targets, rows.continues, rows.label_of, rows.labels, pictures=odd
    )
    with pytest.raises(OutputError, match="row 2"):
        write_list(tmp_path / "a.txt", broken)
    assert not (tmp_path / "a.txt").exists()


# --- results and limits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [48, 32])
@pytest.mark.parametrize("counted", [None, 30])
def test_results_come_back(tmp_path: Path, width: int, counted: int | None) -> None:
    values = np.random.default_rng(width).normal(0, 400, (70, width))
    path = tmp_path / "RESULT_unnorm.csv"
    write_results(path, values, counted=counted, digits=17)
    found = read_results(path)
    np.testing.assert_array_equal(found.values, values)
    if counted is None:
        assert found.count is None
        assert path.read_text().startswith(",")
    else:
        assert found.count is not None
        assert found.count.tolist() == [i % 30 + 1 for i in range(70)]


def test_results_are_written_as_c_plus_plus_writes_them(tmp_path: Path) -> None:
    values = np.zeros((1, 48))
    values[0, :7] = 0.1234567, -1234.5678, 1e-7, 123456789, 1, -0.0, 0.5
    write_results(tmp_path / "r.csv", values)
    # What ostream's operator<< makes of these doubles.
    assert (tmp_path / "r.csv").read_text().startswith(",0.123457,-1234.57,1e-07,1.23457e+08,1,-0,0.5,0,")


def test_results_without_a_first_field(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text(",".join(["1.5"] * 48) + "\n")
    found = read_results(tmp_path / "r.csv")
    assert isinstance(found, Results)
    assert found.count is None
    assert found.values.shape == (1, 48)
    (tmp_path / "r.csv").write_text("x," + ",".join(["1.5"] * 48) + "\n")
    with pytest.raises(InputError, match="line 1: begins with 'x', expected a comma"):
        read_results(tmp_path / "r.csv")
    with pytest.raises(InputError, match="expected finite numbers, 48"):
        write_results(tmp_path / "r.csv", np.zeros((2, 51)))


@pytest.mark.parametrize("limits", [PUBLISHED_16, PUBLISHED_17])
def test_limits_come_back(tmp_path: Path, limits) -> None:
    write_min_max(tmp_path / "max_min.csv", limits)
    again = read_min_max(tmp_path / "max_min.csv")
    np.testing.assert_array_equal(again.max_mm, limits.max_mm)
    np.testing.assert_array_equal(again.min_mm, limits.min_mm)


def test_limits_whose_root_is_0(tmp_path: Path) -> None:
    high, low = ["0"] * 3 + ["5"] * 45, ["0"] * 3 + ["-5"] * 45
    path = tmp_path / "max_min.csv"
    path.write_text(f"{','.join(high)}\n{','.join(low)}\n")
    assert (read_min_max(path).max_mm[0] == 1e-6).all()
    path.write_text(f"{','.join(low)}\n{','.join(high)}\n")
    with pytest.raises(InputError, match=r"max_min.csv: (.|\n)*joint 1: smallest \[5"):
        read_min_max(path)
    path.write_text(",".join(high))
    with pytest.raises(InputError, match="1 lines of numbers, expected two"):
        read_min_max(path)


# --- damage -----------------------------------------------------------------------------------------------------------


def test_all_wrong_lines_are_told_at_once(tmp_path: Path) -> None:
    good = _line(81, clip=True)
    lines = [good, _line(80, clip=False), good, "lonely.jpg\n", good.replace("0.5", "half", 1), "\n", good]
    lines += [good.replace("0.5", "1e400", 1), good.replace("0.5", "", 1), good.replace("0.5", "nan", 1)]
    (tmp_path / "list.txt").write_text("".join(lines))
    with pytest.raises(InputError) as caught:
        read_list(tmp_path / "list.txt")
    told = str(caught.value)
    assert "6 problems" in told
    for text in (
        "line 2: 80 numbers, expected 81",
        "line 4: no space between",
        "line 5: number 1 is 'half', expected a number",
        "line 8: number 1 is '1e400'",
        "line 9: number 1 is ''",
        "line 10: number 1 is 'nan'",
    ):
        assert text in told


def test_many_wrong_lines_are_counted(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("x 1,2\n" * 100)
    with pytest.raises(InputError, match=r"line 1: 2 numbers, expected 81, 80, 49, 48, 33 or 32(.|\n)*and 80 more"):
        read_list(tmp_path / "list.txt")


def test_marks_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(_line(81, clip=True) + _line(81, clip=False))
    with pytest.raises(InputError, match=r"is 0 or 1, but it is 0.5 in picture 2 of the list"):
        read_list(tmp_path / "list.txt")
    (tmp_path / "list.txt").write_text(_line(81, clip=False, value=1) * 2)
    rows = read_list(tmp_path / "list.txt")
    assert rows.continues.tolist() == [False, True]
    assert rows.notes == ("the list begins within a video",)


def test_unusual_ways_to_write_numbers(tmp_path: Path) -> None:
    line = _line(81, clip=True).replace("0.5", "+.5", 1).replace(",0.5", ",5E-1", 1).replace(",0.5", ",\t0.5", 1)
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbf" + line.encode() * 2 + _line(81, clip=True).strip().encode())
    rows = read_list(tmp_path / "list.txt")
    assert len(rows) == 3
    assert (rows.points == 0.5).all()


_TOKENS = st.sampled_from(
    [b" ", b",", b"\n", b"\r\n", b"0", b"1", b"-0.5", b"1e9", b"nan", b"a.jpg", b"\xff", b"0,1" * 16]
)
_RUNS = st.sampled_from([b"a " + b",".join([b"0.5"] * (w - 1) + [b"1"]) + b"\n" for w in (81, 49, 33, 32)])


_NUMBERS = st.one_of(
    st.sampled_from(
        ["1", "-.5", "5.", "1e3", "1e7", "nan", "0x10", "1_0", "", "+", "-0", "1e", " 2", "\t2", "2 ", "١"]
    ),
    st.floats(-1e6, 1e6).map(repr),
)


@given(st.lists(st.lists(_NUMBERS, min_size=3, max_size=3).map(",".join), min_size=1, max_size=4))
def test_in_one_go_is_as_line_by_line(lines: list[str]) -> None:
    """Python's ``float`` of every field, for what is a number in plain figures."""
    fields = [[field.strip(" \t") for field in line.split(",")] for line in lines]
    plain = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
    good = all(plain.fullmatch(f) and abs(float(f)) <= 1e6 for line in fields for f in line)
    data = "".join(f"{line}\n" for line in lines).encode()
    if good:
        _, values = read_number_lines(data, "x", lambda line: (b"", line), (3,))
        np.testing.assert_array_equal(values, [[float(f) for f in line] for line in fields])
    elif any(line.strip() for line in lines):
        with pytest.raises(InputError):
            read_number_lines(data, "x", lambda line: (b"", line), (3,))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.lists(st.one_of(_TOKENS, _RUNS), max_size=40).map(b"".join)))
def test_any_bytes_give_a_result_or_an_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any"
    path.write_bytes(data)
    for read in (read_list, read_results, read_min_max):
        with suppress(InputError):
            read(path)
