"""What a query gave at consecutive slots, kept as it came: stretches without a hole are found, samples are not touched.

A month of slots is some hundred thousand pairs per series, and nearly all of them change nothing. So a series is only
searched for where it begins and ends (a bisection), and a value becomes a number when somebody asks for that slot.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from watchman.errors import QueryError
from watchman.series import Answer, Labels, Matrix, Pair, Sample

Judge = Callable[[float], bool]
"""Does a value stay in the answer? Asked for the values of one series in their order."""
Keep = Callable[[Labels], Judge]
"""The judge of a series, by its labels: the comparison that was taken off the expression."""


@dataclass(frozen=True, slots=True)
class Span:
    """Slots `first` to `last` of a series without a hole; `position` is where the first one's pair is."""

    first: int
    last: int
    position: int


@dataclass(frozen=True, slots=True)
class Strand:
    """One series of a piece: its pairs, and the stretches in which it has one at every slot."""

    labels: Labels
    pairs: Sequence[Pair]
    spans: Sequence[Span]

    def sample(self, number: int, span: Span) -> Sample:
        """The element at a slot of a span."""
        return Sample(self.labels, float(self.pairs[span.position + number - span.first][1]))


@dataclass(frozen=True, slots=True)
class Piece:
    """The answer at the slots `first` to `last`: series, or one outcome (an error, a string) that holds at each."""

    first: int
    last: int
    strands: Sequence[Strand] = ()
    outcome: Answer | QueryError | None = None

    @property
    def points(self) -> int:
        """How many samples it holds."""
        return sum(len(strand.pairs) for strand in self.strands)

    def where(self, keep: Keep) -> Piece:
        """The same slots with the samples whose value `keep` takes."""
        strands = [Strand(one.labels, one.pairs, list(_kept_spans(one, keep(one.labels)))) for one in self.strands]
        return Piece(self.first, self.last, [one for one in strands if one.spans], self.outcome)


def read_piece(matrix: Matrix, first: int, last: int, start: float, step_s: float) -> Piece:
    """A piece from the answer to a range query over its slots; `start` is the time asked for at `first`."""
    strands = [Strand(labels, pairs, _spans(pairs, first, start, step_s)) for labels, pairs in matrix if pairs]
    return Piece(first, last, strands)


def cut(piece: Piece, last: int) -> Piece:
    """The piece up to a slot; what comes later is let go."""
    strands = []
    for one in piece.strands:
        spans = [Span(span.first, min(span.last, last), span.position) for span in one.spans if span.first <= last]
        if spans:
            held = spans[-1].position + spans[-1].last - spans[-1].first + 1
            strands.append(Strand(one.labels, one.pairs[:held], spans))
    return Piece(piece.first, last, strands, piece.outcome)


def turns(piece: Piece) -> set[int]:
    """The slots at which the elements differ from those of the slot before or after, and the piece's own ends."""
    found = {piece.first, piece.last}
    for strand in piece.strands:
        for span in strand.spans:
            found.update((span.first, span.last))
            if span.last < piece.last:
                found.add(span.last + 1)
    return found


def occupied(piece: Piece) -> set[int]:
    """Every slot with an element."""
    return {number for strand in piece.strands for span in strand.spans for number in range(span.first, span.last + 1)}


class Reader:
    """Gives the answer at slots that are asked for in ascending order."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self._cursors = [0] * len(piece.strands)

    def answer(self, number: int) -> Answer | QueryError:
        """What an instant query at the slot gave."""
        if self.piece.outcome is not None:
            return self.piece.outcome
        samples = []
        for index, strand in enumerate(self.piece.strands):
            spans, cursor = strand.spans, self._cursors[index]
            while cursor < len(spans) and spans[cursor].last < number:
                cursor += 1
            self._cursors[index] = cursor
            if cursor < len(spans) and spans[cursor].first <= number:
                samples.append(strand.sample(number, spans[cursor]))
        return Answer("vector", samples)


def _spans(pairs: Sequence[Pair], first: int, start: float, step_s: float) -> list[Span]:
    def lead(index: int) -> int:
        # How far the slot's number is ahead of the place in the list: it grows by one with each missing sample.
        return round((float(pairs[index][0]) - start) / step_s) - index

    spans, position, count = [], 0, len(pairs)
    while position < count:
        ahead = lead(position)
        end = count if lead(count - 1) == ahead else bisect_right(range(count), ahead, lo=position, key=lead)
        spans.append(Span(first + ahead + position, first + ahead + end - 1, position))
        position = end
    return spans


def _kept_spans(strand: Strand, stays: Judge) -> Iterable[Span]:
    for span in strand.spans:
        began: int | None = None
        for number in range(span.first, span.last + 1):
            position = span.position + number - span.first
            if stays(float(strand.pairs[position][1])):
                began = number if began is None else began
            elif began is not None:
                yield Span(began, number - 1, span.position + began - span.first)
                began = None
        if began is not None:
            yield Span(began, span.last, span.position + began - span.first)
