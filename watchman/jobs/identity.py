"""One alert, one identity: an alert of an own rule that comes back from outside carries the external labels.

So does one of the same rule that Prometheus evaluates too, if `external_labels` are those of Prometheus.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from watchman.alertmanager.model import TheirAlert
from watchman.book import rules_with_keys
from watchman.context import Context
from watchman.notify.message import ActiveAlert
from watchman.rules.builtin import BUILT_IN_GROUP
from watchman.series import fingerprint

OwnLabels = Callable[[Mapping[str, str]], Mapping[str, str]]
"""The labels an alert has here: without external labels where the alert is of an own rule."""


def own_labels(context: Context) -> OwnLabels:
    """For alerts that come from outside, by what own rules and their alerts are called now."""
    external = context.wiring.config.external_labels
    if not external:
        return lambda labels: labels
    groups = (*context.wiring.groups, BUILT_IN_GROUP)
    names = {rule.name for _, _, rule in rules_with_keys(groups) if not rule.record}
    known = {fingerprint({**external, **alert.labels}): alert.labels for alert in context.book.every_alert()}

    def here(labels: Mapping[str, str]) -> Mapping[str, str]:
        if labels.get("alertname") not in names:
            return labels
        bare = {name: text for name, text in labels.items() if external.get(name) != text}
        # A rule may set such a label itself; its alert is known by then.
        return known.get(fingerprint(labels), bare)

    return here


def listed_there(context: Context, alert: ActiveAlert) -> TheirAlert | None:
    """How the Alertmanagers list an alert; None if they do not."""
    listed = context.cluster.alerts or {}
    with_external = {**context.wiring.config.external_labels, **alert.labels}
    return listed.get(fingerprint(with_external)) or listed.get(alert.fingerprint)
