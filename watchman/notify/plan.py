"""The shapes that go into a dispatch and come out of it. All times are unix seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

from watchman.notify.ack import Ack
from watchman.notify.dedup import LogEntry, Reason
from watchman.notify.flap import Flapping, Recent
from watchman.notify.hours import QuietHours
from watchman.notify.inhibit import InhibitRule
from watchman.notify.matchers import Matcher
from watchman.notify.message import ActiveAlert
from watchman.notify.mute import Silence, TimeInterval
from watchman.notify.news import LastEnd
from watchman.notify.route import Node
from watchman.notify.severity import CRITICAL, RESOLVED, severity_of, worst

LogKey = tuple[str, str]
"""Group key and receiver."""

QUIET_KEY = "quiet hours"
"""What a receiver's waiting alerts are kept under in the notification log, in the place of a group key."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who can be told. `destinations` counts its URLs; 0 delivers nowhere. `digest_only`: nothing is pushed."""

    name: str
    send_resolved: bool = True
    destinations: int = 1
    quiet_hours: QuietHours | None = None
    digest_only: bool = False


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A recurring window: alerts that match are not told while one of the intervals holds."""

    name: str
    matchers: tuple[Matcher, ...]
    intervals: tuple[TimeInterval, ...]


@dataclass(frozen=True, slots=True)
class AwayPlan:
    """While nobody is at home `also_tell` hears of the alerts of these severities too."""

    also_tell: tuple[str, ...] = ()
    severities: frozenset[str] = frozenset({CRITICAL})


@dataclass(frozen=True, slots=True)
class Routing:
    """What the configuration says about who hears what."""

    root: Node
    receivers: Mapping[str, Receiver]
    zone: ZoneInfo
    inhibit_rules: tuple[InhibitRule, ...] = ()
    time_intervals: Mapping[str, tuple[TimeInterval, ...]] = field(default_factory=dict)
    maintenance: tuple[Maintenance, ...] = ()
    flapping: Flapping | None = None
    away: AwayPlan = AwayPlan()


@dataclass(frozen=True, slots=True)
class DispatchState:
    """What is remembered: what each receiver was told, silences, acknowledgements, earlier incidents, the away switch.

    `elsewhere` names alerts that somebody else tells; they only explain others (inhibition).
    It is all in the store, so a restart changes nothing.
    """

    log: Mapping[LogKey, LogEntry] = field(default_factory=dict)
    silences: Sequence[Silence] = ()
    last_end: LastEnd = lambda _fingerprint, _before: None
    acks: Sequence[Ack] = ()
    elsewhere: frozenset[str] = frozenset()
    recent: Recent = lambda _fingerprint, _since: ()
    is_away: bool = False


class HoldReason(StrEnum):
    """Why a firing alert is not told now."""

    DIGEST_ONLY = "digest only"
    NEWS_AFTER = "news_after"
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    MUTED = "mute time interval"
    INACTIVE = "outside active time interval"
    NO_DESTINATION = "no destination"
    MAINTENANCE = "maintenance window"
    FLAPPING = "flapping"
    QUIET_HOURS = "quiet hours"


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

    `resolved` are alerts the receiver knows of and that are over, with their true end; after quiet hours also those
    that began and ended meanwhile. `flapping` names those that begin again and again. `previous_at` is when the group's
    message before this one was decided on, None for the first of an incident.
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
    flapping: frozenset[str] = frozenset()

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
