"""Which targets `/probe` may ask. A name counts only as written: what it resolves to opens no network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from watchman.sonnen.system import ECO_PORT

_USUAL_PORTS = (None, 80, 8080, ECO_PORT)


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry: a network or a name, and the port if it is not one of a battery's usual ones."""

    network: IPv4Network | IPv6Network | None
    name: str
    port: int | None


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """Whom `/probe` may ask, and the token it shows them."""

    allowed: tuple[Allowed, ...] = ()
    token: str | None = field(default=None, repr=False)


def read_allowed(entry: str) -> Allowed:
    """`192.168.1.0/24`, `192.168.1.50`, `sonnen-b`, `sonnen-b:5000`. ValueError says what is wrong with it."""
    text = entry.strip().lower()
    try:
        return Allowed(ip_network(text, strict=False), "", None)
    except ValueError:
        pass
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not host or "/" in text or "@" in text:
        raise ValueError(f"{entry!r} is neither a network nor a host; write 192.168.1.0/24, sonnen-b or sonnen-b:5000")
    try:
        return Allowed(ip_network(host), "", port)
    except ValueError:
        return Allowed(None, host, port)


def is_allowed(url: str, allowed: Iterable[Allowed]) -> bool:
    """Whether a normal URL (see `system.normal_url`) points at an entry, without a path of its own."""
    parts = urlsplit(url)
    if parts.path:
        return False
    return any(_is_at(parts.hostname or "", one) and _fits(parts.port, one.port) for one in allowed)


def _is_at(host: str, one: Allowed) -> bool:
    if one.network is None:
        return host.lower() == one.name
    try:
        return ip_address(host) in one.network
    except ValueError:
        return False


def _fits(port: int | None, wanted: int | None) -> bool:
    return port in _USUAL_PORTS if wanted is None else port == wanted
