"""The routing as an alertmanager.yml says it: what amtool and Grafana read from the status. Holds no secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from watchman.durations import format_duration
from watchman.notify.plan import Routing
from watchman.notify.route import GROUP_BY_ALL, Node


def alertmanager_config(
    routing: Routing, time_intervals: Mapping[str, Sequence[Mapping[str, Any]]], resolve_timeout_s: float
) -> dict[str, Any]:
    """A configuration that Alertmanager accepts and that routes alike. `time_intervals` as they were written.

    Receivers have only their names: where messages go is nobody else's business. Waiting times that depend on the
    severity are left out.
    """
    config: dict[str, Any] = {
        "global": {"resolve_timeout": format_duration(resolve_timeout_s)},
        "route": _route(routing.root, None),
        "receivers": [{"name": name} for name in routing.receivers],
    }
    if routing.inhibit_rules:
        config["inhibit_rules"] = [
            {
                "source_matchers": [str(matcher) for matcher in rule.source],
                "target_matchers": [str(matcher) for matcher in rule.target],
                **({"equal": list(rule.equal)} if rule.equal else {}),
            }
            for rule in routing.inhibit_rules
        ]
    if time_intervals:
        config["time_intervals"] = [
            {"name": name, "time_intervals": [_interval(mapping) for mapping in mappings]}
            for name, mappings in time_intervals.items()
        ]
    return config


def _route(node: Node, parent: Node | None) -> dict[str, Any]:
    """What a route says itself; what it has from its parent is left out, as a person would."""
    route: dict[str, Any] = {}
    if parent is None or node.receiver != parent.receiver:
        route["receiver"] = node.receiver
    if parent is None or node.group_by != parent.group_by:
        route["group_by"] = [GROUP_BY_ALL] if GROUP_BY_ALL in node.group_by else list(node.group_by)
    if node.matchers:
        route["matchers"] = [str(matcher) for matcher in node.matchers]
    if node.continue_ and parent is not None:
        route["continue"] = True
    route |= {name: format_duration(seconds) for name, seconds in _times(node).items() if seconds}
    for name in ("mute_time_intervals", "active_time_intervals"):
        if getattr(node, name):
            route[name] = list(getattr(node, name))
    if node.children:
        route["routes"] = [_route(child, node) for child in node.children]
    return route


def _times(node: Node) -> dict[str, float | None]:
    ladder = node.repeat_intervals_s
    return {
        "group_wait": node.group_wait_s,
        "group_interval": node.group_interval_s,
        "repeat_interval": ladder[-1] if ladder else None,
    }


def _interval(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A time interval; minutes of the day, which YAML makes of an unquoted 22:00, are times again."""
    shown = dict(mapping)
    if shown.get("times"):
        shown["times"] = [{key: _clock(value) for key, value in part.items()} for part in shown["times"]]
    return shown


def _clock(value: Any) -> str:
    return f"{value // 60:02}:{value % 60:02}" if isinstance(value, int) else str(value)
