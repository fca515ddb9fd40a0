"""The energy ledger's rows, one per site, quarter of an hour and flow, and which days were asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from watchman.energy.slots import Asked, Slot
from watchman.store.schema import ledger, settled

_COLUMNS = [column.name for column in ledger.c]


def read_slots(connection: Connection, site: str, start: float, end: float, flows: Collection[str] = ()) -> list[Slot]:
    """The site's rows with start <= slot.start < end, of the named flows or of all, in time order."""
    chosen = (ledger.c.site == site) & (ledger.c.start >= start) & (ledger.c.start < end)
    if flows:
        chosen &= ledger.c.flow.in_([str(flow) for flow in flows])
    rows = connection.execute(select(ledger).where(chosen).order_by(ledger.c.start, ledger.c.flow))
    return [Slot(*row) for row in rows]


def write_slots(connection: Connection, slots: Sequence[Slot]) -> None:
    """Insert rows, or replace those with the same site, start and flow."""
    if not slots:
        return
    statement = insert(ledger)
    values = {column.name: statement.excluded[column.name] for column in ledger.c if not column.primary_key}
    statement = statement.on_conflict_do_update(index_elements=["site", "start", "flow"], set_=values)
    # Worked out once: to have it done for each of 1,500 rows a day takes longer than to write them.
    compiled = statement.compile(dialect=connection.dialect)
    names: Sequence[str] = compiled.positiontup or _COLUMNS
    rows = [tuple(getattr(slot, name) for name in names) for slot in slots]
    given: Any = rows if compiled.positional else [dict(zip(names, row, strict=True)) for row in rows]
    connection.exec_driver_sql(str(compiled), given)


def first_slot(connection: Connection, site: str) -> int | None:
    """Start of the oldest row of a site (unix seconds), or None for an empty ledger."""
    return connection.execute(select(func.min(ledger.c.start)).where(ledger.c.site == site)).scalar()


def read_asked(connection: Connection, site: str, start: float, end: float) -> dict[int, Asked]:
    """The days asked for that begin in [start, end), by their start."""
    chosen = (settled.c.site == site) & (settled.c.start >= start) & (settled.c.start < end)
    columns = settled.c.start, settled.c.source, settled.c.until, settled.c.asked_at
    return {row[0]: Asked(*row) for row in connection.execute(select(*columns).where(chosen))}


def write_asked(connection: Connection, site: str, asked: Asked) -> None:
    """Remember that a day was asked for."""
    values = {"source": asked.source, "until": asked.until, "asked_at": asked.asked_at}
    statement = insert(settled).values(site=site, start=asked.start, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["site", "start"], set_=values))
