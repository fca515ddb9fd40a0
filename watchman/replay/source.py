"""The answers to one expression at all slots of a grid, fetched piece by piece: the range query behind a rule.

A range query is the same as the many instant queries of a running daemon, with three exceptions that are made up for:

* one step that fails fails the whole range: halves are asked until the steps that fail are known,
* `@ start()` and `@ end()` mean the range: such an expression is asked slot by slot,
* a range may be too large for the server or for this process: it is asked in smaller pieces from then on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from watchman.errors import QueryError
from watchman.replay.grid import Grid
from watchman.replay.piece import Piece, cut, read_piece
from watchman.series import LabelKey, Labels, Matrix, Pair, Query, label_key

RangeQuery = Callable[[str, float, float, float], Matrix]
"""`range_query(expression, start, end, step_s)`; raises QueryError."""

AWAY = "Prometheus was away: it recorded nothing"
MAX_STEPS = 11_000
"""Prometheus refuses a range query with more."""
MAX_POINTS = 200_000
"""What one piece may hold: some 40 MB as Python objects."""
MAX_FAILURES = 2_000
"""So many queries may fail before steps are no longer told apart."""
_TOLERANCE_S = 0.0005
_SINGLY = 250
"""Slots of a piece that is asked one by one."""

_OF_THE_RANGE = re.compile(r"@\s*(start|end)\s*\(", re.IGNORECASE)
# Prometheus' words for a query that is too large for it; a smaller range may do.
_TOO_LARGE = ("too many samples", "maximum resolution", "answered more than", "did not answer within")
# What is wrong with the text itself is wrong at every step.
_OF_THE_TEXT = ("parse error", "invalid expression type")


@dataclass(slots=True)
class Source:
    """Pieces in ascending order. `shift_s` is the group's query offset: slots are asked for so much earlier.

    `away` are times [start, end) in which Prometheus itself recorded nothing: the daemon got no answer then.
    `tell` is called with the slots that a new piece brings.
    """

    expr: str
    grid: Grid
    shift_s: float
    range_query: RangeQuery
    query: Query
    away: Sequence[tuple[float, float]] = ()
    tell: Callable[[int], None] = lambda _slots: None
    notes: list[str] = field(default_factory=list)
    _piece: Piece | None = None
    _waiting: list[tuple[int, int]] = field(default_factory=list)
    _steps: int = MAX_STEPS
    _failures: int = 0

    def piece_at(self, number: int) -> Piece:
        """The piece that holds a slot; asked for slots that never go back by more than a piece."""
        while self._piece is None or self._piece.last < number:
            self._piece = self._next()
            self.tell(self._piece.last - self._piece.first + 1)
        return self._piece

    def _asked_at(self, number: int) -> float:
        return round(self.grid.at(number) - self.shift_s, 3)

    def _next(self) -> Piece:
        if not self._waiting:
            first = 0 if self._piece is None else self._piece.last + 1
            self._waiting.append((first, min(first + self._steps, self.grid.count) - 1))
        first, last = self._waiting.pop()
        hole = self._hole_in(first, last)
        if hole is None:
            return self._fetched(first, last)
        if hole[0] > first:
            self._waiting.append((hole[0], last))
            return self._fetched(first, hole[0] - 1)
        if hole[1] < last:
            self._waiting.append((hole[1] + 1, last))
        return Piece(first, hole[1], outcome=QueryError(AWAY, "connect"))

    def _hole_in(self, first: int, last: int) -> tuple[int, int] | None:
        """The first slots of [first, last] at which Prometheus was away."""
        for began, ended in self.away:
            low = max(first, self._number_at(began))
            high = min(last, self._number_at(ended) - 1)
            if low <= high:
                return low, high
        return None

    def _number_at(self, ts: float) -> int:
        """The first slot that is asked for at or after `ts`."""
        return math.ceil((ts + self.shift_s - self.grid.first - _TOLERANCE_S) / self.grid.interval_s)

    def _fetched(self, first: int, last: int) -> Piece:
        if _OF_THE_RANGE.search(self.expr):
            return self._asked_singly(first, last)
        try:
            matrix = self.range_query(self.expr, self._asked_at(first), self._asked_at(last), self.grid.interval_s)
        except QueryError as error:
            return self._after_failure(first, last, error)
        piece = read_piece(matrix, first, last, self._asked_at(first), self.grid.interval_s)
        if piece.points > MAX_POINTS and last > first:
            self._steps = max(1, (last - first + 1) * MAX_POINTS // piece.points)
            self._put_back(first + self._steps, last)
            return cut(piece, first + self._steps - 1)
        return piece

    def _after_failure(self, first: int, last: int, error: QueryError) -> Piece:
        text = str(error)
        is_large = error.reason == "timeout" or any(words in text for words in _TOO_LARGE)
        if error.is_away and not is_large:
            raise error
        if any(words in text for words in _OF_THE_TEXT):
            return self._same_everywhere(first, last)
        if first == last:
            if error.is_away:
                raise error
            return Piece(first, last, outcome=error)
        self._failures += 1
        if is_large:
            self._steps = max(1, (last - first + 1) // 2)
        elif self._failures > MAX_FAILURES:
            return self._given_up(first, last, error)
        middle = (first + last) // 2
        self._put_back(middle + 1, last)
        return self._fetched(first, middle)

    def _put_back(self, first: int, last: int) -> None:
        if first <= last:
            self._waiting.append((first, last))

    def _given_up(self, first: int, last: int, error: QueryError) -> Piece:
        if not self.notes:
            self.notes.append(
                f"fails so often that failing slots were no longer told from good ones after {MAX_FAILURES} queries:"
                " ranges with a failure count as failed"
            )
        return Piece(first, last, outcome=error)

    def _same_everywhere(self, first: int, last: int) -> Piece:
        try:
            return Piece(first, last, outcome=self.query(self.expr, self._asked_at(first)))
        except QueryError as error:
            return Piece(first, last, outcome=error)

    def _asked_singly(self, first: int, last: int) -> Piece:
        """Slot by slot up to the first failure; a failure is a piece of its own."""
        stop = min(last, first + _SINGLY - 1)
        found: dict[LabelKey, tuple[Labels, list[Pair]]] = {}
        for number in range(first, stop + 1):
            ts = self._asked_at(number)
            try:
                samples = self.query(self.expr, ts).samples
            except QueryError as error:
                if error.is_away:
                    raise
                stop = max(first, number - 1)
                self._put_back(stop + 1, last)
                if number == first:
                    return Piece(first, first, outcome=error)
                break
            for sample in samples:
                found.setdefault(label_key(sample.labels), (sample.labels, []))[1].append((ts, repr(sample.value)))
        else:
            self._put_back(stop + 1, last)
        return read_piece(list(found.values()), first, stop, self._asked_at(first), self.grid.interval_s)
