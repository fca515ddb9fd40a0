"""Networks as lists of addresses to ask."""

from __future__ import annotations

from ipaddress import ip_network

MAX_ADDRESSES = 4096


def addresses(network: str) -> list[str]:
    """The host addresses of `192.168.1.0/24`, or the one address given. ValueError says what is wrong with it."""
    try:
        found = ip_network(network.strip(), strict=False)
    except ValueError:
        raise ValueError(f"{network!r} is not a network; write it as 192.168.1.0/24") from None
    if found.num_addresses > MAX_ADDRESSES:
        raise ValueError(f"{network} has more than {MAX_ADDRESSES} addresses; give smaller networks")
    return [str(address) for address in found.hosts()]
