"""Keeps every member of an Alertmanager cluster told: batches, external labels, and the one bad alert found.

Members share what they hear only loosely, so each is told everything. What one does not take now it is told again at
the next sync; who is to be told what, and when again, the caller decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from watchman.alertmanager.client import Alertmanager, AlertmanagerError
from watchman.alertmanager.model import PostableAlert

BATCH = 256
# With these the fault is in what was sent: a schema fault (422, 400) or an alert the server does not like (400).
_CONTENT_REFUSED = (400, 422)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One alert a member does not take, and its reason."""

    labels: Mapping[str, str]
    error: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one member took. `error` is empty if it could be told everything; refused alerts are told in `refused`."""

    url: str
    accepted: int
    refused: tuple[Refusal, ...] = ()
    error: str = ""

    @property
    def ok(self) -> bool:
        """True if this member knows all it should."""
        return not self.error and not self.refused


def forward(
    members: Sequence[Alertmanager], alerts: Sequence[PostableAlert], external_labels: Mapping[str, str]
) -> list[Outcome]:
    """Tells all members at once; one outcome per member, in their order. Raises nothing of theirs.

    External labels are added where an alert has no such label itself, as Prometheus does.
    """
    if not members:
        return []
    told = [replace(alert, labels={**external_labels, **alert.labels}) for alert in alerts]
    with ThreadPoolExecutor(len(members)) as threads:
        return list(threads.map(lambda member: _tell(member, told), members))


def _tell(member: Alertmanager, alerts: Sequence[PostableAlert]) -> Outcome:
    refused: list[Refusal] = []
    done = 0
    try:
        for start in range(0, len(alerts), BATCH):
            batch = alerts[start : start + BATCH]
            refused += _post(member, batch)
            done += len(batch)
    except AlertmanagerError as exc:
        return Outcome(member.url, done - len(refused), tuple(refused), str(exc))
    return Outcome(member.url, done - len(refused), tuple(refused))


def _post(member: Alertmanager, alerts: Sequence[PostableAlert]) -> list[Refusal]:
    """Posts a batch; where its content is refused, both halves again, down to the alert that is to blame.

    Repeating what was taken already is harmless: an alert is known by its labels.
    """
    try:
        member.post(alerts)
    except AlertmanagerError as exc:
        if exc.status not in _CONTENT_REFUSED:
            raise
        if len(alerts) == 1:
            return [Refusal(alerts[0].labels, str(exc))]
        middle = len(alerts) // 2
        return _post(member, alerts[:middle]) + _post(member, alerts[middle:])
    return []
