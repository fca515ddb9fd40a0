"""YAML as a tree of nodes that know their place, read with the words and the strictness of Prometheus' own decoder."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import yaml

from watchman.durations import parse_duration
from watchman.errors import Fault

# libyaml's loader says what is wrong in the words Go's does (both are ports of it) and is ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_SHOWN = 10
# Composing recurses in native code without a guard; a rule file has six levels.
_MAX_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Report:
    """Collects the faults and warnings of one file; `prefix` says which group and rule is being read."""

    file: str
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    prefix: str = ""

    def within(self, prefix: str) -> Report:
        """The same collector with another prefix."""
        return Report(self.file, self.faults, self.warnings, prefix)

    def fault(self, node: yaml.Node, message: str) -> None:
        """Something Prometheus would refuse, at the place of `node`."""
        self.faults.append(self._at(node, message))

    def warn(self, node: yaml.Node, message: str) -> None:
        """Something that loads but is likely not meant."""
        self.warnings.append(self._at(node, message))

    def _at(self, node: yaml.Node, message: str) -> Fault:
        mark = node.start_mark
        return Fault(self.file, mark.line + 1, mark.column + 1, self.prefix + message)


Entries = dict[str, tuple[yaml.Node, yaml.Node]]
"""A mapping by its keys' text: the key's node and the value's node."""


def compose_first(text: str, report: Report) -> yaml.Node | None:
    """The root node of the first document; None for an empty file, and, with a fault, for one that is not YAML."""
    try:
        if _is_too_deep(text):
            report.faults.append(Fault(report.file, 0, 0, f"yaml: exceeded max depth of {_MAX_DEPTH}"))
            return None
        loader = _LOADER(text)
        root: yaml.Node | None = loader.get_node() if loader.check_node() else None
    except Exception as error:
        # The C loader fails in many ways on hostile text; all of them are one fault of the file.
        report.faults.append(_syntax_fault(report.file, error))
        return None
    if root is not None and _has_more(loader):
        report.warn(root, "only the first YAML document is read, the others are ignored")
    return root


def entries(node: yaml.MappingNode, report: Report, depth: int = 0) -> Entries:
    """Key -> (key node, value node) with merge keys (`<<`) resolved; a key written twice is a fault."""
    found: Entries = {}
    merged: list[yaml.Node] = []
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            report.fault(key, f"cannot unmarshal {short_tag(key)} into string")
        elif key.tag == _TAG + "merge":
            merged.append(value)
        elif key.value in found:
            line = found[key.value][0].start_mark.line + 1
            report.fault(key, f'mapping key "{key.value}" already defined at line {line}')
        else:
            found[key.value] = (key, value)
    for value in merged:
        _merge(found, value, report, depth)
    return found


def known_entries(node: yaml.MappingNode, known: frozenset[str], kind: str, report: Report) -> Entries:
    """Like `entries`; a key that is not in `known` is a fault."""
    found = entries(node, report)
    for name, (key, _) in found.items():
        if name not in known:
            report.fault(key, f"field {name} not found in type rulefmt.{kind}")
    return found


def items(node: yaml.Node, kind: str, report: Report) -> list[yaml.Node]:
    """The elements of a list; null elements count as absent, as in Go. Anything but a list is a fault."""
    if is_null(node):
        return []
    if not isinstance(node, yaml.SequenceNode):
        report.fault(node, f"cannot unmarshal {described(node)} into []rulefmt.{kind}")
        return []
    return [element for element in node.value if not is_null(element)]


def text(node: yaml.Node, report: Report) -> str:
    """A scalar as it is written (`1.50` stays `1.50`), null as the empty text."""
    if is_null(node):
        return ""
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    report.fault(node, f"cannot unmarshal {short_tag(node)} into string")
    return ""


def duration_s(node: yaml.Node, report: Report) -> float:
    """Seconds of a Prometheus duration; null is 0. The integer 5 is no duration, 0 is."""
    if is_null(node):
        return 0.0
    if not isinstance(node, yaml.ScalarNode):
        report.fault(node, f"cannot unmarshal {short_tag(node)} into string")
        return 0.0
    try:
        return parse_duration(node.value)
    except ValueError as error:
        report.fault(node, str(error))
        return 0.0


def integer(node: yaml.Node, report: Report) -> int:
    """A whole number; null is 0 and a fraction is cut off, as in Go."""
    if is_null(node):
        return 0
    number = _number(node)
    if number is None or not -(2**63) <= number < 2**63:
        report.fault(node, f"cannot unmarshal {described(node)} into int")
        return 0
    return int(number)


def is_null(node: yaml.Node) -> bool:
    """True for `null`, `~` and nothing at all."""
    return bool(node.tag == _TAG + "null")


def is_broken(found: Entries, *fields: str) -> bool:
    """True if one of the fields has no scalar where one belongs: that is its fault, and nothing follows from it."""
    return any(field in found and not isinstance(found[field][1], yaml.ScalarNode) for field in fields)


def short_tag(node: yaml.Node) -> str:
    """`!!str`, `!!seq` and so on, as Go's decoder names them."""
    return "!!" + node.tag.removeprefix(_TAG) if node.tag.startswith(_TAG) else str(node.tag)


def described(node: yaml.Node) -> str:
    """The tag and, for a scalar, the start of its text, as Go's decoder shows a wrong value."""
    if not isinstance(node, yaml.ScalarNode):
        return short_tag(node)
    value = node.value if len(node.value) <= _SHOWN else node.value[: _SHOWN - 3] + "..."
    return f"{short_tag(node)} `{value}`"


def _number(node: yaml.Node) -> float | int | None:
    if node.tag not in {_TAG + "int", _TAG + "float"}:
        return None
    plain = node.value.replace("_", "")
    try:
        return int(plain, 0)
    except ValueError:
        pass
    try:
        number = float(plain)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _merge(found: Entries, value: yaml.Node, report: Report, depth: int) -> None:
    sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
    for source in sources:
        # An alias may lead back to its own anchor; real files merge once or twice.
        if not isinstance(source, yaml.MappingNode) or depth > _SHOWN:
            report.fault(source, "map merge requires map or sequence of maps as the value")
            continue
        for name, entry in entries(source, report, depth + 1).items():
            found.setdefault(name, entry)


def _is_too_deep(text: str) -> bool:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            return True
        if isinstance(event, yaml.DocumentEndEvent):
            return False
    return False


def _has_more(loader: yaml.SafeLoader) -> bool:
    try:
        return bool(loader.check_node())
    except Exception:
        # What follows the first document is not read, so its faults are none.
        return True


def _syntax_fault(file: str, error: Exception) -> Fault:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return Fault(file, mark.line + 1, mark.column + 1, f"yaml: {error.problem or error.context}")
    if isinstance(error, yaml.reader.ReaderError | UnicodeError):
        return Fault(file, 0, 0, "yaml: control characters are not allowed")
    return Fault(file, 0, 0, f"yaml: {error}")
