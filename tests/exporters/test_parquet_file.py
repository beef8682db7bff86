"""Parquet and long tables as other programs read them, and back."""

import dataclasses
import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from made_body import made_motion  # pyright: ignore[reportMissingImports]

from maquette.errors import MissingExtraError
from maquette.exporters import write_motion
from maquette.exporters.choices import Layout
from maquette.exporters.parquet import write_parquet
from maquette.motion import Motion
from maquette.readers.motion import read_motion
from maquette.skeleton import Skeleton

pa = pytest.importorskip("pyarrow")
csv = pytest.importorskip("pyarrow.csv")
pq = pytest.importorskip("pyarrow.parquet")

LAYOUTS: tuple[Layout, ...] = ("wide", "long")


def gappy_motion() -> Motion:
    """With unknown frames, unknown joints, a guess and steps."""
    motion = made_motion(12, seed=4)
    positions = motion.positions.copy()
    positions[3] = np.nan
    positions[5:7, 2] = np.nan
    positions[8, 4, 1] = np.nan
    sigma_m = np.random.default_rng(0).uniform(0.01, 0.1, (12, 21))
    sigma_m[9] = np.inf
    contacts = np.random.default_rng(1).uniform(size=(12, 2)) > 0.5
    return dataclasses.replace(
        motion,
        positions=positions,
        fps=Fraction(30000, 1001),
        sigma_m=sigma_m,
        contacts=contacts,
        contact_joints=("r_heel", "l_toe"),
        scale_source="height",
        person_id=3,
        model="m",
        notes=("one",),
    )


def assert_cells(table: dict[str, np.ndarray], motion: Motion) -> None:
    """A long table as arrays of objects says what the motion says."""
    n_frames, n_joints = motion.positions.shape[:2]
    assert len(table["joint"]) == n_frames * n_joints
    assert list(table["joint"]) == list(motion.skeleton.joints) * n_frames
    assert set(table["person"]) == {motion.person_id}
    np.testing.assert_allclose(table["time_s"].astype(float), np.repeat(motion.times_s, n_joints), atol=1e-6)
    for k, axis in enumerate("xyz"):
        np.testing.assert_allclose(
            table[f"{axis}_m"].astype(float).reshape(n_frames, n_joints), motion.positions[..., k], atol=1e-5
        )
    observed: np.ndarray = np.all(np.isfinite(motion.positions), axis=-1)
    observed[9] = False
    np.testing.assert_array_equal(table["observed"].astype(bool).reshape(n_frames, n_joints), observed)
    contact = table["contact"].reshape(n_frames, n_joints)
    assert motion.contacts is not None
    np.testing.assert_array_equal(contact[:, 18].astype(bool), motion.contacts[:, 0])
    assert {str(value) for value in contact[:, 0]} <= {"None", "nan"}


@pytest.mark.parametrize("suffix", ["csv", "parquet", "json"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_gaps_guesses_and_steps_come_back(tmp_path: Path, suffix: str, layout: Layout) -> None:
    motion = gappy_motion()
    write_motion(motion, tmp_path / f"a.{suffix}", layout=layout)
    again = read_motion(tmp_path / f"a.{suffix}")
    within = {"csv": 1e-6, "parquet": 0.0, "json": 1e-5}[suffix]
    np.testing.assert_allclose(again.positions, motion.positions, rtol=0, atol=within)
    assert again.sigma_m is not None
    assert motion.sigma_m is not None
    np.testing.assert_allclose(again.sigma_m, motion.sigma_m, rtol=0, atol=within)
    np.testing.assert_array_equal(again.contacts, motion.contacts)
    for name in ("contact_joints", "skeleton", "fps", "frame", "scale_source", "person_id", "model", "timestamps_s"):
        assert getattr(again, name) == getattr(motion, name), name
    if suffix != "csv":
        assert again.notes == ("one",)


def test_parquet_has_types_and_says_what_it_holds(tmp_path: Path) -> None:
    motion = gappy_motion()
    write_parquet(motion, tmp_path / "a.parquet", layout="long")
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.column_names == "time_s frame person joint x_m y_m z_m sigma_m observed contact".split()
    types = {name: str(table.schema.field(name).type) for name in table.column_names}
    assert types["joint"].startswith("dictionary<values=string")
    assert (types["frame"], types["x_m"], types["observed"], types["contact"]) == ("int64", "double", "bool", "bool")
    assert table.column("x_m").null_count == np.isnan(motion.positions[..., 0]).sum()
    facts = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert (facts["unit"], facts["up"], facts["fps"]) == ("m", "+y", "30000/1001")
    assert (facts["skeleton"], facts["scale"], facts["model"], facts["frame"]) == (
        "maquette-21",
        "height",
        "m",
        "world",
    )
    assert_cells({name: np.array(table.column(name).to_pylist(), dtype=object) for name in table.column_names}, motion)


def test_pyarrow_reads_the_long_text_table(tmp_path: Path) -> None:
    write_motion(gappy_motion(), tmp_path / "a.csv", layout="long")
    table = csv.read_csv(tmp_path / "a.csv", csv.ReadOptions(skip_rows=1))
    assert_cells({name: np.array(table[name].to_pylist(), dtype=object) for name in table.column_names}, gappy_motion())


def test_long_json_is_columns_and_rows(tmp_path: Path) -> None:
    write_motion(gappy_motion(), tmp_path / "a.json", layout="long")
    document = json.loads((tmp_path / "a.json").read_text(), parse_constant=pytest.fail)
    columns = zip(*document["rows"], strict=True)
    assert_cells(
        {n: np.array(c, dtype=object) for n, c in zip(document["columns"], columns, strict=True)}, gappy_motion()
    )
    assert document["units"]["length"] == "m"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_tables_that_were_sorted_or_cut_since(tmp_path: Path, layout: Layout) -> None:
    motion = gappy_motion()
    write_parquet(motion, tmp_path / "a.parquet", layout=layout)
    table = pq.read_table(tmp_path / "a.parquet")
    if layout == "long":
        table = table.set_column(3, "joint", table["joint"].cast(pa.string()))
        table = table.sort_by([("joint", "descending"), ("frame", "ascending")])
        # The order of the joints is now another one.
        assert table["joint"][0].as_py() == "thorax"
    else:
        table = table.select(sorted(table.column_names))
    pq.write_table(table, tmp_path / "b.parquet")
    again = read_motion(tmp_path / "b.parquet")
    np.testing.assert_array_equal(again.positions, motion.positions)
    assert again.skeleton == motion.skeleton
    if layout == "long":
        feet = table.filter(pa.compute.match_substring(table["joint"], "toe"))
        pq.write_table(feet, tmp_path / "c.parquet")
        few = read_motion(tmp_path / "c.parquet")
        assert set(few.skeleton.joints) == {"r_toe", "l_toe"}
        np.testing.assert_array_equal(few.joint("l_toe"), motion.joint("l_toe"))


@pytest.mark.parametrize("suffix", ["csv", "parquet", "json"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_odd_names_and_bones_of_other_rigs(tmp_path: Path, suffix: str, layout: Layout) -> None:
    joints = ("mixamorig:Hips", 'Left, "Leg"', "a nan\tb", "#x", "knee_contact")
    motion = Motion(
        positions=np.random.default_rng(2).normal(size=(4, 5, 3)).round(3),
        skeleton=Skeleton("bvh:odd", joints, (-1, 0, 1, 0, 3)),
        fps=Fraction(50),
        frame="camera",
    )
    write_motion(motion, tmp_path / f"a.{suffix}", layout=layout)
    again = read_motion(tmp_path / f"a.{suffix}")
    np.testing.assert_allclose(again.positions, motion.positions, atol=1e-9)
    assert (again.skeleton.parents, again.frame) == ((-1, 0, 1, 0, 3), "camera")
    if suffix != "csv":
        assert again.skeleton.joints == joints


def test_without_pyarrow_its_pip_command_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"'pyarrow'.*pip install 'maquette\[formats\]'"):
        write_parquet(made_motion(2), tmp_path / "a.parquet")


def test_a_pyarrow_that_does_not_load_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyarrow").mkdir()
    (tmp_path / "pyarrow" / "__init__.py").write_text("raise ImportError('pyarrow requires NumPy 2.0 or newer')")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtraError, match=r"installed and cannot be imported \(pyarrow requires NumPy 2.0"):
        write_parquet(made_motion(2), tmp_path / "a.parquet")
