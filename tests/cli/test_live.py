"""``maquette live`` as a user meets it: in a process of its own where it is stopped from outside."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import maquette as mq
from maquette.cli.live import Live
from maquette.cli.live_session import PAGE, session_of
from maquette.cli.live_status import StatusLine
from maquette.live.offline import lift_causal
from maquette.live.settings import LiveSettings
from maquette.stream.message import HelloMessage, PoseMessage, read_message

MAQUETTE = [sys.executable, "-m", "maquette", "live"]


def live(*arguments: object, cwd: Path, **options) -> subprocess.CompletedProcess[str]:
    line = [*MAQUETTE, *map(str, arguments)]
    return subprocess.run(line, cwd=cwd, capture_output=True, text=True, check=False, timeout=120, **options)


def stopped(cwd: Path, number: signal.Signals, *arguments: object) -> tuple[int, str, str]:
    """Exit status and what was said, of a session that gets a signal once poses come out."""
    line = [*MAQUETTE, "--replay", "demo", "--loop", "--calibrate", "0", *map(str, arguments)]
    with subprocess.Popen(line, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        said = ""
        while "person 0 is followed" not in said:
            heard = running.stderr.readline()
            assert heard, said
            said += heard
        time.sleep(1)
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
    return running.returncode, out, said + err


def test_a_recording_becomes_files(tmp_path: Path) -> None:
    done = live("--replay", "demo", "--speed", "max", "--to", "out.npz", "--to", "out.bvh", "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(os.listdir(tmp_path)) == ["out.bvh", "out.npz"]
    motion, animation = mq.read_motion(tmp_path / "out.npz"), mq.read_motion(tmp_path / "out.bvh")
    assert 290 <= motion.n_frames == animation.n_frames <= 300
    assert motion.model == "maquette-residual"
    assert motion.frame == "world"
    assert np.isfinite(motion.positions).all()


def test_poses_on_standard_output_and_nothing_else(tmp_path: Path) -> None:
    done = live("--replay", "demo", "--speed", "max", "--to", "-", cwd=tmp_path)
    assert done.returncode == 0
    messages = [read_message(line) for line in done.stdout.splitlines()]
    assert isinstance(messages[0], HelloMessage)
    poses = messages[1:]
    assert len(poses) > 200
    assert all(isinstance(pose, PoseMessage) for pose in poses)
    times_s = [pose.t for pose in poses if isinstance(pose, PoseMessage)]
    assert times_s == sorted(set(times_s))
    said = done.stderr.splitlines()
    assert said[0] == "  replay:demo -> maquette-residual"
    assert any(line.startswith("  calibrated from 3.0 s of 1 person") for line in said)
    assert any(" fps · out " in line and "source ended" in line for line in said)
    assert "  300 frames of poses from 300 of keypoints; dropped 0" in said


def test_a_recording_on_standard_input(tmp_path: Path, openpose_folder: Path) -> None:
    """Each line of a file is taken, and the poses are those of the recording."""
    keypoints = mq.read_keypoints(openpose_folder, fps=30, image_size=(640, 480))[0]
    rows = np.concatenate((np.nan_to_num(keypoints.points), keypoints.confidence[..., None]), axis=2)
    lines = [
        json.dumps(
            {"people": [{"pose_keypoints_2d": row.ravel().tolist()}], "t": number / 30, "image_size": [640, 480]}
        )
        for number, row in enumerate(rows)
    ]
    (tmp_path / "frames.jsonl").write_text("\n".join(lines))
    with (tmp_path / "frames.jsonl").open() as file:
        done = live("--source", "-", "--to", "-", "--calibrate", "0", "--quiet", cwd=tmp_path, stdin=file)
    assert (done.returncode, done.stderr) == (0, "")
    poses = [read_message(line) for line in done.stdout.splitlines()][1:]
    motion = lift_causal(keypoints, LiveSettings(calibrate_s=0))[0]
    seen = np.isfinite(motion.positions[:, 0, 0])
    live_m = np.array(
        [
            [getattr(pose.joints, joint) for joint in motion.skeleton.joints]
            for pose in poses
            if isinstance(pose, PoseMessage)
        ]
    )
    np.testing.assert_allclose(live_m, motion.positions[seen], atol=1e-4)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_finishes_the_files(tmp_path: Path, number: signal.Signals) -> None:
    status, out, said = stopped(tmp_path, number, "--to", "out.npz", "--to", "out.bvh")
    assert (status, out) == (0, "")
    assert "Traceback" not in said
    assert "out.npz written" in said
    assert sorted(os.listdir(tmp_path)) == ["out.bvh", "out.npz"]
    motion, animation = mq.read_motion(tmp_path / "out.npz"), mq.read_motion(tmp_path / "out.bvh")
    assert 10 < motion.n_frames == animation.n_frames


def test_a_reader_that_goes_ends_the_session(tmp_path: Path) -> None:
    line = [*MAQUETTE, "--replay", "demo", "--loop", "--to", "-", "--quiet"]
    with subprocess.Popen(line, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert '"hello"' in running.stdout.readline()
        assert '"pose"' in running.stdout.readline()
        running.stdout.close()
        assert running.wait(30) == 0
        assert running.stderr.read() == ""


def test_it_ends_after_so_many_seconds(tmp_path: Path) -> None:
    done = live("--source", "udp://127.0.0.1:0", "--seconds", "0.3", "--to", "out.npz", cwd=tmp_path)
    assert done.returncode == 0
    assert "nobody was seen, nothing is written" in done.stderr
    assert os.listdir(tmp_path) == []
    done = live("--replay", "demo", "--seconds", "1.5", "--to", "out.npz", "--quiet", cwd=tmp_path)
    assert done.returncode == 0
    assert 1 < mq.read_motion(tmp_path / "out.npz").n_frames < 60


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "neither --source nor --replay"),
        ("--source udp://9000 --replay demo", "both --source and --replay"),
        ("--source upd://127.0.0.1:9000", "did you mean udp://127.0.0.1:9000?"),
        ("--source udp://127.0.0.1:99999", "--source udp://127.0.0.1:99999: "),
        ("--source udp://127.0.0.1", "no port"),
        ("--source folder:nowhere", "no such folder"),
        ("--source .", "write folder:."),
        ("--source udp://0.0.0.0:9000", "give a --token"),
        ("--source udp://0.0.0.0:9000 --token short", "expected at least 8"),
        ("--replay nowhere", "nowhere: no such file or folder"),
        ("--replay demo --to upd://127.0.0.1:9000", "did you mean udp://?"),
        ("--replay demo --to udp://127.0.0.1", "no port"),
        ("--replay demo --to vmc://127.0.0.1:0", "expected 1 to 65535"),
        ("--replay demo --to ws://0.0.0.0:8765", "give a --token"),
        ("--replay demo --to ws://0.0.0.0:8765 --token short", "expected at least 8"),
        ("--replay demo --to there.npz", "is there already"),
        ("--replay demo --to nowhere/out.npz", "no such folder"),
        ("--replay demo --to out.xyz", "no suffix that can be written"),
        ("--replay demo --to out", "no such sink"),
        ("--replay demo --to a.npz --to a.npz", "given twice"),
        ("--replay demo --to out.npz --person me", "expected first, all, or a number"),
        ("--replay demo --to out.npz --roll 0.1", "expected 1 second or more"),
        ("--replay demo --speed 0", "--speed 0: expected a positive number, or max"),
        ("--replay demo --speed fast", "--speed fast: expected a positive number, or max"),
        ("--replay demo --seconds 0", "--seconds 0: expected a positive number"),
        ("--replay demo --fps none", "expected a positive number such as 30"),
        ("--replay demo --people 17", "17 people, expected 1 to 16"),
        ("--replay demo --calibrate 61", "expected 0 (none) to 60"),
        ("--replay demo --height-m 180", "body height is 180 m"),
        ("--replay demo --image-size 640", "expected WIDTHxHEIGHT"),
        ("--replay demo --skeleton none", "no skeleton is called 'none'"),
        ("--replay demo --model none", "no model 'none'"),
        ("--recover out.npz", "out.npz"),
    ],
)
def test_what_is_wrong_is_one_sentence(run, tmp_path: Path, monkeypatch, line: str, words: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.npz").write_bytes(b"precious")
    status, out, err = run("live", *line.split())
    assert (status, out) == (2, "")
    assert words in err
    assert err.startswith("maquette: ")
    assert err.count("\n") == 1
    assert os.listdir(tmp_path) == ["there.npz"]
    assert (tmp_path / "there.npz").read_bytes() == b"precious"


@pytest.mark.parametrize(
    "line",
    [
        "--source udp://127.0.0.1:{udp} --to out.npz",
        "--source osc://127.0.0.1:{udp} --to out.npz",
        "--source tcp://127.0.0.1:{tcp} --to out.npz",
        "--replay demo --to out.npz --to ws://127.0.0.1:{tcp}",
        "--replay demo --to out.npz --to tcp+listen://127.0.0.1:{tcp}",
    ],
)
def test_a_port_that_is_taken(run, tmp_path: Path, monkeypatch, line: str) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        datagrams.bind(("127.0.0.1", 0))
        ports = {"udp": datagrams.getsockname()[1], "tcp": server.getsockname()[1]}
        status, out, err = run("live", *line.format(**ports).split())
    assert (status, out) == (2, "")
    assert "cannot listen" in err
    assert err.startswith("maquette: ")
    assert err.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_without_a_sink_there_is_the_page() -> None:
    with ThreadPoolExecutor(1) as executor:
        session = session_of(Live(replay="demo"), StatusLine(quiet=True), executor)
    assert [sink.address for sink in session.sinks] == [PAGE]
    assert getattr(session.sinks[0], "url", None) == "http://127.0.0.1:8765/"
