"""Whether ``maquette live`` can run for hours: memory, open files, threads, time stamps and latency over time.

    python benchmarks/live_soak.py --minutes 12 [--scenario one@60]     in real time, packets over UDP
    python benchmarks/live_soak.py --hours 1 [--fps 60]                 as fast as it can: the demo, over and over

Every ten seconds: resident memory, open files and threads of the process, from ``/proc``. At the end: how much memory
grew from the second tenth of the run to the last, whether the last time stamp is what the number of frames says (and,
in real time, what the clock on the wall says), how many frames are missing, and the latency of the first minute after
the calibration and of the last. A recording comes out at the same time (a file of ``.npz``), as in a real session.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from live_latency import (
    CALIBRATION_S,
    SCENARIOS,
    end,
    free_ports,
    matched,
    processor,
    receive,
    run_maquette,
    send,
    told,
    wait_for_udp,
)

_EVERY_S, _MIB = 10.0, 1 << 20


@dataclass(frozen=True)
class Sample:
    """Of a process at one moment."""

    time_s: float
    memory_mib: float
    files: int
    threads: int


def sample(pid: int) -> Sample | None:
    """From ``/proc``; None where the process is gone."""
    folder = Path("/proc") / str(pid)
    try:
        text = (folder / "status").read_text(encoding="ascii", errors="replace")
        files = len(list((folder / "fd").iterdir()))
    except OSError:
        return None
    status = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    if "VmRSS" not in status:
        return None
    return Sample(time.monotonic(), int(status["VmRSS"].split()[0]) * 1024 / _MIB, files, int(status["Threads"]))


class Watch:
    """Samples a process in a thread until it ends."""

    def __init__(self, process: subprocess.Popen) -> None:
        self.samples: list[Sample] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(process.pid,), daemon=True)
        self._thread.start()

    def _run(self, pid: int) -> None:
        while (seen := sample(pid)) is not None:
            self.samples.append(seen)
            if self._over.wait(_EVERY_S):
                return

    def stop(self) -> list[Sample]:
        """All samples."""
        self._over.set()
        self._thread.join()
        return self.samples


def show(samples: list[Sample]) -> None:
    """A line for every tenth, and what grew."""
    if len(samples) < 3:
        print("  too short to say anything about memory")
        return
    start_s = samples[0].time_s
    for one in samples[:: max(1, len(samples) // 10)]:
        print(
            f"  after {(one.time_s - start_s) / 60:6.1f} min {one.memory_mib:7.1f} MiB, {one.files} files, "
            f"{one.threads} threads"
        )
    tenth = max(1, len(samples) // 10)
    early = np.median([one.memory_mib for one in samples[tenth : 2 * tenth]])
    late = np.median([one.memory_mib for one in samples[-tenth:]])
    settled = samples[tenth:]
    minutes = np.array([one.time_s - start_s for one in settled]) / 60
    slope = np.polyfit(minutes, [one.memory_mib for one in settled], 1)[0] if len(settled) > 2 else float("nan")
    print(f"  memory: second tenth {early:.1f} MiB, last tenth {late:.1f} MiB; {60 * slope:+.2f} MiB an hour")
    print(
        f"  open files {min(one.files for one in settled)} to {max(one.files for one in settled)}, threads "
        f"{min(one.threads for one in settled)} to {max(one.threads for one in settled)}"
    )


def real_time(scenario: str, minutes: float, options: list[str]) -> None:
    """Packets at the pace of a camera."""
    people, fps = SCENARIOS[scenario]
    frames = round(minutes * 60 * fps)
    context = multiprocessing.get_context("spawn")
    (source,), ports = free_ports(1), free_ports(1)
    ends = [context.Pipe() for _ in range(2)]
    for target, given in (
        (receive, (ports, ends[0][1])),
        (send, (source, people, fps, frames, ends[1][1])),
    ):
        context.Process(target=target, args=given, daemon=True).start()
    for mine, _ in ends:
        mine.recv()
    with tempfile.TemporaryDirectory() as folder:
        addresses = ["--source", f"udp://127.0.0.1:{source}", "--people", str(people)]
        addresses += ["--to", f"udp://127.0.0.1:{ports[0]}", "--to", f"{folder}/soak.npz"]
        process = run_maquette([*addresses, *options])
        wait_for_udp(source, process)
        watch = Watch(process)
        ends[1][0].send("go")
        sent_s = ends[1][0].recv()
        time.sleep(1.0)
        samples = watch.stop()
        said = end(process)
        written = [f"{file.name} {file.stat().st_size / _MIB:.1f} MiB" for file in Path(folder).iterdir()]
    ends[0][0].send("stop")
    found = matched(ends[0][0].recv(), sent_s, fps, said)
    first, minute = round(CALIBRATION_S * fps), 60 * fps
    print(f"\n{scenario} for {minutes:g} min; {found.poses} poses of {people * frames}; {', '.join(written)}")
    show(samples)
    whole = np.flatnonzero(np.isfinite(found.json_ms))
    last = int(whole[-1]) if len(whole) else 0
    wall_s = float(sent_s[last] - sent_s[0])
    print(
        f"  last time stamp {found.last_t:.6f} s: frame {last} of {fps} fps is {last / fps:.6f} s, sent {wall_s:.4f} s"
    )
    print(f"  first minute  {told(found.json_ms[first : first + minute])}")
    print(f"  last minute   {told(found.json_ms[-minute:])}")
    print(f"  all           {told(found.json_ms[first:])}")
    print("  " + said.replace("\n", "\n  "))


def accelerated(hours: float, fps: int, options: list[str]) -> None:
    """The demo's clip over and over, as fast as it is processed, until so many frames have come out."""
    wanted = round(hours * 3600 * fps)
    (port,) = free_ports(1)
    inward = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    inward.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    inward.bind(("127.0.0.1", port))
    inward.settimeout(30)
    replay = ["--replay", "demo", "--loop", "--speed", "max", "--fps", str(fps), "--to", f"udp://127.0.0.1:{port}"]
    process = run_maquette([*replay, *options])
    watch, start_s = Watch(process), time.monotonic()
    poses, backwards, last = 0, 0, {"frame": 0, "t": -1.0}
    with contextlib.suppress(TimeoutError):
        while last["frame"] < wanted:
            message = json.loads(inward.recv(1 << 16))
            if message["type"] == "pose":
                poses += 1
                backwards += message["t"] <= last["t"]
                last = message
    took_s = time.monotonic() - start_s
    samples = watch.stop()
    said = end(process)
    print(f"\n{last['frame'] + 1} frames ({hours:g} h at {fps} fps) in {took_s / 60:.1f} min; {poses} poses received")
    show(samples)
    number, t = last["frame"], last["t"]
    print(f"  last time stamp {t:.6f} s: frame {number} of {fps} fps is {number / fps:.6f} s; {backwards} not later")
    print("  " + said.replace("\n", "\n  "))


def main() -> None:
    """Do one of the two."""
    parser = argparse.ArgumentParser(description="Memory, time stamps and latency over time")
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--hours", type=float, default=None)
    parser.add_argument("--scenario", choices=SCENARIOS, default="one@60")
    parser.add_argument("--fps", type=int, default=60)
    parser.add_argument("--cores", type=int, default=2)
    arguments, options = parser.parse_known_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.cores])
    print(
        f"{processor()}, {len(os.sched_getaffinity(0))} of {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
    )
    if arguments.hours is not None:
        accelerated(arguments.hours, arguments.fps, options)
    if arguments.minutes is not None or arguments.hours is None:
        real_time(arguments.scenario, arguments.minutes or 10.0, options)


if __name__ == "__main__":
    main()
