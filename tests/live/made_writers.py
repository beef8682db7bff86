"""Programs that send keypoints, each over its own transport, written with nothing of Maquette: plain sockets, the json
module, python-osc and the websockets package."""

import json
import os
import queue
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pythonosc import osc_bundle_builder, osc_message_builder
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from maquette.live.addresses import SourceOptions, source_of
from maquette.live.ends import Source
from maquette.live.sources.stdin import StdinSource

HOST = "127.0.0.1"
SIZE = (1280, 720)
Send = Callable[[int, float, np.ndarray], object]
"""Sends a frame of one person: its number, its time in seconds, (25, 3) x, y and confidence."""


@dataclass
class Link:
    """A source, and how a program reaches it once it runs."""

    source: Source
    sending: Callable[[], AbstractContextManager[Send]]
    """Entered in another thread, as another program would be; blocks until the source lets it in."""


def openpose(rows: np.ndarray) -> dict:
    """As OpenPose writes it: zeros where nothing is seen."""
    return {"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": rows.ravel().tolist()}]}


def stamped(number: int, time_s: float, rows: np.ndarray) -> bytes:
    """The same with the number, the time and the size of the picture beside it."""
    return json.dumps({**openpose(rows), "frame": number, "t": time_s, "image_size": SIZE}).encode()


def port_of(source: Source) -> int:
    return source.port  # pyright: ignore[reportAttributeAccessIssue]


def udp(_: Path) -> Link:
    source = source_of(f"udp://{HOST}:0")

    @contextmanager
    def sending() -> Iterator[Send]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            yield lambda *frame: sender.sendto(stamped(*frame), (HOST, port_of(source)))

    return Link(source, sending)


def osc(_: Path) -> Link:
    source = source_of(f"osc://{HOST}:0")

    @contextmanager
    def sending() -> Iterator[Send]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:

            def send(number: int, time_s: float, rows: np.ndarray) -> None:
                message = osc_message_builder.OscMessageBuilder("/maquette/keypoints")
                for value in ("openpose-body-25", number, 0, 1, *SIZE, *rows.ravel().tolist()):
                    message.add_arg(value)
                bundle = osc_bundle_builder.OscBundleBuilder(1_700_000_000 + time_s)  # pyright: ignore[reportArgumentType]
                bundle.add_content(message.build())
                sender.sendto(bundle.build().dgram, (HOST, port_of(source)))

            yield send

    return Link(source, sending)


def in_pieces(send: Callable[[bytes], object], line: bytes) -> None:
    """Cut anywhere, as a network may do."""
    at = random.randrange(len(line))
    send(line[:at])
    time.sleep(0.0005)
    send(line[at:])


def tcp(_: Path) -> Link:
    source = source_of(f"tcp://{HOST}:0")

    @contextmanager
    def sending() -> Iterator[Send]:
        with socket.create_connection((HOST, port_of(source))) as sender:
            sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield lambda *frame: in_pieces(sender.sendall, stamped(*frame) + b"\r\n")

    return Link(source, sending)


def tcp_connect(_: Path) -> Link:
    server = socket.create_server((HOST, 0))

    @contextmanager
    def sending() -> Iterator[Send]:
        with server, server.accept()[0] as sender:
            yield lambda *frame: in_pieces(sender.sendall, stamped(*frame) + b"\n")

    return Link(source_of(f"tcp+connect://{HOST}:{server.getsockname()[1]}"), sending)


def websocket(_: Path) -> Link:
    source = source_of(f"ws://{HOST}:0")

    @contextmanager
    def sending() -> Iterator[Send]:
        with connect(f"ws://{HOST}:{port_of(source)}") as sender:
            yield lambda *frame: sender.send(stamped(*frame).decode())

    return Link(source, sending)


def websocket_connect(_: Path) -> Link:
    came, done = queue.SimpleQueue[ServerConnection](), threading.Event()

    def handle(connection: ServerConnection) -> None:
        came.put(connection)
        done.wait()

    server = serve(handle, HOST, 0)

    @contextmanager
    def sending() -> Iterator[Send]:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            connection = came.get(timeout=10)
            yield lambda *frame: connection.send(stamped(*frame))
        finally:
            done.set()
            server.shutdown()
            serving.join()

    return Link(source_of(f"ws+connect://{HOST}:{server.socket.getsockname()[1]}/poses"), sending)


def stdin(_: Path) -> Link:
    read, write = os.pipe()

    @contextmanager
    def sending() -> Iterator[Send]:
        with os.fdopen(write, "wb", buffering=0) as pipe:
            yield lambda *frame: in_pieces(pipe.write, stamped(*frame) + b"\n")

    return Link(StdinSource(descriptor=read), sending)


def folder(place: Path) -> Link:
    """OpenPose's own files, half of each first; they say neither time nor size."""
    place = place / "keypoints"
    place.mkdir()

    @contextmanager
    def sending() -> Iterator[Send]:
        def send(number: int, _: float, rows: np.ndarray) -> None:
            text = json.dumps(openpose(rows))
            with (place / f"camera_{number:012d}_keypoints.json").open("w") as file:
                file.write(text[: len(text) // 2])
                file.flush()
                time.sleep(0.0005)
                file.write(text[len(text) // 2 :])

        yield send

    return Link(source_of(f"folder:{place}", SourceOptions(image_size=SIZE)), sending)
