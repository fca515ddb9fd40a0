"""The ledger as rows: an account for every quarter, hour, day, month or year, and one for all of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from watchman.energy import catalogue
from watchman.energy.account import Account, Plant, Sums, Values, account_of, joined, per_slot, sums
from watchman.energy.buckets import buckets
from watchman.energy.settle import ReadSlots
from watchman.energy.slots import ENERGY_FLOWS, ROLE_OF_FLOW, Slot
from watchman.localtime import iso_local

ReadAll = Callable[[float, float], Values]
"""`read_values(start, end)`: the series beside the energies."""


def accounts(
    by: str, start: float, end: float, plant: Plant, read_slots: ReadSlots, read_values: ReadAll
) -> tuple[list[Account], Account | None]:
    """The account of every stretch of the size `by` that touches [start, end), and of all of them together.

    Rows are read a month at a time, so that years need no more memory than a month.
    """
    wanted = list(buckets(by, start, end, plant.zone))
    if not wanted:
        return [], None
    found: list[Account] = []
    parts: list[Sums] = []
    of_year: list[Sums] = []
    for first, last in _months(wanted[0][0], wanted[-1][1], plant.zone):
        slots = read_slots(first, last)
        rates = per_slot(plant, first, last, read_values(first, last))
        whole = sums(slots, first, last, plant, rates)
        parts.append(whole)
        if by == "year":
            of_year.append(whole)
            if last in {year[1] for year in wanted}:
                found.append(account_of(joined(of_year), plant))
                of_year = []
        elif by == "month":
            found.append(account_of(whole, plant))
        else:
            inside = [(a, b) for a, b in wanted if first <= a < last]
            for (a, b), rows in zip(inside, _dealt(slots, [a for a, _ in inside]), strict=True):
                found.append(account_of(sums(rows, a, b, plant, rates), plant))
    return found, account_of(joined(parts), plant)


def row(one: Account, site: str) -> dict[str, Any]:
    """An account as a flat row: times in RFC 3339 of the site's clock, None where a figure is not known."""
    period, zone = one.period, one.plant.zone
    return {
        "site": site,
        "start": iso_local(period.start, zone),
        "end": iso_local(period.end, zone),
        "hours": period.hours,
        "complete": period.complete,
        "coverage": round(period.overall, 6),
        **{f"coverage_{role.value}": round(period.measured[role], 6) for role in period.roles},
        "provenance": catalogue.provenance(
            one, [flow for flow in ENERGY_FLOWS if ROLE_OF_FLOW[flow] in period.roles]
        ).value,
        "currency": one.cost.currency if one.cost else None,
        **{name: None if value is None else round(value, 6) for name, value in catalogue.values(one).items()},
    }


def _months(start: float, end: float, zone: ZoneInfo) -> list[tuple[float, float]]:
    """Local months, the first and the last cut to [start, end)."""
    return [(max(first, start), min(last, end)) for first, last in buckets("month", start, end, zone)]


def _dealt(slots: Sequence[Slot], starts: Sequence[float]) -> list[list[Slot]]:
    """The slots of each stretch."""
    dealt: list[list[Slot]] = [[] for _ in starts]
    for slot in slots:
        index = bisect_right(starts, slot.start) - 1
        if index >= 0:
            dealt[index].append(slot)
    return dealt
