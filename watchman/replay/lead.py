"""How long before a range a replay must begin, so that at its start alerts are what the daemon had then."""

from __future__ import annotations

from collections.abc import Iterable

from watchman.durations import parse_duration
from watchman.rules.rule import Group, Rule

MOST_S = 7 * 86400.0
_LEAST_S = 900.0


def lead_s(groups: Iterable[Group]) -> float:
    """The longest `for` with `keep_firing_for`, or time that must have been quiet (`news_after`); at most a week."""
    needs = (_need_s(rule) for group in groups for rule in group.rules if not rule.record)
    return min(MOST_S, max((_LEAST_S, *needs)))


def _need_s(rule: Rule) -> float:
    try:
        quiet_s = parse_duration(rule.annotations.get("news_after", "0").strip() or "0")
    except ValueError:
        quiet_s = 0.0
    return max(quiet_s, rule.for_s) + rule.keep_firing_for_s
