"""The table of suffixes, refusals before any work, and files that appear whole or not at all."""

import time
from pathlib import Path

import pytest
from made_body import made_motion  # pyright: ignore[reportMissingImports]

from maquette.errors import OutputError
from maquette.exporters import WRITERS, check_output, write_motion

TEXT = (
    "walk.xyz: '.xyz' is no suffix that can be written; known are .bvh .glb .vrma .fbx .usda .usdc .npz .json .csv "
    ".parquet .trc .c3d .mot .txt .mp4 .gif .png, and names ending in 3d_data.json or _smpl.npz"
)


def test_unknown_suffixes_list_the_known_ones() -> None:
    with pytest.raises(OutputError) as caught:
        write_motion(made_motion(2), "walk.xyz")
    assert str(caught.value) == TEXT
    with pytest.raises(OutputError, match="the name has no suffix; known are"):
        check_output("walk")


def test_folders_and_files_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "a.bvh").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is a folder"):
        check_output(tmp_path / "a.bvh")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        check_output(tmp_path / "file" / "a.bvh")
    check_output(tmp_path / "new" / "folder" / "a.BVH")
    check_output(tmp_path / "walk_3d_data.json")


def test_places_that_take_no_file(tmp_path: Path) -> None:
    (tmp_path / "link.bvh").symlink_to("/dev/full")
    with pytest.raises(OutputError, match="is a device or a pipe"):
        check_output(tmp_path / "link.bvh")
    for name in ("a" * 300 + ".bvh", "a\0.bvh"):
        with pytest.raises(OutputError, match="cannot be the name of a file"):
            check_output(tmp_path / name)
    if Path("/proc/self").exists():
        with pytest.raises(OutputError, match="cannot write there"):
            check_output("/proc/self/new/a.bvh")
    assert [file.name for file in tmp_path.iterdir()] == ["link.bvh"]


@pytest.mark.parametrize("suffix", [".bvh", ".glb", ".npz", ".json", ".csv"])
def test_files_are_made_with_their_folders(tmp_path: Path, suffix: str) -> None:
    assert suffix in WRITERS
    path = tmp_path / "new" / f"walk{suffix.upper()}"
    write_motion(made_motion(3), path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    before = path.read_bytes()
    time.sleep(0.01)
    write_motion(made_motion(3), path)
    assert path.read_bytes() == before or suffix == ".npz"


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "walk.npz"
    path.write_bytes(b"old")

    def fail(*_args: object, **_more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        write_motion(made_motion(3), path)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["walk.npz"]


def test_ten_thousand_frames(tmp_path: Path) -> None:
    motion = made_motion(10_000)
    for suffix in (".bvh", ".npz"):
        write_motion(motion, tmp_path / f"long{suffix}")
    rows = (tmp_path / "long.bvh").read_bytes().split(b"Frame Time")[1].count(b"\n")
    assert rows == 10_001


def test_pictures_and_the_forks_files_are_handed_over(tmp_path: Path) -> None:
    motion = made_motion(4)
    write_motion(motion, tmp_path / "a.png", size=(320, 180), frame=2)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    write_motion(motion, tmp_path / "a.gif", size=(160, 90))
    assert (tmp_path / "a.gif").read_bytes().startswith(b"GIF8")
    write_motion(motion, tmp_path / "3d_data.json")
    assert b'"format"' not in (tmp_path / "3d_data.json").read_bytes()
