"""Alertmanager's grammar for routes, inhibit rules and time intervals, as it stands in an alertmanager.yml."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from watchman.config.types import PositiveDuration, Section


class RouteConfig(Section):
    """A node of the route tree. What a child leaves out it takes from its parent."""

    receiver: str | None = None
    group_by: list[str] | None = None
    group_wait: PositiveDuration | None = None
    group_interval: PositiveDuration | None = None
    repeat_interval: PositiveDuration | None = None
    matchers: list[str] = []
    match: dict[str, str] = Field({}, description="old form of matchers")
    match_re: dict[str, str] = Field({}, description="old form of matchers")
    continue_: bool = Field(False, alias="continue")
    mute_time_intervals: list[str] = []
    active_time_intervals: list[str] = []
    routes: list[RouteConfig] = []


class InhibitRule(Section):
    """Alerts that match the target are muted while one that matches the source fires with the same `equal` labels."""

    name: str = ""
    source_matchers: list[str] = []
    source_match: dict[str, str] = {}
    source_match_re: dict[str, str] = {}
    target_matchers: list[str] = []
    target_match: dict[str, str] = {}
    target_match_re: dict[str, str] = {}
    equal: list[str] = []


class TimeIntervalConfig(Section):
    """A named list of times, for mute_time_intervals and active_time_intervals of a route."""

    name: str = Field(min_length=1)
    time_intervals: list[dict[str, Any]]


def all_matchers(matchers: list[str], match: dict[str, str], match_re: dict[str, str]) -> list[str]:
    """The old and the new form of matchers as one list in the new form."""
    old = [f"{name}={_quote(value)}" for name, value in match.items()]
    old_re = [f"{name}=~{_quote(value)}" for name, value in match_re.items()]
    return [*old, *old_re, *matchers]


def _quote(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
