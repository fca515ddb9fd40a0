"""What each receiver was told (the notification log), and what was kept back for the digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from watchman.notify.dedup import LogEntry
from watchman.notify.outbox import log_entry_from_json, log_entry_to_json
from watchman.notify.plan import QUIET_KEY, Held, LogKey, Notification
from watchman.store.schema import held, notification_log
from watchman.store.schema import told as first_told


@dataclass(frozen=True, slots=True)
class HeldRow:
    """An alert somebody was not told of, and why. `fired` names the incident, unix seconds."""

    fingerprint: str
    receiver: str
    fired: float
    alertname: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class ToldRow:
    """Somebody was told of an incident for the first time. `fired` names the incident, unix seconds."""

    fingerprint: str
    receiver: str
    fired: float
    alertname: str
    reason: str
    at: float


def load_log(connection: Connection) -> dict[LogKey, LogEntry]:
    """The whole notification log."""
    rows = connection.execute(select(notification_log))
    return {(row.group_key, row.receiver): log_entry_from_json(row.entry) for row in rows}


def told(connection: Connection) -> set[str]:
    """Fingerprints of all that dispatch has told somebody and not told the end of."""
    entries = load_log(connection).items()
    return {alert.fingerprint for (key, _), entry in entries if key != QUIET_KEY for alert in entry.told}


def save_log(connection: Connection, changes: Mapping[LogKey, LogEntry | None], now: float) -> None:
    """Write changed entries; None deletes one."""
    for (group_key, receiver), entry in changes.items():
        if entry is None:
            key = (notification_log.c.group_key == group_key) & (notification_log.c.receiver == receiver)
            connection.execute(delete(notification_log).where(key))
            continue
        row = {
            "group_key": group_key,
            "receiver": receiver,
            "entry": log_entry_to_json(entry),
            "updated_at": now,
        }
        statement = insert(notification_log).values(row)
        connection.execute(statement.on_conflict_do_update(index_elements=["group_key", "receiver"], set_=row))


def add_held(connection: Connection, found: Iterable[Held], now: float) -> list[Held]:
    """Write down what was kept back, once per incident and receiver; returns what was not known yet."""
    fresh = []
    for one in found:
        row = {
            "fingerprint": one.fingerprint,
            "receiver": one.receiver,
            "fired": one.alert.starts_at,
            "alertname": one.alert.name,
            "reason": one.reason.value,
            "at": now,
        }
        known = select(held.c.at).where(
            held.c.fingerprint == one.fingerprint,
            held.c.receiver == one.receiver,
            held.c.fired == one.alert.starts_at,
        )
        if connection.execute(known).first() is None:
            connection.execute(insert(held).values(row))
            fresh.append(one)
    return fresh


def add_told(connection: Connection, notifications: Iterable[Notification], now: float) -> None:
    """Write down who was first told of which incident, and why."""
    rows = [
        {
            "fingerprint": alert.fingerprint,
            "receiver": notification.receiver,
            "fired": alert.starts_at,
            "alertname": alert.name[:500],
            "reason": notification.reason.value,
            "at": now,
        }
        for notification in notifications
        for alert in (*notification.firing, *notification.resolved)
    ]
    if rows:
        connection.execute(insert(first_told).on_conflict_do_nothing(), rows)


def told_between(connection: Connection, start: float, end: float) -> list[ToldRow]:
    """Who was told of what for the first time in [start, end)."""
    chosen = select(first_told).where(first_told.c.at >= start, first_told.c.at < end).order_by(first_told.c.at)
    return [ToldRow(**row._mapping) for row in connection.execute(chosen)]


def messages_about(connection: Connection, alertname: str, start: float, end: float) -> int:
    """How often anybody was told of new incidents of a rule in [start, end): a message to several counts once."""
    chosen = (first_told.c.alertname == alertname) & (first_told.c.at >= start) & (first_told.c.at < end)
    return int(connection.execute(select(func.count(first_told.c.at.distinct())).where(chosen)).scalar_one())


def forget_told(connection: Connection, before: float) -> None:
    """Drop what was told before a moment."""
    connection.execute(delete(first_told).where(first_told.c.at < before))


def held_between(connection: Connection, start: float, end: float) -> list[HeldRow]:
    """What was kept back in [start, end)."""
    chosen = select(held).where(held.c.at >= start, held.c.at < end).order_by(held.c.at)
    return [HeldRow(**row._mapping) for row in connection.execute(chosen)]


def forget_held(connection: Connection, before: float) -> None:
    """Drop what was kept back before a moment."""
    connection.execute(delete(held).where(held.c.at < before))
