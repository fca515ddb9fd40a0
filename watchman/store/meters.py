"""Readings of real meters, one per site, counter and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from watchman.energy.meters import Reading
from watchman.energy.slots import Flow
from watchman.store.schema import meter_readings


def read_readings(connection: Connection, site: str) -> list[Reading]:
    """All readings of a site, by counter and time."""
    table = meter_readings.c
    rows = connection.execute(select(meter_readings).where(table.site == site).order_by(table.counter, table.at))
    return [Reading(Flow(row.counter), row.at, row.kwh, bool(row.new_meter)) for row in rows]


def write_readings(connection: Connection, site: str, readings: Sequence[Reading]) -> None:
    """Insert readings, or replace those of the same counter and time."""
    statement = insert(meter_readings)
    values = {name: statement.excluded[name] for name in ("kwh", "new_meter")}
    for reading in readings:
        row = asdict(reading) | {"site": site, "counter": reading.counter.value, "new_meter": int(reading.new_meter)}
        connection.execute(
            statement.values(row).on_conflict_do_update(index_elements=["site", "counter", "at"], set_=values)
        )


def drop_reading(connection: Connection, site: str, counter: str, at: float) -> bool:
    """Forget one reading; False if there is none of that time."""
    table = meter_readings.c
    # A time typed with seconds names a reading that was stored with parts of one.
    near = (table.at >= at - 0.5) & (table.at < at + 1.0)
    chosen = (table.site == site) & (table.counter == counter) & near
    return connection.execute(delete(meter_readings).where(chosen)).rowcount > 0
