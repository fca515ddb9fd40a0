"""Taking the threshold off an expression, only where the values it compares are those the expression gives."""

from __future__ import annotations

import pytest

from watchman.rules.expression import parse_expression
from watchman.rules.selectors import shape
from watchman.rules.threshold import find_threshold

TAKEN = [
    ("m > 0", "m", ">", 0.0),
    ("-avg_over_time(m[15m]) > 3000", "-avg_over_time(m[15m])", ">", 3000.0),
    ("m <= -1.5e3", "m", "<=", -1500.0),
    ("(m == 2)", "(m )", "==", 2.0),
    ("3000 < m", "m", ">", 3000.0),
    ("m > 5 and n > 6", "m  and n > 6", ">", 5.0),
    ("(m > 5 unless n) and o < 7", "(m  unless n) and o < 7", ">", 5.0),
    ('m{a="> 5"} > 5 # > 5', 'm{a="> 5"}  # > 5', ">", 5.0),
    ("sum by (i) (n > 5) > 5", "sum by (i) (n > 5)", ">", 5.0),
]
NOT_TAKEN = [
    "m",
    "m > n",
    "m > bool 5",
    "m > 5 or n > 6",
    "sum(m > 5)",
    "n and m > 5",
    "m > 5 * 2",
    "1 > 2",
    "absent(m)",
    "this is (no expression",
]


@pytest.mark.parametrize(("expr", "rest", "op", "value"), TAKEN, ids=[case[0] for case in TAKEN])
def test_a_threshold_is_taken_off_and_can_be_replaced(expr, rest, op, value):
    found = find_threshold(expr)
    assert (" ".join(found.rest.split()), found.op, found.value) == (" ".join(rest.split()), op, value)
    assert shape(parse_expression(found.expression(value)).tree, {}) == shape(parse_expression(expr).tree, {})
    other = find_threshold(found.expression(17.0))
    assert other.value == 17.0
    assert shape(parse_expression(other.rest).tree, {}) == shape(parse_expression(rest).tree, {})


@pytest.mark.parametrize("expr", NOT_TAKEN)
def test_an_expression_whose_values_are_others_keeps_its_threshold(expr):
    assert find_threshold(expr) is None


def test_a_value_passes_as_prometheus_compares():
    above = find_threshold("m > 5")
    assert [above.passes(value, 5.0) for value in (4.0, 5.0, 6.0, float("nan"))] == [False, False, True, False]
    other = find_threshold("m != 5")
    assert [other.passes(value, 5.0) for value in (5.0, float("nan"))] == [False, True]
