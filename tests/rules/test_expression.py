"""What is an expression: at most what Prometheus refuses is refused here."""

from __future__ import annotations

import time

import pytest
from expressions import ACCEPTED, NEWER, REFUSED
from hypothesis import given
from hypothesis import strategies as st

from watchman.rules.expression import parse_expression
from watchman.rules.selectors import never_empties, result_kind, selectors


@pytest.mark.parametrize("expr", [*ACCEPTED, *NEWER])
def test_what_prometheus_accepts_is_not_refused(expr: str) -> None:
    assert parse_expression(expr).fault is None


@pytest.mark.parametrize("expr", REFUSED)
def test_what_prometheus_refuses_is_a_fault(expr: str) -> None:
    assert "parse error: " in (parse_expression(expr).fault or "")


@pytest.mark.parametrize(
    ("expr", "warning"),
    [
        (r'm{a=~"\\Qa.b\\E"}', r"the regular expression \Qa.b\E could not be checked here; Prometheus decides"),
        ("holt_winters(m[5m], 0.5, 0.5)", "function holt_winters is known to Prometheus 2 only"),
        ("+".join(["m"] * 2000), "the expression is too long to be checked here; Prometheus decides"),
        ("(" * 2000 + "m" + ")" * 2000, "the expression is too long to be checked here; Prometheus decides"),
    ],
    ids=["a quoted regular expression", "an old function", "a long sum", "many brackets"],
)
def test_what_cannot_be_checked_is_a_warning(expr: str, warning: str) -> None:
    parsed = parse_expression(expr)
    assert (parsed.fault, parsed.warning, parsed.tree) == (None, warning, None)


@pytest.mark.parametrize(
    ("expr", "fault"),
    [
        ("a ==== 1", '1:5: parse error: unexpected "=="'),
        ("sum(m)\nby (x) by (y)", '2:8: parse error: unexpected "by"'),
        ("m n", '1:3: parse error: unexpected "n"'),
        ("()", '1:2: parse error: unexpected ")"'),
        ("m and", "parse error: unexpected end of input"),
        ("on", '1:1: parse error: unexpected "on"'),
        ("1 > 2", "parse error: comparisons between scalars must use BOOL modifier"),
        ("rate(m)", 'parse error: expected type range vector in call to function "rate", got instant vector'),
        ("foo(m)", 'parse error: unknown function with name "foo"'),
        ("m{a=~'('}", "parse error: error parsing regexp: missing ): ("),
        ("m" * 3000 + " n", "parse error: not a valid expression"),
    ],
)
def test_a_fault_says_what_and_where(expr: str, fault: str) -> None:
    assert parse_expression(expr).fault == fault


@given(st.text(alphabet="m{}[]()\"'`\\=~<>!+-*/^%, \n#@:.5abyounrls", max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    parsed = parse_expression(text)
    if parsed.tree is not None:
        for selector in selectors(parsed.tree):
            assert parse_expression(selector).fault is None


def test_a_hostile_expression_takes_no_time() -> None:
    started = time.process_time()
    for expr in ("-" * 100_000 + "m", "(" * 900, "m " * 900, "^".join(["m"] * 900), '"' + "\\" * 100_001):
        parse_expression(expr)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("m > 0", ["m"]),
        ("m > m offset 1d", ["m", "m offset 1d"]),
        ("m offset -1h30m @ 10", ["m @ 10.000 offset -1h30m"]),
        ("m @ start() - m @ end()", ["m @ start()", "m @ end()"]),
        ('max_over_time(m{a="b"}[10m]) == 0', ['count_over_time(m{a="b"}[10m])']),
        ("max_over_time(m[7d] offset 1h)", ["count_over_time(m[1w])"]),
        ("max_over_time(m[5m] @ 10 offset 1h) > 0", ["count_over_time(m[5m])"]),
        ("avg_over_time(clamp_min(-m, 0)[15m:15s])", ["m"]),
        ("sum by (a) (m) / on (a) n unless topk(scalar(k), q)", ["m", "n", "k", "q"]),
        ("m + m + rate(m[5m]) + rate(m[5m])", ["m", "count_over_time(m[5m])"]),
        (r'm{a=~"x\"\\d",b!="c",d!~"e\nf"}', [r'm{a=~"x\"\\d",b!="c",d!~"e\nf"}']),
        ('{__name__=~"a|b"}', ['{__name__=~"a|b"}']),
        ("absent(m)", []),
        ("m == 0 or absent(m)", []),
        ("absent_over_time(m[5m]) or n", []),
        ("vector(1)", []),
    ],
)
def test_the_selectors_are_what_must_answer(expr: str, expected: list[str]) -> None:
    assert list(selectors(parse_expression(expr).tree)) == expected


@pytest.mark.parametrize(
    ("expr", "kind"),
    [
        ("m", "vector"),
        ("1", "vector"),
        ("(m[5m])", "range vector"),
        ("m[5m:1m]", "range vector"),
        ('("x")', "string"),
        ("rate(m[5m])", "vector"),
    ],
)
def test_the_kind_of_result_is_known_before_it_is_asked(expr: str, kind: str) -> None:
    assert result_kind(parse_expression(expr).tree) == kind


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("m > bool 5", True),
        ("(m == bool 1)", True),
        ("m > 1 or n > bool 1", True),
        ("m > 5", False),
        ("(m > bool 5) == 1", False),
        ("sum(m > bool 5) > 2", False),
        ("m > bool 5 and n > 1", False),
    ],
)
def test_only_an_outermost_bool_comparison_never_ends(expr: str, expected: bool) -> None:
    assert never_empties(parse_expression(expr).tree) is expected
