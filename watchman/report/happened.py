"""What happened when, line by line, built from the minutes and not from raw alerts."""

from __future__ import annotations

from watchman.energy.slots import Flow
from watchman.report.clouds import Clouds
from watchman.report.day import DayReport
from watchman.report.opening import brief, clouds_told, critical_and_over
from watchman.report.spans import LATE_S, from_to, when
from watchman.report.story import Load, Spell
from watchman.report.words import clock, kwh, watts

_MOST_EVENTS = 6
_MOST_SPELLS = 3
_MOST_LOADS = 2
_LOAD_FROM_WS = 1500.0 * 3600
_IMPORT_FROM_W = 500.0
_SUN_SHARE = 1 / 3

_Event = tuple[float, str]


def events(report: DayReport) -> list[tuple[str, str]]:
    """What happened, as (local time, words), in order of time; at most six, the weightiest."""
    if not report.period.known:
        return []
    blocks = [*_spells(report), *_full(report), *_loads(report), *_clouds(report), *_import(report), *_sun(report)]
    weighty = [*_cuts(report), *blocks]
    zone, start = report.site.zone, report.period.start
    return [(clock(max(at, start), zone), words) for at, words in sorted(weighty[:_MOST_EVENTS])]


def _cuts(report: DayReport) -> list[_Event]:
    """What the minutes cannot show but the day was about: critical alerts that are over."""
    found = []
    for incident in critical_and_over(report):
        end = "" if incident.ended is None else f" until {clock(incident.ended, report.site.zone)}"
        found.append((incident.started, f"{brief(incident)[:1].lower()}{brief(incident)[1:]}{end}"))
    return found


def _spells(report: DayReport) -> list[_Event]:
    return [(spell.start, _spell_words(report, spell)) for spell in report.story.spells[:_MOST_SPELLS]]


def _full(report: DayReport) -> list[_Event]:
    at = report.story.full_at
    return [] if at is None else [(at, "battery full" if report.story.full_exactly else "battery full by then")]


def _loads(report: DayReport) -> list[_Event]:
    told = sorted(_own_loads(report), key=lambda load: -load.wh)[:_MOST_LOADS]
    return [(load.start, _load_words(report, load)) for load in told]


def _own_loads(report: DayReport) -> list[Load]:
    """Loads worth a line; one that ran in from the day before only if it is not named as what emptied the battery."""
    blamed = {spell.cause.start for spell in report.story.spells if spell.cause is not None}
    day = report.period.start
    large = [load for load in report.story.loads if load.mean_w * (load.end - max(load.start, day)) >= _LOAD_FROM_WS]
    return [load for load in large if load.start >= day or load.start not in blamed]


def _clouds(report: DayReport) -> list[_Event]:
    return [(clouds.start, _cloud_words(report, clouds)) for clouds in clouds_told(report)]


def _import(report: DayReport) -> list[_Event]:
    peak = report.period.import_quarter
    if peak is None or peak.value < _IMPORT_FROM_W:
        return []
    return [(peak.at, f"highest import: {watts(peak.value)} for 15 min")]


def _sun(report: DayReport) -> list[_Event]:
    """Not on a day the sun hardly mattered."""
    at, energy = report.story.sun_takes_over_at, report.period.energy_wh
    matters = energy.get(Flow.PRODUCTION, 0.0) >= _SUN_SHARE * energy.get(Flow.CONSUMPTION, 0.0)
    return [(at, "sun takes over")] if at is not None and matters else []


def _spell_words(report: DayReport, spell: Spell) -> str:
    words = f"battery {'' if spell.began or spell.start <= report.period.start else 'already '}at its reserve"
    until = spell.end < report.until - LATE_S
    if spell.start < report.period.start:
        words += f" since {when(report, spell.start) if spell.began else 'the day before'}{',' if until else ''}"
    if until and not spell.ended:
        words += f", no data after {clock(spell.end, report.site.zone)}"
    elif until:
        words += f" until {clock(spell.end, report.site.zone)}"
    if spell.under_percent is not None:
        words += f", down to {spell.under_percent:.0f} %"
    return words if spell.cause is None else f"{words}; {_cause_words(report, spell, spell.cause)}"


def _cause_words(report: DayReport, spell: Spell, cause: Load) -> str:
    if not cause.big:
        percent = "" if cause.from_percent is None else f"{cause.from_percent:.0f} % at {when(report, cause.start)}, "
        since = "since" if percent else f"since {when(report, cause.start)}"
        return f"{percent}the house used {kwh(cause.wh)} kWh {since}"
    if cause.end < spell.start - LATE_S:
        return f"{watts(cause.mean_w)} {from_to(report, cause.start, cause.end)} ({kwh(cause.wh)} kWh)"
    return f"{watts(cause.mean_w)} since {when(report, cause.start)} ({kwh(cause.wh)} kWh)"


def _load_words(report: DayReport, load: Load) -> str:
    since = f" since {when(report, load.start)}," if load.start < report.period.start else ""
    if load.end >= report.until - LATE_S:
        return f"big load{since}{' still on at the end of the day' if report.over else ' still on'}: {_size(load)}"
    lost = any(abs(hole.start - load.end) <= LATE_S for hole in report.story.holes)
    return f"big load{since} until {'the gap at ' if lost else ''}{clock(load.end, report.site.zone)}: {_size(load)}"


def _size(load: Load) -> str:
    return f"{watts(load.mean_w)}, {kwh(load.wh)} kWh"


def _cloud_words(report: DayReport, clouds: Clouds) -> str:
    until = "" if clouds.to_dusk else f" until {clock(clouds.end, report.site.zone)}"
    when_ = " all day" if clouds.since_dawn and clouds.to_dusk and report.over else until
    return f"clouds{when_}: sun swings between {clouds.low_w / 1000:.1f} and {clouds.high_w / 1000:.1f} kW"
