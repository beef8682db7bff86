"""MaquetteLive, compiled and run: packets that Python sends over real sockets move a figure in Unity's axes."""

import json
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from unity_program import compiled

from maquette.rig.target_rig import HUMANOID_BONES
from maquette.stream.pose_frame import BONE_PARENTS

MIRROR = np.diag([-1.0, 1.0, 1.0])
LEG_M = (0.43, 0.41)
OFFSETS_M = {
    "hips": (0, 0.93, 0), "spine": (0, 0.1, -0.01), "chest": (0, 0.12, 0), "upperChest": (0, 0.12, 0.01),
    "neck": (0, 0.14, 0), "head": (0, 0.09, 0.02),
    **{f"{side}{bone}": (sign * x, y, z) for side, sign in (("left", 1), ("right", -1)) for bone, (x, y, z) in {
        "UpperLeg": (0.1, 0, 0), "LowerLeg": (0, -LEG_M[0], 0), "Foot": (0, -LEG_M[1], 0), "Toes": (0, -0.06, 0.13),
        "Shoulder": (0.03, 0.1, 0), "UpperArm": (0.14, 0, 0), "LowerArm": (0.28, 0, 0), "Hand": (0.25, 0, 0)}.items()},
}  # fmt: skip
"""Place of each bone in its parent, Maquette's axes."""
JOINTS = {
    "hip": "hips",
    "l_hip": "leftUpperLeg",
    "l_knee": "leftLowerLeg",
    "l_ankle": "leftFoot",
    "l_wrist": "leftHand",
}
OPTIONAL = ("upperChest", "leftToes", "rightShoulder")
"""Some of the bones that a humanoid of Unity may lack."""


def pose(frame: int, t: float, *, person: int = 0, seed: int = 0) -> tuple[bytes, dict[str, np.ndarray]]:
    """A message, and where the bones are in Maquette's world, by SciPy."""
    rng = np.random.default_rng([seed, frame, person])
    own = {bone: Rotation.from_rotvec(rng.normal(scale=0.4, size=3)) for bone in HUMANOID_BONES}
    turned, places = {"hips": own["hips"]}, {"hips": np.array([rng.normal(), 0.9, rng.normal()])}
    for bone in HUMANOID_BONES[1:]:
        above = BONE_PARENTS[bone]
        places[bone] = places[above] + turned[above].apply(OFFSETS_M[bone])
        turned[bone] = turned[above] * own[bone]
    message = {
        "v": 1, "type": "pose", "frame": frame, "t": t, "person": person,
        "joints": {joint: places[bone].tolist() for joint, bone in JOINTS.items()} | {"head": None},
        "conf": {"hip": 0.5}, "root": places["hips"].tolist(), "contacts": {"l_heel": True, "r_toe": False},
        "bones": {bone: own[bone].as_quat()[[3, 0, 1, 2]].tolist() for bone in HUMANOID_BONES},
        "later": [{"a": "\\\"{", "b": [1e-3, -2.5E+2, None, True]}], "latency_ms": 1.8,
    }  # fmt: skip
    return json.dumps(message, ensure_ascii=False).encode(), places


def figure_text(scale: float = 1.0, hips_m: float = 0.0, without: tuple[str, ...] = ()) -> str:
    """A figure of the same proportions, its bones with axes of any kind; its hips bone may be above the hip joints."""
    rng = np.random.default_rng(5)
    places = {"hips": np.array(OFFSETS_M["hips"], dtype=float)}
    lines = []
    for bone in HUMANOID_BONES:
        above = BONE_PARENTS.get(bone)
        if above is not None:
            places[bone] = places[above] + OFFSETS_M[bone]
        if bone in without:
            continue
        while above in without:
            above = BONE_PARENTS[str(above)]
        axes = Rotation.from_quat(rng.normal(size=4)).as_quat()
        place = MIRROR @ (places[bone] * scale + ([0.0, hips_m, 0.0] if bone == "hips" else 0.0))
        names = [bone[0].upper() + bone[1:], "-" if above is None else above[0].upper() + above[1:]]
        lines.append(f"{' '.join(names)} {','.join(repr(float(n)) for n in (*axes, *place))}")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the compiled files."""
    return compiled(tmp_path_factory.mktemp("unity"))


class Player:
    """The running program: what it says, and how to speak to it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def order(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def until(self, beginning: str, timeout_s: float = 20.0) -> list[str]:
        """The lines up to the first that begins so."""
        seen, deadline = [], time.monotonic() + timeout_s
        while True:
            seen.append(self.lines.get(timeout=max(deadline - time.monotonic(), 0.01)))
            if seen[-1].startswith(beginning):
                return seen

    def next_pose(self) -> dict[tuple[str, str], list[str]]:
        """The words after each ``(kind, name)``; under ``("pose", "")`` person, frame and time."""
        rows = [line.split() for line in self.until("end ") if not line.startswith("state")]
        table = {(row[0], row[1]): row[2:] for row in rows if row[0] not in ("pose", "end")}
        return table | {("pose", ""): rows[0][1:], ("end", ""): rows[-1][1:]}

    def stop(self) -> list[str]:
        self.order("stop")
        return self.until("off ")


@contextmanager
def playing(program: list[str], folder: Path, transport: str, port: int, text: str = "") -> Iterator[Player]:
    (folder / "figure.txt").write_text(text or figure_text())
    command = [*program, "live", transport, str(port), str(folder / "figure.txt")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Player(process)
        finally:
            process.kill()


def udp_port(player: Player) -> int:
    return int(player.until("state listening on ")[-1].rsplit(":", 1)[1])


def numbers(words: list[str]) -> np.ndarray:
    return np.array([float(word) for word in words])


def check(
    seen: dict[tuple[str, str], list[str]], places: dict[str, np.ndarray], message: bytes, *, is_first: bool = True
) -> None:
    """Everything is the mirror image: joints, rotations, and the bones of the figure."""
    sent = json.loads(message)
    for joint, bone in JOINTS.items():
        np.testing.assert_allclose(numbers(seen["joint", joint]), MIRROR @ places[bone], atol=1e-6)
    assert ("joint", "head") not in seen
    for bone, (w, x, y, z) in sent["bones"].items():
        turn = Rotation.from_quat(numbers(seen["bone", bone])).as_matrix()
        np.testing.assert_allclose(turn, MIRROR @ Rotation.from_quat([x, y, z, w]).as_matrix() @ MIRROR, atol=1e-6)
        part = numbers(seen["part", bone[0].upper() + bone[1:]])
        np.testing.assert_allclose(part, MIRROR @ places[bone], atol=1e-5)
    assert seen["contact", "l_heel"] == ["True"]
    assert seen["contact", "r_toe"] == ["False"]
    if is_first:
        np.testing.assert_allclose(numbers(seen["follower", "l_wrist"]), MIRROR @ places["leftHand"], atol=1e-5)


def test_a_figure_follows_packets(program: list[str], tmp_path: Path) -> None:
    with (
        playing(program, tmp_path, "udp", 0) as player,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        sender.connect(("127.0.0.1", udp_port(player)))
        for frame in range(20):
            message, places = pose(frame, frame / 60)
            sender.send(message)
            seen = player.next_pose()
            assert seen["pose", ""][:2] == ["0", str(frame)]
            check(seen, places, message)
        assert player.stop()[-3] == "counted 20 0 0 0"


def test_a_larger_figure_stands_on_the_ground(program: list[str], tmp_path: Path) -> None:
    """Half as large again, its hips bone above the hip joints: these are where the person's are, scaled."""
    with (
        playing(program, tmp_path, "udp", 0, figure_text(1.5, 0.07, OPTIONAL)) as player,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        message, places = pose(3, 0.5)
        sender.sendto(message, ("127.0.0.1", udp_port(player)))
        seen = player.next_pose()
        for bone in ("LeftUpperLeg", "RightUpperLeg", "LeftFoot", "RightToes"):
            wanted = MIRROR @ (1.5 * places[bone[0].lower() + bone[1:]])
            np.testing.assert_allclose(numbers(seen["part", bone]), wanted, atol=1e-5)


def test_garbage_is_skipped_and_counted(program: list[str], tmp_path: Path) -> None:
    message, places = pose(7, 1.0)
    sent = json.loads(message)
    bad = [
        b"\xff\x00\xfe", b"{", message[:-40], message + b"x", b"[1, 2]", b'{"v":1,"type":"pose"}', b"[" * 2000,
        b'{"v":1,"type":"pose","joints":{},"later":' + b"[" * 2000, b'{"joints":{"hip":[1,2]}}',
        b'{"joints":{"hip":[1,2,1e999]}}', b'{"joints":{"hip":[NaN,2,3]}}', b'{"joints":{"hip":["1",2,3]}}',
        b'{"v":2,"type":"pose","joints":{}}', b'{"joints":{},"bones":{"hips":[0,0,0,0]}}', b'{"joints":{},"frame":1.5}',
        b'{"joints":{"hi', b'{"joints":{"\\u00', b'{"joints":{},"person":1e300}',
    ]  # fmt: skip
    good = [
        b'{"v":1,"type":"hello","joints":["hip"],"parents":[-1],"bones":["hips"]}',
        b'{"v":1,"type":"status","state":"live","people":1,"joints":5}',
        b'{"v":1,"type":"of tomorrow","joints":[[]],"x":{"y":"z"}}',
        b'{"v":7,"type":"of tomorrow"}',
    ]
    with (
        playing(program, tmp_path, "udp", 0) as player,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        sender.connect(("127.0.0.1", udp_port(player)))
        for packet in (*bad, *good, b"", b"\n"):
            sender.send(packet)
        sender.send(message + b"\n")
        check(player.next_pose(), places, message)
        said = player.stop()
        assert f"counted {len(good) + 1} {len(bad)} 0 0" in said
        assert "malformed not a message of Maquette's stream" in said
        assert sent["type"] == "pose"


def test_only_the_newest_pose_of_each_person_is_shown(program: list[str], tmp_path: Path) -> None:
    with (
        playing(program, tmp_path, "udp", 0) as player,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        sender.connect(("127.0.0.1", udp_port(player)))
        player.order("hold")
        player.until("held")
        for frame in range(30):
            for person in (0, 1):
                sender.send(pose(frame, frame / 30, person=person)[0])
        time.sleep(0.3)
        player.order("go")
        first, second = player.next_pose(), player.next_pose()
        assert [first["pose", ""][:2], second["pose", ""][:2]] == [["0", "29"], ["1", "29"]]
        # There is one figure: the second person is drawn with a sphere for each joint.
        assert second["end", ""] == [str(len(JOINTS))]
        # What overtook others on its way is left out; a stream that begins anew is not.
        sender.send(pose(20, 20 / 30)[0])
        sender.send(pose(0, 0.0)[0])
        assert player.next_pose()["pose", ""][:2] == ["0", "0"]
        sender.send(b'{"v":1,"type":"gone","frame":1,"t":0.03,"person":0}')
        sender.send(pose(1, 0.05, person=1)[0])
        message, places = pose(2, 0.06, person=2)
        sender.send(message)
        while (seen := player.next_pose())["pose", ""][0] != "2":
            pass
        check(seen, places, message, is_first=False)  # the figure was free for the next one
        player.order("people")
        assert player.until("people")[-1] == "people 1 2"
        counted = player.stop()[-3].split()
        assert counted[2:] == ["0", "1", "58"]


def test_tcp_connects_again(program: list[str], tmp_path: Path) -> None:
    """Before Maquette is there, after it went, after lines without end; lines come in pieces and several at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with playing(program, tmp_path, "tcp", port) as player:
        player.until(f"state 127.0.0.1:{port}: ")
        for run in range(2):
            with socket.create_server(("127.0.0.1", port)) as server:
                server.settimeout(20)
                connection = server.accept()[0]
                with connection:
                    connection.sendall(b'{"v":1,"type":"hello","joints":[]}\n')
                    message, places = pose(0, 0.2, seed=run)
                    connection.sendall(message[:500])
                    time.sleep(0.05)
                    connection.sendall(message[500:] + b"\n")
                    check(player.next_pose(), places, message)
                    later, places = pose(2, 0.3, seed=run)
                    connection.sendall(b"{" * 1_500_000 + b"\nno\n" + later + b"\r\n")
                    check(player.next_pose(), places, later)
            player.until("state closed by ")
        said = player.stop()
        assert said[-3].startswith("counted 6 4 0 ")
        assert "malformed a line of more than 1048576 bytes" in said
        assert float(said[-1].split()[1]) < 2000


def test_reading_leaves_no_garbage(program: list[str], tmp_path: Path) -> None:
    """20,000 messages of 2 kB: with a few objects for each number the collector would run dozens of times."""
    (tmp_path / "line.json").write_bytes(pose(1, 1.0)[0])
    done = subprocess.run(
        [*program, "garbage", str(tmp_path / "line.json")], capture_output=True, text=True, check=True
    )
    collections = int(done.stdout.split()[0])
    assert collections == 0
