"""What a rule file may say but hardly means: each function gives a warning's text or None."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from watchman.rules.bounds import never_true
from watchman.rules.selectors import never_empties, result_kind

if TYPE_CHECKING:
    from watchman.rules.rule import Rule
    from watchman.rules.selectors import Tree
    from watchman.series import LabelKey

_USED = re.compile(r'\{\{-?\s*template\s+"([^"]*)"')
_DEFINED = re.compile(r'\{\{-?\s*(?:define|block)\s+"([^"]*)"')


def label_warning(name: str) -> str | None:
    """A label that Prometheus overwrites afterwards."""
    if name == "alertname":
        return "label alertname is always overwritten with the rule's name"
    return None


def template_warning(text: str) -> str | None:
    """A call of a template that this text does not define: it fails whenever the alert is evaluated."""
    missing = sorted(set(_USED.findall(text)) - set(_DEFINED.findall(text)))
    if missing:
        return f'template "{missing[0]}" is not defined in this text'
    return None


def expression_warning(tree: Tree, *, alerting: bool) -> str | None:
    """An expression whose result a rule cannot use, or an alert that can never end or begin."""
    kind = result_kind(tree)
    if kind != "vector":
        return f"the expression gives a {kind}; every evaluation will fail"
    if alerting and never_empties(tree):
        return "a comparison with bool never drops an element, so the alert always fires; leave bool out"
    comparison = never_true(tree)
    if comparison is not None:
        return f"the comparison `{comparison}` can never be true"
    return None


def identity(rule: Rule) -> tuple[bool, str, LabelKey]:
    """What two rules must not share: kind, name and labels."""
    return (rule.record, rule.name, tuple(sorted(rule.labels.items())))
