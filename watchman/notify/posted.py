"""Alerts that others send here: what a post means, and what it does to the alert known before. Unix seconds.

The rules are Alertmanager's: two posts of one alert are one story if their times overlap, else the newer replaces the
older; an end that nobody named is a time-out and gives way to any other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from watchman.localtime import in_calendar
from watchman.notify.message import ActiveAlert, Source

DEFAULT_RESOLVE_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class PostedAlert:
    """One alert as a source told it last.

    `ends_at` in the future: it fires until then unless told again; None: until somebody says otherwise. `by_timeout`:
    the sender named no end. `is_open`: it fired when that was last looked at, so its incident is open.
    """

    fingerprint: str
    source: Source
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float | None
    updated_at: float
    generator_url: str = ""
    by_timeout: bool = False
    is_open: bool = False

    def fires(self, now: float) -> bool:
        """True until its end has come."""
        return _end(self) > now


def with_times(
    starts_at: float | None, ends_at: float | None, now: float, resolve_timeout_s: float
) -> tuple[float, float, bool]:
    """Start, end and "by time-out" of a post that may name neither, as people anywhere can be told of them."""
    start = in_calendar(starts_at if starts_at is not None else now if ends_at is None else ends_at)
    return (start, now + resolve_timeout_s, True) if ends_at is None else (start, in_calendar(ends_at), False)


def merge(old: PostedAlert, new: PostedAlert, now: float) -> PostedAlert:
    """The alert after a newer post."""
    old_end, new_end = _end(old), _end(new)
    if not (old.starts_at < new_end < old_end or old.starts_at < new.starts_at < old_end):
        return new
    old_end_counts = not old.fires(now) if not new.fires(now) else not old.by_timeout
    return replace(
        new,
        starts_at=min(old.starts_at, new.starts_at),
        ends_at=old.ends_at if old_end_counts and old_end > new_end else new.ends_at,
    )


def as_active(posted: PostedAlert, now: float) -> ActiveAlert:
    """The alert as the notification side sees it."""
    return ActiveAlert(
        fingerprint=posted.fingerprint,
        labels=posted.labels,
        annotations=posted.annotations,
        starts_at=posted.starts_at,
        ends_at=None if posted.fires(now) else posted.ends_at,
        source=posted.source,
        since=posted.starts_at,
    )


def _end(posted: PostedAlert) -> float:
    return math.inf if posted.ends_at is None else posted.ends_at
