"""What sources and sinks say about themselves goes to a terminal: nothing in it may be obeyed there."""

import json

from maquette.live.ends import SinkReport, SourceReport, printable
from maquette.live.sources.intake import Intake
from maquette.stream.keypoint_packets import KeypointDecoder

ESCAPES = "\x1b[2J\x1b]0;title\x07\x9b31m‮red\ud800"


def is_harmless(text: str) -> bool:
    return text.isprintable() and len(text) < 500


def test_words_of_others_are_shown_and_not_obeyed() -> None:
    assert printable("plain words, ü and 日本") == "plain words, ü and 日本"
    assert is_harmless(printable(ESCAPES))
    assert "title" in printable(ESCAPES)
    assert printable("x" * 301) == "x" * 300 + "..."
    printable(ESCAPES).encode()


def test_a_reason_that_quotes_what_was_sent_is_harmless() -> None:
    for packet in (
        {ESCAPES.replace("\ud800", ""): 1},
        {"k" * 50_000: 1},
        {"skeleton": "\x1b[31m" + "s" * 50_000, "people": [{"keypoints": [1.0, 2.0, 0.5] * 17}]},
    ):
        report = SourceReport()
        intake = Intake(report, KeypointDecoder(), lambda _: None)
        intake.take(json.dumps(packet).encode(), "somebody", 0.0)
        assert report.malformed == 1
        assert is_harmless(report.first_malformed)


def test_details_of_states_are_harmless() -> None:
    source, sink = SourceReport(), SinkReport()
    source.say("reconnecting", f"the server said: {ESCAPES * 1000}")
    sink.say("reconnecting", ESCAPES)
    assert is_harmless(source.detail)
    assert is_harmless(sink.detail)
