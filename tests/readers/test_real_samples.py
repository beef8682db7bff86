"""Real and hand-made files of one real clip (the reference data; skipped without it)."""

from pathlib import Path

import numpy as np
import pytest

from maquette.keypoints import Keypoints
from maquette.readers import read_keypoints, sniff

SIZE = (1768, 994)
REFERENCE = {
    "openpose-body-25": "body25",
    "openpose-coco-18": "coco18",
    "coco-17": "coco17",
    "halpe-26": "halpe26",
    "blazepose-33": "mediapipe33",
}
SAMPLES = [  # path, first frame in the video, tolerance px
    ("walker_openpose_body25", 0, 0.001),
    ("walker_mediapipe33.jsonl", 0, 0.001),
    ("walker_formats/openpose_body25_scale01", 100, 0.001),
    ("walker_formats/openpose_coco18_v1.1", 100, 0.001),
    ("walker_formats/tfpose_36", 0, 1.5),
    ("walker_formats/keras_36", 100, 0.001),
    ("walker_formats/coco17_results.json", 38, 0.001),
    ("walker_formats/coco17_annotations.json", 0, 0.001),
    ("walker_formats/alphapose_coco17.json", 38, 0.001),
    ("walker_formats/alphapose_halpe26_string_sorted.json", 38, 0.001),
    ("walker_formats/mmpose_demo.json", 0, 0.001),
    ("walker_formats/mmpose_inferencer_video.json", 0, 0.001),
    ("walker_formats/mmpose_inferencer_image", 120, 0.001),
    ("walker_formats/data_2d_custom_demo_numpy1.npz", 0, 0.001),
    ("walker_formats/data_2d_custom_demo_numpy2.npz", 0, 0.001),
    ("walker_formats/demo_Sports2D_px_person00.trc", 0, 0.001),
    ("walker_formats/dlc_coco17.csv", 0, 0.001),
    ("walker_formats/yolo_pose_labels", 100, 0.001),
]


@pytest.fixture(scope="module")
def demo(shared_dir: Path) -> Path:
    path = shared_dir / "data" / "real" / "sports2d_demo"
    if not path.is_dir():
        pytest.skip("the sample clip is not there")
    return path


@pytest.fixture(scope="module")
def reference(demo: Path) -> dict[str, np.ndarray]:
    with np.load(demo / "walker_reference.npz") as archive:
        return dict(archive)


@pytest.mark.parametrize(("name", "first", "tolerance_px"), SAMPLES, ids=[s[0] for s in SAMPLES])
def test_every_format_gives_the_same_walker(
    name: str, first: int, tolerance_px: float, demo: Path, reference: dict[str, np.ndarray]
) -> None:
    people = read_keypoints(demo / name, image_size=SIZE)
    assert len(people) == 1
    person = people[0]
    expected = reference[REFERENCE[person.skeleton.name]][first : first + person.n_frames]
    seen = np.isfinite(expected[..., 0])
    if name.endswith(".npz"):  # its own writer holds the first and last pose over missing frames
        person = person.with_notes(points=np.where(seen[..., None], person.points, np.nan))
    if name.endswith(".trc"):
        seen[:, person.skeleton.indices(["l_eye", "r_eye", "l_ear", "r_ear"])] = False
    np.testing.assert_array_equal(person.observed, seen)
    assert np.abs(person.points - expected[..., :2])[seen].max() < tolerance_px


def who_is_in(person: Keypoints, reference: dict[str, np.ndarray]) -> np.ndarray:
    """True in the frames in which the person is the walker; frames without the person are left out."""
    walker = reference[REFERENCE[person.skeleton.name]][..., :2]
    distance = np.nanmean(
        np.where(person.observed[..., None], np.abs(person.points - walker), np.nan)[:, :11], axis=(1, 2)
    )
    return distance[person.observed.any(1)] < 40


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_two_people_whose_order_changes(demo: Path, reference: dict[str, np.ndarray]) -> None:
    people = read_keypoints(demo / "two_people_openpose_body25")
    walker = people[0]
    assert np.flatnonzero(walker.observed.any(1)).tolist() == list(range(38, 201))
    seen = walker.observed
    np.testing.assert_array_less(np.abs(walker.points - reference["body25"][..., :2])[seen], 0.001)
    man = people[1]
    assert np.flatnonzero(man.observed.any(1)).tolist() == list(range(3, 169))
    assert not who_is_in(man, reference).any()


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_a_detector_that_changes_person_gives_two_people(demo: Path, reference: dict[str, np.ndarray]) -> None:
    people = read_keypoints(demo / "fullframe_mediapipe33.jsonl")
    frames = [np.flatnonzero(person.observed.any(1)) for person in people]
    assert [(f[0], f[-1]) for f in frames] == [(3, 168), (170, 200), (202, 226)]
    assert sum(len(f) for f in frames) == 166 + 31 + 25


@pytest.mark.parametrize(
    ("folder", "n_frames", "skeleton"),
    [
        ("openpose_coco18_pose-trainer/bicep_good_4", 122, "openpose-coco-18"),
        ("openpose_coco18_pose-trainer/bicep_bad_7", 127, "openpose-coco-18"),
        ("openpose_coco18_pose-trainer/bicep_bad_10", 80, "openpose-coco-18"),
        ("openpose_body25_OpenPoseR/gebaerden", 149, "openpose-body-25"),
    ],
)
def test_real_openpose_output_is_one_person(folder: str, n_frames: int, skeleton: str, shared_dir: Path) -> None:
    path = shared_dir / "data" / "real" / folder
    if not path.is_dir():
        pytest.skip("the clip is not there")
    people = read_keypoints(path)
    assert len(people) == 1
    assert people[0].skeleton.name == skeleton
    assert people[0].observed.any(1).all()
    assert people[0].n_frames == n_frames
    assert sniff(path).n_files == n_frames


@pytest.mark.parametrize("flavour", ["coco18", "body25"])
def test_reading_equals_the_forks_reading(flavour: str, shared_dir: Path) -> None:
    """The fork takes ``people[0]`` of each frame and drops confidence; its reading without smoothing is recorded.

    One point of the COCO clip has coordinates with confidence 0; the fork uses it, here it is missing.
    """
    folder = shared_dir / "goldens" / "openpose"
    if not folder.is_dir():
        pytest.skip("the reference outputs are not there")
    with np.load(folder / f"read_smooth_{flavour}.npz") as archive:
        expected = archive["cache"].reshape(-1, 18, 2)
    person = read_keypoints(folder / f"json_{flavour}")[0]
    columns = list(range(18)) if flavour == "coco18" else [*range(8), *range(9, 19)]
    if flavour == "coco18":
        assert expected[13, 4].tolist() == [150.0, 150.0]
        expected[13, 4] = 0.0
    np.testing.assert_allclose(np.nan_to_num(person.points[:, columns]), expected, atol=1e-9)


def test_human36m_archive(shared_dir: Path) -> None:
    path = shared_dir / "goldens" / "rie_data" / "data_2d_h36m_gt.npz"
    if not path.is_file():
        pytest.skip("the reference data are not there")
    people = read_keypoints(path)
    assert {person.skeleton.name for person in people} == {"h36m-17"}
    assert len(people) == 16
