"""Fetching the answers of an expression: failing steps, answers that are too large, holes, expressions of the range."""

from __future__ import annotations

import pytest
from replay_world import START, Table, group_of, rule

from watchman.errors import QueryError
from watchman.replay import source as source_module
from watchman.replay.grid import grid_of
from watchman.replay.piece import Reader
from watchman.replay.source import AWAY, Source
from watchman.series import Answer

FAILED = QueryError("says: execution: many-to-many", "bad_query")


def source_of(rows, expr="m", **fields):
    table = Table(group_of(rule(expr=expr)), {expr: rows})
    grid = grid_of(table.group, START, table.time(len(rows) - 1) + 1)
    ports = {"range_query": table.range_query, "query": table.query, **fields}
    return Source(expr, grid, 0.0, **ports), table


def answers(source):
    """What is said at every slot: values by element, or the error."""
    found, reader = [], None
    for number in range(source.grid.count):
        if reader is None or reader.piece.last < number:
            reader = Reader(source.piece_at(number))
        answer = reader.answer(number)
        if isinstance(answer, QueryError):
            found.append(str(answer))
        else:
            found.append({sample.labels["i"]: sample.value for sample in answer.samples})
    return found


@pytest.mark.parametrize("bad", [{0}, {99}, {31, 32, 77}, {0, 50, 99}, set(range(40, 60))], ids=str)
def test_failing_steps_are_found_and_the_others_answer(bad):
    rows = [FAILED if number in bad else {"a": float(number)} for number in range(100)]
    source, _ = source_of(rows)
    assert answers(source) == [str(FAILED) if number in bad else {"a": float(number)} for number in range(100)]


def test_a_few_failing_steps_cost_a_few_queries():
    source, table = source_of([FAILED if number == 4000 else {} for number in range(8000)])
    assert answers(source).count(str(FAILED)) == 1
    assert len(table.asked) < 40


def test_a_text_that_is_wrong_is_asked_once_more_and_not_taken_apart():
    wrong = QueryError('says: invalid parameter "query": 1:2: parse error', "bad_query")
    source, table = source_of([wrong] * 5000)
    assert answers(source) == [str(wrong)] * 5000
    assert len(table.asked) == 2


def test_what_fails_without_end_is_given_up_with_a_note(monkeypatch):
    monkeypatch.setattr(source_module, "MAX_FAILURES", 20)
    source, table = source_of([FAILED if number % 2 else {"a": 1.0} for number in range(3000)])
    assert answers(source)[-1] == str(FAILED)
    assert len(table.asked) < 200
    assert "no longer told from good ones" in source.notes[0]


@pytest.mark.parametrize("text", ["answered more than 12 bytes: narrow", "says: query would load too many samples"])
def test_an_answer_that_is_too_large_is_asked_for_in_pieces(text):
    rows = [{"a": float(number)} for number in range(1000)]
    source, table = source_of(rows)
    plain = table.range_query

    def limited(expr, start, end, step_s):
        if end - start > 100 * step_s:
            raise QueryError(text, "bad_answer" if "bytes" in text else "bad_query")
        return plain(expr, start, end, step_s)

    source.range_query = limited
    assert answers(source) == rows


def test_a_piece_holds_only_so_many_samples(monkeypatch):
    monkeypatch.setattr(source_module, "MAX_POINTS", 50)
    rows = [{"a": 1.0, "b": 2.0} if number > 10 else {} for number in range(300)]
    source, _ = source_of(rows)
    sizes = set()
    for number in range(300):
        sizes.add(source.piece_at(number).points)
    assert max(sizes) <= 60
    again, _ = source_of(rows)
    assert answers(again) == rows


def test_a_server_that_is_away_ends_it():
    source, _ = source_of([QueryError("cannot be reached", "connect")] * 10)
    with pytest.raises(QueryError, match="cannot be reached"):
        source.piece_at(0)


def test_an_expression_of_the_range_is_asked_slot_by_slot():
    rows = [FAILED if number in (0, 7, 8) else {"a": float(number)} if number % 3 else {} for number in range(600)]
    source, table = source_of(rows, "m @ end()")
    assert answers(source) == [str(row) if isinstance(row, QueryError) else row for row in rows]
    assert {kind for kind, _ in table.asked} == {"instant"}


def test_a_string_is_what_an_instant_query_says_of_it():
    source, _ = source_of([Answer("string", [])] * 10)
    assert source.piece_at(0).outcome == Answer("string", [])
    assert source.piece_at(0).last == 9


def test_while_prometheus_was_away_there_is_no_answer():
    source, table = source_of([{"a": 1.0}] * 30)
    source.away = [(table.time(5) - 1, table.time(9)), (table.time(20), table.time(20) + 1)]
    told = answers(source)
    assert [number for number, one in enumerate(told) if one == AWAY] == [5, 6, 7, 8, 20]
    assert told[9] == {"a": 1.0}


def test_chunks_of_eleven_thousand_steps_join_without_a_seam():
    rows = [{"a": 1.0} for _ in range(11_000 * 2 + 5)]
    source, table = source_of(rows)
    assert answers(source) == rows
    assert len(table.asked) == 3
