"""A small world for dispatch: alerts that live on a clock of ours, a log that is written as the store would."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from watchman.notify.dispatch import dispatch
from watchman.notify.message import ActiveAlert, Source
from watchman.notify.outbox import log_entry_from_json, log_entry_to_json
from watchman.notify.plan import DispatchState, LogKey, Notification, Plan, Receiver, Routing
from watchman.notify.route import Route, build_tree
from watchman.series import fingerprint

T0 = 1_763_700_000.0
BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def alert(
    name: str = "GridDown",
    severity: str = "warning",
    at: float = 0.0,
    end: float | None = None,
    source: Source = Source.RULES,
    annotations: dict[str, str] | None = None,
    **labels: str,
) -> ActiveAlert:
    """An alert that fires from T0 + `at` to T0 + `end`."""
    full = {"alertname": name, **({"severity": severity} if severity else {}), **labels}
    return ActiveAlert(
        fingerprint=fingerprint(full),
        labels=full,
        annotations=annotations or {"summary": name},
        starts_at=T0 + at,
        ends_at=None if end is None else T0 + end,
        source=source,
        since=T0 + at,
    )


def routing(route: Route | None = None, **fields: object) -> Routing:
    """Everything to one receiver, `phone`, unless said otherwise."""
    names = ("phone", "mail", "other")
    receivers = {name: Receiver(name) for name in names} | {"nobody": Receiver("nobody", destinations=0)}
    root = build_tree(route or Route(receiver="phone"))
    return replace(Routing(root, receivers, BERLIN), **fields)


@dataclass
class World:
    """Alerts by fingerprint, the log as JSON text, and what was sent. Times are seconds after T0."""

    routing: Routing = field(default_factory=routing)
    state: DispatchState = field(default_factory=DispatchState)
    alerts: dict[str, ActiveAlert] = field(default_factory=dict)
    log: dict[LogKey, str] = field(default_factory=dict)
    sent: list[tuple[float, Notification]] = field(default_factory=list)

    def put(self, *alerts: ActiveAlert) -> None:
        """Set or replace alerts."""
        self.alerts |= {one.fingerprint: one for one in alerts}

    def end(self, *alerts: ActiveAlert, at: float) -> None:
        """The alerts are over."""
        self.put(*(replace(one, ends_at=T0 + at) for one in alerts))

    def forget(self, *alerts: ActiveAlert) -> None:
        """Nobody remembers the alerts any more."""
        for one in alerts:
            self.alerts.pop(one.fingerprint, None)

    def run(self, at: float) -> Plan:
        """One dispatch; its log is written."""
        log = {key: log_entry_from_json(text) for key, text in self.log.items()}
        plan = dispatch(T0 + at, list(self.alerts.values()), self.routing, replace(self.state, log=log))
        for key, entry in plan.log.items():
            if entry is None:
                self.log.pop(key)
            else:
                self.log[key] = log_entry_to_json(entry)
        self.sent += [(at, notification) for notification in plan.notifications]
        return plan

    def run_until(self, start: float, end: float) -> None:
        """Dispatch at `start` and then whenever it asked to be run again, up to `end`."""
        at = start
        while at <= end:
            due = self.run(at).next_due
            if due is None:
                return
            assert due > T0 + at, "a dispatch that asks to run again at once would spin"
            at = due - T0

    def told(self) -> list[tuple[float, str]]:
        """When (whole seconds) and why something was sent."""
        return [(round(at), notification.reason.value) for at, notification in self.sent]
