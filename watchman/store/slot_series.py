"""Values per quarter of an hour beside the energies: prices of dynamic tariffs, grid intensity, irradiance."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from watchman.store.schema import slot_series


def read_values(connection: Connection, site: str, kind: str, start: float, end: float) -> dict[int, float]:
    """Values by slot start with start <= slot start < end."""
    table = slot_series.c
    chosen = (table.site == site) & (table.kind == kind) & (table.start >= start) & (table.start < end)
    return {row.start: row.value for row in connection.execute(select(table.start, table.value).where(chosen))}


def add_values(connection: Connection, site: str, kind: str, values: Mapping[int, float]) -> None:
    """Keep values of slots that have none yet; what is kept does not change, so that no bill does."""
    if values:
        rows = [{"site": site, "kind": kind, "start": start, "value": value} for start, value in values.items()]
        connection.execute(insert(slot_series).on_conflict_do_nothing(), rows)
