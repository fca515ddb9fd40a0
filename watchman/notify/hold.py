"""Why an alert is kept back: one question per reason, asked in Alertmanager's order."""

from __future__ import annotations

import math
from dataclasses import dataclass

from watchman.notify.ack import ack_of
from watchman.notify.inhibit import Inhibitor, make_inhibitor
from watchman.notify.message import ActiveAlert, Source
from watchman.notify.mute import any_contains, silenced_by
from watchman.notify.news import is_news
from watchman.notify.plan import AlertStatus, DispatchState, HoldReason, Routing
from watchman.notify.route import Node
from watchman.notify.severity import INFO, severity_of

_OWN = (Source.RULES, Source.WATCHMAN)


@dataclass(frozen=True, slots=True)
class Hold:
    """One reason, and when it is known to end (unix seconds)."""

    reason: HoldReason
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Gate:
    """Everything that can keep an alert back at one instant."""

    now: float
    routing: Routing
    state: DispatchState
    inhibited_by: Inhibitor

    def told(self, alert: ActiveAlert, node: Node | None) -> Hold | None:
        """What keeps back further word on an alert the receiver knows of; None if nothing does."""
        if self.inhibited_by(alert.labels):
            return Hold(HoldReason.INHIBITED)
        return (node and self._by_time(node)) or self._silenced(alert)

    def untold(self, alert: ActiveAlert, node: Node) -> Hold | None:
        """What keeps back the first word on an alert; None if nothing does."""
        receiver = self.routing.receivers.get(node.receiver)
        if receiver is None or receiver.destinations == 0:
            return Hold(HoldReason.NO_DESTINATION)
        if severity_of(alert.labels) == INFO and alert.source in _OWN and not node.selects_info:
            return Hold(HoldReason.DIGEST_ONLY)
        if not is_news(alert, self.state.last_end):
            return Hold(HoldReason.NEWS_AFTER)
        return self.told(alert, node)

    def is_acknowledged(self, alert: ActiveAlert) -> bool:
        """True if somebody has seen this incident."""
        return ack_of(self.state.acks, alert) is not None

    def status(self, alert: ActiveAlert, nodes: list[Node]) -> AlertStatus:
        """All that keeps an alert back, for the API."""
        muted = [name for node in nodes for name in self._muting_intervals(node)]
        ack = ack_of(self.state.acks, alert)
        return AlertStatus(
            receivers=tuple(dict.fromkeys(node.receiver for node in nodes)),
            silenced_by=tuple(one.id for one in silenced_by(self.state.silences, alert.labels, self.now)),
            inhibited_by=self.inhibited_by(alert.labels),
            muted_by=tuple(dict.fromkeys(muted)),
            acknowledged_by=ack.by if ack else "",
        )

    def _silenced(self, alert: ActiveAlert) -> Hold | None:
        silences = silenced_by(self.state.silences, alert.labels, self.now)
        return Hold(HoldReason.SILENCED, max(silence.ends_at for silence in silences)) if silences else None

    def _by_time(self, node: Node) -> Hold | None:
        if not self._muting_intervals(node):
            return None
        reason = HoldReason.INACTIVE if self._inactive(node) else HoldReason.MUTED
        # Intervals change on full minutes only.
        return Hold(reason, (math.floor(self.now / 60) + 1) * 60.0)

    def _muting_intervals(self, node: Node) -> tuple[str, ...]:
        if self._inactive(node):
            return node.active_time_intervals
        return tuple(name for name in node.mute_time_intervals if self._inside(name))

    def _inactive(self, node: Node) -> bool:
        names = node.active_time_intervals
        return bool(names) and not any(self._inside(name) for name in names)

    def _inside(self, name: str) -> bool:
        return any_contains(self.routing.time_intervals.get(name, ()), self.now, self.routing.zone)


def make_gate(now: float, firing: list[ActiveAlert], routing: Routing, state: DispatchState) -> Gate:
    """The gate at `now`; every firing alert, told or not, can inhibit."""
    return Gate(now, routing, state, make_inhibitor(routing.inhibit_rules, firing))
