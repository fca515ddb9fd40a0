"""Counting the requests to an endpoint: how many, how long they took, how they failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchman.sonnen.values import REASONS

BUCKETS_S = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0)


def _no_errors() -> Mapping[str, int]:
    return dict.fromkeys(REASONS, 0)


@dataclass(frozen=True, slots=True)
class Tally:
    """Totals since the start. `within` counts, per entry of BUCKETS_S, the requests that took at most so long."""

    requests: int = 0
    seconds: float = 0.0
    within: tuple[int, ...] = (0,) * len(BUCKETS_S)
    errors: Mapping[str, int] = field(default_factory=_no_errors)

    def add(self, duration_s: float, reason: str) -> Tally:
        """The totals with one more request; `reason` is empty for one that went well."""
        errors = self.errors if not reason else {**self.errors, reason: self.errors[reason] + 1}
        within = tuple(count + (duration_s <= limit) for count, limit in zip(self.within, BUCKETS_S, strict=True))
        return Tally(self.requests + 1, self.seconds + duration_s, within, errors)
