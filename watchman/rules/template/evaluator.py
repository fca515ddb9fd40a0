"""Evaluates pipelines: variables, fields, methods, functions and their arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from watchman.errors import WatchmanError
from watchman.rules.template import nodes
from watchman.rules.template.arguments import check_count, checked, nil_for, typed, untyped
from watchman.rules.template.errors import ExecError, FunctionError, LimitError
from watchman.rules.template.literals import quote, to_bytes
from watchman.rules.template.methods import method, struct_field
from watchman.rules.template.values import (
    ANY,
    MISSING,
    NIL,
    REFLECTED,
    Args,
    Function,
    Value,
    is_text,
    truth,
    type_name,
)

MAX_STEPS = 100_000
"""Nodes executed and pieces of text handled by functions in one expansion."""
_STEP_CHARACTERS = 256

_Chained = nodes.Field | nodes.Variable | nodes.Chain
_CHAINED = (nodes.Field, nodes.Variable, nodes.Chain)


@dataclass(frozen=True, slots=True)
class Operands:
    """What is given to a function or a method: argument nodes, the dot they see, the value from the pipeline."""

    dot: Value
    args: tuple[nodes.Node, ...] = ()
    final: Value = MISSING

    @property
    def any_given(self) -> bool:
        """Whether there is an argument at all."""
        return bool(self.args) or self.final is not MISSING


class Evaluator:
    """State of one expansion. `variables` is a stack of names and values; `node` is where a message points to."""

    __slots__ = ("_functions", "_steps", "_template", "node", "template_name", "variables")

    def __init__(
        self, template: nodes.Template, functions: Mapping[str, Function], variables: list[tuple[str, Value]]
    ) -> None:
        self._template = template
        self._functions = functions
        self._steps = 0
        self.node: nodes.Node | None = None
        self.template_name = template.name
        self.variables = variables

    def fail(self, message: str) -> NoReturn:
        """Raises ExecError with the place of the current node and its text."""
        if self.node is None:
            raise ExecError(f"template: {self.template_name}: {message}")
        before = self._template.text[: self.node.position]
        column = len(to_bytes(before[before.rfind("\n") + 1 :]))
        place = f"{self._template.name}:{before.count(chr(10)) + 1}:{column}"
        context = f"executing {quote(self.template_name)} at <{self.node}>"
        raise ExecError(f"template: {place}: {context}: {message}")

    def charge(self, steps: int) -> None:
        """Counts work; raises LimitError."""
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise LimitError(f"template takes more than {MAX_STEPS} steps")

    # Variables

    def set_variable(self, name: str, value: Value) -> None:
        """Assigns to the innermost variable of the name."""
        for index in range(len(self.variables) - 1, -1, -1):
            if self.variables[index][0] == name:
                self.variables[index] = (name, value)
                return
        self.fail(f"undefined variable: {name}")

    def _variable(self, name: str) -> Value:
        found = next((value for known, value in reversed(self.variables) if known == name), MISSING)
        if found is MISSING:
            self.fail(f"undefined variable: {name}")
        return found

    # Pipelines and commands

    def pipeline(self, dot: Value, pipe: nodes.Pipe) -> Value:
        """The value of the last command; declared variables stay on the stack for the caller to take off."""
        self.node = pipe
        value: Value = MISSING
        for command in pipe.commands:
            value = self._command(dot, command, value)
            if value is NIL:
                value = None
        for variable in pipe.declared:
            if pipe.assigns:
                self.set_variable(variable.name, value)
            else:
                self.variables.append((variable.name, value))
        return value

    def _command(self, dot: Value, command: nodes.Command, final: Value) -> Value:
        self.charge(1)
        word, args = command.args[0], command.args[1:]
        if isinstance(word, nodes.Identifier):
            return self._function(word, command, Operands(dot, args, final))
        if isinstance(word, _CHAINED):
            return self._chain(word, Operands(dot, args, final))
        if not isinstance(word, nodes.Pipe):
            self.node = word
        self._refuse_operands(word, Operands(dot, args, final))
        if isinstance(word, nodes.Nil):
            self.fail("nil is not a command")
        return self._plain(dot, word)

    def _plain(self, dot: Value, node: nodes.Node) -> Value:
        """Dot, a constant or a pipeline in parentheses."""
        if isinstance(node, nodes.Dot):
            return dot
        if isinstance(node, nodes.Pipe):
            return self.pipeline(dot, node)
        assert isinstance(node, (nodes.Bool, nodes.Number, nodes.String))
        try:
            return untyped(node)
        except FunctionError as error:
            self.fail(str(error))

    def _refuse_operands(self, node: nodes.Node, operands: Operands) -> None:
        if operands.any_given:
            self.fail(f"can't give argument to non-function {node}")

    # Fields

    def _chain(self, node: _Chained, operands: Operands) -> Value:
        """A chain of fields; only the last may be a method that takes the operands."""
        self.node = node
        names = node.names if isinstance(node, nodes.Field) else node.fields
        receiver = self._receiver(operands.dot, node)
        if not names:
            self._refuse_operands(node, operands)
            return receiver
        owner: Value = None
        for name in names[:-1]:
            owner, receiver = receiver, self._field(receiver, name, node, Operands(operands.dot), owner)
        return self._field(receiver, names[-1], node, operands, owner)

    def _receiver(self, dot: Value, node: _Chained) -> Value:
        if isinstance(node, nodes.Field):
            return dot
        if isinstance(node, nodes.Variable):
            return self._variable(node.name)
        return self._argument(dot, None, node.term)

    def _field(self, receiver: Value, name: str, node: nodes.Node, operands: Operands, owner: Value) -> Value:
        """A method, a key of a map or a field of a struct; `owner` is what the receiver was itself a field of."""
        if isinstance(receiver, dict):
            if operands.any_given:
                self.fail(f"{name} is not a method but has arguments")
            return receiver.get(name, NIL if isinstance(receiver, Args) else "")
        if receiver is None:
            return None
        if receiver is NIL:
            self.fail(f"nil pointer evaluating interface {{}}.{name}")
        bound = method(receiver, name)
        if bound is not None:
            return self._call(bound, name, node, operands)
        found = struct_field(receiver, name)
        if found is None:
            shown = ANY if isinstance(owner, Args) else type_name(receiver)
            self.fail(f"can't evaluate field {name} in type {shown}")
        if operands.any_given:
            self.fail(f"{name} has arguments but cannot be invoked as function")
        return found[0]

    # Calls

    def _function(self, word: nodes.Identifier, node: nodes.Node, operands: Operands) -> Value:
        self.node = word
        function = self._functions[word.name]
        if word.name not in ("and", "or"):
            return self._call(function, word.name, node, operands)
        self._check_count(function, word.name, operands)
        value: Value = None
        for arg in operands.args:
            value = self._argument(operands.dot, REFLECTED, arg)
            if truth(value) == (word.name == "or"):
                return value
        return value if operands.final is MISSING else operands.final

    def _check_count(self, function: Function, name: str, operands: Operands) -> None:
        try:
            check_count(function, name, len(operands.args), operands.final is not MISSING)
        except FunctionError as error:
            self.fail(str(error))

    def _call(self, function: Function, name: str, node: nodes.Node, operands: Operands) -> Value:
        self._check_count(function, name, operands)
        types, last = function.parameters, len(function.parameters) - 1
        args = operands.args
        values = [self._argument(operands.dot, types[min(index, last)], arg) for index, arg in enumerate(args)]
        if operands.final is not MISSING:
            values.append(self._checked(operands.final, types[min(len(args), last)]))
        self.charge(function.cost)
        self._charge_text(*values)
        try:
            result = function.run(*values)
        except (FunctionError, WatchmanError, ValueError, OverflowError) as error:
            self.node = node
            self.fail(f"error calling {name}: {error}")
        self._charge_text(result)
        return result

    def _charge_text(self, *values: Value) -> None:
        self.charge(sum(len(value) // _STEP_CHARACTERS for value in values if is_text(value)))

    # Arguments

    def _argument(self, dot: Value, wanted: str | None, node: nodes.Node) -> Value:
        """The value of one argument for a parameter of the Go type `wanted`; None stands for any."""
        self.charge(1)
        self.node = node
        try:
            if isinstance(node, nodes.Nil):
                return nil_for(wanted)
            if isinstance(node, (nodes.Bool, nodes.Number, nodes.String)):
                return typed(node, wanted)
        except FunctionError as error:
            self.fail(str(error))
        if isinstance(node, _CHAINED):
            value = self._chain(node, Operands(dot))
        elif isinstance(node, nodes.Identifier):
            value = self._function(node, node, Operands(dot))
        else:
            value = self._plain(dot, node)
        return self._checked(value, wanted)

    def _checked(self, value: Value, wanted: str | None) -> Value:
        try:
            return checked(value, wanted)
        except FunctionError as error:
            self.fail(str(error))
