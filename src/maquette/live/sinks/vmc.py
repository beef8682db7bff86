"""Poses to avatars: the VMC protocol over UDP."""

import socket
import time
from typing import Any

from maquette.live.ends import SinkReport
from maquette.live.sinks.seat_ports import check_seat_ports, seat_places
from maquette.live.sinks.seats import Seats
from maquette.stream.osc import encode_bundle, encode_message
from maquette.stream.pose_frame import PoseFrame
from maquette.stream.vmc import UNCALIBRATED, Root, VmcEncoder, encode_status

USUAL_PORT = 39539
"""Where receivers of the protocol (marionettes) listen unless told otherwise."""
_QUIET_S = 1.0
"""After a refusal: so long without another one means that somebody listens again. Also the pause before a socket that
failed is opened again."""


class VmcSink:
    """One bundle for each frame and person (:mod:`maquette.stream.vmc`).

    A receiver of the protocol moves one avatar, and listens at one port. The person followed first goes to ``port``,
    the next to ``port + 1`` and so on (:class:`maquette.live.sinks.seats.Seats`). UDP knows no connection: receivers
    may come and go, and a refusal is counted and otherwise ignored. Frames in which a person is not seen say so in
    ``/VMC/Ext/OK`` and leave the avatar in its last pose.

    Args:
        address: as the user wrote it, for messages.
        host: name or IPv4 or IPv6 address; of a name with both, the IPv4 address is taken, where Unity's receivers
            listen.
        port: of the person followed first.
        people: how many ports are sent to, from ``port`` upwards.
        root: what carries the path of the person, see :class:`maquette.stream.vmc.VmcEncoder`.

    Raises:
        OutputError: there is no such port.
    """

    def __init__(
        self, address: str, host: str, port: int = USUAL_PORT, *, people: int = 1, root: Root = "still"
    ) -> None:
        check_seat_ports(address, port, people)
        self.address = address
        self.report = SinkReport()
        self._host, self._port = host, port
        self._seats = Seats(people)
        self._encoder = VmcEncoder(root)
        self._doors: list[_Door] = []
        self._refused_s = -_QUIET_S

    async def start(self) -> None:
        """Look up the host.

        Raises:
            OutputError: it has no address.
        """
        family, places = await seat_places(
            self.address, self._host, self._port, len(self._seats), socket.SOCK_DGRAM, "the machine where the avatar is"
        )
        self._doors = [_Door(family, place) for place in places]
        self.report.say("sending")

    def send(self, frame: PoseFrame) -> None:
        """Hand the bundles of one frame to the system."""
        if not self._doors:
            return
        handed_over, wanted = False, False
        for seat, pose in enumerate(self._seats.place(frame)):
            if pose is not None:
                packet = self._encoder.encode(frame, pose.humanoid)
                if packet is None:
                    self._failed(f"person {pose.person} has a pose that is not finite")
                    wanted = True
                    continue
            elif seat == 0 or self._seats.was_used(seat):
                packet = encode_status(frame, known=self._seats.was_used(seat))
            else:
                continue
            wanted = True
            handed_over |= self._hand_over(self._doors[seat], packet)
        if handed_over:
            self.report.sent += 1
            if self.report.state != "sending" and time.monotonic() - self._refused_s >= _QUIET_S:
                self.report.say("sending")
        elif wanted:
            self.report.dropped += 1

    async def stop(self) -> None:
        """Say that no more comes, and close."""
        farewell = encode_bundle([encode_message("/VMC/Ext/OK", 0, UNCALIBRATED, 0, 0)])
        for seat, door in enumerate(self._doors):
            if seat == 0 or self._seats.was_used(seat):
                self._hand_over(door, farewell)
            door.close()
        self._doors = []
        self.report.say("stopped")

    def _hand_over(self, door: "_Door", packet: bytes) -> bool:
        """Send one packet; whether the system took it."""
        try:
            try:
                return door.send(packet)
            except ConnectionRefusedError:
                # That was said of the packet before; this one has not been sent yet.
                self._refused_s = time.monotonic()
                self._failed(f"nobody listens on {door.name}")
                return door.send(packet)
        except BlockingIOError:
            self.report.say("waiting", "the network takes no more")
        except ConnectionRefusedError:
            self._refused_s = time.monotonic()
        except OSError as error:
            self._refused_s = time.monotonic()
            self._failed(f"{door.name}: {error.strerror or error}")
            door.close()
        return False

    def _failed(self, detail: str) -> None:
        self.report.failures += 1
        self.report.say("waiting", detail)


class _Door:
    """The way to one port. Its socket is connected, since only then does the system tell that nobody listens."""

    def __init__(self, family: int, place: tuple[Any, ...]) -> None:
        self._family, self._place = family, place
        self.name = f"[{place[0]}]:{place[1]}" if family == socket.AF_INET6 else f"{place[0]}:{place[1]}"
        self._socket: socket.socket | None = None
        self._closed_s = -_QUIET_S

    def send(self, packet: bytes) -> bool:
        """Whether the system took the packet; false while the door waits to be opened again.

        Raises:
            OSError: as of a socket that does not block.
        """
        if self._socket is None:
            if time.monotonic() - self._closed_s < _QUIET_S:
                return False
            self._socket = socket.socket(self._family, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
            # A whole network may be addressed: 192.168.1.255.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            self._socket.connect(self._place)
        self._socket.send(packet)
        return True

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._closed_s = None, time.monotonic()
