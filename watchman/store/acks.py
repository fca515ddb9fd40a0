"""Which incidents somebody has acknowledged."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from watchman.notify.ack import SAME_INCIDENT_S, Ack
from watchman.store.schema import acks


def add_ack(connection: Connection, fingerprint: str, fired_at: float, by: str, now: float) -> bool:
    """Write down that `by` has seen an incident; False if somebody has said so before: the first word stays.

    Run a dispatch afterwards: it may wait for the next repeat.
    """
    same = acks.c.fired.between(fired_at - SAME_INCIDENT_S, fired_at + SAME_INCIDENT_S)
    if connection.execute(select(acks.c.at).where(acks.c.fingerprint == fingerprint, same)).first() is not None:
        return False
    row = {"fingerprint": fingerprint, "fired": fired_at, "by": by[:200], "at": now}
    connection.execute(insert(acks).values(row))
    return True


def load_acks(connection: Connection) -> list[Ack]:
    """Every acknowledgement that is kept, by the time it was given; those of ended incidents match nothing any more."""
    rows = connection.execute(select(acks).order_by(acks.c.at, acks.c.fingerprint))
    return [Ack(row.fingerprint, row.fired, row.by, row.at) for row in rows]


def forget_acks(connection: Connection, before: float) -> None:
    """Drop acknowledgements given before a moment."""
    connection.execute(delete(acks).where(acks.c.at < before))
