"""The outbox: messages on their way, one row per destination, and the log of every attempt.

A row is `due` until it is `sent` (accepted by the service), `dead` (given up) or `dropped` (by a person, or too old).
While it is being sent its `due_at` lies ahead by the lease, so a crash in between makes it due again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or_ignore

from watchman.notify.message import Message
from watchman.notify.outbox import OutboxRow, Outcome, Subject, message_to_json, subjects_from_json, subjects_to_json
from watchman.notify.severity import CRITICAL
from watchman.store.schema import deliveries, outbox

DUE, SENT, DEAD, DROPPED = "due", "sent", "dead", "dropped"
ALERT = "alert"
# No row is put off for longer: one that seems to be was written before the clock was set back.
LONGEST_PAUSE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Posting:
    """A message for one destination. Two postings with one `dedup_key` are one: the second is ignored.

    `thread` names the alert group, so that what waits of it can be told together; `subjects` are its alerts.
    """

    receiver: str
    destination: str
    kind: str
    dedup_key: str
    message: Message
    reason: str
    not_after: float | None = None
    thread: str = ""
    subjects: tuple[Subject, ...] = ()


def add(connection: Connection, postings: Iterable[Posting], now: float) -> int:
    """Put messages into the outbox; returns how many are new."""
    rows = list(_rows(postings, now))
    if not rows:
        return 0
    statement = insert_or_ignore(outbox).on_conflict_do_nothing(index_elements=["dedup_key"])
    return connection.execute(statement, rows).rowcount


def _rows(postings: Iterable[Posting], now: float) -> Iterator[dict[str, Any]]:
    encoded: tuple[Message, bytes] | None = None
    for posting in postings:
        # A message goes to several destinations one after the other: it is encoded once.
        if encoded is None or encoded[0] is not posting.message:
            encoded = posting.message, message_to_json(posting.message)
        yield {
            "receiver": posting.receiver,
            "destination": posting.destination,
            "kind": posting.kind,
            "dedup_key": posting.dedup_key,
            "message": encoded[1],
            "title": posting.message.title,
            "reason": posting.reason,
            "created_at": now,
            "due_at": now,
            "not_after": posting.not_after,
            "attempts": 0,
            "state": DUE,
            "answer": "",
            "urgency": _urgency(posting),
            "thread": posting.thread,
            "subjects": subjects_to_json(posting.subjects),
        }


def _urgency(posting: Posting) -> int:
    if posting.kind != ALERT:
        return 2
    return 0 if posting.message.severity == CRITICAL else 1


def due_destinations(connection: Connection, now: float) -> list[tuple[str, str]]:
    """Receiver and destination of every row that is due, the most urgent first."""
    order = func.min(outbox.c.urgency * 1e15 + outbox.c.id)
    statement = select(outbox.c.receiver, outbox.c.destination).where(_is_due(now))
    statement = statement.group_by(outbox.c.receiver, outbox.c.destination).order_by(order)
    return [(row.receiver, row.destination) for row in connection.execute(statement)]


def _is_due(now: float) -> Any:
    in_time = (outbox.c.due_at <= now) | (outbox.c.due_at > now + LONGEST_PAUSE_S)
    return (outbox.c.state == DUE) & in_time


def lease(
    connection: Connection, destinations: Iterable[str], now: float, lease_s: float, limit: int
) -> list[OutboxRow]:
    """Take every waiting row of some destinations for sending, due or not, at most `limit` of each.

    The least tried come first, among them the most urgent, then the oldest. They are due again after `lease_s`, so
    that rows a dead process was sending are not lost.
    """
    rows: list[Any] = []
    order = (outbox.c.attempts, outbox.c.urgency, outbox.c.id)
    for destination in destinations:
        waiting = (outbox.c.state == DUE) & (outbox.c.destination == destination)
        statement = select(outbox).where(waiting).order_by(*order).limit(limit).with_for_update(skip_locked=True)
        rows += connection.execute(statement).all()
    put_off(connection, [row.id for row in rows], now + lease_s)
    return [_outbox_row(row) for row in rows]


def _outbox_row(row: Any) -> OutboxRow:
    return OutboxRow(
        id=row.id,
        receiver=row.receiver,
        destination=row.destination,
        kind=row.kind,
        message=row.message,
        reason=row.reason,
        created_at=row.created_at,
        attempts=row.attempts,
        not_after=row.not_after,
        thread=row.thread,
        subjects=subjects_from_json(row.subjects),
        retried_at=row.retried_at,
    )


def put_off(connection: Connection, ids: Sequence[int], due_at: float) -> None:
    """Make waiting rows due at a moment; no attempt is counted."""
    if ids:
        chosen = outbox.c.id.in_(list(ids)) & (outbox.c.state == DUE)
        connection.execute(update(outbox).where(chosen).values(due_at=due_at))


def hurry(connection: Connection, now: float) -> None:
    """Make every waiting row due at once: whoever leased it is gone, or the clock was set back."""
    connection.execute(update(outbox).where(outbox.c.state == DUE, outbox.c.due_at > now).values(due_at=now))


def write(connection: Connection, outcome: Outcome) -> None:
    """Write down what came of an attempt: sent, due again, given up, or dropped untried."""
    row_id, at = outcome.row.id, outcome.at
    if outcome.dropped:
        mark_dropped(connection, row_id, at, outcome.error or "")
        return
    if outcome.tried:
        _log_attempt(connection, outcome)
    if outcome.error is None:
        done = {"state": SENT, "finished_at": at, "answer": outcome.answer}
        connection.execute(update(outbox).where(outbox.c.id == row_id).values(done))
        return
    after = {"state": DEAD, "finished_at": at} if outcome.due_at is None else {"due_at": outcome.due_at}
    statement = update(outbox).where(outbox.c.id == row_id, outbox.c.state == DUE)
    attempts = outbox.c.attempts + int(outcome.tried)
    connection.execute(statement.values(attempts=attempts, answer=outcome.error, **after))


def mark_dropped(connection: Connection, row_id: int, now: float, why: str) -> int:
    """Nobody needs it any more; returns 1, or 0 if it was sent or dropped already."""
    waiting = (outbox.c.id == row_id) & outbox.c.state.in_((DUE, DEAD))
    done = {"state": DROPPED, "finished_at": now, "answer": why}
    return connection.execute(update(outbox).where(waiting).values(done)).rowcount


def revive(connection: Connection, ids: Sequence[int], now: float) -> int:
    """Make dead or waiting rows due at once, with a new retry schedule; all of them if no ids are given.

    Returns how many.
    """
    again = {"state": DUE, "due_at": now, "retried_at": now, "attempts": 0, "finished_at": None}
    statement = update(outbox).where(outbox.c.state.in_((DUE, DEAD))).values(again)
    if ids:
        statement = statement.where(outbox.c.id.in_(list(ids)))
    return connection.execute(statement).rowcount


def next_due_at(connection: Connection, now: float, resting: Collection[str] = ()) -> float | None:
    """When the next row becomes due (unix seconds), not counting destinations in `resting`; None if nothing waits."""
    waiting = (outbox.c.state == DUE) & (outbox.c.due_at <= now + LONGEST_PAUSE_S)
    statement = select(func.min(outbox.c.due_at)).where(waiting, outbox.c.destination.not_in(list(resting)))
    return connection.execute(statement).scalar()


def ids_of(connection: Connection, dedup_keys: Collection[str]) -> list[int]:
    """The row numbers of postings."""
    return list(connection.execute(select(outbox.c.id).where(outbox.c.dedup_key.in_(list(dedup_keys)))).scalars())


def known_states(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    """The state of each of these rows that exists."""
    rows = connection.execute(select(outbox.c.id, outbox.c.state).where(outbox.c.id.in_(list(ids))))
    return {row.id: row.state for row in rows}


def untold(connection: Connection, receiver: str, waits_since: float, not_before: float) -> list[tuple[OutboxRow, str]]:
    """Alert messages of a receiver, with the last answer, that were given up or have waited since before a moment.

    Not those that its fallback has got already, nor any from before `not_before`.
    """
    overdue = (outbox.c.state == DEAD) | ((outbox.c.state == DUE) & (outbox.c.created_at <= waits_since))
    chosen = (outbox.c.receiver == receiver) & (outbox.c.kind == ALERT) & outbox.c.fell_back_at.is_(None)
    recent = outbox.c.created_at >= not_before
    rows = connection.execute(select(outbox).where(overdue, chosen, recent).order_by(outbox.c.id))
    return [(_outbox_row(row), row.answer) for row in rows]


def note_fall_back(connection: Connection, ids: Sequence[int], now: float) -> None:
    """The fallback has got these."""
    connection.execute(update(outbox).where(outbox.c.id.in_(list(ids))).values(fell_back_at=now))


def forget(connection: Connection, before: float) -> None:
    """Drop finished rows and their attempts that are older than a moment."""
    old = (outbox.c.state != DUE) & (outbox.c.finished_at < before)
    connection.execute(delete(deliveries).where(deliveries.c.outbox_id.in_(select(outbox.c.id).where(old))))
    connection.execute(delete(outbox).where(old))


def _log_attempt(connection: Connection, outcome: Outcome) -> None:
    connection.execute(
        insert(deliveries).values(
            outbox_id=outcome.row.id,
            attempt=outcome.row.attempts + 1,
            at=outcome.at,
            accepted=int(outcome.error is None),
            answer=outcome.answer if outcome.error is None else outcome.error,
        )
    )
