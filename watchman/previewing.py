"""What a message about an alert would look like, without sending it: `watchman notify --preview`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial

from watchman.book import as_active
from watchman.errors import QueryError, UsageError
from watchman.notify.dedup import Reason
from watchman.notify.message import ActiveAlert, Message, Source
from watchman.notify.plan import Notification
from watchman.notify.route import Node, group_key, group_labels, match_routes
from watchman.rules.alert import Alert
from watchman.rules.engine import evaluate
from watchman.rules.expression import parse_expression
from watchman.rules.rule import Group, Rule
from watchman.rules.selectors import selectors
from watchman.series import Answer, Sample
from watchman.store import Store
from watchman.store.alerts import load_alerts
from watchman.wiring import Wiring

# A rule that does not fire is shown as if it had for so long.
_PRETENDED_S = 1200.0


@dataclass(frozen=True, slots=True)
class Preview:
    """One message as a receiver would get it. `what`: which of the alert's life it is."""

    receiver: str
    what: str
    message: Message


def preview(wiring: Wiring, store: Store, now: float, name: str, receiver: str = "") -> tuple[str, list[Preview]]:
    """Where the values come from, and the first and the last message about an alert or a rule of this name.

    Raises UsageError for a name that nobody knows and for a rule that cannot be evaluated.
    """
    alert = _current(store, name)
    source = "it fires now"
    if alert is None:
        alert, source = _pretended(wiring, now, name)
    found = [
        Preview(note.receiver, what, wiring.render(note))
        for node in _nodes(wiring, alert, receiver)
        for what, note in _notifications(node, alert, now, receiver)
    ]
    return source, found


def _current(store: Store, name: str) -> ActiveAlert | None:
    with store.begin() as connection:
        stored: list[Alert] = [alert for states in load_alerts(connection).values() for alert in states.values()]
    active = (as_active(alert, Source.RULES) for alert in stored)
    return next((alert for alert in active if alert and alert.firing and alert.name == name), None)


def _pretended(wiring: Wiring, now: float, name: str) -> tuple[ActiveAlert, str]:
    rules = {rule.name: (group, rule) for group in wiring.groups for rule in group.rules if not rule.record}
    if name not in rules:
        near = get_close_matches(name, rules, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "watchman rules lists them"
        raise UsageError(f"no rule and no firing alert is called {name}; {hint}")
    group, rule = rules[name]
    samples, source = _samples(wiring, rule, now)
    alert = _alert(wiring, group, rule, samples, now)
    began = now - max(rule.for_s, _PRETENDED_S)
    return replace(alert, since=began, starts_at=began + rule.for_s), source


def _samples(wiring: Wiring, rule: Rule, now: float) -> tuple[list[Sample], str]:
    """One element for the rule's texts: what its expression gives now, else a series it looks at, else nothing."""
    tree = parse_expression(rule.expr).tree
    looked_at = selectors(tree) if tree is not None else ()
    queries = [(rule.expr, "the rule's expression, now"), *((one, f"{one}, now") for one in looked_at)]
    for expr, source in queries:
        try:
            answer = wiring.prometheus.query(expr, now)
        except QueryError as error:
            return [Sample({}, 0.0)], f"none: Prometheus did not answer ({error})"
        if answer.samples:
            return answer.samples[:1], source
    return [Sample({}, 0.0)], "none: the rule's series are not there"


def _alert(wiring: Wiring, group: Group, rule: Rule, samples: list[Sample], now: float) -> ActiveAlert:
    expand = partial(wiring.expand, name=rule.name)
    done = evaluate(replace(rule, for_s=0.0), group, {}, Answer("vector", samples), now, expand, lambda *_: True)
    alerts = [as_active(alert, Source.RULES) for alert in done.alerts.values()]
    if not alerts or alerts[0] is None:
        raise UsageError(f"{rule.name} cannot be evaluated: {done.error}")
    return alerts[0]


def _nodes(wiring: Wiring, alert: ActiveAlert, receiver: str) -> list[Node]:
    if receiver and receiver not in wiring.destinations:
        raise UsageError(f'no receiver is called "{receiver}"; there is {", ".join(wiring.destinations)}')
    nodes = match_routes(wiring.routing.root, alert.labels)
    return nodes[:1] if receiver else nodes


def _notifications(node: Node, alert: ActiveAlert, now: float, receiver: str) -> Iterator[tuple[str, Notification]]:
    key, labels = group_key(node, alert.labels), group_labels(node, alert.labels)
    to, new = receiver or node.receiver, frozenset([alert.fingerprint])
    yield "first message", Notification(to, key, labels, Reason.FIRST, (alert,), (), new, now)
    over = replace(alert, ends_at=now)
    yield "when it is over", Notification(to, key, labels, Reason.ALL_RESOLVED, (), (over,), frozenset(), now)
