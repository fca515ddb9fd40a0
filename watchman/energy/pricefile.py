"""A series of prices from a CSV: one price from each start until the next."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from statistics import median
from zoneinfo import ZoneInfo

from watchman.energy.meters import read_moment
from watchman.energy.slots import SLOT_S
from watchman.energy.table import Cells, has_decimal_comma, number, read_table

# Months differ by a tenth; two of them, or two hours, are a hole.
_HOLE = 1.5


@dataclass(frozen=True, slots=True)
class PriceFile:
    """Prices by start (unix s, ascending). Each holds until the next, but no longer than one and a half usual steps."""

    starts: tuple[float, ...]
    prices: tuple[float, ...]

    def between(self, start: float, end: float) -> dict[int, float]:
        """The price of every quarter of an hour of [start, end) that has one, by its start."""
        found = {}
        usual = median(b - a for a, b in pairwise(self.starts)) if len(self.starts) > 1 else float(SLOT_S)
        for at in range(int(start // SLOT_S) * SLOT_S, int(end), SLOT_S):
            index = bisect_right(self.starts, at) - 1
            if index < 0:
                continue
            first = self.starts[index]
            following = self.starts[index + 1] if index + 1 < len(self.starts) else first + usual
            if at < (following if following - first <= _HOLE * usual else first + usual):
                found[at] = self.prices[index]
        return found


def read_price_file(text: str, zone: ZoneInfo) -> PriceFile:
    """Rows with the columns start and per_kwh, in any order; raises ValueError with the line.

    Starts without an offset are local. Commas, semicolons (then with a decimal comma too) or tabs between columns.
    """
    found: dict[float, float] = {}
    decimal_comma = has_decimal_comma(text)
    for line, cells in read_table(text, ("start", "per_kwh")):
        try:
            start, price = _of_row(cells, zone, decimal_comma=decimal_comma)
        except ValueError as error:
            raise ValueError(f"line {line}: {error}") from None
        if start in found:
            raise ValueError(f"line {line}: {cells['start']} is there twice; write it with its offset")
        found[start] = price
    ordered = sorted(found)
    return PriceFile(tuple(ordered), tuple(found[start] for start in ordered))


def _of_row(cells: Cells, zone: ZoneInfo, *, decimal_comma: bool) -> tuple[float, float]:
    try:
        price = number(cells["per_kwh"], decimal_comma=decimal_comma)
    except ValueError:
        price = float("nan")
    if not isfinite(price):
        raise ValueError(f"per_kwh: not a number: {cells['per_kwh']!r}")
    return read_moment(cells["start"], zone), price
