"""A replay as one JSON object; times in RFC 3339 with the site's offset, durations in seconds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from watchman.notify.message import ActiveAlert
from watchman.replay.advice import Suggestion
from watchman.replay.count import (
    BUDGET_AT_NIGHT,
    BUDGET_PER_YEAR,
    BUDGET_RULE_PER_MONTH,
    Figures,
    ReceiverFigures,
    RuleFigures,
    count,
)
from watchman.replay.result import Incident, KeptBack, Replay, RuleReplay, Told
from watchman.replay.sweep import Tried, value_text
from watchman.replay.verdict import verdicts

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
        "away": rule.away,
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


def whole(replay: Replay, figures: Figures, suggestions: Sequence[Suggestion], zone: ZoneInfo) -> Json:
    """What `watchman replay --json` prints: the replay with its figures, verdicts and suggestions."""
    shape = to_json(replay, zone)
    for rule, counted in zip(shape["rules"], figures.rules, strict=True):
        rule.update(_figures(counted))
    shape["receivers"] = [_receiver(one) for one in figures.receivers]
    shape["budget"] = {
        "per_year": BUDGET_PER_YEAR,
        "at_night_per_year": BUDGET_AT_NIGHT,
        "rule_per_month": BUDGET_RULE_PER_MONTH,
    }
    shape["verdicts"] = verdicts(replay, figures)
    shape["suggestions"] = [{**asdict(one), "saved": one.saved, "text": one.text} for one in suggestions]
    return shape


def sweep_to_json(tried: Sequence[Tried], zone: ZoneInfo) -> Json:
    """What `watchman replay --sweep --json` prints: one object for each variant and rule."""
    variants = [
        {
            "alertname": rule.rule.rule.name,
            "group": rule.rule.group.name,
            "values": {key: _swept(key, value) for key, value in one.values.items()},
            "evaluations": rule.rule.evaluations,
            "errors": rule.rule.errors,
            **_figures(rule),
        }
        for one in tried
        for rule in count(one.replay, zone).rules
    ]
    first = tried[0].replay
    return {
        "start": stamp(first.start, zone),
        "end": stamp(first.end, zone),
        "reached": stamp(first.reached, zone),
        "partial": first.is_partial,
        "interval_s": first.interval_s,
        "variants": variants,
    }


def _swept(key: str, value: float) -> float | str:
    return value if key == "threshold" else value_text(key, value)


def _figures(one: RuleFigures) -> Json:
    return {
        "fired": one.fired,
        "firing_s": round(one.firing_s, 3),
        "longest_s": round(one.longest_s, 3),
        "flaps": one.flaps,
        "messages": one.messages,
        "messages_at_night": one.at_night,
        "messages_per_month": _rounded(one.per_month),
    }


def _receiver(one: ReceiverFigures) -> Json:
    return {
        "receiver": one.receiver,
        "messages": one.messages,
        "at_night": one.at_night,
        "held": one.held,
        "per_week": _rounded(one.per_week),
        "per_year": _rounded(one.per_year),
        "at_night_per_year": _rounded(one.at_night_per_year),
        "within_budget": one.within_budget,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
