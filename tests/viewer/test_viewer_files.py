"""Recordings, films, and the command that writes them or serves."""

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from made_body import made_motion
from made_clips import figure, write_openpose

from maquette.cli.view import View
from maquette.errors import InputError, MaquetteError, OutputError
from maquette.exporters import write_motion
from maquette.motion import Motion
from maquette.skeletons import BODY_25
from maquette.viewer import Viewer
from maquette.viewer.entries import Input2D, entries_of
from maquette.viewer.film import in_time, write_film
from maquette.viewer.recording import MOST_PICTURES, MOST_POSES, plan, write_recording


def frames_of(path: Path) -> tuple[int, Fraction | None]:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0)), container.streams.video[0].average_rate


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.npz"
    write_motion(made_motion(40), path)
    return path


def test_a_recording_keeps_fifty_thousand_frames_small() -> None:
    ticks_s = np.arange(50_000) / 50
    positions_s, picture_at, notes = plan(ticks_s, has_pictures=True)
    assert MOST_POSES / 2 < len(positions_s) <= MOST_POSES
    assert np.isin(positions_s, ticks_s).all()
    assert MOST_PICTURES / 2 < picture_at.sum() <= MOST_PICTURES
    assert picture_at[0]
    assert notes[0].startswith(f"{len(positions_s)} of 50000 frames are in the recording, 5.56 per second")
    assert plan(np.arange(90) / 30, has_pictures=False)[2] == ()
    assert plan(np.zeros(1), has_pictures=True)[0].tolist() == [0.0]


def test_a_recording_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    write_recording(path, [made_motion(20)])
    text = path.read_text(encoding="utf-8")
    assert "__VISER_EMBED_DATA__" in text
    assert "<title>Maquette</title>" in text
    assert [p.name for p in tmp_path.iterdir()] == ["a.html"]
    with pytest.raises(OutputError, match=r"\.html"):
        write_recording(tmp_path / "a.mp4", [made_motion(20)])
    with pytest.raises(InputError, match="no motion"):
        write_recording(path, [])


def test_others_are_shown_at_the_times_of_the_first() -> None:
    lead = made_motion(50)
    other = replace(made_motion(50, 1), fps=Fraction(25))
    shown = in_time(other, lead)
    assert (shown.n_frames, shown.fps) == (50, lead.fps)
    np.testing.assert_array_equal(shown.positions[::2], other.positions[:25])
    np.testing.assert_array_equal(shown.positions[1::2], other.positions[:25])
    with pytest.raises(InputError, match="camera frame"):
        in_time(replace(other, frame="camera"), lead)


def test_films_of_one_and_of_several(tmp_path: Path) -> None:
    one, two = made_motion(30), replace(made_motion(20, 1), fps=Fraction(20))
    write_film(tmp_path / "one.mp4", entries_of([one]), Input2D())
    write_film(tmp_path / "two.mp4", entries_of([one, two]), Input2D())
    assert frames_of(tmp_path / "one.mp4") == frames_of(tmp_path / "two.mp4") == (30, 50)
    with pytest.raises(InputError, match="no motion is shown"):
        write_film(tmp_path / "none.mp4", [], Input2D())


def test_names_on_the_page_are_told_apart() -> None:
    same = replace(made_motion(3), source="/a/walk.npz")
    names = [entry.name for entry in entries_of([same, same], {"walk.npz": same})]
    assert names == ["walk.npz", "walk.npz (2)", "walk.npz (3)"]


def test_the_command_writes_both(clip: Path, tmp_path: Path, capsys) -> None:
    film, page = tmp_path / "f.mp4", tmp_path / "f.html"
    View(files=(clip,), variant=(f"raw={clip}",), export=film, record=page).run()
    assert frames_of(film)[0] == 40
    assert page.stat().st_size > 500_000
    said = capsys.readouterr().out
    assert f"wrote {film}" in said
    assert f"wrote {page} (" in said


def test_keypoints_are_lifted_in_three_stages(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "json"
    points = figure(BODY_25, 40)
    write_openpose(folder, [(points, np.full(points.shape[:2], 0.9))])
    seen: list[tuple[str, bool, int]] = []

    def end_at_once(viewer: Viewer) -> None:
        seen.extend((body.entry.name, body.shown, body.motion.n_frames) for body in viewer.page.bodies)
        assert viewer.page.input is not None

    monkeypatch.setattr(Viewer, "wait", end_at_once)
    shared = {"fps": "25", "image_size": "1280x720", "port": 0, "open_browser": False}
    View(files=(folder,), refinements=True, **shared).run()
    assert seen == [("raw", False, 40), ("smoothed", False, 40), ("refined", True, 40)]
    seen.clear()
    View(keypoints=folder, **shared).run()
    assert seen == [("lifted", True, 40)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "nothing to look at"),
        ({"files": ("A",), "refinements": True}, "--refinements lifts keypoints"),
        ({"files": ("A",), "variant": ("raw",)}, "expected NAME=FILE"),
        ({"files": ("A",), "variant": ("raw=A", "raw=A")}, "given twice"),
        ({"files": ("A", "D"), "keypoints": "D"}, "more than once"),
        ({"files": ("A",), "export": "x.avi"}, "expected .mp4 or .gif"),
        ({"files": ("A",), "record": "x.viser"}, "expected .html"),
        ({"files": ("missing.npz",)}, "missing.npz"),
        ({"files": ("T",)}, "bad.bvh"),
    ],
)
def test_wrong_use_is_one_sentence(clip: Path, tmp_path: Path, options: dict, said: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "bad.bvh").write_text("HIERARCHY\nROOT")
    places = {"A": clip, "D": tmp_path / "folder", "T": tmp_path / "bad.bvh"}

    def path(text: str) -> Path:
        return places.get(text, tmp_path / text)

    given = dict(options)
    for name in ("keypoints", "export", "record"):
        if name in given:
            given[name] = path(given[name])
    given["files"] = tuple(path(text) for text in options.get("files", ()))
    given["variant"] = tuple(text.replace("=A", f"={clip}") for text in options.get("variant", ()))
    with pytest.raises(MaquetteError) as error:
        View(**given, open_browser=False, port=0).run()
    assert said in str(error.value)


def test_motion_files_of_another_program_are_shown(tmp_path: Path, monkeypatch) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.bvh").write_text(
            "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\nCHANNELS 6 "
            "Xposition Yposition Zposition Zrotation Xrotation Yrotation\n"
            "JOINT Spine\n{\nOFFSET 0 50 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n"
            "End Site\n{\nOFFSET 0 60 0\n}\n}\n}\nMOTION\nFrames: 2\nFrame Time: 0.04\n" + "0 90 0 0 0 0 0 0 0\n" * 2
        )
    seen: list[int] = []
    monkeypatch.setattr(Viewer, "wait", lambda viewer: seen.append(len(viewer.page.bodies)))
    View(files=(tmp_path / "1.bvh", tmp_path / "2.bvh"), port=0, open_browser=False).run()
    assert seen == [2]


def test_a_big_rig_from_shared_data(tmp_path: Path) -> None:
    """A hundred and more joints, if the open motion capture is at hand."""
    folder = Path(__file__).parents[3] / "shared" / "data" / "raw"
    files = sorted(folder.glob("*/*.bvh"))
    if not files:
        pytest.skip(f"no motion capture in {folder}")
    from maquette.readers.motion import read_motion

    motions: list[Motion] = [read_motion(file) for file in files]
    with Viewer(motions, port=0, arrangement="overlaid at the root") as viewer:
        assert max(body.motion.n_joints for body in viewer.page.bodies) > 30
        viewer.page.step_to(5)
        assert all(np.isfinite(body.meshes.joints.batched_positions).all() for body in viewer.page.bodies)


def test_help_needs_no_server() -> None:
    code = (
        "import sys; import maquette.cli.view; print([m for m in ('viser', 'av', 'onnxruntime') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(found.replace("'", '"')) == []
