"""What goes wrong in a template: while it is read, while it is executed, inside one function."""

from __future__ import annotations


class ParseError(Exception):
    """The text is not a template. `line` counts from 1 in the text with Prometheus' prelude before it."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class ExecError(Exception):
    """Executing stopped; the message is complete, with place and context as Go words them."""


class FunctionError(Exception):
    """A function refused its arguments. The evaluator adds the place and the name of the function."""


class LimitError(Exception):
    """A template asked for more work or more output than one annotation may cost."""
