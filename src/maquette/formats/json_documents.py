"""JSON from files of others: decoded into typed structs, with errors that name the file and the place."""

from typing import Any, Literal, TypeVar

import msgspec

from maquette.errors import InputError

T = TypeVar("T")

_BOM = b"\xef\xbb\xbf"


def decode_json(decoder: msgspec.json.Decoder[T], data: bytes, where: str) -> T:
    """``data`` decoded by ``decoder``; ``where`` is the name of the file for the error.

    Raises:
        InputError: truncated, malformed or nested too deeply, or of another shape than the decoder's type.
    """
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        if data.startswith(_BOM):
            return decode_json(decoder, data[len(_BOM) :], where)
        raise InputError(f"{where}: {describe_json_error(error, data)}") from None


def describe_json_error(error: Exception, data: bytes) -> str:
    """What is wrong with ``data``, in one sentence without the name of the file."""
    text = str(error)
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply to be keypoints"
    if not data.strip():
        return "the file is empty, expected JSON"
    if isinstance(error, msgspec.ValidationError) and "got `null`" in text and "keypoints" in text:
        return f"not the expected JSON: {text[:1].lower()}{text[1:]}; write missing points as 0, 0, 0"
    if isinstance(error, msgspec.ValidationError):
        return f"not the expected JSON: {text[:1].lower()}{text[1:]}"
    if "truncated" in text:
        return f"the JSON ends in the middle (after {len(data)} bytes); the file was cut off, write or copy it again"
    at = _error_offset(text)
    if at is not None and at >= len(data.rstrip()):
        return f"the JSON ends in the middle (after {len(data)} bytes); the file was cut off, write or copy it again"
    if at is not None:
        nearby = data[max(0, at - 1) : at + 9]
        for word in (b"NaN", b"Infinity"):
            if word in nearby:
                return (
                    f"{word.decode()} stands at byte {at}, which is no JSON number; "
                    "write missing points as 0, 0 with confidence 0"
                )
        if any(byte > 127 or byte < 9 for byte in data[at : at + 1]):
            return f"not JSON text (byte {at} is 0x{data[at]:02x})"
    return f"not valid JSON: {text.removeprefix('JSON is malformed: ')}"


def _error_offset(text: str) -> int | None:
    """Byte offset that msgspec names at the end of its message."""
    _, _, tail = text.rpartition("(byte ")
    digits = tail.removesuffix(")")
    return int(digits) if digits.isdigit() else None


_ANY = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_RAW = msgspec.json.Decoder(msgspec.Raw)


def json_keys(data: bytes, where: str) -> dict[str, msgspec.Raw] | None:
    """Undecoded values of a JSON object by key; None when the document is no object.

    Raises:
        InputError: not valid JSON.
    """
    if not data.lstrip(_BOM + b" \t\r\n").startswith(b"{"):
        return None
    return decode_json(_ANY, data, where)


def json_items(data: bytes, where: str) -> list[msgspec.Raw] | None:
    """Undecoded elements of a JSON list; None when the document is no list.

    Raises:
        InputError: not valid JSON.
    """
    if not data.lstrip(_BOM + b" \t\r\n").startswith(b"["):
        return None
    return decode_json(_LIST, data, where)


def document_kind(data: bytes) -> Literal["object", "list", "lines", "other"]:
    """What kind of JSON ``data`` is by its beginning: one object, one list, or several lines of JSON."""
    start = data[:64].removeprefix(_BOM).lstrip(b" \t\r\n")
    if not start.startswith((b"{", b"[")):
        return "other"
    first, _, rest = data.removeprefix(_BOM).lstrip(b" \t\r\n").partition(b"\n")
    if rest[:1] in (b"{", b"[") and _is_complete(first):
        return "lines"
    return "object" if start.startswith(b"{") else "list"


def _is_complete(line: bytes) -> bool:
    try:
        _RAW.decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False
    return True


def lines_as_list(data: bytes, where: str) -> bytes:
    """JSON lines as one JSON list.

    Raises:
        InputError: a line is not valid JSON; the text gives its number.
    """
    lines = [line for line in data.removeprefix(_BOM).splitlines() if line.strip()]
    for number, line in enumerate(lines, start=1):
        decode_json(_RAW, line, f"{where}, line {number}")
    return b"[" + b",".join(lines) + b"]"


def json_brief(value: Any) -> str:
    """A short description of an undecoded value for error texts: its keys, or its kind and beginning."""
    data = bytes(value).strip()
    try:
        keys = list(_ANY.decode(data))
        return (
            f"an object with keys {', '.join(keys[:8])}{', ...' if len(keys) > 8 else ''}"
            if keys
            else "an empty object"
        )
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        pass
    text = data[:40].decode("utf-8", "replace")
    kind = {"[": "a list", '"': "a text"}.get(text[:1], "a value")
    return f"{kind} that begins with {text!r}" if text else "nothing"
