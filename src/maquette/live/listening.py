"""Who may connect: this machine alone, unless told otherwise, and then only with a token."""

import hmac
import ipaddress
from urllib.parse import urlsplit

from maquette.errors import InputError

MAX_MESSAGE_BYTES = 1 << 20
"""Of one packet, line, file or message that comes in."""
MIN_TOKEN_LENGTH = 8


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own and nobody else's."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_listening(address: str, host: str, token: str | None) -> None:
    """Refuse to listen where others can connect without a token.

    Raises:
        InputError: the host is not this machine's loopback and there is no token, or the token is too short.
    """
    if token is not None and len(token) < MIN_TOKEN_LENGTH:
        raise InputError(f"--token has {len(token)} characters; expected at least {MIN_TOKEN_LENGTH}")
    if token is not None and not token.isprintable():
        raise InputError("--token holds what cannot be printed; expected letters, digits and signs")
    if not is_loopback(host) and token is None:
        raise InputError(
            f"{address}: listening on {host} lets other machines in; give a --token that they must send "
            "(or listen on 127.0.0.1)"
        )


def token_fits(given: str | None, token: str | None) -> bool:
    """Whether what came over the wire opens the door; without a token it stands open. Takes the same time for all wrong
    ones."""
    if token is None:
        return True
    return given is not None and hmac.compare_digest(given.encode(), token.encode())


def origin_fits(origin: str | None, host_header: str | None) -> bool:
    """Whether a browser's page may connect: one that this very server gave out. Programs send no origin and may.

    Args:
        origin: of the page, as browsers send it with WebSockets; None from programs.
        host_header: what the client believes to talk to, ``127.0.0.1:8765``. Compared by name, so that a foreign name
            that was made to lead here (DNS rebinding) does not fit either: see :func:`host_fits`.
    """
    if origin is None:
        return True
    return bool(host_header) and _place(origin) == host_header


def host_fits(host_header: str | None, bound_host: str) -> bool:
    """Whether the name by which a client came is one of this server's: loopback by its own names when bound there."""
    if host_header is None:
        return False
    if not is_loopback(bound_host):
        return True
    try:
        return is_loopback(urlsplit(f"//{host_header}").hostname or "")
    except ValueError:
        return False


def _place(origin: str) -> str | None:
    """Host and port of a page's origin; None of what is none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
