"""What an expression reads and counts in: told from its text alone."""

from __future__ import annotations

import re
from collections.abc import Mapping

import promql_parser

WH_PER_UNIT: Mapping[str, float] = {
    "J": 1 / 3600,
    "kJ": 1 / 3.6,
    "MJ": 1000 / 3.6,
    "Wh": 1.0,
    "kWh": 1000.0,
    "MWh": 1e6,
}
"""The units an energy counter may have."""

_ENDINGS = (
    (re.compile(r"_(kilowatt_?hours|kwh)(_total)?$"), "kWh"),
    (re.compile(r"_(watt_?hours|wh)(_total)?$"), "Wh"),
    (re.compile(r"_joules(_total)?$"), "J"),
)


def is_plain_selector(expr: str) -> bool:
    """Whether an expression names stored series only, so that its raw samples can be read."""
    return _selector(expr) is not None


def unit_of(selector: str) -> str | None:
    """The unit in the end of a metric's name, such as `J` of `sonnen_energy_joules_total`; None where it has none."""
    found = _selector(selector)
    name = (found.name or "") if found is not None else ""
    return next((unit for ending, unit in _ENDINGS if ending.search(name.lower())), None)


def _selector(expr: str) -> promql_parser.VectorSelector | None:
    try:
        parsed = promql_parser.parse(expr)
    except ValueError:
        return None
    if not isinstance(parsed, promql_parser.VectorSelector) or parsed.offset is not None or parsed.at is not None:
        return None
    return parsed
