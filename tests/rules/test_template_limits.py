"""What no template can do: raise, run for ever, fill the memory, flood Prometheus with queries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from template_helpers import EVALUATED_AT, LABELS, error_of, expand
from template_maker import make_templates

from watchman.rules.template import check_template, make_expander
from watchman.series import Answer

DOUBLING = "{{ $x := `ab` }}{{ range 40 }}{{ $x = print $x $x }}{{ end }}{{ len $x }}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("{{ range 1000000000 }}{{ end }}", "template takes more than 100000 steps", id="a long loop"),
        pytest.param(
            "{{ range 1000 }}{{ range 1000 }}{{ end }}{{ end }}",
            "template takes more than 100000 steps",
            id="two loops",
        ),
        pytest.param(
            "{{ range 2000 }}" + "x" * 999 + "{{ end }}", "output is longer than 1048576 characters", id="output"
        ),
        pytest.param(DOUBLING, "output is longer than 1048576 characters", id="a text that doubles"),
        pytest.param("{{ printf `%10000000d` 1 }}", "output is longer than 1048576 characters", id="a wide number"),
        pytest.param(
            "{{ $x := 1 }}{{ range 60 }}{{ $x = args $x $x }}{{ end }}{{ $x }}",
            "output is longer",
            id="a map that doubles",
        ),
        pytest.param(
            "{{ $x := 1 }}{{ range 9999 }}{{ $x = args $x }}{{ end }}{{ $x }}", "nested too deeply", id="a deep map"
        ),
        pytest.param(
            "{{ range 20000 }}{{ match (printf `a{900}b%d` .) `x` }}{{ end }}",
            "template takes more than 100000 steps",
            id="a pattern made anew each time",
        ),
        pytest.param(
            "{{ range 999 }}{{ query `1.5` }}{{ end }}", "more than 100 queries in one template", id="queries"
        ),
        pytest.param(
            "{{ define `x` }}{{ template `x` }}{{ end }}{{ template `x` }}",
            "exceeded maximum template depth (60)",
            id="a template in itself",
        ),
        pytest.param(
            "{{ template `__alert_A` }}", "exceeded maximum template depth (60)", id="the whole text in itself"
        ),
        pytest.param(
            "{{ reReplaceAll `` (printf `%9999s` `x`) (printf `%9999s` `x`) }}", "output is longer", id="replacing"
        ),
    ],
)
def test_work_is_bounded(text: str, message: str) -> None:
    assert message in error_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ if 1 }}" * 5000 + "{{ end }}" * 5000,
        "{{ if 0 }}" + "{{ else if 0 }}" * 5000 + "{{ end }}",
        "{{ " + "not (" * 5000,
    ],
    ids=["parentheses", "branches", "else if", "unclosed"],
)
def test_depth_of_a_text_is_bounded(text: str) -> None:
    assert "max expression depth exceeded" in (check_template(text) or "")


def test_a_hundred_levels_are_fine() -> None:
    assert expand("{{ " + "(" * 100 + "print 1" + ")" * 100 + " }}") == "1"
    assert expand("{{ if 1 }}" * 100 + "x" + "{{ end }}" * 100) == "x"


@given(st.text())
def test_a_text_without_braces_is_returned_as_it_is(text: str) -> None:
    plain = text.replace("{{", "{")

    assert expand(plain) is plain


_WORDS = "if else end range with define template break printf index humanize query reReplaceAll nil 1 0x 1e9 é"
_SIGNS = "{{ }} {{- -}} $x $value $labels .Labels . ( ) | \" ` ' \\ := = , % /* */"
_PIECES = st.sampled_from([*_WORDS.split(), *_SIGNS.split(), " ", " ", "\n", "\ud800"])


@given(st.lists(_PIECES | st.text(max_size=5)).map("".join))
def test_no_text_raises(text: str) -> None:
    assert isinstance(expand(text), str)
    assert check_template(text) is None or "{{" in text


@given(st.integers(0, 10**9))
def test_no_template_of_the_grammar_raises_or_panics(seed: int) -> None:
    for text in make_templates(seed, 3):
        assert "panic expanding" not in expand(text)


@given(st.dictionaries(st.text(), st.text()), st.floats(), st.text())
def test_labels_and_values_of_any_kind_go_through(labels: dict[str, str], value: float, text: str) -> None:
    shown = expand(
        "{{ $labels }}{{ $value }}{{ .Labels.a }}{{ index $labels `a` }}", value=value, labels={**labels, "a": text}
    )

    assert shown.endswith(text + text)


def test_texts_seen_before_are_not_read_again() -> None:
    asked = []

    def query(expression: str, ts: float) -> Answer:
        asked.append((expression, ts))
        return Answer("vector", [])

    expander = make_expander(query, {}, "")
    for value in (1.0, 2.0):
        assert expander("{{ $value }}{{ len (query `up`) }}", LABELS, value, EVALUATED_AT) == f"{value:g}0"
    assert asked == [("up", EVALUATED_AT)] * 2
