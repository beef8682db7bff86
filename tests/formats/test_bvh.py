"""BVH text: everything that files in the wild do, and one sentence for what cannot be read."""

import contextlib
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maquette.errors import InputError
from maquette.formats.bvh import BvhDocument, BvhJoint, format_bvh, parse_bvh

PLAIN = """HIERARCHY
ROOT Hips
{
  OFFSET 0.0 1.5 0.0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT Left Leg
  {
    OFFSET 1 -2 3
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 -4 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.0333333
1 2 3 10 20 30 40 50 60
-1.5e1 .25 3. 1E-2 0 0 0 0 -0
"""


def check_plain(document: BvhDocument) -> None:
    hips, leg = document.joints
    assert (hips.name, hips.parent, hips.offset, hips.end_offsets) == ("Hips", -1, (0.0, 1.5, 0.0), ())
    assert (leg.name, leg.parent, leg.offset, leg.end_offsets) == ("Left Leg", 0, (1.0, -2.0, 3.0), ((0.0, -4.0, 0.0),))
    assert leg.channels == ("Zrotation", "Xrotation", "Yrotation")
    assert document.channel_starts == (0, 6)
    assert document.frame_time_s == Decimal("0.0333333")
    expected = [[1, 2, 3, 10, 20, 30, 40, 50, 60], [-15, 0.25, 3, 0.01, 0, 0, 0, 0, 0]]
    np.testing.assert_array_equal(document.values, expected)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace("\n", "\r\n", 7),
        PLAIN.replace(" ", "\t").replace("Left\tLeg", "Left Leg"),
        PLAIN.rstrip("\n"),
        "\ufeff" + PLAIN,
        PLAIN.replace("End Site", "END  SITE").replace("CHANNELS", "Channels").replace("Zrotation", "ZROTATION"),
        PLAIN.replace("Leg\n  {", "Leg {").replace("    }\n  }\n}", "}}}"),
        PLAIN.replace("Frames: 2\nFrame Time: ", "Frames:\t2\n\nFrame Time:\t"),
        PLAIN.replace("10 20 30 40", "10 20\n30 40"),
    ],
    ids=["plain", "crlf", "cr", "mixed", "tabs", "no-last-newline", "bom", "case", "braces", "header", "broken-rows"],
)
def test_the_same_document_however_it_is_written(text: str) -> None:
    check_plain(parse_bvh(text.encode("utf-8"), "x.bvh"))


def test_names_in_latin_1() -> None:
    document = parse_bvh(PLAIN.replace("Hips", "Hüfte").encode("latin-1"), "x.bvh")
    assert document.joints[0].name == "Hüfte"


def test_two_roots_and_two_end_sites() -> None:
    end = "End Site\n{\nOFFSET 1 1 1\n}\n"
    text = PLAIN.replace("    End Site", end + "    End Site").replace(
        "MOTION", "ROOT Ball\n{\nOFFSET 0 0 0\nCHANNELS 1 Xposition\n}\nMOTION"
    )
    document = parse_bvh(text.replace("40 50 60", "40 50 60 7").replace("0 -0", "0 -0 8").encode(), "x.bvh")
    assert [joint.parent for joint in document.joints] == [-1, 0, -1]
    assert document.joints[1].end_offsets == ((1.0, 1.0, 1.0), (0.0, -4.0, 0.0))
    np.testing.assert_array_equal(document.values[:, 9], [7, 8])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("HIERARCHY", "HIERARCHI", "expected the word HIERARCHY"),
        ("MOTION", "MOTIO", "line MOTION is missing"),
        (
            "10 20 30 40 50 60",
            "10 20 30 40 50",
            "2 frames of 9 values, the file holds 1 frames and 8 values of another",
        ),
        ("Frames: 2", "Frames: -2", "'Frames: -2', expected a whole number"),
        ("0.0333333", "-0.0333333", "'Frame Time: -0.0333333', expected seconds between frames"),
        ("20 30", "1,5 30", "line 19: '1,5' among the motion values"),
        ("Frames: 2", "Frames: two", "'Frames: two', expected a whole number"),
        ("Frames: 2\n", "", "expected 'Frames: N'"),
        ("0.0333333", "0", "'Frame Time: 0'"),
        ("0.0333333", "1e999999999", "expected seconds between frames"),
        ("20 30", "20 thirty", "line 19: 'thirty' among the motion values"),
        ("20 30", "20 nan", "line 19: 'nan' among the motion values"),
        ("OFFSET 1 -2 3", "OFFSET 1 -2", "line 8: OFFSET needs three numbers, found '1 -2'"),
        ("OFFSET 1 -2 3", "OFFSET 1 -2 inf", "not finite"),
        ("OFFSET 1 -2 3\n", "", "'Left Leg' has no OFFSET"),
        ("CHANNELS 3", "CHANNELS 4", "line 9: expected CHANNELS"),
        ("CHANNELS 3 Zrotation", "CHANNELS 3 Wrotation", "found '3 Wrotation"),
        ("CHANNELS 3 Zrotation", "CHANNELS 3 Yrotation", "different names"),
        ("  }\n}\nMOTION", "  }\nMOTION", "a brace is missing"),
        ("  }\n}\nMOTION", "  }\n}\n}\nMOTION", "never opened"),
        ("{\n  OFFSET 0.0", "OFFSET 0.0", "'OFFSET' is not expected here"),
        ("  JOINT", "  ROOT", "ROOT stands where it cannot"),
        ("ROOT Hips", "JOINT Hips", "JOINT stands where it cannot"),
        ("    End Site", "", "opens without"),
        ("  JOINT", "  BONE", "line 6: 'BONE' is not expected here"),
    ],
)
def test_what_is_wrong_is_said(old: str, new: str, says: str) -> None:
    assert old in PLAIN
    with pytest.raises(InputError) as caught:
        parse_bvh(PLAIN.replace(old, new, 1).encode(), "walk.bvh")
    assert str(caught.value).startswith("walk.bvh")
    assert says in str(caught.value)


FIRST = [1.0, 2.0, 3.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]


@pytest.mark.parametrize(
    ("text", "frames", "says"),
    [
        (PLAIN.replace("Frames: 2", "Frames: 3"), 2, "the header says 3 frames of 9 values, the file holds 2 frames;"),
        (PLAIN.replace("Frames: 2", "Frames: 0"), 2, "the header says 0 frames of 9 values, the file holds 2 frames;"),
        (PLAIN.replace("Frames: 2", "Frames: 1"), 2, "the header says 1 frames of 9 values, the file holds 2 frames;"),
        (PLAIN.replace(" -0\n", "\n"), 1, "the file holds 1 frames and 8 values of another; the whole ones were taken"),
        (PLAIN.removesuffix("0\n"), 1, "the file holds 1 frames and 8 values of another"),
        (PLAIN.replace("\n", "\r").removesuffix(" 0 -0\r"), 1, "the file holds 1 frames and 7 values of another"),
        (PLAIN.replace("Frames: 2", "Frames: 4") + "1 2 3 4 5 6 7 8 1", 2, "the file holds 3 frames;"),
    ],
    ids=["more", "none", "fewer", "short-row", "cut-in-a-number", "cut-cr", "cut-in-the-last-number"],
)
def test_whole_frames_are_taken_when_the_header_counts_wrong(text: str, frames: int, says: str) -> None:
    document = parse_bvh(text.encode(), "x.bvh")
    assert len(document.values) == frames
    np.testing.assert_array_equal(document.values[0], FIRST)
    assert len(document.notes) == 1
    assert says in document.notes[0]


def test_a_wrong_count_is_refused_where_frames_are_not_lines() -> None:
    # Which number belongs to which frame is then anybody's guess.
    broken = PLAIN.replace("Frames: 2", "Frames: 3").replace("10 20 30 40", "10 20\n30 40")
    with pytest.raises(InputError, match="3 frames of 9 values, the file holds 2 frames; it was cut off"):
        parse_bvh(broken.encode(), "x.bvh")


def test_decimal_commas() -> None:
    text = PLAIN.replace("3.", "3.0").replace(" .25", " 0.25").replace(".", ",")
    document = parse_bvh(text.encode(), "x.bvh")
    assert document.notes == ("decimal commas were read as points",)
    plain = parse_bvh(PLAIN.encode(), "x.bvh")
    assert document.joints == plain.joints
    assert document.frame_time_s == plain.frame_time_s
    np.testing.assert_array_equal(document.values, plain.values)


def test_names_and_braces_of_other_programs() -> None:
    text = PLAIN.replace("Left Leg", "mixamorig:Left,Leg").replace("End Site\n    {\n      OFFSET 0 -4 0\n    }\n", "")
    document = parse_bvh(text.encode(), "x.bvh")
    assert document.joints[1].name == "mixamorig:Left,Leg"
    assert document.joints[1].end_offsets == ()
    assert document.notes == ()


def test_written_documents_read_back() -> None:
    values = np.random.default_rng(0).normal(scale=100, size=(50, 9))
    values[0] = -1e-9
    document = parse_bvh(PLAIN.encode(), "x")
    text = format_bvh(BvhDocument(document.joints, Decimal("0.0083333333"), values))
    again = parse_bvh(text, "x")
    assert again.joints == document.joints
    assert again.frame_time_s == Decimal("0.0083333333")
    np.testing.assert_allclose(again.values, values, atol=0.5e-4)
    assert b"-0.0000" not in text
    assert text.endswith(b"\n")


def test_hierarchy_as_it_is_written() -> None:
    joints = (
        BvhJoint("A", -1, (0.0, 0.0, 0.0), ("Xposition", "Zrotation")),
        BvhJoint("B", 0, (1.0, 0.0, 0.0), ("Zrotation",), ((0.0, 0.5, 0.0),)),
        BvhJoint("C", 0, (0.0, -1.0, 0.0), ("Zrotation",), ((0.0, -0.5, 0.0),)),
    )
    text = format_bvh(BvhDocument(joints, Decimal("0.02"), np.zeros((1, 4)))).decode()
    assert text == (
        "HIERARCHY\nROOT A\n{\n\tOFFSET 0.000000 0.000000 0.000000\n\tCHANNELS 2 Xposition Zrotation\n"
        "\tJOINT B\n\t{\n\t\tOFFSET 1.000000 0.000000 0.000000\n\t\tCHANNELS 1 Zrotation\n"
        "\t\tEnd Site\n\t\t{\n\t\t\tOFFSET 0.000000 0.500000 0.000000\n\t\t}\n\t}\n"
        "\tJOINT C\n\t{\n\t\tOFFSET 0.000000 -1.000000 0.000000\n\t\tCHANNELS 1 Zrotation\n"
        "\t\tEnd Site\n\t\t{\n\t\t\tOFFSET 0.000000 -0.500000 0.000000\n\t\t}\n\t}\n}\n"
        "MOTION\nFrames: 1\nFrame Time: 0.02\n0.0000 0.0000 0.0000 0.0000\n"
    )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_gives_a_document_or_an_input_error(data: st.DataObject) -> None:
    raw = bytearray(PLAIN.encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        cut = data.draw(st.integers(0, 30))
        raw[at : at + cut] = data.draw(
            st.one_of(st.binary(max_size=8), st.sampled_from([b"{", b"}", b"\n", b" 1e400 "]))
        )
        if not raw:
            break
    with contextlib.suppress(InputError):
        parse_bvh(bytes(raw), "fuzz.bvh")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_an_input_error(raw: bytes) -> None:
    for head in (b"", b"HIERARCHY\n", b"HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\n}\nMOTION\n"):
        with pytest.raises(InputError):
            parse_bvh(head + raw + b"x", "fuzz.bvh")


@pytest.mark.parametrize(
    ("path", "joints", "frames"),
    [
        ("cmu_daz_bvh/11_01.bvh", 43, 598),
        ("cmu_cgspeed_bvh/12_01_walk.bvh", 31, 524),
        ("cmu_iclone_bvh/006_03.bvh", 100, 264),
        ("cmu_motionbuilder_bvh/131_03.bvh", 31, 1102),
    ],
)
def test_real_files(shared_dir, path: str, joints: int, frames: int) -> None:
    data = (shared_dir / "data" / "raw" / path).read_bytes()
    document = parse_bvh(data, path)
    assert len(document.joints) == joints == data.count(b"CHANNELS")
    assert len(document.values) == frames
    last = data.split()[-document.values.shape[1] :]
    np.testing.assert_array_equal(document.values[-1], [float(word) for word in last])
