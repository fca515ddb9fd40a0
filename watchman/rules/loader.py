"""Prometheus rule files to groups of rules: the whole grammar, every fault of every file at once, each with its place.

The wording of a fault is Prometheus' own. Nothing half-loads: `load_rules` gives all groups or raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from watchman.errors import ConfigError, Fault
from watchman.rules import lint
from watchman.rules import yaml_nodes as nodes
from watchman.rules.rule import Group, Rule
from watchman.rules.rule_node import CheckTemplate, duration_of, quoted, read_labels, read_rule
from watchman.rules.yaml_nodes import Entries, Report

if TYPE_CHECKING:
    from collections.abc import Mapping

_GROUP_KEYS = frozenset({"name", "interval", "query_offset", "limit", "labels", "rules"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What holds where a group says nothing, and the checker of templates (None: the text is good, else its fault)."""

    check_template: CheckTemplate
    evaluation_interval_s: float = 60.0
    query_offset_s: float = 0.0


def load_rules(files: Mapping[str, str], defaults: Defaults) -> list[Group]:
    """The groups of all files (name -> text), in order; raises ConfigError with every fault of every file."""
    groups, faults, _ = _read_files(files, defaults)
    if faults:
        raise ConfigError(faults)
    return groups


def lint_rules(files: Mapping[str, str], defaults: Defaults) -> list[Fault]:
    """Warnings about files that load (or not): things that Prometheus accepts and nobody means."""
    return _read_files(files, defaults)[2]


def _read_files(files: Mapping[str, str], defaults: Defaults) -> tuple[list[Group], list[Fault], list[Fault]]:
    groups: list[Group] = []
    faults: list[Fault] = []
    warnings: list[Fault] = []
    seen: dict[tuple[object, ...], str] = {}
    for file, text in files.items():
        report = Report(file)
        groups += _read_file(text, report, defaults, seen)
        faults += sorted(report.faults, key=lambda fault: (fault.line, fault.column))
        warnings += sorted(report.warnings, key=lambda fault: (fault.line, fault.column))
    return groups, faults, warnings


def _read_file(text: str, report: Report, defaults: Defaults, seen: dict[tuple[object, ...], str]) -> list[Group]:
    root = nodes.compose_first(text, report)
    if root is None or nodes.is_null(root):
        return []
    if not isinstance(root, yaml.MappingNode):
        report.fault(root, f"cannot unmarshal {nodes.described(root)} into rulefmt.RuleGroups")
        return []
    top = nodes.known_entries(root, frozenset({"groups"}), "RuleGroups", report)
    found = nodes.items(top["groups"][1], "RuleGroup", report) if "groups" in top else []
    groups = []
    names: set[str] = set()
    for node in found:
        group = _read_group(node, report, defaults, names, seen)
        if group is not None:
            groups.append(group)
    return groups


def _read_group(
    node: yaml.Node, report: Report, defaults: Defaults, names: set[str], seen: dict[tuple[object, ...], str]
) -> Group | None:
    if not isinstance(node, yaml.MappingNode):
        report.fault(node, f"cannot unmarshal {nodes.described(node)} into rulefmt.RuleGroup")
        return None
    found = nodes.known_entries(node, _GROUP_KEYS, "RuleGroup", report)
    name = nodes.text(found["name"][1], report) if "name" in found else ""
    if not name and not nodes.is_broken(found, "name"):
        report.fault(node, "Groupname must not be empty")
    if name and name in names:
        report.fault(node, f'groupname: "{name}" is repeated in the same file')
    names.add(name)
    within = report.within(f"group {quoted(name)}: ")
    labels = read_labels(found, "labels", within)
    rules = _read_rules(found, name, labels, report, defaults)
    for rule, at in rules:
        _warn_of_twin(rule, at, report, seen)
    interval_s = duration_of(found, "interval", within)
    return Group(
        name=name,
        file=report.file,
        rules=tuple(rule for rule, _ in rules),
        interval_s=interval_s or defaults.evaluation_interval_s,
        query_offset_s=_query_offset_s(found, within, defaults),
        limit=nodes.integer(found["limit"][1], within) if "limit" in found else 0,
    )


def _read_rules(
    found: Entries, group: str, labels: dict[str, str], report: Report, defaults: Defaults
) -> list[tuple[Rule, yaml.Node]]:
    if "rules" not in found:
        return []
    rules: list[tuple[Rule, yaml.Node]] = []
    for number, node in enumerate(nodes.items(found["rules"][1], "RuleNode", report), start=1):
        if isinstance(node, yaml.MappingNode):
            rules.append((read_rule(node, (group, number), labels, report, defaults.check_template), node))
        else:
            report.fault(node, f"cannot unmarshal {nodes.described(node)} into rulefmt.RuleNode")
    return rules


def _query_offset_s(found: Entries, report: Report, defaults: Defaults) -> float:
    if "query_offset" not in found or nodes.is_null(found["query_offset"][1]):
        return defaults.query_offset_s
    return nodes.duration_s(found["query_offset"][1], report)


def _warn_of_twin(rule: Rule, node: yaml.Node, report: Report, seen: dict[tuple[object, ...], str]) -> None:
    place = f"{report.file}:{rule.line}:{node.start_mark.column + 1}"
    twin = seen.setdefault(lint.identity(rule), place)
    if rule.name and twin != place:
        report.warn(node, f"{quoted(rule.name)} with the same labels is already defined at {twin}")
