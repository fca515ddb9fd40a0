"""Cuts a template into tokens, by the rules of Go's text/template."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from watchman.rules.template.literals import quote

LEFT, RIGHT = "{{", "}}"
_SPACES = " \t\r\n"
_DIGITS = {"x": "0123456789abcdefABCDEF_", "o": "01234567_", "b": "01_"}
_KEYWORDS = frozenset(
    {".", "block", "break", "continue", "define", "else", "end", "if", "range", "nil", "template", "with"}
)
_QUOTE_NAMES = {'"': "quoted string", "'": "character constant"}


class Kind(StrEnum):
    """What a token is; keywords and the dot are KEYWORD and told apart by their text."""

    ERROR = "error"
    BOOL = "bool"
    CHAR = "char"
    CHAR_CONSTANT = "character constant"
    COMPLEX = "complex"
    ASSIGN = "="
    DECLARE = ":="
    EOF = "eof"
    FIELD = "field"
    IDENTIFIER = "identifier"
    LEFT_DELIM = "left delim"
    LEFT_PAREN = "("
    NUMBER = "number"
    PIPE = "|"
    RAW_STRING = "raw string"
    RIGHT_DELIM = "right delim"
    RIGHT_PAREN = ")"
    SPACE = "space"
    STRING = "string"
    TEXT = "text"
    VARIABLE = "variable"
    KEYWORD = "keyword"


@dataclass(frozen=True, slots=True)
class Token:
    """A token; `position` is the index of its first character. The text of an ERROR is the message."""

    kind: Kind
    position: int
    text: str

    def __str__(self) -> str:
        """As Go names it in a message about an unexpected token."""
        if self.kind is Kind.EOF:
            return "EOF"
        if self.kind is Kind.ERROR:
            return self.text
        if self.kind is Kind.KEYWORD:
            return f"<{self.text}>"
        if len(self.text.encode("utf-8", "replace")) > 10:
            return quote(self.text[:10]) + "..."
        return quote(self.text)


def is_alphanumeric(char: str) -> bool:
    """Whether the character may be part of a name."""
    return char == "_" or char.isalpha() or char.isdecimal()


def _unicode(char: str) -> str:
    shown = f" '{char}'" if char.isprintable() else ""
    return f"U+{ord(char):04X}{shown}"


class _Stop(Exception):  # noqa: N818 - not an error: the token stream simply ends here
    """The input cannot be cut any further; the error token has been emitted."""


class Lexer:
    """Walks over the text once. `start` is where the token being read began, `position` where it is read."""

    def __init__(self, text: str) -> None:
        self._input = text
        self._start = 0
        self._position = 0
        self._paren_depth = 0
        self._tokens: list[Token] = []

    def run(self) -> list[Token]:
        """All tokens; the last one is EOF or ERROR."""
        try:
            while self._lex_text():
                if self._lex_left_delim():
                    while self._lex_inside():
                        pass
        except _Stop:
            return self._tokens
        self._emit(Kind.EOF)
        return self._tokens

    def _peek(self, ahead: int = 0) -> str:
        return self._input[self._position + ahead : self._position + ahead + 1]

    def _at(self, prefix: str) -> bool:
        return self._input.startswith(prefix, self._position)

    def _emit(self, kind: Kind) -> None:
        self._tokens.append(Token(kind, self._start, self._input[self._start : self._position]))
        self._start = self._position

    def _fail(self, message: str) -> _Stop:
        self._tokens.append(Token(Kind.ERROR, self._start, message))
        return _Stop()

    def _skip_spaces(self) -> None:
        while self._peek() and self._peek() in _SPACES:
            self._position += 1
        self._start = self._position

    def _lex_text(self) -> bool:
        """Emits the text up to the next left delimiter; False at the end of the input."""
        found = self._input.find(LEFT, self._position)
        self._position = len(self._input) if found < 0 else found
        text = self._input[self._start : self._position]
        if found >= 0 and self._left_trim(found + len(LEFT)):
            text = text.rstrip(_SPACES)
        if text:
            self._tokens.append(Token(Kind.TEXT, self._start, text))
        self._start = self._position
        return found >= 0

    def _left_trim(self, index: int) -> bool:
        return self._input.startswith("-", index) and self._input[index + 1 : index + 2] in tuple(_SPACES)

    def _lex_left_delim(self) -> bool:
        """Past the delimiter and its trim marker; False if it opened a comment, which is then past as well."""
        self._position += len(LEFT)
        after_marker = 2 if self._left_trim(self._position) else 0
        if self._input.startswith("/*", self._position + after_marker):
            self._position += after_marker
            self._start = self._position
            self._lex_comment()
            return False
        self._emit(Kind.LEFT_DELIM)
        self._position += after_marker
        self._start = self._position
        self._paren_depth = 0
        return True

    def _lex_comment(self) -> None:
        end = self._input.find("*/", self._position + 2)
        if end < 0:
            raise self._fail("unclosed comment")
        self._position = end + 2
        closed, trim = self._at_right_delim()
        if not closed:
            raise self._fail("comment ends before closing delimiter")
        self._position += len(RIGHT) + (2 if trim else 0)
        self._start = self._position
        if trim:
            self._skip_spaces()

    def _at_right_delim(self) -> tuple[bool, bool]:
        """Whether the right delimiter is here, and whether it has a trim marker."""
        if self._peek() in tuple(_SPACES) and self._input.startswith("-" + RIGHT, self._position + 1):
            return True, True
        return self._at(RIGHT), False

    def _lex_right_delim(self, *, trim: bool) -> None:
        if trim:
            self._position += 2
            self._start = self._position
        self._position += len(RIGHT)
        self._emit(Kind.RIGHT_DELIM)
        if trim:
            self._skip_spaces()

    def _lex_inside(self) -> bool:
        """One token inside an action; False once the action is closed."""
        closed, trim = self._at_right_delim()
        if closed:
            if self._paren_depth:
                raise self._fail("unclosed left paren")
            self._lex_right_delim(trim=trim)
            return False
        char = self._peek()
        if not char:
            raise self._fail("unclosed action")
        if char in _SPACES:
            return self._lex_space()
        if char in "\"'`":
            self._lex_quoted(char)
        elif char == "$" or (char == "." and not "0" <= (self._peek(1) or "0") <= "9"):
            self._lex_field_or_variable(char)
        elif char in ".+-" or "0" <= char <= "9":
            self._lex_number()
        elif is_alphanumeric(char):
            self._lex_identifier()
        else:
            self._lex_sign(char)
        return True

    def _lex_space(self) -> bool:
        """A run of spaces; its last one may belong to a trim marker."""
        while self._peek() and self._peek() in _SPACES:
            self._position += 1
        if self._input.startswith("-" + RIGHT, self._position):
            self._position -= 1
        if self._position > self._start:
            self._emit(Kind.SPACE)
        return True

    def _lex_sign(self, char: str) -> None:
        self._position += 1
        if char == ":":
            if self._peek() != "=":
                self._position += 1
                raise self._fail("expected :=")
            self._position += 1
            self._emit(Kind.DECLARE)
        elif char in "=|(":
            self._paren_depth += char == "("
            self._emit({"=": Kind.ASSIGN, "|": Kind.PIPE, "(": Kind.LEFT_PAREN}[char])
        elif char == ")":
            self._paren_depth -= 1
            self._emit(Kind.RIGHT_PAREN)
            if self._paren_depth < 0:
                raise self._fail("unexpected right paren")
        elif "!" <= char <= "~":
            self._emit(Kind.CHAR)
        else:
            raise self._fail(f"unrecognized character in action: {_unicode(char)}")

    def _lex_quoted(self, mark: str) -> None:
        self._position += 1
        if mark == "`":
            end = self._input.find("`", self._position)
            if end < 0:
                raise self._fail("unterminated raw quoted string")
            self._position = end + 1
            self._emit(Kind.RAW_STRING)
            return
        while self._peek() != mark:
            if self._peek() == "\\":
                self._position += 1
            if self._peek() in ("", "\n"):
                raise self._fail(f"unterminated {_QUOTE_NAMES[mark]}")
            self._position += 1
        self._position += 1
        self._emit(Kind.STRING if mark == '"' else Kind.CHAR_CONSTANT)

    def _take_name(self) -> None:
        while self._peek() and is_alphanumeric(self._peek()):
            self._position += 1
        following = self._peek()
        if following and following not in _SPACES and following not in ".,|:)(" and not self._at(RIGHT):
            raise self._fail(f"bad character {_unicode(following)}")

    def _lex_field_or_variable(self, char: str) -> None:
        self._position += 1
        self._take_name()
        if char == "$":
            self._emit(Kind.VARIABLE)
        else:
            self._emit(Kind.FIELD if self._position > self._start + 1 else Kind.KEYWORD)

    def _lex_identifier(self) -> None:
        self._take_name()
        word = self._input[self._start : self._position]
        if word in _KEYWORDS:
            self._emit(Kind.KEYWORD)
        else:
            self._emit(Kind.BOOL if word in ("true", "false") else Kind.IDENTIFIER)

    def _lex_number(self) -> None:
        if not self._scan_number():
            raise self._bad_number()
        if self._peek() not in ("+", "-"):
            self._emit(Kind.NUMBER)
            return
        if not self._scan_number() or self._input[self._position - 1] != "i":
            raise self._bad_number()
        self._emit(Kind.COMPLEX)

    def _bad_number(self) -> _Stop:
        return self._fail("bad number syntax: " + quote(self._input[self._start : self._position]))

    def _accept(self, valid: str) -> str:
        char = self._peek()
        if not char or char not in valid:
            return ""
        self._position += 1
        return char

    def _accept_run(self, valid: str) -> None:
        while self._accept(valid):
            pass

    def _scan_number(self) -> bool:
        """Takes anything that looks like a number; the parser says whether it is one."""
        self._accept("+-")
        base = self._accept("xXoObB").lower() if self._accept("0") else ""
        digits = _DIGITS.get(base, "0123456789_")
        self._accept_run(digits)
        if self._accept("."):
            self._accept_run(digits)
        if self._accept({"": "eE", "x": "pP"}.get(base, "")):
            self._accept("+-")
            self._accept_run("0123456789_")
        self._accept("i")
        if self._peek() and is_alphanumeric(self._peek()):
            self._position += 1
            return False
        return True
