"""Looking for batteries in networks the user names: only the status paths are asked, without a token."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from watchman.sonnen.answers import ENDPOINTS, read_answer
from watchman.sonnen.client import Limits, get
from watchman.sonnen.status import Status
from watchman.sonnen.subnets import addresses
from watchman.sonnen.system import ECO_PORT, System, port_of
from watchman.sonnen.values import Failure, number

PORTS = (80, 8080, ECO_PORT)
WORKERS = 32
LIMITS = Limits(connect_s=1.0, total_s=3.0)

Get = Callable[[str], bytes | Failure]
Resolve = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class Found:
    """A battery that answered, and its charge if it told it."""

    url: str
    address: str
    api: str
    charge_percent: float | None


def get_quickly(url: str) -> bytes | Failure:
    """One request with little patience: most addresses of a network are not taken."""
    return get(url, None, LIMITS)


def search(networks: Iterable[str], ports: Sequence[int] = (), fetch: Get = get_quickly) -> list[Found]:
    """The batteries in the networks, in the order of their addresses. ValueError names a network that is none.

    Without `ports` those of all generations are tried and a battery counts once; with `ports` every one of them may be
    a battery of its own.
    """
    hosts = list(dict.fromkeys(host for network in networks for host in addresses(network)))
    with ThreadPoolExecutor(min(WORKERS, max(len(hosts), 1)), thread_name_prefix="discover") as pool:
        each = list(pool.map(lambda host: _at(host, tuple(ports) or PORTS, fetch), hosts))
    return [one for found in each for one in (found if ports else found[:1])]


def resolve(host: str) -> list[str]:
    """The addresses of a host, none if its name is not known."""
    try:
        return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return []


def find_again(
    system: System, taken: Iterable[str], fetch: Get = get_quickly, resolve: Resolve = resolve
) -> Found | str:
    """Where the battery went: the only one in its networks that is no other system's. Else a line that says why not.

    `taken` are the URLs of the other systems. A Sonnen does not tell its serial number to strangers, so two candidates
    cannot be told apart, and nothing is taken while it is not known which address is another's.
    """
    others: set[tuple[str, int]] = set()
    for url in filter(None, taken):
        held = _held(url, resolve)
        if not held:
            return f"not looked for: {url} cannot be resolved, and a battery found might be that one"
        others |= held
    ports = dict.fromkeys((port_of(system.url), *PORTS))
    found = {
        one.address: one
        for one in reversed(search(system.search, tuple(ports), fetch))
        if (one.address, port_of(one.url)) not in others
    }
    if len(found) == 1:
        return next(iter(found.values()))
    where = ", ".join(system.search)
    if not found:
        return f"looked for it in {where}: nothing there"
    names = ", ".join(sorted(one.url for one in found.values()))
    return f"looked for it in {where}: {names} answer, which one it is must be told with url"


def _held(url: str, resolve: Resolve) -> set[tuple[str, int]]:
    """The addresses and ports that are a battery's: on one of the usual ports it has the others as well."""
    port = port_of(url)
    ports = PORTS if port in PORTS else (port,)
    return {(address, each) for address in resolve(urlsplit(url).hostname or "") for each in ports}


def as_config(found: Iterable[Found]) -> str:
    """The batteries as tables for config.toml. Two at one address have its port in their label: labels must differ."""
    blocks = []
    batteries = list(found)
    places = [one.address for one in batteries]
    for one in batteries:
        host = one.address if places.count(one.address) == 1 else f"{one.address}:{port_of(one.url)}"
        charge = "" if one.charge_percent is None else f", charge {one.charge_percent:g} %"
        blocks.append(f'# {one.api} API{charge}\n[[systems]]\nhost = "{host}"\nurl = "{one.url}"\n')
    return "\n".join(blocks)


def _at(host: str, ports: Sequence[int], fetch: Get) -> list[Found]:
    """The batteries at an address, one at most per port."""
    shown = f"[{host}]" if ":" in host else host
    found = (_on(f"http://{shown}" + ("" if port == 80 else f":{port}"), host, port, fetch) for port in ports)
    return [one for one in found if one]


def _on(url: str, host: str, port: int, fetch: Get) -> Found | None:
    for api in _apis(port):
        body = fetch(url + ENDPOINTS[api]["status"].path + ("/M05" if api == "eco-parts" else ""))
        if isinstance(body, Failure):
            if body.reason in ("connect", "timeout", "dns"):
                return None
            continue
        if api == "eco-parts":
            charge = number(body[:64].decode("ascii", "replace").strip())
            return None if charge is None else Found(url, host, "eco", charge)
        reading = read_answer("status", body)
        if isinstance(reading, Status):
            return Found(url, host, api, reading.state_of_charge_percent)
    return None


def _apis(port: int) -> tuple[str, ...]:
    trees = ("eco", "eco-parts")
    if port == ECO_PORT:
        return trees
    return ("v2", "v1") if port in PORTS else ("v2", "v1", *trees)
