"""The viewer as it runs: a real server, its page over HTTP, and what goes through its socket."""

import http.client
import socket
import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import viser
from scipy.spatial.transform import Rotation
from websockets.sync.client import connect

from maquette.errors import InputError, OutputError
from maquette.geometry.camera import Camera
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.skeleton import Skeleton
from maquette.skeletons import LIFTED_21
from maquette.viewer import Viewer, view


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

    def begin(*args, **options) -> Viewer:
        running.append(view(*args, port=0, open_browser=False, block=False, **options))
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


def on_page(body) -> np.ndarray:
    """Where the joints of a body lie on the page."""
    return body.root.position + body.meshes.joints.batched_positions


def test_several_motions_of_different_lengths_and_rates_play_together(start) -> None:
    short, long = wander(20, 1, fps=10), wander(400, 2, fps=100)
    page = start([short, long]).page
    assert page.playback.duration_s == pytest.approx(3.99)
    page.seek(1.5)
    assert [body.frame for body in page.bodies] == [15, 150]
    page.seek(3.9)
    assert [body.frame for body in page.bodies] == [19, 390]
    # Apart in a direction of their own, which is that of the first one's front view.
    along = page.bodies[1].root.position - page.bodies[0].root.position
    along = along * [1, 0, 1] / np.linalg.norm(along * [1, 0, 1])
    sides = [on_page(body) @ along for body in page.bodies]
    assert sides[0].max() < sides[1].min(), "side by side"


def test_what_is_sent_is_the_frame(start) -> None:
    motion = wander()
    page = start(motion).page
    page.look.follow.value = False
    page.changed()
    page.seek(17 / 25)
    np.testing.assert_allclose(on_page(page.bodies[0]), motion.positions[17], atol=1e-6)
    page.look.follow.value = True
    page.changed()
    stays = on_page(page.bodies[0]) - motion.positions[17]
    np.testing.assert_allclose(stays, np.tile(stays[0], (21, 1)), atol=1e-6)
    assert stays[0, 2] == pytest.approx(motion.positions[0, 0, 2] - motion.positions[17, 0, 2], abs=0.05)


def test_play_pause_step_and_speed(start) -> None:
    page = start(wander(100)).page
    page.step(0.5)
    assert page.playback.position_s == pytest.approx(0.5)
    page.toggle()
    page.step(1.0)
    assert page.playback.position_s == pytest.approx(0.5)
    assert page.time.slider.value == page.tick == 12
    page.step_to(page.tick + 1)
    assert (page.tick, page.bodies[0].frame, page.time.slider.value) == (13, 13, 13)
    page.step_to(-5)
    assert page.tick == 0
    page.step_to(1000)
    assert page.bodies[0].frame == 99


def test_steps_of_uneven_times_are_frames(start) -> None:
    times_s = 7.0 + np.array([0.0, 0.04, 0.5, 0.51, 2.0])
    page = start(replace(wander(5), timestamps_s=times_s)).page
    seen = []
    for tick in range(5):
        page.step_to(tick)
        seen.append((page.bodies[0].frame, round(page.playback.position_s, 6)))
    assert seen == list(enumerate([0.0, 0.04, 0.5, 0.51, 2.0]))


def test_the_lines_of_an_overlay_join_what_has_one_name(start) -> None:
    first, second = wander(30, 1), wander(60, 2, fps=50)
    page = start([first, second], arrangement="overlaid").page
    page.seek(1.0)
    page.look.follow.value = False
    page.changed()
    (difference,) = page._differences
    expected = np.stack((first.positions[25], second.positions[50]), axis=1)
    np.testing.assert_allclose(difference.node.points, expected, atol=1e-5)
    mean_mm = 1000 * np.linalg.norm(expected[:, 1] - expected[:, 0], axis=-1).mean()
    assert f"mean {mean_mm:.0f} mm over 21 joints" in page.look.differences.content
    page.look.arrangement.value = "overlaid at the root"
    page.changed()
    roots = on_page(page.bodies[1])[0] - on_page(page.bodies[0])[0]
    np.testing.assert_allclose(roots, 0, atol=1e-5)
    page.look.shown[0].value = False
    page.changed()
    assert page._differences == []
    page.look.shown[1].value = False
    page.changed()
    page.step(0.1)


def test_versions_are_turned_on_and_off(start) -> None:
    page = start([], variants={"raw": wander(30, 1), "refined": wander(30, 2)}).page
    assert [(body.entry.name, body.shown) for body in page.bodies] == [("raw", False), ("refined", True)]
    page.look.shown[0].value = True
    page.changed()
    page.seek(0.4)
    assert [body.frame for body in page.bodies] == [10, 10]


def test_contacts_uncertainty_and_trail(start) -> None:
    motion = wander(60)
    contacts = np.zeros((60, 2), dtype=bool)
    contacts[30] = (True, False)
    sigma_m = np.full((60, 21), 0.02)
    sigma_m[30, 3] = np.nan
    page = start(replace(motion, contacts=contacts, contact_joints=("l_heel", "r_heel"), sigma_m=sigma_m)).page
    page.look.trail.value = True
    page.look.joint.value = "nose"
    page.changed()
    page.seek(30 / 25)
    (body,) = page.bodies
    assert (body.contacts.node.batched_scales > 0).tolist() == [True, False]
    left = motion.skeleton.index("l_heel")
    np.testing.assert_allclose(
        body.contacts.node.batched_positions[0, [0, 2]], motion.positions[30, left, [0, 2]], atol=1e-6
    )
    radii = body.uncertainty.node.batched_scales
    assert radii[3] == 0
    np.testing.assert_allclose(np.delete(radii, 3), 0.04, atol=1e-6)
    trail = np.array(page.trails[0].node.points)
    nose = motion.positions[:, motion.skeleton.index("nose")]
    np.testing.assert_allclose(trail[-1, 1], nose[30], atol=1e-5)
    np.testing.assert_allclose(trail[0, 0], nose[0], atol=1e-5)


def test_the_camera_stands_where_it_saw_the_motion(start) -> None:
    """Through the pyramid's own pose the joints lie where the camera projects them."""
    turn = Rotation.from_euler("YXZ", [150, 12, 5], degrees=True).as_matrix() @ np.diag([1.0, -1.0, -1.0])
    camera = Camera((900.0, 950.0), (400.0, 300.0), (800, 600), turn.T, np.array([0.5, 1.4, 4.0]))
    for frame in ("world", "camera"):
        motion = replace(wander(10), camera=camera, frame=frame)
        page = start(motion).page
        (frustum,) = page.frustums
        (body,) = page.bodies
        seen = Rotation.from_quat(frustum.wxyz, scalar_first=True).inv().apply(body.positions(0) - frustum.position_m)
        np.testing.assert_allclose(camera.project(seen), camera.project_world(motion.positions[0]), atol=1e-6)


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
        viewer.page.seek(1500.0)
        assert viewer.page.bodies[0].frame == 37_500
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
    assert page.bodies[0].frame == 0


@pytest.mark.parametrize(
    "motion",
    [
        replace(wander(8), positions=np.where(np.arange(8)[:, None, None] % 3 == 1, np.nan, wander(8).positions)),
        replace(wander(8), positions=np.where(np.arange(21)[None, :, None] == 0, np.nan, wander(8).positions)),
        replace(wander(8), frame="camera"),
        Motion(
            wander(8).positions,
            Skeleton("markers", tuple(f"m{i}" for i in range(21)), (-1,) * 21),
            Fraction(25),
            "world",
        ),
        Motion(np.zeros((3, 1, 3)), Skeleton("point", ("p",), (-1,)), Fraction(25), "world"),
        Motion(np.full((4, 1, 3), np.nan), Skeleton("point", ("p",), (-1,)), Fraction(25), "world"),
    ],
    ids=["frames missing", "root missing", "camera frame", "markers", "one joint", "nothing"],
)
def test_odd_motions(start, motion: Motion) -> None:
    other = wander(12, 3)
    for arrangement in ("side by side", "overlaid at the root"):
        page = start([motion, other], arrangement=arrangement).page
        page.look.trail.value = True
        page.look.colour.value = "error"
        page.curves.quantity.value = "speed"
        page.changed()
        for tick in range(page.time.slider.max + 1):
            page.step_to(tick)
            for body in page.bodies:
                assert np.isfinite(body.meshes.joints.batched_positions).all()
                assert np.isfinite(body.root.position).all()


def test_two_tabs_and_one_that_goes_away(start) -> None:
    viewer = start(wander(200))
    name = f"viser-v{viser.__version__}"
    address = f"ws://127.0.0.1:{viewer.port}"
    with connect(address, subprotocols=[name], max_size=2**24) as stays:  # pyright: ignore
        leaves = connect(address, subprotocols=[name], max_size=2**24)  # pyright: ignore
        assert min(_received(leaves), _received(stays)) > 10_000
        leaves.socket.close()
        for _ in range(20):
            viewer.page.step(0.04)
        assert _received(stays) > 1000


def test_a_video_that_cannot_be_read(start, tmp_path) -> None:
    (tmp_path / "no.mp4").write_bytes(b"no video")
    with pytest.raises(InputError, match=r"no\.mp4"):
        start(wander(), keypoints(), video=tmp_path / "no.mp4")
