"""The energy ledger's rows: one per site, quarter of an hour and flow."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from watchman.energy.slots import Slot
from watchman.store.schema import ledger


def read_slots(connection: Connection, site: str, start: float, end: float, flows: Collection[str] = ()) -> list[Slot]:
    """The site's rows with start <= slot.start < end, of the named flows or of all, in time order."""
    chosen = (ledger.c.site == site) & (ledger.c.start >= start) & (ledger.c.start < end)
    if flows:
        chosen &= ledger.c.flow.in_([str(flow) for flow in flows])
    rows = connection.execute(select(ledger).where(chosen).order_by(ledger.c.start, ledger.c.flow))
    return [Slot(**row._mapping) for row in rows]


def write_slots(connection: Connection, slots: Sequence[Slot]) -> None:
    """Insert rows, or replace those with the same site, start and flow."""
    if not slots:
        return
    statement = insert(ledger)
    values = {column.name: statement.excluded[column.name] for column in ledger.c if not column.primary_key}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["site", "start", "flow"], set_=values),
        [asdict(slot) for slot in slots],
    )


def first_slot(connection: Connection, site: str) -> int | None:
    """Start of the oldest row of a site (unix seconds), or None for an empty ledger."""
    return connection.execute(select(func.min(ledger.c.start)).where(ledger.c.site == site)).scalar()
