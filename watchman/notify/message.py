"""What travels from decision to phone: active alerts, the messages made of them, attachments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Source(StrEnum):
    """Where an alert came from. One that came from an Alertmanager is never forwarded to one."""

    RULES = "rules"
    PROMETHEUS = "prometheus"
    ALERTMANAGER = "alertmanager"
    WATCHMAN = "watchman"


@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """An alert as the notification side sees it: firing, or resolved where `ends_at` has passed.

    Times are unix seconds. `starts_at` is when it began firing, `since` when its condition began (before `for`);
    `ends_at` is the true end of the condition, not of `keep_firing_for`; None while it fires.
    """

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float | None = None
    value: float | None = None
    source: Source = Source.RULES
    since: float | None = None

    @property
    def firing(self) -> bool:
        """True until the alert has an end."""
        return self.ends_at is None

    @property
    def name(self) -> str:
        """The alert's name, or a word where a foreign alert has none."""
        return self.labels.get("alertname", "alert")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message; `name` is also the Content-ID an HTML body refers to it by."""

    name: str
    mimetype: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One message for one receiver. `text` stands by itself; `html` is for services that show it (mail).

    `severity` is critical, warning, notice, info or resolved and becomes the service's priority where it has one.
    """

    title: str
    text: str
    html: str | None = None
    severity: str = "warning"
    attachments: tuple[Attachment, ...] = field(default_factory=tuple)
