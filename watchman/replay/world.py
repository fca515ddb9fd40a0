"""One daemon that never was: its rules and its notification side, taken from slot to slot."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from watchman.replay.desk import Desk
from watchman.replay.result import Incident, RuleReplay
from watchman.replay.track import NEVER, Track
from watchman.rules.alert import AlertState
from watchman.rules.engine import Alerts, Evaluation


@dataclass(slots=True)
class _Life:
    """What became of the alerts of one rule."""

    incidents: list[Incident] = field(default_factory=list)
    false_starts: int = 0


class World:
    """Tracks in file order, and the desk their alerts come to. What happens at one instant is done together."""

    def __init__(self, tracks: Sequence[Track], desk: Desk) -> None:
        self.tracks = tracks
        self.desk = desk
        self._lives = [_Life(desk.take_over(track)) for track in tracks]
        self._heap = [(track.next_at(), index) for index, track in enumerate(tracks)]
        heapq.heapify(self._heap)

    def next_at(self) -> float:
        """When something happens next; infinity: nothing any more."""
        slot = self._heap[0][0] if self._heap else NEVER
        return min(slot, self.desk.next_due)

    def run(self, ts: float) -> None:
        """Do what is due at `ts`: evaluate, then tell if an alert changed or the desk wanted to be asked."""
        wanted = self.desk.next_due <= ts
        while self._heap and self._heap[0][0] <= ts:
            _, index = self._heap[0]
            track = self.tracks[index]
            before = track.alerts
            done = track.step()
            wanted |= done.changed
            if done.changed:
                self._note(index, track, done, before)
            heapq.heapreplace(self._heap, (track.next_at(), index))
        if wanted:
            self.desk.dispatch(ts, self.tracks)

    def results(self, start: float, reached: float) -> tuple[RuleReplay, ...]:
        """What every rule did in [start, reached]."""
        return tuple(
            self._result(track, life, start, reached) for track, life in zip(self.tracks, self._lives, strict=True)
        )

    def _note(self, index: int, track: Track, done: Evaluation, before: Alerts) -> None:
        life = self._lives[index]
        life.incidents += self.desk.note(track, done)
        life.false_starts += sum(
            alert.state is AlertState.PENDING and key not in done.alerts for key, alert in before.items()
        )

    def _result(self, track: Track, life: _Life, start: float, reached: float) -> RuleReplay:
        evaluations = track.finish(reached)
        return RuleReplay(
            group=track.group,
            rule=track.rule,
            evaluations=evaluations,
            errors=track.errors,
            away=track.away,
            first_error=track.first_error,
            incidents=tuple(one for one in life.incidents if one.resolved is None or one.resolved >= start),
            false_starts=life.false_starts,
            notes=tuple(track.source.notes),
        )
