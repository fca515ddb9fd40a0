"""Who else hears of an alert: by escalation, and while nobody is at home."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from watchman.notify.dedup import LogEntry
from watchman.notify.group import Batch, join
from watchman.notify.hold import Gate
from watchman.notify.message import ActiveAlert
from watchman.notify.plan import LogKey, Routing
from watchman.notify.route import Node
from watchman.notify.severity import severity_of


def away_nodes(alert: ActiveAlert, nodes: list[Node], routing: Routing) -> list[Node]:
    """The routes by which further people hear of an alert while nobody is at home; none it reaches anyway."""
    if not nodes or severity_of(alert.labels) not in routing.away.severities:
        return []
    known = {node.receiver for node in nodes}
    return [further(nodes[0], name, "/away") for name in routing.away.also_tell if name not in known]


def escalation_nodes(nodes: list[Node]) -> list[Node]:
    """The routes alerts take when nobody acknowledges them, one for each step."""
    return [node for own in nodes for _, node in _steps(own)]


def further(node: Node, receiver: str, mark: str) -> Node:
    """The node by which somebody else hears of the alerts of a route; `mark` sets its groups apart."""
    return replace(node, key=f"{node.key}{mark}", receiver=receiver, escalations=(), children=(), digest_only=False)


def escalate(batches: dict[LogKey, Batch], gate: Gate) -> None:
    """Put alerts that nobody has acknowledged in time into the groups of further receivers."""
    for batch in list(batches.values()):
        for after_s, node in _steps(batch.node):
            for name, alert in batch.firing.items():
                told_at = batch.told_at.get(name)
                if told_at is not None and told_at + after_s <= gate.now and not gate.is_acknowledged(alert):
                    join(batches, node, alert)


def escalations_due(batch: Batch, entry: LogEntry | None, now: float) -> Iterator[float]:
    """When further receivers will be told, if nobody acknowledges. `entry`: what the log says of the group now."""
    for after_s, _ in _steps(batch.node):
        for told_at in entry.told_at.values() if entry else ():
            if told_at + after_s > now:
                yield told_at + after_s


def _steps(node: Node | None) -> Iterator[tuple[float, Node]]:
    for number, step in enumerate(node.escalations if node else (), 1):
        if node and step.receiver != node.receiver:
            yield step.after_s, further(node, step.receiver, f"/escalation {number}")
