"""What a kWh costs or earns in each quarter of an hour: flat, by time of use, by season, or from a series of prices.

Every price is valid from a date, so that a new price never rewrites the past. Times are the site's clock; a public
holiday counts as a Sunday.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from watchman.energy.slots import SLOT_S
from watchman.localtime import day_of, local_day

MONTHS = frozenset(range(1, 13))
WEEKDAYS = frozenset(range(7))
_SUNDAY = 6
QUARTER_MIN = 15
_QUARTERS = 96


@dataclass(frozen=True, slots=True)
class Rate:
    """A price at some times: months 1..12, weekdays 0 (Monday)..6, minutes of the day as [start, end) spans.

    `minutes` are multiples of 15.
    """

    per_kwh: float
    months: frozenset[int] = MONTHS
    weekdays: frozenset[int] = WEEKDAYS
    minutes: tuple[tuple[int, int], ...] = ((0, 1440),)

    def holds(self, month: int, weekday: int, minute: int) -> bool:
        """Whether a moment of the site's clock lies inside."""
        return (
            month in self.months
            and weekday in self.weekdays
            and any(first <= minute < last for first, last in self.minutes)
        )


@dataclass(frozen=True, slots=True)
class Prices:
    """What holds from the beginning of the local day `since` (None: ever since) until the next entry begins.

    One of: `per_kwh` alone; `rates`, with `per_kwh` for all other times; a `series` whose values become
    `value * factor + add`.
    """

    since: date | None = None
    per_kwh: float | None = None
    rates: tuple[Rate, ...] = ()
    series: bool = False
    factor: float = 1.0
    add: float = 0.0

    def at(self, month: int, weekday: int, minute: int) -> float | None:
        """The price at a moment of the site's clock, where no series tells it."""
        return next((rate.per_kwh for rate in self.rates if rate.holds(month, weekday, minute)), self.per_kwh)


@dataclass(frozen=True, slots=True)
class Standing:
    """A charge that does not depend on energy, from a local day on."""

    amount: float
    per: Literal["day", "month", "year"]
    since: date | None = None

    def of_day(self, day: date) -> float:
        """The part of one local day: a day of 23 or 25 hours costs as much as any."""
        if self.per == "day":
            return self.amount
        if self.per == "month":
            return self.amount / calendar.monthrange(day.year, day.month)[1]
        return self.amount / (366 if calendar.isleap(day.year) else 365)


@dataclass(frozen=True, slots=True)
class Tariff:
    """All prices of a home in `currency` (ISO 4217) per kWh: what is paid for import, what is paid out for export."""

    currency: str = "EUR"
    bought: tuple[Prices, ...] = ()
    sold: tuple[Prices, ...] = ()
    standing: tuple[Standing, ...] = ()
    holidays: frozenset[date] = frozenset()


def flat(import_price: float, export_price: float = 0.0, currency: str = "EUR") -> Tariff:
    """One price for what is bought and one for what is sold, ever since."""
    return Tariff(currency, (Prices(per_kwh=import_price),), (Prices(per_kwh=export_price),))


def slot_prices(
    entries: Sequence[Prices],
    start: float,
    end: float,
    zone: ZoneInfo,
    *,
    holidays: Collection[date] = (),
    values: Mapping[int, float] | None = None,
) -> dict[int, float]:
    """The price of every quarter of an hour of [start, end) that has one, by its start (unix s).

    `values` are those of the series of prices by slot start. `entries` ascend by their date.
    """
    found: dict[int, float] = {}
    if len(entries) == 1 and entries[0].since is None and not entries[0].rates and not entries[0].series:
        return dict.fromkeys(_starts(start, end), entries[0].per_kwh or 0.0)
    series = values or {}
    for at in _starts(start, end):
        local = datetime.fromtimestamp(at, zone)
        entry = entry_of(entries, local.date())
        if entry is None:
            continue
        if entry.series:
            price = series[at] * entry.factor + entry.add if at in series else None
        else:
            weekday = _SUNDAY if local.date() in holidays else local.weekday()
            price = entry.at(local.month, weekday, local.hour * 60 + local.minute)
        if price is not None:
            found[at] = price
    return found


def entry_of(entries: Sequence[Prices], day: date) -> Prices | None:
    """What holds on a local day; None before the first entry."""
    held = None
    for entry in entries:
        if entry.since is not None and entry.since > day:
            break
        held = entry
    return held


def standing_charge(charges: Sequence[Standing], start: float, end: float, zone: ZoneInfo) -> float:
    """Standing charges of [start, end): each local day's, in proportion to how much of the day lies inside."""
    total = 0.0
    day = day_of(start, zone)
    while charges:
        first, last = local_day(day, zone)
        if first >= end:
            break
        held = [charge for charge in charges if charge.since is None or charge.since <= day]
        if held:
            total += held[-1].of_day(day) * max(0.0, min(end, last) - max(start, first)) / (last - first)
        day += timedelta(days=1)
    return total


def holes(rates: Sequence[Rate]) -> str:
    """The first time no rate holds, in words; empty if there is always one."""
    for month, weekday, quarter in _week_cells():
        if not any(rate.holds(month, weekday, quarter * QUARTER_MIN) for rate in rates):
            last = quarter
            while last < _QUARTERS and not any(rate.holds(month, weekday, last * QUARTER_MIN) for rate in rates):
                last += 1
            return _in_words(month, weekday, quarter, last)
    return ""


def overlap(one: Rate, other: Rate) -> str:
    """The first time both rates hold, in words; empty if there is none."""
    for month in sorted(one.months & other.months):
        for weekday in sorted(one.weekdays & other.weekdays):
            shared = [(max(a, c), min(b, d)) for a, b in one.minutes for c, d in other.minutes if max(a, c) < min(b, d)]
            if shared:
                first, last = min(shared)
                return _in_words(month, weekday, first // QUARTER_MIN, last // QUARTER_MIN)
    return ""


def _starts(start: float, end: float) -> range:
    return range(int(start // SLOT_S) * SLOT_S, int(-(-end // SLOT_S)) * SLOT_S, SLOT_S)


def _week_cells() -> Iterable[tuple[int, int, int]]:
    return ((month, weekday, quarter) for month in MONTHS for weekday in WEEKDAYS for quarter in range(_QUARTERS))


def _in_words(month: int, weekday: int, first: int, last: int) -> str:
    times = f"{_clock(first)} to {_clock(last)}"
    return f"{calendar.day_name[weekday]}s in {calendar.month_name[month]}, {times}"


def _clock(quarter: int) -> str:
    return f"{quarter // 4:02d}:{quarter % 4 * QUARTER_MIN:02d}"
