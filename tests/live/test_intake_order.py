"""Packets that overtake each other are put right; numbers and stamps that stand still do not cost the stream."""

import json

from maquette.live.ends import SourceReport
from maquette.live.sources.intake import Intake
from maquette.stream.keypoint_frame import KeypointFrame
from maquette.stream.keypoint_packets import KeypointDecoder


def packet(x_px: float, **told: float) -> bytes:
    keypoints = [v for joint in range(17) for v in (x_px + joint, 50.0 + joint, 0.9)]
    return json.dumps({"skeleton": "coco-17", "people": [{"keypoints": keypoints}], **told}).encode()


def delivered(packets: list[bytes], fps: float = 60.0) -> tuple[list[KeypointFrame], SourceReport]:
    frames: list[KeypointFrame] = []
    report = SourceReport()
    intake = Intake(report, KeypointDecoder(), frames.append, unordered=True)
    for index, data in enumerate(packets):
        intake.take(data, "sender", 100.0 + index / fps)
    return frames, report


def test_what_was_overtaken_is_left_out_however_long_it_goes_on() -> None:
    order = [n + swap for n in range(0, 400, 2) for swap in (1, 0)]
    frames, report = delivered([packet(n, frame=n, t=n / 60) for n in order])
    assert [frame.number for frame in frames] == list(range(1, 400, 2))
    assert report.skipped == 200


def test_a_picture_that_is_sent_many_times_is_taken_once() -> None:
    frames, report = delivered([packet(n // 30, frame=n // 30) for n in range(600)], fps=600.0)
    assert [frame.number for frame in frames] == list(range(20))
    assert report.skipped == 580


def test_numbers_and_stamps_that_stand_still_or_run_backwards_cost_a_quarter_of_a_second() -> None:
    for told in (lambda n: {"frame": 0}, lambda n: {"t": 5.0}, lambda n: {"t": -n / 60}, lambda n: {"frame": 1000 - n}):
        frames, _ = delivered([packet(n, **told(n)) for n in range(300)])
        assert len(frames) >= 300 - 16
