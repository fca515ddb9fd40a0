"""The slots of a rule group over a range, by number: slot `n` is `first + n * interval_s`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from watchman.rules.rule import Group
from watchman.rules.slots import next_slot, slot_at, slot_offset

_TOLERANCE_S = 0.0005


@dataclass(frozen=True, slots=True)
class Grid:
    """Slots 0 to `count` - 1 of one interval. Unix seconds, whole milliseconds, exact as the daemon's clockwork."""

    first: float
    interval_s: float
    count: int

    def at(self, number: int) -> float:
        """The time of a slot."""
        return round(self.first + number * self.interval_s, 3)

    def last_before(self, ts: float) -> int:
        """The number of the last slot at or before `ts`; -1 if there is none."""
        return min(self.count - 1, math.floor((ts - self.first + _TOLERANCE_S) / self.interval_s))

    def first_after(self, ts: float) -> int:
        """A number not later than that of the first slot at or after `ts`, and at most one earlier."""
        return math.floor((ts - self.first - _TOLERANCE_S) / self.interval_s)


def grid_of(group: Group, start: float, end: float) -> Grid:
    """The slots the daemon evaluates the group at in [start, end]."""
    offset_s = slot_offset(group.key, group.interval_s)
    first = slot_at(start, group.interval_s, offset_s)
    if first < start - _TOLERANCE_S:
        first = next_slot(start, group.interval_s, offset_s)
    count = math.floor((end - first + _TOLERANCE_S) / group.interval_s) + 1
    return Grid(first, group.interval_s, max(0, count))
