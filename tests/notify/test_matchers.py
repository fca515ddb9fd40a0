"""Matchers: both syntaxes of Alertmanager, its semantics, and where a fault is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.notify.matchers import MatcherError, Op, all_match, make_matcher, matchers_text, parse_matchers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=b", [("a", "=", "b")]),
        ('a="b"', [("a", "=", "b")]),
        (" a = b ", [("a", "=", "b")]),
        ('a!="b"', [("a", "!=", "b")]),
        ('a=~"x|y"', [("a", "=~", "x|y")]),
        ("a!~x.*", [("a", "!~", "x.*")]),
        ("a=", [("a", "=", "")]),
        ('a=""', [("a", "=", "")]),
        ('{a="b",c=~"d"}', [("a", "=", "b"), ("c", "=~", "d")]),
        ('{a="b", c="d",}', [("a", "=", "b"), ("c", "=", "d")]),
        ('a="b,c",d=e', [("a", "=", "b,c"), ("d", "=", "e")]),
        ("a=two words", [("a", "=", "two words")]),
        (r'a="say \"hi\"\n\\"', [("a", "=", 'say "hi"\n\\')]),
        ('"grid voltage"="low"', [("grid voltage", "=", "low")]),
        ("größe=klein", [("größe", "=", "klein")]),
        (r'"a"="\u00fc\x41"', [("a", "=", "üA")]),
        ("{}", []),
        ("", []),
    ],
)
def test_both_forms_are_read_as_alertmanager_reads_them(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert [(one.name, one.op.value, one.value) for one in parse_matchers(text)] == expected


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("a", 1, "operator"),
        ("=b", 0, "label name"),
        ('a="b', 2, "never closed"),
        ("{a=b", 4, "closing brace"),
        ('a="b" c="d"', 6, "unexpected"),
        ('a=~"("', 3, "regular expression"),
        ('a=b,c=~"*"', 7, "regular expression"),
        (r'"a"="\q"', 5, "unknown escape"),
    ],
)
def test_a_fault_is_named_with_its_position(text: str, position: int, words: str) -> None:
    with pytest.raises(MatcherError, match=words) as caught:
        parse_matchers(text)

    assert caught.value.position == position


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("a=b", {"a": "b"}, True),
        ("a=b", {}, False),
        ("a!=b", {}, True),
        ("a=", {}, True),
        ("a=~.+", {}, False),
        ("a!~.+", {}, True),
        ("a=~b", {"a": "abc"}, False),
        ("a=~b|abc", {"a": "abc"}, True),
        ("a!~b", {"a": "abc"}, True),
        ('a="b",c="d"', {"a": "b"}, False),
    ],
)
def test_expressions_are_anchored_and_a_missing_label_is_empty(
    text: str, labels: dict[str, str], expected: bool
) -> None:
    assert all_match(parse_matchers(text), labels) is expected


def test_a_backreference_is_refused_because_re2_has_none() -> None:
    with pytest.raises(MatcherError):
        make_matcher("a", Op.REGEX, r"(x)\1")


def test_the_text_is_sorted_and_quoted_as_in_a_group_key() -> None:
    assert matchers_text(parse_matchers('c=~"d",a="b"')) == '{a="b",c=~"d"}'


@given(st.text(max_size=40))
def test_no_text_raises_anything_but_a_matcher_error(text: str) -> None:
    try:
        parse_matchers(text)
    except MatcherError as error:
        assert 0 <= error.position <= len(text)  # noqa: PT017 - both outcomes are fine


@given(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1),
    st.text(st.characters(exclude_categories=("Cs", "Cc"))),
)
def test_what_is_written_is_read_back(name: str, value: str) -> None:
    matcher = make_matcher(name, Op.EQUAL, value)

    assert parse_matchers(str(matcher)) == [matcher]
