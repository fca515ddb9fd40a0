"""The door to templates: check a text, expand a text."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from watchman.rules.template.builtins import builtin_functions
from watchman.rules.template.errors import ExecError, ParseError
from watchman.rules.template.nodes import Template
from watchman.rules.template.parser import parse
from watchman.rules.template.prometheus import moment_functions, prometheus_functions
from watchman.rules.template.values import Data
from watchman.rules.template.walker import execute
from watchman.series import Answer, Labels, Query, writable

# Prometheus puts this before every text, and columns in its messages count it.
PRELUDE = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
)
_CACHED_TEMPLATES = 2048


Expand = Callable[[str, Labels, float, float], str]
"""What a rule needs: `expand(text, labels of the element, value, unix seconds)`."""


class Expander(Protocol):
    """Expands a text for one element of a rule's result."""

    def __call__(self, text: str, labels: Labels, value: float, ts: float, *, name: str = "") -> str:
        """The text for the labels (`__name__` included) and the value at `ts`, unix seconds; `name` is the alert's.

        Never raises: a template that fails gives `<error expanding template: ...>` in Prometheus' words.
        """


def check_template(text: str, name: str = "") -> str | None:
    """What is wrong with a text, in Go's words (`template: __alert_NAME:1: unclosed action`), or None."""
    if "{{" not in text:
        return None
    parsed = _reader()(name, text)
    return parsed if isinstance(parsed, str) else None


def make_expander(query: Query, external_labels: Labels, external_url: str) -> Expander:
    """An expander whose templates may ask `query`; it keeps the parsed form of the texts it has seen."""
    functions = {**builtin_functions(), **prometheus_functions(external_url)}
    parsed = lru_cache(maxsize=_CACHED_TEMPLATES)(_reader())

    def expand(text: str, labels: Labels, value: float, ts: float, *, name: str = "") -> str:
        if "{{" not in text:
            return text
        template = parsed(name, text)
        if isinstance(template, str):
            return _failure(f"error parsing template __alert_{name}: {template}")
        data = Data(labels, external_labels, external_url, value)
        try:
            return _clean(execute(template, functions | moment_functions(query, ts), data))
        except ExecError as error:
            return _failure(f"error executing template __alert_{name}: {error}")
        except Exception as error:  # an alert with an error text is better than no alert, whatever a query raises
            return _failure(f"panic expanding template __alert_{name}: {error}")

    return expand


def _reader() -> Callable[[str, str], Template | str]:
    """Reads the text of an alert's name with the prelude before it: the template, or the fault."""
    names = frozenset({**builtin_functions(), **prometheus_functions(""), **moment_functions(_no_query, 0.0)})

    def read(name: str, text: str) -> Template | str:
        full_name = f"__alert_{name}"
        try:
            return parse(full_name, PRELUDE + text, names)
        except ParseError as error:
            return f"template: {full_name}:{error.line}: {error}"
        except RecursionError:
            return f"template: {full_name}:1: max expression depth exceeded"

    return read


def _no_query(_expression: str, _ts: float) -> Answer:
    return Answer("vector", [])


def _failure(message: str) -> str:
    return _clean(f"<error expanding template: {message}>")


def _clean(text: str) -> str:
    """Bytes that are no UTF-8 become the replacement character, as in the JSON Prometheus sends."""
    return writable(text)
