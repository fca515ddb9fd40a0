"""Alertmanager's grammar for routes, inhibit rules and time intervals, as it stands in an alertmanager.yml."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from watchman.config.types import Duration, Durations, PositiveDuration, Section
from watchman.notify.inhibit import InhibitRule
from watchman.notify.matchers import Matcher, Op, make_matcher, parse_matchers
from watchman.notify.mute import TimeInterval, parse_time_interval
from watchman.notify.plan import Maintenance
from watchman.notify.route import Escalation, Route


def _check_matchers(text: str) -> str:
    parse_matchers(text)
    return text


def _check_interval(value: dict[str, Any]) -> dict[str, Any]:
    parse_time_interval(value)
    return value


def _label_text(value: Any) -> Any:
    """YAML reads 1 and true as what they look like; a label is text, as Alertmanager reads it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value) if isinstance(value, (int, float)) else value


def _without_nulls(data: Any) -> Any:
    """A key without a value is as good as left out."""
    return {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data


LabelText = Annotated[str, BeforeValidator(_label_text, json_schema_input_type=str)]
MatcherText = Annotated[str, AfterValidator(_check_matchers)]
IntervalMapping = Annotated[dict[str, Any], AfterValidator(_check_interval)]


class EscalationConfig(Section):
    """A further receiver, told of alerts that nobody has acknowledged so long after their first message."""

    after: PositiveDuration
    receiver: str


class RouteConfig(Section):
    """A node of the route tree. What a child leaves out it takes from its parent."""

    receiver: str | None = None
    group_by: list[str] | None = None
    group_wait: Duration | None = None
    group_interval: PositiveDuration | None = None
    repeat_interval: Durations | None = Field(None, description="one, or a ladder whose last step stays")
    matchers: list[MatcherText] = []
    match: dict[str, LabelText] = Field({}, description="old form of matchers")
    match_re: dict[str, LabelText] = Field({}, description="old form of matchers")
    continue_: bool = Field(False, alias="continue")
    mute_time_intervals: list[str] = []
    active_time_intervals: list[str] = []
    escalate: list[EscalationConfig] | None = None
    digest_only: bool | None = None
    routes: list[RouteConfig] = []

    _nulls = model_validator(mode="before")(_without_nulls)

    @field_validator("receiver", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return value or None


class InhibitRuleConfig(Section):
    """Alerts that match the target are muted while one that matches the source fires with the same `equal` labels."""

    name: str = ""
    source_matchers: list[MatcherText] = []
    source_match: dict[str, LabelText] = {}
    source_match_re: dict[str, LabelText] = {}
    target_matchers: list[MatcherText] = []
    target_match: dict[str, LabelText] = {}
    target_match_re: dict[str, LabelText] = {}
    equal: list[str] = []

    _nulls = model_validator(mode="before")(_without_nulls)


class TimeIntervalConfig(Section):
    """A named list of times, for mute_time_intervals and active_time_intervals of a route."""

    name: str = Field(min_length=1)
    time_intervals: list[IntervalMapping] = Field(min_length=1)


class MaintenanceConfig(Section):
    """A recurring window in which alerts that match all matchers are not told."""

    name: str = Field(min_length=1)
    matchers: list[MatcherText] = Field(min_length=1)
    time_intervals: list[IntervalMapping] = Field(min_length=1)


def to_maintenance(config: MaintenanceConfig) -> Maintenance:
    """One window in the words of the notification side."""
    intervals = tuple(parse_time_interval(mapping) for mapping in config.time_intervals)
    return Maintenance(config.name, to_matchers(config.matchers, {}, {}), intervals)


def to_route(config: RouteConfig) -> Route:
    """The route tree as the notification side walks it."""
    return Route(
        receiver=config.receiver,
        group_by=None if config.group_by is None else tuple(config.group_by),
        group_wait_s=config.group_wait,
        group_interval_s=config.group_interval,
        repeat_intervals_s=config.repeat_interval,
        matchers=to_matchers(config.matchers, config.match, config.match_re),
        continue_=config.continue_,
        mute_time_intervals=tuple(config.mute_time_intervals),
        active_time_intervals=tuple(config.active_time_intervals),
        routes=tuple(to_route(child) for child in config.routes),
        escalations=None if config.escalate is None else tuple(map(_to_escalation, config.escalate)),
        digest_only=config.digest_only,
    )


def _to_escalation(config: EscalationConfig) -> Escalation:
    return Escalation(config.after, config.receiver)


def to_inhibit_rule(config: InhibitRuleConfig) -> InhibitRule:
    """One inhibit rule in the words of the notification side."""
    return InhibitRule(
        source=to_matchers(config.source_matchers, config.source_match, config.source_match_re),
        target=to_matchers(config.target_matchers, config.target_match, config.target_match_re),
        equal=tuple(config.equal),
    )


def to_intervals(config: TimeIntervalConfig) -> tuple[TimeInterval, ...]:
    """The times of a named interval."""
    return tuple(parse_time_interval(mapping) for mapping in config.time_intervals)


def to_matchers(texts: list[str], match: dict[str, str], match_re: dict[str, str]) -> tuple[Matcher, ...]:
    """The old and the new form of matchers as one."""
    old = [make_matcher(name, Op.EQUAL, value) for name, value in match.items()]
    old_re = [make_matcher(name, Op.REGEX, value) for name, value in match_re.items()]
    return (*old, *old_re, *(matcher for text in texts for matcher in parse_matchers(text)))
