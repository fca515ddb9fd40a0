"""What the members of an Alertmanager cluster say of the alerts they hold, taken together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from watchman.alertmanager.client import Alertmanager, AlertmanagerError
from watchman.alertmanager.model import TheirAlert


@dataclass(frozen=True, slots=True)
class ClusterView:
    """The last look at all members. `errors`: what is wrong with those that do not answer, by URL; `failing_since`:
    since when (unix seconds).

    `alerts` are by the fingerprint they have there; None while no member has ever answered. Of a cluster that does not
    answer now the last answer stays. `down_since` is when the first look in vain was (unix seconds), None while at
    least one member answers, `looked_at` when the last answer came. `webhook_receivers` None: not known.
    """

    alerts: Mapping[str, TheirAlert] | None = None
    webhook_receivers: frozenset[str] | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    failing_since: Mapping[str, float] = field(default_factory=dict)
    down_since: float | None = None
    looked_at: float = 0.0


def look(members: Sequence[Alertmanager], before: ClusterView, now: float) -> ClusterView:
    """Ask every member at once. What one of them lists is there: they share what they hear only loosely."""
    if not members:
        return ClusterView()
    with ThreadPoolExecutor(len(members)) as threads:
        answers = list(threads.map(_ask, members))
    errors = {member.url: found for member, found in zip(members, answers, strict=True) if isinstance(found, str)}
    since = {url: before.failing_since.get(url, now) for url in errors}
    good = [found for found in answers if not isinstance(found, str)]
    if not good:
        down_since = now if before.down_since is None else before.down_since
        return replace(before, errors=errors, failing_since=since, down_since=down_since)
    alerts: dict[str, TheirAlert] = {}
    receivers: set[str] = set()
    for listed, posting in good:
        receivers |= posting
        for alert in listed:
            # One that a member holds back is held back: the others just do not know of the silence yet.
            if alert.fingerprint not in alerts or alert.held:
                alerts[alert.fingerprint] = alert
    return ClusterView(alerts, frozenset(receivers), errors, since, looked_at=now)


def _ask(member: Alertmanager) -> tuple[list[TheirAlert], frozenset[str]] | str:
    try:
        return member.alerts(), member.webhook_receivers()
    except AlertmanagerError as error:
        return str(error)
