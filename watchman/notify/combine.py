"""What waits for one destination, put together: pure.

    one alert group, several messages waiting    one message, so that an "over" never overtakes its beginning
    several alert messages that are late          one "while you were offline" message: what is on, what came and went
    one late message                              sent as it is, marked with its age
    anything else                                 sent as it is

Nothing is left out: every alert a row tells of is in the message that is sent for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from watchman.notify.message import Message
from watchman.notify.outbox import OutboxRow, Subject
from watchman.notify.severity import RESOLVED, rank, worst
from watchman.notify.words import cut, duration, local_time

LATE_AFTER_S = 600.0
TITLE_LIMIT = 45
MAX_LINES = 30

Unit = tuple[OutboxRow, ...]
"""Rows that one message is sent for, oldest first."""


def units(rows: Sequence[OutboxRow], now: float) -> list[Unit]:
    """Which of the rows of one destination go into one message, in the order in which they are to be sent."""
    late = [row for row in rows if is_late(row, now)]
    late_threads = {row.thread for row in late} - {""} if len(late) > 1 else set()
    together: dict[str, list[OutboxRow]] = {}
    for row in rows:
        is_offline = len(late) > 1 and (is_late(row, now) or row.thread in late_threads)
        key = "late" if is_offline else f"thread {row.thread}" if row.thread else f"row {row.id}"
        together.setdefault(key, []).append(row)
    return [tuple(sorted(unit, key=lambda row: row.id)) for unit in together.values()]


def is_late(row: OutboxRow, now: float) -> bool:
    """True for an alert's message that should have been read long ago."""
    return row.kind == "alert" and now - row.created_at > LATE_AFTER_S


def combine(unit: Sequence[tuple[OutboxRow, Message]], now: float, zone: ZoneInfo) -> Message:
    """The one message for these rows, oldest first."""
    newest, message = unit[-1]
    subjects = _last_word(row for row, _ in unit)
    told_by_newest = {subject.fingerprint for subject in newest.subjects}
    one_thread = len({row.thread for row, _ in unit}) == 1 and all(row.subjects for row, _ in unit)
    if len(unit) == 1 or (one_thread and told_by_newest.issuperset(subjects)):
        return _marked(message, newest, now, zone) if is_late(newest, now) else message
    others = [f"- {single.title}" for row, single in unit if not row.subjects]
    return _summary(list(subjects.values()), others, now, zone)


def _last_word(rows: Iterable[OutboxRow]) -> dict[str, Subject]:
    """Each alert as the newest row knows it, since it first began."""
    found: dict[str, Subject] = {}
    for row in rows:
        for subject in row.subjects:
            old = found.get(subject.fingerprint)
            since = subject.since if old is None else min(old.since, subject.since)
            found[subject.fingerprint] = replace(subject, since=since)
    return found


def _marked(message: Message, row: OutboxRow, now: float, zone: ZoneInfo) -> Message:
    mark = f" ({duration(now - row.created_at)} late)"
    at = local_time(row.created_at, now, zone)
    return replace(
        message,
        title=cut(message.title, TITLE_LIMIT - len(mark)) + mark,
        text=f"{message.text}\nThis is of {at}; it could not be told earlier.",
    )


def _summary(subjects: list[Subject], others: list[str], now: float, zone: ZoneInfo) -> Message:
    firing = sorted((one for one in subjects if one.ended is None), key=lambda one: (rank(one.severity), one.since))
    over = sorted((one for one in subjects if one.ended is not None), key=lambda one: one.since)
    lines = [f"- On: {one.summary}, since {local_time(one.since, now, zone)}" for one in firing]
    lines += [f"- Over: {one.summary}, {_span(one, now, zone)}" for one in over]
    lines += others
    rest = [f"and {len(lines) - MAX_LINES} more"] if len(lines) > MAX_LINES else []
    counts = ((len(firing), "on"), (len(over), "over"), (len(others), "more"))
    return Message(
        title="While you were offline: " + ", ".join(f"{number} {word}" for number, word in counts if number),
        text="\n".join([*lines[:MAX_LINES], *rest]),
        severity=worst(one.severity for one in firing) if firing else RESOLVED,
    )


def _span(one: Subject, now: float, zone: ZoneInfo) -> str:
    ended = one.since if one.ended is None else max(one.since, one.ended)
    return f"{local_time(one.since, now, zone)} to {local_time(ended, now, zone)}, was {duration(ended - one.since)}"
