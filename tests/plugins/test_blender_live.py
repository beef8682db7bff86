"""Blender's live listener: receiver and figures without Blender; and, where there is one, the armatures it moves."""

import importlib
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from made_body import made_motion, wild_motion  # pyright: ignore[reportMissingImports]
from scipy.spatial.transform import Rotation

from maquette.motion import Motion
from maquette.rig.target_rig import HUMANOID_BONES
from maquette.skeletons import LIFTED_21
from maquette.stream.pose_frame import BONE_PARENTS

FOLDER = Path(str(files("maquette.plugins").joinpath("blender")))
LIMBS = {
    **{f"{side}_{joint}": f"{long}{bone}" for side, long in (("l", "left"), ("r", "right")) for joint, bone in (
        ("hip", "UpperLeg"), ("knee", "LowerLeg"), ("shoulder", "UpperArm"), ("elbow", "LowerArm"))},
}  # fmt: skip
"""Joint -> bone that turns what begins there."""


@pytest.fixture(scope="module")
def stream() -> Iterator[ModuleType]:
    """The part of the add-on that knows nothing of Blender, in a package without its ``__init__``."""
    package = ModuleType("maquette_in_blender")
    package.__path__ = [str(FOLDER)]
    sys.modules["maquette_in_blender"] = package
    yield importlib.import_module("maquette_in_blender.maquette_stream")
    for name in [name for name in sys.modules if name.startswith("maquette_in_blender")]:
        del sys.modules[name]


def message(frame: int, t: float, places: np.ndarray, turns: dict[str, Rotation] | None = None, person: int = 0) -> str:
    joints = {joint: place.tolist() for joint, place in zip(LIFTED_21.joints, places, strict=True)}
    bones = {bone: turn.as_quat()[[3, 0, 1, 2]].tolist() for bone, turn in (turns or {}).items()}
    return json.dumps(
        {"v": 1, "type": "pose", "frame": frame, "t": t, "person": person, "joints": joints, "bones": bones}
    )


def random_turns(seed: int) -> tuple[dict[str, Rotation], dict[str, Rotation]]:
    """Rotations of bones in their parents and in the world."""
    rng = np.random.default_rng(seed)
    own = {bone: Rotation.from_rotvec(rng.normal(scale=0.5, size=3)) for bone in HUMANOID_BONES}
    world: dict[str, Rotation] = {}
    for bone in HUMANOID_BONES:
        world[bone] = world[BONE_PARENTS[bone]] * own[bone] if bone in BONE_PARENTS else own[bone]
    return own, world


def rigid(seed: int, stretch: float = 1.0) -> tuple[np.ndarray, dict[str, Rotation], dict[str, Rotation]]:
    """A body whose limbs turn exactly as its bones do; ``stretch`` makes its limbs longer."""
    own, world = random_turns(seed)
    rest = made_motion(1).positions[0]
    turned_by = {"hip": "hips", "spine": "chest", "thorax": "upperChest", "nose": "head", **LIMBS}
    turned_by |= {"l_ankle": "leftFoot", "r_ankle": "rightFoot"}
    places = np.zeros((21, 3))
    places[0] = [0.3 * seed, 0.95, -0.2]
    for joint in LIFTED_21.order[1:]:
        parent = LIFTED_21.parents[joint]
        length = float(np.linalg.norm(rest[joint] - rest[parent]))
        side = {"l": 1.0, "r": -1.0}.get(LIFTED_21.joints[joint].split("_")[0], 0.0)
        arm = LIFTED_21.joints[joint].split("_")[-1] in ("shoulder", "elbow", "wrist", "hip")
        way = np.array([side, 0.0, 0.0]) if arm else np.array([0.0, -1.0 if side else 1.0, 0.1])
        way = way / np.linalg.norm(way) * length * stretch
        places[joint] = places[parent] + world[turned_by[LIFTED_21.joints[parent]]].apply(way)
    return places, own, world


def posed(
    figure: dict, rotations: np.ndarray, root: np.ndarray, moved: np.ndarray
) -> tuple[np.ndarray, list[Rotation]]:
    """Places and orientations of a figure's joints by SciPy."""
    places, turned = np.zeros((len(figure["names"]), 3)), []
    for joint, parent in enumerate(figure["parents"]):
        own = Rotation.from_quat(rotations[joint][[1, 2, 3, 0]])
        if parent < 0:
            places[joint] = root
            turned.append(own)
        else:
            places[joint] = places[parent] + turned[parent].apply(figure["offsets_m"][joint] + moved[joint])
            turned.append(turned[parent] * own)
    return places, turned


@pytest.mark.parametrize("made", [made_motion, wild_motion])
def test_every_joint_is_where_the_stream_has_it(stream: ModuleType, made: Callable[..., Motion]) -> None:
    """Also where the rotations that are sent have nothing to do with the places."""
    motion = made(15)
    messages = [message(i, i / 30, places, random_turns(i)[0]) for i, places in enumerate(motion.positions)]
    poses = [stream.read_message(text)[1] for text in messages]
    follower = stream.Follower(poses[0])
    order = [follower.figure["names"].index(name) for name in LIFTED_21.joints]
    for places, pose in zip(motion.positions, poses, strict=True):
        rotations, starts, moved = follower.follow(pose)
        np.testing.assert_allclose(np.linalg.norm(rotations, axis=-1), 1.0, atol=1e-9)
        np.testing.assert_allclose(posed(follower.figure, rotations, starts[0], moved)[0][order], places, atol=1e-9)


def test_limbs_turn_as_the_bones_and_keep_their_lengths(stream: ModuleType) -> None:
    first = stream.read_message(message(0, 0.0, *rigid(1)[:2]))[1]
    follower = stream.Follower(first)
    for seed in range(2, 6):
        places, own, world = rigid(seed)
        rotations, starts, moved = follower.follow(stream.read_message(message(1, 0.1, places, own))[1])
        np.testing.assert_allclose(moved, 0.0, atol=1e-9)
        turned = posed(follower.figure, rotations, starts[0], moved)[1]
        for joint, bone in LIMBS.items():
            gap = turned[follower.figure["names"].index(joint)] * world[bone].inv()
            assert gap.magnitude() < 1e-7


def test_joints_that_are_unknown_for_a_while(stream: ModuleType) -> None:
    motion = made_motion(3)
    texts = [json.loads(message(i, i / 30, places)) for i, places in enumerate(motion.positions)]
    texts[1]["joints"]["l_wrist"] = None
    poses = [stream.read_message(json.dumps(text))[1] for text in texts]
    with pytest.raises(stream.StreamError, match="l_wrist unknown"):
        stream.Follower(poses[1])
    follower = stream.Follower(poses[0])
    follower.follow(poses[0])
    rotations, starts, moved = follower.follow(poses[1])
    elbow, wrist = LIFTED_21.index("l_elbow"), LIFTED_21.index("l_wrist")
    node = follower.figure["names"].index("l_wrist")
    seen = posed(follower.figure, rotations, starts[0], moved)[0][node]
    wanted = motion.positions[1, elbow] + motion.positions[0, wrist] - motion.positions[0, elbow]
    np.testing.assert_allclose(seen, wanted, atol=1e-9)


def polled(receiver: object, wanted: Callable[[dict, list], bool]) -> tuple[dict, list]:
    """Poll as Blender's timer does, until something is there."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        poses, gone = receiver.poll()  # pyright: ignore[reportAttributeAccessIssue]
        if wanted(poses, gone):
            return poses, gone
        time.sleep(0.002)
    raise AssertionError("nothing came")


BAD = (
    b"\xff", b"{", b"[1]", b"[" * 3000, b'{"joints":{"hip":[1,2]}}', b'{"joints":{"hip":[1,2,NaN]}}',
    b'{"v":2,"joints":{}}',
    b'{"joints":{},"bones":{"hips":[0,0,0,0]}}', b'{"joints":[],"type":"pose"}', b'{"joints":{},"person":"0"}',
    b'{"joints":{},"t":null}', b'{"joints":{"hip":[1,2,true]}}',
)  # fmt: skip


def test_udp_keeps_the_newest_and_counts_garbage(stream: ModuleType) -> None:
    receiver = stream.Receiver("UDP", "127.0.0.1", 0)
    places = made_motion(1).positions[0]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(receiver.address)
        for packet in (*BAD, b'{"type":"hello","joints":["hip"]}', b'{"type":"new"}', b"", b"\n"):
            sender.send(packet)
        for frame in range(20):
            sender.send(message(frame, frame / 30, places).encode())
        sender.send(message(10, 10 / 30, places).encode())
        sender.send(message(0, 0.0, places, person=4).encode())
        polled(receiver, lambda poses, _: 4 in poses)
        assert {person: pose["frame"] for person, pose in receiver.latest.items()} == {0: 19, 4: 0}
        assert (receiver.malformed, receiver.late) == (len(BAD), 1)
        assert receiver.first_malformed == "is no JSON"
        sender.send(b'{"v":1,"type":"gone","frame":9,"t":0.3,"person":0}')
        assert polled(receiver, lambda _, gone: bool(gone)) == ({}, [0])
        # The stream begins anew: times run backwards by more than a little.
        sender.send(message(0, 9.0, places).encode())
        sender.send(message(1, 0.0, places).encode())
        assert polled(receiver, lambda poses, _: bool(poses))[0][0]["frame"] in (0, 1)
    receiver.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="in use"):
            stream.Receiver("UDP", "127.0.0.1", other.getsockname()[1])


def test_tcp_connects_again_and_sends_the_token(stream: ModuleType) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    receiver = stream.Receiver("TCP", "127.0.0.1", port, "open sesame")
    polled(receiver, lambda *_: "trying again" in receiver.state)
    text = message(0, 0.5, made_motion(1).positions[0]).encode()
    for _ in range(2):
        with socket.create_server(("127.0.0.1", port)) as server:
            server.setblocking(False)
            deadline = time.monotonic() + 10
            connection = None
            while connection is None and time.monotonic() < deadline:
                receiver.poll()
                try:
                    connection = server.accept()[0]
                except BlockingIOError:
                    time.sleep(0.01)
            assert connection is not None
            with connection:
                connection.setblocking(True)
                connection.sendall(b'{"type":"hello"}\n' + text[:100])
                assert receiver.poll()[0] == {}
                connection.sendall(text[100:] + b"\n")
                polled(receiver, lambda poses, _: bool(poses))
                assert connection.recv(100) == b"open sesame\n"
                connection.settimeout(10)
                for _ in range(24):
                    connection.sendall(b"x" * 100_000)
                    receiver.poll()
                connection.sendall(b"\n" + message(1, 0.6, made_motion(1).positions[0]).encode() + b"\n")
                assert polled(receiver, lambda poses, _: bool(poses))[0][0]["frame"] == 1
        polled(receiver, lambda *_: "closed" in receiver.state)
    assert receiver.malformed == 2
    assert "1048576 bytes" in receiver.first_malformed
    receiver.close()


IN_BLENDER = """
import json, socket, sys, time
sys.path.insert(0, sys.argv[1])
import bpy, numpy as np
import blender as addon
live = addon.maquette_live
bpy.ops.wm.read_factory_settings(use_empty=True)
addon.register()
texts = json.load(open(sys.argv[2]))
names = json.load(open(sys.argv[3]))
scene = bpy.context.scene
scene.render.fps, scene.render.fps_base, scene.frame_current = 30, 1.0, 11
bpy.context.scene.maquette_live.port = live.start(port=0).receiver.address[1]
bpy.ops.maquette.live_stop()
assert bpy.ops.maquette.live_start() == {"FINISHED"}
session = live.Running.session
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.connect(session.receiver.address)
heads, turns = [], []

def state(person=0):
    armature = bpy.data.objects[f"Maquette person {person}"]
    bpy.context.view_layer.update()
    heads.append([list(armature.matrix_world @ armature.pose.bones[name].head) for name in names])
    turns.append([list(map(list, (armature.pose.bones[name].matrix.to_3x3()
                  @ armature.data.bones[name].matrix_local.to_3x3().inverted()))) for name in names])

for count, text in enumerate(texts):
    if count == 2:
        assert bpy.ops.maquette.live_record() == {"FINISHED"}
    before = session.receiver.received
    out.send(b"garbage")
    out.send(text.encode())
    while session.receiver.received == before:
        assert live.tick() is not None
    state()
assert session.receiver.malformed == len(texts)
assert bpy.ops.maquette.live_record() == {"FINISHED"}
keyed = len(heads)
for frame, text in enumerate(texts[2:]):
    number = 11 + (json.loads(text)["t"] - json.loads(texts[2])["t"]) * 30
    scene.frame_set(int(number // 1), subframe=float(number % 1))
    state()
# Undone, deleted, a second person, and the end.
bpy.data.objects.remove(bpy.data.objects["Maquette person 0"])
last = json.loads(texts[-1])
for person in (0, 3):
    out.send(json.dumps(last | {"t": last["t"] + 1, "person": person}).encode())
deadline = time.monotonic() + 10
while len(session.people) < 2 and time.monotonic() < deadline:
    live.tick()
state(0)
state(3)
out.send(b'{"type":"gone","person":3,"t":9}')
while 3 in session.people and time.monotonic() < deadline:
    live.tick()
assert bpy.ops.maquette.live_stop() == {"FINISHED"}
assert live.tick() is None
addon.unregister()
np.savez(sys.argv[4], heads=heads, turns=turns, keyed=keyed)
"""


def test_blender_follows(tmp_path: Path) -> None:
    """Bones stand within 0.1 mm of the joints, live, in the keys, and after somebody deleted the armature."""
    python = os.environ.get("MAQUETTE_BPY_PYTHON", sys.executable)
    if python == sys.executable and importlib.util.find_spec("bpy") is None:
        pytest.skip("no Blender: bpy is not installed, and MAQUETTE_BPY_PYTHON names no interpreter that has it")
    bodies = [rigid(seed, 1.0 if seed < 8 else 1.1) for seed in range(1, 10)]
    texts = [message(i, i * 0.04, places, own) for i, (places, own, _) in enumerate(bodies)]
    for name, content in (("texts", texts), ("names", LIFTED_21.joints)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    (tmp_path / "script.py").write_text(IN_BLENDER)
    given = [tmp_path / "texts.json", tmp_path / "names.json", tmp_path / "seen.npz"]
    done = subprocess.run([python, tmp_path / "script.py", FOLDER.parent, *given], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "seen.npz") as found:
        heads, turns, keyed = (found[name] for name in ("heads", "turns", "keyed"))
    wanted = np.array([places for places, _, _ in bodies])
    wanted = np.concatenate((wanted, wanted[2:], wanted[-1:], wanted[-1:]))
    # Blender: Z up, facing -Y.
    upright = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    assert keyed == len(bodies)
    assert np.abs(heads - wanted @ upright.T).max() < 1e-4
    for seen, (_, _, world) in zip(turns[:7], bodies[:7], strict=True):
        for joint, bone in LIMBS.items():
            turn = upright @ world[bone].as_matrix() @ upright.T
            np.testing.assert_allclose(seen[LIFTED_21.index(joint)], turn, atol=1e-4)
