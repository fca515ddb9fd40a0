"""Alert history: every incident with who was told of it, what kept it back, and who has seen it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, select

from watchman.notify.ack import Ack
from watchman.store.acks import load_acks
from watchman.store.alerts import Incident, incidents_between
from watchman.store.notices import HeldRow, ToldRow
from watchman.store.schema import held, told

_Row = TypeVar("_Row", HeldRow, ToldRow)


@dataclass(frozen=True, slots=True)
class Past:
    """An incident and what became of it; `told` and `held` by time, `ack` None if nobody has acknowledged it."""

    incident: Incident
    told: tuple[ToldRow, ...]
    held: tuple[HeldRow, ...]
    ack: Ack | None


def history(connection: Connection, start: float, end: float) -> list[Past]:
    """The incidents that touch [start, end), by the time they began."""
    found = incidents_between(connection, start, end)
    first = min((incident.fired for incident in found), default=start)
    chosen = select(told).where(told.c.fired >= first).order_by(told.c.at)
    heard = _by_incident(ToldRow(**row._mapping) for row in connection.execute(chosen))
    chosen = select(held).where(held.c.fired >= first).order_by(held.c.at)
    kept = _by_incident(HeldRow(**row._mapping) for row in connection.execute(chosen))
    seen = {_key(ack.fingerprint, ack.fired_at): ack for ack in load_acks(connection)}
    return [
        Past(
            incident,
            tuple(heard.get(_key(incident.fingerprint, incident.fired), ())),
            tuple(kept.get(_key(incident.fingerprint, incident.fired), ())),
            seen.get(_key(incident.fingerprint, incident.fired)),
        )
        for incident in found
    ]


def _by_incident(rows: Iterable[_Row]) -> dict[tuple[str, int], list[_Row]]:
    found: dict[tuple[str, int], list[_Row]] = {}
    for row in rows:
        found.setdefault(_key(row.fingerprint, row.fired), []).append(row)
    return found


def _key(fingerprint: str, fired: float) -> tuple[str, int]:
    """Two incidents of one alert never begin in the same second."""
    return fingerprint, round(fired)
