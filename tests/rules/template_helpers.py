"""Small words for template tests: one alert, a query with two answers."""

from __future__ import annotations

from watchman.errors import QueryError
from watchman.rules.template import make_expander
from watchman.series import Answer, Sample

NAME = "A"
LABELS = {"__name__": "m", "instance": "host:9100", "job": "j"}
VALUE = 20.0
EXTERNAL_LABELS = {"region": "west"}
EXTERNAL_URL = "http://testhost:9090/path/prefix"
EVALUATED_AT = 1353755652.0

FIRST = Sample({"__name__": "other", "instance": "a"}, 1.5)
SECOND = Sample({"__name__": "other", "instance": "b"}, 2.0)
ANSWERS = {
    "sort(other)": Answer("vector", [FIRST, SECOND]),
    "sort_desc(other)": Answer("vector", [SECOND, FIRST]),
    "missing": Answer("vector", []),
    "1.5": Answer("scalar", [Sample({}, 1.5)]),
    '"text"': Answer("string", []),
    "marked": Answer("vector", [Sample({"__value__": "v"}, 1.0)]),
}

ERROR_START = "<error expanding template: error executing template __alert_A: template: __alert_A:"


def query(expression: str, ts: float) -> Answer:
    """Only answers at the time of the evaluation, so a test sees if another is asked for."""
    if expression not in ANSWERS or ts != EVALUATED_AT:
        raise QueryError(f"no answer to {expression} at {ts}", "bad_query")
    return ANSWERS[expression]


def action(content: str) -> str:
    """The content between delimiters."""
    return "{{ " + content + " }}"


def expand(text: str, value: float = VALUE, labels: dict[str, str] | None = None) -> str:
    """The text as an annotation of alert A would read."""
    expander = make_expander(query, EXTERNAL_LABELS, EXTERNAL_URL)
    return expander(text, LABELS if labels is None else labels, value, EVALUATED_AT, name=NAME)


def error_of(text: str) -> str:
    """The message of a template that fails, without the place and the node."""
    expanded = expand(text)
    assert expanded.startswith(ERROR_START), expanded
    assert expanded.endswith(">")
    return expanded[:-1].split(">: ", 1)[1]
