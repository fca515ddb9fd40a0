"""Regular expressions of templates: RE2 with the words of Go's package regexp for what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import re2

from watchman.rules.template.errors import FunctionError
from watchman.rules.template.literals import can_backquote, quote, to_bytes, to_text
from watchman.rules.template.printer import Output

_GO_WORDS = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid repetition size": "invalid repeat count",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
    "trailing \\": "trailing backslash at end of expression",
}
_REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})")
_GROUP_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
# RE2 has \C, one byte, and Go has not. Escapes and quoted stretches are skipped.
_ONE_BYTE = re.compile(r"\\Q.*?(?:\\E|$)|\\(?!C).|(\\C)", re.DOTALL)


@lru_cache(maxsize=128)
def _compiled(pattern: str) -> re2._Regexp:
    options = re2.Options()
    options.log_errors = False
    if any(match[1] for match in _ONE_BYTE.finditer(pattern)):
        raise _refused("invalid escape sequence", "\\C")
    try:
        return re2.compile(to_bytes(pattern), options=options)
    except re2.error as error:
        words = to_text(error.args[0]) if error.args and isinstance(error.args[0], bytes) else str(error)
        message, _, part = words.partition(": ")
        raise _refused(_GO_WORDS.get(message, message), "" if words == "trailing \\" else part) from None


def _refused(message: str, part: str) -> FunctionError:
    return FunctionError(f"error parsing regexp: {message}: `{part}`")


def match(pattern: str, text: str) -> bool:
    """Whether the pattern is found anywhere in the text; raises FunctionError for a pattern RE2 refuses."""
    return _compiled(pattern).search(to_bytes(text)) is not None


def replace_all(pattern: str, replacement: str, text: str) -> str:
    """Every match replaced; `$1`, `$name` and `${name}` stand for groups, unknown ones for nothing."""
    try:
        compiled = _compiled(pattern)
    except FunctionError as error:
        shown = f"`{pattern}`" if can_backquote(pattern) else quote(pattern)
        raise FunctionError(f"regexp: Compile({shown}): {error}") from None
    names = {to_text(name): number for name, number in compiled.groupindex.items()}
    data, output, last = to_bytes(text), Output(), 0
    for found in _matches(compiled, data):
        groups = [part or b"" for part in (found.group(), *found.groups())]
        output.write(to_text(data[last : found.start()]))
        output.write(_expand(replacement, [to_text(part) for part in groups], names))
        last = found.end()
    output.write(to_text(data[last:]))
    return output.text()


def _matches(compiled: re2._Regexp, data: bytes) -> Iterator[re2._Match]:
    """All matches but empty ones right behind another, which Go does not count; steps over whole characters."""
    position, previous_end = 0, -1
    while position <= len(data):
        found = compiled.search(data, position)
        if found is None:
            return
        if found.end() > position or found.start() == position != previous_end:
            yield found
            previous_end = found.end()
        if found.end() > position:
            position = found.end()
        else:
            position += 1
            while position < len(data) and 0x80 <= data[position] < 0xC0:
                position += 1


def _expand(replacement: str, groups: list[str], names: dict[str, int]) -> str:
    def value(reference: re.Match[str]) -> str:
        if reference[1]:
            return "$"
        name = reference[2] or reference[3]
        number = int(name) if _GROUP_NUMBER.fullmatch(name) else names.get(name, -1)
        return groups[number] if 0 <= number < len(groups) else ""

    return _REFERENCE.sub(value, replacement)
