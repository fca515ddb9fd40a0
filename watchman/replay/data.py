"""Did Prometheus record what the rules read in the range? What it did not record cannot be replayed, and says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from watchman.errors import QueryError
from watchman.replay.result import Replay
from watchman.replay.run import Ports, Setting
from watchman.rules.records import RecordUse, record_uses
from watchman.rules.rule import Group, Rule
from watchman.series import Matrix

_LOOKS = 200
_LEAST_STEP_S = 15.0
NOTHING_READ = "reads series of which Prometheus has nothing in this range: it could not fire"
_OF_ALERTS = re.compile(r"\b(ALERTS(?:_FOR_STATE)?)\b")

Place = tuple[str, str, str]
"""Group key, name and expression of a rule."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What Prometheus has of the range. `first`: when it begins, None if there is nothing at all; `notes` by rule."""

    first: float | None
    notes: Mapping[Place, tuple[str, ...]]


def look(setting: Setting, ports: Ports, groups: Sequence[Group]) -> Recorded:
    """Look at some instants of the range for the series of every rule; `groups` are all there are, records included.

    Raises QueryError if nobody answers.
    """
    uses = record_uses(groups)
    step_s = max(_LEAST_STEP_S, round((setting.end - setting.lead_start) / _LOOKS))
    firsts: list[float] = []
    notes: dict[Place, tuple[str, ...]] = {}
    blind = 0
    for group in setting.groups:
        for rule in group.rules:
            if rule.record:
                continue
            found = _first_data(rule, setting, ports, step_s)
            firsts += [] if found is None else [found]
            blind += not rule.selectors
            read = {use.record for use in uses if use.problem and _is_same(use, group, rule)}
            own = list(_missing_records(read, rule, setting, ports, step_s))
            if found is None and rule.selectors:
                own.append(NOTHING_READ)
            if own:
                notes[place(group, rule)] = tuple(own)
    first = min(firsts, default=setting.lead_start if blind else None)
    return Recorded(first, notes)


def with_notes(done: Replay, recorded: Recorded) -> Replay:
    """The replay with what was found about the data."""
    rules = (
        replace(rule, notes=(*rule.notes, *recorded.notes.get(place(rule.group, rule.rule), ()))) for rule in done.rules
    )
    return replace(done, rules=tuple(rules))


def place(group: Group, rule: Rule) -> Place:
    """What a rule is known by here."""
    return group.key, rule.name, rule.expr


def _first_data(rule: Rule, setting: Setting, ports: Ports, step_s: float) -> float | None:
    known = " or ".join(f"count({selector})" for selector in rule.selectors)
    return _first(known, setting, ports, step_s) if known else None


def _first(expr: str, setting: Setting, ports: Ports, step_s: float) -> float | None:
    """When an expression first gives something, to a quarter of a minute: looked at ever closer."""
    found: float | None = None
    start, end = setting.lead_start, setting.end
    try:
        found = _earliest(ports.range_query(expr, start, end, step_s))
        if found is None:
            # What has only just begun may lie after the last look.
            found = _earliest(ports.range_query(expr, end, end, step_s))
        while found is not None and found > setting.lead_start + 0.001 and step_s > _LEAST_STEP_S:
            start = max(setting.lead_start, round(found - step_s, 3))
            step_s = max(_LEAST_STEP_S, round(step_s / _LOOKS))
            found = _earliest(ports.range_query(expr, start, found, step_s)) or found
    except QueryError as error:
        if error.is_away:
            raise
        return setting.lead_start  # the rule itself will tell what is wrong with it
    return found


def _earliest(matrix: Matrix) -> float | None:
    return min((float(pairs[0][0]) for _, pairs in matrix), default=None)


def _is_same(use: RecordUse, group: Group, rule: Rule) -> bool:
    return place(use.group, use.rule) == place(group, rule)


def _missing_records(read: set[str], rule: Rule, setting: Setting, ports: Ports, step_s: float) -> Iterator[str]:
    """What the rule reads of other rules that Prometheus does not have; `read` are records."""
    read = read | {name for selector in rule.selectors for name in _OF_ALERTS.findall(selector)}
    for name in sorted(read):
        # Such series are there only while a rule gives something: any sample of the whole step counts.
        if _first(f"count(last_over_time({name}[{step_s:.0f}s]))", setting, ports, step_s) is None:
            yield f"reads {name}, which Prometheus did not record in this range: as the daemon, it saw nothing of it"
