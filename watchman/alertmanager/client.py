"""One member of an Alertmanager cluster over its API version 2: post alerts, read silences."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import requests
import urllib3
import yaml
from requests.adapters import HTTPAdapter

from watchman.alertmanager.model import (
    PostableAlert,
    Silence,
    TheirAlert,
    read_alert,
    read_silence,
    read_webhook_receivers,
)
from watchman.errors import WatchmanError

CONNECT_LIMIT_S = 5.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024
_READ_BYTES = 64 * 1024
_MESSAGE_LIMIT = 300
# An address nobody can ask is a ValueError of one kind or another.
_TRANSPORT_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)
_SHAPE_ERRORS = (KeyError, TypeError, ValueError, AttributeError, RecursionError, yaml.YAMLError)

T = TypeVar("T")


class AlertmanagerError(WatchmanError):
    """An Alertmanager did not take or give something. `status` is its HTTP status, None if it gave none."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class AlertmanagerSettings:
    """How to get in, the same for every member. What is or may hold a secret is not in the repr."""

    username: str = ""
    password: str = field(default="", repr=False)
    bearer_token: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: str = ""
    insecure_skip_verify: bool = False
    timeout_s: float = 10.0


class Alertmanager:
    """A client for one member, for any number of threads. Nothing is retried: the next state sync is the retry."""

    def __init__(self, url: str, settings: AlertmanagerSettings | None = None) -> None:
        self._settings = settings or AlertmanagerSettings()
        parts = urlsplit(url)
        self.url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        self._secrets = [self._settings.password, self._settings.bearer_token, parts.password or ""]
        self._secrets += self._settings.headers.values()
        self._session = _session(self._settings, (parts.username or "", parts.password or ""))

    def post(self, alerts: Sequence[PostableAlert]) -> None:
        """Tells the state of `alerts`.

        Status 400 and 422 in the error mean that at least one alert is refused. With 400 others may have been taken.
        """
        body = json.dumps([alert.document() for alert in alerts]).encode()
        self._ask("POST", "/api/v2/alerts", body)

    def silences(self) -> list[Silence]:
        """All silences the server knows, expired ones too."""
        return self._read("/api/v2/silences", "list of silences", lambda items: [read_silence(one) for one in items])

    def alerts(self) -> list[TheirAlert]:
        """All alerts the server holds that are not over, silenced and inhibited ones too."""
        return self._read("/api/v2/alerts", "list of alerts", lambda items: [read_alert(one) for one in items])

    def webhook_receivers(self) -> frozenset[str]:
        """The names of its receivers that post webhooks, as its configuration says."""
        return self._read("/api/v2/status", "configuration", read_webhook_receivers)

    def add_silence(self, body: bytes) -> str:
        """Makes (or, if the document has an `id`, edits) a silence; returns its id."""
        answer = self._ask("POST", "/api/v2/silences", body)
        try:
            return str(json.loads(answer)["silenceID"])
        except _SHAPE_ERRORS as exc:
            raise self._error("gave no id for the silence: is that its address?") from exc

    def expire_silence(self, silence_id: str) -> None:
        """Ends a silence now."""
        self._ask("DELETE", f"/api/v2/silence/{quote(silence_id, safe='')}")

    def close(self) -> None:
        """Gives the connections back."""
        self._session.close()

    def _read(self, path: str, what: str, read: Callable[[Any], T]) -> T:
        body = self._ask("GET", path)
        try:
            return read(json.loads(body))
        except _SHAPE_ERRORS as exc:
            raise self._error(f"gave no {what}: is that its address?") from exc

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        limits_s = (min(CONNECT_LIMIT_S, self._settings.timeout_s), self._settings.timeout_s)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            with self._session.request(
                method,
                self.url + path,
                data=body,
                headers=headers,
                timeout=limits_s,
                stream=True,
                allow_redirects=False,
            ) as answer:
                content = self._content(answer)
        except _TRANSPORT_ERRORS as exc:
            raise self._error(f"cannot be reached: {_cause(exc)}") from exc
        if answer.status_code // 100 != 2:
            raise self._refused(answer.status_code, content)
        return content

    def _content(self, answer: requests.Response) -> bytes:
        end = time.monotonic() + self._settings.timeout_s
        content = bytearray()
        while part := answer.raw.read1(_READ_BYTES, decode_content=True):
            content += part
            if len(content) > MAX_ANSWER_BYTES:
                raise self._error(f"answered more than {MAX_ANSWER_BYTES} bytes")
            if time.monotonic() > end:
                raise self._error(f"did not answer within {self._settings.timeout_s:g} s")
        return bytes(content)

    def _refused(self, status: int, content: bytes) -> AlertmanagerError:
        if status in (401, 403):
            return self._error(f"refused the credentials (HTTP {status})", status)
        if status in (404, 410) or 300 <= status < 400:
            return self._error(
                f"has no API version 2 there (HTTP {status}): is a path prefix missing or wrong?", status
            )
        return self._error(f"answered HTTP {status}: {_said(content)}", status)

    def _error(self, text: str, status: int | None = None) -> AlertmanagerError:
        for secret in self._secrets:
            text = text.replace(secret, "***") if secret else text
        line = " ".join("".join(char if char.isprintable() else " " for char in text).split())[:_MESSAGE_LIMIT]
        return AlertmanagerError(f"Alertmanager at {self.url} {line}", status)


def _session(settings: AlertmanagerSettings, from_url: tuple[str, str]) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    own = (settings.username, settings.password)
    session.auth = own if any(own) else from_url if any(from_url) else None
    session.verify = False if settings.insecure_skip_verify else settings.ca_file or True
    if settings.insecure_skip_verify:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.update({"Accept-Encoding": "identity", **settings.headers})
    if settings.bearer_token:
        session.headers["Authorization"] = f"Bearer {settings.bearer_token}"
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=0))
    return session


def _said(content: bytes) -> str:
    """The text of an error answer: a JSON string, an object with a `message`, or whatever it is."""
    text = content[:2000].decode(errors="replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return str(document.get("message", text)) if isinstance(document, dict) else str(document)


def _cause(exc: BaseException) -> str:
    """The innermost words: the operating system's, or the name of the fault."""
    cause: BaseException = exc
    while (deeper := cause.__cause__ or cause.__context__) is not None:
        cause = deeper
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    return (isinstance(cause, OSError) and cause.strerror) or str(cause) or type(cause).__name__
