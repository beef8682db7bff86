"""What no reader would take back is refused; and what stands beside a file belongs to it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from made_body import made_motion  # pyright: ignore[reportMissingImports]

from maquette.errors import OutputError
from maquette.exporters import WRITERS, write_motion
from maquette.motion import Motion
from maquette.readers.motion import read_motion

CLIP = made_motion(6)


def moved(by_m: float) -> Motion:
    return dataclasses.replace(CLIP, positions=CLIP.positions + [0.0, 0.0, by_m])


@pytest.mark.parametrize("suffix", WRITERS)
def test_motions_that_nothing_can_hold(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.raises(OutputError, match="has no frames"):
        write_motion(dataclasses.replace(CLIP, positions=CLIP.positions[:0]), path)
    with pytest.raises(OutputError, match="'hip' in frame 0 has an infinite coordinate"):
        write_motion(moved(np.inf), path)
    assert not list(tmp_path.iterdir())


def test_map_coordinates_go_to_tables_only(tmp_path: Path) -> None:
    """Northings of UTM are thousands of kilometres."""
    far = moved(5_300_000.0)
    for suffix in (".npz", ".json", ".csv"):
        write_motion(far, tmp_path / f"a{suffix}")
        back = read_motion(tmp_path / f"a{suffix}")
        np.testing.assert_allclose(back.positions, far.positions, atol=1.1e-5, rtol=0)
    for suffix in (".bvh", ".trc", ".glb"):
        with pytest.raises(OutputError, match="lies 5300 km from the origin"):
            write_motion(far, tmp_path / f"b{suffix}")
    assert not list(tmp_path.glob("b*"))


def test_a_marker_file_that_fails_leaves_no_table_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sure = dataclasses.replace(CLIP, sigma_m=np.full((6, 21), 0.02))
    old = dataclasses.replace(CLIP, sigma_m=np.full((6, 21), 0.05))
    write_motion(old, tmp_path / "old.trc")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_lines: object) -> list[str]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("maquette.exporters.trc.trc_lines", full)
    for name in ("new.trc", "old.trc"):
        with pytest.raises(OutputError, match="No space left"):
            write_motion(sure, tmp_path / name)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_times_of_day_survive_single_precision(tmp_path: Path) -> None:
    """Channels of C3D know the seconds since 1970 to two minutes."""
    pytest.importorskip("ezc3d")
    times_s = 1_763_766_000.25 + np.cumsum([0.0, 0.02, 0.03, 0.02, 0.01, 0.02])
    write_motion(dataclasses.replace(CLIP, timestamps_s=times_s), tmp_path / "a.c3d")
    np.testing.assert_allclose(read_motion(tmp_path / "a.c3d").times_s, times_s, atol=1e-6, rtol=0)
