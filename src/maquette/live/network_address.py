"""Host and port of what the user writes after ``--source`` and ``--to``."""

from urllib.parse import urlsplit

from maquette.errors import InputError

LOOPBACK = "127.0.0.1"


def host_and_port(
    option: str, address: str, rest: str, *, usual_port: int | None = None, listens: bool = False
) -> tuple[str, int]:
    """Host and port of an address; a host that is left out is 127.0.0.1.

    Args:
        option: ``--source`` or ``--to``, for messages.
        address: all of it, for messages.
        rest: what follows ``://``: ``HOST:PORT``, ``:PORT``, ``PORT`` or ``HOST``.
        usual_port: taken when none is given; None when one must be.
        listens: whether port 0 means any that is free.

    Raises:
        InputError: no port where one is needed, no such port, or more than a host and a port.
    """
    place = rest.rstrip("/")
    if place.isdecimal():
        place = f":{place}"
    try:
        parts = urlsplit(f"//{place}")
        host, port = parts.hostname or LOOPBACK, parts.port
    except ValueError as error:
        raise InputError(f"{option} {address}: {error}; expected HOST:PORT with a port from 1 to 65535") from None
    if parts.path or parts.query or parts.fragment or parts.username is not None or " " in place:
        raise InputError(f"{option} {address}: expected HOST:PORT and nothing more")
    if port is None:
        port = usual_port
    if port is None:
        shown = f"[{host}]" if ":" in host else host
        example = f"{address.partition('://')[0]}://{shown}:9000"
        raise InputError(f"{option} {address}: no port; expected HOST:PORT, such as {example}")
    if port == 0 and not listens:
        raise InputError(f"{option} {address}: nobody listens on port 0; expected 1 to 65535")
    return host, port
