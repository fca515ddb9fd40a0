"""One rule of a rule file: its fields read, checked and worded as Prometheus words them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import yaml

from watchman.durations import parse_duration
from watchman.rules import lint
from watchman.rules import yaml_nodes as nodes
from watchman.rules.expression import parse_expression
from watchman.rules.rule import Rule
from watchman.rules.selectors import selectors
from watchman.rules.yaml_nodes import Entries, Report

_RULE_KEYS = frozenset({"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"})
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_CHOICES = {"on_vanished": ("resolve", "hold", "fire"), "on_error": ("hold", "fire")}

CheckTemplate = Callable[[str, str], str | None]
"""`check(text, name of the alert)`: None if the text is a good template, else what is wrong with it."""


def read_rule(
    node: yaml.MappingNode,
    place: tuple[str, int],
    group_labels: dict[str, str],
    report: Report,
    check_template: CheckTemplate,
) -> Rule:
    silent, names = Report(""), nodes.entries(node, Report(""))
    shown = text_of(names, "alert", silent) or text_of(names, "record", silent)
    report = report.within(f"group {quoted(place[0])}, rule {place[1]}, {quoted(shown)}: ")
    found = nodes.known_entries(node, _RULE_KEYS, "RuleNode", report)
    alert, record = text_of(found, "alert", report), text_of(found, "record", report)
    _check_names(node, found, alert, record, report)
    expr, reads = _read_expression(node, found, bool(alert), report)
    labels = read_labels(found, "labels", report)
    annotations = _annotations(found, report)
    if alert:
        _check_templates(found, alert, check_template, report)
    if record:
        _check_recording(found, record, report)
    return Rule(
        name=alert or record,
        expr=expr,
        labels={**group_labels, **labels},
        annotations=annotations,
        for_s=duration_of(found, "for", report),
        keep_firing_for_s=duration_of(found, "keep_firing_for", report),
        record=bool(record) and not alert,
        line=node.start_mark.line + 1,
        on_vanished=annotations.get("on_vanished", "resolve"),
        on_error=annotations.get("on_error", "hold"),
        selectors=reads,
    )


def _check_names(node: yaml.Node, found: Entries, alert: str, record: str, report: Report) -> None:
    if alert and record:
        report.fault(found["alert"][1], "only one of 'record' and 'alert' must be set")
    if not alert and not record and not nodes.is_broken(found, "alert", "record"):
        report.fault(node, "one of 'record' or 'alert' must be set")


def _read_expression(node: yaml.Node, found: Entries, alerting: bool, report: Report) -> tuple[str, tuple[str, ...]]:
    expr = text_of(found, "expr", report)
    if not expr:
        if not nodes.is_broken(found, "expr"):
            report.fault(found["expr"][1] if "expr" in found else node, "field 'expr' must be set in rule")
        return "", ()
    at = found["expr"][1]
    parsed = parse_expression(expr)
    if parsed.fault:
        report.fault(at, f"could not parse expression: {parsed.fault}")
    if parsed.warning:
        report.warn(at, parsed.warning)
    if parsed.tree is None:
        return expr, ()
    warning = lint.expression_warning(parsed.tree, alerting=alerting)
    if warning:
        report.warn(at, warning)
    return expr, selectors(parsed.tree)


def _check_recording(found: Entries, record: str, report: Report) -> None:
    at = found["record"][1]
    if _METRIC_NAME.fullmatch(record) is None:
        report.fault(at, f"invalid recording rule name: {record}")
    for name in ("for", "keep_firing_for"):
        if name in found and _is_set(found[name][1]):
            report.fault(found[name][0], f"invalid field '{name}' in recording rule")
    if "annotations" in found and _mapping(found["annotations"][1]):
        report.fault(found["annotations"][0], "invalid field 'annotations' in recording rule")


def _is_set(node: yaml.Node) -> bool:
    try:
        return not nodes.is_null(node) and parse_duration(str(node.value)) > 0
    except ValueError:
        return False


def read_labels(found: Entries, field: str, report: Report) -> dict[str, str]:
    """The labels of a rule or a group; a value that is null is the empty text."""
    labels = {}
    for name, (key, value) in _string_map(found, field, report).items():
        if _LABEL_NAME.fullmatch(name) is None or name == "__name__":
            report.fault(key, f"invalid label name: {name}")
        warning = lint.label_warning(name)
        if warning:
            report.warn(key, warning)
        labels[name] = nodes.text(value, report)
    return labels


def _annotations(found: Entries, report: Report) -> dict[str, str]:
    annotations = {}
    for name, (key, value) in _string_map(found, "annotations", report).items():
        if _LABEL_NAME.fullmatch(name) is None:
            report.fault(key, f"invalid annotation name: {name}")
        annotations[name] = nodes.text(value, report)
        _check_extension(name, annotations[name], value, report)
    return annotations


def _check_extension(name: str, text: str, node: yaml.Node, report: Report) -> None:
    """The annotations that watchman itself acts on must be right; Prometheus takes them as mere text."""
    if name in _CHOICES and text not in _CHOICES[name]:
        report.fault(node, f'annotation "{name}": {quoted(text)} is not one of {", ".join(_CHOICES[name])}')
    if name == "news_after":
        try:
            parse_duration(text)
        except ValueError as error:
            report.fault(node, f'annotation "news_after": {error}')


def _check_templates(found: Entries, alert: str, check_template: CheckTemplate, report: Report) -> None:
    for field, word in (("labels", "label"), ("annotations", "annotation")):
        for name, (_, value) in _mapping(found[field][1] if field in found else None).items():
            if not isinstance(value, yaml.ScalarNode):
                continue
            problem = check_template(value.value, alert)
            if problem:
                report.fault(value, f"{word} {quoted(name)}: {problem}")
            warning = lint.template_warning(value.value)
            if warning:
                report.warn(value, f"{word} {quoted(name)}: {warning}")


def _string_map(found: Entries, field: str, report: Report) -> Entries:
    node = found[field][1] if field in found else None
    if node is None or nodes.is_null(node):
        return {}
    if not isinstance(node, yaml.MappingNode):
        report.fault(node, f"cannot unmarshal {nodes.described(node)} into map[string]string")
        return {}
    return nodes.entries(node, report)


def _mapping(node: yaml.Node | None) -> Entries:
    """The entries of a mapping whose faults have been reported already."""
    return nodes.entries(node, Report("")) if isinstance(node, yaml.MappingNode) else {}


def text_of(found: Entries, field: str, report: Report) -> str:
    """The text of a field, empty if it is left out."""
    return nodes.text(found[field][1], report) if field in found else ""


def duration_of(found: Entries, field: str, report: Report) -> float:
    """Seconds of a field, 0 if it is left out."""
    return nodes.duration_s(found[field][1], report) if field in found else 0.0


def quoted(text: str) -> str:
    """The text as Go prints it with %q."""
    return json.dumps(text, ensure_ascii=False)
