"""``maquette render`` on a store: the right frames, in the right place, and nothing written when something is wrong."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from made_store import JOINTS, TAKES, cameras, positions_world_m, write_store
from PIL import Image

from maquette.cli.render_store import choose_view
from maquette.cli.store_scene import Cut, Scene, upright
from maquette.datasets.lifted_views import lift_view
from maquette.datasets.store import PoseStore, Source, StoreWriter, open_store
from maquette.lifting.lifter import Lifter
from maquette.mapping import map_keypoints
from maquette.skeletons import H36M_17

CLIP = ("--subject", "S9", "--action", "Photo", "--model", "maquette-residual")


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> PoseStore:
    return open_store(write_store(tmp_path_factory.mktemp("store") / "h36m"))


def frames_of(path: Path) -> tuple[int, Fraction]:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0)), Fraction(container.streams.video[0].average_rate or 0)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_the_true_positions_are_put_where_they_were(store) -> None:
    """Camera frame and root removed, then back: nothing may have moved; and what was up is up."""
    recording = store.recordings[2]
    for view in recording.views:
        scene = Scene(store, recording, view)
        truth = scene.truth(recording.frames)
        camera = store.positions_camera_m(recording, view)[:, JOINTS]
        placed = scene.placed(camera - camera[:, :1], H36M_17)
        np.testing.assert_allclose(placed.positions, truth.positions, atol=1e-6)
        np.testing.assert_allclose(truth.positions[..., 1], positions_world_m("S9", "Photo")[:, JOINTS, 2], atol=1e-6)
        assert truth.camera is not None
        seen = truth.camera.project_world(truth.positions)
        np.testing.assert_allclose(seen, scene.keypoints("gt", recording.frames).points, atol=1e-2)


@pytest.mark.parametrize("up", [(0, 0, 1), (0, 1, 0), (0, -1, 0), (1, 0, 0)])
def test_any_axis_can_be_up(up) -> None:
    """Cameras that look 20 degrees down from all around."""
    from maquette.geometry.camera import look_at

    axis = np.array(up, dtype=float)
    across = np.roll(axis, 1)
    places = [np.cos(a) * across + np.sin(a) * np.cross(axis, across) + 0.35 * axis for a in (0, 2, 4)]
    R = upright([look_at(3 * place, np.zeros(3), up=axis) for place in places])
    np.testing.assert_allclose(R @ axis, [0, 1, 0], atol=1e-12)
    assert np.linalg.det(R) == pytest.approx(1)


def test_the_lifter_sees_what_lift_would_give_it(store) -> None:
    recording, lifter = store.recordings[2], Lifter("maquette-residual")
    view = recording.views[1]
    lifted = lift_view(lifter, store, recording, view, "cpn_ft_h36m_dbb")
    keypoints = Scene(store, recording, view).keypoints("cpn_ft_h36m_dbb", recording.frames)
    expected = lifter(map_keypoints(keypoints, "landmarks-27"), camera=view.camera)
    np.testing.assert_allclose(lifted.positions_m, expected.positions, atol=1e-6)
    part = lift_view(lifter, store, recording, view, "cpn_ft_h36m_dbb", frames=slice(10, 20))
    np.testing.assert_allclose(part.positions_m, expected.positions[10:20], atol=1e-5)


def test_export_holds_every_frame_whatever_is_shown(run, store, tmp_path) -> None:
    out, export = tmp_path / "a.mp4", tmp_path / "a.npy"
    cut = ("--skip", 7, "--limit", 31, "--downsample", 2)
    status, said, _ = run("render", store.path, *CLIP, "-o", out, "--export", export, *cut, "--size", "480x270")
    assert status == 0
    assert str(out) in said
    assert str(export) in said
    assert frames_of(out) == (15, Fraction(25))
    exported = np.load(export)
    assert exported.dtype == np.float32
    recording = store.recordings[2]
    lifted = lift_view(Lifter("maquette-residual"), store, recording, recording.views[0], "gt")
    assert len(exported) == TAKES["S9", "Photo"]
    np.testing.assert_allclose(exported, lifted.positions_m, atol=1e-6)


def test_skip_counts_first_then_limit_then_means(store) -> None:
    recording = store.recordings[0]
    motion = Scene(store, recording, recording.views[0]).truth(60)
    shown = Cut(skip=7, limit=31, downsample=3, frames=60).motion(motion)
    expected = [motion.positions[7 + 3 * i : 10 + 3 * i].mean(axis=0) for i in range(10)]
    np.testing.assert_allclose(shown.positions, expected, atol=1e-12)
    assert shown.fps == Fraction(50, 3)


def test_pictures_gifs_and_no_ground_truth(run, store, tmp_path) -> None:
    with_truth, without = tmp_path / "a.png", tmp_path / "b.png"
    assert run("render", store.path, *CLIP, "-o", with_truth, "--frame", 5)[0] == 0
    assert run("render", store.path, *CLIP, "-o", without, "--frame", 5, "--no-ground-truth")[0] == 0
    a, b = (pixels(path) for path in (with_truth, without))
    assert a.shape == b.shape == (540, 960, 3)
    assert np.abs(a - b).max() > 100
    gif = tmp_path / "c.gif"
    status, *_ = run("render", store.path, *CLIP, "-o", gif, "--limit", 10, "--size", "320x180", "--camera", "55011271")
    assert status == 0
    assert frames_of(gif)[0] >= 3


def test_the_video_runs_in_step(run, store, tmp_path) -> None:
    """A film whose picture number k has the grey level 5 k lies under the points."""
    film = tmp_path / "film.mp4"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("mpeg4", rate=50)
        stream.width, stream.height, stream.pix_fmt = 200, 200, "yuv420p"
        stream.bit_rate = 8_000_000
        for k in range(50):
            grey = np.full((200, 200, 3), 5 * k, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode(None))
    out = tmp_path / "a.png"
    assert run("render", store.path, *CLIP, "-o", out, "--video", film, "--skip", 10, "--frame", 20)[0] == 0
    assert pixels(out)[120, 60].mean() == pytest.approx(150, abs=6)


def test_sample_figure(run, store, tmp_path) -> None:
    a, b, c = (tmp_path / f"{name}.png" for name in "abc")
    flags = ("--model", "maquette-residual", "--sample", 15)
    for path, extra in ((a, ()), (b, ()), (c, ("--seed", 1))):
        assert run("render", store.path, *flags, "-o", path, *extra)[0] == 0
    assert a.read_bytes() == b.read_bytes() != c.read_bytes()
    picture = pixels(a)
    assert picture.shape == (1080, 1920, 3)
    for colour in ((52, 152, 219), (231, 76, 60), (155, 89, 182), (46, 204, 113)):
        assert (np.abs(picture - colour).max(axis=-1) < 12).sum() > 300


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (("--subject", "S1", "--action", "Photo"), "no subject 'S1'; there are: S9, S11"),
        (("--subject", "S9", "--action", "Sitting"), "no action 'Sitting' of S9; there are: Walking, Walking 1, Photo"),
        ((*CLIP[:4], "--camera", "4"), "no camera '4'; there are: 0 (54138969), 1 (55011271)"),
        (("--subject", "S9"), "3 clips fit; give --action: S9 Walking, S9 Walking 1, S9 Photo"),
        ((), "4 clips fit; give --subject and --action"),
        ((*CLIP[:4], "--source", "sh"), "no 2D source 'sh'; there are: gt, cpn_ft_h36m_dbb"),
        ((*CLIP[:4], "--skip", "60"), "nothing is left after --skip 60"),
        ((*CLIP[:4], "--downsample", "0", "--skip", "-1"), "2 problems"),
        ((*CLIP[:4], "--person", "1", "--fps", "25"), "is a store: --person, --fps cannot be used with it"),
        ((*CLIP[:4], "--export", "a.txt"), "expected a name that ends in .npy"),
        ((*CLIP[:4], "--video", "none.mp4", "--export", "a.npy"), "none.mp4: no such file"),
        (("--sample", "0"), "--sample 0: expected at least 1"),
        (("--sample", "1000000"), "1000000 samples on 1920x1080 pixels: expected"),
    ],
)
def test_mistakes_are_said_and_nothing_is_written(run, store, tmp_path, monkeypatch, flags, text) -> None:
    monkeypatch.chdir(tmp_path)
    status, _, err = run("render", store.path, "-o", "a.png", *flags)
    assert status == 2
    assert text in err
    assert not list(tmp_path.iterdir())


def test_a_camera_called_by_a_number_is_found_by_it(tmp_path) -> None:
    """Cameras 4, 0 and 1: the one called 0 is not the first, and number 2 is the one called 1."""
    skeleton, camera = H36M_17, cameras()["54138969"]
    with StoreWriter(tmp_path / "s", name="s", skeleton=skeleton, sources=[Source("gt", skeleton)]) as writer:
        writer.add_recording("S1", "Walk", np.ones((3, 17, 3)), fps=50, cameras=dict.fromkeys(("4", "0", "1"), camera))
        writer.add_keypoints(0, "0", "gt", np.ones((3, 17, 2)))
    made = open_store(tmp_path / "s")
    for asked, name in (("0", "0"), ("4", "4"), ("2", "1"), (None, "4")):
        assert choose_view(made, "S1", "Walk", asked)[1].camera_name == name


def test_flags_of_stores_are_refused_elsewhere(run, openpose_folder, tmp_path) -> None:
    status, _, err = run("render", openpose_folder, "-o", tmp_path / "a.png", "--subject", "S9", "--no-flip")
    assert status == 2
    assert "is keypoints or a motion: --subject, --no-flip cannot be used with it" in err
