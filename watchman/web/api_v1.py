"""Rules and alerts in the JSON that Prometheus answers with."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from watchman.rules.alert import Alert, AlertState
from watchman.rules.rule import Group, Rule


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """A rule with its group and what its last evaluation gave. Times in unix seconds."""

    group: Group
    rule: Rule
    alerts: tuple[Alert, ...]
    health: str = "unknown"
    error: str = ""
    evaluated_at: float = 0.0
    duration_s: float = 0.0


def rules_data(statuses: Iterable[RuleStatus], kind: str = "") -> dict[str, Any]:
    """The `data` of /api/v1/rules, by file and name as Prometheus sorts; `kind` alert or record keeps only those."""
    groups: dict[str, dict[str, Any]] = {}
    for status in statuses:
        entry = groups.setdefault(status.group.key, _group(status.group))
        entry["evaluationTime"] += status.duration_s
        entry["lastEvaluation"] = max(entry["lastEvaluation"], rfc3339(status.evaluated_at))
        if kind in ("", "record" if status.rule.record else "alert"):
            entry["rules"].append(_rule(status))
    shown = [group for group in groups.values() if group["rules"] or not kind]
    return {"groups": sorted(shown, key=lambda group: (group["file"], group["name"]))}


def alerts_data(statuses: Iterable[RuleStatus]) -> dict[str, Any]:
    """The `data` of /api/v1/alerts."""
    return {"alerts": [_alert(alert) for status in statuses for alert in _active(status.alerts)]}


def rfc3339(ts: float) -> str:
    """UTC with as many decimals as needed, as Go prints it; the zero time for 0."""
    if ts <= 0:
        return "0001-01-01T00:00:00Z"
    moment = datetime.fromtimestamp(ts, UTC)
    fraction = f"{moment.microsecond:06d}".rstrip("0")
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}" if fraction else "") + "Z"


def go_exponent(value: float) -> str:
    """A float as Go's shortest exponent form: 1 is `1e+00`, 0.15 is `1.5e-01`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0e+00" if math.copysign(1, value) < 0 else "0e+00"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    power = int(exponent) + len(text) - 1
    mantissa = text[0] + ("." + text[1:].rstrip("0")).rstrip(".")
    return f"{'-' if sign else ''}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _group(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "file": group.file,
        "rules": [],
        "interval": group.interval_s,
        "limit": group.limit,
        "evaluationTime": 0.0,
        "lastEvaluation": rfc3339(0),
    }


def _rule(status: RuleStatus) -> dict[str, Any]:
    rule = status.rule
    named = {"name": rule.name, "query": rule.expr}
    if rule.record:
        return {**named, **({"labels": dict(rule.labels)} if rule.labels else {}), **_health(status, "recording")}
    alerts = _active(status.alerts)
    return {
        "state": _state(alerts),
        **named,
        "duration": rule.for_s,
        "keepFiringFor": rule.keep_firing_for_s,
        "labels": dict(rule.labels),
        "annotations": dict(rule.annotations),
        "alerts": [_alert(alert) for alert in alerts],
        **_health(status, "alerting"),
    }


def _health(status: RuleStatus, kind: str) -> dict[str, Any]:
    return {
        "health": status.health,
        **({"lastError": status.error} if status.error else {}),
        "evaluationTime": status.duration_s,
        "lastEvaluation": rfc3339(status.evaluated_at),
        "type": kind,
    }


def _active(alerts: Iterable[Alert]) -> list[Alert]:
    return [alert for alert in alerts if alert.state is not AlertState.INACTIVE]


def _state(alerts: list[Alert]) -> str:
    states = {alert.state for alert in alerts}
    worst = next((state for state in (AlertState.FIRING, AlertState.PENDING) if state in states), AlertState.INACTIVE)
    return worst.value


def _alert(alert: Alert) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "state": alert.state.value,
        "activeAt": rfc3339(alert.active_at),
        "value": go_exponent(alert.value),
    }
    if alert.keep_since is not None:
        shown["keepFiringSince"] = rfc3339(alert.keep_since)
    return shown
