"""Go's Sprintf: reads the format and prints each operand under its verb."""

from __future__ import annotations

import re
from collections.abc import Sequence

from watchman.rules.template.gotime import Duration
from watchman.rules.template.printer import PLAIN, Flags, Output, print_value
from watchman.rules.template.values import Value, integer, type_name

_FLAG_NAMES = {"+": "plus", "-": "minus", "#": "sharp", " ": "space", "0": "zero"}
_FLAGS = re.compile(r"[+\-# 0]*")
_NUMBER = re.compile(r"[0-9]*")
_INDEX = re.compile(r"\[([0-9]+)\]")
_MAX_NUMBER = 1_000_000


class _Format:
    """One pass over a format string: where it is, which operand is next, whether operands were picked by number."""

    def __init__(self, text: str, args: Sequence[Value]) -> None:
        self.text = text
        self.args = args
        self.position = 0
        self.arg_index = 0
        self.reordered = False
        self.good_index = True
        self.after_index = False
        self.output = Output()

    def peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.position)
        taken = match[0] if match else ""
        self.position += len(taken)
        return taken

    def take_index(self) -> None:
        """An explicit operand such as [2]; a malformed one spoils the verb."""
        if self.peek() != "[":
            self.after_index = False
            return
        self.reordered = self.after_index = True
        match = _INDEX.match(self.text, self.position)
        if match and 1 <= int(match[1][:9]) <= len(self.args):
            self.arg_index = int(match[1]) - 1
            self.position = match.end()
            return
        closing = self.text.find("]", self.position)
        self.position = closing + 1 if closing > 0 else self.position + 1
        self.good_index = False

    def take_star(self) -> int | None:
        """The next operand as width or precision; None if it is no fitting integer."""
        self.position += 1
        self.after_index = False
        if self.arg_index >= len(self.args):
            return None
        arg = self.args[self.arg_index]
        self.arg_index += 1
        number = None if isinstance(arg, (bool, Duration)) else integer(arg)
        return number if number is not None and abs(number) <= _MAX_NUMBER else None


def sprintf(text: str, args: Sequence[Value]) -> str:
    """The format with its operands; faults show in the text, as `%!d(string=x)`. Raises LimitError."""
    state = _Format(text, args)
    while state.position < len(text):
        percent = text.find("%", state.position)
        end = len(text) if percent < 0 else percent
        state.output.write(text[state.position : end])
        state.position = end + 1
        if percent >= 0:
            _verb(state)
    if not state.reordered and state.arg_index < len(args):
        _extra(state)
    return state.output.text()


def _verb(state: _Format) -> None:
    state.good_index = True
    flags = Flags()
    for flag in state.take(_FLAGS):
        setattr(flags, _FLAG_NAMES[flag], True)
    flags.zero = flags.zero and not flags.minus
    state.take_index()
    _width(state, flags)
    _precision(state, flags)
    if not state.after_index:
        state.take_index()
    verb = state.peek()
    state.position += 1
    if not verb:
        state.output.write("%!(NOVERB)")
    elif verb == "%":
        state.output.write("%")
    elif not state.good_index:
        state.output.write(f"%!{verb}(BADINDEX)")
    elif state.arg_index >= len(state.args):
        state.output.write(f"%!{verb}(MISSING)")
    else:
        _operand(state, verb, flags)


def _operand(state: _Format, verb: str, flags: Flags) -> None:
    if verb == "v":
        flags.plus_v, flags.plus = flags.plus, False
        flags.sharp_v, flags.sharp = flags.sharp, False
    arg = state.args[state.arg_index]
    state.arg_index += 1
    print_value(state.output, arg, verb, flags)


def _width(state: _Format, flags: Flags) -> None:
    if state.peek() == "*":
        flags.width = state.take_star()
        if flags.width is None:
            state.output.write("%!(BADWIDTH)")
        elif flags.width < 0:
            flags.width, flags.minus, flags.zero = -flags.width, True, False
        return
    flags.width = _number(state)
    if state.after_index and flags.width is not None:
        state.good_index = False


def _precision(state: _Format, flags: Flags) -> None:
    if state.peek() != "." or state.position + 1 >= len(state.text):
        return
    state.position += 1
    if state.after_index:
        state.good_index = False
    state.take_index()
    if state.peek() == "*":
        number = state.take_star()
        flags.precision = number if number is not None and number >= 0 else None
        if flags.precision is None:
            state.output.write("%!(BADPREC)")
    else:
        flags.precision = _number(state) or 0


def _number(state: _Format) -> int | None:
    """Digits at this place, None if there are none. After a number that is too large Go reads no further."""
    digits = state.take(_NUMBER)
    if not digits:
        return None
    digits = digits.lstrip("0") or "0"
    if len(digits) < 10 and int(digits) // 10 <= _MAX_NUMBER:
        return int(digits)
    state.position = len(state.text)
    return None


def _extra(state: _Format) -> None:
    state.output.write("%!(EXTRA ")
    for index, arg in enumerate(state.args[state.arg_index :]):
        if index:
            state.output.write(", ")
        if arg is None or type_name(arg) == "interface {}":
            state.output.write("<nil>")
        else:
            state.output.write(type_name(arg) + "=")
            print_value(state.output, arg, "v", PLAIN)
    state.output.write(")")
