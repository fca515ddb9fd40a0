"""Number constants: like Go's, one has a value under every type that can hold it."""

from __future__ import annotations

from watchman.rules.template.lexer import Kind, Token
from watchman.rules.template.literals import parse_float, parse_int, quote, unquote_char
from watchman.rules.template.nodes import Number

INT_MIN, INT_MAX, UINT_MAX = -(2**63), 2**63 - 1, 2**64 - 1


def parse_number(token: Token) -> Number:
    """The constant of a number or character token; raises ValueError with Go's message."""
    text = token.text
    if token.kind is Kind.CHAR_CONSTANT:
        code = unquote_char(text)
        return Number(token.position, text, code, code, float(code))
    if token.kind is Kind.COMPLEX or text.endswith("i"):
        raise ValueError(f"complex constants are not supported: {quote(text)}")
    integer = parse_int(text)
    if integer is None:
        return _from_float(token)
    if not INT_MIN <= integer <= UINT_MAX:
        raise ValueError(f"integer overflow: {quote(text)}")
    is_int, is_uint = integer <= INT_MAX, integer >= 0 and text[0] not in "+-"
    return Number(
        token.position,
        text,
        integer if is_int else None,
        integer if is_uint or integer == 0 else None,
        float(integer),
    )


def _from_float(token: Token) -> Number:
    text = token.text
    try:
        number = parse_float(text)
    except ValueError:
        raise ValueError(f"illegal number syntax: {quote(text)}") from None
    if not any(char in text for char in ".eEpP"):
        raise ValueError(f"integer overflow: {quote(text)}")
    whole = int(number) if number.is_integer() else None
    return Number(
        token.position,
        text,
        whole if whole is not None and INT_MIN <= whole <= INT_MAX else None,
        whole if whole is not None and 0 <= whole <= UINT_MAX else None,
        number,
    )


def is_float_constant(number: Number) -> bool:
    """Whether the constant is a float where nothing says its type: `1.0` and `1e3` are, `1` and `0x1e` are not."""
    text = number.text
    if number.float_value is None or text[0] == "'":
        return False
    if text[:2].lower() == "0x" and not any(char in text for char in "pP"):
        return False
    return any(char in text for char in ".eEpP")
