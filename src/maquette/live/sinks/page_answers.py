"""What the WebSocket port answers to a browser: the page, its parts, the schema; and who gets in."""

import re
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from maquette.live.listening import host_fits, origin_fits, token_fits

if TYPE_CHECKING:
    from websockets.http11 import Request, Response

_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/schema+json",
}
_HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
_LONGEST_TARGET = 2048


@cache
def _page_parts() -> dict[str, bytes]:
    """Path -> content of all that may be asked for."""
    folder = files("maquette.live") / "page"
    parts = {f"/{part.name}": part.read_bytes() for part in folder.iterdir() if part.name.endswith(tuple(_KINDS))}
    parts["/schema"] = (files("maquette.stream") / "schema-v1.json").read_bytes()
    return parts


def page_answer(
    request: "Request", *, bound_host: str, token: str | None, has_room: Callable[[], bool]
) -> "Response | None":
    """The answer to a request; None lets a WebSocket in.

    The page and the WebSocket ask for the token, where there is one; scripts, style and schema are in every copy of
    this program and do not.

    Args:
        bound_host: where this server listens.
        token: what ``?token=`` must be; None for none.
        has_room: whether one more client may come in.
    """
    hosts = request.headers.get_all("Host")
    host = hosts[0] if len(hosts) == 1 and _HOST.fullmatch(hosts[0]) else None
    if host is None or not host_fits(host, bound_host):
        return _words(HTTPStatus.FORBIDDEN, "This server does not go by that name.")
    if len(request.path) > _LONGEST_TARGET:
        return _words(HTTPStatus.REQUEST_URI_TOO_LONG, "Such an address is not known here.")
    target = urlsplit(request.path)
    given = parse_qs(target.query).get("token", [None])
    may_enter = len(given) == 1 and token_fits(given[0], token)
    if "websocket" in request.headers.get("Upgrade", "").lower():
        origins = request.headers.get_all("Origin")
        if len(origins) > 1 or not origin_fits(origins[0] if origins else None, host):
            return _words(HTTPStatus.FORBIDDEN, "Pages of other sites may not connect.")
        if target.path != "/":
            return _words(HTTPStatus.NOT_FOUND, "Poses are at /.")
        if not may_enter:
            return _words(HTTPStatus.UNAUTHORIZED, "Open the address with ?token= and the token of this session.")
        if not has_room():
            return _words(HTTPStatus.SERVICE_UNAVAILABLE, "As many are connected as may be.")
        return None
    if target.path == "/":
        if not may_enter:
            return _words(HTTPStatus.UNAUTHORIZED, "Open the address with ?token= and the token of this session.")
        return _content("/page.html", _page_parts()["/page.html"], host)
    content = _page_parts().get(target.path)
    if content is None or target.path == "/page.html":
        return _words(HTTPStatus.NOT_FOUND, "There is no such page here; the page is at /, the schema at /schema.")
    return _content(target.path, content, host)


def _content(path: str, content: bytes, host: str) -> "Response":
    suffix = ".json" if path == "/schema" else path[path.rindex(".") :]
    return _response(HTTPStatus.OK, _KINDS[suffix], content, host)


def _words(status: HTTPStatus, sentence: str) -> "Response":
    return _response(status, "text/plain; charset=utf-8", f"{sentence}\n".encode(), None)


def _response(status: HTTPStatus, kind: str, content: bytes, host: str | None) -> "Response":
    from websockets.datastructures import Headers
    from websockets.http11 import Response

    # 'self' does not stand for WebSockets in every browser.
    sockets = f" ws://{host} wss://{host}" if host else ""
    policy = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'{sockets}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = Headers(
        {
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
            "Connection": "close",
        }
    )
    return Response(status.value, status.phrase, headers, content)
