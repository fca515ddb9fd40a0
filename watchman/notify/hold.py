"""Why an alert is kept back: one question per reason, Alertmanager's in its order, then watchman's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from watchman.notify.ack import ack_of
from watchman.notify.flap import flaps_until
from watchman.notify.inhibit import Inhibitor, make_inhibitor
from watchman.notify.matchers import all_match
from watchman.notify.message import ActiveAlert, Source
from watchman.notify.mute import any_contains, silenced_by
from watchman.notify.news import is_news
from watchman.notify.plan import AlertStatus, DispatchState, HoldReason, Maintenance, Routing
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

    def told(self, alert: ActiveAlert, node: Node | None, receiver: str) -> Hold | None:
        """What keeps back further word on an alert the receiver knows of; None if nothing does."""
        if self.inhibited_by(alert.labels):
            return Hold(HoldReason.INHIBITED)
        return (
            (node and self._by_time(node))
            or self._silenced(alert)
            or self._maintained(alert)
            or self._quiet(alert, receiver)
        )

    def untold(self, alert: ActiveAlert, node: Node) -> Hold | None:
        """What keeps back the first word on an alert; None if nothing does."""
        receiver = self.routing.receivers.get(node.receiver)
        if receiver is None or receiver.destinations == 0:
            return Hold(HoldReason.NO_DESTINATION)
        is_info = severity_of(alert.labels) == INFO and alert.source in _OWN and not node.selects_info
        if is_info or receiver.digest_only or node.digest_only:
            return Hold(HoldReason.DIGEST_ONLY)
        if not is_news(alert, self.state.last_end):
            return Hold(HoldReason.NEWS_AFTER)
        return self.told(alert, node, node.receiver)

    def flaps_until(self, fingerprint: str, *, known: bool) -> float | None:
        """When a flapping alert is calm at the earliest (unix seconds); None if it does not flap."""
        flapping = self.routing.flapping
        if flapping is None:
            return None
        spans = self.state.recent(fingerprint, self.now - flapping.within_s)
        return flaps_until(flapping, spans, self.now, known=known)

    def quiet_until(self, receiver: str) -> float | None:
        """When the receiver's quiet hours end that hold now; None if none hold."""
        known = self.routing.receivers.get(receiver)
        return known.quiet_hours.until(self.now, self.routing.zone) if known and known.quiet_hours else None

    def is_acknowledged(self, alert: ActiveAlert) -> bool:
        """True if somebody has seen this incident."""
        return ack_of(self.state.acks, alert) is not None

    def status(self, alert: ActiveAlert, nodes: Sequence[Node]) -> AlertStatus:
        """All that keeps an alert back, for the API."""
        muted = [name for node in nodes for name in self._muting_intervals(node)]
        muted += [window.name for window in self._windows(alert)]
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
        return Hold(HoldReason.INACTIVE if self._inactive(node) else HoldReason.MUTED, self._next_minute())

    def _maintained(self, alert: ActiveAlert) -> Hold | None:
        return Hold(HoldReason.MAINTENANCE, self._next_minute()) if self._windows(alert) else None

    def _quiet(self, alert: ActiveAlert, receiver: str) -> Hold | None:
        until, known = self.quiet_until(receiver), self.routing.receivers.get(receiver)
        if until is None or known is None or known.quiet_hours is None:
            return None
        passes = severity_of(alert.labels) in known.quiet_hours.passes
        return None if passes else Hold(HoldReason.QUIET_HOURS, until)

    def _windows(self, alert: ActiveAlert) -> list[Maintenance]:
        return [
            window
            for window in self.routing.maintenance
            if all_match(window.matchers, alert.labels) and any_contains(window.intervals, self.now, self.routing.zone)
        ]

    def _next_minute(self) -> float:
        """Intervals change on full minutes only."""
        return (math.floor(self.now / 60) + 1) * 60.0

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
