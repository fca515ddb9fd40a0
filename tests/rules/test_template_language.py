"""The language: variables, branches, ranges, templates, trimming, comparisons, constants."""

from __future__ import annotations

import pytest
from template_helpers import error_of, expand

from watchman.rules.template import make_expander
from watchman.rules.template.values import DATA
from watchman.series import Answer

TEXTS = {
    "the most used of all": ('{{ $labels.instance }} is {{ printf "%.1f" $value }}', "host:9100 is 20.0"),
    "fields of dot": ("{{ .Labels.job }} {{ .Value }} {{ $.Labels.job }}", "j 20 j"),
    "a missing label is empty": ("[{{ $labels.nope }}]", "[]"),
    "labels print in the order of their names": ("{{ $labels }}", "map[__name__:m instance:host:9100 job:j]"),
    "if": ("{{ if eq $labels.job `j` }}yes{{ end }}", "yes"),
    "else": ("{{ if $labels.nope }}a{{ else }}b{{ end }}", "b"),
    "else if": ("{{ if false }}a{{ else if 0 }}b{{ else if 1 }}c{{ else }}d{{ end }}", "c"),
    "with sets dot": ("{{ with $labels }}{{ .job }}{{ end }}", "j"),
    "with else keeps dot": ("{{ with $labels.nope }}a{{ else }}{{ .Value }}{{ end }}", "20"),
    "else with": ("{{ with `` }}a{{ else with `b` }}{{ . }}{{ end }}", "b"),
    "range over labels": (
        "{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}",
        "__name__=m;instance=host:9100;job=j;",
    ),
    "range with one variable": ("{{ range $v := $labels }}{{ $v }},{{ end }}", "m,host:9100,j,"),
    "range over a result": (
        '{{ range $i, $s := query "sort(other)" }}{{ $i }}{{ $s.Labels.instance }}{{ end }}',
        "0a1b",
    ),
    "range over nothing": ('{{ range query "missing" }}x{{ else }}none{{ end }}', "none"),
    "range over an integer": (
        "{{ range 3 }}{{ . }}{{ end }}{{ range $i := 2 }}{{ $i }}{{ end }}{{ range 0 }}{{ else }}e{{ end }}",
        "01201e",
    ),
    "range over a byte": ("{{ range index `\x02` 0 }}{{ printf `%T%d ` . . }}{{ end }}", "uint80 uint81 "),
    "range assigns": ("{{ $x := 0 }}{{ $y := 0 }}{{ range $x, $y = $labels }}{{ end }}{{ $x }} {{ $y }}", "job j"),
    "break": ("{{ range $i, $e := query `sort(other)` }}{{ if $i }}{{ break }}{{ end }}{{ $i }}{{ end }}", "0"),
    "continue": (
        "{{ range $i, $e := query `sort(other)` }}{{ if not $i }}{{ continue }}{{ end }}{{ $i }}{{ end }}",
        "1",
    ),
    "break ends the inner range": ("{{ range $labels }}{{ range $labels }}{{ break }}{{ end }}x{{ end }}", "xxx"),
    "a variable lives until its end": ("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}", "21"),
    "assignment reaches outside": ("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"),
    "a variable in a condition": (
        "{{ if $x := 5 }}{{ $x }}{{ end }}{{ with $x := 0 }}{{ else }}{{ $x }}{{ end }}",
        "50",
    ),
    "define and template": (
        '{{ define "x" }}<{{ . }}>{{ end }}{{ template "x" 1 }}{{ template "x" }}',
        "<1><<no value>>",
    ),
    "block": ("{{ block `b` $value }}[{{ . }}]{{ end }}{{ template `b` 3 }}", "[20][3]"),
    "templates take args": ("{{ define `x` }}{{ .arg0 }} {{ .arg1 }}{{ end }}{{ template `x` (args 1 `2`) }}", "1 2"),
    "an empty definition is replaced": ("{{ define `x` }} {{ end }}{{ define `x` }}b{{ end }}{{ template `x` }}", "b"),
    "trim markers": ("a \n{{- 1 -}}\t b {{- /* c */ -}} d", "a1bd"),
    "a minus is no trim marker": ("{{-3}} {{ -3 }} {{- -3 -}} ", "-3 -3-3"),
    "comments": ("a{{/* b */}}c", "ac"),
    "actions may have several lines": ("{{ print\n 1\n 2 }}", "1 2"),
    "pipes": ('{{ $value | printf "%.1f" | len | printf "%03d" }}', "004"),
    "parentheses": ("{{ len (print (print 1 2) 3) }}", "4"),
    "fields of a result": ('{{ (index (query "sort(other)") 1).Labels.instance }}', "b"),
    "and or stop early": (
        "{{ and false (index `x` 9) }} {{ or 1 (index `x` 9) }} {{ and 1 `` }} {{ or 0 `` }}|",
        "false 1  |",
    ),
    "and or take the pipe": ("{{ 1 | and 2 }} {{ 1 | or 2 }} {{ 1 | and 0 }}", "1 2 0"),
    "not": ("{{ not 0 }} {{ not `x` }} {{ not nil }} {{ not $labels }}", "true false true false"),
    "eq with several": ("{{ eq 1 2 3 1 }} {{ eq `a` `b` `c` }}", "true false"),
    "comparisons": ("{{ ne 1 2 }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt 1 2 }} {{ ge 2 2 }}", "true true true false true"),
    "floats compare with floats": ("{{ gt $value 1.0 }} {{ eq $value 20.0 }}", "true true"),
    "nil compares": ("{{ eq nil nil }} {{ eq 1 nil }}", "true false"),
    "bytes compare with integers": ("{{ eq (index `a` 0) 97 }} {{ lt (index `a` 0) 98 }}", "true true"),
    "integers": ("{{ 0x1F }} {{ 0b11 }} {{ 0o17 }} {{ 017 }} {{ 1_000 }} {{ 'a' }}", "31 3 15 15 1000 97"),
    "floats": ("{{ .5 }} {{ 5. }} {{ 1e3 }} {{ 1e6 }} {{ 0x1p4 }} {{ -0.0 }}", "0.5 5 1000 1e+06 16 -0"),
    "strings": (r'{{ "a\tb\"\u00e9\x41\101" }}{{ `\n` }}', 'a\tb"éAA\\n'),
    "booleans": ("{{ true }} {{ false }}", "true false"),
    "index": ("{{ index $labels `job` }}{{ index $labels `nope` }} {{ index `abc` 1 }} {{ index 1 }}", "j 98 1"),
    "slice": ("{{ slice `hello` 1 3 }} {{ slice `hello` 1 }} {{ slice `hello` }}", "el ello hello"),
    "len counts bytes": ("{{ len `héllo` }} {{ len $labels }}", "6 3"),
    "print": ("{{ print 1 2 `a` `b` 3 nil true }}{{ println 1 `a` }}", "1 2ab3 <nil> true1 a\n"),
    "html": ("{{ html `<a href='x'>&\"` }} {{ html nil }}", "&lt;a href=&#39;x&#39;&gt;&amp;&#34; &lt;no value&gt;"),
    "js": ('{{ js `it\'s <b>"x"` }}', r"it\'s \u003Cb\u003E\"x\""),
    "urlquery of a sample and more": ("{{ urlquery (query `1.5` | first) 1 }}", "%7Bmap%5B%5D+1.5%7D+1"),
    "urlquery": ("{{ urlquery `a b&c=d/é~` }}", "a+b%26c%3Dd%2F%C3%A9~"),
    "half a character becomes the replacement": ("{{ slice `é` 0 1 }}", "\ufffd"),
    "what has no value": (
        "{{ (args 1).x }} {{ template `t` }}{{ define `t` }}{{ . }}{{ end }}",
        "<no value> <no value>",
    ),
}


@pytest.mark.parametrize(("text", "shown"), [pytest.param(*case, id=name) for name, case in TEXTS.items()])
def test_a_template_expands_as_in_go(text: str, shown: str) -> None:
    assert expand(text) == shown


FAULTS = {
    "gt of a float and an integer": ("{{ gt $value 1 }}", "error calling gt: incompatible types for comparison"),
    "eq of an integer and a text": ("{{ eq 1 `1` }}", "error calling eq: incompatible types for comparison"),
    "lt of booleans": ("{{ lt true false }}", "error calling lt: invalid type for comparison"),
    "eq of one": ("{{ eq 1 }}", "error calling eq: missing argument for comparison"),
    "eq of maps": (
        "{{ eq $labels $labels }}",
        "error calling eq: non-comparable type map[__name__:m instance:host:9100 job:j]: map[string]string",
    ),
    "a field of a text": ("{{ $labels.job.x }}", "can't evaluate field x in type string"),
    "a field of a result": (
        "{{ (query `missing`).banana }}",
        "can't evaluate field banana in type template.queryResult",
    ),
    "a field of nothing": ("{{ (args 1).nope.x }}", "nil pointer evaluating interface {}.x"),
    "a field dot has not": (
        "{{ .Foo }}",
        f"can't evaluate field Foo in type {DATA}",
    ),
    "an argument to a label": ("{{ $labels.job 2 }}", "job is not a method but has arguments"),
    "an argument to a field": ("{{ .Value 1 }}", "Value has arguments but cannot be invoked as function"),
    "an argument to a constant": ("{{ 1 2 }}", "can't give argument to non-function 1"),
    "an argument to a variable": ("{{ 2 | $value }}", "can't give argument to non-function $value"),
    "nil alone": ("{{ nil }}", "nil is not a command"),
    "range over a float": ("{{ range $value }}{{ end }}", "range can't iterate over 20"),
    "range over a text": ("{{ range `abc` }}{{ end }}", "range can't iterate over abc"),
    "an integer has no index": (
        "{{ range $i, $e := 3 }}{{ end }}",
        "can't use 3 to iterate over more than one variable",
    ),
    "a template nobody defined": ("{{ template `x` }}", 'template "x" not defined'),
    "assignment to nothing": ("{{ $x = 1 }}", "undefined variable: $x"),
    "index beyond the end": ("{{ index `abc` 4 }}", "error calling index: index out of range: 4"),
    "index at the end": ("{{ index `abc` 3 }}", "error calling index: reflect: string index out of range"),
    "index of a map by number": ("{{ index $labels 1 }}", "error calling index: value has type int; should be string"),
    "index of nil": ("{{ index nil 1 }}", "error calling index: index of untyped nil"),
    "slice backwards": ("{{ slice `hello` 3 1 }}", "error calling slice: invalid slice index: 3 > 1"),
    "slice of a number": ("{{ slice 1 1 }}", "error calling slice: can't slice item of type int"),
    "len of a number": ("{{ len 3 }}", "error calling len: len of type int"),
    "call of no function": ("{{ call 3 }}", "error calling call: non-function of type int"),
    "an integer too large": ("{{ 9223372036854775808 }}", "9223372036854775808 overflows int"),
}


@pytest.mark.parametrize(("text", "message"), [pytest.param(*case, id=name) for name, case in FAULTS.items()])
def test_what_fails_says_so_in_the_words_of_go(text: str, message: str) -> None:
    assert error_of(text) == message


def test_an_error_names_the_alert_the_place_and_the_node() -> None:
    assert expand('first\n é{{ humanize "one" }}') == (
        "<error expanding template: error executing template __alert_A: template: __alert_A:2:6: "
        'executing "__alert_A" at <humanize "one">: error calling humanize: '
        'strconv.ParseFloat: parsing "one": invalid syntax>'
    )


def test_columns_of_the_first_line_count_the_prelude() -> None:
    assert "__alert_A:1:115: " in expand("{{ humanize true }}")


def test_an_error_in_a_defined_template_names_it() -> None:
    assert 'executing "x" at <.>: wrong type' in expand(
        '{{ define "x" }}{{ toUpper . }}{{ end }}{{ template "x" 1.5 }}'
    )


def test_a_template_sees_no_variables_of_its_caller() -> None:
    assert expand('{{ define "x" }}{{ $labels }}{{ end }}') == (
        "<error expanding template: error parsing template __alert_A: "
        'template: __alert_A:1: undefined variable "$labels">'
    )


def test_the_name_of_the_alert_may_be_left_out() -> None:
    expander = make_expander(lambda _expression, _ts: Answer("vector", []), {}, "")
    assert expander("{{ $value }} {{ $labels.a }}", {"a": "b"}, 0.1, 0.0) == "0.1 b"


def test_whatever_a_query_raises_becomes_text() -> None:
    def broken(_expression: str, _ts: float) -> Answer:
        raise KeyError("surprise")

    shown = make_expander(broken, {}, "")('{{ query "x" }}', {}, 1.0, 0.0, name="A")
    assert shown == "<error expanding template: panic expanding template __alert_A: 'surprise'>"
