"""Comparisons that can never be true are found, and no other is called so."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

from watchman.rules.bounds import bounds, never_true
from watchman.rules.expression import parse_expression

RULES = Path(__file__).parents[2] / "rules"


@pytest.mark.parametrize(
    "expr",
    [
        "hour() > 23", "24 <= hour()", "up > 1", "up == 2", "up{job='x'} < 0", "-up > 0", "absent(m) == 0",
        "count(m) < 1", "count(m) == 0", "abs(m) < 0", "sgn(m) >= 2", "day_of_week() > 6", "minute() > 60",
        "clamp(m, 1, 5) > 6", "clamp_max(m, 5) > 5", "clamp_min(m, 5) < 5", "m > NaN", "NaN == m",
        "(m > 5) < 3", "5 < m < 3", "m > 5 and m < 3", "m == 1 and m == 2", "(m > 5) and 3 > m", "max(up) > 1",
        "m > +Inf", "up + up > 2", "x or hour() > 30", "(m > bool 1) > 1", "sum(n) > 3 and count(m) <= 0",
    ],
)  # fmt: skip
def test_a_comparison_no_value_can_pass_is_found(expr: str) -> None:
    assert never_true(parse_expression(expr).tree) is not None


@pytest.mark.parametrize(
    "expr",
    [
        "m", "m > 5", "hour() >= 23", "up == 0", "up < 1", "absent(m) == 1", "absent(m) > 0", "count(m) < 2",
        "abs(m) <= 0", "m != NaN", "m > 3 and m < 5", "m > 5 and on (i) m < 3", "m > 5 and n < 3", "m > 5 or m < 3",
        "m > 5 unless m < 3", "m == +Inf", "sum(up) > 1", "m > bool 5", "hour() > bool 30", "rate(m[5m]) < 0",
        "(m > 5) > 3", "clamp_max(m, 5) >= 5", "m > n", "up > on (i) m", "-m > 5", "m - 5 > 3", "1 > up", "2 > up",
        "max_over_time(up[5m]) > 1 - 1", "m * 0 > 1", "time() - 5 > 3", "m % 2 == 1", "up == on () group_left () n",
    ],
)  # fmt: skip
def test_a_comparison_that_may_be_true_is_left_alone(expr: str) -> None:
    assert never_true(parse_expression(expr).tree) is None


def test_no_shipped_rule_compares_in_vain() -> None:
    files = [yaml.safe_load(file.read_text()) for file in RULES.glob("*.yaml")]
    expressions = [rule["expr"] for file in files for group in file["groups"] for rule in group["rules"]]

    assert len(expressions) > 10
    assert [expr for expr in expressions if never_true(parse_expression(expr).tree)] == []


def test_bounds_are_those_of_the_text() -> None:
    def of(expr: str) -> tuple[float, float]:
        return bounds(parse_expression(expr).tree)

    assert of("clamp(m, 1, 5)") == (1, 5)
    assert of("clamp_min(up, 3)") == (3, 3)
    assert of("hour() or vector(40)") == (0, 40)
    assert of("hour() - up") == (-1, 23)
    assert of("m > 5") == (5, math.inf)
    assert of("5 > m") == (-math.inf, 5)
    assert of("m / 2") == (-math.inf, math.inf)
