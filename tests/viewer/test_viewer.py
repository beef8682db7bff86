"""The viewer as it runs: a real server, its page over HTTP, and what goes through its socket."""

import http.client
import socket
import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import viser
from websockets.sync.client import connect

from maquette.errors import InputError, OutputError
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.skeletons import LIFTED_21
from maquette.viewer import Viewer, view, view_files


def wander(n_frames: int = 40, seed: int = 0, fps: int = 25) -> Motion:
    rng = np.random.default_rng(seed)
    positions = rng.uniform(-0.5, 0.5, (1, 21, 3)) + np.linspace(0, 6, n_frames)[:, None, None] * [0, 0, 1.0]
    return Motion(positions + [0, 1, 0], LIFTED_21, Fraction(fps), "world", source=f"clip{seed}.npz")


def keypoints(n_frames: int = 40) -> Keypoints:
    points = np.random.default_rng(1).uniform(0, 400, (n_frames, 21, 2))
    return Keypoints(points, np.ones((n_frames, 21)), LIFTED_21, Fraction(25), (640, 480))


@pytest.fixture
def start():
    """Starts viewers on free ports and ends them."""
    running: list[Viewer] = []

    def begin(*args) -> Viewer:
        running.append(view(*args, port=0, open_browser=False, block=False))
        return running[-1]

    yield begin
    for viewer in running:
        viewer.stop()


def get(viewer: Viewer, path: str = "/") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(viewer.host, viewer.port, timeout=10)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_the_page_is_served_on_this_machine_only(start) -> None:
    viewer = start(wander(), keypoints())
    status, body = get(viewer)
    assert status == 200
    assert b"<html" in body.lower()
    assert viewer.url == f"http://127.0.0.1:{viewer.port}"
    other = socket.gethostbyname_ex(socket.gethostname())[2]
    for address in (a for a in other if not a.startswith("127.")):
        with socket.socket() as trial:
            trial.settimeout(2)
            assert trial.connect_ex((address, viewer.port)) != 0, f"reachable at {address}"


def test_nothing_is_printed(start, capsys) -> None:
    start(wander()).stop()
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_several_motions_of_different_lengths_and_rates_play_together(start) -> None:
    short, long = wander(20, 1, fps=10), wander(400, 2, fps=100)
    page = start([short, long]).page
    assert page.playback.duration_s == pytest.approx(3.99)
    page.playback.seek(1.5)
    page.show()
    assert [shown.frame for shown in page._shown] == [15, 150]
    page.playback.seek(3.9)
    page.show()
    assert [shown.frame for shown in page._shown] == [19, 390]
    sides = [shown.joints.batched_positions[:, 0] for shown in page._shown]
    assert sides[0].max() < sides[1].min(), "side by side"


def test_what_is_sent_is_the_frame(start) -> None:
    motion = wander()
    page = start(motion).page
    page._follow.value = False
    page.playback.seek(17 / 25)
    page.show(again=True)
    np.testing.assert_allclose(page._shown[0].joints.batched_positions, motion.positions[17], atol=1e-6)
    page._follow.value = True
    page.show(again=True)
    stays = page._shown[0].joints.batched_positions - motion.positions[17]
    np.testing.assert_allclose(stays, np.tile(stays[0], (21, 1)), atol=1e-6)
    assert stays[0, 2] == pytest.approx(motion.positions[0, 0, 2] - motion.positions[17, 0, 2], abs=0.05)


def test_play_pause_and_speed(start) -> None:
    page = start(wander(100)).page
    page.step(0.5)
    assert page.playback.position_s == pytest.approx(0.5)
    assert page._slider.value in (12, 13)
    page.playback.toggle()
    page.step(1.0)
    assert page.playback.position_s == pytest.approx(0.5)


def test_fifty_thousand_frames_are_not_sent(start) -> None:
    """The socket of one client: little at the start, and one frame at a time."""
    n = 50_000
    begin = time.perf_counter()
    viewer = start(wander(n), keypoints(n))
    assert time.perf_counter() - begin < 20
    name = f"viser-v{viser.__version__}"
    with connect(f"ws://127.0.0.1:{viewer.port}", subprotocols=[name], max_size=2**24) as client:  # pyright: ignore
        first = _received(client)
        assert 10_000 < first < 2_000_000
        viewer.page.playback.seek(1500.0)
        viewer.page.show()
        assert viewer.page._shown[0].frame == 37_500
        assert 500 < _received(client) < 60_000


def _received(client, quiet_s: float = 1.0) -> int:
    """Bytes that come until nothing comes."""
    total = 0
    while True:
        try:
            total += len(client.recv(timeout=quiet_s))
        except TimeoutError:
            return total


def test_nothing_moves_while_nobody_looks(start) -> None:
    viewer = start(wander())
    time.sleep(0.2)
    assert viewer.page.playback.position_s == 0


def test_a_port_that_is_taken(start) -> None:
    viewer = start(wander())
    with pytest.raises(OutputError, match=f"port {viewer.port} of 127.0.0.1 is taken"):
        view(wander(), port=viewer.port, open_browser=False, block=False)
    with pytest.raises(InputError, match="0 to 65535"):
        view(wander(), port=70_000, open_browser=False, block=False)
    with pytest.raises(OutputError, match=r"192\.0\.2\.1"):
        view(wander(), host="192.0.2.1", port=0, open_browser=False, block=False)


def test_the_port_is_free_again_after_the_end(start) -> None:
    viewer = start(wander())
    viewer.stop()
    viewer.stop()
    with Viewer([wander()], port=viewer.port) as again:
        assert get(again)[0] == 200


def test_nothing_to_show() -> None:
    empty = replace(wander(), positions=wander().positions[:0])
    with pytest.raises(InputError, match="no frames"):
        view(empty, port=0, open_browser=False)
    with pytest.raises(InputError, match="no motion"):
        view([], port=0, open_browser=False)
    nobody = wander(3)
    with Viewer([replace(nobody, positions=nobody.positions * np.nan)], port=0) as viewer:
        assert get(viewer)[0] == 200


def test_a_single_pose(start) -> None:
    page = start(wander(1), keypoints(1)).page
    page.step(5.0)
    assert page._shown[0].frame == 0


def test_files_that_are_no_motion(tmp_path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with pytest.raises(InputError, match="no motion file"):
        view_files([tmp_path / "one"], port=0, open_browser=False)
    with pytest.raises(InputError, match="several folders"):
        view_files([tmp_path / "one", tmp_path / "two"], port=0, open_browser=False)
    with pytest.raises(InputError, match=r"none\.npz"):
        view_files([tmp_path / "none.npz"], port=0, open_browser=False)


def test_motion_files_are_shown_until_the_end(tmp_path, monkeypatch) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.bvh").write_text(
            "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\nCHANNELS 6 "
            "Xposition Yposition Zposition Zrotation Xrotation Yrotation\n"
            "JOINT Spine\n{\nOFFSET 0 50 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n"
            "End Site\n{\nOFFSET 0 60 0\n}\n}\n}\nMOTION\nFrames: 2\nFrame Time: 0.04\n" + "0 90 0 0 0 0 0 0 0\n" * 2
        )
    seen = []

    def end_at_once(viewer: Viewer) -> None:
        seen.extend([get(viewer)[0], len(viewer.page._shown)])
        viewer.stop()

    monkeypatch.setattr(Viewer, "wait", end_at_once)
    view_files([tmp_path / "1.bvh", str(tmp_path / "2.bvh")], port=0, open_browser=False)
    assert seen == [200, 2]
