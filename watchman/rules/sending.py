"""Until when what an Alertmanager is told holds, and when it is told again: as Prometheus does it."""

from __future__ import annotations

_TOLERANCE_S = 0.0005
_MISSES_ALLOWED = 4


def is_repeat_due(told_at: float, ts: float, resend_delay_s: float) -> bool:
    """True if what was told at `told_at` is to be told again: strictly more than the delay later."""
    return ts - told_at > resend_delay_s + _TOLERANCE_S


def ends_at(ts: float, interval_s: float, resend_delay_s: float) -> float:
    """The `endsAt` of a firing alert sent at `ts`: two failed evaluations or two lost messages do not let it expire."""
    return ts + _MISSES_ALLOWED * max(interval_s, resend_delay_s)
