"""The ports of ends that hold one performer each: the first person's, and those after it."""

import asyncio
import socket
from typing import Any

from maquette.errors import OutputError


def check_seat_ports(address: str, port: int, people: int) -> None:
    """
    Raises:
        OutputError: nobody is sent to, or there are not that many ports from this one on.
    """
    if people < 1 or not 0 < port <= 65536 - people:
        raise OutputError(f"{address}: {people} people need the ports {port} to {port + people - 1}; 65535 is last")


async def seat_places(
    address: str, host: str, port: int, seats: int, kind: socket.SocketKind, machine: str
) -> tuple[int, list[tuple[Any, ...]]]:
    """``(address family, one place to connect to for each seat)``; of a host with both, the IPv4 address is taken,
    where Unity's receivers listen.

    Args:
        address: as the user wrote it, for messages.
        host: name or number.
        port: of the first seat; the others follow.
        kind: ``socket.SOCK_DGRAM`` or ``socket.SOCK_STREAM``.
        machine: what the host is, for messages: ``the machine where Unity runs``.

    Raises:
        OutputError: the host has no address.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=kind)
    except (OSError, UnicodeError) as error:
        raise OutputError(
            f"{address}: no address is known for '{host}' ({error}); give the name or the number of {machine}"
        ) from error
    family, _, _, _, place = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, [(place[0], port + seat, *place[2:]) for seat in range(seats)]
