"""Annotations that are expanded when somebody reads them: a template may ask Prometheus, and hardly any slot is told.

The engine is given the rule with one stand-in for all its templated annotations. The stand-in's text names the element
and the slot the annotations would have been made of; `read` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from watchman.rules.alert import Alert
from watchman.rules.rule import Rule
from watchman.rules.template import Expander
from watchman.series import Labels

_STAND_IN = "{{unread}}"
# No annotation has an empty name.
_NAME = ""


class Element(str):
    """What a stand-in becomes: text that differs from slot to slot, with the element it stands for."""

    labels: Labels
    value: float
    ts: float


class Texts:
    """The texts of one rule."""

    def __init__(self, rule: Rule, expand: Expander) -> None:
        self._rule = rule
        self._expand = expand
        plain = {name: text for name, text in rule.annotations.items() if "{{" not in text}
        self._plain = plain
        templated = len(plain) < len(rule.annotations)
        self.rule = replace(rule, annotations={**plain, _NAME: _STAND_IN}) if templated else rule

    def expand(self, text: str, labels: Labels, value: float, ts: float, *, name: str = "") -> str:
        """For the engine: a stand-in for annotations, the real text for labels."""
        if text != _STAND_IN:
            return self._expand(text, labels, value, ts, name=name)
        element = Element(f"{ts!r}")
        element.labels, element.value, element.ts = labels, value, ts
        return element

    def read(self, alert: Alert) -> Mapping[str, str]:
        """The annotations of an alert as the daemon would have them."""
        element = alert.annotations.get(_NAME)
        if not isinstance(element, Element):
            return alert.annotations
        return {
            name: self._expand(text, element.labels, element.value, element.ts, name=self._rule.name)
            for name, text in self._rule.annotations.items()
        }

    def unread(self, alert: Alert) -> Mapping[str, str]:
        """The annotations that need no template."""
        return self._plain if _NAME in alert.annotations else alert.annotations
