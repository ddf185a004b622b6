"""The address by which a visitor is counted."""

from __future__ import annotations

import ipaddress
import os
import secrets

from starlette.requests import HTTPConnection

_RELAY = "x-stylekernel-relay"
_SECRET = secrets.token_hex(16)


def address_of(request: HTTPConnection) -> str:
    """Return the address of whoever sent a request; of IPv6 the network that one customer gets.

    A header that names another one is believed only of proxies that the server knows to be behind:
    those of a Space, and those of FORWARDED_ALLOW_IPS, the variable that uvicorn reads.
    """
    if relayed := _relayed(request):
        return relayed
    host = request.client.host if request.client else ""
    stated = [
        _bare(part)
        for line in request.headers.getlist("x-forwarded-for")
        for part in line.split(",")
    ]
    if os.environ.get("SPACE_ID"):
        # The last address outside of the Space's own network: earlier ones can be forged.
        host = next((each for each in reversed(stated) if _is_global(each)), host)
    elif host in stated and not os.environ.get("FORWARDED_ALLOW_IPS"):
        # Unless told otherwise, uvicorn believes the header of every process of this machine.
        host = "localhost"
    return _network(host)


def relayed_for(request: HTTPConnection) -> dict[str, str]:
    """Return the header by which this process tells itself for whom it sends a request on."""
    return {_RELAY: f"{_SECRET} {address_of(request)}"}


def is_relayed(request: HTTPConnection) -> bool:
    """Say whether this process sent the request on for somebody, over MCP."""
    return bool(_relayed(request))


def _relayed(request: HTTPConnection) -> str:
    secret, _, address = request.headers.get(_RELAY, "").partition(" ")
    return address if secrets.compare_digest(secret.encode(), _SECRET.encode()) else ""


def _bare(stated: str) -> str:
    """Return an address of a header without a port and brackets."""
    host = stated.strip()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host


def _is_global(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def _network(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
