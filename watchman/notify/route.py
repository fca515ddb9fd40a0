"""The route tree, as Alertmanager walks it: depth first, the first match ends the search unless it says `continue`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from watchman.notify.matchers import Matcher, Op, all_match, matchers_text
from watchman.notify.severity import INFO

GROUP_BY_ALL = "..."
DEFAULT_GROUP_BY = ("alertname", "host", "sn")
DEFAULT_GROUP_INTERVAL_S = 300.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who else is told of an alert that nobody has acknowledged so long after its first message."""

    after_s: float
    receiver: str


@dataclass(frozen=True, slots=True)
class Route:
    """A route as written. None means: as the parent has it. `repeat_intervals_s` is a ladder whose last step stays."""

    receiver: str | None = None
    group_by: tuple[str, ...] | None = None
    group_wait_s: float | None = None
    group_interval_s: float | None = None
    repeat_intervals_s: tuple[float, ...] | None = None
    matchers: tuple[Matcher, ...] = ()
    continue_: bool = False
    mute_time_intervals: tuple[str, ...] = ()
    active_time_intervals: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()
    escalations: tuple[Escalation, ...] | None = None
    digest_only: bool | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A route with everything inherited. Where None is left the severity of the alerts decides.

    `key` names the route in group keys as Alertmanager does; a route that would share it gets `#2` and so on.
    `selects_info` is true where a route below the root asks for severity info by name.
    """

    key: str
    receiver: str
    group_by: tuple[str, ...]
    group_wait_s: float | None
    group_interval_s: float | None
    repeat_intervals_s: tuple[float, ...] | None
    matchers: tuple[Matcher, ...]
    continue_: bool
    mute_time_intervals: tuple[str, ...]
    active_time_intervals: tuple[str, ...]
    selects_info: bool
    children: tuple[Node, ...]
    escalations: tuple[Escalation, ...] = ()
    digest_only: bool = False


def build_tree(root: Route) -> Node:
    """The tree with inherited values; the root must name a receiver (ValueError)."""
    if not root.receiver:
        raise ValueError("the root route needs a receiver")
    return _build(root, None, "{}", set())


def match_routes(node: Node, labels: Mapping[str, str]) -> list[Node]:
    """The routes an alert takes; empty only if it is not for this node."""
    if not all_match(node.matchers, labels):
        return []
    found: list[Node] = []
    for child in node.children:
        below = match_routes(child, labels)
        found += below
        if below and not child.continue_:
            break
    return found or [node]


def group_labels(node: Node, labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that make the group of an alert; a label it lacks is left out."""
    if GROUP_BY_ALL in node.group_by:
        return dict(labels)
    return {name: labels[name] for name in node.group_by if name in labels}


def group_key(node: Node, labels: Mapping[str, str]) -> str:
    """`{}/{matchers}:{labels}`: stable as long as the route is."""
    own = [Matcher(name, Op.EQUAL, value) for name, value in group_labels(node, labels).items()]
    return f"{node.key}:{matchers_text(own)}"


def _build(route: Route, parent: Node | None, key: str, taken: set[str]) -> Node:
    node = Node(
        key=_unique(key, taken),
        receiver=route.receiver or (parent.receiver if parent else ""),
        group_by=_inherit(route.group_by, parent.group_by if parent else DEFAULT_GROUP_BY),
        group_wait_s=_inherit(route.group_wait_s, parent.group_wait_s if parent else None),
        group_interval_s=_inherit(route.group_interval_s, parent.group_interval_s if parent else None),
        repeat_intervals_s=_inherit(route.repeat_intervals_s, parent.repeat_intervals_s if parent else None),
        matchers=route.matchers if parent else (),
        continue_=route.continue_,
        # Alertmanager does not inherit these: a child states its own times.
        mute_time_intervals=route.mute_time_intervals,
        active_time_intervals=route.active_time_intervals,
        selects_info=parent is not None and (parent.selects_info or _selects_info(route)),
        children=(),
        escalations=_inherit(route.escalations, parent.escalations if parent else ()),
        digest_only=_inherit(route.digest_only, parent.digest_only if parent else False),
    )
    children = (_build(child, node, f"{node.key}/{matchers_text(child.matchers)}", taken) for child in route.routes)
    return replace(node, children=tuple(children))


def _inherit(own: T | None, inherited: T) -> T:
    return inherited if own is None else own


def _selects_info(route: Route) -> bool:
    return any(
        matcher.name == "severity" and matcher.op in (Op.EQUAL, Op.REGEX) and matcher.matches({"severity": INFO})
        for matcher in route.matchers
    )


def _unique(key: str, taken: set[str]) -> str:
    name, number = key, 1
    while name in taken:
        number += 1
        name = f"{key}#{number}"
    taken.add(name)
    return name
