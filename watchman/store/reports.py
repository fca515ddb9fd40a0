"""Which reports have been made: the mark is written together with the outbox rows, so a report is sent once."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from watchman.store.schema import reports


def report_exists(connection: Connection, name: str, period_start: float) -> bool:
    """True if the report of that period was already handed to the outbox."""
    known = select(reports.c.name).where(reports.c.name == name, reports.c.period_start == period_start)
    return connection.execute(known).first() is not None


def claim_report(connection: Connection, name: str, period_start: float, report: Any, now: float) -> bool:
    """Mark a report as handed over; False if somebody was faster, then nothing may be sent."""
    row = {"name": name, "period_start": period_start, "created_at": now, "report": json.dumps(report)}
    written = connection.execute(insert(reports).values(row).on_conflict_do_nothing())
    return written.rowcount == 1


def latest_report(connection: Connection, name: str) -> float | None:
    """Start of the latest period that was reported (unix seconds), or None."""
    statement = select(reports.c.period_start).where(reports.c.name == name)
    return connection.execute(statement.order_by(reports.c.period_start.desc()).limit(1)).scalar()


def forget_reports(connection: Connection, before: float) -> None:
    """Drop the archive of reports of periods that began before a moment."""
    connection.execute(delete(reports).where(reports.c.period_start < before))
