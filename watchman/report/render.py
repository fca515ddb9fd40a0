"""A day report as text, HTML mail and phone message, from Jinja templates and one plain view of words."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from watchman.energy.slots import Flow
from watchman.report.bars import Bar, bars
from watchman.report.day import Comparison, DayReport
from watchman.report.site import Incident
from watchman.report.verdict import coverage_line, events, gap_lines, opening, title, verdict
from watchman.report.words import clock, duration, kwh, long_day, money, percent, short_day

CHART_NAME = "day.png"
PUSH_LIMIT = 1000
_MOST_ALERTS = 5


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the numbers at the top of the mail; `change` against the mean of the days before, may be empty."""

    value: str
    unit: str
    label: str
    change: str


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the text part's table: the day, the day before, the mean; empty where not known."""

    label: str
    day: str
    before: str
    mean: str


@dataclass(frozen=True, slots=True)
class AlertLine:
    """An alert in words, with the number of its flag on the chart."""

    number: int
    words: str


@dataclass(frozen=True, slots=True)
class View:
    """Everything the templates print, already in words."""

    site: str
    title: str
    verdict: str
    calm: bool
    long_day: str
    opening: list[str]
    tiles: list[Tile]
    rows: list[Row]
    mean_days: int
    compared: bool
    has_previous: bool
    events: list[tuple[str, str]]
    gaps: list[str]
    bars: list[Bar]
    alerts: list[AlertLine]
    more_alerts: int
    told: list[str]
    held: list[str]
    coverage: str
    tariff: str
    warnings: list[str]
    sections: tuple[str, ...]
    external_url: str
    chart_src: str
    chart_alt: str


def view(report: DayReport, chart_src: str = "") -> View:
    """Put a report into words. `chart_src` is the picture's address in the HTML (`cid:day.png`), empty for none."""
    incidents = report.incidents[:_MOST_ALERTS]
    return View(
        site=report.site.title,
        title=title(report),
        verdict=verdict(report),
        calm=verdict(report) == "nothing to do",
        long_day=long_day(report.day),
        opening=opening(report),
        tiles=_tiles(report),
        rows=_rows(report),
        mean_days=report.mean.days if report.mean else 0,
        compared=report.period.complete and report.mean is not None,
        has_previous=report.previous is not None,
        events=events(report),
        gaps=gap_lines(report),
        bars=bars(report.period.energy_wh),
        alerts=[AlertLine(n, _alert_words(report, incident)) for n, incident in enumerate(incidents, start=1)],
        more_alerts=len(report.incidents) - len(incidents),
        told=_told(report),
        held=_held(report),
        coverage=coverage_line(report),
        tariff=_tariff(report),
        warnings=list(report.warnings),
        sections=report.site.sections,
        external_url=report.site.external_url,
        chart_src=chart_src if report.period.known else "",
        chart_alt=f"Power over {short_day(report.day)}. " + " ".join(opening(report)),
    )


def render_text(report: DayReport) -> str:
    """The text part of the mail: it says all the HTML says, without the picture."""
    return _template("day.txt.j2", view(report))


def render_push(report: DayReport) -> str:
    """The body for a phone, under 1,000 characters; the title goes above it."""
    text = _template("push.txt.j2", view(report))
    return text if len(text) < PUSH_LIMIT else text[: PUSH_LIMIT - 2].rstrip() + "…"


def render_html(report: DayReport, chart_src: str = f"cid:{CHART_NAME}") -> str:
    """The HTML part, 600 px wide, inline styles; `chart_src` may be a `data:` address for a page that stands alone."""
    return _template("day.html.j2", view(report, chart_src))


def _template(name: str, words: View) -> str:
    environment = Environment(
        loader=PackageLoader("watchman.report"),
        autoescape=name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name).render(v=words).strip() + "\n"


def _tiles(report: DayReport) -> list[Tile]:
    # A day with a hole, or one that still runs, is not less than usual: it is not known.
    energy, mean = report.period.energy_wh, report.mean if report.period.complete else None
    usual = mean.energy_wh if mean else {}
    tiles = []
    for flow, label in ((Flow.PRODUCTION, "sun"), (Flow.GRID_IMPORT, "bought"), (Flow.GRID_EXPORT, "sold")):
        if flow in energy:
            tiles.append(Tile(kwh(energy[flow]), "kWh", label, _change(energy[flow], usual.get(flow))))
    own = report.period.self_sufficiency
    if own is not None:
        before = mean.self_sufficiency if mean else None
        tiles.insert(1, Tile(f"{own * 100:.0f}", "%", "own power", _points(own, before)))
    if report.cost is not None and report.cost.net is not None:
        saved = report.cost.saved
        extra = f"saved {money(saved, report.cost.currency)}" if saved is not None and saved > 0 else ""
        net = report.cost.net
        label = "earned" if net < 0 else "cost"
        tiles.append(Tile(money(abs(net), report.cost.currency), "", label, extra))
    return tiles


def _change(wh: float, usual_wh: float | None) -> str:
    """Against the mean: in percent if that is a kWh or more, else in kWh; `=` within 2 %."""
    if usual_wh is None:
        return ""
    if abs(wh - usual_wh) <= max(0.02 * usual_wh, 50):
        return "="
    if usual_wh >= 1000 and abs(wh / usual_wh - 1) < 2:
        return f"{(wh / usual_wh - 1) * 100:+.0f} %"
    return f"{(wh - usual_wh) / 1000:+.1f} kWh"


def _points(ratio: float, usual: float | None) -> str:
    if usual is None:
        return ""
    points = round((ratio - usual) * 100)
    return f"{points:+d} points" if points else "="


def _rows(report: DayReport) -> list[Row]:
    names = (
        (Flow.PRODUCTION, "Sun"),
        (Flow.CONSUMPTION, "House"),
        (Flow.GRID_IMPORT, "Bought"),
        (Flow.GRID_EXPORT, "Sold"),
        (Flow.BATTERY_CHARGE, "Into battery"),
        (Flow.BATTERY_DISCHARGE, "Out of battery"),
    )
    rows = [
        Row(label, kwh(report.period.energy_wh[flow]), _energy(report.previous, flow), _energy(report.mean, flow))
        for flow, label in names
        if flow in report.period.energy_wh
    ]
    for label, name in (("Own power", "self_sufficiency"), ("Sun used here", "self_consumption")):
        ratios = [_ratio(getattr(part, name, None)) for part in (report.period, report.previous, report.mean)]
        if ratios[0]:
            rows.append(Row(label, *ratios))
    return rows


def _energy(other: Comparison | None, flow: Flow) -> str:
    return kwh(other.energy_wh[flow]) if other is not None and flow in other.energy_wh else ""


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else percent(ratio)


def _alert_words(report: DayReport, incident: Incident) -> str:
    zone = report.site.zone
    start = clock(incident.started, zone) if incident.started >= report.period.start else "before midnight"
    lasted = duration(incident.duration_s(report.until))
    still = ", still on" if incident.ended is None or incident.ended > report.until else ""
    note = f" (held back: {incident.held})" if incident.held else ""
    return f"{start} {incident.summary}, {lasted}{still}{note}"


def _told(report: DayReport) -> list[str]:
    titles = dict.fromkeys(f"{clock(told.at, report.site.zone)} {told.title}" for told in report.told)
    return list(titles)[:_MOST_ALERTS]


def _held(report: DayReport) -> list[str]:
    return list(dict.fromkeys(incident.alertname for incident in report.incidents if incident.held))


def _tariff(report: DayReport) -> str:
    tariff = report.site.tariff
    if tariff is None:
        return ""
    prices = f"{money(tariff.import_price, tariff.currency)} per kWh bought"
    return f"{prices}, {money(tariff.export_price, tariff.currency)} per kWh sold"
