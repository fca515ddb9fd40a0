"""The outbox: messages on their way, one row per destination, and the log of every attempt.

A row is `due` until it is `sent` (accepted by the service), `dead` (given up) or `dropped` (by a person, or too old).
While it is being sent its `due_at` lies ahead by the lease, so a crash in between makes it due again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or_ignore

from watchman.notify.message import Message
from watchman.notify.outbox import OutboxRow, message_to_json
from watchman.store.schema import deliveries, outbox

DUE, SENT, DEAD, DROPPED = "due", "sent", "dead", "dropped"


@dataclass(frozen=True, slots=True)
class Posting:
    """A message for one destination. Two postings with one `dedup_key` are one: the second is ignored."""

    receiver: str
    destination: str
    kind: str
    dedup_key: str
    message: Message
    reason: str
    not_after: float | None = None


@dataclass(frozen=True, slots=True)
class OutboxLine:
    """A row without its message, for lists. `answer` is what the service said last."""

    id: int
    receiver: str
    destination: str
    kind: str
    title: str
    reason: str
    state: str
    created_at: float
    due_at: float
    attempts: int
    finished_at: float | None
    answer: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits or was given up for one receiver: counts, the oldest waiting row, the last answer."""

    receiver: str
    due: int
    dead: int
    oldest_at: float | None
    answer: str


def add(connection: Connection, postings: Iterable[Posting], now: float) -> int:
    """Put messages into the outbox; returns how many are new."""
    added = 0
    for posting in postings:
        row = {
            "receiver": posting.receiver,
            "destination": posting.destination,
            "kind": posting.kind,
            "dedup_key": posting.dedup_key,
            "message": message_to_json(posting.message),
            "title": posting.message.title,
            "reason": posting.reason,
            "created_at": now,
            "due_at": now,
            "not_after": posting.not_after,
            "attempts": 0,
            "state": DUE,
            "answer": "",
        }
        statement = insert_or_ignore(outbox).values(row).on_conflict_do_nothing(index_elements=["dedup_key"])
        added += connection.execute(statement).rowcount
    return added


def lease_due(
    connection: Connection, now: float, lease_s: float, limit: int, busy: Collection[str] = ()
) -> list[OutboxRow]:
    """Take due rows for sending, alerts before reports, oldest first; none of a destination in `busy`.

    They are due again after `lease_s`, so that rows a dead process was sending are not lost.
    """
    chosen = (outbox.c.state == DUE) & (outbox.c.due_at <= now) & outbox.c.destination.not_in(list(busy))
    order = (outbox.c.kind != "alert", outbox.c.id)
    rows = connection.execute(select(outbox).where(chosen).order_by(*order).limit(limit)).all()
    leased = update(outbox).where(outbox.c.id.in_([row.id for row in rows])).values(due_at=now + lease_s)
    if rows:
        connection.execute(leased)
    return [
        OutboxRow(
            id=row.id,
            receiver=row.receiver,
            destination=row.destination,
            kind=row.kind,
            message=row.message,
            reason=row.reason,
            created_at=row.created_at,
            attempts=row.attempts,
            not_after=row.not_after,
        )
        for row in rows
    ]


def mark_sent(connection: Connection, row_id: int, now: float, answer: str) -> None:
    """The service accepted it."""
    _log_attempt(connection, row_id, now, accepted=True, answer=answer)
    done = {"state": SENT, "finished_at": now, "answer": answer}
    connection.execute(update(outbox).where(outbox.c.id == row_id).values(done))


def mark_failed(connection: Connection, row_id: int, now: float, error: str, due_at: float | None) -> None:
    """The service did not accept it; without a next time it is a dead letter."""
    _log_attempt(connection, row_id, now, accepted=False, answer=error)
    after = {"state": DEAD, "finished_at": now} if due_at is None else {"due_at": due_at}
    statement = update(outbox).where(outbox.c.id == row_id, outbox.c.state == DUE)
    connection.execute(statement.values(attempts=outbox.c.attempts + 1, answer=error, **after))


def mark_dropped(connection: Connection, row_id: int, now: float, why: str) -> int:
    """Nobody needs it any more; returns 1, or 0 if it was sent or dropped already."""
    waiting = (outbox.c.id == row_id) & outbox.c.state.in_((DUE, DEAD))
    done = {"state": DROPPED, "finished_at": now, "answer": why}
    return connection.execute(update(outbox).where(waiting).values(done)).rowcount


def revive(connection: Connection, ids: Sequence[int], now: float) -> int:
    """Make dead or waiting rows due at once; all of them if no ids are given. Returns how many."""
    again = {"state": DUE, "due_at": now, "created_at": now, "attempts": 0, "finished_at": None}
    statement = update(outbox).where(outbox.c.state.in_((DUE, DEAD))).values(again)
    if ids:
        statement = statement.where(outbox.c.id.in_(list(ids)))
    return connection.execute(statement).rowcount


def next_due_at(connection: Connection) -> float | None:
    """When the next row becomes due (unix seconds); None if nothing waits."""
    return connection.execute(select(func.min(outbox.c.due_at)).where(outbox.c.state == DUE)).scalar()


def ids_of(connection: Connection, dedup_keys: Collection[str]) -> list[int]:
    """The row numbers of postings."""
    return list(connection.execute(select(outbox.c.id).where(outbox.c.dedup_key.in_(list(dedup_keys)))).scalars())


def lines(
    connection: Connection, *, states: Collection[str] = (), ids: Collection[int] = (), limit: int = 100
) -> list[OutboxLine]:
    """The newest rows, of the given states and numbers or of all."""
    columns = [outbox.c[name] for name in OutboxLine.__dataclass_fields__]
    statement = select(*columns).order_by(outbox.c.id.desc()).limit(limit)
    if states:
        statement = statement.where(outbox.c.state.in_(list(states)))
    if ids:
        statement = statement.where(outbox.c.id.in_(list(ids)))
    return [OutboxLine(**row._mapping) for row in connection.execute(statement)]


def alerts_between(connection: Connection, start: float, end: float) -> list[OutboxLine]:
    """Messages about alerts of [start, end) that were not dropped, one line each however many destinations had it."""
    columns = [outbox.c[name] for name in OutboxLine.__dataclass_fields__]
    chosen = (outbox.c.kind == "alert") & (outbox.c.created_at >= start) & (outbox.c.created_at < end)
    rows = connection.execute(select(*columns).where(chosen, outbox.c.state != DROPPED).order_by(outbox.c.id))
    once = {(row.created_at, row.title): OutboxLine(**row._mapping) for row in rows}
    return list(once.values())


def backlogs(connection: Connection, dead_since: float) -> list[Backlog]:
    """Per receiver what waits, and what was given up since a moment."""
    relevant = (outbox.c.state == DUE) | ((outbox.c.state == DEAD) & (outbox.c.finished_at >= dead_since))
    found: dict[str, Backlog] = {}
    columns = (outbox.c.receiver, outbox.c.state, outbox.c.created_at, outbox.c.answer)
    for row in connection.execute(select(*columns).where(relevant).order_by(outbox.c.id)):
        old = found.get(row.receiver, Backlog(row.receiver, 0, 0, None, ""))
        waits = row.state == DUE
        oldest_at = min(row.created_at, old.oldest_at or row.created_at) if waits else old.oldest_at
        found[row.receiver] = Backlog(
            row.receiver, old.due + waits, old.dead + (not waits), oldest_at, row.answer or old.answer
        )
    return list(found.values())


def forget(connection: Connection, before: float) -> None:
    """Drop finished rows and their attempts that are older than a moment."""
    old = (outbox.c.state != DUE) & (outbox.c.finished_at < before)
    connection.execute(delete(deliveries).where(deliveries.c.outbox_id.in_(select(outbox.c.id).where(old))))
    connection.execute(delete(outbox).where(old))


def _log_attempt(connection: Connection, row_id: int, now: float, *, accepted: bool, answer: str) -> None:
    attempts = select(outbox.c.attempts + 1).where(outbox.c.id == row_id).scalar_subquery()
    entry = {"outbox_id": row_id, "attempt": attempts, "at": now, "accepted": int(accepted), "answer": answer}
    connection.execute(insert(deliveries).values(entry))
