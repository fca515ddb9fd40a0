"""Rule files in, groups or every fault out."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.errors import ConfigError
from watchman.rules.loader import Defaults, lint_rules, load_rules
from watchman.rules.rule import Group, Rule
from watchman.rules.template import check_template

BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))
DEFAULTS = Defaults(check_template=check_template)

WHOLE = """\
groups:
- name: battery
  interval: 30s
  query_offset: 5s
  limit: 10
  labels: {site: home, severity: info}
  rules:
  - record: job:m:sum
    expr: sum by (job) (m)
    labels: {site: away}
  - alert: Low
    expr: max_over_time(m[5m]) < 10
    for: 1h30m
    keep_firing_for: 2d
    labels: {severity: warning, number: 1.50, "on": true, gone: null}
    annotations:
      summary: "{{ $value }}"
      on_vanished: hold
      on_error: fire
      news_after: 3d
- name: plain
  rules:
  - {alert: "any text: é", expr: 1}
"""


def load(*texts: str, **defaults: float) -> list[Group]:
    files = {f"{number}.yaml": text for number, text in enumerate(texts)}
    return load_rules(files, Defaults(check_template=check_template, **defaults))


def faults(*texts: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(*texts)
    return [str(fault) for fault in caught.value.faults]


def warnings(*texts: str) -> list[str]:
    files = {f"{number}.yaml": text for number, text in enumerate(texts)}
    return [str(warning) for warning in lint_rules(files, DEFAULTS)]


def one_rule(**fields: str) -> str:
    lines = "".join(f"    {name}: {text}\n" for name, text in fields.items())
    return f"groups:\n- name: g\n  rules:\n  -\n{lines}"


def test_the_whole_grammar_is_read() -> None:
    battery, plain = load(WHOLE)
    assert battery == Group(
        name="battery",
        file="0.yaml",
        interval_s=30.0,
        query_offset_s=5.0,
        limit=10,
        rules=(
            Rule(
                name="job:m:sum",
                expr="sum by (job) (m)",
                labels={"site": "away", "severity": "info"},
                record=True,
                line=8,
                selectors=("m",),
            ),
            Rule(
                name="Low",
                expr="max_over_time(m[5m]) < 10",
                labels={"site": "home", "severity": "warning", "number": "1.50", "on": "true", "gone": ""},
                annotations={"summary": "{{ $value }}", "on_vanished": "hold", "on_error": "fire", "news_after": "3d"},
                for_s=5400.0,
                keep_firing_for_s=172800.0,
                line=11,
                on_vanished="hold",
                on_error="fire",
                selectors=("count_over_time(m[5m])",),
            ),
        ),
    )
    assert plain.rules == (Rule(name="any text: é", expr="1", line=23),)


def test_what_a_group_leaves_out_is_taken_from_the_defaults() -> None:
    text = "groups: [{name: a}, {name: b, interval: 5m, query_offset: 0s}, {name: c, interval: 0s}]"
    groups = load(text, evaluation_interval_s=15.0, query_offset_s=7.0)
    assert [(group.interval_s, group.query_offset_s) for group in groups] == [(15.0, 7.0), (300.0, 0.0), (15.0, 7.0)]


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", "groups:\n", "groups: []\n", "{}", "null", "groups: [null]", "---\n"],
)
def test_a_file_may_hold_no_group(text: str) -> None:
    assert load(text) == []


def test_anchors_aliases_and_merge_keys_work_as_in_yaml() -> None:
    (group,) = load("""\
groups:
- name: a
  rules:
  - &first
    alert: A
    expr: &e m
    labels: &l {x: "1", y: "2"}
  - alert: B
    expr: *e
    labels: {<<: *l, y: "3"}
  - <<: [*first]
    alert: C
""")
    told = [(rule.name, rule.expr, dict(rule.labels)) for rule in group.rules]
    assert told == [
        ("A", "m", {"x": "1", "y": "2"}),
        ("B", "m", {"x": "1", "y": "3"}),
        ("C", "m", {"x": "1", "y": "2"}),
    ]


def test_only_the_first_document_counts() -> None:
    text = "groups: [{name: a}]\n---\ngroups: [{name: a}, {name: a}]\nfoo: bar\n"
    assert [group.name for group in load(text)] == ["a"]
    assert warnings(text) == ["0.yaml:1:1: only the first YAML document is read, the others are ignored"]


def test_files_keep_their_order_and_may_use_the_same_group_name() -> None:
    groups = load("groups: [{name: b}, {name: a}]", "groups: [{name: b}]")
    assert [group.key for group in groups] == ["0.yaml;b", "0.yaml;a", "1.yaml;b"]


@pytest.mark.parametrize("file", BAD, ids=[file.stem for file in BAD])
def test_a_bad_file_gives_exactly_its_faults(file: Path) -> None:
    text = file.read_text()
    expected = [line.removeprefix("# expect: ") for line in text.splitlines() if line.startswith("# expect: ")]
    assert expected
    with pytest.raises(ConfigError) as caught:
        load_rules({file.name: text}, DEFAULTS)
    assert [str(fault) for fault in caught.value.faults] == [f"{file.name}:{line}" for line in expected]


def test_all_faults_of_all_files_come_at_once_in_reading_order() -> None:
    bad = one_rule(alert="A", expr="m", zzz="1") + "    for: 5\n"
    assert faults(bad, "groups: []", "foo: 1") == [
        '0.yaml:7:5: group "g", rule 1, "A": field zzz not found in type rulefmt.RuleNode',
        '0.yaml:8:10: group "g", rule 1, "A": not a valid duration string: "5"',
        "2.yaml:1:1: field foo not found in type rulefmt.RuleGroups",
    ]


@pytest.mark.parametrize(
    ("fields", "warning"),
    [
        ({"labels": "{alertname: x}"}, "label alertname is always overwritten with the rule's name"),
        ({"expr": "m[5m]"}, "the expression gives a range vector; every evaluation will fail"),
        ({"expr": "'\"x\"'"}, "the expression gives a string; every evaluation will fail"),
        ({"expr": "m > bool 1"}, "a comparison with bool never drops an element, so the alert always fires"),
        ({"expr": "hour() > 23"}, "the comparison `> 23` can never be true"),
        (
            {"annotations": "{a: '{{ template \"q\" }}'}"},
            'annotation "a": template "q" is not defined in this text',
        ),
        ({"expr": "holt_winters(m[5m], 0.5, 0.5)"}, "function holt_winters is known to Prometheus 2 only"),
    ],
    ids=["alertname", "range vector", "string", "bool", "never", "undefined template", "old function"],
)
def test_what_loads_and_is_hardly_meant_is_a_warning(fields, warning) -> None:
    text = one_rule(**{"alert": "A", "expr": "m", **fields})
    load(text)
    (found,) = warnings(text)
    assert found.startswith("0.yaml:")
    assert f'group "g", rule 1, "A": {warning}' in found


@pytest.mark.parametrize(
    "annotation",
    [
        '{{ define "q" }}x{{ end }}{{ template "q" }}',
        '{{- block "q" . -}}x{{ end }}{{- template "q" . }}',
        "template q",
    ],
)
def test_a_template_that_is_defined_gives_no_warning(annotation: str) -> None:
    assert warnings(one_rule(alert="A", expr="m", annotations=f"{{a: '{annotation}'}}")) == []


def test_two_rules_with_one_identity_are_a_warning_and_different_labels_are_not() -> None:
    same = "groups: [{name: g, rules: [{alert: A, expr: m}, {alert: A, expr: n}, {alert: A, expr: m, labels: {x: y}}]}]"
    assert warnings(same) == ['0.yaml:1:49: "A" with the same labels is already defined at 0.yaml:1:28']


def test_a_recording_rule_may_compare_with_bool() -> None:
    assert warnings(one_rule(record="r", expr="m > bool 1")) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[" * 200_000, "yaml: exceeded max depth of 100"),
        ("{a: " * 100_000, "yaml: exceeded max depth of 100"),
        ("a: \x01", "yaml: control characters are not allowed"),
        ('a: "\ud800"', "yaml: control characters are not allowed"),
        ("&a {groups: *a}", "cannot unmarshal !!map into []rulefmt.RuleGroup"),
        ("groups: &g [{name: x, <<: *g}]", "map merge requires map or sequence of maps as the value"),
        ("? [a]\n: b", "cannot unmarshal !!seq into string"),
    ],
    ids=["deep lists", "deep maps", "control character", "surrogate", "loop", "merge loop", "list as key"],
)
def test_hostile_yaml_is_a_fault_like_any_other(text: str, fault: str) -> None:
    assert any(fault in line for line in faults(text))


@given(st.text(alphabet="groupsnamelxt:-[]{}&*<>|'\"#!%@ \n\t0123", max_size=200))
def test_no_text_breaks_the_loader(text: str) -> None:
    with contextlib.suppress(ConfigError):
        load(text, "groups:\n" + text, "groups:\n- name: a\n  rules:\n" + text)
