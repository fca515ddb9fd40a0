"""One GET to a battery, bounded in time and size; whatever goes wrong comes back as a Failure with a reason."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from watchman import __version__
from watchman.sonnen.bounded import BoundedSocket, TooMuchError, remaining
from watchman.sonnen.values import Failure

CONNECT_S = 5.0
TOTAL_S = 10.0
MAX_BODY = 64 * 1024  # the largest answer known has 4 KiB
MAX_HEAD = 16 * 1024
MAX_HOPS = 2

_REDIRECTS = (301, 302, 303, 307, 308)
_NAMED = {401: "unauthorized", 403: "forbidden", 404: "not_found"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a request may take, connecting and as a whole."""

    connect_s: float = CONNECT_S
    total_s: float = TOTAL_S


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class _Redirect:
    url: str


def get(url: str, token: str | None, limits: Limits = DEFAULT_LIMITS) -> bytes | Failure:
    """The body of a 200 answer. Redirects are followed on the same host only: the token goes nowhere else."""
    deadline_s = time.monotonic() + limits.total_s
    for _ in range(MAX_HOPS + 1):
        parts = urlsplit(url)
        try:
            answer = _exchange(parts, token, deadline_s, limits.connect_s)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return _failure(error, parts)
        if not isinstance(answer, _Redirect):
            return answer
        target = _target_of(url, answer)
        if target is None:
            return Failure("redirect", f"{_where(parts)} sends us on to another address, which is not followed")
        url = target
    return Failure("redirect", f"{_where(urlsplit(url))} sends us around in a circle")


def _target_of(url: str, redirect: _Redirect) -> str | None:
    """The address redirected to if it is on the same host, else None."""
    try:
        target = urlsplit(urljoin(url, redirect.url))
        same = target.scheme in ("http", "https") and target.hostname == urlsplit(url).hostname
    except ValueError:
        return None
    return target.geturl() if same else None


def _exchange(
    parts: SplitResult, token: str | None, deadline_s: float, connect_s: float
) -> bytes | Failure | _Redirect:
    sock = _connect(parts, deadline_s, connect_s)
    try:
        connection = http.client.HTTPConnection(parts.hostname or "", _port(parts))
        connection.sock = BoundedSocket(sock, deadline_s, MAX_BODY + MAX_HEAD, time.monotonic)
        connection.request("GET", _target(parts), headers=_headers(token))
        with connection.getresponse() as response:
            return _read(response, parts)
    finally:
        sock.close()


def _read(response: http.client.HTTPResponse, parts: SplitResult) -> bytes | Failure | _Redirect:
    code = response.status
    if code in _REDIRECTS and (location := response.getheader("Location")):
        return _Redirect(location)
    if code != 200:
        return Failure(_reason(code), f"{_where(parts)} answered HTTP {code} to {parts.path}")
    body = response.read(MAX_BODY + 1)
    if len(body) > MAX_BODY:
        raise TooMuchError
    if response.length:
        raise http.client.IncompleteRead(body, response.length)
    return body


def _connect(parts: SplitResult, deadline_s: float, connect_s: float) -> socket.socket:
    """A connection to the first address of the host that takes one, all of them together within `connect_s`."""
    until_s = min(deadline_s, time.monotonic() + connect_s)
    failure: OSError = OSError("no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(parts.hostname, _port(parts), type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(remaining(until_s, time.monotonic))
            sock.connect(address)
            return _wrap(sock, parts)
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def _wrap(sock: socket.socket, parts: SplitResult) -> socket.socket:
    if parts.scheme != "https":
        return sock
    return ssl.create_default_context().wrap_socket(sock, server_hostname=parts.hostname)


def _failure(error: Exception, parts: SplitResult) -> Failure:
    where = _where(parts)
    match error:
        case socket.gaierror() | UnicodeError():
            return Failure("dns", f"the name {parts.hostname} cannot be resolved")
        case TimeoutError():
            return Failure("timeout", f"{where} did not answer in time")
        case TooMuchError():
            return Failure("bad_shape", f"{where} answered more than {MAX_BODY // 1024} KiB to {parts.path}")
        case http.client.IncompleteRead():
            return Failure("bad_json", f"{where} broke off in the middle of its answer to {parts.path}")
        case http.client.RemoteDisconnected() | OSError():
            return Failure("connect", f"no connection to {where}: {_cause(error)}")
        case _:
            return Failure("bad_shape", f"{where} does not speak HTTP: {type(error).__name__}")


def _cause(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def _reason(code: int) -> str:
    if code in _NAMED:
        return _NAMED[code]
    if code >= 500:
        return "http_5xx"
    if code >= 400:
        return "http_4xx"
    return "redirect" if code >= 300 else "bad_shape"


def _headers(token: str | None) -> dict[str, str]:
    plain = {"Accept": "application/json", "Connection": "close", "User-Agent": f"watchman/{__version__}"}
    return plain | ({"Auth-Token": token} if token else {})


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _where(parts: SplitResult) -> str:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{_port(parts)}"
