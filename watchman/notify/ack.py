"""Acknowledgement: somebody has seen an incident, so it need not be repeated or told to further people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watchman.notify.message import ActiveAlert

# A link carries the moment in whole milliseconds or less; two incidents of one alert never begin in the same second.
SAME_INCIDENT_S = 1.0


@dataclass(frozen=True, slots=True)
class Ack:
    """`by` has seen the incident of an alert that began firing at `fired_at`, and said so `at` (unix seconds).

    It stops repeats and escalation of that incident, for every receiver. The next incident of the same alert begins at
    another moment, so an acknowledgement is forgotten when its incident ends.
    """

    fingerprint: str
    fired_at: float
    by: str
    at: float


def ack_of(acks: Iterable[Ack], alert: ActiveAlert) -> Ack | None:
    """The acknowledgement of the incident an alert is in; None if nobody has seen it."""
    for ack in acks:
        if ack.fingerprint == alert.fingerprint and abs(ack.fired_at - alert.starts_at) < SAME_INCIDENT_S:
            return ack
    return None
