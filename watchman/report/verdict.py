"""The day in words: the verdict as a title, the opening lines that answer why, and what happened when."""

from __future__ import annotations

from collections.abc import Mapping

from watchman.energy.figures import Period
from watchman.energy.slots import FLOWS_OF_ROLE, Flow, Role
from watchman.report.day import DayReport
from watchman.report.story import Clouds, Hole, Load, Spell
from watchman.report.words import clock, duration, kwh, money, percent, share, short_day, watts

_URGENT = ("critical", "warning")
_TITLE_WIDTH = 60
_LATE_S = 60.0
_MOST_EVENTS = 7
_ROLE_WORDS: Mapping[Role, str] = {
    Role.PRODUCTION: "sun",
    Role.CONSUMPTION: "house",
    Role.GRID_FEED_IN: "grid",
    Role.BATTERY_DISCHARGE: "battery",
    Role.STATE_OF_CHARGE: "state of charge",
}


def title(report: DayReport) -> str:
    """`Home, Sat 21 Nov: nothing to do`; what needs a person, or what is missing, comes first."""
    head = f"{report.site.title}, {short_day(report.day)}"
    if not report.over and report.now > report.period.start:
        head += " so far"
    return f"{head}: {verdict(report)}"


def verdict(report: DayReport) -> str:
    """A few words: no data, what is missing, what is still open, or nothing to do."""
    if report.now <= report.period.start:
        return "not begun"
    if not report.period.known:
        return "no data"
    missing_s = _missing_s(report)
    if missing_s > 0:
        return f"{duration(missing_s)} missing"
    still_open = [i for i in report.incidents if i.ended is None and i.severity in _URGENT]
    if len(still_open) == 1:
        return _shortened(still_open[0].summary, _TITLE_WIDTH)
    return f"{len(still_open)} alerts still open" if still_open else "nothing to do"


def opening(report: DayReport) -> list[str]:
    """Up to five sentences: energy and money, holes, the battery and why, clouds, open alerts."""
    if not report.period.known:
        return [_nothing(report)]
    lines = [_energy_line(report), _money_line(report), _hole_line(report), _battery_line(report), _clouds_line(report)]
    return [line for line in lines if line]


def events(report: DayReport) -> list[tuple[str, str]]:
    """What happened, as (local time, words), in order of time; at most seven."""
    story, zone = report.story, report.site.zone
    found = [(spell.start, _spell_words(report, spell)) for spell in story.spells]
    if story.sun_takes_over_at is not None:
        found.append((story.sun_takes_over_at, "sun takes over the house"))
    if story.full_at is not None:
        found.append((story.full_at, "battery full" if story.full_exactly else "battery full by then"))
    found += [(load.start, _load_words(report, load)) for load in story.loads if load.start >= report.period.start]
    if story.clouds:
        found.append((story.clouds.start, _cloud_words(report, story.clouds)))
    peak = report.period.import_quarter
    if peak is not None and peak.value >= 500:
        found.append((peak.at, f"most bought at once: {watts(peak.value)} over a quarter of an hour"))
    kept = sorted(found)[:_MOST_EVENTS]
    return [(clock(max(at, report.period.start), zone), words) for at, words in kept]


def gap_lines(report: DayReport) -> list[str]:
    """One line per hole in the data: when, and of what."""
    return [f"No data {_span(report, hole.start, hole.end)}{_of_what(report, hole)}." for hole in report.story.holes]


def _nothing(report: DayReport) -> str:
    if report.now <= report.period.start:
        return "This day has not begun: there is nothing to report."
    return "Nothing was measured on this day, so there are no figures. Was Prometheus or the exporter off?"


def _missing_s(report: DayReport) -> float:
    """Seconds without data of the worst role up to the end or now; 0 where the day is complete."""
    period = report.period
    passed = report.until - period.start
    covered = [(period.measured[r] + period.estimated[r]) * (period.end - period.start) for r in period.roles]
    missing = passed - min(covered, default=passed)
    # The last quarter hour of a day that still runs is not settled yet.
    slack = 0.02 * passed + (0 if report.over else 1800)
    return missing if missing > slack else 0.0


def _energy_line(report: DayReport) -> str:
    energy, period = report.period.energy_wh, report.period
    least = "at least " if _missing_s(report) else ""
    parts = []
    if Flow.PRODUCTION in energy:
        parts.append(f"Sun {least}{kwh(energy[Flow.PRODUCTION])} kWh{_measured(report, Role.PRODUCTION)}")
    elif Flow.CONSUMPTION in energy:
        parts.append(f"House {least}{kwh(energy[Flow.CONSUMPTION])} kWh{_measured(report, Role.CONSUMPTION)}")
    if period.self_sufficiency is not None:
        parts.append(f"{percent(period.self_sufficiency)} own power")
    return _sentence(", ".join(parts))


def _measured(report: DayReport, role: Role) -> str:
    return f" ({percent(report.period.measured[role])} measured)" if _missing_s(report) and report.over else ""


def _money_line(report: DayReport) -> str:
    energy, money_spent = report.period.energy_wh, report.cost
    if Flow.GRID_IMPORT not in energy:
        return ""
    least = "at least " if _missing_s(report) else ""
    line = f"Bought {least}{kwh(energy[Flow.GRID_IMPORT])}, sold {least}{kwh(energy.get(Flow.GRID_EXPORT, 0.0))} kWh"
    if money_spent is None or money_spent.net is None:
        return line + "."
    net, currency = money_spent.net, money_spent.currency
    line += f": earned {money(-net, currency)}" if net < 0 else f": cost {money(net, currency)}"
    if _missing_s(report):
        return line + " for the measured part."
    if money_spent.without_system is not None and money_spent.without_system > net + 0.005:
        line += f" instead of {money(money_spent.without_system, currency)}"
    return line + "."


def _hole_line(report: DayReport) -> str:
    lines = gap_lines(report)
    return lines[0] if len(lines) == 1 else f"{lines[0][:-1]} and {len(lines) - 1} more." if lines else ""


def _battery_line(report: DayReport) -> str:
    period, zone = report.period, report.site.zone
    parts = [
        f"at its reserve {_spell_span(report, spell)}{_because(report, spell)}" for spell in report.story.spells[:2]
    ]
    if report.story.full_at is not None:
        parts.append(f"full {'' if report.story.full_exactly else 'by '}{clock(report.story.full_at, zone)}")
    if not parts and period.state_of_charge_min is not None and period.state_of_charge_max is not None:
        parts.append(f"between {period.state_of_charge_min:.0f} and {period.state_of_charge_max:.0f} %")
    return f"Battery {', '.join(parts)}." if parts else ""


def _clouds_line(report: DayReport) -> str:
    clouds = report.story.clouds
    return f"Clouds {_span(report, clouds.start, clouds.end)}." if clouds else ""


def _because(report: DayReport, spell: Spell) -> str:
    if spell.cause is None:
        return ""
    since = _when(report, spell.cause.start)
    what = watts(spell.cause.mean_w) if spell.cause.big else f"house {watts(spell.cause.mean_w)}"
    return f" ({what} from {since})"


def _spell_words(report: DayReport, spell: Spell) -> str:
    words = "battery at its reserve"
    if spell.start < report.period.start:
        words += " since the day before"
    if not spell.ended and spell.end < report.until - _LATE_S:
        words += f", no data after {clock(spell.end, report.site.zone)}"
    elif spell.end < report.until - _LATE_S:
        words += f" until {clock(spell.end, report.site.zone)}"
    if spell.cause is None:
        return words
    cause, since = spell.cause, _when(report, spell.cause.start)
    if not cause.big:
        return f"{words}; the house used {kwh(cause.wh)} kWh since {since}"
    until = f" to {_when(report, cause.end)}" if cause.end < spell.start - _LATE_S else ""
    return f"{words}; {watts(cause.mean_w)} from {since}{until} ({kwh(cause.wh)} kWh)"


def _load_words(report: DayReport, load: Load) -> str:
    return f"big load until {_when(report, load.end)}: {watts(load.mean_w)}, {kwh(load.wh)} kWh"


def _cloud_words(report: DayReport, clouds: Clouds) -> str:
    swing = f"production between {clouds.high_w / 1000:.1f} and {clouds.low_w / 1000:.1f} kW within minutes"
    return f"clouds until {clock(clouds.end, report.site.zone)}: {swing}"


def _spell_span(report: DayReport, spell: Spell) -> str:
    return _span(report, spell.start, spell.end)


def _span(report: DayReport, start: float, end: float) -> str:
    """`00:50-07:30`; `until 07:30` from the day before, `from 22:10` to the end of the day."""
    zone, period = report.site.zone, report.period
    late = end >= report.until - _LATE_S
    if start <= period.start:
        return ("all day" if report.over else "until now") if late else f"until {clock(end, zone)}"
    return f"from {clock(start, zone)}" if late else f"{clock(start, zone)}-{clock(end, zone)}"


def _when(report: DayReport, ts: float) -> str:
    text = clock(ts, report.site.zone)
    return f"{text} the evening before" if ts < report.period.start else text


def _of_what(report: DayReport, hole: Hole) -> str:
    wanted = [role for role in report.period.roles if role in _ROLE_WORDS]
    if set(hole.roles) == set(wanted):
        return ""
    return f" of {', '.join(_ROLE_WORDS[role] for role in hole.roles)}"


def _sentence(text: str) -> str:
    return f"{text}." if text else ""


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def coverage_line(report: DayReport) -> str:
    """`Measured 99.8 %, 2 min bridged, nothing missing.`; the worst role counts for what is missing."""
    period: Period = report.period
    if not period.known:
        return "Nothing was measured."
    length = period.end - period.start
    bridged = max(period.estimated.values(), default=0.0) * length
    missing_s = _missing_s(report)
    parts = [f"Measured {share(period.overall)} of the day"]
    if bridged >= 30:
        parts.append(f"{duration(bridged)} bridged by a straight line")
    if missing_s:
        parts.append(f"{duration(missing_s)} missing and left out of every sum")
    absent = [_ROLE_WORDS[role] for role in _ROLE_WORDS if role not in period.roles and role in FLOWS_OF_ROLE]
    if absent:
        parts.append(f"not configured: {', '.join(absent)}")
    return "; ".join(parts) + "."
