"""When a notifier is handed an alert, and until when that holds: Prometheus' rules for feeding an Alertmanager."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from watchman.rules.alert import AlertState

if TYPE_CHECKING:
    from watchman.rules.alert import Alert

_TOLERANCE_S = 0.0005
_MISSES_ALLOWED = 4


def due_to_send(alert: Alert, ts: float, resend_delay_s: float) -> bool:
    """True if `alert` is to be sent at the evaluation `ts`: new, just resolved, or strictly more than the delay ago."""
    if alert.state == AlertState.PENDING:
        return False
    if alert.last_sent_at is None:
        return True
    if alert.resolved_at is not None and alert.resolved_at > alert.last_sent_at + _TOLERANCE_S:
        return True
    return ts - alert.last_sent_at > resend_delay_s + _TOLERANCE_S


def ends_at(ts: float, interval_s: float, resend_delay_s: float) -> float:
    """The `endsAt` of a firing alert sent at `ts`: two failed evaluations or two lost messages do not let it expire."""
    return ts + _MISSES_ALLOWED * max(interval_s, resend_delay_s)


def mark_sent(alert: Alert, ts: float) -> Alert:
    """The alert after it was handed over at `ts`."""
    return replace(alert, last_sent_at=ts)
