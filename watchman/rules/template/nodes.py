"""The parsed template as a tree. `position` is the index of a node in the text with the prelude before it.

`str(node)` is the node as Go writes it into the context of an error message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchman.rules.template.literals import quote


@dataclass(frozen=True, slots=True)
class Text:
    position: int
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Dot:
    position: int

    def __str__(self) -> str:
        return "."


@dataclass(frozen=True, slots=True)
class Nil:
    position: int

    def __str__(self) -> str:
        return "nil"


@dataclass(frozen=True, slots=True)
class Bool:
    position: int
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(frozen=True, slots=True)
class Number:
    """A number under every type that can hold it; None where the type cannot."""

    position: int
    text: str
    int_value: int | None
    uint_value: int | None
    float_value: float | None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class String:
    position: int
    quoted: str
    text: str

    def __str__(self) -> str:
        return self.quoted


@dataclass(frozen=True, slots=True)
class Field:
    position: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join("." + name for name in self.names)


@dataclass(frozen=True, slots=True)
class Variable:
    """`name` has its dollar sign; `fields` is what is looked up in its value."""

    position: int
    name: str
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join((self.name, *self.fields))


@dataclass(frozen=True, slots=True)
class Identifier:
    """The name of a function."""

    position: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Chain:
    """Fields of the result of a term: `(index $x 0).Labels`."""

    position: int
    term: Node
    fields: tuple[str, ...]

    def __str__(self) -> str:
        term = f"({self.term})" if isinstance(self.term, Pipe) else str(self.term)
        return ".".join((term, *self.fields))


@dataclass(frozen=True, slots=True)
class Command:
    position: int
    args: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(f"({arg})" if isinstance(arg, Pipe) else str(arg) for arg in self.args)


@dataclass(frozen=True, slots=True)
class Pipe:
    position: int
    commands: tuple[Command, ...]
    declared: tuple[Variable, ...] = ()
    assigns: bool = False

    def __str__(self) -> str:
        commands = " | ".join(str(command) for command in self.commands)
        if not self.declared:
            return commands
        sign = "=" if self.assigns else ":="
        return f"{', '.join(str(variable) for variable in self.declared)} {sign} {commands}"


@dataclass(frozen=True, slots=True)
class Action:
    position: int
    pipe: Pipe

    def __str__(self) -> str:
        return "{{" + str(self.pipe) + "}}"


@dataclass(frozen=True, slots=True)
class Branch:
    """`keyword` is if, with or range."""

    position: int
    keyword: str
    pipe: Pipe
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...] | None

    def __str__(self) -> str:
        text = "{{" + f"{self.keyword} {self.pipe}" + "}}" + "".join(str(node) for node in self.body)
        if self.otherwise is not None:
            text += "{{else}}" + "".join(str(node) for node in self.otherwise)
        return text + "{{end}}"


@dataclass(frozen=True, slots=True)
class Jump:
    """`keyword` is break or continue."""

    position: int
    keyword: str

    def __str__(self) -> str:
        return "{{" + self.keyword + "}}"


@dataclass(frozen=True, slots=True)
class Include:
    """`{{template "name" pipeline}}`; `{{block}}` leaves one too."""

    position: int
    name: str
    pipe: Pipe | None

    def __str__(self) -> str:
        argument = "" if self.pipe is None else f" {self.pipe}"
        return "{{template " + quote(self.name) + argument + "}}"


Node = (
    Text
    | Dot
    | Nil
    | Bool
    | Number
    | String
    | Field
    | Variable
    | Identifier
    | Chain
    | Command
    | Pipe
    | Action
    | Branch
    | Jump
    | Include
)
Body = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text: its own body under its name, and the templates it defines."""

    name: str
    text: str
    bodies: Mapping[str, Body]
