"""Is there something to tell, and why: Alertmanager's rules as one table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from watchman.notify.message import ActiveAlert


class Reason(StrEnum):
    """Why a message is sent; the words Alertmanager uses, then watchman's own. NOTHING is not a message."""

    FIRST = "first notification"
    NEW_ALERTS = "new alerts added"
    SOME_RESOLVED = "some alerts resolved"
    ALL_RESOLVED = "all alerts resolved"
    REPEAT = "repeat interval elapsed"
    FLAPPING = "flapping"
    CALM = "calm again"
    QUIET = "quiet hours are over"
    NOTHING = "nothing new"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What a receiver knows of a group: the alerts it was told of and not yet told the end of.

    An alert with `ends_at` is over, but its "over" message waits (a silence, the group interval). `repeats` counts
    messages since the last new alert. There is no entry for a group of which nothing is open.

    `told_at` is when the receiver first heard of an alert, by fingerprint (missing: `sent_at`); `flapping` are those it
    was told to be flapping.
    """

    told: tuple[ActiveAlert, ...]
    sent_at: float
    repeats: int = 0
    told_at: Mapping[str, float] = field(default_factory=dict)
    flapping: frozenset[str] = frozenset()

    def fingerprints(self) -> frozenset[str]:
        """Which alerts are open."""
        return frozenset(alert.fingerprint for alert in self.told)


def decide(
    entry: LogEntry | None,
    firing: Collection[str],
    resolved: Collection[str],
    now: float,
    repeat_s: float | None,
    *,
    still_open: bool = False,
) -> Reason:
    """The reason to send, or NOTHING.

    `firing` and `resolved` are fingerprints that may be told now; `resolved` holds only alerts whose end the receiver
    wants to hear. `still_open`: told alerts go on firing while they are muted, so not all is over. A repeat is due
    strictly after `repeat_s`; None means never.
    """
    known = entry.fingerprints() if entry else frozenset()
    if not known.issuperset(firing):
        return Reason.NEW_ALERTS if known else Reason.FIRST
    if known.intersection(resolved):
        return Reason.SOME_RESOLVED if firing or still_open else Reason.ALL_RESOLVED
    if entry and firing and repeat_s is not None and entry.sent_at < now - repeat_s:
        return Reason.REPEAT
    return Reason.NOTHING


def wants_over(alert: ActiveAlert, send_resolved: bool) -> bool:
    """True if the receiver is told when the alert ends: both it and the alert must want that."""
    return send_resolved and alert.annotations.get("send_resolved", "").strip().lower() != "false"
