"""Expressions in one query: what may be joined, how it is cut, and whose answer is whose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.rules.batch import (
    AGAIN_AFTER,
    MARKER,
    MAX_BYTES,
    Memory,
    Question,
    cut,
    joined,
    operand,
    operands,
    parted,
)
from watchman.rules.expression import parse_expression
from watchman.rules.rule import Group, Rule
from watchman.series import Answer, Sample

OPERANDS = {
    "a vector": ("up == 0", "up == 0"),
    "a scalar becomes an element": ("1 > bool 0", "vector(1 > bool 0\n)"),
    "a function that gives a scalar": ("time()", "vector(time()\n)"),
    "a scalar with a comment": ("1 # one", "vector(1 # one\n)"),
    "a comment at the end": ("up # all of them", "up # all of them"),
    "an expression that only parentheses make valid": ("up) or (up", None),
    "a string": ('"up"', None),
    "a range": ("up[5m]", None),
    "the marker itself": (f'up{{{MARKER}="1"}}', None),
    "what the parser does not know": ("holt_winters(up[5m], 0.5, 0.5)", None),
}


@pytest.mark.parametrize(("query", "expected"), OPERANDS.values(), ids=OPERANDS.keys())
def test_what_is_not_provably_the_same_is_asked_alone(query: str, expected: str | None) -> None:
    assert operand(query) == expected


def test_a_rule_that_reads_what_an_earlier_one_writes_waits_for_it() -> None:
    rules = (
        Rule("room:heat", "heat * 2", record=True),
        Rule("Hot", "room:heat > 5", selectors=("room:heat",)),
        Rule("Cold", "heat < 1", selectors=("heat",)),
        Rule("Loud", "count(ALERTS) > 1", selectors=("ALERTS",)),
        Rule("Anything", 'count({job="x"}) > 1', selectors=('{job="x"}',)),
    )
    group = Group("g", "f.yaml", rules)

    assert [text is None for text in operands(group, written=True)] == [False, True, False, True, True]
    assert None not in operands(group, written=False)


def test_a_rule_before_any_other_need_not_wait() -> None:
    group = Group("g", "f.yaml", (Rule("Anything", 'count({job="x"}) > 1', selectors=('{job="x"}',)),))

    # Nothing has been written yet when it is asked, but what it reads may change while the others are.
    assert operands(group, written=True) == (None,)


TEXTS = st.lists(st.sampled_from(["up", "up == 0", "m > 1 # x", 'label_join(up, "a", "", "b")', "time()", "up * 3"]))


@given(TEXTS, st.integers(1, 9))
def test_every_question_is_in_one_batch_and_every_batch_is_one_expression(texts: list[str], size: int) -> None:
    questions = [Question(number, operand(text) or "") for number, text in enumerate(texts)]
    batches = list(cut(questions, size))

    assert [question for batch in batches for question in batch] == questions
    assert all(0 < len(batch) <= size for batch in batches)
    assert all(parse_expression(joined(batch)).tree is not None for batch in batches)


def test_a_batch_stays_below_the_length_that_servers_take() -> None:
    questions = [Question(number, f'sum(rate(m{{a="{"x" * 500}"}}[5m])) > {number}') for number in range(200)]
    batches = list(cut(questions, 500))

    assert len(batches) > 5
    assert all(len(joined(batch)) < 16_384 for batch in batches)
    assert min(len(joined(batch)) for batch in batches[:-1]) > MAX_BYTES * 0.8


def test_one_question_that_is_longer_than_a_batch_may_be_goes_by_itself() -> None:
    long = Question(1, "up + " * 4000 + "up")

    assert list(cut([Question(0, "up"), long, Question(2, "up")], 100)) == [
        (Question(0, "up"),),
        (long,),
        (Question(2, "up"),),
    ]


def test_the_tree_is_balanced() -> None:
    query = joined([Question(number, "up") for number in range(64)])
    depth = deepest = 0
    for char in query:
        depth += {"(": 1, ")": -1}.get(char, 0)
        deepest = max(deepest, depth)

    assert deepest <= 6 + 2


def test_each_rule_gets_its_own_elements_without_the_marker() -> None:
    batch = [Question(3, "a"), Question(7, "b"), Question(9, "c")]
    answer = Answer(
        "vector",
        [
            Sample({"__name__": "b", MARKER: "7"}, 2.0),
            Sample({"__name__": "a", "x": "1", MARKER: "3"}, 1.0),
            Sample({"__name__": "b", "x": "2", MARKER: "7"}, 3.0),
        ],
        ("slow down",),
    )

    assert parted(batch, answer) == {
        3: Answer("vector", [Sample({"__name__": "a", "x": "1"}, 1.0)], ("slow down",)),
        7: Answer("vector", [Sample({"__name__": "b"}, 2.0), Sample({"__name__": "b", "x": "2"}, 3.0)], ("slow down",)),
        9: Answer("vector", [], ("slow down",)),
    }


def test_a_rule_that_spoilt_a_batch_is_tried_again_later() -> None:
    memory = Memory({}, 100)
    memory.spoilt(Question(1, "bad"))
    for _ in range(AGAIN_AFTER - 1):
        memory.step()
        assert "bad" in memory.alone
    memory.step()
    assert memory.alone == {}


def test_batches_that_were_too_large_grow_again_later() -> None:
    memory = Memory({}, 100)
    memory.too_large([Question(number, "up") for number in range(60)])
    assert memory.limit(100) == 30
    for _ in range(AGAIN_AFTER):
        memory.step()
    assert memory.limit(100) == 100
