"""The latency of ``maquette live``, measured from outside: packet of keypoints sent until its pose is received.

    python benchmarks/live_latency.py [--seconds 60] [--scenario one@60 ten@30] [--cores 2] [--with-vmc]

Three processes: one sends the demo's clip as packets of OpenPose's BODY_25 over UDP at an even pace, ``maquette live``
makes poses of them, one receives these over UDP (and VMC), all on the same processors. Each packet says its number's
time as ``t``, the pose repeats it, and both ends stamp by the machine's monotonic clock, which all processes share. Of
several people, the latency of a frame is that of its last pose. What the first seconds (calibration) took is said
apart. The figures contain the ways through the system's sockets, and the wait for a processor that others have.
"""

import argparse
import contextlib
import gc
import json
import multiprocessing
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np

from maquette.demo.choreography import perform
from maquette.demo.filming import Mistakes, camera, detect

SCENARIOS = {"one@60": (1, 60), "one@30": (1, 30), "ten@30": (10, 30), "three@60": (3, 60)}
CALIBRATION_S = 4.0
"""The first seconds, said on their own."""
_COLUMNS, _PERSON_SCALE = 5, 0.45


@dataclass(frozen=True)
class Latencies:
    """Of one run, milliseconds, by the number of the frame; NaN for frames that nobody got."""

    json_ms: np.ndarray
    vmc_ms: np.ndarray
    poses: int
    """That were received in all."""
    last_t: float
    """Time stamp of the last pose."""
    said: str
    """What Maquette said at its end."""
    processor_s: float = float("nan")
    """What Maquette used of the processors from the first packet to the last, which a busy machine does not change."""
    left: tuple[int, int] = (0, 0)
    """Bytes of keypoints that nobody had fetched from the system when all were sent, and packets that it had lost."""


def clip_packets(people: int, fps: int) -> list[dict]:
    """The demo's clip forth and back, so that it can go on for ever; several people stand in two rows, each at another
    place of the clip."""
    performance = perform(fps)
    view = camera()
    found = detect(performance.motion, view, mistakes=Mistakes(nobody=range(0)))
    points, confidence = np.nan_to_num(found.points), found.confidence
    rows = np.concatenate((points, confidence[..., None]), axis=-1)
    rows = np.concatenate((rows, rows[-2:0:-1]))
    width, height = view.image_size
    packets = []
    for frame in range(len(rows)):
        everybody = []
        for person in range(people):
            row = rows[(frame + person * len(rows) // people) % len(rows)].copy()
            if people > 1:
                seen = row[:, 2] > 0
                centre = [width * (person % _COLUMNS + 0.5) / _COLUMNS, height * (0.3 + 0.45 * (person // _COLUMNS))]
                middle = row[seen, :2].mean(axis=0)
                row[seen, :2] = (row[seen, :2] - middle) * _PERSON_SCALE + centre
            everybody.append({"pose_keypoints_2d": np.round(row, 3).ravel().tolist()})
        packets.append({"version": 1.3, "people": everybody, "image_size": [width, height]})
    return packets


def free_ports(count: int) -> list[int]:
    """Ports in a row that nobody has."""
    while True:
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            first.bind(("127.0.0.1", 0))
            ports = [first.getsockname()[1] + i for i in range(count)]
            try:
                for port in ports[1:]:
                    stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return ports


def udp_sockets() -> list[list[str]]:
    """All of this machine's: the second column is the local address, the last how many packets it lost."""
    rows = Path("/proc/net/udp").read_text(encoding="ascii").splitlines()
    return [row.split() for row in rows[1:]]


def wait_for_udp(port: int, process: subprocess.Popen, timeout_s: float = 60.0) -> None:
    """Until somebody listens on a port of this machine."""
    deadline_s = time.monotonic() + timeout_s
    while all(not row[1].endswith(f":{port:04X}") for row in udp_sockets()):
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise SystemExit("maquette live does not listen")
        time.sleep(0.05)


def send(port: int, people: int, fps: int, frames: int, result: Connection) -> None:
    """The sender's process: gives back when it sent each frame."""
    packets = clip_packets(people, fps)
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.connect(("127.0.0.1", port))
    result.send("ready")
    result.recv()
    gc.disable()
    sent_s = np.empty(frames)
    start_s = time.monotonic()
    for frame in range(frames):
        packet = json.dumps(packets[frame % len(packets)] | {"frame": frame, "t": frame / fps}).encode()
        pause_s = start_s + frame / fps - time.monotonic()
        if pause_s > 0:
            time.sleep(pause_s)
        sent_s[frame] = time.monotonic()
        # Refused: nobody listens any more, which the receiver will show.
        with contextlib.suppress(ConnectionRefusedError):
            out.send(packet)
    result.send(sent_s)


def receive(ports: list[int], result: Connection) -> None:
    """The receiver's process: JSON on the first port, VMC on the others; gives back times and packets."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in ports]
    for one, port in zip(sockets, ports, strict=True):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        one.bind(("127.0.0.1", port))
        one.setblocking(False)
    result.send("ready")
    gc.disable()
    seen: list[tuple[float, int, bytes]] = []
    while result not in (ready := wait([*sockets, result])):
        now_s = time.monotonic()
        for number, one in enumerate(sockets):
            while one in ready:
                try:
                    packet = one.recv(1 << 16)
                except BlockingIOError:
                    break
                seen.append((now_s, number, _essence(packet, number)))
    result.recv()
    result.send(seen)


def _essence(packet: bytes, number: int) -> bytes:
    """What is looked at afterwards; an hour of whole packets would fill the memory."""
    return packet[: packet.index(b'"joints"')] + b'"":0}' if number == 0 and b'"joints"' in packet else packet[:160]


def vmc_time(packet: bytes) -> float:
    """Of ``/VMC/Ext/T ,f`` in a bundle; NaN without."""
    at = packet.find(b"/VMC/Ext/T\0\0,f\0\0")
    return float(np.frombuffer(packet, ">f4", 1, at + 16)[0]) if at >= 0 else float("nan")


def run_maquette(command: list[str]) -> subprocess.Popen:
    """``maquette live``, as users start it."""
    # A pipe that nobody empties would stop it after an hour of status lines.
    said = tempfile.TemporaryFile("w+", encoding="utf-8")
    process = subprocess.Popen([sys.executable, "-m", "maquette", "live", *command], stderr=said, text=True)
    process.stderr = said
    return process


def end(process: subprocess.Popen) -> str:
    """Ctrl-C, and what it says then."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stderr is not None
    with process.stderr as said:
        said.seek(0)
        lines = said.read().replace("\r", "\n").splitlines()
    return "\n".join(line for line in lines[-5:] if line.strip())


def measure(people: int, fps: int, seconds: float, *, with_vmc: bool, options: list[str] | None = None) -> Latencies:
    """One run of all three."""
    context = multiprocessing.get_context("spawn")
    (source,), ports = free_ports(1), free_ports(1 + (people if with_vmc else 0))
    frames = round(seconds * fps)
    ends = [context.Pipe() for _ in range(2)]
    receiver = context.Process(target=receive, args=(ports, ends[0][1]), daemon=True)
    sender = context.Process(target=send, args=(source, people, fps, frames, ends[1][1]), daemon=True)
    receiver.start()
    sender.start()
    for mine, _ in ends:
        mine.recv()
    command = ["--source", f"udp://127.0.0.1:{source}", "--to", f"udp://127.0.0.1:{ports[0]}", "--people", str(people)]
    if with_vmc:
        command += ["--to", f"vmc://127.0.0.1:{ports[1]}"]
    process = run_maquette([*command, *(options or [])])
    wait_for_udp(source, process)
    before_s = processor_seconds(process.pid)
    ends[1][0].send("go")
    sent_s = ends[1][0].recv()
    used_s, left = processor_seconds(process.pid) - before_s, left_over(source)
    time.sleep(0.5)
    said = end(process)
    ends[0][0].send("stop")
    return replace(matched(ends[0][0].recv(), sent_s, fps, said), processor_s=used_s, left=left)


def processor_seconds(pid: int) -> float:
    """That a process has used, in all its threads."""
    words = (Path("/proc") / str(pid) / "stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def left_over(port: int) -> tuple[int, int]:
    """What waits in the system's buffer for who listens on a port, in bytes, and how many packets it lost."""
    for row in udp_sockets():
        if row[1].endswith(f":{port:04X}"):
            return int(row[4].split(":")[1], 16), int(row[-1])
    return 0, 0


def matched(seen: list[tuple[float, int, bytes]], sent_s: np.ndarray, fps: int, said: str) -> Latencies:
    """Latencies of what a receiver gave back."""
    json_ms, vmc_ms = np.full(len(sent_s), np.nan), np.full(len(sent_s), np.nan)
    poses, last_t = 0, float("nan")
    for now_s, number, packet in seen:
        if number == 0:
            message = json.loads(packet)
            if message["type"] != "pose":
                continue
            t, table = message["t"], json_ms
            poses, last_t = poses + 1, t
        else:
            t, table = vmc_time(packet), vmc_ms
        frame = round(t * fps) if np.isfinite(t) else -1
        if 0 <= frame < len(sent_s):
            table[frame] = 1000 * (now_s - sent_s[frame])
    return Latencies(json_ms, vmc_ms, poses, last_t, said)


def told(values_ms: np.ndarray) -> str:
    """Percentiles and what is missing."""
    known = values_ms[np.isfinite(values_ms)]
    if not len(known):
        return f"nothing of {len(values_ms)} frames was received"
    shares = " ".join(f"p{share:g} {np.percentile(known, share):.2f}" for share in (50, 90, 99))
    return f"{shares} max {known.max():.2f} ms; {len(values_ms) - len(known)} of {len(values_ms)} frames missing"


def processor() -> str:
    """Name of the processor."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description="How late poses are, from outside")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--scenario", nargs="+", choices=SCENARIOS, default=["one@60", "ten@30"])
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--with-vmc", action="store_true")
    arguments, options = parser.parse_known_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    print(
        f"{processor()}, {len(os.sched_getaffinity(0))} of {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
    )
    for name in arguments.scenario:
        people, fps = SCENARIOS[name]
        found = measure(people, fps, arguments.seconds, with_vmc=arguments.with_vmc, options=options)
        first = round(CALIBRATION_S * fps)
        expected = people * round(arguments.seconds * fps)
        print(f"\n{name}: {people} at {fps} fps for {arguments.seconds:g} s; {found.poses} poses of {expected}")
        print(f"  first {CALIBRATION_S:g} s  {told(found.json_ms[:first])}")
        print(f"  then       {told(found.json_ms[first:])}")
        if arguments.with_vmc:
            print(f"  VMC        {told(found.vmc_ms[first:])}")
        frames = max(1, int(np.isfinite(found.json_ms).sum()))
        print(f"  processor  {1000 * found.processor_s / frames:.2f} ms a frame that came out")
        print(f"  not fetched from the system: {found.left[0]} bytes; lost by it: {found.left[1]} packets")
        print("  " + found.said.replace("\n", "\n  "), flush=True)


if __name__ == "__main__":
    main()
