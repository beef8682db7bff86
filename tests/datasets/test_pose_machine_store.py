"""Rows of a store: frames, squares, millimetres in the camera's frame, mean limb lengths."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_store import H36M_32, JOINTS, TAKES, cameras, positions_world_m, write_store
from scipy.spatial.transform import Rotation

from maquette.datasets.pose_machine_limbs import LimbLengths, beyond_mm, mean_limb_lengths
from maquette.datasets.pose_machine_lists import read_list, write_list
from maquette.datasets.pose_machine_rows import PoseMachineRows
from maquette.datasets.pose_machine_square import Squares, machine_points, squares_around
from maquette.datasets.pose_machine_store import TEST, limbs_of_store, rows_from_store
from maquette.datasets.store import PoseStore, Source, StoreWriter, open_store
from maquette.errors import InputError
from maquette.lifting.min_max import PUBLISHED_16, PUBLISHED_17
from maquette.skeletons import H36M_16, H36M_17, MPII_16

WITHOUT_NOSE = [i for i in range(17) if i != 9]
VIDEOS = [(subject, action, camera) for subject, action in TAKES for camera in cameras()]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> PoseStore:
    return open_store(write_store(tmp_path_factory.mktemp("pose_machine") / "store"))


@pytest.fixture(scope="module")
def rows(store: PoseStore) -> PoseMachineRows:
    return rows_from_store(store, subjects=TEST)


def _video(rows: PoseMachineRows, number: int) -> slice:
    return slice(int(rows.starts[number]), int(rows.starts[number + 1]))


def test_every_fifth_frame_of_every_video_of_every_camera(rows: PoseMachineRows) -> None:
    assert [(label.subject, label.action, label.camera) for label in rows.labels] == VIDEOS
    lengths = [-(-TAKES[subject, action] // 5) for subject, action, _ in VIDEOS]
    assert np.diff(rows.starts).tolist() == lengths
    assert rows.label(int(rows.starts[3])) == rows.labels[3]
    assert rows.pictures is not None
    assert rows.pictures[2] == "S9/Walking.54138969/000010.jpg"


def test_3d_is_of_the_camera_relative_to_the_hip_in_millimetres(rows: PoseMachineRows) -> None:
    for number, (subject, action, camera) in enumerate(VIDEOS):
        view = cameras()[camera]
        world = positions_world_m(subject, action)[::5, JOINTS].astype(np.float64)
        seen = (world - view.position_world_m) @ view.R_camera_world.T * 1000
        expected = (seen - seen[:, :1])[:, WITHOUT_NOSE]
        np.testing.assert_allclose(rows.targets_mm()[_video(rows, number)], expected, atol=2e-3)
    # As in the published limits: the head lies far on the negative side of y, the feet on the positive.
    assert rows.targets_mm()[:, H36M_16.index("head"), 1].max() < -500
    assert rows.targets_mm()[:, H36M_16.index("r_ankle"), 1].min() > 300
    assert PUBLISHED_16.min_mm[H36M_16.index("head"), 1] < -700
    assert PUBLISHED_16.max_mm[H36M_16.index("r_ankle"), 1] > 900


def test_points_lead_back_to_pixels(store: PoseStore, rows: PoseMachineRows) -> None:
    assert rows.boxes is not None
    back = Squares(rows.boxes).points_px(rows.points)
    recording = store.recordings[0]
    expected = store.keypoints_px(recording, recording.views[1], "gt")[::5, JOINTS][:, WITHOUT_NOSE]
    np.testing.assert_allclose(back[_video(rows, 1)], expected, atol=1e-3)


def test_squares_stand_around_the_person(rows: PoseMachineRows) -> None:
    low, high = rows.points.min(axis=1), rows.points.max(axis=1)
    np.testing.assert_allclose((low + high) / 2, 0.5, atol=1e-6)
    np.testing.assert_allclose((high - low).max(axis=1), 1 / 1.3, atol=1e-6)


@given(
    arrays(np.float64, (3, 16, 2), elements=st.floats(-2000, 2000)),
    arrays(bool, (3, 16)),
    st.floats(0, 2),
)
def test_squares_hold_what_is_visible(points: np.ndarray, visible: np.ndarray, margin: float) -> None:
    visible[:, 0] = True
    squares = squares_around(points, visible, margin=margin)
    shares = squares.shares(points)
    assert (shares[visible] >= -1e-9).all()
    assert (shares[visible] <= 1 + 1e-9).all()
    np.testing.assert_allclose(squares.points_px(shares), points, atol=1e-6)


def test_squares_without_points() -> None:
    with pytest.raises(InputError, match="1 pictures without any point, the first is number 2"):
        squares_around(np.zeros((2, 16, 2)), np.array([[True] * 16, [False] * 16]))
    with pytest.raises(InputError, match="margin -1"):
        squares_around(np.zeros((2, 16, 2)), np.ones((2, 16), dtype=bool), margin=-1)


def test_other_rates_actions_and_names(store: PoseStore) -> None:
    rows = rows_from_store(
        store, subjects=["S9"], actions=["Photo"], every=20, pictures="{subject}_{kind}_{camera}_{number}.png"
    )
    assert len(rows) == 2 * 3
    assert rows.pictures is not None
    assert rows.pictures[5] == "S9_Photo_55011271_41.png"
    assert rows.continues.tolist() == [False, True, True] * 2


def test_a_list_of_a_store(rows: PoseMachineRows, tmp_path: Path) -> None:
    write_list(tmp_path / "16skel_test_2d3d_clip.txt", rows)
    again = read_list(tmp_path / "16skel_test_2d3d_clip.txt")
    for part in ("points", "targets", "continues", "visible"):
        np.testing.assert_array_equal(getattr(again, part), getattr(rows, part))


def test_what_a_store_does_not_have(store: PoseStore) -> None:
    with pytest.raises(InputError, match=r"4 problems(.|\n)*every 0-th(.|\n)*'hg'(.|\n)*'S1'(.|\n)*'Sitting'"):
        rows_from_store(store, subjects=["S1", "S9"], source="hg", actions=["Sitting"], every=0)
    with pytest.raises(InputError, match=r"names of pictures '\{person\}'"):
        rows_from_store(store, subjects=["S9"], pictures="{person}")
    with pytest.raises(InputError, match="no subject 'S1'"):
        limbs_of_store(store)


# --- detections -------------------------------------------------------------------------------------------------------


def test_points_that_were_not_found(tmp_path: Path) -> None:
    camera = cameras()["54138969"]
    world = positions_world_m("S9", "Photo")
    seen = np.concatenate([camera.project_world(world.astype(float)), np.ones((50, 32, 1))], axis=-1)
    wrist = H36M_32.index("r_wrist")
    seen[5, wrist, 2] = 0
    seen[20] = 0
    with StoreWriter(
        tmp_path / "s", name="x", skeleton=H36M_32, sources=[Source("found", H36M_32, channels=3)]
    ) as writer:
        number = writer.add_recording("S9", "Photo", world, fps=50, cameras={"54138969": camera})
        writer.add_keypoints(number, "54138969", "found", seen.astype(np.float32))
    rows = rows_from_store(open_store(tmp_path / "s"), subjects=["S9"], source="found")
    assert len(rows) == 9  # frame 20 is left out
    assert rows.continues.tolist() == [False, True, True, True, False, True, True, True, True]
    assert np.argwhere(~rows.visible).tolist() == [[1, H36M_16.index("r_wrist")]]
    assert (rows.points[~rows.visible] == 0).all()
    assert rows.pictures is not None
    assert rows.pictures[4].endswith("000025.jpg")


def test_points_of_mpii() -> None:
    seen = np.random.default_rng(0).uniform(100, 900, (4, 16, 2))
    points, visible = machine_points(seen, MPII_16)
    pairs = {"r_ankle": "r_ankle", "head": "head_top", "hip": "pelvis", "thorax": "thorax", "l_wrist": "l_wrist"}
    for ours, theirs in pairs.items():
        np.testing.assert_array_equal(points[:, H36M_16.index(ours)], seen[:, MPII_16.index(theirs)])
    assert [H36M_16.joints[i] for i in np.flatnonzero(~visible[0])] == ["spine"]


# --- mean limb lengths ------------------------------------------------------------------------------------------------


def test_mean_limb_lengths_of_a_store(store: PoseStore) -> None:
    limbs = limbs_of_store(store, subjects=TEST, every=1)
    bodies = np.concatenate([positions_world_m(*take)[:, JOINTS] for take in TAKES]).astype(np.float64) * 1000
    for parent, child in H36M_17.bones:
        mean = np.linalg.norm(bodies[:, child] - bodies[:, parent], axis=-1).mean()
        np.testing.assert_allclose(limbs.lengths_mm[child], mean, rtol=1e-6)


def test_every_body_gets_them_and_keeps_its_directions(store: PoseStore, rows: PoseMachineRows) -> None:
    limbs = LimbLengths(limbs_of_store(store, subjects=TEST).lengths_mm * np.linspace(0.8, 1.3, 17))
    scaled = rows_from_store(store, subjects=TEST, limbs=limbs)
    np.testing.assert_array_equal(scaled.points, rows.points)  # the picture is what it is
    assert "legacy" in scaled.notes[0]
    raw, changed = rows.targets_mm(), scaled.targets_mm()
    for parent, child in H36M_16.bones:
        if H36M_16.joints[child] == "head":
            continue  # beyond the nose, which is no joint here
        before, after = (body[:, child] - body[:, parent] for body in (raw, changed))
        length = limbs.lengths_mm[H36M_17.index(H36M_16.joints[child])]
        np.testing.assert_allclose(np.linalg.norm(after, axis=-1), length, atol=1e-2)
        np.testing.assert_allclose(np.cross(before, after), 0, atol=60)  # mm^2; of bones of 100 to 500 mm
    arm = [limbs.lengths_mm[H36M_17.index(name)] for name in ("spine", "thorax", "r_shoulder", "r_elbow", "r_wrist")]
    assert np.linalg.norm(changed[:, H36M_16.index("r_wrist")], axis=-1).max() <= sum(arm) + 1e-2


def test_published_limits_are_those_of_bodies_of_one_size() -> None:
    farthest = np.abs([PUBLISHED_17.max_mm, PUBLISHED_17.min_mm])
    for name in ("r_hip", "l_hip"):
        # As far along every axis, both ways, whoever it is: that is the length of the bone.
        np.testing.assert_allclose(farthest[:, H36M_17.index(name)], 134.05, atol=0.11)
    np.testing.assert_allclose(farthest.max(axis=0)[H36M_17.index("spine")], 238.46, atol=0.07)
    # A body of these lengths is never beyond the limits of hips and spine, however it turns.
    lengths = np.full(17, 300.0)
    lengths[H36M_17.indices(["r_hip", "l_hip", "spine"])] = 134.05, 134.05, 238.46
    body = np.random.default_rng(1).normal(0, 300, (1, 17, 3))
    turned = np.einsum(
        "nij,bkj->nbki",
        Rotation.random(20_000, rng=np.random.default_rng(2)).as_matrix(),
        LimbLengths(lengths).rescaled(body),
    )
    beyond = beyond_mm(turned[:, 0] - turned[:, 0, :1], PUBLISHED_17)
    hips = H36M_17.indices(["hip", "r_hip", "l_hip"])
    assert (beyond[hips] < 0.1).all()


def test_bodies_that_leave_the_limits_are_told(store: PoseStore) -> None:
    limbs = LimbLengths(limbs_of_store(store, subjects=TEST).lengths_mm * 2)
    assert "positions leave the limits" in rows_from_store(store, subjects=TEST, limbs=limbs).notes[-1]


def test_limbs_that_cannot_be() -> None:
    lengths = np.full(17, 300.0)
    lengths[[3, 5]] = 0, np.nan
    with pytest.raises(InputError, match="r_ankle, l_knee"):
        LimbLengths(lengths)
    with pytest.raises(InputError, match="no frames"):
        mean_limb_lengths([])
