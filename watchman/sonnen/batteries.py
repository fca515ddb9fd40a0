"""One `[[systems]]` table as a System; everything wrong with it is noted, nothing raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from watchman.errors import Fault
from watchman.sonnen.subnets import addresses
from watchman.sonnen.system import APIS, System, normal_url

MIN_POLL_S = 2.0  # batteries polled faster begin to answer HTTP 500
MAX_POLL_S = 3600.0
DEFAULT_POLL_S = 5.0

_TEXTS = ("host", "sn", "url", "api", "timezone")
_KEYS = (*_TEXTS, "token", "token_file", "poll_seconds", "keep_stale", "search")


class Problems:
    """Faults and warnings of one source, each with the key it is about."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.faults: list[Fault] = []
        self.warnings: list[str] = []

    def fault(self, place: str, message: str) -> None:
        self.faults.append(Fault(self._source, 0, 0, f"{place}: {message}"))

    def unknown(self, place: str, table: Mapping[str, Any], known: Sequence[str]) -> None:
        """Warn about keys that mean nothing here. The Rust exporter ignored them, so they are no fault."""
        self.warnings += [f"{self._source}: {place}{name}: unknown key, ignored" for name in table if name not in known]


def read_system(
    table: Mapping[str, Any], place: str, problems: Problems, read_file: Callable[[str], str]
) -> System | None:
    """The battery a table describes, or None where its URL is not usable."""
    problems.unknown(place, table, _KEYS)
    texts = {name: _text(table, name, place, problems) for name in _TEXTS}
    url = _url(texts["url"], place, problems) if isinstance(table.get("url", ""), str) else None
    if texts["api"] not in ("", *APIS):
        problems.fault(f"{place}api", f"must be one of {', '.join(APIS)}, not {texts['api']!r}")
    token = read_token(table, place, problems, read_file)
    poll_s = _poll_s(table, place, problems)
    keep_stale = table.get("keep_stale", False)
    if not isinstance(keep_stale, bool):
        problems.fault(f"{place}keep_stale", f"must be true or false, not {keep_stale!r}")
    zone = _zone(texts["timezone"], place, problems)
    if url is None:
        return None
    return System(
        host=texts["host"] or urlsplit(url).hostname or "",
        sn=texts["sn"],
        url=url,
        token=token,
        reread_token=_reread(table, read_file),
        search=networks(table, "search", place, problems),
        api=texts["api"] or "auto",
        poll_s=poll_s,
        keep_stale=bool(keep_stale),
        timezone=zone,
    )


def networks(table: Mapping[str, Any], name: str, place: str, problems: Problems) -> tuple[str, ...]:
    """A list of networks such as 192.168.1.0/24, none of them larger than MAX_ADDRESSES."""
    given = table.get(name, [])
    if not isinstance(given, list):
        problems.fault(f"{place}{name}", f'must be a list of networks as ["192.168.1.0/24"], not {given!r}')
        return ()
    for entry in given:
        try:
            addresses(str(entry))
        except ValueError as error:
            problems.fault(f"{place}{name}", str(error))
    return tuple(str(entry) for entry in given)


def _reread(table: Mapping[str, Any], read_file: Callable[[str], str]) -> Callable[[], str] | None:
    """How the token is read again, if it came from a file."""
    path = table.get("token_file")
    return (lambda: read_file(path).strip()) if isinstance(path, str) and path else None


def _text(table: Mapping[str, Any], name: str, place: str, problems: Problems) -> str:
    value = table.get(name, "")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    problems.fault(f"{place}{name}", f"must be text in quotes, not {type(value).__name__}")
    return ""


def _url(given: str, place: str, problems: Problems) -> str | None:
    if not given:
        problems.fault(f"{place}url", "is missing; write it as http://192.168.1.50:8080")
        return None
    try:
        return normal_url(given)
    except ValueError as error:
        known = str(error).startswith(("has ", "names ", "holds "))
        problems.fault(f"{place}url", str(error) if known else "is not a URL; write it as http://192.168.1.50:8080")
        return None


def read_token(table: Mapping[str, Any], place: str, problems: Problems, read_file: Callable[[str], str]) -> str | None:
    """The token a table gives or names the file of, if any."""
    texts = {name: _text(table, name, place, problems) for name in ("token", "token_file")}
    token, path = texts["token"].strip(), texts["token_file"]
    if token and path:
        problems.fault(f"{place}token", "give token or token_file, not both")
        return None
    if path:
        try:
            token = read_file(path).strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not text"
            problems.fault(f"{place}token_file", f"cannot read {path!r}: {reason}")
            return None
        if not token:
            problems.fault(f"{place}token_file", f"{path!r} is empty; it must hold the token alone")
    if not (token.isascii() and token.isprintable()) or " " in token:
        problems.fault(f"{place}token", "must be one line without spaces, as the battery's page shows it")
        return None
    return token or None


def _poll_s(table: Mapping[str, Any], place: str, problems: Problems) -> float:
    value = table.get("poll_seconds", DEFAULT_POLL_S)
    if isinstance(value, int | float) and not isinstance(value, bool) and MIN_POLL_S <= value <= MAX_POLL_S:
        return float(value)
    problems.fault(f"{place}poll_seconds", f"must be a number from {MIN_POLL_S:g} to {MAX_POLL_S:g}, not {value!r}")
    return DEFAULT_POLL_S


def _zone(name: str, place: str, problems: Problems) -> tzinfo | None:
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        problems.fault(f"{place}timezone", f"{name!r} is not a known time zone; write it as Europe/Berlin")
        return None
