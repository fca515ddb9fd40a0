"""Incidents that are found out about afterwards: of a time in which nobody watched."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from watchman.store.alerts import Incident, incident_row
from watchman.store.schema import incidents


def end_earlier(connection: Connection, found: Incident) -> bool:
    """Give a known incident the end it really had; False if it is not known."""
    same = (incidents.c.fingerprint == found.fingerprint) & (incidents.c.fired == found.fired)
    if connection.execute(select(incidents.c.id).where(same)).first() is None:
        return False
    later = incidents.c.ended.is_(None) | (incidents.c.ended > found.ended)
    if found.ended is not None:
        connection.execute(update(incidents).where(same & later).values(ended=found.ended))
    return True


def begin_earlier(connection: Connection, found: Incident, between: tuple[float, float]) -> bool:
    """Let the incident whose condition was first seen in [from, to] begin when it did; False if there is none."""
    seen = (incidents.c.fingerprint == found.fingerprint) & incidents.c.started.between(*between)
    row = connection.execute(select(incidents.c.id).where(seen).order_by(incidents.c.fired).limit(1)).first()
    if row is None:
        return False
    connection.execute(update(incidents).where(incidents.c.id == row.id).values(started=found.started))
    return True


def add_past(connection: Connection, found: Incident) -> None:
    """Write down an incident nobody knew of."""
    connection.execute(insert(incidents).values(incident_row(found)))
