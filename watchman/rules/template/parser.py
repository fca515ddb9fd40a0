"""Builds the tree of a template from its tokens, with the faults of Go's text/template word for word."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from watchman.rules.template import nodes
from watchman.rules.template.cursor import Cursor
from watchman.rules.template.lexer import Kind, Token
from watchman.rules.template.literals import quote, unquote
from watchman.rules.template.numbers import parse_number

# Go allows ten thousand nested parentheses; Python's own stack ends earlier, and no annotation needs so many.
MAX_DEPTH = 120

_OPERANDS = frozenset(
    {
        Kind.BOOL,
        Kind.CHAR_CONSTANT,
        Kind.COMPLEX,
        Kind.FIELD,
        Kind.IDENTIFIER,
        Kind.NUMBER,
        Kind.RAW_STRING,
        Kind.STRING,
        Kind.VARIABLE,
        Kind.LEFT_PAREN,
    }
)
_NOT_EXECUTABLE = (nodes.Bool, nodes.Dot, nodes.Nil, nodes.Number, nodes.String)
_LITERALS = (nodes.Bool, nodes.String, nodes.Number, nodes.Nil, nodes.Dot)


@dataclass(slots=True)
class _Scope:
    """What is known while one body is read. A define or a block starts with a fresh one."""

    variables: list[str] = field(default_factory=lambda: ["$"])
    range_depth: int = 0


@dataclass(frozen=True, slots=True)
class _End:
    """What ended a list of nodes: end or else; `follows` is the if or with of an `else if`."""

    keyword: str
    follows: str = ""

    def __str__(self) -> str:
        return "{{" + self.keyword + "}}"


def parse(name: str, text: str, functions: Collection[str]) -> nodes.Template:
    """The template of a text; raises ParseError. `functions` are the names a template may call."""
    return _Parser(name, text, functions).run()


def is_empty(body: nodes.Body) -> bool:
    """Whether nothing but white space is in it; such a definition may be replaced by another."""
    return all(isinstance(node, nodes.Text) and not node.text.strip() for node in body)


class _Parser:
    def __init__(self, name: str, text: str, functions: Collection[str]) -> None:
        self._name = name
        self._text = text
        self._functions = functions
        self._cursor = Cursor(name, text)
        self._depth = 0
        self._scope = _Scope()
        self._bodies: dict[str, nodes.Body] = {}

    def run(self) -> nodes.Template:
        """Everything up to the end of the text."""
        root: list[nodes.Node] = []
        while self._cursor.peek().kind is not Kind.EOF:
            if self._at_define():
                self._define()
                continue
            node = self._text_or_action()
            if isinstance(node, _End):
                self._cursor.fail(f"unexpected {node}")
            root.append(node)
        self._add(self._name, tuple(root))
        return nodes.Template(self._name, self._text, self._bodies)

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._cursor.fail("max expression depth exceeded")

    # Definitions

    def _at_define(self) -> bool:
        """Whether `{{define` is next; if so, it is past."""
        start = self._cursor.index
        if self._cursor.next().kind is Kind.LEFT_DELIM:
            word = self._cursor.next_non_space()
            if word.kind is Kind.KEYWORD and word.text == "define":
                return True
        self._cursor.index = start
        return False

    def _define(self) -> None:
        context = "define clause"
        name = self._unquote(self._cursor.expect((Kind.STRING, Kind.RAW_STRING), context))
        self._cursor.expect((Kind.RIGHT_DELIM,), context)
        self._add(name, self._own_body(context))

    def _own_body(self, context: str) -> nodes.Body:
        """The body of a define or a block: it sees no variables from outside."""
        outer, self._scope = self._scope, _Scope()
        body, end = self._item_list()
        self._scope = outer
        if end.keyword != "end":
            self._cursor.fail(f"unexpected {end} in {context}")
        return body

    def _add(self, name: str, body: nodes.Body) -> None:
        known = self._bodies.get(name)
        if known is None or is_empty(known):
            self._bodies[name] = body
        elif not is_empty(body):
            self._cursor.fail("template: multiple definition of template " + quote(name))

    # Lists and actions

    def _item_list(self) -> tuple[nodes.Body, _End]:
        body: list[nodes.Node] = []
        while True:
            if self._cursor.peek_non_space().kind is Kind.EOF:
                self._cursor.fail("unexpected EOF")
            node = self._text_or_action()
            if isinstance(node, _End):
                return tuple(body), node
            body.append(node)

    def _text_or_action(self) -> nodes.Node | _End:
        token = self._cursor.next_non_space()
        if token.kind is Kind.TEXT:
            return nodes.Text(token.position, token.text)
        if token.kind is not Kind.LEFT_DELIM:
            self._cursor.unexpected(token, "input")
        self._cursor.action_line = self._cursor.line_of(token)
        node = self._action()
        self._cursor.action_line = 0
        return node

    def _action(self) -> nodes.Node | _End:
        token = self._cursor.next_non_space()
        if token.kind is Kind.KEYWORD:
            if token.text in ("if", "with", "range"):
                return self._branch(token.text)
            if token.text in ("break", "continue"):
                return self._jump(token)
            if token.text in ("else", "end"):
                return self._ending(token.text)
            if token.text in ("block", "template"):
                return self._block() if token.text == "block" else self._include()
        self._cursor.back()
        return nodes.Action(self._cursor.peek().position, self._pipeline("command", Kind.RIGHT_DELIM))

    def _jump(self, keyword: Token) -> nodes.Jump:
        token = self._cursor.next_non_space()
        name = "{{" + keyword.text + "}}"
        if token.kind is not Kind.RIGHT_DELIM:
            self._cursor.unexpected(token, name)
        if not self._scope.range_depth:
            self._cursor.fail(f"{name} outside {{{{range}}}}")
        return nodes.Jump(keyword.position, keyword.text)

    def _ending(self, keyword: str) -> _End:
        """`{{else if` leaves its if to be read, as if it stood in an action of its own."""
        token = self._cursor.peek_non_space()
        if keyword == "else" and token.kind is Kind.KEYWORD and token.text in ("if", "with"):
            return _End("else", token.text)
        self._cursor.expect((Kind.RIGHT_DELIM,), keyword)
        return _End(keyword)

    def _branch(self, keyword: str) -> nodes.Branch:
        self._enter()
        mark = len(self._scope.variables)
        pipe = self._pipeline(keyword, Kind.RIGHT_DELIM)
        in_range = keyword == "range"
        self._scope.range_depth += in_range
        body, end = self._item_list()
        self._scope.range_depth -= in_range
        otherwise = self._otherwise(keyword, end) if end.keyword == "else" else None
        del self._scope.variables[mark:]
        self._depth -= 1
        return nodes.Branch(pipe.position, keyword, pipe, body, otherwise)

    def _otherwise(self, keyword: str, end: _End) -> nodes.Body:
        if end.follows and end.follows == keyword:
            self._cursor.next_non_space()
            return (self._branch(keyword),)
        body, last = self._item_list()
        if last.keyword != "end":
            self._cursor.fail(f"expected end; found {last}")
        return body

    def _template_name(self, context: str) -> tuple[str, int]:
        token = self._cursor.expect((Kind.STRING, Kind.RAW_STRING), context)
        return self._unquote(token), token.position

    def _block(self) -> nodes.Include:
        context = "block clause"
        name, position = self._template_name(context)
        pipe = self._pipeline(context, Kind.RIGHT_DELIM)
        self._enter()
        self._add(name, self._own_body(context))
        self._depth -= 1
        return nodes.Include(position, name, pipe)

    def _include(self) -> nodes.Include:
        context = "template clause"
        name, position = self._template_name(context)
        pipe = None
        if self._cursor.next_non_space().kind is not Kind.RIGHT_DELIM:
            self._cursor.back()
            pipe = self._pipeline(context, Kind.RIGHT_DELIM)
        return nodes.Include(position, name, pipe)

    # Pipelines

    def _pipeline(self, context: str, end: Kind) -> nodes.Pipe:
        position = self._cursor.peek_non_space().position
        declared, assigns = self._declarations(context)
        commands: list[nodes.Command] = []
        while True:
            token = self._cursor.next_non_space()
            if token.kind is end:
                self._check_pipeline(commands, context)
                return nodes.Pipe(position, tuple(commands), tuple(declared), assigns)
            if token.kind not in _OPERANDS and token.text not in (".", "nil"):
                self._cursor.unexpected(token, context)
            self._cursor.back()
            commands.append(self._command())

    def _declarations(self, context: str) -> tuple[list[nodes.Variable], bool]:
        """`$x :=`, `$x =` or, in a range, `$i, $x :=`; nothing is taken if none is there."""
        declared: list[nodes.Variable] = []
        while self._cursor.peek_non_space().kind is Kind.VARIABLE:
            start = self._cursor.index
            variable = self._cursor.next_non_space()
            sign = self._cursor.next_non_space()
            if sign.kind not in (Kind.ASSIGN, Kind.DECLARE) and sign.text != ",":
                self._cursor.index = start
                break
            declared.append(nodes.Variable(variable.position, variable.text, ()))
            self._scope.variables.append(variable.text)
            if sign.text != ",":
                return declared, sign.kind is Kind.ASSIGN
            if context != "range" or len(declared) > 1:
                self._cursor.fail(f"too many declarations in {context}")
            if self._cursor.peek_non_space().kind not in (Kind.VARIABLE, Kind.RIGHT_DELIM, Kind.RIGHT_PAREN):
                self._cursor.fail("range can only initialize variables")
        return declared, False

    def _check_pipeline(self, commands: list[nodes.Command], context: str) -> None:
        if not commands:
            self._cursor.fail(f"missing value for {context}")
        for stage, command in enumerate(commands[1:], start=2):
            if isinstance(command.args[0], _NOT_EXECUTABLE):
                self._cursor.fail(f"non executable command in pipeline stage {stage}")

    def _command(self) -> nodes.Command:
        position = self._cursor.peek_non_space().position
        args: list[nodes.Node] = []
        while True:
            self._cursor.peek_non_space()
            operand = self._operand()
            if operand is not None:
                args.append(operand)
            token = self._cursor.next()
            if token.kind is Kind.SPACE:
                continue
            if token.kind in (Kind.RIGHT_DELIM, Kind.RIGHT_PAREN):
                self._cursor.back()
            elif token.kind is not Kind.PIPE:
                self._cursor.unexpected(token, "operand")
            break
        if not args:
            self._cursor.fail("empty command")
        return nodes.Command(position, tuple(args))

    def _operand(self) -> nodes.Node | None:
        """A term with the fields that follow it without a space; None if what is next is no term."""
        term = self._term()
        token = self._cursor.peek()
        if term is None or token.kind is not Kind.FIELD:
            return term
        position, fields = token.position, []
        while self._cursor.peek().kind is Kind.FIELD:
            fields.append(self._cursor.next().text[1:])
        if isinstance(term, _LITERALS):
            self._cursor.fail(f"unexpected . after term {quote(str(term))}")
        if isinstance(term, nodes.Field):
            return nodes.Field(position, (*term.names, *fields))
        if isinstance(term, nodes.Variable):
            return nodes.Variable(position, term.name, (*term.fields, *fields))
        return nodes.Chain(position, term, tuple(fields))

    def _term(self) -> nodes.Node | None:
        token = self._cursor.next_non_space()
        if token.kind in (Kind.IDENTIFIER, Kind.VARIABLE):
            return self._name_of(token)
        if token.kind is Kind.LEFT_PAREN:
            return self._parenthesized()
        node = self._literal(token)
        if node is None:
            self._cursor.back()
        return node

    def _literal(self, token: Token) -> nodes.Node | None:
        """A constant, a field or dot; None if the token is something else."""
        match token.kind:
            case Kind.FIELD:
                return nodes.Field(token.position, (token.text[1:],))
            case Kind.STRING | Kind.RAW_STRING:
                return nodes.String(token.position, token.text, self._unquote(token))
            case Kind.CHAR_CONSTANT | Kind.COMPLEX | Kind.NUMBER:
                return self._number(token)
            case Kind.BOOL:
                return nodes.Bool(token.position, token.text == "true")
            case Kind.KEYWORD if token.text in (".", "nil"):
                return nodes.Dot(token.position) if token.text == "." else nodes.Nil(token.position)
        return None

    def _name_of(self, token: Token) -> nodes.Node:
        if token.kind is Kind.IDENTIFIER:
            if token.text not in self._functions:
                self._cursor.fail(f"function {quote(token.text)} not defined")
            return nodes.Identifier(token.position, token.text)
        if token.text not in self._scope.variables:
            self._cursor.fail(f"undefined variable {quote(token.text)}")
        return nodes.Variable(token.position, token.text, ())

    def _parenthesized(self) -> nodes.Pipe:
        self._enter()
        pipe = self._pipeline("parenthesized pipeline", Kind.RIGHT_PAREN)
        self._depth -= 1
        return pipe

    def _unquote(self, token: Token) -> str:
        try:
            return unquote(token.text)
        except ValueError as error:
            self._cursor.fail(str(error))

    def _number(self, token: Token) -> nodes.Number:
        try:
            return parse_number(token)
        except ValueError as error:
            self._cursor.fail(str(error))
