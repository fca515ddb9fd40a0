"""Names that must exist, and what a route may hold where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from watchman.config.model import Config
from watchman.config.routing import RouteConfig
from watchman.config.yamltree import Path as KeyPath

Problem = tuple[KeyPath, str]
"""Where in the file, and what is wrong there."""


def check_names(config: Config) -> Iterator[Problem]:
    """Names that are given twice, and receivers that do not exist."""
    receivers = [receiver.name for receiver in config.receivers]
    yield from _repeated(receivers, "receivers", "receiver")
    yield from _repeated([report.name for report in config.reports], "reports", "report")
    named = [*config.time_intervals, *config.mute_time_intervals]
    yield from _repeated([interval.name for interval in named], "time_intervals", "time interval")
    yield from _repeated([window.name for window in config.maintenance], "maintenance", "maintenance window")
    for key in ("also_tell", "receivers"):
        for index, name in enumerate(getattr(config.away, key)):
            if name not in receivers:
                yield ("away", key, index), _unknown("receiver", name, receivers)
    for index, report in enumerate(config.reports):
        for number, name in enumerate(report.receivers):
            if name not in receivers:
                yield ("reports", index, "receivers", number), _unknown("receiver", name, receivers)


def _repeated(names: list[str], section: str, what: str) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield (section, index, "name"), f'{what} "{name}" is given twice'


def check_fallbacks(config: Config) -> Iterator[Problem]:
    """Receivers that stand in for others must be there, be able to tell somebody, and not lead in a circle."""
    fallbacks = {receiver.name: receiver.fallback for receiver in config.receivers}
    empty = {receiver.name for receiver in config.receivers if not receiver.apprise}
    for index, receiver in enumerate(config.receivers):
        path = ("receivers", index, "fallback")
        if receiver.fallback is None:
            continue
        if receiver.fallback not in fallbacks:
            yield path, _unknown("receiver", receiver.fallback, list(fallbacks))
        elif receiver.fallback in empty:
            yield path, f'receiver "{receiver.fallback}" has no apprise URL: nobody would be told'
        elif _leads_back(receiver.name, fallbacks):
            yield path, "the fallbacks lead back to this receiver: a message would go round for ever"


def _leads_back(name: str, fallbacks: Mapping[str, str | None]) -> bool:
    seen, at = set[str](), fallbacks[name]
    while at is not None and at not in seen:
        if at == name:
            return True
        seen.add(at)
        at = fallbacks.get(at)
    return False


def check_route(config: Config, route: RouteConfig, path: KeyPath) -> Iterator[Problem]:
    """Everything about a route and its children that cannot be seen in one key alone."""
    receivers = [receiver.name for receiver in config.receivers]
    intervals = [interval.name for interval in (*config.time_intervals, *config.mute_time_intervals)]
    if path == ("route",):
        yield from _check_root(route, path)
    yield from _check_group_by(route, path)
    if route.receiver is not None and route.receiver not in receivers:
        yield (*path, "receiver"), _unknown("receiver", route.receiver, receivers)
    for index, step in enumerate(route.escalate or []):
        if step.receiver not in receivers:
            yield (*path, "escalate", index, "receiver"), _unknown("receiver", step.receiver, receivers)
    for key in ("mute_time_intervals", "active_time_intervals"):
        for index, name in enumerate(getattr(route, key)):
            if name not in intervals:
                yield (*path, key, index), _unknown("time interval", name, intervals)
    for index, child in enumerate(route.routes):
        yield from check_route(config, child, (*path, "routes", index))


def _check_root(route: RouteConfig, path: KeyPath) -> Iterator[Problem]:
    if route.receiver is None:
        yield path, "the root route needs a receiver"
    if route.matchers or route.match or route.match_re:
        yield path, "the root route must not have matchers: it takes every alert"
    if route.mute_time_intervals or route.active_time_intervals:
        yield path, "the root route must not have time intervals; put them on a child, or set a receiver's quiet_hours"
    if route.continue_:
        yield path, "the root route must not have continue: nothing comes after it"


def _check_group_by(route: RouteConfig, path: KeyPath) -> Iterator[Problem]:
    names = route.group_by or []
    if "..." in names and len(names) > 1:
        yield (*path, "group_by"), "'...' means every label and stands alone"
    for index, name in enumerate(names):
        if name in names[:index]:
            yield (*path, "group_by", index), f'label "{name}" is given twice'


def _unknown(what: str, name: str, known: list[str]) -> str:
    return f'no {what} is called "{name}"; there is {", ".join(known) or "none"}'
