"""Reads the tokens of a template one by one, looks ahead, and words what is wrong with them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NoReturn

from watchman.rules.template.errors import ParseError
from watchman.rules.template.lexer import Kind, Lexer, Token


class Cursor:
    """A place in the tokens of a text. `action_line` is where the action being read began, 0 outside of one."""

    __slots__ = ("_furthest", "_name", "_text", "_tokens", "action_line", "index")

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text
        self._tokens = Lexer(text).run()
        self._furthest = 0
        self.index = 0
        self.action_line = 0

    def next(self) -> Token:
        """The next token; behind the last one there is only EOF."""
        self._furthest = max(self._furthest, min(self.index, len(self._tokens) - 1))
        self.index += 1
        if self.index > len(self._tokens):
            return Token(Kind.EOF, len(self._text), "")
        return self._tokens[self.index - 1]

    def back(self) -> None:
        """Gives back the token read last."""
        self.index -= 1

    def peek(self) -> Token:
        """The next token, not taken."""
        token = self.next()
        self.back()
        return token

    def next_non_space(self) -> Token:
        """The next token that is no space."""
        token = self.next()
        while token.kind is Kind.SPACE:
            token = self.next()
        return token

    def peek_non_space(self) -> Token:
        """The same, not taken; the spaces before it are."""
        token = self.next_non_space()
        self.back()
        return token

    def expect(self, kinds: Collection[Kind], context: str) -> Token:
        """The next token that is no space, which must be of one of the kinds."""
        token = self.next_non_space()
        if token.kind not in kinds:
            self.unexpected(token, context)
        return token

    def line_of(self, token: Token) -> int:
        """The line a token begins in, counted from 1."""
        return 1 + self._text.count("\n", 0, token.position)

    def fail(self, message: str) -> NoReturn:
        """Raises ParseError at the line of the furthest token read so far, as Go does."""
        raise ParseError(message, self.line_of(self._tokens[self._furthest]))

    def unexpected(self, token: Token, context: str) -> NoReturn:
        """Refuses a token; where the text itself could not be cut, the lexer's message counts."""
        if token.kind is not Kind.ERROR:
            self.fail(f"unexpected {token} in {context}")
        extra = ""
        if self.action_line not in (0, self.line_of(token)):
            started = f" started at {self._name}:{self.action_line}"
            extra = started if token.text.endswith(" action") else f" in action{started}"
        self.fail(f"{token}{extra}")
