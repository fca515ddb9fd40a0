"""Own silences over their life: what may be one, what an edit does to it, when it is over. Times are unix seconds.

The rules are Alertmanager's, so that amtool and karma see what they expect: a silence keeps its id while it is edited
in a way that rewrites no history; any other edit ends it and makes a new one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import StrEnum

from watchman.notify.matchers import Matcher
from watchman.notify.mute import Silence

RETENTION_S = 120 * 3600.0
"""How long an expired silence is kept."""

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class SilenceState(StrEnum):
    """Where a silence stands at an instant."""

    ACTIVE = "active"
    PENDING = "pending"
    EXPIRED = "expired"


class SilenceError(ValueError):
    """A silence that cannot be; the text says why."""


def state_of(silence: Silence, now: float) -> SilenceState:
    """Pending before its start, active in [start, end), then expired."""
    if now < silence.starts_at:
        return SilenceState.PENDING
    return SilenceState.ACTIVE if now < silence.ends_at else SilenceState.EXPIRED


def edit(previous: Silence | None, wanted: Silence, now: float, new_id: str) -> tuple[Silence, ...]:
    """What to write for a silence that is made (no `previous`) or edited; the last one is the result.

    Raises SilenceError if it cannot be.
    """
    check(wanted, now)
    if previous is not None and _same_story(previous, wanted, now):
        return (replace(wanted, id=previous.id, updated_at=now),)
    fresh = replace(wanted, id=new_id, starts_at=max(wanted.starts_at, now), updated_at=now)
    if previous is None or state_of(previous, now) is SilenceState.EXPIRED:
        return (fresh,)
    return expired(previous, now), fresh


def expired(silence: Silence, now: float) -> Silence:
    """The silence with its end now; one that had not begun never does, one that is over stays as it is."""
    if state_of(silence, now) is SilenceState.EXPIRED:
        return silence
    return replace(silence, starts_at=min(silence.starts_at, now), ends_at=now, updated_at=now)


def check(silence: Silence, now: float) -> None:
    """Raises SilenceError if this can be no silence at `now`."""
    if silence.starts_at >= silence.ends_at:
        raise SilenceError("Failed to create silence: start time must be before end time")
    if silence.ends_at < now:
        raise SilenceError("Failed to create silence: end time can't be in the past")
    if not silence.matchers:
        raise SilenceError("silence invalid: at least one matcher required")
    for index, matcher in enumerate(silence.matchers):
        if not _LABEL_NAME.fullmatch(matcher.name):
            raise SilenceError(f'silence invalid: invalid label matcher {index}: invalid label name "{matcher.name}"')
    if all(matcher.matches({}) for matcher in silence.matchers):
        raise SilenceError("silence invalid: at least one matcher must not match the empty string")


def in_order(silences: Iterable[Silence], now: float) -> list[Silence]:
    """As Alertmanager lists them: active ones by their end, pending ones by their start, the latest expired first."""
    return sorted(silences, key=lambda silence: _place(silence, now))


def covers(silence: Silence, filters: Sequence[Matcher]) -> bool:
    """True if the silence has each of the matchers itself, word by word; no alert is looked at."""
    return all(matcher in silence.matchers for matcher in filters)


def _same_story(previous: Silence, wanted: Silence, now: float) -> bool:
    """True if an edit changes nothing of what has happened already."""
    if previous.matchers != wanted.matchers:
        return False
    state = state_of(previous, now)
    if state is SilenceState.ACTIVE:
        # Clients send times back with fewer decimals than they got.
        return int(wanted.starts_at) == int(previous.starts_at)
    return state is SilenceState.PENDING and wanted.starts_at >= now


def _place(silence: Silence, now: float) -> tuple[int, float]:
    state = state_of(silence, now)
    if state is SilenceState.ACTIVE:
        return 0, silence.ends_at
    return (1, silence.starts_at) if state is SilenceState.PENDING else (2, -silence.ends_at)
