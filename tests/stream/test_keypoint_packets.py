"""Packets decode to what the offline readers make of the same numbers, and nothing that comes in breaks the decoder."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.demo import camera, detect, film, perform
from maquette.errors import InputError
from maquette.keypoints import Keypoints
from maquette.readers import read_keypoints
from maquette.skeleton import Skeleton
from maquette.skeletons import (
    BLAZEPOSE_33,
    BODY_25,
    BODY_25B,
    COCO_17,
    COCO_18,
    HALPE_26,
    HALPE_136,
    OPENPOSE_135,
)
from maquette.stream.keypoint_packets import MAX_PACKET_BYTES, KeypointDecoder, token_of

SIZE = (1280, 720)


@pytest.fixture(scope="module")
def clip() -> Keypoints:
    return detect(perform().motion, camera())


def flat(clip: Keypoints, frame: int, *, per_point: int = 3) -> list[float]:
    row = np.nan_to_num(np.column_stack([clip.points[frame], clip.confidence[frame]]))
    return [float(v) for v in row[:, :per_point].ravel()]


def walker(skeleton: Skeleton, frames: int = 5) -> np.ndarray:
    """Points of somebody who moves a little, (frames, joints, 3), x y and confidence."""
    rng = np.random.default_rng(len(skeleton))
    body = rng.uniform([300, 100], [500, 600], (len(skeleton), 2))
    points = body + np.arange(frames)[:, None, None] * 2.0 + rng.normal(0, 0.5, (frames, len(skeleton), 2))
    confidence = rng.uniform(0.1, 1.2, (frames, len(skeleton), 1))
    values = np.concatenate([points, confidence], axis=-1).round(3)
    values[rng.random((frames, len(skeleton))) < 0.1] = 0.0
    return values


def same(frame_points: np.ndarray, frame_confidence: np.ndarray, person: Keypoints, frame: int) -> None:
    np.testing.assert_array_equal(frame_points[0], person.points[frame])
    np.testing.assert_array_equal(frame_confidence[0], person.confidence[frame])


@pytest.mark.parametrize("key", ["pose_keypoints_2d", "pose_keypoints"])
@pytest.mark.parametrize(
    "skeleton", [COCO_17, COCO_18, BODY_25, HALPE_26, OPENPOSE_135, HALPE_136], ids=lambda skeleton: skeleton.name
)
def test_openpose_layouts_decode_as_the_reader_reads_them(tmp_path: Path, skeleton: Skeleton, key: str) -> None:
    values = walker(skeleton)
    packets = [json.dumps({"version": 1.3, "people": [{"person_id": [-1], key: v.ravel().tolist()}]}) for v in values]
    for i, packet in enumerate(packets):
        (tmp_path / f"a_{i:012d}_keypoints.json").write_text(packet)
    given_skeleton = skeleton if skeleton is BODY_25 else None  # random points have no geometry to tell by
    (person,) = read_keypoints(tmp_path, skeleton=given_skeleton)
    decoder = KeypointDecoder(given_skeleton)
    for i, packet in enumerate(packets):
        frame = decoder.decode(packet.encode(), 1.5)
        assert frame.skeleton is person.skeleton
        assert frame.arrived_s == 1.5
        assert frame.identities is None
        same(frame.points, frame.confidence, person, i)


@pytest.mark.parametrize("scaled", ["0..1", "-1..1"])
def test_fractions_become_pixels_as_the_reader_makes_them(tmp_path: Path, clip: Keypoints, scaled: str) -> None:
    size = np.array(SIZE)
    points = clip.points / size if scaled == "0..1" else clip.points / size * 2 - 1
    packets = []
    for i in range(40, 45):
        row = np.nan_to_num(np.column_stack([points[i], clip.confidence[i]]))
        packets.append(json.dumps({"people": [{"pose_keypoints_2d": row.ravel().tolist()}]}))
        (tmp_path / f"a_{i:012d}_keypoints.json").write_text(packets[-1])
    (person,) = read_keypoints(tmp_path, image_size=SIZE)
    decoder = KeypointDecoder(image_size=SIZE)
    for i, packet in enumerate(packets):
        frame = decoder.decode(packet.encode())
        same(frame.points, frame.confidence, person, i)
        assert frame.image_size == SIZE
    with pytest.raises(InputError, match=r"fractions of the picture .*--image-size WIDTHxHEIGHT"):
        KeypointDecoder().decode(packets[0].encode())


def test_bare_pairs_are_certain_but_for_the_origin() -> None:
    pairs = [0.0, 0.0] + [float(100 + i) for i in range(34)]
    frame = KeypointDecoder().decode(json.dumps({"people": [{"pose_keypoints_2d": pairs}]}).encode())
    assert frame.skeleton is COCO_18
    assert frame.confidence[0].tolist() == [0.0] + [1.0] * 17


def test_body_25b_is_told_by_geometry_once_and_for_good(clip: Keypoints) -> None:
    truth = film(perform().motion, camera())[60]
    at = dict(zip(BODY_25.joints, truth, strict=True))
    at["upper_neck"] = at["neck"] + (at["nose"] - at["neck"]) * 0.3
    at["head_top"] = at["nose"] - (0, 30)
    row = [float(v) for name in BODY_25B.joints for v in (*at[name], 0.9)]
    decoder = KeypointDecoder()
    hidden = [0.0] * 75
    hidden[:9] = row[:9]
    assert decoder.decode(json.dumps({"people": [{"pose_keypoints_2d": hidden}]}).encode()).skeleton is BODY_25
    assert decoder.decode(json.dumps({"people": [{"pose_keypoints_2d": row}]}).encode()).skeleton is BODY_25B
    other = json.dumps({"people": [{"pose_keypoints_2d": flat(clip, 60)}]}).encode()
    assert decoder.decode(other).skeleton is BODY_25B, "decided before"
    decoder.forget()
    assert decoder.decode(other).skeleton is BODY_25


def test_every_frame_of_the_clip_reads_as_body_25(clip: Keypoints) -> None:
    for i in range(clip.n_frames):
        packet = json.dumps({"people": [{"pose_keypoints_2d": flat(clip, i)}]}).encode()
        assert KeypointDecoder().decode(packet).skeleton is BODY_25


@pytest.mark.parametrize("name", ["landmarks", "pose_landmarks", "poseLandmarks"])
@pytest.mark.parametrize("as_objects", [True, False])
def test_landmarks_decode_as_the_reader_reads_them(tmp_path: Path, name: str, as_objects: bool) -> None:
    rng = np.random.default_rng(3)
    body = rng.uniform(0.1, 0.9, (33, 2))
    lines = []
    for i in range(6):
        marks = [
            {"x": x, "y": y, "z": 0.1, "visibility": v} if as_objects else [x, y, 0.1, v]
            for (x, y), v in zip((body + 0.002 * i).tolist(), rng.uniform(0.2, 1, 33).tolist(), strict=True)
        ]
        lines.append(json.dumps({"frame": i, name: marks, "image_size": SIZE}))
    path = tmp_path / "marks.jsonl"
    path.write_text("\n".join(lines))
    (person,) = read_keypoints(path)
    decoder = KeypointDecoder()
    for i, line in enumerate(lines):
        frame = decoder.decode(line.encode())
        assert (frame.skeleton, frame.number, frame.image_size) == (BLAZEPOSE_33, i, SIZE)
        same(frame.points, frame.confidence, person, i)
        bare = KeypointDecoder(image_size=SIZE).decode(json.dumps(json.loads(line)[name]).encode())
        np.testing.assert_array_equal(bare.points, frame.points)


def test_landmarks_of_several_people_and_legs_far_below_the_picture() -> None:
    close_up = [[0.5, 0.2 + 0.1 * i, 0, 0.9] for i in range(33)]  # down to 3.4 heights of the picture
    packet = {"pose_landmarks": [close_up, [[x + 0.2, y, z, v] for x, y, z, v in close_up]], "image_size": [100, 200]}
    frame = KeypointDecoder().decode(json.dumps(packet).encode())
    assert frame.points.shape == (2, 33, 2)
    np.testing.assert_allclose(frame.points[0, 32], [50, 200 * 3.4])


@pytest.mark.parametrize("nobody", ['{"landmarks": null}', '{"pose_landmarks": []}', "[]", '{"people": []}'])
def test_nobody_is_an_answer(nobody: str) -> None:
    assert KeypointDecoder(image_size=SIZE).decode(nobody.encode()).points.shape[0] == 0


def test_nobody_keeps_the_skeleton_of_those_before() -> None:
    decoder = KeypointDecoder()
    values = walker(COCO_17, 1)[0].ravel().tolist()
    decoder.decode(json.dumps({"people": [{"pose_keypoints_2d": values}]}).encode())
    assert decoder.decode(b'{"people": []}').skeleton is COCO_17
    unseen = json.dumps({"people": [{"pose_keypoints_2d": [0.0] * 51}]}).encode()
    assert decoder.decode(unseen).points.shape == (0, 17, 2)


@pytest.mark.parametrize("form", ["flat", "nested"])
def test_our_own_form(form: str) -> None:
    values = walker(COCO_17, 2)
    people = [
        {"id": 5 - i, "keypoints": v.ravel().tolist() if form == "flat" else v.tolist()} for i, v in enumerate(values)
    ]
    message = {"skeleton": "coco-17", "frame": 7, "t": 0.23, "image_size": [640, 480], "people": people, "other": 1}
    frame = KeypointDecoder().decode(json.dumps(message).encode())
    assert (frame.skeleton, frame.number, frame.time_s, frame.image_size) == (COCO_17, 7, 0.23, (640, 480))
    assert frame.identities == (5, 4)
    seen = values[..., 2] > 0
    np.testing.assert_array_equal(frame.points[seen], values[seen][:, :2])
    assert np.isnan(frame.points[~seen]).all()


def test_the_sizes_and_names_that_the_user_gives_go_first() -> None:
    message = json.dumps({"skeleton": "h36m-17", "image_size": [9, 9], "people": [{"keypoints": [0.5, 0.5, 1] * 17}]})
    frame = KeypointDecoder("coco-17", (200, 100)).decode(message.encode())
    assert frame.skeleton is COCO_17
    assert frame.image_size == (200, 100)
    assert frame.points[0, 0].tolist() == [100.0, 50.0]


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b"", "empty"),
        (b'{"people": [', "ends in the middle"),
        (b"7", "expected `object | array`"),
        (b"{}", "no keypoints in it: it is an empty object; expected 'people'"),
        (b'{"people": [{"keypoints": [1, 2, 3]}]}', "3 numbers a person fit no known layout"),
        (b'{"people": [{"keypoints": [[1, 2, 3, 4]]}]}', "neither a flat list nor"),
        (b'{"people": [{"keypoints": [1, [2, 3]]}]}', "neither a flat list nor"),
        (b'{"skeleton": "coco-71", "people": []}', "no skeleton is called 'coco-71'"),
        (b'{"skeleton": "coco-17", "people": [{"keypoints": [1, 2, 3]}]}', "skeleton 'coco-17' has 17"),
        (b'{"people": [], "frame": -1}', "frame is -1"),
        (b'{"people": [], "frame": 1.5}', "frame is 1.5"),
        (b'{"people": [], "image_size": [0, 5]}', "image_size is 0 x 5"),
        (b'{"landmarks": [[1, 2, 3, 1]], "image_size": [5, 5]}', "has 1 points a person"),
        (b'{"people": [{"pose_keypoints_2d": [' + b", ".join([b"NaN"] * 51) + b"]}]}", "NaN stands at byte"),
        (b'{"people": [{"pose_keypoints_2d": [' + b", ".join([b"1e300"] * 51) + b"]}]}", "a coordinate of 1e"),
        (b'{"x": ' + b"[" * 100_000, "nested too deeply"),
        (b" " * (MAX_PACKET_BYTES + 1), "one frame takes up to"),
    ],
)
def test_what_is_wrong_is_said(packet: bytes, why: str) -> None:
    with pytest.raises(InputError, match=why):
        KeypointDecoder().decode(packet)


def test_a_crowd_and_mixed_layouts_are_refused_and_nothing_is_learnt_from_them() -> None:
    decoder = KeypointDecoder()
    values = walker(COCO_17, 1)[0].ravel().tolist()
    with pytest.raises(InputError, match="65 people"):
        decoder.decode(json.dumps({"people": [{"keypoints": values}] * 65, "image_size": [4, 4]}).encode())
    with pytest.raises(InputError, match="different layouts"):
        decoder.decode(json.dumps({"people": [{"keypoints": values}, {"keypoints": values[:36]}]}).encode())
    frame = decoder.decode(json.dumps({"people": [{"keypoints": values}] * 64}).encode())
    assert frame.points.shape == (64, 17, 2)
    assert frame.image_size is None


def test_tokens_are_found_without_decoding_the_rest() -> None:
    assert token_of(b'{"people": 7, "token": "sesame!"}') == "sesame!"
    for packet in (b"", b"[]", b'{"token": 5}', b"\xff", b"[" * 5000, b'{"people": []}', b'{"token": "\xff"}'):
        assert token_of(packet) is None


_NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.just(0)
_PEOPLE = st.lists(
    st.dictionaries(
        st.sampled_from(["keypoints", "pose_keypoints_2d", "joints", "id", "person_id"]),
        st.sampled_from([34, 36, 51, 54, 75, 78]).flatmap(lambda n: st.lists(_NUMBERS, min_size=n, max_size=n))
        | st.lists(st.lists(_NUMBERS, max_size=4), max_size=20)
        | _NUMBERS,
        max_size=3,
    ),
    max_size=3,
)
_PACKETS = st.dictionaries(
    st.sampled_from(["people", "bodies", "landmarks", "skeleton", "frame", "t", "image_size", "token"]),
    _PEOPLE | _NUMBERS | st.sampled_from(["coco-17", "x"]) | st.lists(_NUMBERS, max_size=3) | st.none(),
    max_size=5,
)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode) | _PACKETS.map(lambda p: json.dumps(p).encode()))
def test_whatever_comes_in_is_a_frame_or_an_input_error(data: bytes) -> None:
    decoder = KeypointDecoder(image_size=SIZE)
    for _ in range(2):
        try:
            frame = decoder.decode(data)
        except InputError:
            continue
        assert len(frame.points) <= 64
        assert frame.time_s is None or math.isfinite(frame.time_s)
        seen = frame.confidence > 0
        assert bool(np.isfinite(frame.points[seen]).all())
        assert bool(np.isfinite(frame.confidence).all())
    token_of(data)
