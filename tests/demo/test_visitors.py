"""The address by which a visitor is counted."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from demo.visitors import address_of, is_relayed, relayed_for


@pytest.fixture(autouse=True)
def no_proxy_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPACE_ID", "FORWARDED_ALLOW_IPS"):
        monkeypatch.delenv(name, raising=False)


def request(client: str, *forwarded: str, **more: str) -> Request:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    headers += [(name.encode(), value.encode()) for name, value in more.items()]
    return Request({"type": "http", "client": (client, 1234), "headers": headers})


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("127.0.0.2", "127.0.0.2"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_address_is_that_of_the_connection(client: str, expected: str) -> None:
    assert address_of(request(client)) == expected


def test_addresses_of_one_network_are_one_visitor() -> None:
    """A customer gets so many of IPv6 that each request could come from another."""
    assert address_of(request("2001:db8::1")) == address_of(request("2001:db8::ffff:1"))
    assert address_of(request("2001:db8::1")) != address_of(request("2001:db8:0:1::1"))


def test_strangers_cannot_state_another_address() -> None:
    assert address_of(request("203.0.113.7", "198.51.100.1")) == "203.0.113.7"
    # What uvicorn makes of the header when it comes from this machine.
    made_up = [request(f"198.51.100.{n}", f"198.51.100.{n}") for n in (1, 2)]
    made_up += [request("198.51.100.3", "10.0.0.1, 198.51.100.3:99")]
    assert {address_of(each) for each in made_up} == {"localhost"}


def test_proxies_that_are_known_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uvicorn has read the header by then, and told whether it came from one of them."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "127.0.0.1")
    assert address_of(request("198.51.100.3", "1.2.3.4, 198.51.100.3")) == "198.51.100.3"


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        (("8.8.8.8",), "8.8.8.8"),
        (("1.1.1.1, 8.8.8.8, 10.0.0.4",), "8.8.8.8"),
        (("1.1.1.1", "8.8.8.8:443"), "8.8.8.8"),
        (("nonsense, [2001:4860:4860::8888]:443",), "2001:4860:4860::/64"),
        (("nonsense, 192.168.0.1",), "10.20.30.40"),
        ((), "10.20.30.40"),
    ],
)
def test_space_tells_the_address(
    monkeypatch: pytest.MonkeyPatch, forwarded: tuple[str, ...], expected: str
) -> None:
    monkeypatch.setenv("SPACE_ID", "painter/space")
    assert address_of(request("10.20.30.40", *forwarded)) == expected


def test_only_this_process_sends_on_for_others() -> None:
    (header,) = relayed_for(request("203.0.113.7")).items()
    sent_on = request("127.0.0.1", **dict([header]))
    assert is_relayed(sent_on) and address_of(sent_on) == "203.0.113.7"
    forged = request("203.0.113.9", **{header[0]: "guess 203.0.113.7"})
    assert not is_relayed(forged) and address_of(forged) == "203.0.113.9"
    assert not is_relayed(request("203.0.113.9", **{header[0]: "é"}))
