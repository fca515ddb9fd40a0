"""The figures of a replay: how often and how long each rule fired, how many messages each receiver would get.

The budget is what a healthy home puts up with: at most 50 messages a year, at most 2 of them at night (22 to 7), and no
rule that speaks more than 6 times a month.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from watchman.notify.message import ActiveAlert
from watchman.replay.result import Incident, Replay, RuleReplay, Told
from watchman.series import label_key

DAY_S = 86400.0
YEAR_S = 365 * DAY_S
MONTH_S = 30 * DAY_S
WEEK_S = 7 * DAY_S
BUDGET_PER_YEAR = 50
BUDGET_AT_NIGHT = 2
BUDGET_RULE_PER_MONTH = 6
FLAP_S = 1800.0
"""An alert that fires again so soon after it was over flaps."""
LEAST_S = DAY_S
"""From less than this no year is extrapolated."""
_NIGHT = (22, 7)


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """One rule. `flaps`: it fired again within half an hour. `messages`: most that one receiver gets about it.

    Durations in seconds within the range; `per_month` is None for a range of less than a day.
    """

    rule: RuleReplay
    fired: int
    firing_s: float
    longest_s: float
    flaps: int
    messages: int
    at_night: int
    per_month: float | None


@dataclass(frozen=True, slots=True)
class ReceiverFigures:
    """One receiver: messages in the range and, where it is long enough, what that is a week and a year."""

    receiver: str
    messages: int
    at_night: int
    held: int
    per_week: float | None
    per_year: float | None
    at_night_per_year: float | None
    within_budget: bool | None
    """None if the range is too short to tell. A single message proves no habit."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of a replay, rules in file order."""

    rules: tuple[RuleFigures, ...]
    receivers: tuple[ReceiverFigures, ...]


def count(replay: Replay, zone: ZoneInfo) -> Figures:
    """The figures of a replay; nights by the clock of `zone`."""
    length_s = replay.reached - replay.start
    names = {label_key(one.labels): index for index, rule in enumerate(replay.rules) for one in rule.incidents}
    about: dict[int, list[Told]] = {}
    for told in replay.told:
        for index in {names[key] for key in _keys(told) if key in names}:
            about.setdefault(index, []).append(told)
    rules = tuple(_rule(rule, about.get(index, []), replay, zone, length_s) for index, rule in enumerate(replay.rules))
    receivers = dict.fromkeys(
        [told.notification.receiver for told in replay.told] + [one.held.receiver for one in replay.kept_back]
    )
    return Figures(rules, tuple(_receiver(name, replay, zone, length_s) for name in receivers))


def is_night(ts: float, zone: ZoneInfo) -> bool:
    """True from 22 to 7 local time."""
    hour = datetime.fromtimestamp(ts, zone).hour
    return hour >= _NIGHT[0] or hour < _NIGHT[1]


def flaps(incidents: Iterable[Incident]) -> int:
    """How often the same alert fired again within half an hour after it was over."""
    over: dict[object, float] = {}
    found = 0
    for one in sorted(incidents, key=lambda incident: incident.firing):
        key = label_key(one.labels)
        found += one.firing - over.get(key, float("-inf")) <= FLAP_S
        over[key] = float("inf") if one.resolved is None else one.resolved
    return found


def firing_s(one: Incident, start: float, end: float) -> float:
    """How long an incident fired within [start, end]."""
    until = end if one.resolved is None else min(one.resolved, end)
    return max(0.0, until - max(one.firing, start))


def rate(number: int, length_s: float, per_s: float) -> float | None:
    """How many that would be in `per_s`; None if the range is too short to say."""
    return number * per_s / length_s if length_s >= LEAST_S else None


def _keys(told: Told) -> list[object]:
    alerts: Sequence[ActiveAlert] = (*told.notification.firing, *told.notification.resolved)
    return [label_key(alert.labels) for alert in alerts]


def _rule(rule: RuleReplay, told: Sequence[Told], replay: Replay, zone: ZoneInfo, length_s: float) -> RuleFigures:
    lasted = [firing_s(one, replay.start, replay.reached) for one in rule.incidents]
    by_receiver: dict[str, list[Told]] = {}
    for one in told:
        by_receiver.setdefault(one.notification.receiver, []).append(one)
    most = max(by_receiver.values(), key=len, default=[])
    return RuleFigures(
        rule=rule,
        fired=len(rule.incidents),
        firing_s=sum(lasted),
        longest_s=max(lasted, default=0.0),
        flaps=flaps(rule.incidents),
        messages=len(most),
        at_night=sum(is_night(one.notification.at, zone) for one in most),
        per_month=rate(len(most), length_s, MONTH_S),
    )


def _receiver(name: str, replay: Replay, zone: ZoneInfo, length_s: float) -> ReceiverFigures:
    told = [one for one in replay.told if one.notification.receiver == name]
    at_night = sum(is_night(one.notification.at, zone) for one in told)
    return ReceiverFigures(
        receiver=name,
        messages=len(told),
        at_night=at_night,
        held=sum(one.held.receiver == name for one in replay.kept_back),
        per_week=rate(len(told), length_s, WEEK_S),
        per_year=rate(len(told), length_s, YEAR_S),
        at_night_per_year=rate(at_night, length_s, YEAR_S),
        within_budget=_within_budget(len(told), at_night, length_s / YEAR_S) if length_s >= LEAST_S else None,
    )


def _within_budget(messages: int, at_night: int, years: float) -> bool:
    return messages <= max(1.0, BUDGET_PER_YEAR * years) and at_night <= max(1.0, BUDGET_AT_NIGHT * years)
