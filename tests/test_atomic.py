"""Files appear whole or not at all."""

import os
import stat

import pytest

from maquette.atomic import atomic_path, write_text
from maquette.errors import OutputError


def test_a_failed_write_leaves_the_old_file(tmp_path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")

    def write_half() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_files_are_ordinary_and_folders_are_made(tmp_path) -> None:
    target = tmp_path / "new" / "b.txt"
    write_text(target, "x\n")
    assert target.read_bytes() == b"x\n"
    assert stat.S_IMODE(target.stat().st_mode) & 0o600 == 0o600


def test_a_link_stays_and_its_target_is_replaced(tmp_path) -> None:
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    write_text(target, "old")
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_folder_that_cannot_be_made(tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="choose another output folder"):
        write_text(tmp_path / "file" / "c.txt", "x")
    with pytest.raises(OutputError, match="is a folder"):
        write_text(tmp_path, "x")


def test_devices_and_pipes_are_not_replaced(tmp_path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="is a device or a pipe"):
        write_text(pipe, "x")
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]
