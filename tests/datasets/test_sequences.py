"""Normalised sequences against the arrays that the published program prepares."""

import json

import numpy as np
import pytest
from published_sequences import camera, published_sequences, published_tracks

from maquette.datasets.screen import intrinsics_of, normalised_screen
from maquette.datasets.sequences import (
    Label,
    Sequences,
    Track,
    assemble,
    fraction_of,
    sequences_from_store,
)
from maquette.datasets.store import Source, StoreWriter, open_store
from maquette.errors import InputError
from maquette.geometry.camera import Camera
from maquette.skeletons import H36M_17, H36M_32

CAMERA = Camera(focal_px=(1145.0, 1144.0), centre_px=(512.5, 515.4), image_size=(1000, 1002))


@pytest.mark.parametrize("subject", ["S1", "S9"])
def test_prepared_arrays(goldens_dir, subject):
    golden = dict(np.load(goldens_dir / "generators" / "prepared_videopose3d.npz"))
    sequences = published_sequences(goldens_dir, subject, bits=False)
    compared = 0
    for i, label in enumerate(sequences.labels):
        key = f"{subject}|{label.action}|{label.camera}"
        if f"kps2d_norm|{key}" in golden:
            np.testing.assert_array_equal(sequences.inputs[sequences.rows(i)], golden[f"kps2d_norm|{key}"])
            # The original computes in single precision, five metres away from the camera.
            np.testing.assert_allclose(sequences.targets[sequences.rows(i)], golden[f"pos3d_cam|{key}"], atol=2e-6)
            compared += 1
        lengths = golden[f"lengths|{subject}|{label.action}"][int(label.camera)]
        rows = sequences.rows(i)
        assert (lengths == rows.stop - rows.start).all()
        np.testing.assert_allclose(
            sequences.intrinsics[i], golden[f"cam_intrinsic|{subject}|{label.camera}"], rtol=2e-7
        )
    assert compared == 2
    assert H36M_17.parents == tuple(golden["skeleton_parents"])
    assert set(H36M_17.left) == set(golden["joints_left"]) == set(golden["kps_left"])


def test_subset_and_downsample_as_published(goldens_dir):
    info = json.loads((goldens_dir / "generators" / "info_videopose3d.json").read_text())
    half = published_sequences(goldens_dir, "S1", subset=0.5)
    assert np.diff(half.starts).tolist() == info["subset0.5_lengths"]
    first = np.load(goldens_dir / "generators" / "batches_videopose3d.npz")["subset0.5_first_frames_2d"]
    np.testing.assert_array_equal(half.inputs[half.starts[:-1]], first)
    third = published_sequences(goldens_dir, "S1", downsample=3)
    assert np.diff(third.starts).tolist() == info["downsample3_lengths"]


@pytest.mark.parametrize(
    ("frames", "subset", "kept", "start"),
    [
        (1384, 0.1, 138, 1208),
        (1384, 0.5, 692, 671),
        (2995, 0.1, 300, 449),
        (6228, 0.1, 623, 5355),
        (1621, 0.5, 810, 82),
    ],
)
def test_where_a_subset_starts(frames, subset, kept, start):
    assert fraction_of(frames, subset, 1) == slice(start, start + kept, 1)


def test_lens_of_the_network_is_that_of_the_camera(goldens_dir):
    golden = dict(np.load(goldens_dir / "generators" / "prepared_videopose3d.npz"))
    lens = camera(golden, "S1", 0)
    points = np.random.default_rng(0).uniform([-1, -1, 3], [1, 1, 6], (50, 3))
    f, c, k, t = np.split(intrinsics_of(lens).astype(float), [2, 4, 7])
    xy = points[:, :2] / points[:, 2:]
    r2 = (xy**2).sum(-1, keepdims=True)
    bent = xy * (1 + k[0] * r2 + k[1] * r2**2 + k[2] * r2**3 + xy @ t[:, None]) + t * r2
    wanted = normalised_screen(lens.project(points)[:, None], lens)[:, 0]
    np.testing.assert_allclose(f * bent + c, wanted, atol=1e-6)
    assert np.isnan(
        intrinsics_of(
            Camera((9.0, 9.0), (5.0, 5.0), (9, 9), distortion=(0.1, 0.0, 0.0, 0.0), distortion_model="opencv")
        )[4:]
    ).all()


def test_scores_stay_and_width_scales_both():
    seen = normalised_screen(np.array([[[0.0, 0.0, 0.3]], [[1000.0, 1002.0, 0.9]]]), CAMERA)
    np.testing.assert_allclose(seen[:, 0], [[-1, -1.002, 0.3], [1, 1.002, 0.9]], rtol=1e-6)


def test_all_that_does_not_fit_is_said_at_once(goldens_dir):
    track = published_tracks(goldens_dir, "S1", bits=False)[0]
    short = Track(track.label, track.camera, track.keypoints_px[:10], track.positions_camera_m)
    with pytest.raises(InputError, match=r"(?s)2 problems.*subset 2.*downsample 0"):
        assemble([track], H36M_17, H36M_17, subset=2, downsample=0)
    with pytest.raises(InputError, match=r"(?s)2 problems.*10 frames of 2D for 60.*10 frames of 2D"):
        assemble([short, track, short], H36M_17, H36M_17)
    with pytest.raises(InputError, match=r"subset 0\.001 leaves none of its 60 frames"):
        assemble([track], H36M_17, H36M_17, subset=0.001)
    holes = track.keypoints_px.copy()
    holes[3, 2] = np.nan
    with pytest.raises(InputError, match="S1, Directions 1, camera 0: the 2D input has frames with missing values"):
        assemble([Track(track.label, track.camera, holes, track.positions_camera_m)], H36M_17, H36M_17)
    with pytest.raises(InputError, match="there is none"):
        assemble([], H36M_17, H36M_17)


def test_labels_and_bounds():
    assert Label("S1", "Directions 1", "0").kind == "Directions"
    rows = np.zeros((4, 17, 2), np.float32)
    with pytest.raises(InputError, match=r"starts of 1 sequences are 2 growing numbers"):
        Sequences(
            inputs=rows,
            targets=np.zeros((4, 17, 3), np.float32),
            starts=np.array([0, 4, 4]),
            labels=(Label("S1", "Walk", "0"),),
            intrinsics=np.zeros((1, 9), np.float32),
            input_skeleton=H36M_17,
            target_skeleton=H36M_17,
            image_sizes=np.zeros((1, 2), int),
        )


@pytest.fixture
def store(goldens_dir, tmp_path):
    """Two subjects with all 32 joints of the motion capture and two 2D sources, one of which a view lacks."""
    tracks = [t for subject in ("S9", "S1") for t in published_tracks(goldens_dir, subject, bits=False)]
    detector, projection = Source("detector", H36M_17), Source("gt", H36M_32)
    path = tmp_path / "store"
    with StoreWriter(path, name="made up", skeleton=H36M_32, sources=[detector, projection]) as writer:
        for views in (tracks[i : i + 4] for i in range(0, len(tracks), 4)):
            label = views[0].label
            world = np.full((len(views[0].positions_camera_m), 32, 3), 7.0)
            world[:, H36M_32.indices(H36M_17.joints)] = views[0].camera.camera_to_world(views[0].positions_camera_m)
            cameras = {view.label.camera: view.camera for view in views}
            number = writer.add_recording(label.subject, label.action, world, fps=50, cameras=cameras)
            for view in views:
                writer.add_keypoints(number, view.label.camera, "gt", view.camera.project_world(world))
                if (label.subject, view.label.camera) != ("S9", "2"):
                    writer.add_keypoints(number, view.label.camera, "detector", view.keypoints_px.astype(float))
    return open_store(path)


def test_from_a_store(store, goldens_dir):
    from_files = published_sequences(goldens_dir, "S1", bits=False)
    found = sequences_from_store(store, source="detector", subjects=["S1", "S9"])
    ours = slice(0, int(from_files.starts[-1]))
    assert found.labels[:8] == from_files.labels
    assert [label.camera for label in found.labels[8:]] == ["0", "1", "3"] * 2
    np.testing.assert_array_equal(found.inputs[ours], from_files.inputs)
    np.testing.assert_allclose(found.targets[ours], from_files.targets, atol=1e-6)
    np.testing.assert_array_equal(found.intrinsics[:8], from_files.intrinsics)
    projected = sequences_from_store(store, source="gt", subjects=["S9"], actions=["Walk"])
    assert {str(label) for label in projected.labels} == {f"S9, Walking, camera {i}" for i in range(4)}
    assert projected.input_skeleton == projected.target_skeleton == H36M_17


def test_what_a_store_lacks(store):
    with pytest.raises(
        InputError, match=r"(?s)3 problems.*no subject 'S5'; there are: S9, S1.*'sh'.*begins with 'Box'"
    ):
        sequences_from_store(store, source="sh", subjects=["S1", "S5"], actions=["Box", "Walk"])


def test_the_order_is_that_of_the_2d_file(tmp_path):
    """The shuffled order of the published program counts from it, whatever the order of the 3D file."""
    body = np.random.default_rng(0).normal(size=(4, 17, 3)) + (0, 0, 6)
    points = np.full((4, 17, 2), 500.0)
    with StoreWriter(tmp_path / "s", name="two", skeleton=H36M_17, sources=[Source("cpn", H36M_17, 2)]) as writer:
        numbers = [writer.add_recording("S1", a, body, fps=50, cameras={"c": CAMERA}) for a in ("Walking", "Eating")]
        for number in reversed(numbers):
            writer.add_keypoints(number, "c", "cpn", points)
    found = sequences_from_store(open_store(tmp_path / "s"), source="cpn", subjects=["S1"])
    assert [label.action for label in found.labels] == ["Eating", "Walking"]
