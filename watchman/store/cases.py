"""What messages with links were about, which orders were carried out, and the key that signs them."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict

from sqlalchemy import Connection, delete, insert, select

from watchman.notify.orders import Case, CaseAlert
from watchman.store.facts import get_fact, set_fact
from watchman.store.schema import cases, orders

KEY = "order_key"


def order_key(connection: Connection, now: float) -> bytes:
    """The key that signs orders, made at the first start and kept in the state, which only its owner can read."""
    known = get_fact(connection, KEY)
    if not isinstance(known, str):
        known = secrets.token_hex(32)
        set_fact(connection, KEY, known, now)
    return bytes.fromhex(known)


def save_case(connection: Connection, case: Case, now: float) -> None:
    """Keep what a message is about; the same case is kept once, as long as its last message."""
    row = {
        "receiver": case.receiver,
        "alerts": json.dumps([asdict(alert) for alert in case.alerts], ensure_ascii=False),
        "made_at": now,
    }
    connection.execute(delete(cases).where(cases.c.id == case.id))
    connection.execute(insert(cases).values(id=case.id, **row))


def find_case(connection: Connection, case_id: str) -> Case | None:
    """What a message was about; None if it is too long ago."""
    row = connection.execute(select(cases).where(cases.c.id == case_id)).first()
    if row is None:
        return None
    return Case(row.id, row.receiver, tuple(CaseAlert(**one) for one in json.loads(row.alerts)))


def note_order(connection: Connection, token: str, outcome: str, now: float) -> None:
    """Write down that an order was carried out, with what came of it, so that it never is again."""
    connection.execute(insert(orders).values(token=token, outcome=outcome, at=now))


def find_order(connection: Connection, token: str) -> tuple[float, str] | None:
    """When an order was carried out and what came of it; None if it was not yet."""
    row = connection.execute(select(orders.c.at, orders.c.outcome).where(orders.c.token == token)).first()
    return None if row is None else (float(row.at), str(row.outcome))


def forget_cases(connection: Connection, before: float) -> None:
    """Drop cases and orders from before a moment; their links have expired by then."""
    connection.execute(delete(cases).where(cases.c.made_at < before))
    connection.execute(delete(orders).where(orders.c.at < before))
