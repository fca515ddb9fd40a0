"""One rule on its way through the slots: evaluated where something can change, skipped where nothing can.

Between two turns of its series (`piece.turns`) and the ends of its own clocks (`for`, `keep_firing_for`, the quarter of
an hour a resolved alert is remembered) an evaluation changes nothing but values, so it is left out. What it would have
changed is made up for when somebody reads it: `refresh`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from watchman.errors import QueryError
from watchman.replay.grid import Grid
from watchman.replay.piece import Keep, Piece, Reader, occupied, turns
from watchman.replay.source import AWAY, Source
from watchman.replay.texts import Texts
from watchman.rules.alert import Alert, AlertState
from watchman.rules.engine import RESOLVED_RETENTION_S, Alerts, Evaluation, Present, evaluate
from watchman.rules.rule import Group, Rule
from watchman.series import Answer

NEVER = float("inf")
_TOLERANCE_S = 0.0005

MakePresent = Callable[[Rule], Present]
"""A `present` for one evaluation of a rule."""


@dataclass(slots=True)
class Track:
    """A rule, its answers, and its alerts after the slot `number` (-1 before the first).

    `keep` is the comparison that was taken off the expression of the source; None if nothing was. Evaluations before
    slot `count_from` lead up to the range and are not counted.
    """

    rule: Rule
    group: Group
    source: Source
    texts: Texts
    make_present: MakePresent
    max_elements: int
    keep: Keep | None = None
    alerts: Alerts = field(default_factory=dict)
    count_from: int = 0
    number: int = -1
    errors: int = 0
    away: int = 0
    first_error: str = ""
    last_error: str = ""
    health: str = "ok"
    _reader: Reader | None = None
    _turns: list[int] = field(default_factory=list)
    _timer: float = NEVER

    @property
    def grid(self) -> Grid:
        """The slots."""
        return self.source.grid

    def next_at(self) -> float:
        """The time of the next slot to look at; infinity after the last."""
        number = self._next()
        return self.grid.at(number) if number < self.grid.count else NEVER

    def step(self) -> Evaluation:
        """Evaluate at the next slot to look at."""
        return self._evaluate(self._next())

    def refresh(self, ts: float) -> None:
        """Evaluate at the last slot up to `ts`, so that values are those of then. Nothing else changes."""
        number = self.grid.last_before(ts)
        if self.number < number < self._next():
            self._evaluate(number)

    def finish(self, ts: float) -> int:
        """The number of evaluations up to `ts`, the last one's failure counted to the end."""
        number = max(self.number, self.grid.last_before(ts))
        self._count_errors(number + 1)
        return max(0, number + 1 - self.count_from)

    def _next(self) -> int:
        following = self.number + 1
        if self._reader is None or following > self._reader.piece.last:
            return following
        while self._turns and self._turns[-1] <= self.number:
            self._turns.pop()
        return int(min(self._turns[-1], max(following, self._timer)))

    def _evaluate(self, number: int) -> Evaluation:
        self._count_errors(number)
        ts = self.grid.at(number)
        outcome = self._answer(number)
        rule, before = self.texts.rule, self.alerts
        present = self.make_present(rule) if rule.on_vanished != "resolve" else _never_asked
        done = evaluate(rule, self.group, before, outcome, ts, self.texts.expand, present)
        self.alerts, self.number, self.health = done.alerts, number, done.health
        if done.error:
            self.last_error = done.error
            self._count_error(int(number >= self.count_from))
        self._timer = self._timer_after(ts, done, before)
        return done

    def _count_errors(self, number: int) -> None:
        """What was skipped fared as the slot before it."""
        if self.health != "ok":
            self._count_error(max(0, number - max(self.number + 1, self.count_from)))

    def _count_error(self, slots: int) -> None:
        self.errors += slots
        if self.last_error == AWAY:
            self.away += slots
        elif slots:
            self.first_error = self.first_error or self.last_error

    def _answer(self, number: int) -> Answer | QueryError:
        if self._reader is None or self._reader.piece.last < number:
            self._take(self.source.piece_at(number))
        assert self._reader is not None
        answer = self._reader.answer(number)
        if isinstance(answer, Answer) and len(answer.samples) > self.max_elements:
            text = f"the expression gives {len(answer.samples)} elements, more than max_elements_per_rule"
            mend = "aggregate or narrow it, or raise the limit"
            return QueryError(f"{text} ({self.max_elements}): {mend}", "bad_query")
        return answer

    def _take(self, piece: Piece) -> None:
        if self.keep is not None:
            piece = piece.where(self.keep)
        self._reader = Reader(piece)
        # With a template in a label every value is an alert of its own: nothing can be skipped.
        templated = any("{{" in text for text in self.rule.labels.values())
        looked_at = turns(piece) | occupied(piece) if templated else turns(piece)
        self._turns = sorted(looked_at, reverse=True)

    def _timer_after(self, ts: float, done: Evaluation, before: Alerts) -> float:
        """The number of the slot at which a clock of an alert runs out, or an earlier one."""
        if done.health != "ok" and before and not done.alerts:
            return self.number + 1  # a limit threw them away; without them there may be room again
        if done.health != "ok" and self.rule.on_error != "fire":
            return NEVER
        due = min((self._due(alert, ts) for alert in done.alerts.values()), default=NEVER)
        return self.grid.first_after(due) if due < NEVER else NEVER

    def _due(self, alert: Alert, ts: float) -> float:
        if alert.held:
            return ts
        at = NEVER
        if alert.state is AlertState.PENDING:
            at = alert.active_at + self.rule.for_s
        elif alert.state is AlertState.INACTIVE and alert.resolved_at is not None:
            at = alert.resolved_at + RESOLVED_RETENTION_S + _TOLERANCE_S
        elif alert.keep_since is not None:
            at = alert.keep_since + self.rule.keep_firing_for_s
        return at if at > ts else NEVER


def _never_asked(_labels: Mapping[str, str], _since: float, _ts: float) -> bool:
    return True
