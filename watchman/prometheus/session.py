"""One HTTP request to Prometheus: pooled, bounded in time and size; it gives an answer or a QueryError."""

from __future__ import annotations

import http.client
import io
import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from watchman.prometheus.failure import closed_unanswered, not_json, refused, too_large, too_slow, unreachable
from watchman.prometheus.settings import PrometheusSettings

CONNECT_LIMIT_S = 5.0
POOL_SIZE = 16
# The server is told the same limit; heard a moment longer it can say itself that it gave up.
_GRACE_S = 0.5
# Beyond this the expression goes into a form: URLs have limits, on the way too.
_LONG_QUERY = 2000
_READ_BYTES = 64 * 1024
# LocationParseError, UnicodeError and the like of an address nobody can ask are ValueErrors.
_TRANSPORT_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)


class PrometheusSession(requests.Session):
    """A session for one server: no proxy variables, no .netrc, no cookies, no redirects, no pauses.

    `request` returns only complete answers with status 200; everything else is a QueryError.
    """

    def __init__(self, settings: PrometheusSettings) -> None:
        super().__init__()
        self._settings = settings
        self.trust_env = False
        self.auth = settings.basic_auth
        self.verify = False if settings.insecure_skip_verify else settings.ca_file or True
        if settings.insecure_skip_verify:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Packing a small answer costs Prometheus more than all the rest of the query.
        self.headers.update({"Accept-Encoding": "identity" if settings.is_near else "gzip", **settings.headers})
        if settings.bearer_token:
            self.headers["Authorization"] = f"Bearer {settings.bearer_token}"

    def mount_pool(self) -> None:
        """Mounts this session's adapter. To be called last: the client library mounts one of its own."""
        self.mount(self._settings.base_url, HTTPAdapter(max_retries=0, pool_maxsize=POOL_SIZE))

    def request(  # type: ignore[override]  # called by this package and PrometheusConnect only
        self, method: str, url: str, *, params: dict[str, Any] | None = None, as_json: bool = True, **_: object
    ) -> requests.Response:
        """GET, or POST with the parameters as a form where the query is long."""
        is_long = len((params or {}).get("query", "")) > _LONG_QUERY
        place: dict[str, Any] = {"data": params} if is_long else {"params": params}
        method = "POST" if is_long else method
        try:
            try:
                answer, body = self._exchange(method, url, place)
            except requests.ConnectionError as exc:
                # A server may close a pooled connection just when it is used again. That costs no time to repeat.
                if not closed_unanswered(exc):
                    raise
                answer, body = self._exchange(method, url, place)
        except _TRANSPORT_ERRORS as exc:
            raise unreachable(self._settings, exc) from exc
        if answer.status_code != 200:
            raise refused(self._settings, answer.status_code, answer.headers, body)
        if as_json and body.lstrip()[:1] != b"{":
            raise not_json(self._settings)
        return _whole(answer, body)

    def post_bytes(self, url: str, body: bytes, headers: dict[str, str]) -> requests.Response:
        """POST of a body; the answer whatever its status. Raises QueryError where there is none."""
        try:
            try:
                answer, content = self._exchange("POST", url, {"data": body, "headers": headers})
            except requests.ConnectionError as exc:
                if not closed_unanswered(exc):
                    raise
                answer, content = self._exchange("POST", url, {"data": body, "headers": headers})
        except _TRANSPORT_ERRORS as exc:
            raise unreachable(self._settings, exc) from exc
        return _whole(answer, content)

    def _exchange(self, method: str, url: str, place: dict[str, Any]) -> tuple[requests.Response, bytes]:
        limits_s = (min(CONNECT_LIMIT_S, self._settings.timeout_s), self._settings.timeout_s + _GRACE_S)
        with super().request(method, url, **place, timeout=limits_s, stream=True, allow_redirects=False) as answer:
            return answer, self._body(answer)

    def _body(self, answer: requests.Response) -> bytes:
        """The whole body, unpacked. It is read as it comes, so that a drop at a time does not get round the limits."""
        end = time.monotonic() + self._settings.timeout_s + _GRACE_S
        parts: list[bytes] = []
        size = 0
        while part := answer.raw.read1(_READ_BYTES, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > self._settings.max_response_bytes:
                raise too_large(self._settings)
            if time.monotonic() > end:
                raise too_slow(self._settings)
        return b"".join(parts)


def _whole(answer: requests.Response, body: bytes) -> requests.Response:
    """The same answer with its body in memory, its connection already back in the pool."""
    whole = requests.Response()
    whole.status_code, whole.headers, whole.url = answer.status_code, answer.headers, answer.url
    whole.raw = io.BytesIO(body)
    return whole
