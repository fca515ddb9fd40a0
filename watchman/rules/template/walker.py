"""Executes a parsed template: walks its bodies, takes branches, repeats ranges, writes the output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NoReturn

from watchman.rules.template import nodes
from watchman.rules.template.errors import LimitError
from watchman.rules.template.evaluator import Evaluator
from watchman.rules.template.literals import quote
from watchman.rules.template.printer import Output, sprint_one
from watchman.rules.template.values import NIL, Data, Function, Sized, Value, integer, truth

PRELUDE_VARIABLES = ("$labels", "$externalLabels", "$externalURL", "$value")
MAX_TEMPLATE_DEPTH = 60
"""Templates within templates. Go stops at 100000, Python's stack earlier."""


def execute(template: nodes.Template, functions: Mapping[str, Function], data: Data) -> str:
    """The output of the template, which begins with the prelude, on an alert's data; raises ExecError."""
    variables = [("$", data), *zip(PRELUDE_VARIABLES, data.fields().values(), strict=True)]
    return _Walker(template, Evaluator(template, functions, variables)).run(data)


class _Walker:
    """`depth` counts templates within templates. A body that meets break or continue returns that word."""

    __slots__ = ("_bodies", "_depth", "_evaluator", "_name", "_output")

    def __init__(self, template: nodes.Template, evaluator: Evaluator) -> None:
        self._bodies = template.bodies
        self._name = template.name
        self._evaluator = evaluator
        self._output = Output()
        self._depth = 0

    def run(self, data: Value) -> str:
        """Walks the template's own body. What the prelude would do is done: its variables are there."""
        try:
            self._body(data, self._bodies[self._name][len(PRELUDE_VARIABLES) :])
            return self._output.text()
        except LimitError as error:
            self._fail(str(error))
        except RecursionError:
            self._fail("nested too deeply")

    def _fail(self, message: str) -> NoReturn:
        self._evaluator.fail(message)

    def _body(self, dot: Value, body: nodes.Body) -> str:
        evaluator = self._evaluator
        for node in body:
            evaluator.charge(1)
            evaluator.node = node
            if isinstance(node, nodes.Text):
                self._output.write(node.text)
            elif isinstance(node, nodes.Action):
                value = evaluator.pipeline(dot, node.pipe)
                if not node.pipe.declared:
                    self._print(node, value)
            else:
                jump = self._control(dot, node)
                if jump:
                    return jump
        return ""

    def _print(self, node: nodes.Node, value: Value) -> None:
        self._evaluator.node = node
        self._output.write(value if type(value) is str else sprint_one(value))

    def _control(self, dot: Value, node: nodes.Node) -> str:
        if isinstance(node, nodes.Branch):
            mark = len(self._evaluator.variables)
            jump = self._range(dot, node) if node.keyword == "range" else self._condition(dot, node)
            del self._evaluator.variables[mark:]
            return jump
        if isinstance(node, nodes.Include):
            self._include(dot, node)
            return ""
        assert isinstance(node, nodes.Jump)
        return node.keyword

    def _condition(self, dot: Value, node: nodes.Branch) -> str:
        value = self._evaluator.pipeline(dot, node.pipe)
        if truth(value):
            return self._body(value if node.keyword == "with" else dot, node.body)
        return self._body(dot, node.otherwise) if node.otherwise else ""

    def _range(self, dot: Value, node: nodes.Branch) -> str:
        items = self._items(self._evaluator.pipeline(dot, node.pipe), len(node.pipe.declared))
        mark = len(self._evaluator.variables)
        empty = True
        for index, item in items:
            empty = False
            self._evaluator.charge(1)
            self._set_range_variables(node.pipe, index, item)
            jump = self._body(item, node.body)
            del self._evaluator.variables[mark:]
            if jump == "break":
                break
        return self._body(dot, node.otherwise) if empty and node.otherwise else ""

    def _items(self, value: Value, variables: int) -> Iterable[tuple[Value, Value]]:
        """Index and element: of a query's result, of a map by its sorted keys, of the numbers below an integer."""
        if isinstance(value, dict):
            return sorted(value.items())
        if isinstance(value, list):
            return list(enumerate(value))
        if value is None or value is NIL:
            return ()
        number = None if isinstance(value, bool) else integer(value)
        if number is None:
            self._fail(f"range can't iterate over {sprint_one(value)}")
        if variables > 1:
            self._fail(f"can't use {number} to iterate over more than one variable")
        if isinstance(value, Sized):
            return ((None, Sized(value.kind, item)) for item in range(number))
        return ((None, item) for item in range(number))

    def _set_range_variables(self, pipe: nodes.Pipe, index: Value, item: Value) -> None:
        """One variable takes the element, two take index and element; they are on top of the stack or assigned."""
        count = len(pipe.declared)
        values = (index, item)[2 - count :]
        variables = self._evaluator.variables
        for offset, (variable, value) in enumerate(zip(pipe.declared, values, strict=True)):
            if pipe.assigns:
                self._evaluator.set_variable(variable.name, value)
            else:
                variables[len(variables) - count + offset] = (variable.name, value)

    def _include(self, dot: Value, node: nodes.Include) -> None:
        """Another template: it sees no variables but `$`, which is its argument."""
        evaluator = self._evaluator
        body = self._bodies.get(node.name)
        if body is None:
            self._fail(f"template {quote(node.name)} not defined")
        if self._depth == MAX_TEMPLATE_DEPTH:
            self._fail(f"exceeded maximum template depth ({MAX_TEMPLATE_DEPTH})")
        argument = None if node.pipe is None else evaluator.pipeline(dot, node.pipe)
        saved = evaluator.variables, evaluator.template_name, evaluator.node
        evaluator.variables, evaluator.template_name = [("$", argument)], node.name
        self._depth += 1
        self._body(argument, body)
        self._depth -= 1
        evaluator.variables, evaluator.template_name, evaluator.node = saved
