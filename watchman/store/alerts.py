"""Alert states of own rules, and the incidents made of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields

from sqlalchemy import Connection, delete, func, insert, select, update

from watchman.rules.alert import Alert, AlertState
from watchman.series import LabelKey, fingerprint, label_key
from watchman.store.schema import alerts, incidents, posted

_FIELDS = frozenset(field.name for field in fields(Alert))


@dataclass(frozen=True, slots=True)
class Incident:
    """One firing period of an alert. Times in unix seconds: `started` when the condition began (the `for` before
    firing included), `fired` when it began firing, `ended` the true end of the condition or None."""

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    source: str
    started: float
    fired: float
    ended: float | None = None
    value: float | None = None


def load_alerts(connection: Connection) -> dict[str, dict[LabelKey, Alert]]:
    """Every stored alert by rule key."""
    book: dict[str, dict[LabelKey, Alert]] = {}
    for row in connection.execute(select(alerts.c.rule_key, alerts.c.alert)):
        alert = alert_from_json(row.alert)
        book.setdefault(row.rule_key, {})[label_key(alert.labels)] = alert
    return book


def save_alerts(connection: Connection, rule_key: str, states: Iterable[Alert]) -> None:
    """Replace the stored alerts of one rule."""
    connection.execute(delete(alerts).where(alerts.c.rule_key == rule_key))
    rows = [
        {"rule_key": rule_key, "fingerprint": fingerprint(alert.labels), "alert": alert_to_json(alert)}
        for alert in states
    ]
    if rows:
        connection.execute(insert(alerts), rows)


def firing_by_rule(connection: Connection, fingerprints: Collection[str]) -> set[str]:
    """Those of the alerts that an own rule says fire."""
    chosen = select(alerts.c.fingerprint, alerts.c.alert).where(alerts.c.fingerprint.in_(list(fingerprints)))
    rows = connection.execute(chosen)
    return {row.fingerprint for row in rows if json.loads(row.alert)["state"] == AlertState.FIRING.value}


def forget_rules(connection: Connection, kept: Iterable[str]) -> None:
    """Drop the states of rules that are no longer configured."""
    connection.execute(delete(alerts).where(alerts.c.rule_key.not_in(list(kept))))


def open_incident(connection: Connection, incident: Incident) -> None:
    """Write down that an alert began firing; once per fingerprint and moment, and not while one is open already."""
    same = (incidents.c.fired == incident.fired) | incidents.c.ended.is_(None)
    known = select(incidents.c.id).where(incidents.c.fingerprint == incident.fingerprint, same)
    if connection.execute(known).first() is None:
        connection.execute(insert(incidents).values(incident_row(incident)))


def close_incident(connection: Connection, alert_fingerprint: str, ended: float) -> None:
    """Give every open incident of an alert its end, unless somebody else still says that it fires."""
    elsewhere = select(posted.c.fingerprint).where(posted.c.fingerprint == alert_fingerprint, posted.c.is_open == 1)
    if connection.execute(elsewhere).first() is not None:
        return
    is_open = (incidents.c.fingerprint == alert_fingerprint) & incidents.c.ended.is_(None)
    connection.execute(update(incidents).where(is_open).values(ended=func.max(incidents.c.started, ended)))


def incidents_between(connection: Connection, start: float, end: float) -> list[Incident]:
    """Incidents that touch [start, end), by the time they began."""
    touches = (incidents.c.started < end) & (incidents.c.ended.is_(None) | (incidents.c.ended >= start))
    rows = connection.execute(select(incidents).where(touches).order_by(incidents.c.started, incidents.c.id))
    return [
        Incident(
            fingerprint=row.fingerprint,
            labels=json.loads(row.labels),
            annotations=json.loads(row.annotations),
            source=row.source,
            started=row.started,
            fired=row.fired,
            ended=row.ended,
            value=row.value,
        )
        for row in rows
    ]


def last_end(connection: Connection, alert_fingerprint: str, before: float) -> float | None:
    """When the previous incident of an alert ended, of those that fired before `before`; None if there is none."""
    chosen = (incidents.c.fingerprint == alert_fingerprint) & (incidents.c.fired < before)
    row = connection.execute(
        select(incidents.c.ended, incidents.c.fired).where(chosen).order_by(incidents.c.fired.desc()).limit(1)
    ).first()
    if row is None:
        return None
    return float(row.fired if row.ended is None else row.ended)


def recent_incidents(connection: Connection, alert_fingerprint: str, since: float) -> list[tuple[float, float | None]]:
    """When an alert fired and when that ended, of incidents that fired or ended after a moment, by their start."""
    touches = (incidents.c.fired > since) | incidents.c.ended.is_(None) | (incidents.c.ended > since)
    chosen = (incidents.c.fingerprint == alert_fingerprint) & touches
    rows = connection.execute(select(incidents.c.fired, incidents.c.ended).where(chosen).order_by(incidents.c.fired))
    return [(row.fired, row.ended) for row in rows]


def often_fired(connection: Connection, since: float) -> set[str]:
    """Alerts of which more than one incident fired after a moment."""
    often = select(incidents.c.fingerprint).where(incidents.c.fired > since)
    often = often.group_by(incidents.c.fingerprint).having(func.count() > 1)
    return set(connection.execute(often).scalars())


def forget_incidents(connection: Connection, before: float) -> None:
    """Drop incidents that ended before a moment."""
    connection.execute(delete(incidents).where(incidents.c.ended < before))


def alert_to_json(alert: Alert) -> str:
    """An alert as the store keeps it."""
    return json.dumps(asdict(alert))


def alert_from_json(text: str) -> Alert:
    """What `alert_to_json` made, of this version or an earlier one."""
    # Fields an older version kept and this one does not know are left out.
    known = {name: value for name, value in json.loads(text).items() if name in _FIELDS}
    known["state"] = AlertState(known["state"])
    known["value"] = float(known["value"])
    return Alert(**known)


def incident_row(incident: Incident) -> dict[str, object]:
    """The row of an incident."""
    return {
        "fingerprint": incident.fingerprint,
        "alertname": incident.labels.get("alertname", ""),
        "labels": json.dumps(dict(incident.labels)),
        "annotations": json.dumps(dict(incident.annotations)),
        "source": incident.source,
        "started": incident.started,
        "fired": incident.fired,
        "ended": incident.ended,
        "value": incident.value,
    }
