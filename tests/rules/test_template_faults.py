"""What is no template: the fault in Go's words, with the line, as `promtool check rules` shows it."""

from __future__ import annotations

import pytest
from template_helpers import expand

from watchman.rules.template import check_template

FAULTS = {
    "{{ $x }}": 'undefined variable "$x"',
    "{{ foo }}": 'function "foo" not defined',
    "{{ tmpl `x` . }}": 'function "tmpl" not defined',
    "{{": "unclosed action",
    "{{ $value }": 'unexpected "}" in operand',
    "{{ $value": "unclosed action",
    "{{ }}": "missing value for command",
    "{{ } }}": 'unexpected "}" in command',
    "{{ (1 }}": "unclosed left paren",
    "{{ 1) }}": 'unexpected ")" in command',
    "{{ () }}": "missing value for parenthesized pipeline",
    "{{ a} }}": "bad character U+007D '}'",
    '{{ "abc }}': "unterminated quoted string",
    "{{ `abc }}": "unterminated raw quoted string",
    "{{ 'a }}": "unterminated character constant",
    "{{ 'ab' }}": "malformed character constant: 'ab'",
    r'{{ "\q" }}': "invalid syntax",
    "{{ 089 }}": 'integer overflow: "089"',
    "{{ 0x }}": 'illegal number syntax: "0x"',
    "{{ 12ab }}": 'bad number syntax: "12a"',
    "{{ 100000000000000000000 }}": 'integer overflow: "100000000000000000000"',
    "{{ 1i }}": 'complex constants are not supported: "1i"',
    "{{ 1+2i }}": 'complex constants are not supported: "1+2i"',
    "{{ \u00a0 }}": "unrecognized character in action: U+00A0",
    "{{ ☺ }}": "unrecognized character in action: U+263A '☺'",
    "{{ $value : 1 }}": "expected :=",
    "{{ $x, $y := 1 }}": "too many declarations in command",
    "{{ range $x, 1 := $labels }}{{ end }}": "range can only initialize variables",
    "{{ 1 | 2 }}": "non executable command in pipeline stage 2",
    "{{ | 1 }}": 'unexpected "|" in command',
    "{{ 1.a }}": 'bad number syntax: "1.a"',
    "{{ nil.x }}": 'unexpected . after term "nil"',
    "{{ if true }}": "unexpected EOF",
    "{{ if }}{{ end }}": "missing value for if",
    "{{ end }}": "unexpected {{end}}",
    "{{ else }}": "unexpected {{else}}",
    "{{ if true }}{{ else }}{{ else }}{{ end }}": "expected end; found {{else}}",
    "{{ break }}": "{{break}} outside {{range}}",
    "{{ continue }}": "{{continue}} outside {{range}}",
    "{{ range $labels }}{{ break 1 }}{{ end }}": 'unexpected "1" in {{break}}',
    "{{ range $labels }}{{ define `x` }}{{ break }}{{ end }}{{ end }}": "unexpected <define> in command",
    "{{ define `x` }}{{ break }}{{ end }}": "{{break}} outside {{range}}",
    "{{ define }}{{ end }}": 'unexpected "}}" in define clause',
    "{{ define `x` }}": "unexpected EOF",
    "{{ define `x` }}a{{ end }}{{ define `x` }}b{{ end }}": 'template: multiple definition of template "x"',
    "{{ template x }}": 'unexpected "x" in template clause',
    "{{ block `x` }}{{ end }}": "missing value for block clause",
    "{{/* unclosed": "unclosed comment",
    "{{/* a */ }}": "comment ends before closing delimiter",
    "{{ /* a */ }}": 'unexpected "/" in command',
    "{{ abcdefghijklmn 1 }}": 'function "abcdefghijklmn" not defined',
    "{{ 1 abcdefghijklmn. }}": 'function "abcdefghijklmn" not defined',
    "{{ template abcdefghijklmn }}": 'unexpected "abcdefghij"... in template clause',
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.items())
def test_a_fault_is_told_in_the_words_of_go(text: str, fault: str) -> None:
    message = f"template: __alert_Name:1: {fault}"

    assert check_template(text, "Name") == message
    assert check_template(text) == message.replace("Name", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n{{ foo }}", '2: function "foo" not defined'),
        ("{{ if true }}\n\n{{ foo", '3: function "foo" not defined'),
        ("{{ if true }}\n\n{{ 1", "3: unclosed action"),
        ("{{ 1\n\n", "3: unclosed action started at __alert_Name:1"),
        ("{{ print\n (", "2: unclosed action started at __alert_Name:1"),
        ('\n{{ print\n "x', "3: unterminated quoted string in action started at __alert_Name:2"),
        ("{{ `a\nb` }}{{ foo }}", '2: function "foo" not defined'),
        ("{{/* a\nb */}}{{ foo }}", '2: function "foo" not defined'),
    ],
)
def test_a_fault_has_its_line_and_that_of_its_action(text: str, message: str) -> None:
    assert check_template(text, "Name") == f"template: __alert_Name:{message}"


@pytest.mark.parametrize(
    "text", ["", "plain", "{ }", "}}", "{{ $value }}", "{{ .Nope }}", '{{ query "" | first }}', "{{ 1i }"]
)
def test_what_go_reads_is_no_fault(text: str) -> None:
    assert (check_template(text) is None) == (text != "{{ 1i }")


def test_a_text_with_a_fault_expands_to_an_error() -> None:
    assert expand("{{ foo }}") == (
        "<error expanding template: error parsing template __alert_A: "
        'template: __alert_A:1: function "foo" not defined>'
    )
