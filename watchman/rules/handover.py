"""What the Alertmanagers must hear now: as often as from Prometheus, and every end of what they heard begin.

Prometheus tells only what it holds after an evaluation that worked. So it falls silent while queries fail (a receiver
then takes the alert for over), and forgets an end when the alert is pending again or when a limit throws it away.
Here what was told last is remembered apart from the rules, and whatever was told as firing is told as resolved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from watchman.rules.alert import Alert, AlertState
from watchman.rules.engine import RESOLVED_RETENTION_S
from watchman.rules.sending import is_repeat_due
from watchman.series import LabelKey, label_key

_TOLERANCE_S = 0.0005


@dataclass(frozen=True, slots=True)
class Told:
    """The state of one alert as Alertmanagers hear it. Times in unix seconds; `resolved_at` None while it fires.

    `interval_s` and `expr` are of the rule's group and the rule.
    """

    labels: Mapping[str, str]
    starts_at: float
    interval_s: float
    expr: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    resolved_at: float | None = None
    told_at: float = 0.0


def state_of(alert: Alert, interval_s: float, expr: str) -> Told | None:
    """What is to be heard of an alert of a rule; None while it is pending."""
    if alert.state is AlertState.PENDING or alert.fired_at is None:
        return None
    over = alert.resolved_at if alert.state is AlertState.INACTIVE else None
    return Told(alert.labels, alert.fired_at, interval_s, expr, alert.annotations, over)


def due_states(
    states: Iterable[Told], told: Mapping[LabelKey, Told], now: float, resend_delay_s: float
) -> dict[LabelKey, Told]:
    """What to tell now, by labels. `states` are those of all rules, `told` is what was told last.

    What was told as firing and is in no state any more ends now. A resolution is repeated for 15 minutes.
    """
    wanted: dict[LabelKey, Told] = {}
    for state in states:
        key = label_key(state.labels)
        if key not in wanted or _outweighs(state, wanted[key]):
            wanted[key] = state
    for key, old in told.items():
        if key not in wanted:
            wanted[key] = old if old.resolved_at is not None else replace(old, resolved_at=now)
    return {
        key: replace(state, told_at=now)
        for key, state in wanted.items()
        if _is_due(state, told.get(key), now, resend_delay_s)
    }


def remember(told: Mapping[LabelKey, Told], new: Mapping[LabelKey, Told], now: float) -> dict[LabelKey, Told]:
    """What was told, with what was told now, without ends that are repeated no more."""
    return {key: state for key, state in {**told, **new}.items() if not _is_forgotten(state, now)}


def is_news(told: Mapping[LabelKey, Told], new: Mapping[LabelKey, Told]) -> bool:
    """True if something else than a repetition was told."""
    return any(key not in told or _differs(state, told[key]) for key, state in new.items())


def _outweighs(one: Told, other: Told) -> bool:
    """Where two rules give one label set, the one that fires is heard; of two ends the later."""
    if one.resolved_at is None or other.resolved_at is None:
        return one.resolved_at is None and other.resolved_at is not None
    return one.resolved_at > other.resolved_at


def _is_due(state: Told, old: Told | None, now: float, resend_delay_s: float) -> bool:
    if _is_forgotten(state, now):
        return False
    return old is None or _differs(state, old) or is_repeat_due(old.told_at, now, resend_delay_s)


def _differs(state: Told, old: Told) -> bool:
    return (state.starts_at, state.resolved_at) != (old.starts_at, old.resolved_at)


def _is_forgotten(state: Told, now: float) -> bool:
    return state.resolved_at is not None and now - state.resolved_at > RESOLVED_RETENTION_S + _TOLERANCE_S
