"""The door to Apprise: one URL, one service object, one answer, and never a secret in an error.

Its own ways are tamed here: plugins are imported one by one (loading all costs 10 MiB and 120 ms), nothing is
throttled by sleeping, calls run in the calling thread, and its log, which holds bodies and headers, goes nowhere. The
cause of a failed connection stands only in its debug lines, so they are read and turned into plain words.
"""

from __future__ import annotations

import ast
import importlib
import json
import logging
import re
import threading
from collections.abc import Iterable
from typing import Any

from apprise import Apprise, AppriseAsset
from apprise.attachment.memory import AttachMemory

from watchman.errors import DeliveryError
from watchman.notify.destination import redact, scheme_of, scrub
from watchman.notify.fit import Room, fit, in_bytes
from watchman.notify.message import Attachment, Message
from watchman.notify.orders import MENU_TITLE
from watchman.notify.severity import CRITICAL, INFO, NOTICE, RESOLVED, WARNING

_PLUGINS = {
    "mailto": "email.NotifyEmail", "mailtos": "email.NotifyEmail",
    "json": "custom_json.NotifyJSON", "jsons": "custom_json.NotifyJSON",
    "form": "custom_form.NotifyForm", "forms": "custom_form.NotifyForm",
    "xml": "custom_xml.NotifyXML", "xmls": "custom_xml.NotifyXML",
    "gotify": "gotify.NotifyGotify", "gotifys": "gotify.NotifyGotify",
    "signal": "signal_api.NotifySignalAPI", "signals": "signal_api.NotifySignalAPI",
    "matrix": "matrix.NotifyMatrix", "matrixs": "matrix.NotifyMatrix",
    "apprise": "apprise_api.NotifyAppriseAPI", "apprises": "apprise_api.NotifyAppriseAPI",
    "mmost": "mattermost.NotifyMattermost", "mmosts": "mattermost.NotifyMattermost",
    "bark": "bark.NotifyBark", "barks": "bark.NotifyBark",
    "pover": "pushover.NotifyPushover",
    "tgram": "telegram.NotifyTelegram",
    "discord": "discord.NotifyDiscord",
    "slack": "slack.NotifySlack",
    "pbul": "pushbullet.NotifyPushBullet",
    "whatsapp": "whatsapp.NotifyWhatsApp",
}  # fmt: skip

_NTFY = ("ntfy", "ntfys")
# Severity as each service's own priority. notice, info and an "over" are seen, not heard.
_PRIORITY = {
    "ntfy": {CRITICAL: "max", WARNING: "high", NOTICE: "low", INFO: "min", RESOLVED: "low"},
    # Pushover's own numbers: Apprise's word "low" means its lowest.
    "pover": {CRITICAL: "1", WARNING: "0", NOTICE: "-1", INFO: "-2", RESOLVED: "-1"},
    "gotify": {CRITICAL: "emergency", WARNING: "high", NOTICE: "low", INFO: "low", RESOLVED: "low"},
}
_NOTIFY_TYPE = {CRITICAL: "failure", WARNING: "warning", RESOLVED: "success"}

_CAUSES = (
    (re.compile(r"refused", re.I), "connection refused"),
    (re.compile(r"timed? ?out", re.I), "no answer in time"),
    (re.compile(r"resolve|name or service|getaddrinfo|nodename", re.I), "its host name is not known"),
    (re.compile(r"certificate", re.I), "its TLS certificate is not accepted"),
    (re.compile(r"ssl|tls", re.I), "the TLS handshake failed"),
    (re.compile(r"unreachable|no route", re.I), "the network does not reach it"),
    (re.compile(r"aborted|reset|closed|incomplete|chunk|broken", re.I), "the connection broke off"),
)
# ntfy answers with five digits of which the first three are the HTTP status.
_STATUS = re.compile(r"error[= ]+(\d{3})(?:\d\d)?\b")
_REFUSED = re.compile(
    r"chat not found|bot was blocked|user is deactivated|unauthorized|forbidden"
    r"|invalid (?:user|token|api key|recipient|topic)|no .{0,20}(?:topics|recipients|targets) to notify"
    r"|(?:user|identifier|token|api key|recipient|topic|chat|device)\s+(?:is |name )?(?:invalid|not valid|unknown)",
    re.I,
)
_PERMANENT = (401, 403, 404, 410)
_TOO_MANY, _TOO_MANY_PAUSE_S = 429, 60.0
_ANSWER_BYTES = 4096
# What an ntfy server shows as a message; more becomes a file to open.
_NTFY_TEXT_BYTES = 4000


def hush() -> None:
    """Keep Apprise's log to its callers. Its debug lines are needed for causes but hold bodies and credentials."""
    log = logging.getLogger("apprise")
    log.setLevel(logging.DEBUG)
    log.propagate = False
    if not any(isinstance(handler, logging.NullHandler) for handler in log.handlers):
        log.addHandler(logging.NullHandler())


def open_service(url: str, severity: str = "", timeout_s: float = 15.0) -> Any:
    """The service object of a URL, with the severity as its priority unless the URL sets one.

    Raises ValueError with the reason Apprise does not take the URL.
    """
    hush()
    scheme = scheme_of(url)
    if not scheme:
        raise ValueError("not an Apprise URL: it begins with a scheme such as ntfys:// or mailtos://")
    with _Overheard() as overheard:
        try:
            service = _instantiate(url, scheme, severity)
        except Exception as error:
            reason = scrub("; ".join(overheard.warnings) or str(error) or type(error).__name__, url)
            raise ValueError(f"Apprise does not take {redact(url)}: {reason}") from None
    fault = _fault(service, scheme)
    if fault:
        raise ValueError(f"{redact(url)} {fault}")
    service.request_rate_per_sec = 0
    _patience(service, timeout_s)
    return service


def send(service: Any, url: str, message: Message) -> str:
    """Send through Apprise; returns the answer for the delivery log, raises DeliveryError."""
    try:
        return _send(service, url, message, message.attachments[:1])
    except DeliveryError as error:
        if not message.attachments or error.permanent:
            raise
    # A server that takes no attachments must not cost the text.
    return _send(service, url, message, ())


def _send(service: Any, url: str, message: Message, attachments: Iterable[Attachment]) -> str:
    client = Apprise(asset=_asset())
    client.add(service)
    scheme = scheme_of(url)
    tail = _with_extras(service, scheme, message)
    title, text = fit(message.title, message.text, tail, _room(service, scheme))
    files = [_file(one) for one in attachments]
    result = client.notify(
        body=text,
        title=title,
        notify_type=_NOTIFY_TYPE.get(message.severity, "info"),
        body_format="text",
        attach=files or None,
        log_level=logging.DEBUG,
    )
    name = str(service.service_name)
    if result:
        return f"accepted by {name}"
    entries = [(entry.level, entry.message) for entry in result.logs()]
    raise failure(name, entries, url)


def _with_extras(service: Any, scheme: str, message: Message) -> str:
    """Hand the service what it can do more with the message; returns a link to put after the text where that is all."""
    menu = message.choices.menu if message.choices else ""
    if scheme in _NTFY:
        service.prepare(message)
    elif scheme == "pover" and menu and not service.supplemental_url:
        service.supplemental_url, service.supplemental_url_title = menu, MENU_TITLE
    elif menu:
        return f"\n{MENU_TITLE}: {menu}" if message.text else f"{MENU_TITLE}: {menu}"
    return ""


def _room(service: Any, scheme: str) -> Room:
    """What the service takes of title and text; Apprise knows, and hands on whatever is longer."""
    if scheme in _NTFY:
        return Room(int(service.title_maxlen), _NTFY_TEXT_BYTES, in_bytes)
    return Room(int(service.title_maxlen), int(service.body_maxlen))


def _file(one: Attachment) -> Any:
    return AttachMemory(content=one.content, name=one.name, mimetype=one.mimetype)  # type: ignore[no-untyped-call]


def failure(name: str, entries: Iterable[tuple[str, str]], url: str) -> DeliveryError:
    """What a service's log lines (level, text) mean: refused for good, or worth another try. No secret in the text."""
    known = list(entries)
    told = "; ".join(text for level, text in known if level in ("WARNING", "ERROR", "CRITICAL"))
    cause = next((words for level, text in known if (words := _cause(level, text))), "")
    status = next((int(found.group(1)) for found in _STATUS.finditer(told)), 0)
    said = "; ".join(words for level, text in known if (words := _own_words(level, text)) and words not in told)
    words = scrub(f"{told} ({said})" if said and told else told or said, url) or "it gave no reason"
    refused = not cause and status in (0, 400) and bool(_REFUSED.search(f"{told} {said}"))
    return DeliveryError(
        f"{name} did not take the message: {cause or words}"[:300],
        permanent=status in _PERMANENT or refused,
        retry_after_s=_TOO_MANY_PAUSE_S if status == _TOO_MANY else None,
    )


def _cause(level: str, text: str) -> str:
    """Plain words for a debug line about a socket; the line itself may hold a token."""
    if level != "DEBUG" or "Exception:" not in text:
        return ""
    return next((words for pattern, words in _CAUSES if pattern.search(text)), "")


def _own_words(level: str, text: str) -> str:
    """What the service says in its answer, where that is JSON with an error in words; the rest may hold anything."""
    _, found, answer = text.partition("Response Details:")
    if level != "DEBUG" or not found:
        return ""
    try:
        body = ast.literal_eval(answer.strip())
        fields = json.loads(body[:_ANSWER_BYTES])
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return ""
    if not isinstance(fields, dict):
        return ""
    parts = (fields.get(name) for name in ("error", "errors", "description", "message"))
    words = [part for one in parts for part in (one if isinstance(one, list) else [one]) if isinstance(part, str)]
    return ", ".join(words)[:200]


def _instantiate(url: str, scheme: str, severity: str) -> Any:
    if scheme not in (*_PLUGINS, *_NTFY):
        # Loads every plugin; only for services rare enough not to be in the table.
        service = Apprise.instantiate(url, asset=_asset(), suppress_exceptions=False)
        if service is None:
            raise ValueError(f"it knows no service {scheme}")
        return service
    plugin = _plugin(scheme)
    fields = plugin.parse_url(url.strip())
    if not fields:
        raise ValueError(f"it is not a valid {plugin.service_name} URL")
    return plugin(**{**fields, **_loudness(scheme, fields.get("qsd", {}), severity), "asset": _asset()})


def _plugin(scheme: str) -> Any:
    if scheme in _NTFY:
        from watchman.notify.ntfy import Ntfy

        return Ntfy
    module, _, name = _PLUGINS[scheme].rpartition(".")
    return getattr(importlib.import_module(f"apprise.plugins.{module}"), name)


def _loudness(scheme: str, query: dict[str, str], severity: str) -> dict[str, Any]:
    """Constructor arguments that carry the severity; what the URL says itself counts more."""
    service = scheme.removesuffix("s") if scheme in ("ntfys", "gotifys") else scheme
    extra: dict[str, Any] = {}
    if service in _PRIORITY and "priority" not in query and severity in _PRIORITY[service]:
        extra["priority"] = _PRIORITY[service][severity]
    if service == "tgram" and "silent" not in query:
        extra["silent"] = severity in (NOTICE, INFO, RESOLVED)
    if service == "ntfy" and "image" not in query:
        # Else every push carries an icon that the phone fetches from a foreign host.
        extra["include_image"] = False
    return extra


def _fault(service: Any, scheme: str) -> str:
    """What Apprise accepts and yet cannot deliver."""
    if scheme in ("ntfy", "ntfys") and not service.topics:
        return "names no topic: write ntfys://HOST/TOPIC"
    if scheme in ("mailto", "mailtos") and not service.targets:
        return "names no valid recipient: write ?to=NAME@HOST"
    return ""


def _patience(service: Any, timeout_s: float) -> None:
    """Apprise waits 4 s by default; a slow answer would count as lost and the message come twice."""
    plain = type(service)
    if service.socket_read_timeout == plain.socket_read_timeout:
        service.socket_read_timeout = max(1.0, timeout_s * 0.8)
    if service.socket_connect_timeout == plain.socket_connect_timeout:
        service.socket_connect_timeout = max(1.0, min(10.0, timeout_s * 0.5))


def _asset() -> Any:
    # service_timeout 0 keeps the call in this thread: Apprise's shared pool would let one hanging service hold others.
    return AppriseAsset(app_id="watchman", app_desc="watchman", service_timeout=0, secure_logging=True)


class _Overheard(logging.Handler):
    """What Apprise warns of in this thread while a URL is read."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.warnings: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if threading.get_ident() == self._thread:
            self.warnings.append(record.getMessage())

    def __enter__(self) -> _Overheard:
        logging.getLogger("apprise").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)
