"""The shapes that go into a dispatch and come out of it. All times are unix seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

from watchman.notify.ack import Ack
from watchman.notify.dedup import LogEntry, Reason
from watchman.notify.inhibit import InhibitRule
from watchman.notify.message import ActiveAlert
from watchman.notify.mute import Silence, TimeInterval
from watchman.notify.news import LastEnd
from watchman.notify.route import Node
from watchman.notify.severity import RESOLVED, severity_of, worst

LogKey = tuple[str, str]
"""Group key and receiver."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who can be told. `destinations` counts its URLs; 0 delivers nowhere."""

    name: str
    send_resolved: bool = True
    destinations: int = 1


@dataclass(frozen=True, slots=True)
class Routing:
    """What the configuration says about who hears what."""

    root: Node
    receivers: Mapping[str, Receiver]
    zone: ZoneInfo
    inhibit_rules: tuple[InhibitRule, ...] = ()
    time_intervals: Mapping[str, tuple[TimeInterval, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DispatchState:
    """What is remembered: what each receiver was told, silences, acknowledgements, when earlier incidents ended.

    `elsewhere` names alerts that somebody else tells; they only explain others (inhibition).
    It is all in the store, so a restart changes nothing.
    """

    log: Mapping[LogKey, LogEntry] = field(default_factory=dict)
    silences: Sequence[Silence] = ()
    last_end: LastEnd = lambda _fingerprint, _before: None
    acks: Sequence[Ack] = ()
    elsewhere: frozenset[str] = frozenset()


class HoldReason(StrEnum):
    """Why a firing alert is not told now."""

    DIGEST_ONLY = "digest only"
    NEWS_AFTER = "news_after"
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    MUTED = "mute time interval"
    INACTIVE = "outside active time interval"
    NO_DESTINATION = "no destination"


@dataclass(frozen=True, slots=True)
class Held:
    """A firing alert the receiver does not hear of. `until`: when that is known to end; None if it is not."""

    fingerprint: str
    receiver: str
    reason: HoldReason
    until: float | None
    alert: ActiveAlert


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to be made. `firing` are all alerts of the group that may be told, `new` names the untold ones.

    `resolved` are alerts the receiver knows of and that are over, with their true end. `previous_at` is when the
    group's message before this one was decided on, None for the first of an incident.
    """

    receiver: str
    group_key: str
    group_labels: Mapping[str, str]
    reason: Reason
    firing: tuple[ActiveAlert, ...]
    resolved: tuple[ActiveAlert, ...]
    new: frozenset[str]
    at: float
    repeats: int = 0
    previous_at: float | None = None

    @property
    def severity(self) -> str:
        """The worst severity that fires, or `resolved`."""
        return worst(severity_of(alert.labels) for alert in self.firing) if self.firing else RESOLVED

    @property
    def identity(self) -> str:
        """Names this message: a group sends a receiver at most one message at an instant."""
        return f"{self.group_key}|{self.receiver}|{self.at!r}"


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group as the API lists it."""

    key: str
    receiver: str
    labels: Mapping[str, str]
    alerts: tuple[ActiveAlert, ...]


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """What keeps an alert back, and who would hear it, as the API shows it."""

    receivers: tuple[str, ...] = ()
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()
    acknowledged_by: str = ""

    @property
    def state(self) -> str:
        """Alertmanager's word for it."""
        return "suppressed" if self.silenced_by or self.inhibited_by or self.muted_by else "active"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a dispatch decided. Messages and log must be written in one transaction.

    `log` holds only entries that changed; None deletes one. `next_due`: when dispatch must run again even if nothing
    changes; None: only when something does. Notifications come worst first.
    """

    notifications: tuple[Notification, ...]
    log: Mapping[LogKey, LogEntry | None]
    held: tuple[Held, ...]
    next_due: float | None
    groups: tuple[GroupView, ...] = ()
    statuses: Mapping[str, AlertStatus] = field(default_factory=dict)
