"""Own silences, made by the API, by `watchman silence` and from messages; and a memory of an Alertmanager's."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from watchman.notify import silences as rules
from watchman.notify.matchers import Matcher, Op, make_matcher
from watchman.notify.mute import Silence
from watchman.notify.silences import SilenceError
from watchman.store.facts import get_fact, set_fact
from watchman.store.schema import silences

THEIRS = "silences_of_alertmanager"
Mark = tuple[int, float | None]
"""Changes whenever a silence is made, edited or expired."""


class NoSuchSilenceError(SilenceError):
    """No silence has that id."""

    def __init__(self) -> None:
        super().__init__("silence not found")


def load(connection: Connection, *, ends_after: float | None = None) -> list[Silence]:
    """Every silence, expired ones too, or those that end after a moment."""
    statement = select(silences).order_by(silences.c.starts_at, silences.c.id)
    if ends_after is not None:
        statement = statement.where(silences.c.ends_at > ends_after)
    return [_silence(row) for row in connection.execute(statement)]


def find(connection: Connection, silence_id: str) -> Silence | None:
    """The silence of that id, or None."""
    row = connection.execute(select(silences).where(silences.c.id == silence_id)).first()
    return None if row is None else _silence(row)


def save(connection: Connection, wanted: Silence, now: float) -> Silence:
    """Make a silence, or edit the one whose id `wanted` has; returns it as it is then, maybe with a new id.

    Raises SilenceError if it cannot be, NoSuchSilenceError if the id is not known.
    """
    previous = find(connection, wanted.id) if wanted.id else None
    if wanted.id and previous is None:
        raise NoSuchSilenceError
    written = rules.edit(previous, wanted, now, str(uuid.uuid4()))
    for one in written:
        _write(connection, one)
    return written[-1]


def expire(connection: Connection, silence_id: str, now: float) -> Silence:
    """End a silence now; one that is over already stays as it is. Raises NoSuchSilenceError."""
    found = find(connection, silence_id)
    if found is None:
        raise NoSuchSilenceError
    over = rules.expired(found, now)
    if over != found:
        _write(connection, over)
    return over


def mark(connection: Connection) -> Mark:
    """How many there are and when one changed last."""
    row = connection.execute(select(func.count(), func.max(silences.c.updated_at)).select_from(silences)).one()
    return int(row[0]), row[1]


def keep_theirs(connection: Connection, theirs: Iterable[Silence], now: float) -> None:
    """Remember the silences of an Alertmanager as they were read last."""
    set_fact(connection, THEIRS, [{"id": one.id, **_values(one)} for one in theirs], now)


def load_theirs(connection: Connection) -> tuple[Silence, ...]:
    """The silences of an Alertmanager as they were read last, maybe by the process before."""
    return tuple(_silence(SimpleNamespace(**fields)) for fields in get_fact(connection, THEIRS) or ())


def forget(connection: Connection, before: float) -> None:
    """Drop silences that ended before a moment."""
    connection.execute(delete(silences).where(silences.c.ends_at < before))


def _write(connection: Connection, silence: Silence) -> None:
    row = _values(silence)
    known = connection.execute(update(silences).where(silences.c.id == silence.id).values(row)).rowcount
    if not known:
        connection.execute(insert(silences).values(id=silence.id, **row))


def _values(silence: Silence) -> dict[str, Any]:
    return {
        "matchers": json.dumps([[one.name, one.op.value, one.value] for one in silence.matchers]),
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "updated_at": silence.updated_at,
        "created_by": silence.created_by,
        "comment": silence.comment,
    }


def _silence(row: Any) -> Silence:
    return Silence(
        id=row.id,
        matchers=tuple(_matchers(row.matchers)),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        comment=row.comment,
        created_by=row.created_by,
        updated_at=row.updated_at,
    )


def _matchers(text: str) -> Iterator[Matcher]:
    for name, op, value in json.loads(text):
        yield make_matcher(name, Op(op), value)
