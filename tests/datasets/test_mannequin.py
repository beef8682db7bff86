"""The mannequin: surfaces against the definition of what they are, labels against the camera, files against chance."""

from pathlib import Path

import numpy as np
import pytest

from maquette.cli import main
from maquette.datasets.mannequin_body import Clothes, dressed, mpii_joints
from maquette.datasets.mannequin_scene import View, photograph
from maquette.datasets.mannequin_set import MannequinSet, open_mannequin
from maquette.datasets.mannequin_surface import RoundedCones, look_at_solids, rays
from maquette.datasets.mocap import NODES, VECTORS
from maquette.datasets.picture_people import PicturePeople
from maquette.errors import InputError
from maquette.skeletons import LIFTED_21, MPII_16

SIZE, FOCAL, CENTRE = (96, 80), 110.0, (48.0, 40.0)


def _distance(points: np.ndarray, a: np.ndarray, b: np.ndarray, ra: float, rb: float) -> np.ndarray:
    """Distance of points from what a ball sweeps, by trying very many balls."""
    t = np.linspace(0, 1, 401)[:, None]
    middles, radii = a + t * (b - a), ra + t[:, 0] * (rb - ra)
    return np.min([np.linalg.norm(points - m, axis=-1) - r for m, r in zip(middles, radii, strict=True)], axis=0)


@pytest.mark.parametrize(
    ("a", "b", "ra", "rb"),
    [
        ([-0.3, 0.1, 2.0], [0.4, -0.2, 2.3], 0.20, 0.08),
        ([-0.3, 0.1, 2.0], [0.4, -0.2, 2.3], 0.08, 0.20),
        ([0.0, 0.0, 1.5], [0.05, 0.0, 2.5], 0.10, 0.10),
        ([0.1, 0.1, 2.0], [0.15, 0.1, 2.0], 0.30, 0.05),
        ([0.0, 0.2, 2.0], [0.0, 0.2, 2.0], 0.20, 0.20),
    ],
    ids=["thins", "widens", "along the view", "one ball holds the other", "a ball"],
)
def test_what_a_pixel_sees_lies_on_what_a_ball_sweeps(a: list, b: list, ra: float, rb: float) -> None:
    first, last = np.array(a), np.array(b)
    solids = RoundedCones(first[None], last[None], np.array([ra]), np.array([rb]))
    surface = look_at_solids(solids, SIZE, FOCAL, CENTRE)
    hit = surface.solid == 0
    directions = rays(SIZE, FOCAL, CENTRE).astype(np.float64)
    assert hit.sum() > 100
    points = directions[hit] * surface.depth_m[hit][:, None]
    assert np.abs(_distance(points, first, last, ra, rb)).max() < 1e-4
    # Nothing of it lies nearer on these rays, and rays that miss it stay outside all along.
    nearer = directions[hit][::37] * (surface.depth_m[hit][::37][:, None] - 0.01)
    assert _distance(nearer, first, last, ra, rb).min() > 0
    missed = directions[~hit][::61]
    along = np.linspace(0.5, 4, 300)[:, None, None] * missed
    assert _distance(along.reshape(-1, 3), first, last, ra, rb).min() > -1e-4
    # Normals: stepping along them leaves the solid as fast as possible, and they face the camera.
    out = points + 1e-2 * surface.normal[hit]
    assert np.abs(_distance(out, first, last, ra, rb) - 1e-2).max() < 2e-4
    assert (np.einsum("ij,ij->i", surface.normal[hit], directions[hit]) <= 1e-4).all()


def test_the_nearer_solid_hides_the_other() -> None:
    solids = RoundedCones(
        np.array([[0, 0, 3.0], [0, 0, 2.0]]), np.array([[0, 0.4, 3.0], [0, 0.4, 2.0]]), np.full(2, 0.3), np.full(2, 0.1)
    )
    for order in ([0, 1], [1, 0]):
        chosen = RoundedCones(*(x[order] for x in (solids.start, solids.end, solids.start_radius, solids.end_radius)))
        surface = look_at_solids(chosen, SIZE, FOCAL, CENTRE)
        assert surface.solid[40, 48] == order.index(1)
    assert np.isinf(surface.depth_m[surface.solid < 0]).all()


def _standing() -> np.ndarray:
    """Bone vectors of somebody who stands upright, facing +z, arms hanging."""
    bones = {
        **dict.fromkeys(("l_knee", "r_knee", "l_ankle", "r_ankle"), (0, -0.42, 0)),
        "l_hip": (0.09, 0, 0),
        "r_hip": (-0.09, 0, 0),
        "spine": (0, 0.27, 0),
        "thorax": (0, 0.28, 0),
        "nose": (0, 0.12, 0.04),
        "head": (0, 0.13, -0.04),
        "l_shoulder": (0.19, -0.04, 0),
        "r_shoulder": (-0.19, -0.04, 0),
        **dict.fromkeys(("l_elbow", "r_elbow", "l_wrist", "r_wrist"), (0, -0.26, 0.02)),
        **dict.fromkeys(("l_heel", "r_heel"), (0, -0.06, -0.04)),
        **dict.fromkeys(("l_toe", "r_toe"), (0, -0.07, 0.13)),
        **dict.fromkeys(("l_toe_tip", "r_toe_tip"), (0, 0, 0.06)),
    }
    out = np.zeros((VECTORS, 3), dtype=np.float32)
    for name, vector in bones.items():
        out[NODES.index(name)] = vector
    out[0, 1] = 0.93
    out[-2], out[-1] = (0, 0, 1), (0, 1, 0)
    return out


def _before(pose: np.ndarray) -> View:
    """A camera that looks at the face: picture right is the person's left."""
    return View(np.diag([1.0, -1, -1]), np.array([0, 0.9, 4.0]), 260.0, (80.0, 80.0), (160, 160))


def test_joints_lie_inside_the_body_and_left_is_left() -> None:
    pose = _standing()
    view = _before(pose)
    body = dressed(pose, Clothes(1.0, 1.0, False, 1.0))
    camera = view.to_camera(mpii_joints(pose))
    points = view.project(camera)
    solids = RoundedCones(
        view.to_camera(body.solids.start), view.to_camera(body.solids.end), body.solids.start_radius,
        body.solids.end_radius,
    )  # fmt: skip
    surface = look_at_solids(solids, view.size, view.focal_px, view.centre_px)
    for joint, (x, y), z in zip(MPII_16.joints, points, camera[:, 2], strict=True):
        row, column = int(y), int(x)
        assert (surface.solid[row - 2 : row + 3, column - 2 : column + 3] >= 0).any(), joint
        nearest = surface.depth_m[row - 2 : row + 3, column - 2 : column + 3].min()
        assert z - 0.30 < nearest < z + 0.05, joint
    left, right = points[MPII_16.index("l_wrist")], points[MPII_16.index("r_wrist")]
    assert left[0] > right[0]
    picture = photograph(np.random.default_rng(0), body, view, "studio")
    assert picture.shape == (160, 160, 3)
    assert picture.dtype == np.uint8


def _store(folder: Path) -> Path:
    """A store of two clips for each split, in the layout of open motion capture."""
    import json

    from maquette.datasets.mocap import positions_of

    rng = np.random.default_rng(3)
    folder.mkdir()
    names = [*LIFTED_21.joints[:17], *("l_heel", "r_heel", "l_toe", "r_toe")]
    index, arrays = {}, {}
    for split in ("train", "val", "test"):
        for i in range(2):
            pose = np.repeat(_standing()[None], 40, axis=0)
            pose[:, 1:-2] += 0.02 * np.sin(np.arange(40)[:, None, None] / 9 + rng.uniform(0, 6, (1, VECTORS - 3, 3)))
            nodes = positions_of(pose)
            points = np.full((40, 30, 3), np.nan, dtype=np.float32)
            points[:, :21] = nodes[:, [NODES.index(name) for name in names]]
            points[:, 21:23] = nodes[:, -2:]
            points[:, 28], points[:, 29] = pose[:, -2], pose[:, -1]
            arrays[f"{split}/{i}"] = points
            index[f"{split}/{i}"] = {"subject": split, "split": split, "action": "sway", "rig": "made", "fps": 50}
    (folder / "index.json").write_text(json.dumps(index))
    np.savez(folder / "made_landmarks.npz", **arrays)
    return folder


@pytest.fixture(scope="module")
def mannequins(tmp_path_factory: pytest.TempPathFactory) -> MannequinSet:
    folder = tmp_path_factory.mktemp("mannequins")
    store = _store(folder / "mocap")
    options = ["--pictures", "20", "--picture-size", "96", "--workers", "1", "--seed", "5"]
    assert main(["prepare", "mannequin", str(store), str(folder / "out"), *options]) == 0
    return open_mannequin(folder / "out")


def test_a_set_is_people_in_pictures_half_of_them_in_the_studio(mannequins: MannequinSet) -> None:
    assert isinstance(mannequins, PicturePeople)
    assert len(mannequins) == 24
    assert [len(mannequins.people(s)) for s in ("train", "val", "test")] == [20, 2, 2]
    assert len(mannequins.people("train", studio=True)) == len(mannequins.people("train", studio=False)) == 10
    with pytest.raises(InputError, match="no split dev"):
        mannequins.people("dev")


def test_2d_is_where_a_camera_sees_the_3d(mannequins: MannequinSet) -> None:
    for i in range(len(mannequins)):
        person = mannequins.person(i)
        picture = person.picture()
        assert picture.shape == (96, 96, 3)
        assert person.camera_mm is not None
        # One focal length and one centre explain all joints: least squares over (x / z, 1).
        for axis in (0, 1):
            ratio = person.camera_mm[:, axis] / person.camera_mm[:, 2]
            fit = np.polyfit(ratio, person.points_px[:, axis], 1)
            assert np.abs(np.polyval(fit, ratio) - person.points_px[:, axis]).max() < 1e-6
        assert (np.abs(person.points_px - person.centre_px) <= person.side_px / 2).all()
        assert person.visible.all()


def test_the_person_differs_from_what_is_behind(mannequins: MannequinSet) -> None:
    """At the joints of somebody in the studio there is something else than at the border of the picture."""
    for i in mannequins.people("train", studio=True):
        person = mannequins.person(int(i))
        picture = person.picture().astype(float)
        spread = picture[:5].reshape(-1, 3).std(axis=0).mean()
        assert picture[20:-20, 20:-20].reshape(-1, 3).std(axis=0).mean() > spread


def test_pictures_depend_on_the_seed_and_not_on_the_workers(tmp_path: Path, mannequins: MannequinSet) -> None:
    from maquette.datasets.mannequin_pictures import prepare_mannequin

    store = _store(tmp_path / "mocap")
    again = prepare_mannequin(store, tmp_path / "again", pictures=20, picture_size=96, seed=5, workers=2)
    other = prepare_mannequin(store, tmp_path / "other", pictures=20, picture_size=96, seed=6, workers=1)
    for i in (0, 7, 21):
        assert np.array_equal(again.person(i).picture(), mannequins.person(i).picture())
        assert np.array_equal(again.person(i).points_px, mannequins.person(i).points_px)
    assert not np.array_equal(other.person(0).picture(), mannequins.person(0).picture())


def test_what_cannot_be_drawn_or_opened_is_said(
    tmp_path: Path, mannequins: MannequinSet, capsys: pytest.CaptureFixture[str]
) -> None:
    store = _store(tmp_path / "mocap")
    assert main(["prepare", "mannequin", str(store), str(tmp_path / "a"), "--pictures", "3"]) == 2
    assert "expected 10 pictures" in capsys.readouterr().err
    assert main(["prepare", "mannequin", str(tmp_path), str(tmp_path / "b")]) == 2
    assert "index.json" in capsys.readouterr().err
    assert main(["prepare", "mannequin", str(store), str(mannequins.folder)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main(["prepare", "mannequin", str(store), str(store)]) == 2
    assert "other files" in capsys.readouterr().err
    with pytest.raises(InputError, match="maquette prepare mannequin"):
        open_mannequin(tmp_path)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "mannequin.json").write_bytes((mannequins.folder / "mannequin.json").read_bytes())
    np.savez(broken / "mannequin.npz", split=np.zeros(3))
    with pytest.raises(InputError, match=r"mannequin\.npz"):
        open_mannequin(broken)
