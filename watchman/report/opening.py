"""The opening lines: energy, money, what is missing, why the battery stood where it stood, what used much, clouds."""

from __future__ import annotations

from collections.abc import Mapping

from watchman.energy.slots import Flow, Role
from watchman.report.clouds import Clouds
from watchman.report.day import DayReport
from watchman.report.missing import just_begun, missing_s
from watchman.report.site import Incident
from watchman.report.spans import LATE_S, from_to, listed, span, when
from watchman.report.story import Hole, Load, Spell
from watchman.report.words import clock, duration, kwh, money, percent, watts

ROLE_WORDS: Mapping[Role, str] = {
    Role.PRODUCTION: "sun",
    Role.CONSUMPTION: "house",
    Role.GRID_FEED_IN: "grid",
    Role.BATTERY_DISCHARGE: "battery",
    Role.STATE_OF_CHARGE: "state of charge",
}
# The sun is told beside its mean if it differs so much: less than 60 % or more than 160 % of it, and two kWh.
_DULL, _BRIGHT, _NOTABLE_WH = 0.6, 1.6, 2000.0
_MUCH_SHARE = 0.25
# The sun came out between clouds if it reached this share of the week's highest.
_BRIGHT_SHARE, _LEAST_SWING_W = 0.25, 300.0
_MOST_HOLES = 3
_MOST_SPELLS = 2


def opening(report: DayReport) -> list[str]:
    """A few sentences that answer the day's questions; one that says so where nothing is known."""
    if not report.period.known:
        return [_nothing(report)]
    lines = [
        *(_over_line(report, incident) for incident in critical_and_over(report)),
        _energy_line(report),
        _money_line(report),
        _hole_line(report),
        _battery_line(report),
        _load_line(report),
        _clouds_line(report),
    ]
    return [line for line in lines if line]


def critical_and_over(report: DayReport) -> list[Incident]:
    """The day's worst news that needs nobody any more: it opens the report. One line per alert, the longest firing."""
    found: dict[str, Incident] = {}
    for incident in report.incidents:
        if incident.severity == "critical" and incident.ended is not None and not incident.held:
            best = found.get(incident.alertname)
            if best is None or incident.duration_s(report.until) > best.duration_s(report.until):
                found[incident.alertname] = incident
    return list(found.values())[:2]


def brief(incident: Incident) -> str:
    """What an alert was about, without the figures of its moment: `Power cut`."""
    return incident.summary.split(":")[0].split(" since ")[0].strip() or incident.alertname


def _over_line(report: DayReport, incident: Incident) -> str:
    end = incident.ended if incident.ended is not None else report.until
    return f"{brief(incident)} {from_to(report, incident.started, end)} ({duration(end - incident.started)})."


def _nothing(report: DayReport) -> str:
    if report.now <= report.period.start:
        return "This day has not begun: there is nothing to report."
    if just_begun(report):
        return "The day has just begun: its first figures come with the next quarter of an hour."
    if any(hole.frozen for hole in report.story.holes):
        return "The exporter repeated old values all day, so there are no figures. Does the battery answer it?"
    return "Nothing was measured on this day, so there are no figures. Was Prometheus or the exporter off?"


def _energy_line(report: DayReport) -> str:
    energy, period = report.period.energy_wh, report.period
    least = "at least " if missing_s(report) else ""
    parts = []
    if Flow.PRODUCTION in energy:
        note = _measured(report, Role.PRODUCTION) or _against_mean(report)
        parts.append(f"Sun {least}{kwh(energy[Flow.PRODUCTION])} kWh{note}")
    elif Flow.CONSUMPTION in energy:
        parts.append(f"House {least}{kwh(energy[Flow.CONSUMPTION])} kWh{_measured(report, Role.CONSUMPTION)}")
    if period.self_sufficiency is not None:
        parts.append(f"{percent(period.self_sufficiency)} own power")
    return f"{', '.join(parts)}." if parts else ""


def _measured(report: DayReport, role: Role) -> str:
    return f" ({percent(report.period.measured[role])} measured)" if missing_s(report) and report.over else ""


def _against_mean(report: DayReport) -> str:
    if report.mean is None or not report.period.complete:
        return ""
    today, usual = report.period.energy_wh[Flow.PRODUCTION], report.mean.energy_wh.get(Flow.PRODUCTION)
    if usual is None or abs(today - usual) < _NOTABLE_WH or _DULL * usual <= today <= _BRIGHT * usual:
        return ""
    days = report.mean.days
    return f" ({f'{days}-day mean' if days > 1 else 'the day before'} {kwh(usual)})"


def _money_line(report: DayReport) -> str:
    energy, spent = report.period.energy_wh, report.cost
    if Flow.GRID_IMPORT not in energy:
        return ""
    flows = f"ought {kwh(energy[Flow.GRID_IMPORT])}, sold {kwh(energy.get(Flow.GRID_EXPORT, 0.0))} kWh"
    line = f"In the measured hours b{flows}" if missing_s(report) else f"B{flows}"
    if spent is None or spent.net is None:
        return line + "."
    earned = spent.net <= -0.005
    line += f": {'earned' if earned else 'cost'} {money(abs(spent.net), spent.currency)}"
    if spent.without_system is not None and not missing_s(report) and spent.without_system > spent.net + 0.005:
        line += f" instead of {'paying ' if earned else ''}{money(spent.without_system, spent.currency)}"
    return line + "."


def _hole_line(report: DayReport) -> str:
    """`No data 11:05-14:15 and 16:00-17:18.`; frozen values have a line of their own, as their mend differs."""
    silent = [hole for hole in report.story.holes if not hole.frozen]
    frozen = [hole for hole in report.story.holes if hole.frozen]
    lines = []
    if silent:
        lines.append(f"No data {_holes(report, silent)}.")
    if frozen:
        lines.append(f"Old values repeated {_holes(report, frozen)}: not counted.")
    return " ".join(lines)


def _holes(report: DayReport, holes: list[Hole]) -> str:
    told = holes[:_MOST_HOLES] if len(holes) <= _MOST_HOLES else holes[: _MOST_HOLES - 1]
    parts = [f"{span(report, hole.start, hole.end)}{_of_what(report, hole)}" for hole in told]
    more = len(holes) - len(told)
    return listed([*parts, f"{more} more times"] if more else parts)


def _of_what(report: DayReport, hole: Hole) -> str:
    wanted = [role for role in report.period.roles if role in ROLE_WORDS]
    if set(hole.roles) == set(wanted):
        return ""
    return f" ({', '.join(ROLE_WORDS[role] for role in hole.roles)})"


def _battery_line(report: DayReport) -> str:
    period, story, zone = report.period, report.story, report.site.zone
    spells = [f"{spell_span(report, spell)}{_because(report, spell)}" for spell in story.spells[:_MOST_SPELLS]]
    if len(story.spells) > _MOST_SPELLS:
        spells.append(f"{len(story.spells) - _MOST_SPELLS} more times")
    parts = [f"at its reserve {listed(spells)}"] if spells else []
    low, high = period.state_of_charge_min, period.state_of_charge_max
    if story.full_at is None and not spells and low is not None and high is not None:
        parts.append(f"between {low:.0f} and {high:.0f} %" if high - low >= 1 else f"at {low:.0f} %")
    if story.full_at is not None:
        parts += [f"down to {low:.0f} %"] if low is not None and not spells else []
        parts.append(f"full {'' if story.full_exactly else 'by '}{clock(story.full_at, zone)}")
    return f"Battery {', '.join(parts)}." if parts else ""


def spell_span(report: DayReport, spell: Spell) -> str:
    """When the battery stood at its reserve, as far as it is known: `00:50-07:30`, `at least 04:30-07:57`."""
    late = spell.end >= report.until - LATE_S
    if spell.start <= report.period.start and late and not report.over:
        return f"since {when(report, spell.start)}" if spell.began else "so far"
    sure = (spell.began or spell.start <= report.period.start) and (spell.ended or late)
    return f"{'' if sure else 'at least '}{span(report, spell.start, spell.end)}"


def _because(report: DayReport, spell: Spell) -> str:
    parts = [_cause_words(report, spell, spell.cause)] if spell.cause is not None else []
    if spell.under_percent is not None:
        parts.append(f"down to {spell.under_percent:.0f} %")
    return f" ({', '.join(parts)})" if parts else ""


def _cause_words(report: DayReport, spell: Spell, cause: Load) -> str:
    if cause.big and cause.end < spell.start - LATE_S:
        return f"{watts(cause.mean_w)} {from_to(report, cause.start, cause.end)}"
    if cause.big:
        return f"{watts(cause.mean_w)} from {when(report, cause.start)}"
    if cause.from_percent is None:
        return f"house {watts(cause.mean_w)} from {when(report, cause.start)}"
    return f"{cause.from_percent:.0f} % at {when(report, cause.start)}, then house {watts(cause.mean_w)}"


def _load_line(report: DayReport) -> str:
    """The load that took a quarter of the day's use or more, unless it is told as what emptied the battery."""
    used = report.period.energy_wh.get(Flow.CONSUMPTION)
    blamed = {spell.cause.start for spell in report.story.spells[:_MOST_SPELLS] if spell.cause is not None}
    loads = [load for load in report.story.loads if report.period.start <= load.start and load.start not in blamed]
    biggest = max(loads, key=lambda load: load.wh, default=None)
    if used is None or biggest is None or biggest.wh < _MUCH_SHARE * used:
        return ""
    return f"Big load {span(report, biggest.start, biggest.end)}: {kwh(biggest.wh)} of {kwh(used)} kWh."


def _clouds_line(report: DayReport) -> str:
    told = clouds_told(report)
    return f"Clouds {listed([cloud_span(report, one) for one in told])}." if told else ""


def clouds_told(report: DayReport) -> list[Clouds]:
    """Clouds between which the sun came out. Under a dull sky their times would explain nothing."""
    peak = report.mean.production_peak_w if report.mean is not None else None
    least = max(_LEAST_SWING_W, _BRIGHT_SHARE * (peak or 0.0))
    return [one for one in report.story.clouds if one.high_w >= least]


def cloud_span(report: DayReport, clouds: Clouds) -> str:
    """`15:00-16:40`; `until` and `from` where they were there from dawn or to dusk, `all day` for both."""
    zone = report.site.zone
    if clouds.since_dawn:
        return ("all day" if report.over else "so far") if clouds.to_dusk else f"until {clock(clouds.end, zone)}"
    if clouds.to_dusk:
        return f"from {clock(clouds.start, zone)}"
    return f"{clock(clouds.start, zone)}-{clock(clouds.end, zone)}"
