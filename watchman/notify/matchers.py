"""Alertmanager's label matchers: `=`, `!=`, `=~`, `!~`, in the classic and in the UTF-8 form.

All matchers of a list must hold. A label that is missing counts as empty. Regular expressions are RE2 and match the
whole value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import re2


class Op(StrEnum):
    """How a matcher compares."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


class MatcherError(ValueError):
    """A text that is not a matcher; `position` counts characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{position}: {message}")
        self.position = position


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label. Build it with `make_matcher`, which compiles the expression."""

    name: str
    op: Op
    value: str
    pattern: Any = field(default=None, compare=False, repr=False)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """True if the label has, or for `!=` and `!~` has not, the value."""
        text = labels.get(self.name, "")
        found = text == self.value if self.pattern is None else self.pattern.fullmatch(text) is not None
        return found if self.op in (Op.EQUAL, Op.REGEX) else not found

    def __str__(self) -> str:
        name = self.name if _PLAIN_NAME.fullmatch(self.name) else json.dumps(self.name, ensure_ascii=False)
        return f"{name}{self.op}{json.dumps(self.value, ensure_ascii=False)}"


_PLAIN_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_RESERVED = set("{}!=~,\\\"'`")
_OPS = ("=~", "!=", "!~", "=")
_CLASSIC = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*(.*?)\s*", re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.?))", re.DOTALL
)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}


def make_matcher(name: str, op: Op, value: str, position: int = 0) -> Matcher:
    """A matcher; raises MatcherError if the expression is not RE2."""
    if op in (Op.EQUAL, Op.NOT_EQUAL):
        return Matcher(name, op, value)
    options = re2.Options()
    options.log_errors = False
    try:
        return Matcher(name, op, value, re2.compile(value, options))
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise MatcherError(f"{value!r} is not a regular expression (RE2): {reason}", position) from error


def all_match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """True if every matcher holds; an empty list always does."""
    return all(matcher.matches(labels) for matcher in matchers)


def matchers_text(matchers: Iterable[Matcher]) -> str:
    """The matchers as Alertmanager writes them: `{a="b",c=~"d"}`, sorted by label name."""
    ordered = sorted(matchers, key=lambda matcher: (matcher.name, matcher.value, matcher.op))
    return "{" + ",".join(str(matcher) for matcher in ordered) + "}"


def parse_matchers(text: str) -> list[Matcher]:
    """The matchers of one config line or filter, braces optional; raises MatcherError.

    Where both forms accept the text and disagree the classic reading wins, as in Alertmanager.
    """
    try:
        modern = _parse_utf8(text)
    except MatcherError as error:
        try:
            return _parse_classic(text)
        except MatcherError:
            raise error from None
    try:
        return _parse_classic(text)
    except MatcherError:
        return modern


def _parse_classic(text: str) -> list[Matcher]:
    body = text.strip()
    if body.startswith("{"):
        if not body.endswith("}"):
            raise MatcherError("expected a closing brace", len(text))
        body = body[1:-1]
    return [_classic_matcher(part, position) for part, position in _split_outside_quotes(body) if part.strip()]


def _split_outside_quotes(text: str) -> Iterable[tuple[str, int]]:
    """The parts between commas that stand outside double quotes, each with where it begins."""
    start, inside, escaped = 0, False, False
    for position, char in enumerate(text):
        if char == '"' and not escaped:
            inside = not inside
        if char == "," and not inside:
            yield text[start:position], start
            start = position + 1
        escaped = char == "\\" and not escaped
    yield text[start:], start


def _classic_matcher(text: str, position: int) -> Matcher:
    match = _CLASSIC.fullmatch(text)
    if match is None:
        raise MatcherError(f"not a matcher: {text.strip()!r}", position)
    name, op, raw = match.groups()
    quoted = raw.startswith('"')
    if quoted != (raw.endswith('"') and len(raw) > 1 and not raw.endswith('\\"')):
        raise MatcherError(f"the quotes of {raw} do not pair", position + match.start(3))
    value = raw[1:-1] if quoted else raw
    if re.search(r'(?<!\\)(?:\\\\)*"', value):
        raise MatcherError(f"a quote inside {raw} needs a backslash", position + match.start(3))
    plain = re.sub(r'\\([n"\\])', lambda found: _LETTERS[found.group(1)], value)
    return make_matcher(name, Op(op), plain, position)


def _parse_utf8(text: str) -> list[Matcher]:
    position, braced = _skip(text, 0), False
    if text[position : position + 1] == "{":
        position, braced = _skip(text, position + 1), True
    found: list[Matcher] = []
    while position < len(text) and text[position] != "}":
        matcher, position = _utf8_matcher(text, position)
        found.append(matcher)
        if text[position : position + 1] != ",":
            break
        position = _skip(text, position + 1)
    return _closed(text, position, braced, found)


def _closed(text: str, position: int, braced: bool, found: list[Matcher]) -> list[Matcher]:
    if braced:
        if text[position : position + 1] != "}":
            raise MatcherError("expected a comma or a closing brace", position)
        position = _skip(text, position + 1)
    if position < len(text):
        raise MatcherError(f"unexpected {text[position]!r}; expected a comma or the end", position)
    return found


def _utf8_matcher(text: str, start: int) -> tuple[Matcher, int]:
    name, position = _word(text, start, "a label name")
    op = next((op for op in _OPS if text.startswith(op, position)), None)
    if op is None:
        raise MatcherError("expected an operator, one of =, !=, =~, !~", position)
    value_at = _skip(text, position + len(op))
    value, position = _word(text, value_at, "a value")
    return make_matcher(name, Op(op), value, value_at), position


def _word(text: str, start: int, what: str) -> tuple[str, int]:
    """A quoted or plain word at `start` and where the next token begins."""
    if text[start : start + 1] == '"':
        return _quoted(text, start)
    end = start
    while end < len(text) and text[end] not in _RESERVED and not text[end].isspace():
        end += 1
    if end == start:
        raise MatcherError(f"expected {what}", start)
    return text[start:end], _skip(text, end)


def _quoted(text: str, start: int) -> tuple[str, int]:
    end = start + 1
    while end < len(text) and text[end] != '"':
        end += 2 if text[end] == "\\" else 1
    if end >= len(text):
        raise MatcherError("the quote is never closed", start)
    return _ESCAPE.sub(lambda found: _unescape(found, start + 1), text[start + 1 : end]), _skip(text, end + 1)


def _unescape(found: re.Match[str], offset: int) -> str:
    letter, byte, short, long, octal, _ = found.groups()
    if letter:
        return _LETTERS[letter]
    code = int(octal, 8) if octal else int(byte or short or long or "-1", 16)
    if not 0 <= code <= 0x10FFFF:
        raise MatcherError(f"unknown escape {found.group()}", offset + found.start())
    return chr(code)


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position
