"""Who may connect."""

import pytest

from maquette.errors import InputError
from maquette.live.listening import check_listening, host_fits, is_loopback, origin_fits, token_fits


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("[::1]", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("192.168.1.5", False), ("example.org", False), ("", False),
        ("127.0.0.1.evil.org", False),
    ],
)  # fmt: skip
def test_what_is_this_machine_alone(host: str, own: bool) -> None:
    assert is_loopback(host) is own


def test_other_machines_need_a_token_of_some_length() -> None:
    check_listening("udp://127.0.0.1:1", "127.0.0.1", None)
    check_listening("udp://0.0.0.0:1", "0.0.0.0", "long enough")
    with pytest.raises(InputError, match=r"0\.0\.0\.0 lets other machines in; give a --token"):
        check_listening("udp://0.0.0.0:1", "0.0.0.0", None)
    with pytest.raises(InputError, match="at least 8"):
        check_listening("udp://127.0.0.1:1", "127.0.0.1", "short")


def test_tokens() -> None:
    assert token_fits(None, None)
    assert token_fits("anything", None)
    assert token_fits("open sesame", "open sesame")
    assert not token_fits(None, "open sesame")
    assert not token_fits("open sesamf", "open sesame")
    assert not token_fits("öffne dich", "open sesame")


@pytest.mark.parametrize(
    ("origin", "host", "fits"),
    [
        (None, "127.0.0.1:8765", True),
        ("http://127.0.0.1:8765", "127.0.0.1:8765", True),
        ("http://localhost:8765", "localhost:8765", True),
        ("http://127.0.0.1:8766", "127.0.0.1:8765", False),
        ("http://evil.org", "127.0.0.1:8765", False),
        ("null", "127.0.0.1:8765", False),
        ("http://[", "127.0.0.1:8765", False),
        ("http://127.0.0.1:8765", None, False),
    ],
)
def test_only_this_servers_own_page_may_connect(origin: str | None, host: str | None, fits: bool) -> None:
    assert origin_fits(origin, host) is fits


def test_foreign_names_that_lead_here_do_not_fit() -> None:
    assert host_fits("127.0.0.1:8765", "127.0.0.1")
    assert host_fits("localhost:8765", "127.0.0.1")
    assert not host_fits("evil.org:8765", "127.0.0.1")
    assert not host_fits("[", "127.0.0.1")
    assert not host_fits(None, "127.0.0.1")
    assert host_fits("studio.local:8765", "0.0.0.0")
