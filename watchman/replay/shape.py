"""A replay as one JSON object; times in RFC 3339 with the site's offset, durations in seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from watchman.notify.message import ActiveAlert
from watchman.replay.result import Incident, KeptBack, Replay, RuleReplay, Told

Json = dict[str, Any]


def to_json(replay: Replay, zone: ZoneInfo) -> Json:
    """The object that `watchman replay --json` prints, without the figures and suggestions."""
    return {
        "start": stamp(replay.start, zone),
        "end": stamp(replay.end, zone),
        "reached": stamp(replay.reached, zone),
        "partial": replay.is_partial,
        "interval_s": replay.interval_s,
        "rules": [_rule(rule, zone) for rule in replay.rules],
        "notifications": [_told(told, zone) for told in replay.told],
        "held": [_kept_back(one, zone) for one in replay.kept_back],
        "notes": list(replay.notes),
    }


def stamp(ts: float | None, zone: ZoneInfo) -> str | None:
    """RFC 3339 to the millisecond: slots lie between the seconds."""
    return None if ts is None else datetime.fromtimestamp(round(ts, 3), zone).isoformat(timespec="milliseconds")


def finite(value: float | None) -> float | str | None:
    """A number JSON knows, else its name as Prometheus writes it."""
    if value is None or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _rule(rule: RuleReplay, zone: ZoneInfo) -> Json:
    return {
        "group": rule.group.name,
        "file": rule.group.file,
        "alertname": rule.rule.name,
        "interval_s": rule.group.interval_s,
        "evaluations": rule.evaluations,
        "errors": rule.errors,
        "first_error": rule.first_error or None,
        "false_starts": rule.false_starts,
        "notes": list(rule.notes),
        "incidents": [_incident(one, zone) for one in rule.incidents],
    }


def _incident(one: Incident, zone: ZoneInfo) -> Json:
    return {
        "labels": dict(one.labels),
        "pending": stamp(one.pending, zone),
        "firing": stamp(one.firing, zone),
        "resolved": stamp(one.resolved, zone),
        "ended": stamp(one.ended, zone),
        "value": finite(one.value),
        "annotations": dict(one.annotations),
    }


def _told(told: Told, zone: ZoneInfo) -> Json:
    one = told.notification
    return {
        "at": stamp(one.at, zone),
        "receiver": one.receiver,
        "status": "firing" if one.firing else "resolved",
        "reason": one.reason.value,
        "severity": told.message.severity,
        "title": told.message.title,
        "text": told.message.text,
        "alerts": [_alert(alert, zone) for alert in (*one.firing, *one.resolved)],
    }


def _alert(alert: ActiveAlert, zone: ZoneInfo) -> Json:
    return {
        "labels": _plain(alert.labels),
        "status": "firing" if alert.firing else "resolved",
        "starts": stamp(alert.starts_at, zone),
        "ends": stamp(alert.ends_at, zone),
    }


def _kept_back(one: KeptBack, zone: ZoneInfo) -> Json:
    held = one.held
    return {
        "at": stamp(one.at, zone),
        "receiver": held.receiver,
        "reason": held.reason.value,
        "until": stamp(held.until, zone),
        "labels": _plain(held.alert.labels),
        "firing": stamp(held.alert.starts_at, zone),
    }


def _plain(labels: Mapping[str, str]) -> dict[str, str]:
    return dict(labels)
