"""Tables of other programs, long and wide: words for numbers, several people, rows that lack, damage."""

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_body import made_motion  # pyright: ignore[reportMissingImports]

from maquette.errors import InputError
from maquette.exporters.csv import motion_to_csv
from maquette.exporters.json import motion_to_json
from maquette.exporters.parquet import write_parquet
from maquette.motion import Motion
from maquette.readers.motion import read_motion
from maquette.readers.motion_csv import read_motion_csv
from maquette.readers.motion_json import read_motion_json
from maquette.readers.motion_parquet import read_motion_parquet


def read(text: str) -> Motion:
    return read_motion_csv(Path("a.csv"), text.encode())


LONG = "frame,time_s,joint,x_m,y_m,z_m\n0,0,a,1,2,3\n0,0,b,4,5,6\n1,0.04,a,7,8,9\n1,0.04,b,,,\n"


def test_a_bare_long_table() -> None:
    motion = read(LONG)
    assert (motion.skeleton.joints, motion.fps, motion.n_frames) == (("a", "b"), 25, 2)
    np.testing.assert_array_equal(motion.joint("a"), [[1, 2, 3], [7, 8, 9]])
    assert np.isnan(motion.joint("b")[1]).all()
    assert (motion.sigma_m, motion.contacts, motion.person_id) == (None, None, None)


def test_rows_in_any_order_and_rows_that_lack() -> None:
    header, *rows = LONG.splitlines()
    motion = read("\n".join([header, rows[3], rows[0], rows[2]]) + "\n")
    np.testing.assert_array_equal(motion.joint("a"), [[1, 2, 3], [7, 8, 9]])
    assert np.isnan(motion.joint("b")).all()


def test_words_of_r_and_pandas_and_other_columns() -> None:
    text = '"frame","time_s","joint","x_m","y_m","z_m","contact","label"\r\n' + "".join(
        f'{i},{i / 50},"a",NA,1,2,{stands},walk\r\n{i},{i / 50},"b",1,None,nan,NA,walk\r\n'
        for i, stands in enumerate(("TRUE", "FALSE", "True"))
    )
    motion = read(text.removesuffix("\r\n"))
    assert motion.contact_joints == ("a",)
    assert motion.contacts is not None
    assert motion.contacts[:, 0].tolist() == [True, False, True]
    np.testing.assert_array_equal(motion.joint("a")[0], [np.nan, 1, 2])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LONG.replace("0,0,b", "0,0,a"), "a joint has two rows in one frame"),
        (LONG.replace("frame,time_s", "nothing,none"), "a long table needs a column frame"),
        (LONG.replace("1,0.04,a", ",0.04,a"), "without empty cells"),
        (LONG.replace("0,0,b,4", "0,0,b,four"), r"row 2: a cell is no number \('four'\)"),
        (LONG.replace("0,0,b,4", "0,0,b,inf"), "column x_m has infinite numbers"),
        (LONG.replace("0,0,b,4", "0,0,b,1e300"), r"beyond 1e\+12"),
        (LONG.replace("frame", "person,frame").replace("\n0", "\n1,0").replace("\n1,0.", "\n2,1,0."),
         r"several people \(1, 2\), and a motion is one.*table\[table.person == 1\]"),
        (LONG.splitlines()[0] + "\n", "a header and no rows"),
        ("frame,joint,x_m,y_m,z_m\n" + "".join(f"{i},j{i},1,1,1\n" for i in range(2000)), "most are missing"),
    ],
)  # fmt: skip
def test_long_tables_that_cannot_be_read(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(text)


def test_people_of_a_parquet_table_are_told_apart_first(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    for person in (1, 2):
        write_parquet(made_motion(3).with_notes(person_id=person), tmp_path / f"{person}.parquet", layout="long")
    both = pa.concat_tables([pq.read_table(tmp_path / f"{person}.parquet") for person in (1, 2)])
    pq.write_table(both, tmp_path / "both.parquet")
    with pytest.raises(InputError, match=r"both\.parquet: holds several people"):
        read_motion(tmp_path / "both.parquet")
    pq.write_table(both.filter(pa.compute.equal(both["person"], 2)), tmp_path / "one.parquet")
    assert read_motion(tmp_path / "one.parquet").person_id == 2


def small(name: str) -> bytes:
    motion = made_motion(3).with_notes(sigma_m=np.full((3, 21), 0.1))
    if name == "a.csv":
        return motion_to_csv(motion, "long").encode()
    if name == "a.json":
        return motion_to_json(motion, "long")
    pq = pytest.importorskip("pyarrow.parquet")
    pa = pytest.importorskip("pyarrow")
    stream = io.BytesIO()
    pq.write_table(pa.table({"time_s": [0.0, 0.1], "a_x_m": [1.0, 2.0], "a_y_m": [1, None], "a_z_m": [1, 2]}), stream)
    return stream.getvalue()


READERS = {"a.csv": read_motion_csv, "a.json": read_motion_json, "a.parquet": read_motion_parquet}


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(sorted(READERS)))
def test_any_damage_gives_a_motion_or_an_input_error(data: st.DataObject, name: str) -> None:
    raw = bytearray(small(name))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, max(len(raw) - 1, 0)))
        raw[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=6))
    with contextlib.suppress(InputError):
        READERS[name](Path(name), bytes(raw))
