"""What `watchman check --query` asks: does Prometheus accept the expressions, do signs and units add up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from watchman.durations import parse_duration
from watchman.energy.balance import SIGNS, diagnose
from watchman.energy.beside import FetchRange, Wanted
from watchman.energy.settle import CounterSource, FetchRaw
from watchman.energy.slots import FLOWS_OF_ROLE, ROLE_OF_FLOW, Flow, Role
from watchman.energy.units import WH_PER_UNIT, is_plain_selector
from watchman.errors import QueryError
from watchman.rules.rule import Group
from watchman.series import Query

# Long enough that sun, battery and grid have moved.
_BALANCE_S = 6 * 3600.0
_MEAN_S = 300.0
# A day: at night a counter of the sun says nothing.
_COUNTED_S = 86400.0
_TELLING_WH = 100.0
_UNITS = {factor: unit for unit, factor in WH_PER_UNIT.items()}

# What Prometheus keeps if nobody says otherwise.
DEFAULT_RETENTION_DAYS = 15.0
# How far a report looks back: the period itself and what it is compared with.
DAYS_NEEDED = {"day": 8, "week": 14, "month": 62, "year": 731}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: `serious` ones make the check fail."""

    text: str
    serious: bool


def check_rules(groups: Iterable[Group], query: Query, now: float) -> Iterator[Finding]:
    """Ask for every expression, and for every selector whether it finds a series."""
    for group in groups:
        for rule in group.rules:
            where = f'{group.file}:{rule.line}: group "{group.name}", "{rule.name}"'
            try:
                query(rule.query, now)
                empty = [(one, when) for one in rule.selectors if (when := _emptiness(one, query, now))]
            except QueryError as error:
                if error.is_away:
                    raise
                yield Finding(f"{where}: {error}", serious=True)
                continue
            for selector, when in empty:
                yield Finding(f"{where}: matches no series {when}: {selector}", serious=False)


def _emptiness(selector: str, query: Query, now: float) -> str:
    """Since when a selector finds nothing; empty if it finds something now."""
    if query(f"count({selector})", now).samples:
        return ""
    # Looking back 5 minutes at each step, it sees every sample of the day.
    lately = query(f"count(last_over_time(({selector})[1d:5m]))", now).samples
    return "now (it did in the last day)" if lately else "now nor in the last day"


def check_retention(flags: Mapping[str, str], periods: Iterable[str]) -> Iterator[Finding]:
    """Whether Prometheus keeps samples for as long as the configured reports look back.

    `flags` are the server's; one that does not tell its retention is believed to keep enough.
    """
    needed_days = max((DAYS_NEEDED.get(period, DAYS_NEEDED["day"]) for period in periods), default=0)
    told = flags.get("storage.tsdb.retention.time", "")
    try:
        kept_s = parse_duration(told)
    except ValueError:
        return
    by_size = flags.get("storage.tsdb.retention.size", "0B") not in ("", "0", "0B")
    if kept_s == 0 and by_size:
        return
    # 0 is what the flag says where nobody set it.
    kept_days = kept_s / 86400 or DEFAULT_RETENTION_DAYS
    if kept_days < needed_days:
        text = (
            f"prometheus: it forgets after {kept_days:.3g} days and the reports look back {needed_days}: they know the"
            " time before from the ledger alone, so let watchman run on, or raise --storage.tsdb.retention.time"
        )
        yield Finding(text, serious=False)


def check_roles(roles: Mapping[str, str], query: Query, fetch_range: FetchRange, now: float) -> Iterator[Finding]:
    """Ask for every role's present value, and whether the powers of the last hours balance."""
    there: dict[Role, str] = {}
    for role, expr in roles.items():
        try:
            samples = query(expr, now).samples
        except QueryError as error:
            if error.is_away:
                raise
            yield Finding(f"metrics.{role}: {error}", serious=True)
            continue
        if samples:
            there[Role(role)] = expr
        else:
            yield Finding(f"metrics.{role}: matches no series now: {expr}", serious=False)
    for text in diagnose(_points(there, fetch_range, now)):
        yield Finding(f"metrics: {text}", serious=False)


def check_counters(
    counters: Mapping[Flow, CounterSource], roles: Mapping[str, str], fetch_raw: FetchRaw, now: float
) -> Iterator[Finding]:
    """Whether each counter of energy has samples, and has grown by what its power says of the last day."""
    for flow, counter in counters.items():
        try:
            text = _of_counter(flow, counter, roles.get(ROLE_OF_FLOW[flow], ""), fetch_raw, now)
        except QueryError as error:
            if error.is_away:
                raise
            yield Finding(f"metrics.counters.{flow}: {error}", serious=True)
            continue
        if text:
            yield Finding(f"metrics.counters.{flow}: {text}", serious=False)


def check_prices(wanted: Iterable[Wanted], query: Query, now: float) -> Iterator[Finding]:
    """Ask for every series of prices and the like: it must be one."""
    for one in wanted:
        try:
            count = len(query(one.query, now).samples)
        except QueryError as error:
            if error.is_away:
                raise
            yield Finding(f"{one.kind}: {error}", serious=True)
            continue
        if count != 1:
            yield Finding(f"{one.kind}: gives {count or 'no'} series now, one is needed: {one.query}", serious=False)


def _of_counter(flow: Flow, counter: CounterSource, power: str, fetch_raw: FetchRaw, now: float) -> str:
    """What is wrong with a counter, in words; empty if nothing is."""
    from watchman.energy.counters import CounterOf, compared
    from watchman.energy.curve import MINUTE_S, measure

    last = now // MINUTE_S * MINUTE_S
    first, role = last - _COUNTED_S, ROLE_OF_FLOW[flow]
    series = fetch_raw(counter.selector, first, last)
    if not series:
        return f"matches no series in the last day: {counter.selector}"
    if not is_plain_selector(power):
        return ""
    bins = measure(role, fetch_raw(power, first, last), first, last)
    wh = bins.above_wh if flow is FLOWS_OF_ROLE[role][0] else bins.below_wh
    told = {factor: compared(bins, wh, CounterOf(series, factor)) for factor in (counter.wh_per_unit, *_UNITS)}
    found, half_wh = told[counter.wh_per_unit], float(wh.sum()) / 2
    other = [
        unit
        for factor, unit in _UNITS.items()
        if not told[factor].differ and told[factor].flown_wh >= half_wh and told[factor].counted_wh > _TELLING_WH
    ]
    if not found.differ and (found.flown_wh >= half_wh or not other):
        return ""
    # A step that no home can carry is taken for another meter, so in a unit too large nothing is left to compare.
    said = "it grows by more than a home can carry"
    if found.differ:
        said = f"{found.counted_wh / 1000:.3g} kWh counted where metrics.{role} has {found.flown_wh / 1000:.3g} kWh"
    mend = f"is its unit {' or '.join(other)}?" if other else "does it count the same thing, in this unit?"
    return f"{said}, in the last day; the power is believed: {mend}"


def _points(roles: Mapping[Role, str], fetch_range: FetchRange, now: float) -> dict[Role, list[float]]:
    """Five-minute means of the powers over the last hours, at the instants at which all of them are known."""
    powers = {role: expr for role, expr in roles.items() if role in SIGNS}
    known: dict[Role, dict[float, float]] = {}
    for role, expr in powers.items():
        smooth = f"avg_over_time(sum({expr})[{_MEAN_S:.0f}s:30s])"
        series = fetch_range(smooth, now - _BALANCE_S, now, _MEAN_S)
        known[role] = {ts: value for one in series for ts, value in zip(one.times, one.values, strict=True)}
    shared = sorted(set.intersection(*(set(values) for values in known.values()))) if known else []
    return {role: [values[ts] for ts in shared] for role, values in known.items()}
