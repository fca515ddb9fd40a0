"""The ledger rolled up to local days, and what is usual for this home. Uses pandas: for the worker only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd

from watchman.energy.figures import COMPLETE_SHARE, Period, figures
from watchman.energy.slots import SLOT_S, Flow, Role, Slot
from watchman.localtime import day_of, local_day

if TYPE_CHECKING:
    from collections.abc import Mapping

USUAL_DAYS = 30
FEWEST_DAYS = 3
_NIGHT_END_HOUR = 5
# Days below these shares of the usual are dead (outage, snow), not dull: measured on four roofs, real dark days stay
# above 2 % of the usual peak.
_DEAD_ENERGY_SHARE = 0.02
_DEAD_PEAK_SHARE = 0.05
_ALIVE_PEAK_W = 50.0


@dataclass(frozen=True, slots=True)
class Usual:
    """Medians over good days; None where there are fewer than three. `good_days`, `full_nights`: those there are."""

    peak_production_w: float | None
    day_production_wh: float | None
    night_load_w: float | None
    good_days: int = 0
    full_nights: int = 0


@dataclass(frozen=True, slots=True)
class Mean:
    """Mean day of several complete days: energies in Wh per day, ratios from their sums."""

    days: int
    energy_wh: Mapping[Flow, float]
    figures: Period


def frame(slots: Sequence[Slot], zone: ZoneInfo) -> pd.DataFrame:
    """One row per slot: `day` (local date), `hour` (local), `flow`, `start`, `wh`, `covered_s`, `peak`."""
    rows = [(s.start, s.flow, s.wh, s.covered_s, s.peak) for s in slots]
    table = pd.DataFrame(rows, columns=["start", "flow", "wh", "covered_s", "peak"]).astype({"peak": "float64"})
    local = pd.to_datetime(table["start"], unit="s", utc=True).dt.tz_convert(zone)
    return table.assign(day=local.dt.date, hour=local.dt.hour)


def days(slots: Sequence[Slot], zone: ZoneInfo) -> pd.DataFrame:
    """Per local day and flow (the index): `wh`, `covered_s`, `peak`, and the `share` of the day that is covered."""
    table = (
        frame(slots, zone)
        .groupby(["day", "flow"])
        .agg(wh=("wh", "sum"), covered_s=("covered_s", "sum"), peak=("peak", "max"))
    )
    bounds = [local_day(day, zone) for day in table.index.get_level_values("day")]
    return table.assign(share=table["covered_s"] / [end - start for start, end in bounds])


def exported(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of the ledger as a table for a file: text, true and false, and numbers (NaN where not known)."""
    table = pd.DataFrame(rows)
    texts = ("site", "start", "end", "provenance", "currency", "complete")
    numbers = [name for name in table.columns if name not in texts]
    return table.astype(dict.fromkeys(numbers, "float64"))


def mean_of_days(slots: Sequence[Slot], day: date, count: int, zone: ZoneInfo, roles: Sequence[Role]) -> Mean | None:
    """The mean of the complete ones among the `count` local days before `day`; None without any."""
    wanted = {day - timedelta(days=n) for n in range(1, count + 1)}
    by_day: dict[date, list[Slot]] = {}
    for slot in slots:
        by_day.setdefault(day_of(slot.start, zone), []).append(slot)
    complete = [
        rows
        for one in sorted(wanted)
        if (rows := by_day.get(one)) and figures(rows, *local_day(one, zone), roles).complete
    ]
    if not complete:
        return None
    joined = [slot for rows in complete for slot in rows]
    total = figures(joined, joined[0].start, joined[0].start + sum(_seconds(rows) for rows in complete), roles)
    return Mean(len(complete), {flow: wh / len(complete) for flow, wh in total.energy_wh.items()}, total)


def usual(slots: Sequence[Slot], zone: ZoneInfo, exclude: Collection[date] = ()) -> Usual:
    """What is usual, over the last 30 good days of all the rows given (not the last 30 calendar days).

    Incomplete days, days in `exclude` (known faults, away) and dead days are left out, so however long a fault lasts it
    never becomes the usual.
    """
    if not slots:
        return Usual(None, None, None)
    table = frame(slots, zone)
    table = table[~table["day"].isin(list(exclude))]
    peaks, energies = _good_production(days(slots, zone), exclude)
    nights = _night_loads(table)
    return Usual(_median(peaks), _median(energies), _median(nights), len(peaks), len(nights))


def _good_production(table: pd.DataFrame, exclude: Collection[date]) -> tuple[list[float], list[float]]:
    """Daily peaks (W) and energies (Wh) of the last good days, each judged against the good ones before it."""
    peaks: list[float] = []
    energies: list[float] = []
    if Flow.PRODUCTION not in table.index.get_level_values("flow"):
        return peaks, energies
    production = table.xs(Flow.PRODUCTION, level="flow").sort_index()
    columns = (production[name].astype(float).tolist() for name in ("share", "peak", "wh"))
    for day, share, peak, wh in zip(production.index.tolist(), *columns, strict=True):
        if share >= COMPLETE_SHARE and day not in exclude and _alive(peak, wh, peaks, energies):
            peaks.append(peak)
            energies.append(wh)
    return peaks[-USUAL_DAYS:], energies[-USUAL_DAYS:]


def _alive(peak: float, wh: float, peaks: Sequence[float], energies: Sequence[float]) -> bool:
    usual_peak, usual_energy = _median(peaks[-USUAL_DAYS:]), _median(energies[-USUAL_DAYS:])
    if usual_peak is None or usual_energy is None:
        return peak >= _ALIVE_PEAK_W
    return peak >= _DEAD_PEAK_SHARE * usual_peak and wh >= _DEAD_ENERGY_SHARE * usual_energy


def _night_loads(table: pd.DataFrame) -> list[float]:
    """Each of the last complete nights' median quarter hour between 00 and 05 local time, in W."""
    night = table[(table["flow"] == Flow.CONSUMPTION) & (table["hour"] < _NIGHT_END_HOUR)]
    whole = night[night["covered_s"] >= COMPLETE_SHARE * SLOT_S]
    mean_w = (whole["wh"] * 3600 / whole["covered_s"]).groupby(whole["day"]).median()
    asked, measured = night.groupby("day").size(), whole.groupby("day").size()
    full = measured[measured >= COMPLETE_SHARE * asked.reindex(measured.index)].index
    return [float(w) for w in mean_w.reindex(full).tail(USUAL_DAYS)]


def _median(numbers: Sequence[float]) -> float | None:
    return float(pd.Series(numbers).median()) if len(numbers) >= FEWEST_DAYS else None


def _seconds(rows: Sequence[Slot]) -> float:
    return float(len({slot.start for slot in rows}) * SLOT_S)
