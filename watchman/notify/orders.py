"""Orders: what a person does from a message, as a short signed text that a link or a button carries. Pure.

    action.case.expires.signature     acknowledge.5f0c...e1.1763700000123.kX3...

The signature is an HMAC over the rest, so an order is good for one action on the alerts of one message until one
moment, and for nothing else. Whether it was carried out before is the store's to know.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from watchman.errors import WatchmanError
from watchman.notify.matchers import Matcher, Op, make_matcher
from watchman.notify.message import Action, ActiveAlert, Choices

ACKNOWLEDGE, MENU = "acknowledge", "menu"
SILENCES = {"silence-1h": "1h", "silence-8h": "8h", "silence-tomorrow": "tomorrow"}
"""Until when each silences, as `parse_until` reads it."""
LABELS = {
    ACKNOWLEDGE: "Acknowledge",
    "silence-1h": "Silence 1 h",
    "silence-8h": "Silence 8 h",
    "silence-tomorrow": "Silence until tomorrow",
}
MENU_TITLE = "Acknowledge or silence"
GOOD_FOR_S = 7 * 86400.0
MOST_CHARS = 200
"""No order is longer."""
MOST_ALERTS = 200
_PURPOSE = b"watchman order\n"
_TOKEN = re.compile(r"([a-z0-9-]{1,20})\.([0-9a-f]{24})\.([0-9]{1,16})\.([A-Za-z0-9_-]{32})")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_MOST_VALUES = 20


class OrderError(WatchmanError):
    """An order that is not carried out; `expired` tells an old one from one that we never gave."""

    def __init__(self, text: str, *, expired: bool = False) -> None:
        super().__init__(text)
        self.expired = expired


@dataclass(frozen=True, slots=True)
class Order:
    """A signed order that is good. `token` is its text, `expires_at` unix seconds."""

    action: str
    case: str
    expires_at: float
    token: str


@dataclass(frozen=True, slots=True)
class CaseAlert:
    """An alert a message was about: enough to acknowledge this incident of it and to silence its like."""

    fingerprint: str
    starts_at: float
    labels: Mapping[str, str]
    summary: str


@dataclass(frozen=True, slots=True)
class Case:
    """What a message was about, and whom it went to. `id` follows from both."""

    id: str
    receiver: str
    alerts: tuple[CaseAlert, ...]


@dataclass(frozen=True, slots=True)
class Topic:
    """The command topic: its address, and what its server wants to see of who listens."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    auth: tuple[str, str] | None = field(repr=False)
    verify: bool | str = True


def make_case(receiver: str, alerts: Iterable[ActiveAlert]) -> Case:
    """The case of a message; of very many alerts the first 200."""
    known = tuple(
        CaseAlert(one.fingerprint, one.starts_at, dict(one.labels), one.annotations.get("summary") or one.name)
        for one in list(alerts)[:MOST_ALERTS]
    )
    identity = "\n".join([receiver, *(f"{one.fingerprint} {one.starts_at!r}" for one in known)])
    return Case(hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:24], receiver, known)


def sign(key: bytes, action: str, case: str, expires_at: float) -> str:
    """The text of an order."""
    order = f"{action}.{case}.{round(expires_at * 1000)}"
    return f"{order}.{_signature(key, order)}"


def verify(key: bytes, token: str, now: float) -> Order:
    """The order in a text; raises OrderError for one we did not sign, and for one that is too old."""
    found = _TOKEN.fullmatch(token)
    if found is None or not hmac.compare_digest(_signature(key, token[: found.start(4) - 1]), found[4]):
        raise OrderError("this link is not one that watchman made; open the one in the message")
    if found[1] not in (*LABELS, MENU):
        raise OrderError("this link is of another version of watchman; use a newer message")
    expires_at = int(found[3]) / 1000
    if now >= expires_at:
        raise OrderError("this link is too old; use a newer message, or the page", expired=True)
    return Order(found[1], found[2], expires_at, token)


def make_choices(
    key: bytes, case: str, now: float, *, address: str = "", topic: str = "", wanted: Iterable[str] = LABELS
) -> Choices | None:
    """What can be done from a message made at `now`, the `wanted` actions first.

    `address` is where the page is reached from outside, `topic` what buttons post to; without both there is nothing.
    """
    if not address and not topic:
        return None
    expires_at = now + GOOD_FOR_S
    order = list(dict.fromkeys([*wanted, *LABELS]))
    commands = {action: sign(key, action, case, expires_at) for action in (*order, MENU)}
    actions = (Action(action, LABELS[action], commands[action], _link(address, commands[action])) for action in order)
    return Choices(tuple(actions), _link(address, commands[MENU]), topic)


def silence_matchers(alerts: Iterable[CaseAlert]) -> list[tuple[Matcher, ...]]:
    """Per alert name one silence: the labels all its alerts have, with their values where they differ."""
    by_name: dict[str, list[Mapping[str, str]]] = {}
    for alert in alerts:
        by_name.setdefault(alert.labels.get("alertname", ""), []).append(alert.labels)
    return [tuple(_matchers(labels)) for labels in by_name.values()]


def _matchers(labels: list[Mapping[str, str]]) -> Iterable[Matcher]:
    for name in sorted(set.intersection(*(set(one) for one in labels))):
        values = sorted({one[name] for one in labels})
        # A name beyond Prometheus' old ones cannot stand in a silence of Alertmanager's grammar.
        if not _LABEL_NAME.fullmatch(name) or len(values) > _MOST_VALUES:
            continue
        if len(values) == 1:
            yield make_matcher(name, Op.EQUAL, values[0])
        else:
            yield make_matcher(name, Op.REGEX, "|".join(_escaped(value) for value in values))


def _escaped(value: str) -> str:
    """The value as a regular expression of RE2; Python's own escaping knows more than RE2 takes."""
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", value)


def _link(address: str, token: str) -> str:
    return f"{address.rstrip('/')}/act/{token}" if address else ""


def _signature(key: bytes, order: str) -> str:
    digest = hmac.new(key, _PURPOSE + order.encode("utf-8", "replace"), hashlib.sha256).digest()[:24]
    return base64.urlsafe_b64encode(digest).decode()
