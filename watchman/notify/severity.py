"""What a severity means for a phone: how often a message repeats, how long a group waits, who comes first.

    critical   repeats after 15 min, 1 h, then every 4 h      waits 5 s
    warning    once a day                                     waits 30 s
    notice     never                                          waits 30 s
    info       never, and only into the digest (dispatch)     waits 30 s
    none       every 4 h, as Alertmanager                     waits 30 s

A route that sets group_wait or repeat_interval itself is obeyed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

CRITICAL, WARNING, NOTICE, INFO, RESOLVED = "critical", "warning", "notice", "info", "resolved"

_RANK = {CRITICAL: 0, WARNING: 1, NOTICE: 3, INFO: 4, RESOLVED: 5}
# A severity we do not know stands between warning and notice: somebody meant it to be heard.
_UNKNOWN_RANK = 2
_REPEATS_S: dict[str, tuple[float, ...]] = {
    CRITICAL: (900.0, 3600.0, 14400.0),
    WARNING: (86400.0,),
    NOTICE: (),
    INFO: (),
}
_ALERTMANAGER_REPEATS_S = (14400.0,)
_ALERTMANAGER_GROUP_WAIT_S = 30.0
_CRITICAL_GROUP_WAIT_S = 5.0


def severity_of(labels: Mapping[str, str]) -> str:
    """The `severity` label in lower case; empty if there is none."""
    return labels.get("severity", "").strip().lower()


def rank(severity: str) -> int:
    """0 is the worst."""
    return _RANK.get(severity, _UNKNOWN_RANK)


def worst(severities: Iterable[str]) -> str:
    """The worst of some severities; empty if there are none."""
    return min(severities, key=rank, default="")


def repeats_s(severity: str) -> tuple[float, ...]:
    """Seconds between a message and its first, second, ... repeat; the last one stays. Empty: never."""
    return _REPEATS_S.get(severity, _ALERTMANAGER_REPEATS_S)


def group_wait_s(severity: str) -> float:
    """How long the first message of a group waits for company."""
    return _CRITICAL_GROUP_WAIT_S if severity == CRITICAL else _ALERTMANAGER_GROUP_WAIT_S


def repeat_after_s(ladder: tuple[float, ...], repeats: int) -> float | None:
    """Seconds from the last message to the next repeat, after `repeats` of them; None: no more."""
    return ladder[min(repeats, len(ladder) - 1)] if ladder else None
