"""Where it went: the sun's energy by use, the house's use by source, as parts of one width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchman.energy.slots import Flow
from watchman.report.words import kwh

_SUN, _HOUSE, _BATTERY, _GRID = "#E69F00", "#0072B2", "#009E73", "#CC79A7"
_LIGHT_TEXT, _DARK_TEXT = "#FFFFFF", "#222222"
_LABEL_FROM_PERCENT = 15
_SHOWN_FROM_PERCENT = 1


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar: whole percents of the full width."""

    name: str
    kwh: str
    percent: int
    colour: str
    ink: str
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `rest_percent` is the empty width to the right of a bar shorter than the longest."""

    name: str
    kwh: str
    parts: list[Part]
    rest_percent: int


_Splits = tuple[tuple[Flow, str, str, str], ...]

_SPLITS: tuple[tuple[str, _Splits], ...] = (
    (
        "sun",
        (
            (Flow.SOLAR_TO_LOAD, "house", _HOUSE, _LIGHT_TEXT),
            (Flow.SOLAR_TO_BATTERY, "battery", _BATTERY, _DARK_TEXT),
            (Flow.SOLAR_TO_GRID, "sold", _GRID, _DARK_TEXT),
        ),
    ),
    (
        "house",
        (
            (Flow.SOLAR_TO_LOAD, "sun", _SUN, _DARK_TEXT),
            (Flow.BATTERY_TO_LOAD, "battery", _BATTERY, _DARK_TEXT),
            (Flow.GRID_TO_LOAD, "grid", _GRID, _DARK_TEXT),
        ),
    ),
)


def bars(energy_wh: Mapping[Flow, float]) -> list[Bar]:
    """The bars a period's split of flows gives; none where the split is not known."""
    totals = [sum(energy_wh.get(flow, 0.0) for flow, *_ in parts) for _, parts in _SPLITS]
    longest = max(totals)
    if longest <= 0:
        return []
    return [
        _bar(name, parts, energy_wh, total, longest)
        for (name, parts), total in zip(_SPLITS, totals, strict=True)
        if total > 0
    ]


def _bar(name: str, splits: _Splits, energy_wh: Mapping[Flow, float], total: float, longest: float) -> Bar:
    parts = []
    for flow, label, colour, ink in splits:
        wh = energy_wh.get(flow, 0.0)
        width = round(100 * wh / longest)
        if width >= _SHOWN_FROM_PERCENT:
            words = f"{label} {kwh(wh)}" if width >= _LABEL_FROM_PERCENT else ""
            parts.append(Part(label, kwh(wh), width, colour, ink, words))
    return Bar(name, kwh(total), parts, max(0, 100 - sum(part.percent for part in parts)))
