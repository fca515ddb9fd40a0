"""Alerts, groups and silences in the JSON of Alertmanager's API version 2."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from watchman.notify.matchers import Matcher, Op
from watchman.notify.message import ActiveAlert
from watchman.notify.mute import Silence
from watchman.notify.plan import AlertStatus
from watchman.notify.silences import state_of

SPOKEN_VERSION = "0.25.0"
"""The Alertmanager whose API this is: clients decide by it what they may ask for."""


@dataclass(frozen=True, slots=True)
class ListedAlert:
    """A firing alert as the API shows it. Times in unix seconds; `ends_at` is when it would end by itself."""

    alert: ActiveAlert
    ends_at: float
    updated_at: float
    status: AlertStatus
    generator_url: str = ""


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group of a receiver, by the fingerprints of its alerts."""

    labels: Mapping[str, str]
    receiver: str
    fingerprints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """What fires at one instant, by fingerprint, and how it is grouped."""

    alerts: Mapping[str, ListedAlert] = field(default_factory=dict)
    groups: tuple[ListedGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks to see. `receiver` is a compiled expression for the whole name, or None."""

    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    muted: bool = True
    filters: tuple[Matcher, ...] = ()
    receiver: Any = None

    def shows(self, listed: ListedAlert) -> bool:
        """True if the alert is among what was asked for; the receiver is another question."""
        status = listed.status
        return (
            (self.active or status.state != "active")
            and (self.silenced or not status.silenced_by)
            and (self.inhibited or not status.inhibited_by)
            and (self.muted or not status.muted_by)
            and all(matcher.matches(listed.alert.labels) for matcher in self.filters)
        )

    def hears(self, receivers: Iterable[str]) -> bool:
        """True if one of the receivers was asked for."""
        return self.receiver is None or any(self.receiver.fullmatch(name) for name in receivers)


def alerts_list(listing: Listing, wanted: Wanted) -> list[dict[str, Any]]:
    """The answer of GET /alerts: by fingerprint."""
    return [
        _alert(listed)
        for _, listed in sorted(listing.alerts.items())
        if wanted.hears(listed.status.receivers) and wanted.shows(listed)
    ]


def groups_list(listing: Listing, wanted: Wanted) -> list[dict[str, Any]]:
    """The answer of GET /alerts/groups: by labels, then by receiver; a group of which nothing is shown is left out."""
    shown = []
    for group in sorted(listing.groups, key=lambda one: (sorted(one.labels.items()), one.receiver)):
        if not wanted.hears((group.receiver,)):
            continue
        members = [listing.alerts[name] for name in sorted(group.fingerprints) if name in listing.alerts]
        alerts = [_alert(listed) for listed in members if wanted.shows(listed)]
        if alerts:
            shown.append({"alerts": alerts, "labels": dict(group.labels), "receiver": {"name": group.receiver}})
    return shown


def silence_object(silence: Silence, now: float) -> dict[str, Any]:
    """A silence as GET gives it."""
    return {
        "id": silence.id,
        "status": {"state": state_of(silence, now).value},
        "updatedAt": rfc3339_ms(silence.updated_at),
        **postable_silence(silence),
    }


def postable_silence(silence: Silence) -> dict[str, Any]:
    """A silence as POST takes it, without an id."""
    return {
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "endsAt": rfc3339_ms(silence.ends_at),
        "matchers": [
            {
                "isEqual": matcher.op in (Op.EQUAL, Op.REGEX),
                "isRegex": matcher.op in (Op.REGEX, Op.NOT_REGEX),
                "name": matcher.name,
                "value": matcher.value,
            }
            for matcher in silence.matchers
        ],
        "startsAt": rfc3339_ms(silence.starts_at),
    }


def receivers_list(names: Sequence[str]) -> list[dict[str, str]]:
    """The answer of GET /receivers."""
    return [{"name": name} for name in names]


def rfc3339_ms(ts: float) -> str:
    """UTC with milliseconds, as Alertmanager writes its times."""
    moment = datetime.fromtimestamp(min(max(ts, _EARLIEST), _LATEST), UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_EARLIEST = datetime(1, 1, 1, tzinfo=UTC).timestamp()
_LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()


def _alert(listed: ListedAlert) -> dict[str, Any]:
    alert, status = listed.alert, listed.status
    shown: dict[str, Any] = {
        "annotations": dict(alert.annotations),
        "endsAt": rfc3339_ms(listed.ends_at),
        "fingerprint": alert.fingerprint,
        "receivers": receivers_list(status.receivers),
        "startsAt": rfc3339_ms(alert.starts_at),
        "status": {
            "inhibitedBy": list(status.inhibited_by),
            "mutedBy": list(status.muted_by),
            "silencedBy": sorted(status.silenced_by),
            "state": status.state,
            **({"acknowledgedBy": status.acknowledged_by} if status.acknowledged_by else {}),
        },
        "updatedAt": rfc3339_ms(listed.updated_at),
    }
    if listed.generator_url:
        shown["generatorURL"] = listed.generator_url
    return {**shown, "labels": dict(alert.labels)}
