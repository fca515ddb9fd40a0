"""Who alerts most, and what would make it quieter: worked out from the incidents alone.

A longer `for` drops the incidents that were over before it; a longer `keep_firing_for` joins those that came back
soon; `news_after` leaves out those that came back within days. The gentlest that halves the number is suggested.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from watchman.durations import format_duration

_SHORT_S = (60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0)
_KEEP_S = (*_SHORT_S, 10800.0)
_NEWS_S = (86400.0, 3 * 86400.0, 7 * 86400.0)
# Fewer are no nuisance.
_FEWEST_TOLD = 3
_FEWEST = 6


@dataclass(frozen=True, slots=True)
class Firing:
    """One incident: when it fired and ended (unix seconds, None while it goes on), its value then, who was told."""

    alertname: str
    fingerprint: str
    severity: str
    fired: float
    ended: float | None = None
    value: float | None = None
    told: bool = False


@dataclass(frozen=True, slots=True)
class NoisyRule:
    """A rule of which people heard often. `told` of its `incidents` reached somebody; `suggestion` is one line."""

    alertname: str
    severity: str
    incidents: int
    told: int
    firing_s: float
    suggestion: str


def who_alerts_most(firings: Iterable[Firing], until: float, *, most: int = 5) -> list[NoisyRule]:
    """The rules one heard of at least 3 times, or that fired at least 6 times, the noisiest first.

    `until` (unix seconds) is where incidents that go on are cut.
    """
    by_rule: dict[str, list[Firing]] = {}
    for firing in firings:
        by_rule.setdefault(firing.alertname, []).append(firing)
    rules = [_rule(name, found, until) for name, found in by_rule.items()]
    noisy = [rule for rule in rules if rule.told >= _FEWEST_TOLD or rule.incidents >= _FEWEST]
    return sorted(noisy, key=lambda rule: (-rule.told, -rule.incidents, rule.alertname))[:most]


def suggest(firings: Sequence[Firing], until: float) -> str:
    """What would at least halve the number of these incidents of one rule, and how many it would leave."""
    count = len(firings)
    choices = (
        ("keep_firing_for", ((wait_s, _left_if_kept(firings, wait_s)) for wait_s in _KEEP_S)),
        ("for longer by", ((wait_s, _left_if_waited(firings, wait_s, until)) for wait_s in _SHORT_S)),
        ("news_after", ((wait_s, _left_if_kept(firings, wait_s)) for wait_s in _NEWS_S)),
    )
    for key, tried in choices:
        for wait_s, left in tried:
            if left <= count / 2:
                name = f"{key} {format_duration(wait_s)}" if " " in key else f"{key}: {format_duration(wait_s)}"
                return f"{name} would leave {left} of {count}"
    values = [firing.value for firing in firings if firing.value is not None]
    began = f"; half of them began at {median(values):.4g} or more" if values else ""
    return f"a stricter threshold{began}"


def _rule(name: str, firings: list[Firing], until: float) -> NoisyRule:
    last = max(firings, key=lambda firing: firing.fired)
    return NoisyRule(
        alertname=name,
        severity=last.severity,
        incidents=len(firings),
        told=sum(firing.told for firing in firings),
        firing_s=sum(max(0.0, _end(firing, until) - firing.fired) for firing in firings),
        suggestion=suggest(firings, until),
    )


def _left_if_waited(firings: Iterable[Firing], wait_s: float, until: float) -> int:
    """How many incidents last so long."""
    return sum(_end(firing, until) - firing.fired >= wait_s for firing in firings)


def _left_if_kept(firings: Iterable[Firing], wait_s: float) -> int:
    """How many incidents there are if one that comes back within `wait_s` is the same one."""
    by_alert: dict[str, list[Firing]] = {}
    for firing in sorted(firings, key=lambda one: one.fired):
        by_alert.setdefault(firing.fingerprint, []).append(firing)
    return sum(1 + sum(_comes_late(*pair, wait_s) for pair in pairwise(found)) for found in by_alert.values())


def _comes_late(before: Firing, after: Firing, wait_s: float) -> bool:
    return before.ended is not None and after.fired - before.ended >= wait_s


def _end(firing: Firing, until: float) -> float:
    return until if firing.ended is None else min(firing.ended, until)
