"""Apprise URLs as names: which destination one means, and how to speak of it without its secrets. Pure text work."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote, urlsplit

MAIL_SCHEMES = ("mailto", "mailtos")
_NTFY = ("ntfy", "ntfys")
# Schemes whose host part is a real host; elsewhere it is a token, a topic or a phone number.
_WITH_HOST = (
    *MAIL_SCHEMES, *_NTFY, "json", "jsons", "form", "forms", "xml", "xmls", "gotify", "gotifys", "signal", "signals",
    "matrix", "matrixs", "apprise", "apprises", "mmost", "mmosts", "rocket", "rockets", "hassio", "hassios", "nctalk",
    "nctalks", "synology", "synologys", "syslog", "rsyslog", "mqtt", "mqtts", "bark", "barks", "kodi", "kodis",
)  # fmt: skip
# What may change without the message going anywhere else, as after a new app password.
_CREDENTIALS = ("user", "pass", "password", "token", "auth")
_URL = re.compile(r"\b([a-z][a-z0-9+.-]*)://[^\s'\"<>,)]+", re.IGNORECASE)
_MASK = "***"


def scheme_of(url: str) -> str:
    """The scheme in lower case; empty if there is none."""
    scheme, separator, _ = url.strip().partition("://")
    return scheme.lower() if separator else ""


def url_key(url: str) -> str:
    """Sixteen hex digits that name a destination: stable when only its password or token changes.

    So messages that wait for a mended password still find their way.
    """
    scheme, user, _, place, path, query = _split(url)
    parts = [scheme, "" if scheme in _NTFY else user, place.lower() if scheme in _WITH_HOST else place, path]
    parts += [f"{name}={value}" for name, value in sorted(query) if name.lower() not in _CREDENTIALS]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


def redact(url: str) -> str:
    """The URL for people: scheme, and the host where it is one. Everything else may be a secret."""
    scheme, _, _, place, path, _ = _split(url)
    if not scheme:
        return _MASK
    if scheme in _WITH_HOST and not (scheme in _NTFY and not path.strip("/")):
        return f"{scheme}://{place}" if scheme in MAIL_SCHEMES else f"{scheme}://{place}/{_MASK}"
    return f"{scheme}://{_MASK}"


def scrub(text: str, url: str) -> str:
    """The text on one line without anything secret of the URL; URLs in it are cut down to their host."""
    shown = _URL.sub(lambda found: redact(found.group()) if found.group(1).lower() != "http" else _host(found), text)
    for secret in sorted(_secrets(url), key=len, reverse=True):
        # A short one would also stand inside common words.
        pattern = re.escape(secret) if len(secret) >= 4 else rf"(?<!\w){re.escape(secret)}(?!\w)"
        shown = re.sub(pattern, _MASK, shown)
    return " ".join(shown.split())


def _host(found: re.Match[str]) -> str:
    return f"{found.group(1)}://{_split(found.group())[3]}"


def _secrets(url: str) -> set[str]:
    """Passwords, tokens and targets of a URL, as written and decoded. Mail recipients are named on purpose."""
    scheme, user, password, place, path, query = _split(url)
    parts: list[str] = [password]
    if scheme not in MAIL_SCHEMES:
        parts += [user, *path.split("/"), *(value for _, value in query if len(value) > 3)]
        parts += [place] if scheme not in _WITH_HOST or (scheme in _NTFY and not path.strip("/")) else []
    else:
        parts += [value for name, value in query if name.lower() in ("pass", "password")]
    return set(_spellings(parts)) - {"", scheme}


def _spellings(parts: Iterable[str]) -> Iterable[str]:
    for part in parts:
        yield part
        yield unquote(part)


def _split(url: str) -> tuple[str, str, str, str, str, list[tuple[str, str]]]:
    """Scheme, user, password, host with port, path, query of a URL, however odd; nothing raises."""
    scheme, _, rest = url.strip().partition("://")
    if not rest:
        return scheme_of(url), "", "", "", "", []
    try:
        query = parse_qsl(urlsplit(f"x://{rest}").query, keep_blank_values=True)
    except ValueError:
        query = []
    before, _, _ = rest.partition("?")
    authority, slash, path = before.partition("/")
    userinfo, at, place = authority.rpartition("@")
    user, _, password = userinfo.partition(":") if at else ("", "", "")
    return scheme.lower(), user, password, place, slash + path, query
