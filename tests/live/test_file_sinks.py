"""Recording a session to files: what is written, and what becomes of gaps, people, uneven times and parts."""

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from recorded_people import FPS, clip, frame, pose

import maquette
from maquette.errors import InputError, OutputError
from maquette.exporters.writers import WRITERS
from maquette.live.ends import Sink
from maquette.live.sinks.files import FileSink
from maquette.live.sinks.recording_names import free_path, part_path
from maquette.stream.pose_frame import PoseFrame


def record(path: Path, frames: Iterable[PoseFrame], **options) -> FileSink:
    """A session from start to end."""

    async def session() -> FileSink:
        sink = FileSink(str(path), path, **options)
        await sink.start()
        for one in frames:
            sink.send(one)
        await sink.stop()
        return sink

    return asyncio.run(session())


def left_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_is_a_sink(tmp_path: Path) -> None:
    assert isinstance(FileSink("a.npz", tmp_path / "a.npz"), Sink)


def test_even_session_is_written_to_the_bit(tmp_path: Path) -> None:
    sink = record(tmp_path / "out.npz", (frame(i, pose(i)) for i in range(300)), model="net", source="udp://")
    motion = maquette.read_motion(tmp_path / "out.npz")
    np.testing.assert_array_equal(motion.positions, clip().positions)
    np.testing.assert_array_equal(motion.rotations, clip().rotations)
    np.testing.assert_array_equal(motion.contacts, clip().contacts)
    assert (motion.fps, motion.timestamps_s, motion.frame) == (FPS, None, "world")
    assert (motion.model, motion.source, motion.person_id, motion.sigma_m) == ("net", "udp://", 0, None)
    assert sink.report.state == "stopped"
    assert (sink.report.sent, sink.report.dropped) == (300, 0)
    assert "out.npz" in sink.report.detail
    assert sink.files == [tmp_path / "out.npz"]
    assert left_in(tmp_path) == ["out.npz"]


def test_bvh_is_what_its_text_says(tmp_path: Path) -> None:
    record(tmp_path / "out.bvh", (frame(i, pose(i)) for i in range(90)))
    head, motion = (tmp_path / "out.bvh").read_text().split("MOTION\n")
    lines = motion.splitlines()
    assert lines[0].split() == ["Frames:", "90"]
    assert float(lines[1].split()[-1]) == pytest.approx(1 / FPS, rel=1e-9)
    values = np.array([line.split() for line in lines[2:]], dtype=float)
    assert values.shape == (90, sum(int(line.split()[1]) for line in head.splitlines() if "CHANNELS" in line))
    np.testing.assert_allclose(values[:, :3] / 100, clip().positions[:90, 0], atol=1e-6)


@pytest.mark.parametrize("suffix", sorted(set(WRITERS) - {".fbx", ".mp4", ".gif"}))
def test_every_format_is_finished(tmp_path: Path, suffix: str) -> None:
    sink = record(tmp_path / f"out{suffix}", (frame(i, pose(i)) for i in range(20)))
    assert sink.report.state == "stopped"
    assert (tmp_path / f"out{suffix}").stat().st_size > 0


def test_uneven_times_stay_where_the_format_has_times(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    times_s = np.arange(120) / FPS + rng.uniform(0, 0.012, 120)
    frames = [frame(i, pose(i), time_s=float(times_s[i])) for i in range(120)]
    record(tmp_path / "out.npz", frames)
    record(tmp_path / "out.bvh", frames)
    motion = maquette.read_motion(tmp_path / "out.npz")
    np.testing.assert_array_equal(motion.timestamps_s, times_s)
    np.testing.assert_array_equal(motion.positions, clip().positions[:120])
    # At even times, the root is where a straight line between the frames around leads.
    played = maquette.read_motion(tmp_path / "out.bvh")
    assert played.fps == FPS
    even_s = times_s[0] + np.arange(played.n_frames) / FPS
    assert abs(even_s[-1] - times_s[-1]) <= 0.5 / FPS
    root = np.stack([np.interp(even_s, times_s, clip().positions[:120, 0, axis]) for axis in range(3)], axis=1)
    np.testing.assert_allclose(played.positions[:, 0], root, atol=1e-5)


def test_times_in_milliseconds_are_an_exact_rate(tmp_path: Path) -> None:
    record(tmp_path / "out.npz", [frame(i, pose(i), time_s=round(i * 1001 / 30000, 3)) for i in range(900)])
    motion = maquette.read_motion(tmp_path / "out.npz")
    assert motion.fps.limit_denominator(1001) == maquette.motion.Fraction(30000, 1001)
    assert motion.timestamps_s is None


def test_short_absence_is_filled_and_long_one_is_a_guess(tmp_path: Path) -> None:
    away = {*range(40, 46), *range(100, 160)}
    record(tmp_path / "out.npz", [frame(i, *([] if i in away else [pose(i)])) for i in range(200)])
    motion = maquette.read_motion(tmp_path / "out.npz")
    seen = [i for i in range(200) if i not in away]
    np.testing.assert_array_equal(motion.positions[seen], clip().positions[seen])
    assert np.isfinite(motion.positions).all()
    assert motion.sigma_m is not None
    np.testing.assert_array_equal(np.isinf(motion.sigma_m[:, 0]), np.isin(np.arange(200), range(100, 160)))
    # Bones keep their length while they turn from the last pose seen to the next.
    skeleton = motion.skeleton
    for parent, child in skeleton.bones:
        bone = np.linalg.norm(motion.positions[39:47, child] - motion.positions[39:47, parent], axis=-1)
        assert np.ptp(bone) <= abs(bone[0] - bone[-1]) + 1e-9
    assert motion.contacts is not None
    assert not motion.contacts[100:160].any()
    notes = " / ".join(motion.notes)
    assert "interpolated over 6 frames" in notes
    assert "a guess" in notes


def test_hours_away_are_left_out(tmp_path: Path) -> None:
    frames = [frame(i, pose(i)) for i in range(60)]
    frames += [frame(60 + i, time_s=2 + 10.0 * i) for i in range(400)]
    frames += [frame(460 + i, pose(i), time_s=4000 + i / FPS) for i in range(60)]
    record(tmp_path / "out.npz", frames)
    record(tmp_path / "out.bvh", frames)
    motion = maquette.read_motion(tmp_path / "out.npz")
    assert motion.n_frames == 120
    assert motion.times_s[60] == 4000
    assert "left out" in " / ".join(motion.notes)
    assert maquette.read_motion(tmp_path / "out.bvh").n_frames == 120


def test_first_goes_on_with_whoever_takes_over(tmp_path: Path) -> None:
    frames = [frame(i, *([pose(i, 0)] if i < 50 else []), pose(i, 3, (1.0, 0.0, 0.0))) for i in range(100)]
    record(tmp_path / "out.npz", frames)
    motion = maquette.read_motion(tmp_path / "out.npz")
    np.testing.assert_array_equal(motion.positions[:50], clip().positions[:50])
    np.testing.assert_array_equal(motion.positions[50:], clip().positions[50:100] + [1.0, 0.0, 0.0])
    assert any("person 3 took over from person 0" in note for note in motion.notes)


def test_all_people_have_files_of_their_own(tmp_path: Path) -> None:
    frames = [frame(i, pose(i, 0), pose(i, 4, (1.0, 0.0, 0.0)), *[pose(i, 9)] * (30 <= i < 35)) for i in range(60)]
    sink = record(tmp_path / "out.npz", frames, person="all")
    assert left_in(tmp_path) == ["out_person0.npz", "out_person4.npz"]  # person 9 was there for a moment only
    motion = maquette.read_motion(tmp_path / "out_person4.npz")
    np.testing.assert_array_equal(motion.positions, clip().positions[:60] + [1.0, 0.0, 0.0])
    assert motion.person_id == 4
    assert len(sink.files) == 2


def test_one_person_by_number(tmp_path: Path) -> None:
    record(tmp_path / "out.npz", [frame(i, pose(i, 0), pose(i, 1, (2.0, 0.0, 0.0))) for i in range(9)], person="1")
    np.testing.assert_array_equal(
        maquette.read_motion(tmp_path / "out.npz").positions, clip().positions[:9] + [2.0, 0.0, 0.0]
    )


def test_parts_are_named_before_what_tells_the_format() -> None:
    for name in ("walk.bvh", "walk_smpl.npz", "x_3d_data.json"):
        named = part_path(Path(name), 7).name
        assert "0007" in named
        assert maquette.exporters.writers.format_of(Path(named)) == maquette.exporters.writers.format_of(Path(name))


def test_notes_and_calibration_are_kept(tmp_path: Path) -> None:
    frames = [
        frame(i, pose(i), state="calibrating" if i <= 30 else "live", notes=("scale: 1.76 m",) if i == 30 else ())
        for i in range(60)
    ]
    record(tmp_path / "out.npz", frames, notes=("said before",))
    notes = " / ".join(maquette.read_motion(tmp_path / "out.npz").notes)
    assert "said before" in notes
    assert "at 1.00 s: scale: 1.76 m" in notes
    assert "calibrated until 1.00 s" in notes


def test_nobody_seen_writes_nothing(tmp_path: Path) -> None:
    sink = record(tmp_path / "out.bvh", (frame(i) for i in range(10)))
    assert (sink.report.state, left_in(tmp_path)) == ("stopped", [])
    assert "nobody" in sink.report.detail


def test_parts_follow_each_other(tmp_path: Path) -> None:
    sink = record(tmp_path / "out.npz", [frame(i, pose(i)) for i in range(100)], roll_s=1.0)
    assert left_in(tmp_path) == [f"out-000{k}.npz" for k in (1, 2, 3, 4)]
    parts = [maquette.read_motion(file) for file in sorted(tmp_path.iterdir())]
    assert [part.n_frames for part in parts] == [30, 30, 30, 10]
    np.testing.assert_array_equal(np.concatenate([part.positions for part in parts]), clip().positions[:100])
    assert len(sink.files) == 4


def test_a_part_is_finished_while_the_next_is_recorded(tmp_path: Path) -> None:
    async def session() -> None:
        sink = FileSink("out.bvh", tmp_path / "out.bvh", roll_s=1.0)
        await sink.start()
        for i in range(31):
            sink.send(frame(i, pose(i)))
        end_s = time.monotonic() + 60
        while not (tmp_path / "out-0001.bvh").exists():
            assert time.monotonic() < end_s
            await asyncio.sleep(0.05)
        await sink.stop()

    asyncio.run(session())
    assert maquette.read_motion(tmp_path / "out-0001.bvh").n_frames == 30
    assert maquette.read_motion(tmp_path / "out-0002.bvh").n_frames == 1


@pytest.mark.parametrize(
    ("name", "what"),
    [("out.xyz", "suffix"), ("missing/out.npz", "no such folder"), ("there.npz", "--overwrite")],
)
def test_what_cannot_be_written_is_refused_before_the_start(tmp_path: Path, name: str, what: str) -> None:
    (tmp_path / "there.npz").write_bytes(b"a recording")
    with pytest.raises(OutputError, match=what):
        record(tmp_path / name, [])
    assert left_in(tmp_path) == ["there.npz"]


def test_no_blender_is_told_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maquette.exporters.fbx.find_spec", lambda name: None)
    monkeypatch.setattr("maquette.exporters.fbx.shutil.which", lambda name: None)
    with pytest.raises(OutputError, match="Blender"):
        record(tmp_path / "out.fbx", [])
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("options", [{"person": "second"}, {"person": "-1"}, {"roll_s": 0}, {"roll_s": float("nan")}])
def test_options_out_of_range(tmp_path: Path, options: dict) -> None:
    with pytest.raises(InputError):
        FileSink("out.npz", tmp_path / "out.npz", **options)


def test_files_are_replaced_only_when_allowed(tmp_path: Path) -> None:
    record(tmp_path / "out.npz", [frame(i, pose(i)) for i in range(5)])
    record(tmp_path / "out.npz", [frame(i, pose(i)) for i in range(9)], overwrite=True)
    assert maquette.read_motion(tmp_path / "out.npz").n_frames == 9
    assert free_path(tmp_path / "out.npz") == tmp_path / "out-2.npz"
