"""What the exporter is told: config.toml of the Rust exporter with optional keys, the environment, and flags.

A flag counts more than the environment, the environment more than the file. Empty variables count as not set.

    listen_port = 9422
    energy_file = "energy.json"       # sums up sonnen_energy_joules_total and keeps it here; left out: no such series
    [[systems]]
    url = "http://192.168.1.50:8080"  # where the battery is
    host = "sonnen-a"                 # label; left out: the host name of the URL
    sn = "Psb12345"                   # label; left out: empty
    token = "..."                     # or token_file; without one, v2 is asked for its status only
    api = "auto"                      # auto, v1, v2, eco
    poll_seconds = 5
    keep_stale = false                # true: go on showing the last values of a battery that is gone
    timezone = "Europe/Berlin"        # of the battery's clock; left out: as the battery says
    search = ["192.168.1.0/24"]       # where to look for the battery once its address has gone silent; the only one
                                      # there that is no other system's is taken, and is shown the token
    [probe]
    allow = ["192.168.1.0/24"]        # whom /probe?target= may ask: networks, hosts, HOST:PORT; left out: nobody
    token_file = "..."                # or token; shown to every target

Environment: SONNEN_URL, SONNEN_TOKEN, SONNEN_TOKEN_FILE, SONNEN_HOST, SONNEN_SN for a single battery, and LISTEN
(HOST:PORT) and SONNEN_ENERGY_FILE. GIT_REVISION is shown in sonnen_build_info.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watchman.errors import ConfigError, Fault, UsageError
from watchman.sonnen.allowed import Allowed, ProbeSettings, read_allowed
from watchman.sonnen.batteries import Problems, read_system, read_token
from watchman.sonnen.system import System

DEFAULT_PORT = 9422

_VARIABLES = {
    "url": "SONNEN_URL",
    "token": "SONNEN_TOKEN",
    "token_file": "SONNEN_TOKEN_FILE",
    "host": "SONNEN_HOST",
    "sn": "SONNEN_SN",
}
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to serve. `host` None means all addresses, IPv6 and IPv4; port 0 means any free one."""

    host: str | None
    port: int

    def __str__(self) -> str:
        host = self.host or "0.0.0.0"  # noqa: S104 - the exporter is made to be scraped from elsewhere
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Options:
    """The command line. `config` is the path, for messages; `config_text` what is in it."""

    config: str = ""
    config_text: str = ""
    listen: str = ""
    url: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """What to serve, and what to warn about once."""

    systems: tuple[System, ...]
    listen: Listen
    revision: str = ""
    energy_file: Path | None = None
    probe: ProbeSettings = field(default_factory=ProbeSettings)
    warnings: tuple[str, ...] = ()


def load_settings(options: Options, environ: Mapping[str, str], read_file: Callable[[str], str]) -> Settings:
    """Settings from all three sources; `read_file` reads a token file.

    Raises ConfigError with every fault found, or UsageError if there is no battery to ask.
    """
    document = _parse(options)
    problems = Problems(options.config or "command line and environment")
    port = _port(document, problems)
    listed = _tables(document, problems)
    if listed is None:
        raise ConfigError(problems.faults)
    tables = _override(document, listed, options, environ)
    systems = [read_system(table, place, problems, read_file) for place, table in tables]
    energy_file = _energy_file(document, options, environ, problems)
    probe = _probe(document, problems, read_file)
    problems.unknown("", document, ("listen_port", "systems", "energy_file", "probe"))
    _refuse_twins([system for system in systems if system], problems)
    if problems.faults:
        raise ConfigError(problems.faults)
    return Settings(
        systems=tuple(system for system in systems if system),
        listen=parse_listen(options.listen or environ.get("LISTEN", ""), port),
        revision=environ.get("GIT_REVISION", ""),
        energy_file=energy_file,
        probe=probe,
        warnings=tuple(problems.warnings),
    )


def parse_listen(given: str, port: int = DEFAULT_PORT) -> Listen:
    """`HOST:PORT`, `:PORT`, `PORT` or `[::1]:PORT`; empty means all addresses and `port`."""
    if not given.strip():
        return Listen(None, port)
    host, _, tail = given.strip().rpartition(":")
    if not tail.isascii() or not tail.isdigit() or int(tail) > 65535:
        raise UsageError(f"--listen {given!r} is not HOST:PORT; write for example 127.0.0.1:{port}")
    return Listen(host.removeprefix("[").removesuffix("]") or None, int(tail))


def _parse(options: Options) -> dict[str, Any]:
    try:
        return tomllib.loads(options.config_text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        line, column = (int(place[1]), int(place[2])) if place and place[1] else (0, 0)
        raise ConfigError([Fault(options.config, line, column, f"not TOML: {_PLACE.sub('', str(error))}")]) from None


def _tables(document: Mapping[str, Any], problems: Problems) -> list[dict[str, Any]] | None:
    systems = document.get("systems", [])
    if isinstance(systems, list) and all(isinstance(table, dict) for table in systems):
        return list(systems)
    problems.fault("systems", "must be a list of tables; begin each battery with a line [[systems]]")
    return None


def _override(
    document: Mapping[str, Any], tables: list[dict[str, Any]], options: Options, environ: Mapping[str, str]
) -> list[tuple[str, dict[str, Any]]]:
    """The batteries of the file, with their place in it, or the one battery that flags and environment describe."""
    given = {key: environ[name] for key, name in _VARIABLES.items() if environ.get(name)}
    flags = {key: value for key, value in (("url", options.url), ("token", options.token)) if value}
    if "token" in flags:
        given.pop("token_file", None)
    given |= flags
    if not given and not tables and "probe" in document:
        return []
    if not given and not tables:
        raise UsageError("no battery to ask: give --url http://ADDRESS, SONNEN_URL, or a config file with [[systems]]")
    if given and len(tables) > 1:
        names = ", ".join(_VARIABLES[key] for key in given)
        raise UsageError(f"{names} (or its flag) is for one battery, the config file has {len(tables)}; use the file")
    if not given:
        return [(f"systems[{index}].", table) for index, table in enumerate(tables)]
    base = dict(tables[0]) if tables else {}
    if "token" in given or "token_file" in given:
        base.pop("token", None)
        base.pop("token_file", None)
    return [("systems[0]." if tables else "", base | given)]


def _energy_file(
    document: Mapping[str, Any], options: Options, environ: Mapping[str, str], problems: Problems
) -> Path | None:
    """Where the sums are kept. A path in the file is meant from where the file is."""
    if given := environ.get("SONNEN_ENERGY_FILE"):
        return Path(given)
    name = document.get("energy_file", "")
    if isinstance(name, str) and "\0" not in name:
        return Path(options.config).parent / name if name else None
    problems.fault("energy_file", f"must be a path in quotes, not {name!r}")
    return None


def _probe(document: Mapping[str, Any], problems: Problems, read_file: Callable[[str], str]) -> ProbeSettings:
    table = document.get("probe", {})
    if not isinstance(table, dict):
        problems.fault("probe", "must be a table; begin it with a line [probe]")
        return ProbeSettings()
    problems.unknown("probe.", table, ("allow", "token", "token_file"))
    entries = table.get("allow", [])
    if not isinstance(entries, list):
        problems.fault("probe.allow", f'must be a list as ["192.168.1.0/24"], not {entries!r}')
        entries = []
    allowed: list[Allowed] = []
    for entry in entries:
        try:
            allowed.append(read_allowed(str(entry)))
        except ValueError as error:
            problems.fault("probe.allow", str(error))
    return ProbeSettings(tuple(allowed), read_token(table, "probe.", problems, read_file))


def _port(document: Mapping[str, Any], problems: Problems) -> int:
    port = document.get("listen_port", DEFAULT_PORT)
    if isinstance(port, int) and not isinstance(port, bool) and 0 <= port <= 65535:
        return port
    problems.fault("listen_port", f"must be a number from 0 to 65535, not {port!r}")
    return DEFAULT_PORT


def _refuse_twins(systems: list[System], problems: Problems) -> None:
    seen: set[tuple[str, str]] = set()
    for system in systems:
        if (system.host, system.sn) in seen:
            problems.fault("systems", f"two have host {system.host!r} and sn {system.sn!r}; give each its own")
        seen.add((system.host, system.sn))
