"""Our own npz, json and csv: what comes back, what other programs see, and what damaged files get."""

import contextlib
import dataclasses
import io
import json
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_body import made_motion  # pyright: ignore[reportMissingImports]

from maquette.errors import InputError
from maquette.exporters import write_motion
from maquette.exporters.csv import motion_to_csv
from maquette.exporters.json import motion_to_json
from maquette.exporters.npz import motion_to_npz
from maquette.geometry.camera import Camera
from maquette.motion import Motion
from maquette.readers.motion import is_motion_file, read_motion
from maquette.rig import solve_rotations
from maquette.skeleton import Skeleton


def full_motion() -> Motion:
    """A motion with every field in use, and gaps."""
    motion = solve_rotations(made_motion(30, seed=5))
    rng = np.random.default_rng(0)
    positions = motion.positions.copy()
    positions[3:6, 4] = np.nan
    turn = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    return dataclasses.replace(
        motion,
        positions=positions,
        fps=Fraction(30000, 1001),
        sigma_m=rng.uniform(0.01, 0.1, positions.shape[:2]),
        contacts=rng.uniform(size=(30, 2)) > 0.5,
        contact_joints=("l_toe", "r_heel"),
        root_trajectory=motion.positions[:, 0],
        timestamps_s=np.cumsum(rng.uniform(0.03, 0.04, 30)),
        camera=Camera(
            (900.0, 901.5), (320.0, 240.0), (640, 480), turn, np.array([0.1, 1.5, 4.0]), (0.1, -0.2, 0.0, 0.0), "opencv"
        ),
        scale_source="height 1.75 m; given",
        person_id=3,
        model="name",
        model_sha256="ab" * 32,
        source="clip ü",
        notes=("one", "two; three\nfour"),
    )


FIELDS = [field.name for field in dataclasses.fields(Motion)]


def assert_same(a: Motion, b: Motion, fields: list[str], atol: float) -> None:
    for name in fields:
        x, y = getattr(a, name), getattr(b, name)
        if isinstance(x, np.ndarray):
            np.testing.assert_allclose(y, x, rtol=0, atol=atol, err_msg=name)
            assert x.dtype == y.dtype
        elif isinstance(x, Camera):
            for field in dataclasses.fields(Camera):
                np.testing.assert_array_equal(getattr(y, field.name), getattr(x, field.name))
        else:
            assert x == y, name


def test_npz_keeps_every_bit(tmp_path: Path) -> None:
    motion = full_motion()
    write_motion(motion, tmp_path / "a.npz")
    assert_same(motion, read_motion(tmp_path / "a.npz"), FIELDS, atol=0)


def test_npz_needs_no_pickle_and_tells_what_it_is(tmp_path: Path) -> None:
    write_motion(full_motion(), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert str(archive["kind"]) == "motion"
        assert int(archive["format_version"]) == 1
        assert (int(archive["fps_numerator"]), int(archive["fps_denominator"])) == (30000, 1001)
        assert archive["positions"].dtype == np.float64
        metadata = json.loads(str(archive["metadata"]))
        assert metadata["skeleton"]["joints"][:2] == ["hip", "r_hip"]
        assert metadata["frame"] == "world"


def test_json_keeps_every_field(tmp_path: Path) -> None:
    motion = full_motion()
    write_motion(motion, tmp_path / "a.json")
    assert_same(motion, read_motion(tmp_path / "a.json"), FIELDS, atol=1e-5)


def test_json_is_plain_and_names_things() -> None:
    document = json.loads(motion_to_json(full_motion()), parse_constant=pytest.fail)
    assert document["format"] == "maquette-motion"
    assert document["units"]["length"] == "m"
    assert document["axes"] == "right-handed, Y up, ground at y = 0"
    assert document["fps"] == "30000/1001"
    assert document["skeleton"]["joints"][16] == "r_wrist"
    assert document["positions"][3][4] == [None, None, None]
    assert np.shape(document["rotations"]) == (30, 21, 4)


@pytest.mark.parametrize("frame", ["world", "camera"])
def test_csv_keeps_positions_and_facts(tmp_path: Path, frame) -> None:
    motion = dataclasses.replace(full_motion(), frame=frame, source="clip ü")
    write_motion(motion, tmp_path / "a.csv")
    again = read_motion(tmp_path / "a.csv")
    kept = ["positions", "sigma_m", "contacts", "contact_joints", "timestamps_s", "skeleton", "fps", "frame"]
    assert_same(motion, again, [*kept, "person_id", "model", "source"], atol=1e-6)
    assert again.scale_source == "height 1.75 m, given"


def test_csv_without_gaps_or_extras(tmp_path: Path) -> None:
    motion = made_motion(20)
    write_motion(motion, tmp_path / "a.csv")
    again = read_motion(tmp_path / "a.csv")
    np.testing.assert_allclose(again.positions, motion.positions, atol=1e-6)
    assert again.timestamps_s is None
    assert again.person_id is None


def test_csv_for_other_programs() -> None:
    lines = motion_to_csv(full_motion()).splitlines()
    assert lines[0].startswith("# maquette motion 1; frame: world; axes: right-handed, Y up, ground at y = 0; up: +y;")
    assert "unit: m; fps: 30000/1001; skeleton: maquette-21; scale: height 1.75 m, given" in lines[0]
    header = lines[1].split(",")
    assert header[:6] == ["frame", "time_s", "person", "hip_x_m", "hip_y_m", "hip_z_m"]
    assert header[6 + 3 * 20 :][:22:21] == ["hip_sigma_m", "hip_observed"]
    assert header[-3:] == ["r_toe_observed", "l_toe_contact", "r_heel_contact"]
    table = np.genfromtxt(io.StringIO("\n".join(lines)), delimiter=",", names=True, comments="#", skip_header=1)
    assert table.dtype.names is not None
    np.testing.assert_allclose(table["l_wrist_y_m"], full_motion().joint("l_wrist")[:, 1], atol=1e-6)
    assert np.isnan(table["l_hip_x_m"][3:6]).all()


def test_bare_tables_are_read_with_notes(tmp_path: Path) -> None:
    rows = "".join(f"{t:.3f},{t},1,2\n" for t in np.arange(5) / 25)
    (tmp_path / "a.csv").write_text("time_s,ball_x_m,ball_y_m,ball_z_m\n" + rows)
    motion = read_motion(tmp_path / "a.csv")
    assert motion.fps == 25
    assert motion.skeleton == Skeleton("table", ("ball",), (-1,))
    assert any("frame rate 25 from the column time_s" in note for note in motion.notes)
    assert any("taken as the world" in note for note in motion.notes)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "not a motion file that is known"),
        ("# maquette motion 1; fps: 3\na,b\n1,2\n", "expected columns <joint>_x_m"),
        ("time_s,a_x_m,a_z_m\n0,1,2\n", "a_y_m is missing"),
        ("time_s,a_x_m,a_y_m,a_z_m\n", "no rows"),
        ("time_s,a_x_m,a_y_m,a_z_m\n0,1,2\n", "row 1 has 3 cells, the header 4"),
        ("time_s,a_x_m,a_y_m,a_z_m\n0,1,2,x\n", "a cell is no number"),
        ("time_s,a_x_m,a_y_m,a_z_m\n0,1,2,inf\n", "infinite"),
        ("a_x_m,a_y_m,a_z_m\n0,1,2\n", "frame rate is not known"),
        ("# maquette motion 1; fps: 1e99999999\na_x_m,a_y_m,a_z_m\n0,1,2\n", "fps is '1e99999999'"),
        ("# maquette motion 1; frame: mars; fps: 3\na_x_m,a_y_m,a_z_m\n0,1,2\n", "frame is 'mars'"),
        ("person,time_s,a_x_m,a_y_m,a_z_m\n1,0,0,1,2\n2,1,0,1,2\n", "several people"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        read_motion(tmp_path / "bad.csv")
    assert says in str(caught.value)
    assert "bad.csv" in str(caught.value)


def _changed_json(**changes) -> bytes:
    return json.dumps({**json.loads(motion_to_json(made_motion(3))), **changes}).encode()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (_changed_json(version=99), "format version 99"),
        (_changed_json(format="other"), "expected 'maquette-motion'"),
        (_changed_json(fps="fast"), "fps is 'fast'"),
        (_changed_json(positions=[]), "no frames"),
        (_changed_json(positions=[[[1, 2, 3]], [[1, 2]]]), "different lengths"),
        (_changed_json(positions=[[[1, 2, 3]]]), "expected (frames, 21, 3)"),
        (_changed_json(rotations=[[[0, 0, 0, 2]] * 21] * 3), "unit quaternions"),
        (_changed_json(rotations=[[[0, 0, 0, 1e308]] * 21] * 3), "beyond 1e+12"),
        (_changed_json(positions=[[[1e300, 0, 0]] * 21] * 3), "beyond 1e+12"),
        (_changed_json(frame="mars"), "frame is 'mars'"),
        (b'{"format": "maquette-motion"}', "missing required field"),
        (motion_to_json(made_motion(3))[:500], "ends in the middle"),
        (b"[1, 2]", "expected 'maquette-motion' JSON"),
        (b"", "empty"),
        (b"\x00\x01\x02", "not a motion file that is known"),
    ],
)
def test_documents_that_cannot_be_read(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "bad.json").write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_motion(tmp_path / "bad.json")
    assert says in str(caught.value)
    assert "bad.json" in str(caught.value)


def test_archives_that_are_no_motion(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", kind=np.array("keypoints"))
    np.savez(tmp_path / "b.npz", positions=np.zeros((2, 3)))
    np.savez(tmp_path / "c.npz", kind=np.array([object()], dtype=object))
    with pytest.raises(InputError, match=r"its kind is 'keypoints'.*read_keypoints"):
        read_motion(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"its arrays: .*positions"):
        read_motion(tmp_path / "b.npz")
    with pytest.raises(InputError, match="pickled"):
        read_motion(tmp_path / "c.npz")


def test_motion_files_are_told_from_keypoints(tmp_path: Path) -> None:
    for name in ("a.npz", "a.json", "a.csv", "a.bvh"):
        write_motion(made_motion(2), tmp_path / name)
        assert is_motion_file(tmp_path / name), name
    np.savez(tmp_path / "b.npz", kind=np.array("keypoints"))
    (tmp_path / "b.json").write_text('{"version": 1.3, "people": []}')
    (tmp_path / "b.csv").write_text("scorer,DLC\nbodyparts,nose\ncoords,x\n0,1\n")
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04 and then nothing")
    for name in ("b.npz", "b.json", "b.csv", "b.zip", "nothing.bvh", "."):
        assert not is_motion_file(tmp_path / name), name


def test_files_that_are_too_large_are_not_even_read(tmp_path: Path) -> None:
    with (tmp_path / "a.bvh").open("wb") as file:
        file.truncate(2 << 30)
    with pytest.raises(InputError, match=r"a\.bvh: has 2\.0 GiB; motion files up to 1 GiB"):
        read_motion(tmp_path / "a.bvh")


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_motion(tmp_path / "nothing.bvh")
    with pytest.raises(InputError, match="is a folder"):
        read_motion(tmp_path)


SMALL = {
    "a.npz": motion_to_npz(made_motion(2)),
    "a.json": motion_to_json(made_motion(2)),
    "a.csv": motion_to_csv(made_motion(2)).encode(),
}


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(sorted(SMALL)))
def test_any_damage_gives_a_motion_or_an_input_error(tmp_path_factory, data: st.DataObject, name: str) -> None:
    raw = bytearray(SMALL[name])
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, max(len(raw) - 1, 0)))
        raw[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=6))
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(bytes(raw))
    with contextlib.suppress(InputError):
        read_motion(path)


def test_an_archive_with_one_array_missing(tmp_path: Path) -> None:
    whole = io.BytesIO(SMALL["a.npz"])
    with zipfile.ZipFile(whole) as source:
        members = {name: source.read(name) for name in source.namelist()}
    for gone in members:
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as target:
            for name, content in members.items():
                if name != gone:
                    target.writestr(name, content)
        with pytest.raises(InputError, match=r"a\.npz"):
            read_motion(tmp_path / "a.npz")


@pytest.mark.parametrize("suffix", ["npz", "json", "csv", "parquet", "trc", "c3d"])
def test_infinite_uncertainty_is_a_guess_and_no_error(tmp_path: Path, suffix: str) -> None:
    motion = made_motion(4)
    sigma_m = np.full(motion.positions.shape[:2], 0.02)
    sigma_m[2] = np.inf
    write_motion(motion.with_notes(sigma_m=sigma_m), tmp_path / f"a.{suffix}")
    read = read_motion(tmp_path / f"a.{suffix}").sigma_m
    assert read is not None
    assert np.isinf(read[2]).all()
    np.testing.assert_allclose(read[0], 0.02, atol=1e-6)
