"""A battery as configured, and the places where its API may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo
from urllib.parse import SplitResult, urlsplit

APIS = ("auto", "v1", "v2", "eco")
ECO_PORT = 7979


@dataclass(frozen=True, slots=True)
class System:
    """One battery. `host` and `sn` are labels only; `url` is where it is asked."""

    host: str
    sn: str
    url: str  # scheme://host[:port][/path], no trailing slash
    token: str | None = field(default=None, repr=False)
    # Reads the token again from where it came: it may have been renewed there. None for one that cannot change.
    reread_token: Callable[[], str] | None = field(default=None, repr=False, compare=False)
    search: tuple[str, ...] = ()  # networks in which to look for the battery once its address has gone silent
    api: str = "auto"
    poll_s: float = 5.0
    keep_stale: bool = False
    timezone: tzinfo | None = None  # of the battery's own clock


@dataclass(frozen=True, slots=True)
class Target:
    """An API at an address: where requests go."""

    base: str
    api: str


def candidates(system: System) -> tuple[Target, ...]:
    """Where to look, in order: the configured port first, v2 before v1 before the tree of the eco 4 to 7.

    Firmware updates move the API from port 8080 to 80, so a URL with 8080 or without a port is looked for on both.
    """
    parts = urlsplit(system.url)
    newer = tuple(api for api in ("v2", "v1") if system.api in ("auto", api))
    found = [Target(base, api) for base in _bases(parts) for api in newer]
    if system.api in ("auto", "eco"):
        trees = [Target(_eco_base(parts), api) for api in ("eco", "eco-parts")]
        found = trees + found if parts.port == ECO_PORT else found + trees
    return tuple(found)


def normal_url(url: str) -> str:
    """The URL as `System` wants it: a scheme, no API path, no trailing slash. ValueError says what is wrong with it."""
    given = url.strip()
    parts = urlsplit(given if "://" in given else f"http://{given}")
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"has the scheme {parts.scheme!r}; write http:// or https://")
    if not parts.hostname or any(letter.isspace() for letter in given):
        raise ValueError("names no host; write it as http://192.168.1.50:8080")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a user name or password, which a battery does not know; use token or token_file")
    if parts.port == 0:
        raise ValueError("has port 0, which cannot be asked")
    path = parts.path.split("/api/")[0].removesuffix("/api").split("/rest/devices/")[0].rstrip("/")
    return f"{parts.scheme}://{_netloc(parts, parts.port)}{path}"


def port_of(url: str) -> int:
    """The port a URL means."""
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _bases(parts: SplitResult) -> list[str]:
    own = parts.geturl()
    if parts.scheme != "http" or parts.port not in (None, 8080):
        return [own]
    other = 80 if parts.port == 8080 else 8080
    return [own, f"http://{_netloc(parts, other)}{parts.path}"]


def _eco_base(parts: SplitResult) -> str:
    """Where the tree would be: on a port that was chosen on purpose, else on its own."""
    if parts.scheme != "http" or parts.port not in (None, 80, 8080):
        return parts.geturl()
    return f"http://{_netloc(parts, ECO_PORT)}{parts.path}"


def _netloc(parts: SplitResult, port: int | None) -> str:
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None else f"{shown}:{port}"
