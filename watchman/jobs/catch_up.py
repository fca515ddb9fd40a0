"""After a restart: the slots of the last hour that nobody evaluated, asked back from Prometheus by range queries."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial

from watchman.context import Context
from watchman.errors import QueryError
from watchman.jobs.query import ask, ask_range
from watchman.rules.alert import Alert
from watchman.rules.presence import make_present
from watchman.rules.restore import Restored, restore
from watchman.rules.rule import Group, Rule
from watchman.rules.slots import slot_at, slot_offset
from watchman.series import Answer, LabelKey, Sample, Series

LOOK_BACK_S = 3600.0

Missed = list[tuple[float, Answer | QueryError | None]]

# `@ end()` is the slot when a rule is evaluated; in a range query it is the last step, for every step.
_OF_THE_RANGE = re.compile(r"@\s*(start|end)\s*\(", re.IGNORECASE)


def catch_up(
    context: Context, group: Group, rule: Rule, alerts: Mapping[LabelKey, Alert], alive_at: float, slot: float
) -> Restored:
    """Evaluate the slots between `alive_at` and `slot` (both excluded), at most an hour of them."""
    offset_s = slot_offset(group.key, group.interval_s)
    last = min(slot_at(alive_at, group.interval_s, offset_s), slot)
    slots = missed_slots(last, slot, group.interval_s)
    if not slots:
        return Restored(alerts, ())
    present = make_present(rule, lambda expr, ts: ask(context, expr, ts))
    missed = _ask_back(context, group, rule, slots)
    return restore(rule, group, alerts, last, missed, partial(context.wiring.expand, name=rule.name), present)


def missed_slots(last: float, slot: float, interval_s: float) -> list[float]:
    """The slots after `last` and before `slot` of the last hour, oldest first."""
    count = round((slot - last) / interval_s) - 1
    wanted = min(count, int(LOOK_BACK_S // interval_s))
    return [round(slot - steps * interval_s, 3) for steps in range(wanted, 0, -1)]


def _ask_back(context: Context, group: Group, rule: Rule, slots: Sequence[float]) -> Missed:
    """The answer at every slot; None where none of the rule's series (or none at all) had been recorded."""
    start, end = slots[0] - group.query_offset_s, slots[-1] - group.query_offset_s
    known = " or ".join(f"count({selector})" for selector in rule.selectors) or "count(up)"
    try:
        found = _found(context, rule.query, start, end, group.interval_s)
        recorded = _found(context, known, start, end, group.interval_s)
    except QueryError as error:
        return [(slot, error) for slot in slots]
    missed: Missed = []
    for slot in slots:
        asked = round(slot - group.query_offset_s, 3)
        answer = Answer("vector", found.get(asked, [])) if asked in recorded or asked in found else None
        missed.append((slot, answer))
    return missed


def _found(context: Context, expr: str, start: float, end: float, step_s: float) -> dict[float, list[Sample]]:
    """The elements at every step from `start` to `end`."""
    if not _OF_THE_RANGE.search(expr):
        return _by_slot(ask_range(context, expr, start, end, step_s))
    times = [round(start + number * step_s, 3) for number in range(round((end - start) / step_s) + 1)]
    found = {ts: ask(context, expr, ts).samples for ts in times}
    return {ts: samples for ts, samples in found.items() if samples}


def _by_slot(series: Sequence[Series]) -> dict[float, list[Sample]]:
    samples: dict[float, list[Sample]] = {}
    for one in series:
        for ts, value in zip(one.times, one.values, strict=True):
            samples.setdefault(round(ts, 3), []).append(Sample(one.labels, value))
    return samples
