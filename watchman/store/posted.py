"""Alerts that came from outside, by fingerprint and source, and the incidents they make.

One incident tells of an alert however many sources know it: it opens with the first that says it fires and ends when
none does any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from watchman.notify.matchers import Matcher, all_match
from watchman.notify.message import Source
from watchman.notify.posted import PostedAlert, merge
from watchman.store.alerts import Incident, firing_by_rule, incident_row
from watchman.store.schema import incidents, posted

_Key = tuple[str, Source]
# Databases bound the number of values in one statement.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a post changed. `news`: something that decides on messages."""

    opened: tuple[PostedAlert, ...] = ()
    closed: tuple[PostedAlert, ...] = ()
    news: bool = False


def put(connection: Connection, alerts: Sequence[PostedAlert], now: float) -> Outcome:
    """Take what a source tells; every alert has `updated_at` `now`. Their incidents open and close with it."""
    known = _rows(connection, {alert.fingerprint for alert in alerts})
    after: dict[_Key, PostedAlert] = {}
    for alert in alerts:
        key = alert.fingerprint, alert.source
        old = after.get(key) or known.get(key)
        merged = alert if old is None else merge(old, alert, now)
        after[key] = replace(merged, is_open=merged.fires(now))
    changed = {key: alert for key, alert in after.items() if _is_change(known.get(key), alert)}
    if changed:
        _write(connection, changed.values())
    opened = [alert for key, alert in changed.items() if alert.is_open and not _was_open(known.get(key))]
    closed = [alert for key, alert in changed.items() if not alert.is_open and _was_open(known.get(key))]
    _open_incidents(connection, opened)
    _close_incidents(connection, closed)
    news = bool(opened or closed) or any(_decides(known.get(key), alert) for key, alert in changed.items())
    return Outcome(tuple(opened), tuple(closed), news)


def load(connection: Connection, *, source: Source | None = None) -> list[PostedAlert]:
    """Every posted alert that fires or has ended lately, of one source or of all."""
    statement = select(posted).order_by(posted.c.fingerprint, posted.c.source)
    if source is not None:
        statement = statement.where(posted.c.source == source.value)
    return [_alert(row) for row in connection.execute(statement)]


def close_ended(connection: Connection, now: float) -> list[PostedAlert]:
    """Close what was not told again in time; returns it."""
    late = (posted.c.is_open == 1) & (posted.c.ends_at <= now)
    found = [replace(_alert(row), is_open=False) for row in connection.execute(select(posted).where(late))]
    if found:
        connection.execute(update(posted).where(late).values(is_open=0))
        _close_incidents(connection, found)
    return found


def keep_open(connection: Connection, until: float) -> None:
    """Give senders until a moment to tell again what fires: for a start, before which nobody could tell anything."""
    connection.execute(update(posted).where(posted.c.is_open == 1, posted.c.ends_at < until).values(ends_at=until))


def last_seen(connection: Connection, matchers: Sequence[Matcher], source: Source | None = None) -> float | None:
    """When an alert that matches was last told as firing (unix seconds); None if none is known."""
    statement = select(posted.c.labels, posted.c.updated_at).where(posted.c.is_open == 1)
    if source is not None:
        statement = statement.where(posted.c.source == source.value)
    rows = connection.execute(statement)
    return max((row.updated_at for row in rows if all_match(matchers, json.loads(row.labels))), default=None)


def forget(connection: Connection, before: float) -> None:
    """Drop alerts that ended before a moment."""
    connection.execute(delete(posted).where(posted.c.is_open == 0, posted.c.ends_at < before))


def _was_open(old: PostedAlert | None) -> bool:
    return old is not None and old.is_open


def _is_change(old: PostedAlert | None, new: PostedAlert) -> bool:
    """False for the end of an alert that is told again and again: a disk has better things to do."""
    return old is None or new.is_open or old != replace(new, updated_at=old.updated_at)


def _decides(old: PostedAlert | None, new: PostedAlert) -> bool:
    """True if an open alert says something else, or ends sooner than was thought."""
    if old is None or not new.is_open:
        return False
    sooner = new.ends_at is not None and (old.ends_at is None or new.ends_at < old.ends_at)
    return sooner or old.annotations != new.annotations


def _rows(connection: Connection, fingerprints: Iterable[str]) -> dict[_Key, PostedAlert]:
    found: dict[_Key, PostedAlert] = {}
    for part in _chunks(fingerprints):
        for row in connection.execute(select(posted).where(posted.c.fingerprint.in_(part))):
            alert = _alert(row)
            found[alert.fingerprint, alert.source] = alert
    return found


def _write(connection: Connection, alerts: Iterable[PostedAlert]) -> None:
    statement = upsert(posted)
    names = [column.name for column in posted.c if not column.primary_key]
    statement = statement.on_conflict_do_update(
        index_elements=["fingerprint", "source"], set_={name: statement.excluded[name] for name in names}
    )
    connection.execute(statement, [_row(alert) for alert in alerts])


def _open_incidents(connection: Connection, alerts: Sequence[PostedAlert]) -> None:
    """An incident for each alert that has none open; one that goes on after a pause is the old one again."""
    known: dict[str, tuple[int, bool]] = {}
    starts = {alert.fingerprint: alert.starts_at for alert in alerts}
    for part in _chunks(starts):
        columns = (incidents.c.id, incidents.c.fingerprint, incidents.c.fired, incidents.c.ended)
        for row in connection.execute(select(*columns).where(incidents.c.fingerprint.in_(part))):
            if row.ended is None or row.fired == starts[row.fingerprint]:
                known[row.fingerprint] = row.id, row.ended is None
    again = [number for number, is_open in known.values() if not is_open]
    for ids in _chunks(again):
        connection.execute(update(incidents).where(incidents.c.id.in_(ids)).values(ended=None))
    fresh = {alert.fingerprint: alert for alert in alerts if alert.fingerprint not in known}
    if fresh:
        connection.execute(insert(incidents), [incident_row(_incident(alert)) for alert in fresh.values()])


def _close_incidents(connection: Connection, alerts: Sequence[PostedAlert]) -> None:
    """Give the incidents of alerts that no source reports any more their end."""
    ends = {alert.fingerprint: alert.ends_at for alert in alerts if alert.ends_at is not None}
    for part in _chunks(ends):
        still_open = posted.c.fingerprint.in_(part) & (posted.c.is_open == 1)
        elsewhere = set(connection.execute(select(posted.c.fingerprint).where(still_open)).scalars())
        elsewhere |= firing_by_rule(connection, part)
        chosen = incidents.c.fingerprint.in_(part) & incidents.c.ended.is_(None)
        columns = (incidents.c.id, incidents.c.fingerprint, incidents.c.started)
        over = [
            {"number": row.id, "end": max(row.started, ends[row.fingerprint])}
            for row in connection.execute(select(*columns).where(chosen))
            if row.fingerprint not in elsewhere
        ]
        if over:
            statement = update(incidents).where(incidents.c.id == bindparam("number")).values(ended=bindparam("end"))
            connection.execute(statement, over)


def _chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(values)
    while part := list(islice(rest, _CHUNK)):
        yield part


def _incident(alert: PostedAlert) -> Incident:
    return Incident(
        fingerprint=alert.fingerprint,
        labels=alert.labels,
        annotations=alert.annotations,
        source=alert.source.value,
        started=alert.starts_at,
        fired=alert.starts_at,
    )


def _row(alert: PostedAlert) -> dict[str, Any]:
    return {
        "fingerprint": alert.fingerprint,
        "source": alert.source.value,
        "labels": json.dumps(dict(alert.labels)),
        "annotations": json.dumps(dict(alert.annotations)),
        "starts_at": alert.starts_at,
        "ends_at": alert.ends_at,
        "by_timeout": int(alert.by_timeout),
        "generator_url": alert.generator_url,
        "updated_at": alert.updated_at,
        "is_open": int(alert.is_open),
    }


def _alert(row: Any) -> PostedAlert:
    return PostedAlert(
        fingerprint=row.fingerprint,
        source=Source(row.source),
        labels=json.loads(row.labels),
        annotations=json.loads(row.annotations),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        updated_at=row.updated_at,
        generator_url=row.generator_url,
        by_timeout=bool(row.by_timeout),
        is_open=bool(row.is_open),
    )
