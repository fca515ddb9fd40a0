"""Who may ask what: host names, foreign pages, passwords, sizes. Runs before every request."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, Response, abort, make_response, request

OPEN_PATHS = ("/-/healthy", "/-/ready", "/metrics")
SIGNED_PATHS = "/act/"
"""Links of messages: their signature stands for the password, and their pages post forms."""
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
MAX_BODY_BYTES = 1024 * 1024
MAX_POST_BYTES = 8 * 1024 * 1024
"""For alerts: 10,000 of them in one body."""


@dataclass(frozen=True, slots=True)
class Access:
    """Empty `password` and `bearer_token` leave everything open to whoever reaches the listen address.

    `origins` are pages of others that may use the API, such as karma's; `outside` is host and port of our own pages as
    browsers know them, where a proxy asks for them by another name.
    """

    hosts: tuple[str, ...] = ()
    outside: str = ""
    origins: tuple[str, ...] = ()
    username: str = ""
    password: str = field(default="", repr=False)
    bearer_token: str = field(default="", repr=False)

    @property
    def protected(self) -> bool:
        """True if callers must show who they are."""
        return bool(self.password or self.bearer_token)


def install(app: Flask, read_access: Callable[[], Access]) -> None:
    """Put the checks before and the safe headers after every request of `app`."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.before_request(lambda: _check(read_access()))
    app.after_request(_harden)


def host_allowed(host: str, known: tuple[str, ...]) -> bool:
    """Whether a Host header is one we answer to.

    A page on the internet can point a name of its own at this machine (DNS rebinding), so names with a dot must be
    known; an address or a bare name such as `watchman` cannot be used that way.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in known or name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return re.fullmatch(r"[a-z0-9_-]+", name) is not None
    return True


def _check(access: Access) -> Response | None:
    if not host_allowed(request.host, access.hosts):
        abort(
            _plain(421, f"unknown host {request.host[:100]!r}; add it to web.allowed_hosts or set web.external_url\n")
        )
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        _refuse_foreign_pages(access)
    if access.protected and not _is_open(request.path) and not _known(access):
        answer = _plain(401, "give user name and password, or a bearer token\n")
        answer.headers["WWW-Authenticate"] = 'Basic realm="watchman", charset="UTF-8"'
        return answer
    return None


def allow_large_body() -> None:
    """Let this request bring a batch of alerts."""
    request.max_content_length = MAX_POST_BYTES


def _is_open(path: str) -> bool:
    # The signed pages are made with the style sheet, which holds no secret.
    return path in OPEN_PATHS or path.startswith(SIGNED_PATHS) or path == "/static/page.css"


def _refuse_foreign_pages(access: Access) -> None:
    """A browser sends the origin of the page with every change: only our own may ask for one."""
    origin = request.headers.get("Origin")
    known = request.path.startswith("/api/") and origin in access.origins
    if origin is not None and not known and not _is_own(origin, access):
        abort(
            _plain(403, "refused: the request comes from a page of another origin; web.allowed_origins may name it\n")
        )
    if request.content_length and request.mimetype in FORM_TYPES and not request.path.startswith(SIGNED_PATHS):
        abort(_plain(415, "refused: send JSON (Content-Type: application/json)\n"))


def _is_own(origin: str, access: Access) -> bool:
    try:
        place = urlsplit(origin).netloc
    except ValueError:
        return False
    return bool(place) and place in (request.host, access.outside)


def _known(access: Access) -> bool:
    shown = request.authorization
    if shown is None:
        return False
    if shown.type == "bearer" and access.bearer_token:
        return _same(shown.token or "", access.bearer_token)
    if shown.type == "basic" and access.password:
        return _same(shown.username or "", access.username) and _same(shown.password or "", access.password)
    return False


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _harden(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Not no-referrer: with that a browser sends `Origin: null` with the forms of our own pages.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
        " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    return response


def _plain(status: int, text: str) -> Response:
    return make_response(text, status, {"Content-Type": "text/plain; charset=utf-8"})
