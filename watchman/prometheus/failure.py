"""What a request that gave no usable answer means: one QueryError, one line, with cause and mend, without secrets."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import requests
import urllib3

from watchman.errors import QueryError
from watchman.prometheus.settings import PrometheusSettings

_MESSAGE_LIMIT = 300
# The API's `errorType`, where there is one, says more than the status.
_REASON_BY_TYPE = {
    "timeout": "timeout",
    "bad_data": "bad_query",
    "execution": "bad_query",
    "canceled": "server",
    "internal": "server",
    "unavailable": "server",
}
_REASON_BY_STATUS = {
    400: "bad_query",
    413: "bad_query",
    414: "bad_query",
    422: "bad_query",
    431: "bad_query",
    504: "timeout",
}
_NOT_HTTP = (http.client.HTTPException, urllib3.exceptions.ProtocolError, urllib3.exceptions.DecodeError)


def query_error(settings: PrometheusSettings, text: str, reason: str) -> QueryError:
    """A QueryError in one printable line that names the server and holds no secret."""
    for secret in settings.secrets:
        text = text.replace(secret, "***")
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if len(line) > _MESSAGE_LIMIT:
        line = f"{line[:_MESSAGE_LIMIT]}..."
    return QueryError(f"Prometheus at {settings.base_url} {line}", reason)


def too_slow(settings: PrometheusSettings) -> QueryError:
    """The time for one query is over."""
    text = f"did not answer within {settings.timeout_s:g} s: simplify the query or raise prometheus.timeout"
    return query_error(settings, text, "timeout")


def too_large(settings: PrometheusSettings) -> QueryError:
    """The answer is larger than what this process should take in."""
    text = f"answered more than {settings.max_response_bytes} bytes: narrow the query"
    return query_error(settings, text, "bad_answer")


def not_json(settings: PrometheusSettings) -> QueryError:
    """Status 200, and then a web page."""
    text = "answered with something that is not JSON (a login page?): check prometheus.url"
    return query_error(settings, text, "bad_answer")


def refused(settings: PrometheusSettings, status: int, headers: Mapping[str, str], body: bytes) -> QueryError:
    """What a status other than 200 means."""
    if status in (401, 403):
        return query_error(settings, _auth_text(settings, status), "auth")
    error_type, text = _api_error(body)
    if error_type is not None:
        reason = _REASON_BY_TYPE.get(error_type) or _REASON_BY_STATUS.get(status, "server")
        return query_error(settings, f"says: {text}", reason)
    if 300 <= status < 400:
        text = f"redirects to {_place(headers.get('Location', ''))}: set prometheus.url to where its API really is"
        return query_error(settings, text, "bad_answer")
    if status == 404:
        text = "has no query API there (HTTP 404): is a path prefix in prometheus.url missing or wrong?"
        return query_error(settings, text, "bad_answer")
    reason = _REASON_BY_STATUS.get(status, "server" if status >= 429 else "bad_answer")
    return query_error(settings, f"answered HTTP {status}: {body[:200].decode(errors='replace')}", reason)


def unreachable(settings: PrometheusSettings, exc: Exception) -> QueryError:
    """What it means that no whole answer came."""
    chain = list(_chain(exc))
    if isinstance(exc, requests.ConnectTimeout):
        text = "does not accept a connection: is the address right and the machine on?"
        return query_error(settings, text, "connect")
    if any(isinstance(one, (requests.Timeout, urllib3.exceptions.ReadTimeoutError, TimeoutError)) for one in chain):
        return too_slow(settings)
    text, reason = _broken(chain) or (
        f"cannot be reached ({_cause(chain)}): check prometheus.url, is it running?",
        "connect",
    )
    return query_error(settings, text, reason)


def closed_unanswered(exc: Exception) -> bool:
    """True if the server closed the connection before the first byte of an answer."""
    return any(isinstance(one, (http.client.RemoteDisconnected, ConnectionResetError)) for one in _chain(exc))


def _broken(chain: list[BaseException]) -> tuple[str, str] | None:
    """Text and reason where a connection was made and then something was wrong with it."""
    for one in chain:
        if isinstance(one, ssl.SSLCertVerificationError):
            return f"has a certificate that is not trusted ({one.verify_message}): set prometheus.ca_file", "connect"
        if isinstance(one, (http.client.RemoteDisconnected, ConnectionResetError)):
            return "closed the connection without an answer: is that port Prometheus'?", "connect"
        if isinstance(one, OSError) and one.strerror and not isinstance(one, requests.RequestException):
            return None
    if any(isinstance(one, _NOT_HTTP) for one in chain):
        return "sent an answer that was cut off or is not HTTP: check the port and what lies between", "bad_answer"
    return None


def _cause(chain: list[BaseException]) -> str:
    """The operating system's words where it has some."""
    said = (one.strerror for one in chain if isinstance(one, OSError) and one.strerror)
    return next(said, "") or str(chain[0]) or type(chain[0]).__name__


def _auth_text(settings: PrometheusSettings, status: int) -> str:
    has_any = settings.basic_auth or settings.bearer_token or settings.headers
    if has_any:
        return f"refused the credentials (HTTP {status}): check username, password, bearer_token, headers of prometheus"
    return f"wants credentials (HTTP {status}): set prometheus.username and password, or bearer_token"


def _place(location: str) -> str:
    """A redirect's target without what may be secret in it."""
    target = urlsplit(location)
    return f"{target.scheme}://{target.netloc.rpartition('@')[2]}{target.path}" if target.netloc else target.path


def _api_error(body: bytes) -> tuple[str | None, str]:
    """`errorType` and `error` of Prometheus' error object; (None, "") if the body is anything else."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None, ""
    if not isinstance(document, dict) or document.get("status") != "error":
        return None, ""
    return str(document.get("errorType", "")), str(document.get("error", ""))


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """The exception and everything it came from."""
    seen: set[int] = set()
    current: BaseException | None = exc
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__
