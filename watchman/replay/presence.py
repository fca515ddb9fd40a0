"""Are the series behind an alert still there? Asked slot after slot while it is held: by ranges ahead."""

from __future__ import annotations

from dataclasses import dataclass, field

from watchman.errors import QueryError
from watchman.replay.piece import Reader, read_piece
from watchman.replay.source import RangeQuery
from watchman.series import Answer, Query

_AHEAD = 500


@dataclass(slots=True)
class _Known:
    """What was asked of one selector last."""

    ts: float = float("-inf")
    start: float = 0.0
    end: float = float("-inf")
    reader: Reader | None = None


@dataclass(slots=True)
class Ahead:
    """A `Query` for one rule that fetches the following slots at once when it is asked at one slot after the other."""

    query: Query
    range_query: RangeQuery
    interval_s: float
    end: float
    _known: dict[str, _Known] = field(default_factory=dict)
    _began: dict[tuple[str, float], Answer] = field(default_factory=dict)

    def ask(self, expr: str, ts: float) -> Answer:
        """The answer at `ts`; raises QueryError."""
        known = self._known.setdefault(expr, _Known())
        if ts < known.ts:
            return self._when_it_began(expr, ts)
        if known.reader is None or not known.start <= ts <= known.end:
            follows = abs(ts - known.ts - self.interval_s) < 0.001
            known.ts, known.reader = ts, None
            if not (follows and self._fetch(known, expr, ts)):
                return self.query(expr, ts)
        assert known.reader is not None
        known.ts = ts
        answer = known.reader.answer(round((ts - known.start) / self.interval_s))
        assert isinstance(answer, Answer)
        return answer

    def _when_it_began(self, expr: str, ts: float) -> Answer:
        """Asked at every slot of a hold again, always for the same time."""
        if (expr, ts) not in self._began:
            self._began = {key: answer for key, answer in self._began.items() if key[0] != expr}
            self._began[expr, ts] = self.query(expr, ts)
        return self._began[expr, ts]

    def _fetch(self, known: _Known, expr: str, ts: float) -> bool:
        steps = min(_AHEAD, int((self.end - ts) // self.interval_s))
        if steps < 1 or "@" in expr:
            return False
        end = round(ts + steps * self.interval_s, 3)
        try:
            matrix = self.range_query(expr, ts, end, self.interval_s)
        except QueryError:
            return False
        known.start, known.end = ts, end
        known.reader = Reader(read_piece(matrix, 0, steps, ts, self.interval_s))
        return True
