"""Where alerts become messages: the daemon's own dispatch, its log and the incidents it remembers, on replayed time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from watchman.notify.dedup import LogEntry
from watchman.notify.dispatch import dispatch
from watchman.notify.flap import Span
from watchman.notify.message import ActiveAlert, Source
from watchman.notify.mute import Silence
from watchman.notify.plan import DispatchState, LogKey, Plan, Routing
from watchman.notify.render import Renderer
from watchman.replay.result import Incident, KeptBack, Told
from watchman.replay.track import NEVER, Track
from watchman.rules.alert import Alert, AlertState
from watchman.rules.engine import Evaluation
from watchman.series import LabelKey, fingerprint, label_key

AsActive = Callable[[Alert, Source], ActiveAlert | None]
"""An alert of a rule as the notification side sees it; None while it is pending."""
_MOMENT_S = 0.001


class History:
    """The incidents of the replay by alert, as the daemon's store has them."""

    def __init__(self) -> None:
        self._names: dict[LabelKey, str] = {}
        self._by_alert: dict[str, list[Incident]] = {}

    def name(self, alert: Alert) -> str:
        """The alert's fingerprint; made once, it is slow."""
        key = label_key(alert.labels)
        if key not in self._names:
            self._names[key] = fingerprint(alert.labels)
        return self._names[key]

    def open(self, alert: Alert, incident: Incident) -> None:
        """An alert began to fire."""
        self._by_alert.setdefault(self.name(alert), []).append(incident)

    def close(self, alert: Alert, resolved: float, ended: float) -> None:
        """Every open incident of the alert is over."""
        for incident in reversed(self._by_alert.get(self.name(alert), ())):
            if incident.resolved is not None:
                return
            incident.resolved, incident.ended = resolved, max(incident.pending, ended)

    def last_end(self, name: str, before: float) -> float | None:
        """When the alert's last incident of those that fired before `before` ended."""
        known = self._by_alert.get(name, [])
        index = bisect_left(known, before, key=lambda incident: incident.firing)
        if index == 0:
            return None
        last = known[index - 1]
        return last.firing if last.ended is None else last.ended

    def recent(self, name: str, since: float) -> list[Span]:
        """When an alert fired and when that ended, of incidents that fired or ended after `since`, by their start."""
        found: list[Span] = []
        for incident in reversed(self._by_alert.get(name, ())):
            if incident.firing <= since and incident.ended is not None and incident.ended <= since:
                break
            found.append((incident.firing, incident.ended))
        return found[::-1]


class Desk:
    """The notification side of one replay."""

    def __init__(
        self,
        routing: Routing,
        render: Renderer,
        as_active: AsActive,
        silences: Sequence[Silence] = (),
        *,
        is_away: bool = False,
    ) -> None:
        self.history = History()
        self.told: list[Told] = []
        self.kept_back: list[KeptBack] = []
        self.next_due = NEVER
        self._routing = routing
        self._render = render
        self._as_active = as_active
        self._silences = silences
        self._is_away = is_away
        self._log: dict[LogKey, LogEntry] = {}
        self._seen: set[tuple[str, str, float]] = set()

    def take_over(self, track: Track) -> list[Incident]:
        """The incidents of the alerts that fire before the first slot."""
        found = []
        for alert in track.alerts.values():
            if alert.state is AlertState.FIRING and alert.fired_at is not None:
                found.append(Incident(alert.labels, alert.active_at, alert.fired_at, alert.value, alert.annotations))
                self.history.open(alert, found[-1])
        return found

    def note(self, track: Track, evaluation: Evaluation) -> list[Incident]:
        """Write down what an evaluation began and ended; returns the incidents that are new."""
        ts = track.grid.at(track.number)
        for alert in evaluation.resolved:
            self.history.close(alert, ts, _first(alert.keep_since, ts))
        for alert in evaluation.dropped:
            self.history.close(alert, ts, ts)
        fresh = []
        for alert in evaluation.fired:
            fired_at = _first(alert.fired_at, ts)
            fresh.append(Incident(alert.labels, alert.active_at, fired_at, alert.value, track.texts.read(alert)))
            self.history.open(alert, fresh[-1])
        return fresh

    def dispatch(self, now: float, tracks: Iterable[Track]) -> None:
        """Decide what to tell at `now`, as the daemon does at the same moment."""
        alerts = [(track, alert) for track in tracks for alert in track.alerts.values()]
        plan = self._plan(now, [self._active(track, alert) for track, alert in alerts])
        named = _named(plan)
        if named:
            # Somebody will read texts and values: those of the last slot.
            plan = self._plan(now, [self._reread(track, alert, named, now) for track, alert in alerts])
        self._log = {key: entry for key, entry in {**self._log, **plan.log}.items() if entry is not None}
        self.told += [Told(one, self._render(one)) for one in plan.notifications]
        for held in plan.held:
            key = (held.fingerprint, held.receiver, held.alert.starts_at)
            if key not in self._seen:
                self._seen.add(key)
                self.kept_back.append(KeptBack(now, held))
        self.next_due = NEVER if plan.next_due is None else max(plan.next_due, now + _MOMENT_S)

    def _plan(self, now: float, alerts: Sequence[ActiveAlert | None]) -> Plan:
        state = DispatchState(
            log=self._log,
            silences=self._silences,
            last_end=self.history.last_end,
            recent=self.history.recent,
            is_away=self._is_away,
        )
        return dispatch(now, [alert for alert in alerts if alert is not None], self._routing, state)

    def _active(self, track: Track, alert: Alert) -> ActiveAlert | None:
        active = self._as_active(alert, Source.RULES)
        return None if active is None else replace(active, annotations=track.texts.unread(alert))

    def _reread(self, track: Track, alert: Alert, named: set[str], now: float) -> ActiveAlert | None:
        if self.history.name(alert) not in named:
            return self._active(track, alert)
        track.refresh(now)
        fresh = track.alerts.get(label_key(alert.labels), alert)
        active = self._as_active(fresh, Source.RULES)
        return None if active is None else replace(active, annotations=track.texts.read(fresh))


def _named(plan: Plan) -> set[str]:
    """The alerts whose texts go into a message now, or into the log for a message later."""
    told = [alert for one in plan.notifications for alert in (*one.firing, *one.resolved)]
    told += [alert for entry in plan.log.values() if entry is not None for alert in entry.told]
    return {alert.fingerprint for alert in told}


def _first(first: float | None, other: float) -> float:
    return other if first is None else first
