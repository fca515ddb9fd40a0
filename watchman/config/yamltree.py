"""YAML with places: the plain value of a document and where each part of it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from watchman.errors import Fault

Path = tuple[str | int, ...]

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")
_MAX_DEPTH = 40
# Aliases of aliases make billions of values out of a few lines.
_MAX_VALUES = 50_000


@dataclass(slots=True)
class Document:
    """A parsed file: its plain value, the place of each path (line and column from 1) and the faults met on the way."""

    value: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def place(self, path: Path) -> tuple[int, int]:
        """Where a path stands; the nearest parent's place if the path itself is not in the file."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))


def read_document(text: str, file: str, environment: Mapping[str, str]) -> Document:
    """Parse the first YAML document of a text; `${NAME}` and `${NAME:-default}` in texts come from `environment`."""
    document = Document()
    try:
        # The libyaml loader nests in C without a limit, the Python one raises RecursionError: both are bounded below.
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        document.faults.append(Fault(file, line, column, f"not valid YAML: {error.problem or error.context}"))
        return document
    except (yaml.YAMLError, RecursionError) as error:
        document.faults.append(Fault(file, 0, 0, f"not valid YAML: {str(error).splitlines()[0]}"))
        return document
    if node is not None:
        document.value = _Reader(document, file, environment).read(node, ())
    return document


class _Reader:
    """Walks the node tree of one document."""

    def __init__(self, document: Document, file: str, environment: Mapping[str, str]) -> None:
        self._document = document
        self._file = file
        self._environment = environment
        self._constructor = yaml.SafeLoader("")
        self._values = 0
        self._depth = 0

    def read(self, node: yaml.Node, path: Path) -> Any:
        """The plain value of a node; None, with a fault, for what is too deep or too much."""
        self._values += 1
        self._document.places.setdefault(path, _place(node))
        if self._values > _MAX_VALUES:
            if self._values == _MAX_VALUES + 1:
                self._fault(node, f"more than {_MAX_VALUES} values; are there aliases within aliases?")
            return None
        if self._depth > _MAX_DEPTH:
            self._fault(node, "nested too deeply")
            return None
        self._depth += 1
        try:
            return self._plain(node, path)
        finally:
            self._depth -= 1

    def _plain(self, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(child, (*path, index)) for index, child in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                merged = {**self._merged(value_node, path), **merged}
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                self._fault(key_node, "a key must be a plain word")
                continue
            key = key_node.value
            if key in values:
                self._fault(key_node, f'key "{key}" is given twice')
            self._document.places[(*path, key)] = _place(key_node)
            values[key] = self.read(value_node, (*path, key))
        return {**merged, **values}

    def _merged(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        """What `<<` takes over: a mapping, or a list of mappings of which the first counts most."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(part, yaml.MappingNode) for part in parts):
            self._fault(node, "<< takes over a mapping, or a list of mappings")
            return {}
        values: dict[str, Any] = {}
        for part in parts:
            values = {**(self.read(part, path) or {}), **values}
        return values

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text = _VARIABLE.sub(lambda match: self._variable(match, node), node.value)
        if text == node.value and node.style in (None, ""):
            try:
                value = self._constructor.construct_object(node)
                # YAML 1.1 reads 19:05 as a number of minutes; here it is a time of day.
                return text if ":" in text and isinstance(value, (int, float)) else value
            except (yaml.YAMLError, ValueError) as error:
                self._fault(node, str(error).splitlines()[0])
                return None
        # A variable may stand for a number or a switch; the types of the config turn the text into one.
        return text

    def _variable(self, match: re.Match[str], node: yaml.Node) -> str:
        name, default = match["name"], match["default"]
        value = self._environment.get(name, "") or default
        if value is None:
            self._fault(node, f"environment variable {name} is not set; set it or write ${{{name}:-default}}")
            return ""
        return value

    def _fault(self, node: yaml.Node, message: str) -> None:
        line, column = _place(node)
        self._document.faults.append(Fault(self._file, line, column, message))


def _place(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
