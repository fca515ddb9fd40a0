"""A series of prices from a CSV: one price from each start until the next."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from math import isfinite
from statistics import median
from zoneinfo import ZoneInfo

from watchman.energy.meters import read_moment
from watchman.energy.slots import SLOT_S

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
    first = text.split("\n", 1)[0]
    delimiter = ";" if ";" in first else "\t" if "\t" in first else ","
    rows = csv.DictReader(StringIO(text), delimiter=delimiter)
    names = [name.strip().lower() for name in rows.fieldnames or ()]
    if not {"start", "per_kwh"} <= set(names):
        raise ValueError("line 1: the first line must name the columns start, per_kwh")
    rows.fieldnames = names
    found: dict[float, float] = {}
    for row in rows:
        try:
            start, price = _of_row(row, zone, decimal_comma=delimiter != ",")
        except ValueError as error:
            raise ValueError(f"line {rows.line_num}: {error}") from None
        if start in found:
            raise ValueError(f"line {rows.line_num}: {row['start']} is there twice; write it with its offset")
        found[start] = price
    ordered = sorted(found)
    return PriceFile(tuple(ordered), tuple(found[start] for start in ordered))


def _of_row(row: Mapping[str | None, str | None], zone: ZoneInfo, *, decimal_comma: bool) -> tuple[float, float]:
    text = (row.get("per_kwh") or "").strip()
    try:
        price = float(text.replace(",", ".") if decimal_comma else text)
    except ValueError:
        price = float("nan")
    if not isfinite(price):
        raise ValueError(f"per_kwh: not a number: {text!r}")
    return read_moment(row.get("start") or "", zone), price
