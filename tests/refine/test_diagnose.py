"""What `maquette inspect` finds: faults put in are named, a clean track is called clean."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from walking_keypoints import HEIGHT_PX, changed, lost, swapped, walker

from maquette.keypoints import Keypoints
from maquette.refine.diagnose import Diagnosis, Jump, diagnose, diagnose_person, limbs_of
from maquette.skeletons import BODY_25, COCO_18, SKELETONS

SHINS = ("knee", "ankle", "heel", "big_toe", "small_toe")


def test_a_clean_walk() -> None:
    assert diagnose([walker()]).lines() == [
        "person 0: seen in 150 of 150 frames (frames 0-149, 5.0 s at 30 frames/s)",
        "  body about 512 px tall",
        "  nothing missing between first and last sighting",
        "  confidence: the same for all points (the format may have none)",
        "  left and right: no exchange suspected",
        "  repair: nothing to do",
    ]


def test_faults_put_in_are_named() -> None:
    bad = swapped(walker(noise_heights=0.001), slice(41, 48), SHINS)
    bad = changed(bad, slice(70, 71), ["r_wrist"], (0.0, -0.5 * HEIGHT_PX))
    bad = lost(bad, slice(100, 112), ["l_elbow", "l_wrist"])
    bad = lost(bad, slice(0, 150), ["nose"])
    bad = lost(bad, slice(120, 126), list(BODY_25.joints))
    found = diagnose_person(lost(bad, slice(0, 5), list(BODY_25.joints)))
    assert found.frames_seen == range(5, 150)
    assert found.n_seen == 139
    assert found.never_seen == ("nose",)
    assert found.gaps == (range(120, 126),)
    arm = next(limb for limb in found.limbs if limb.limb == "left arm")
    assert arm.missing_share == pytest.approx(18 / 145)
    assert arm.longest_gap_s == pytest.approx(12 / 30)
    assert [edit.frames for edit in found.swaps] == [range(41, 48)]
    assert {(jump.frame, jump.joint) for jump in found.jumps} >= {(70, "r_wrist"), (71, "r_wrist")}
    jump = next(jump for jump in found.jumps if jump.joint == "r_wrist")
    assert jump.distance_heights == pytest.approx(0.5, abs=0.05)
    text = "\n".join(Diagnosis((found,)).lines())
    for words in (
        "seen in 139 of 150 frames (frames 5-149",
        "never seen: nose",
        "left arm 12 % (up to 0.40 s)",
        "nobody in frames 120-125",
        "left and right exchanged: legs in frames 41-47",
        "r_wrist by 0.5",
        "left and right exchanged back in 7 frames, 1 spikes removed",
        "gaps of up to 0.20 s filled",
        "left missing (gaps of up to 0.40 s)",
    ):
        assert words in text, text


def test_who_is_never_seen() -> None:
    nobody = walker(30).with_notes(confidence=np.zeros((30, 25)), person_id=4)
    assert diagnose([nobody]).lines() == ["person 0 (id 4): never seen in 30 frames"]
    assert diagnose([]).lines() == []


def test_one_frame() -> None:
    lines = diagnose([walker(1)]).lines()
    assert "seen in 1 of 1 frames (frame 0, 0.0 s" in lines[0]


def test_another_person_in_the_same_track() -> None:
    clean = walker()
    points = clean.points.copy()
    points[70:] += 2 * HEIGHT_PX
    found = diagnose_person(clean.with_notes(points=points, image_size=None))
    whole = [jump for jump in found.jumps if jump.joint is None]
    assert [jump.frame for jump in whole] == [70]
    assert whole[0].distance_heights == pytest.approx(2 * np.sqrt(2), abs=0.1)
    assert "the whole person jumps (another person, or a cut), by body heights: 2.8 in frame 70" in "\n".join(
        Diagnosis((found,)).lines()
    )


def test_24_pictures_shown_at_30() -> None:
    film = walker(120, 24)
    shown = np.arange(150) * 24 // 30
    pulled = Keypoints(film.points[shown], film.confidence[shown], BODY_25, Fraction(30), image_size=(1920, 1080))
    found = diagnose_person(pulled)
    assert found.effective_fps == pytest.approx(24.0)
    assert any("new pictures come at about 24, not 30 a second" in line for line in Diagnosis((found,)).lines())


def test_held_frames_are_named_and_are_no_rhythm() -> None:
    clean = walker()
    points = clean.points.copy()
    points[50:60] = points[49]
    found = diagnose_person(clean.with_notes(points=points))
    assert found.still == (range(50, 60),)
    assert found.effective_fps is None
    assert "  frames that repeat the one before: frames 50-59" in Diagnosis((found,)).lines()


def test_a_frame_rate_that_is_too_high() -> None:
    slow = walker(150, 30)
    fast = Keypoints(slow.points, slow.confidence, BODY_25, Fraction(240), image_size=(1920, 1080))
    assert not any("too high" in line for line in diagnose([slow]).lines())
    assert any("is 240 frames/s too high?" in line for line in diagnose([fast]).lines())


def test_points_outside_and_confidence() -> None:
    clean = walker()
    confidence = np.linspace(0.2, 1.0, clean.confidence.size).reshape(clean.confidence.shape)
    found = diagnose_person(clean.with_notes(confidence=confidence, image_size=(300, 1080)))
    np.testing.assert_allclose(found.confidence_quantiles or (), (0.24, 0.6, 0.96), atol=0.01)
    expected = (clean.points[..., 0] > 300).mean()
    assert found.outside_share == pytest.approx(expected)
    assert diagnose_person(clean.with_notes(image_size=None)).outside_share is None


def test_long_lists_are_cut() -> None:
    bad = walker(600)
    for frame in range(20, 580, 20):
        bad = changed(bad, slice(frame, frame + 1), ["l_wrist"], (0.0, -200.0))
    assert all(len(line) < 500 for line in diagnose([bad]).lines())
    assert Jump(3, None, 1.0).joint is None


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_every_skeleton_has_limbs_and_a_diagnosis(skeleton) -> None:
    limbs = limbs_of(skeleton)
    assert sorted(joint for joints in limbs.values() for joint in joints) == list(range(len(skeleton)))
    points = np.random.default_rng(0).uniform(0, 100, (12, len(skeleton), 2))
    assert diagnose([Keypoints(points, np.full(points.shape[:2], 0.7), skeleton, Fraction(25))]).lines()


def test_a_real_biceps_curl_whose_detector_loses_the_legs(shared_dir: Path) -> None:
    import json

    folder = shared_dir / "data" / "real" / "openpose_coco18_pose-trainer" / "bicep_bad_10"
    rows = [json.loads(path.read_text())["people"] for path in sorted(folder.glob("*.json"))]
    values = np.array([np.reshape(people[0]["pose_keypoints"], (18, 3)) for people in rows])
    track = Keypoints(values[..., :2], values[..., 2].clip(0, 1), COCO_18, Fraction(30), image_size=(1280, 720))
    text = "\n".join(diagnose([track]).lines())
    assert "never seen: l_elbow + l_wrist + r_ankle + l_ankle + l_ear" in text
    assert "left leg 30 %" in text
    assert "no exchange suspected" in text
