"""``maquette convert`` in the hands of somebody who is in a hurry."""

from pathlib import Path

import numpy as np
import pytest
from made_body import made_motion  # pyright: ignore[reportMissingImports]

from maquette.cli.options import numbered
from maquette.exporters import write_motion
from maquette.exporters.writers import ENDINGS, WRITERS


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write_motion(made_motion(4), tmp_path / "walk.npz")
    return tmp_path / "walk.npz"


def test_an_option_that_no_output_takes_is_told(run, clip: Path) -> None:
    out = clip.with_suffix(".glb")
    status, said, _ = run("convert", clip, "-o", out, "--rotation-order", "XYZ", "--layout", "long", "--rig", "vrm")
    assert (status, out.exists()) == (0, True)
    assert "--rotation-order has no effect here: it is for .bvh\n" in said
    assert "--layout has no effect here: it is for .csv .parquet .json\n" in said
    assert "--rig" not in said
    status, said, _ = run("convert", clip, "-o", out, "-o", clip.with_suffix(".bvh"), "--rotation-order", "XYZ")
    assert (status, "no effect" in said) == (0, False)


def test_options_name_formats_that_are_written() -> None:
    from maquette.cli.writing import _FORMATS, AS_USUAL

    assert {format_ for formats in _FORMATS.values() for format_ in formats} <= {*WRITERS, *ENDINGS}
    assert set(_FORMATS) == set(vars(AS_USUAL))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("a.bvh", "b.bvh", "./a.bvh"), "a.bvh: two results would be written to this file; give each its own name"),
        (("a.trc", "a_confidence.csv"), "two results would be written to this file, the table that stands beside"),
        (("a.bvh", "a.trc", "--unit", "inch"), "a.trc is written in m, cm or mm; write it on its own"),
        (("walk.npz",), "is the input itself"),
    ],
)
def test_outputs_in_each_others_way_are_refused_before_any_is_written(run, clip: Path, names, words: str) -> None:
    options = [name for name in names if name == "inch" or name.startswith("--")]
    outputs = [part for name in names if name not in options for part in ("-o", f"{clip.parent}/{name}")]
    before = clip.read_bytes()
    status, _, err = run("convert", clip, *outputs, *options)
    assert (status, words in err) == (2, True), err
    assert [path.name for path in clip.parent.iterdir()] == ["walk.npz"]
    assert clip.read_bytes() == before


def test_a_table_beside_the_output_is_not_the_input(run, clip: Path) -> None:
    table = clip.with_name("walk_confidence.csv")
    write_motion(made_motion(4), table)
    status, _, err = run("convert", table, "-o", clip.with_name("walk.trc"))
    assert (status, "is the input itself" in err) == (2, True)


def test_names_in_capitals_mean_the_same(run, clip: Path) -> None:
    out = clip.with_name("WALK_SMPL.NPZ")
    assert run("convert", clip, "-o", out, "-o", clip.with_name("A_3D_DATA.JSON"))[0] == 0
    assert "poses" in np.load(out)
    assert '"translate"' in clip.with_name("A_3D_DATA.JSON").read_text()


def test_numbers_of_people_leave_the_format_as_it_is() -> None:
    assert numbered(Path("a/walk_smpl.npz"), 1, 2) == Path("a/walk_person1_smpl.npz")
    assert numbered(Path("a/3d_data.json"), 1, 2) == Path("a/person1_3d_data.json")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("measure", ("--plots", "file")),
        ("measure", ("-o", "file/angles.csv")),
        ("measure", ("--numbers", "folder.csv")),
        ("report", ("-o", "file/page.html")),
        ("report", ("-o", "page.html", "--seconds", "nan")),
        ("report", ("-o", "page.html", "--begin", "3")),
        ("view", ("--record", "file/page.html")),
        ("plugins", ("-o", "file")),
    ],
)
def test_places_that_take_no_file_are_refused_before_the_work(run, clip: Path, command: str, options) -> None:
    (clip.parent / "file").write_text("x")
    (clip.parent / "folder.csv").mkdir()
    before = sorted(clip.parent.rglob("*"))
    there = [f"{clip.parent}/{option}" if option.startswith(("f", "p")) else option for option in options]
    status, out, err = run(command, *([] if command == "plugins" else [clip]), *there)
    assert (status, out) == (2, "")
    assert err.startswith("maquette: ")
    assert err.count("\n") == 1
    assert sorted(clip.parent.rglob("*")) == before
