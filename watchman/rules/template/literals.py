"""Go's literals: quoted strings, characters and numbers, read and written."""

from __future__ import annotations

import re

_SIMPLE_ESCAPES = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, "'": 39, '"': 34}
_SIMPLE_QUOTES = {7: "\\a", 8: "\\b", 12: "\\f", 10: "\\n", 13: "\\r", 9: "\\t", 11: "\\v", 92: "\\\\"}
_HEX_LENGTH = {"x": 2, "u": 4, "U": 8}
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_HEX_FLOAT = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
_SPECIAL = re.compile(r"[+-]?inf(?:inity)?|nan", re.IGNORECASE)
_INTEGER = re.compile(r"([+-]?)(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|0[0-7_]*|[1-9][0-9_]*)")
_BAD_UNDERSCORE = re.compile(r"_(?![0-9a-fA-F])|(?<![0-9a-fA-FxXoObB])_")

INVALID_SYNTAX = "invalid syntax"
OUT_OF_RANGE = "value out of range"


def to_bytes(text: str) -> bytes:
    """UTF-8; bytes that are no UTF-8 travel inside a str as surrogate escapes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def to_text(data: bytes) -> str:
    """The opposite of `to_bytes`."""
    return data.decode("utf-8", "surrogateescape")


def unescape(text: str, start: int, quote: str) -> tuple[bytes, int, int]:
    """One possibly escaped character at `start`: its bytes, its code point, the index after it; raises ValueError."""
    char = text[start]
    if char in (quote, "\n"):
        raise ValueError(INVALID_SYNTAX)
    if char != "\\":
        return to_bytes(char), ord(char), start + 1
    kind = text[start + 1 : start + 2]
    if kind in _HEX_LENGTH:
        end = start + 2 + _HEX_LENGTH[kind]
        digits = text[start + 2 : end]
        if not re.fullmatch(f"[0-9a-fA-F]{{{_HEX_LENGTH[kind]}}}", digits):
            raise ValueError(INVALID_SYNTAX)
        return _encode_escape(kind, int(digits, 16), end)
    if re.fullmatch("[0-7]{3}", text[start + 1 : start + 4]):
        return _encode_escape("x", int(text[start + 1 : start + 4], 8), start + 4)
    if kind not in _SIMPLE_ESCAPES or (kind in "'\"" and kind != quote):
        raise ValueError(INVALID_SYNTAX)
    code = _SIMPLE_ESCAPES[kind]
    return bytes([code]), code, start + 2


def _encode_escape(kind: str, code: int, end: int) -> tuple[bytes, int, int]:
    """\\x and octal name a byte, \\u and \\U a character."""
    if kind == "x":
        if code > 255:
            raise ValueError(INVALID_SYNTAX)
        return bytes([code]), code, end
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise ValueError(INVALID_SYNTAX)
    return chr(code).encode(), code, end


def unquote(literal: str) -> str:
    """The value of a quoted or raw string literal, quotes included; raises ValueError."""
    if literal[0] == "`":
        return literal[1:-1].replace("\r", "")
    if "\\" not in literal:
        return literal[1:-1]
    parts, position = [], 1
    while position < len(literal) - 1:
        data, _, position = unescape(literal, position, '"')
        parts.append(data)
    if position != len(literal) - 1:
        raise ValueError(INVALID_SYNTAX)
    return to_text(b"".join(parts))


def unquote_char(literal: str) -> int:
    """The code point of a character constant such as 'a'; raises ValueError."""
    _, code, end = unescape(literal, 1, "'")
    if literal[end:] != "'":
        raise ValueError(f"malformed character constant: {literal}")
    return code


def _quoted_char(char: str, quote: str, *, ascii_only: bool) -> str:
    code = ord(char)
    if char == quote or code in _SIMPLE_QUOTES:
        return _SIMPLE_QUOTES.get(code, "\\" + char)
    if char.isprintable() and (code < 0x80 or not ascii_only):
        return char
    return _escaped(code)


def _escaped(code: int) -> str:
    """A byte that is no UTF-8 and a control character as \\x, anything else as \\u or \\U."""
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    if 0xD800 <= code < 0xE000:
        return "\\ufffd"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quote(text: str, *, mark: str = '"', ascii_only: bool = False) -> str:
    """A Go literal of the text, as `%q` and error messages show it."""
    return mark + "".join(_quoted_char(char, mark, ascii_only=ascii_only) for char in text) + mark


def can_backquote(text: str) -> bool:
    """Whether the text fits unchanged between back quotes."""
    return all(char == "\t" or _raw_safe(char) for char in text)


def _raw_safe(char: str) -> bool:
    code = ord(char)
    return char not in "`\ufeff\x7f" and code >= 0x20 and not 0xD800 <= code < 0xE000


def parse_float(text: str) -> float:
    """A floating-point number as Go's strconv reads it; raises ValueError with INVALID_SYNTAX or OUT_OF_RANGE."""
    if _SPECIAL.fullmatch(text):
        return float(text)
    plain = text.replace("_", "")
    if "_" in text and _BAD_UNDERSCORE.search(text):
        raise ValueError(INVALID_SYNTAX)
    if _HEX_FLOAT.fullmatch(plain):
        return _checked_hex(plain)
    if not _DECIMAL.fullmatch(plain):
        raise ValueError(INVALID_SYNTAX)
    number = float(plain)
    if number in (float("inf"), float("-inf")):
        raise ValueError(OUT_OF_RANGE)
    return number


def _checked_hex(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        raise ValueError(OUT_OF_RANGE) from None


def parse_int(text: str) -> int | None:
    """An integer literal in any of Go's bases, None if it is none. The range is the caller's to check."""
    match = _INTEGER.fullmatch(text)
    if match is None or ("_" in text and _BAD_UNDERSCORE.search(text)):
        return None
    digits = match[2].replace("_", "")
    base = 10
    if digits[0] == "0" and len(digits) > 1:
        base = {"x": 16, "o": 8, "b": 2}.get(digits[1].lower(), 8)
        digits = digits[2:] if digits[1].isalpha() else digits[1:]
    number = int(digits, base)
    return -number if match[1] == "-" else number
