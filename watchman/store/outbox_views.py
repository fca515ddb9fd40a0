"""What the outbox tells people: lists, the delivery log, what is stuck, when a receiver last took a message."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from watchman.store.outbox import DEAD, DROPPED, DUE, SENT
from watchman.store.schema import deliveries, outbox


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
class DeliveryLine:
    """One attempt to deliver: when, to whom, which attempt, what the service said, and the message (UTF-8 JSON)."""

    at: float
    id: int
    receiver: str
    destination: str
    kind: str
    attempt: int
    accepted: bool
    answer: str
    title: str
    message: bytes


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits or was given up for one receiver: counts, the oldest of each, the last answer."""

    receiver: str
    due: int = 0
    dead: int = 0
    oldest_at: float | None = None
    dead_at: float | None = None
    answer: str = ""
    dead_answer: str = ""


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


def delivery_log(
    connection: Connection,
    *,
    since: float = 0.0,
    receiver: str | None = None,
    ids: Collection[int] = (),
    limit: int = 100,
) -> list[DeliveryLine]:
    """The newest attempts, the latest last."""
    both = deliveries.join(outbox, deliveries.c.outbox_id == outbox.c.id)
    columns = [
        *(deliveries.c[name] for name in ("at", "attempt", "accepted", "answer")),
        *(outbox.c[name] for name in ("id", "receiver", "destination", "kind", "title", "message")),
    ]
    statement = select(*columns).select_from(both).where(deliveries.c.at >= since)
    if receiver is not None:
        statement = statement.where(outbox.c.receiver == receiver)
    if ids:
        statement = statement.where(outbox.c.id.in_(list(ids)))
    newest = connection.execute(statement.order_by(deliveries.c.id.desc()).limit(limit)).all()
    return [DeliveryLine(**{**row._mapping, "accepted": bool(row.accepted)}) for row in reversed(newest)]


def backlogs(connection: Connection, dead_since: float) -> list[Backlog]:
    """Per receiver what waits, and what was given up since a moment."""
    relevant = (outbox.c.state == DUE) | ((outbox.c.state == DEAD) & (outbox.c.finished_at >= dead_since))
    statement = select(
        outbox.c.receiver,
        outbox.c.state,
        func.count().label("number"),
        func.min(outbox.c.created_at).label("oldest_at"),
        func.max(outbox.c.id).filter(outbox.c.answer != "").label("told_id"),
    ).where(relevant)
    found: dict[str, Backlog] = {}
    for row in connection.execute(statement.group_by(outbox.c.receiver, outbox.c.state)).all():
        old = found.get(row.receiver, Backlog(row.receiver))
        answer = _answer(connection, row.told_id)
        found[row.receiver] = (
            Backlog(row.receiver, row.number, old.dead, row.oldest_at, old.dead_at, answer, old.dead_answer)
            if row.state == DUE
            else Backlog(row.receiver, old.due, row.number, old.oldest_at, row.oldest_at, old.answer, answer)
        )
    return list(found.values())


def last_accepted(connection: Connection) -> dict[str, float]:
    """When each receiver's services last took a message, unix seconds."""
    statement = select(outbox.c.receiver, func.max(outbox.c.finished_at).label("at")).where(outbox.c.state == SENT)
    return {row.receiver: row.at for row in connection.execute(statement.group_by(outbox.c.receiver))}


def drills(connection: Connection, reason: str) -> dict[str, bool]:
    """By receiver whether all its services took the latest message that was sent for a reason."""
    latest: dict[str, tuple[float, bool]] = {}
    columns = (outbox.c.receiver, outbox.c.created_at, outbox.c.state)
    for row in connection.execute(select(*columns).where(outbox.c.reason == reason)):
        at, passed = latest.get(row.receiver, (row.created_at, True))
        if row.created_at >= at:
            is_same = row.created_at == at
            latest[row.receiver] = row.created_at, row.state == SENT and (passed or not is_same)
    return {receiver: passed for receiver, (_, passed) in latest.items()}


def _answer(connection: Connection, row_id: int | None) -> str:
    if row_id is None:
        return ""
    return str(connection.execute(select(outbox.c.answer).where(outbox.c.id == row_id)).scalar() or "")
