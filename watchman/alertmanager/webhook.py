"""What an Alertmanager posts to a webhook, version 4: whatever is in it, the alerts that can be read are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from watchman.errors import WatchmanError
from watchman.localtime import in_calendar
from watchman.series import writable

VERSION = "4"
# Alertmanager quotes a receiver's name as if it were a regular expression: `a.b` comes as `a\.b`.
_QUOTED = re.compile(r"\\([^\w\s])")
# Go's zero time means "no end yet".
_NO_TIME_BEFORE_S = 0.0


class WebhookError(WatchmanError):
    """A post that is not taken; the message says what is wrong with it, `status` is the HTTP status that fits."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class WebhookAlert:
    """One alert of a group. `starts_at` None: not told. `ends_at` (unix seconds) None: it fires."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: float | None = None
    ends_at: float | None = None
    generator_url: str = ""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A notification of one group for one of Alertmanager's receivers: all that fires, and what has ended since.

    `truncated` counts the alerts that Alertmanager's `max_alerts` cut off, `unreadable` those that are no objects.
    """

    group_key: str
    receiver: str
    group_labels: Mapping[str, str]
    alerts: tuple[WebhookAlert, ...]
    truncated: int = 0
    unreadable: int = 0


def read_webhook(document: Any, now: float) -> Webhook:
    """The notification in a JSON document. Raises WebhookError; fields it does not need may be missing or unknown.

    A resolved alert without a usable end ended `now` (unix seconds).
    """
    if not isinstance(document, dict):
        raise WebhookError("not a JSON object: is this an Alertmanager's webhook?")
    version = document.get("version")
    if version is None:
        raise WebhookError("no version: this is not the webhook of an Alertmanager; `payload` must not be changed")
    if str(version) != VERSION:
        raise WebhookError(f"webhook version {str(version)[:20]!r} is not known; watchman takes version {VERSION}")
    alerts = document.get("alerts")
    if not isinstance(alerts, list):
        raise WebhookError("no list of alerts")
    readable = [item for item in alerts if isinstance(item, dict)]
    return Webhook(
        group_key=_text(document.get("groupKey")),
        receiver=_QUOTED.sub(r"\1", _text(document.get("receiver"))),
        group_labels=_texts(document.get("groupLabels")),
        alerts=tuple(_read_alert(item, str(document.get("status")), now) for item in readable),
        truncated=_count(document.get("truncatedAlerts")),
        unreadable=len(alerts) - len(readable),
    )


def _read_alert(item: Mapping[str, Any], group_status: str, now: float) -> WebhookAlert:
    status = item.get("status")
    ends_at = _time(item.get("endsAt"))
    if (status if isinstance(status, str) else group_status) != "resolved":
        ends_at = None
    elif ends_at is None or ends_at > now:
        ends_at = now
    return WebhookAlert(
        labels={name: text for name, text in _texts(item.get("labels")).items() if text},
        annotations=_texts(item.get("annotations")),
        starts_at=_time(item.get("startsAt")),
        ends_at=ends_at,
        generator_url=_text(item.get("generatorURL")),
    )


def _text(value: Any) -> str:
    return writable(str(value or ""))


def _texts(value: Any) -> dict[str, str]:
    """An object of texts; what is no text is written as one."""
    pairs: Iterator[tuple[str, Any]] = iter(value.items() if isinstance(value, dict) else ())
    return {writable(str(name)): "" if text is None else writable(str(text)) for name, text in pairs}


def _time(value: Any) -> float | None:
    """Unix seconds of an RFC 3339 time; None for Go's zero time and for anything else."""
    try:
        moment = datetime.fromisoformat(value)
        ts = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return in_calendar(ts) if ts > _NO_TIME_BEFORE_S else None


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
