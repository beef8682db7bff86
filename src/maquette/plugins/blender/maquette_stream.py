"""The live stream of Maquette: what comes in over UDP or TCP, and figures that follow it. Needs NumPy only.

One JSON object a line or packet: ``{"v": 1, "type": "pose", "t": 0.233, "person": 0, "joints": {"hip": [x, y, z], ...},
"bones": {"hips": [w, x, y, z], ...}, ...}``, metres, Y up; see :class:`Receiver`. Nothing here ever waits.
"""

import errno
import json
import math
import select
import socket
import time

import numpy as np

from .maquette_motion import conjugate, multiply, rotate

MOST_BYTES, MOST_PEOPLE = 1 << 20, 64
_LATE_S, _BUDGET_S = 0.5, 0.008
_PAUSES_S = (0.25, 0.5, 1.0, 2.0, 4.0)
_PARENTS = {
    "hip": None, "r_hip": "hip", "r_knee": "r_hip", "r_ankle": "r_knee", "l_hip": "hip", "l_knee": "l_hip",
    "l_ankle": "l_knee", "spine": "hip", "thorax": "spine", "nose": "thorax", "head": "nose", "l_shoulder": "thorax",
    "l_elbow": "l_shoulder", "l_wrist": "l_elbow", "r_shoulder": "thorax", "r_elbow": "r_shoulder",
    "r_wrist": "r_elbow", "l_heel": "l_ankle", "r_heel": "r_ankle", "l_toe": "l_ankle", "r_toe": "r_ankle",
}  # fmt: skip
"""Joint -> parent; those of the stream's version 1. Packets over UDP do not say them."""
_BONE_PARENTS = {
    "hips": None, "spine": "hips", "chest": "spine", "upperChest": "chest", "neck": "upperChest", "head": "neck",
    **{f"{s}{bone}": parent.replace("*", s) for s in ("left", "right") for bone, parent in (
        ("UpperLeg", "hips"), ("LowerLeg", "*UpperLeg"), ("Foot", "*LowerLeg"), ("Toes", "*Foot"),
        ("Shoulder", "upperChest"), ("UpperArm", "*Shoulder"), ("LowerArm", "*UpperArm"), ("Hand", "*LowerArm"))},
}  # fmt: skip
_TURNED_BY = {
    "hip": "hips", "spine": "chest", "thorax": "upperChest", "nose": "head", "head": "head",
    **{f"{s[0]}_{joint}": f"{s}{bone}" for s in ("left", "right") for joint, bone in (
        ("hip", "UpperLeg"), ("knee", "LowerLeg"), ("ankle", "Foot"), ("heel", "Foot"), ("toe", "Toes"),
        ("shoulder", "UpperArm"), ("elbow", "LowerArm"), ("wrist", "Hand"))},
}  # fmt: skip
"""Joint -> the bone that says how the limb that begins there is turned about its own length."""
_IDENTITY = (1.0, 0.0, 0.0, 0.0)


class StreamError(Exception):
    """A line that is no message of the stream."""


def read_message(text):
    """``(kind, message)`` of one line; a pose's ``joints`` and ``bones`` hold arrays, None where unknown.

    Raises:
        StreamError: it is none.
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise StreamError("is no JSON") from None
    if not isinstance(message, dict):
        raise StreamError("is no message of Maquette's stream")
    kind = message.get("type", "pose")
    if kind not in ("pose", "gone"):
        return kind, message
    person = message.get("person", 0)
    if not isinstance(person, int):
        raise StreamError("'person' is no whole number")
    read = {"person": person, "t": _number(message.get("t", 0.0)), "frame": message.get("frame", 0)}
    if kind == "pose":
        if message.get("v", 1) != 1:
            raise StreamError("is of a newer version; get the newer add-on")
        read["joints"] = _rows(message.get("joints"), "joints", 3)
        read["bones"] = _rows(message.get("bones") or {}, "bones", 4)
        for bone, turn in read["bones"].items():
            size = 0.0 if turn is None else float(np.linalg.norm(turn))
            if turn is not None and not 0.5 < size < 2.0:
                raise StreamError("a rotation is not of length 1")
            read["bones"][bone] = None if turn is None else turn / size
    return kind, read


def _number(value):
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise StreamError("a number is missing")
    return float(value)


def _rows(members, name, length):
    if not isinstance(members, dict):
        raise StreamError(f"'{name}' is no object")
    rows = {}
    for key, row in members.items():
        if row is not None and (not isinstance(row, list) or len(row) != length):
            raise StreamError(f"'{key}' has not {length} numbers")
        rows[key] = None if row is None else np.array([_number(value) for value in row])
    return rows


class Receiver:
    """What has come in, the newest pose of each person only. ``poll`` never waits.

    UDP listens on ``host:port`` (``maquette live --to udp://HOST:PORT``); TCP connects there, again and again
    (``--to tcp+listen://HOST:PORT``), and sends the token first where one is needed.

    Raises:
        OSError: UDP: the port is taken, or the host is not this machine's.
    """

    def __init__(self, transport, host, port, token=""):
        self.address, self.token, self.is_tcp = (host, port), token, transport == "TCP"
        self.state, self.first_malformed = "", ""
        self.received = self.malformed = self.late = 0
        self.latest = {}
        self._fresh, self._gone = set(), []
        self._buffer, self._is_too_long = b"", False
        self._socket, self._connecting = None, False
        self._tries, self._try_at = 0, 0.0
        if not self.is_tcp:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self._socket.bind(self.address)
            except OSError:
                self._socket.close()
                raise
            self._socket.setblocking(False)
            self.address = self._socket.getsockname()
            self.state = f"listening on {self.address[0]}:{self.address[1]}"

    def close(self):
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def poll(self):
        """``(poses, gone)``: person -> newest pose since the last time, and the persons who were given up."""
        self._fresh, self._gone = set(), []
        if self.is_tcp:
            self._poll_tcp()
        else:
            self._poll_udp()
        return {person: self.latest[person] for person in sorted(self._fresh)}, self._gone

    def _poll_udp(self):
        until = time.monotonic() + _BUDGET_S
        while time.monotonic() < until:
            try:
                packet = self._socket.recv(1 << 16)
            except BlockingIOError:
                return
            for line in packet.split(b"\n"):
                self._take(line)

    def _poll_tcp(self):
        try:
            if self._socket is None:
                self._connect()
            elif self._connecting:
                self._finish_connecting()
            if self._socket is not None and not self._connecting:
                self._read()
        except OSError as error:
            self._drop(error.strerror or str(error))

    def _connect(self):
        if time.monotonic() < self._try_at:
            return
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._connecting, self._buffer, self._is_too_long = True, b"", False
        code = self._socket.connect_ex(self.address)
        if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)):
            raise OSError(code, errno.errorcode.get(code, "cannot connect"))
        self.state = f"connecting to {self.address[0]}:{self.address[1]}"

    def _finish_connecting(self):
        _, ready, failed = select.select([], [self._socket], [self._socket], 0)
        if not ready and not failed:
            return
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, errno.errorcode.get(code, "cannot connect"))
        self._connecting = False
        if self.token:
            self._socket.sendall(self.token.encode() + b"\n")
        self.state = f"connected to {self.address[0]}:{self.address[1]}"

    def _read(self):
        until = time.monotonic() + _BUDGET_S
        while time.monotonic() < until:
            try:
                piece = self._socket.recv(1 << 18)
            except BlockingIOError:
                return
            if not piece:
                self._drop("closed by the other end")
                return
            *lines, self._buffer = (self._buffer + piece).split(b"\n")
            for line in lines:
                if self._is_too_long:
                    self._is_too_long = False
                else:
                    self._take(line)
            if len(self._buffer) > MOST_BYTES:
                if not self._is_too_long:
                    self._bad(f"a line of more than {MOST_BYTES} bytes")
                self._buffer, self._is_too_long = b"", True

    def _drop(self, why):
        self.close()
        pause_s = _PAUSES_S[min(self._tries, len(_PAUSES_S) - 1)]
        self._tries += 1
        self._connecting, self._try_at = False, time.monotonic() + pause_s
        self.state = f"{self.address[0]}:{self.address[1]}: {why}; trying again"

    def _take(self, line):
        if not line.strip():
            return
        try:
            kind, message = read_message(line)
        except StreamError as error:
            self._bad(str(error))
            return
        self.received += 1
        self._tries = 0
        if kind == "hello":
            # A new stream: its times and persons have nothing to do with those before.
            self._gone += list(self.latest)
            self.latest, self._fresh = {}, set()
        elif kind == "gone":
            if self.latest.pop(message["person"], None) is not None:
                self._gone.append(message["person"])
            self._fresh.discard(message["person"])
        elif kind == "pose":
            self._keep(message)

    def _keep(self, message):
        last = self.latest.get(message["person"])
        if last is not None and last["t"] - _LATE_S < message["t"] <= last["t"]:
            self.late += 1
            return
        if last is None and len(self.latest) >= MOST_PEOPLE:
            self._bad(f"more than {MOST_PEOPLE} people")
            return
        self.latest[message["person"]] = message
        self._fresh.add(message["person"])

    def _bad(self, why):
        self.malformed += 1
        self.first_malformed = self.first_malformed or why


class Follower:
    """A figure in the size of one person, and how it stands in each pose.

    ``figure`` is as maquette_scene has them, in a T-pose, its joints those of the stream; where several bones leave one
    joint, each has a joint of its own, ``<joint>_to_<child>``, as in files that are imported. Bones that change their
    length move their ends, so that every joint is where the stream has it.

    Raises:
        StreamError: a joint of the pose is not known, or there are none.
    """

    def __init__(self, pose):
        self.joints = [joint for joint in _PARENTS if joint in pose["joints"]]
        above = [_PARENTS[joint] for joint in self.joints]
        if self.joints[:1] != ["hip"] or any(parent not in self.joints for parent in above[1:]):
            raise StreamError("the pose has not the joints of maquette-21")
        unknown = [joint for joint in self.joints if pose["joints"][joint] is None]
        if unknown:
            raise StreamError(f"waits for a pose with all joints; {', '.join(unknown)} unknown")
        self._parents = np.array([self.joints.index(parent) if parent else -1 for parent in above])
        self._nodes()
        self._last = np.zeros((len(self.joints), 3))
        places, turned = self._places(pose), self._bone_turns(pose)
        start = places[self._node_joint]
        self._ways = rotate(conjugate(turned), places[self._points_to] - start)
        self.offsets_m = self._offsets(start, turned)
        parents = self._node_parents.tolist()
        tips = np.full((len(parents), 3), np.nan)
        for node, parent in enumerate(parents):
            if node not in parents and parent >= 0:
                tips[node] = self.offsets_m[node] / 3
        self.figure = {
            "names": self.names,
            "parents": parents,
            "offsets_m": self.offsets_m,
            "rest": np.tile(_IDENTITY, (len(parents), 1)),
            "tips_m": tips,
            # All may move: none is connected to its parent.
            "moves_m": dict.fromkeys(range(len(parents))),
        }

    def _nodes(self):
        """Joints of the figure: where each stands, and which joint it points to (itself: none)."""
        self.names, stand, points, parents, carriers = [], [], [], [], {}
        for joint, name in enumerate(self.joints):
            children = np.flatnonzero(self._parents == joint).tolist()
            node = len(self.names)
            ends = children if len(children) > 1 else []
            self.names += [name, *(f"{name}_to_{self.joints[child]}" for child in ends)]
            stand += [joint] * (1 + len(ends))
            points += [children[0] if len(children) == 1 else joint, *ends]
            parents += [carriers.get(joint, -1), *[node] * len(ends)]
            carriers |= {child: node + 1 + i for i, child in enumerate(ends)} if ends else dict.fromkeys(children, node)
        self._node_joint, self._points_to = np.array(stand), np.array(points)
        self._node_parents = np.array(parents)
        order = list(_BONE_PARENTS)
        self._node_bone = np.array([order.index(_TURNED_BY[self.joints[joint]]) for joint in stand])

    def follow(self, pose):
        """``(rotations, places)`` of a pose: (joints, 4) in the parents, (joints, 3) in the world, of the figure."""
        places, turned = self._places(pose), self._bone_turns(pose)
        start = places[self._node_joint]
        turned = multiply(_swings(rotate(turned, self._ways), places[self._points_to] - start), turned)
        above = np.where(self._node_parents[:, None] >= 0, turned[self._node_parents], _IDENTITY)
        return multiply(conjugate(above), turned), start, self._offsets(start, turned) - self.offsets_m

    def _offsets(self, start, turned):
        parents = self._node_parents
        inside = rotate(conjugate(turned[parents]), start - start[parents])
        return np.where(parents[:, None] >= 0, inside, 0.0)

    def _places(self, pose):
        """Of the joints; one that is not known keeps its place beside its parent."""
        places = np.empty((len(self.joints), 3))
        for joint, name in enumerate(self.joints):
            place, parent = pose["joints"].get(name), self._parents[joint]
            base = places[parent] if parent >= 0 else 0.0
            places[joint] = base + self._last[joint] if place is None else place
            self._last[joint] = places[joint] - base
        return places

    def _bone_turns(self, pose):
        """In the world, for each joint of the figure."""
        world = {}
        for bone, parent in _BONE_PARENTS.items():
            own = pose["bones"].get(bone)
            own = np.array(_IDENTITY) if own is None else own
            world[bone] = own if parent is None else multiply(world[parent], own)
        return np.stack(list(world.values()))[self._node_bone]


def _swings(here, wanted):
    """The shortest rotations from the first directions onto the second; none where there is no direction."""
    lengths = np.linalg.norm(here, axis=-1, keepdims=True) * np.linalg.norm(wanted, axis=-1, keepdims=True)
    real = lengths + np.sum(here * wanted, axis=-1, keepdims=True)
    swing = np.concatenate((real, np.cross(here, wanted)), axis=-1)
    size = np.linalg.norm(swing, axis=-1, keepdims=True)
    usable = (real > 1e-6 * lengths) & (size > 1e-12)
    return np.where(usable, swing / np.where(usable, size, 1.0), _IDENTITY)
