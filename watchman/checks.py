"""What `watchman check --query` asks: does Prometheus accept the expressions, do signs and units add up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from watchman.errors import QueryError
from watchman.rules.rule import Group
from watchman.series import Query

# A house's powers in one place differ by measuring at different instants; more than this is a wrong sign or unit.
BALANCE_SHARE = 0.1
BALANCE_FLOOR_W = 100.0


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


def check_roles(roles: Mapping[str, str], query: Query, now: float) -> Iterator[Finding]:
    """Ask for every role's present value, and whether the powers balance."""
    values: dict[str, float] = {}
    for role, expr in roles.items():
        try:
            samples = query(expr, now).samples
        except QueryError as error:
            if error.is_away:
                raise
            yield Finding(f"metrics.{role}: {error}", serious=True)
            continue
        if not samples:
            yield Finding(f"metrics.{role}: matches no series now: {expr}", serious=False)
            continue
        values[role] = sum(sample.value for sample in samples)
    yield from _balance(values)


def _balance(values: Mapping[str, float]) -> Iterator[Finding]:
    needed = ("production", "consumption", "grid_feed_in", "battery_discharge")
    if not all(role in values for role in needed):
        return
    production, consumption, feed_in, discharge = (values[role] for role in needed)
    rest = production + discharge - feed_in - consumption
    allowed = max(BALANCE_FLOOR_W, BALANCE_SHARE * max(abs(values[role]) for role in needed))
    if abs(rest) <= allowed:
        return
    hint = "check signs and units: grid_feed_in + export, battery_discharge + discharge, all in W"
    for role, turned in (("grid_feed_in", rest + 2 * feed_in), ("battery_discharge", rest - 2 * discharge)):
        if abs(turned) <= allowed:
            hint = f"it would add up with the sign of {role} turned: write -({role}'s expression)"
    sentence = "production + discharge - feed-in - consumption"
    yield Finding(f"metrics: {sentence} is {rest:.0f} W, not about 0; {hint}", serious=False)
