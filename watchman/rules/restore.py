"""What a restart does to the alerts of a rule: the slots that were missed are made up for from recorded history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from watchman.rules.alert import Alert, AlertState
from watchman.rules.engine import Evaluation, Present, evaluate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchman.errors import QueryError
    from watchman.rules.engine import Alerts
    from watchman.rules.rule import Group, Rule
    from watchman.rules.template import Expander
    from watchman.series import Answer

_TOLERANCE_S = 0.0005


@dataclass(frozen=True, slots=True)
class Restored:
    """The alerts to go on with, and each evaluation made up for with its slot, oldest first.

    An alert may have begun, or begun and ended, in between: see `fired` and `resolved` of the steps. The alerts of the
    last step remember a resolved one for 15 minutes only.
    """

    alerts: Alerts
    steps: tuple[tuple[float, Evaluation], ...]


def restore(
    rule: Rule,
    group: Group,
    alerts: Alerts,
    last_ts: float,
    missed: Sequence[tuple[float, Answer | QueryError | None]],
    expand: Expander,
    present: Present,
) -> Restored:
    """Evaluates the missed slots in order. `last_ts` is the slot of the last evaluation before the restart.

    `missed` holds each slot with its answer: None means nothing was recorded then (Prometheus was down, too). Time
    without an answer does not count for `for`: pending alerts' `active_at` moves by it. Slots that are not in `missed`
    (the outage was longer than the time asked back) count as without an answer.
    """
    steps: list[tuple[float, Evaluation]] = []
    for ts, answer in missed:
        blind_s = ts - last_ts if answer is None else ts - last_ts - group.interval_s
        if blind_s > _TOLERANCE_S:
            alerts = _moved(alerts, blind_s)
        if answer is not None:
            step = evaluate(rule, group, alerts, answer, ts, expand, present)
            alerts = step.alerts
            steps.append((ts, step))
        last_ts = ts
    return Restored(alerts, tuple(steps))


def _moved(alerts: Alerts, by_s: float) -> Alerts:
    return {key: _moved_alert(alert, by_s) for key, alert in alerts.items()}


def _moved_alert(alert: Alert, by_s: float) -> Alert:
    return replace(alert, active_at=alert.active_at + by_s) if alert.state == AlertState.PENDING else alert
