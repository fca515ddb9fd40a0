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
class ChartWish:
    """A PromQL expression to draw over [start, end], unix seconds; `since` is marked in it. Drawn when it is sent."""

    expr: str
    start: float
    end: float
    since: float
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person can do from a message. `link` opens a page that asks first, empty without an address for it;
    `command` is the signed text that does it when it is posted."""

    name: str
    label: str
    command: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be done from a message, the most wanted first.

    `menu` is a page with all of it, `topic` the URL a button posts its command to; each is empty where there is none.
    """

    actions: tuple[Action, ...]
    menu: str = ""
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message for one receiver. `text` stands by itself; `html` is for services that show it (mail).

    `severity` is critical, warning, notice, info or resolved and becomes the service's priority where it has one.
    `sequence` names the message for services that can replace one by another; `replaces` is the one before it, which
    is taken away, or, where both are equal, changed without a sound. `template_faults` are not sent: the receiver's own
    templates that failed, as `text: what was wrong`.
    """

    title: str
    text: str
    html: str | None = None
    severity: str = "warning"
    attachments: tuple[Attachment, ...] = field(default_factory=tuple)
    chart: ChartWish | None = None
    choices: Choices | None = None
    sequence: str = ""
    replaces: str = ""
    template_faults: tuple[str, ...] = ()
