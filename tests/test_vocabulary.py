"""The three nouns: what they accept, what they refuse, and what they guarantee."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import maquette
from maquette.errors import InputError
from maquette.frozen_arrays import exact_fps
from maquette.keypoints import Keypoints
from maquette.motion import Motion
from maquette.skeleton import Skeleton
from maquette.skeletons import BODY_25, COCO_17, H36M_17, LANDMARKS_27, LIFTED_21, SKELETONS, get_skeleton


def keypoints(frames: int = 3, **changes) -> Keypoints:
    base = {
        "points": np.arange(frames * 34, dtype=float).reshape(frames, 17, 2),
        "confidence": np.full((frames, 17), 0.5),
        "skeleton": COCO_17,
        "fps": Fraction(30),
    }
    return Keypoints(**{**base, **changes})


# The orders below were typed in from the formats' own documentation, independently of the table under test.
def test_orders_that_scripts_rely_on() -> None:
    assert H36M_17.joints == tuple(
        "hip r_hip r_knee r_ankle l_hip l_knee l_ankle spine thorax nose head "
        "l_shoulder l_elbow l_wrist r_shoulder r_elbow r_wrist".split()
    )
    assert H36M_17.parents == (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
    assert LIFTED_21.joints[:17] == H36M_17.joints
    assert LANDMARKS_27.joints[:17] == H36M_17.joints
    assert BODY_25.index("mid_hip") == 8
    assert BODY_25.index("l_heel") == 21
    assert BODY_25.index("r_heel") == 24
    assert COCO_17.left == (1, 3, 5, 7, 9, 11, 13, 15)


@pytest.mark.parametrize("name", SKELETONS)
def test_every_skeleton_is_consistent(name: str) -> None:
    skeleton = get_skeleton(name)
    assert skeleton.name == name
    permutation = skeleton.mirror_permutation
    assert (permutation[permutation] == np.arange(len(skeleton))).all()
    for left, right in skeleton.mirror_pairs:
        # The parents of a mirrored pair are mirrored, too, or the same, or one hangs on the other (COCO's shoulders).
        p, q = skeleton.parents[skeleton.index(left)], skeleton.parents[skeleton.index(right)]
        assert p == -1 or q == skeleton.index(left) or permutation[p] == q, (left, right)
    assert sorted(skeleton.order) == list(range(len(skeleton)))


def test_published_symmetry_of_humaneva() -> None:
    assert get_skeleton("humaneva-15").left == (2, 3, 4, 8, 9, 10)
    assert get_skeleton("humaneva-20").right == (7, 8, 9, 10, 15, 16, 17, 18)


def test_a_skeleton_names_all_its_problems_at_once() -> None:
    with pytest.raises(InputError, match=r"(?s)joint names repeat.*parent 7 of 'a'.*unknown joints \['x', 'y'\]"):
        Skeleton("odd", ("a", "a"), (7, -1), (("x", "y"),))
    with pytest.raises(InputError, match="cycle"):
        Skeleton("loop", ("a", "b"), (1, 0))


def test_unknown_names_list_the_known_ones() -> None:
    with pytest.raises(InputError, match="no joint 'tail'; it has: hip, r_hip"):
        H36M_17.index("tail")
    with pytest.raises(InputError, match="h36m-17"):
        get_skeleton("h36m")


def test_missing_is_nan_with_confidence_zero_whoever_says_so() -> None:
    points = np.ones((1, 17, 2))
    confidence = np.ones((1, 17))
    points[0, 0, 1] = np.nan
    points[0, 1, 0] = np.inf
    confidence[0, 2] = 0
    confidence[0, 3] = np.nan
    seen = keypoints(1, points=points, confidence=confidence)
    assert not seen.observed[0, :4].any()
    assert seen.observed[0, 4:].all()
    assert np.isnan(seen.points[0, :4]).all()
    assert (seen.confidence[0, :4] == 0).all()


def test_arrays_are_copied_and_read_only() -> None:
    points = np.zeros((2, 17, 2))
    track = keypoints(2, points=points, confidence=np.ones((2, 17)))
    points[:] = 7
    assert (track.points == 0).all()
    with pytest.raises(ValueError, match="read-only"):
        track.points[0, 0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        track.fps = Fraction(1)  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"points": np.zeros((3, 16, 2))}, r"expected \(frames, 17, 2\)"),
        ({"confidence": np.zeros((2, 17))}, r"expected \(3, 17\)"),
        ({"confidence": np.full((3, 17), 1.5)}, "expected 0 to 1"),
        ({"image_size": (0, 10)}, "both positive"),
        ({"fps": 0}, "fps is 0"),
        ({"timestamps_s": np.array([0.0, 2.0, 1.0])}, "increase"),
        ({"timestamps_s": np.zeros(5)}, "5 timestamps for 3 frames"),
    ],
)
def test_keypoints_refuse(changes: dict, text: str) -> None:
    with pytest.raises(InputError, match=text):
        # beartype would catch some of these first: the checks must hold without it.
        Keypoints.__post_init__(_raw(keypoints(), changes))


def _raw(noun: Keypoints, changes: dict) -> Keypoints:
    copy = object.__new__(Keypoints)
    for field in dataclasses.fields(noun):
        object.__setattr__(copy, field.name, changes.get(field.name, getattr(noun, field.name)))
    return copy


@pytest.mark.parametrize(
    ("given_fps", "exact"),
    [
        (29.97, Fraction(30000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        (23.976, Fraction(24000, 1001)),
        (59.94, Fraction(60000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        (25.0, Fraction(25)),
        (12.5, Fraction(25, 2)),
        (30, Fraction(30)),
    ],
)
def test_frame_rates_are_exact(given_fps, exact: Fraction) -> None:
    assert exact_fps(given_fps) == exact


@given(st.integers(1, 300), st.integers(1, 30))
def test_fractions_stay_what_they_are(numerator: int, denominator: int) -> None:
    rate = Fraction(numerator, denominator)
    nominal = [n for n in (24, 30, 48, 60, 120) if abs(float(rate) - n * 1000 / 1001) < 0.006]
    assert nominal or exact_fps(rate) == rate


@pytest.mark.parametrize("bad", ["abc", float("nan"), float("inf"), -3, "1/0", "1e400", "1e-300"])
def test_bad_frame_rates(bad) -> None:
    with pytest.raises(InputError, match="expected a positive number"):
        exact_fps(bad)


def test_motion_refuses_what_does_not_fit() -> None:
    motion = Motion(np.zeros((2, 17, 3)), H36M_17, Fraction(30), "world")
    assert motion.joint("head").shape == (2, 3)
    with pytest.raises(InputError, match="unit quaternions"):
        dataclasses.replace(motion, rotations=np.ones((2, 17, 4)))
    with pytest.raises(InputError, match="contact joints"):
        dataclasses.replace(motion, contacts=np.zeros((2, 1), bool), contact_joints=("tail",))
    with pytest.raises(InputError, match="contacts has shape"):
        dataclasses.replace(motion, contacts=np.zeros((2, 3), bool), contact_joints=("l_ankle",))


def test_public_names() -> None:
    expected = """InputError Keypoints Lifter MaquetteError MissingExtraError ModelError Motion OutputError SKELETONS
        Skeleton __version__ get_skeleton lift read_keypoints read_motion view write_motion"""
    assert maquette.__all__ == ["__version__", *sorted(set(expected.split()) - {"__version__"})]
    for name in maquette.__all__:
        assert getattr(maquette, name) is not None
    assert not hasattr(maquette, "no_such_name")
