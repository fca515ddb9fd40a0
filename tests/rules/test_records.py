"""Records read by later rules: put in where that is the same, left to Prometheus where it is not."""

from __future__ import annotations

import pytest
from rule_helpers import group_of

from watchman.rules.records import MAX_LENGTH, put_in_records, record_uses
from watchman.rules.rule import Rule


def record(name, expr, **fields):
    return Rule(name=name, expr=expr, record=True, **fields)


def asked(expr, *earlier, **group):
    (resolved,) = put_in_records([group_of(*earlier, Rule(name="T", expr=expr), **group)])
    return resolved.rules[-1].query


DOUBLE = record("r:m", "m * 2")
PUT_IN = 'label_replace((m * 2), "__name__", "r:m", "", "")'


@pytest.mark.parametrize(
    ("expr", "query"),
    [
        ("r:m", PUT_IN),
        ("r:m > 1", f"{PUT_IN} > 1"),
        ("(r:m)>1 # r:m", f"({PUT_IN})>1 # r:m"),
        ("sum by (i) (r:m) / on (i) r:m", f"sum by (i) ({PUT_IN}) / on (i) {PUT_IN}"),
        ('label_replace(r:m, "a", "r:m", "", "")', f'label_replace({PUT_IN}, "a", "r:m", "", "")'),
        ("absent(r:m)", f"absent({PUT_IN})"),
        ("r:m and rate(x[5m] offset 1h)",
         f"{PUT_IN} and rate(x[5m] offset 1h)"),
        ("m:r > 1", "m:r > 1"),
    ],
)  # fmt: skip
def test_an_instant_selector_of_an_earlier_record_is_its_expression_under_its_name(expr, query) -> None:
    assert asked(expr, DOUBLE) == query


@pytest.mark.parametrize(
    ("expr", "problem"),
    [
        ('r:m{i="a"}', "it is selected by labels"),
        ('{__name__="r:m"}', "it is selected by labels"),
        ('{__name__=~"r:.*"}', "it is selected by labels"),
        ("r:m offset 5m", "it is read at another time"),
        ("r:m @ 0", "it is read at another time"),
        ("rate(r:m[5m])", "it is read over time"),
        ("max_over_time(r:m[5m:1m])", "it is read over time"),
        ("max_over_time((r:m + 1)[5m:1m])", "it is read over time"),
        ("r:m > avg_over_time(r:m[1h])", "it is read over time"),
    ],
)
def test_what_is_not_the_same_instant_and_the_whole_record_is_left_to_prometheus(expr, problem) -> None:
    assert asked(expr, DOUBLE) == expr
    (use,) = record_uses([group_of(DOUBLE, Rule(name="T", expr=expr))])
    assert (use.record, use.problem, use.rule.name) == ("r:m", problem, "T")


def test_a_record_with_labels_a_limited_group_and_a_second_record_of_the_name_are_left_alone() -> None:
    assert asked("r:m", record("r:m", "m", labels={"a": "b"})) == "r:m"
    assert asked("r:m", DOUBLE, limit=5) == "r:m"
    assert asked("r:m", DOUBLE, record("r:m", "n")) == "r:m"


def test_a_later_record_and_one_of_another_group_are_left_alone_and_said() -> None:
    late = group_of(Rule(name="T", expr="r:m > 1"), DOUBLE)
    other = group_of(Rule(name="U", expr="r:m > 1"), name="h")

    assert [group.rules[0].query for group in put_in_records([late, other])] == ["r:m > 1"] * 2
    assert {use.problem for use in record_uses([late, other])} == {"it is not recorded earlier in this group"}


@pytest.mark.parametrize(
    ("expr", "same"),
    [
        ("r:late * 2", False),
        ("r:b + 1", False),
        ("r:elsewhere", False),
        ("r:twice", False),
        ("count(ALERTS)", False),
        ("max_over_time(ALERTS_FOR_STATE[5m])", False),
        ('{__name__=~"r:.*"}', False),
        ("r:m * 2", True),
        ("max_over_time(r:m[5m])", True),
        ("m", True),
    ],
)
def test_a_record_of_what_is_written_meanwhile_is_read_as_it_was_written(expr, same) -> None:
    group = group_of(
        DOUBLE, record("r:twice", "m"), record("r:b", expr), record("r:late", "n"), Rule(name="T", expr="r:b > 1")
    )
    other = group_of(record("r:elsewhere", "m"), record("r:twice", "n"), name="h")

    assert put_in_records([group, other])[0].rules[-1].asked, "where nothing is written, the same instant is the same"
    assert bool(put_in_records([group, other], written=True)[0].rules[-1].asked) is same
    if not same:
        (problem,) = {use.problem for use in record_uses([group, other], written=True) if use.record == "r:b"} - {
            "it is not recorded earlier in this group",
            "it is selected by labels",
        }
        assert problem == "its expression reads what other rules write meanwhile"


def test_records_of_records_are_put_in_step_by_step() -> None:
    (group,) = put_in_records([group_of(DOUBLE, record("r:max", "max(r:m)"), Rule(name="T", expr="r:max > 1"))])

    assert group.rules[1].query == f"max({PUT_IN})"
    assert group.rules[2].query == f'label_replace((max({PUT_IN})), "__name__", "r:max", "", "") > 1'
    assert group.rules[2].selectors == ("m",)
    assert [rule.expr for rule in group.rules] == ["m * 2", "max(r:m)", "r:max > 1"]


@pytest.mark.parametrize("expr", ["1", "time() - 5", "scalar(m)", "-(1 + 2)", "vector(1)"])
def test_a_record_of_a_scalar_is_an_element_without_labels(expr) -> None:
    scalar = not expr.startswith("vector")
    inner = f"vector({expr})" if scalar else f"({expr})"
    assert asked("r:one", record("r:one", expr)) == f'label_replace({inner}, "__name__", "r:one", "", "")'


def test_a_comment_in_a_record_swallows_nothing() -> None:
    assert asked("r:m > 1", record("r:m", "m # the m")) == (
        'label_replace((m # the m\n), "__name__", "r:m", "", "") > 1'
    )


def test_a_name_that_is_a_label_elsewhere_is_told_apart_or_left_alone() -> None:
    plain = record("rec", "m")
    assert asked("sum by (rec) (rec)", plain) == "sum by (rec) (rec)"
    assert asked('x{rec="a"} > 1', plain) == 'x{rec="a"} > 1'
    (use,) = record_uses([group_of(plain, Rule(name="T", expr="sum by (rec) (rec)"))])
    assert use.problem == "the expression cannot be taken apart safely"


def test_records_that_double_themselves_end() -> None:
    rules = [record("r0", "m + m")]
    rules += [record(f"r{n}", f"r{n - 1} + r{n - 1}") for n in range(1, 30)]
    (group,) = put_in_records([group_of(*rules)])

    assert all(len(rule.query) <= MAX_LENGTH for rule in group.rules)
    assert any(rule.asked for rule in group.rules)
    assert not all(rule.asked for rule in group.rules[1:])
