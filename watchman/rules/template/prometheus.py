"""The functions Prometheus adds to Go's: samples, links, names of hosts, times."""

from __future__ import annotations

import ipaddress
from urllib.parse import quote_plus, unquote, urlsplit

from watchman.durations import parse_duration
from watchman.rules.template import humanize, patterns
from watchman.rules.template.errors import FunctionError
from watchman.rules.template.literals import quote, to_bytes
from watchman.rules.template.values import ANY, SAMPLE, STRING, VECTOR, Args, Function, Html, Value
from watchman.series import Query, Sample

_NIL_POINTER = "runtime error: invalid memory address or nil pointer dereference"
# A pattern put together at run time is compiled anew each time.
_PATTERN_COST = 100
_MAX_QUERIES = 100
"""Queries one annotation may ask: each goes over the network."""


def prometheus_functions(external_url: str) -> dict[str, Function]:
    """All that need neither the query nor the time, by name."""
    one, text = (ANY,), (STRING,)
    return {
        "args": Function(_args, one, variadic=True),
        "externalURL": Function(lambda: external_url),
        "first": Function(_first, (VECTOR,)),
        "graphLink": Function(lambda expr: _link(expr, 0), text),
        "humanize": Function(humanize.humanize, one),
        "humanize1024": Function(humanize.humanize1024, one),
        "humanizeDuration": Function(humanize.humanize_duration, one),
        "humanizePercentage": Function(humanize.humanize_percentage, one),
        "humanizeTimestamp": Function(humanize.humanize_timestamp, one),
        "label": Function(lambda name, sample: _sample(sample).labels.get(name, ""), (STRING, SAMPLE)),
        "match": Function(patterns.match, (STRING, STRING), cost=_PATTERN_COST),
        "parseDuration": Function(_parse_duration, text),
        "pathPrefix": Function(lambda: unquote(urlsplit(external_url).path)),
        "reReplaceAll": Function(patterns.replace_all, (STRING, STRING, STRING), cost=_PATTERN_COST),
        "safeHtml": Function(Html, text),
        "sortByLabel": Function(_sort_by_label, (STRING, VECTOR)),
        "stripDomain": Function(_strip_domain, text),
        "stripPort": Function(_strip_port, text),
        "strvalue": Function(lambda sample: _sample(sample).labels.get("__value__", ""), (SAMPLE,)),
        "tableLink": Function(lambda expr: _link(expr, 1), text),
        "title": Function(_title, text),
        "toDuration": Function(humanize.to_duration, one),
        "toLower": Function(lambda value: "".join(char.lower()[0] for char in value), text),
        "toTime": Function(humanize.to_time, one),
        "toUpper": Function(lambda value: "".join(_single(char, char.upper()) for char in value), text),
        "urlQueryEscape": Function(lambda value: quote_plus(to_bytes(value)), text),
        "value": Function(lambda sample: _sample(sample).value, (SAMPLE,)),
    }


def moment_functions(query: Query, ts: float) -> dict[str, Function]:
    """The functions of one expansion: they know its time, and it has only so many queries."""
    asked = 0

    def ask(expression: str) -> list[Sample]:
        nonlocal asked
        asked += 1
        if asked > _MAX_QUERIES:
            raise FunctionError(f"more than {_MAX_QUERIES} queries in one template")
        answer = query(expression, ts)
        if answer.kind not in ("vector", "scalar"):
            raise FunctionError("query result is not a vector or scalar")
        # New objects: eq compares samples by identity, and sortByLabel sorts in place.
        return [Sample(sample.labels, sample.value) for sample in answer.samples]

    return {"query": Function(ask, (STRING,)), "now": Function(lambda: ts)}


def _sample(sample: Value) -> Sample:
    if not isinstance(sample, Sample):
        raise FunctionError(_NIL_POINTER)
    return sample


def _args(*values: Value) -> Args:
    return Args({f"arg{index}": value for index, value in enumerate(values)})


def _first(samples: list[Sample]) -> Sample:
    if not samples:
        raise FunctionError("first() called on vector with no elements")
    return samples[0]


def _sort_by_label(name: str, samples: list[Sample]) -> list[Sample]:
    """Sorts in place, as Prometheus does: a variable that holds the same result sees the new order."""
    samples.sort(key=lambda sample: sample.labels.get(name, ""))
    return samples


def _link(expression: str, tab: int) -> str:
    return f"/graph?g0.expr={quote_plus(to_bytes(expression))}&g0.tab={tab}"


def _parse_duration(text: str) -> float:
    sign, size = (-1, text[1:]) if text.startswith("-") else (1, text)
    try:
        return sign * parse_duration(size)
    except ValueError as error:
        message = str(error)
        refused = f"not a valid duration string: {quote(text)}"
        raise FunctionError(refused if message.startswith("not a valid") else message) from None


def _single(char: str, changed: str) -> str:
    """Go changes one character into one: what would become several stays."""
    return changed if len(changed) == 1 else char


def _title(text: str) -> str:
    """The first letter of every word in upper case, the rest as it is."""
    previous, changed = " ", []
    for char in text:
        changed.append(_single(char, char.title()) if _is_separator(previous) else char)
        previous = char
    return "".join(changed)


def _is_separator(char: str) -> bool:
    if char == "_" or char.isalpha() or char.isdecimal():
        return False
    return char.isascii() or char.isspace()


def _split_host_port(text: str) -> tuple[str, str] | None:
    """Host and port as Go splits them; None where it refuses."""
    host, colon, port = text.rpartition(":")
    if not colon:
        return None
    if text.startswith("["):
        if not host.endswith("]") or text.find("]") != len(host) - 1:
            return None
        inner = host[1:-1]
        return None if "[" in inner or "[" in port else (inner, port)
    if any(sign in host for sign in ":[]") or "[" in port or "]" in port:
        return None
    return host, port


def _strip_port(text: str) -> str:
    parts = _split_host_port(text)
    return text if parts is None else parts[0]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in host


def _strip_domain(text: str) -> str:
    """The first part of the name, with the port if there was one; addresses stay as they are."""
    host, port = _split_host_port(text) or (text, "")
    if _is_address(host):
        return text
    name = host.split(".", 1)[0]
    if not port:
        return name
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
