"""A day report as text, HTML mail and phone message, from Jinja templates and one plain view of words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from watchman.energy.slots import Flow
from watchman.report.bars import Bar, bars
from watchman.report.day import Comparison, DayReport
from watchman.report.details import details
from watchman.report.happened import events
from watchman.report.opening import brief, critical_and_over, opening
from watchman.report.site import Incident
from watchman.report.spans import when
from watchman.report.verdict import NOTHING_TO_DO, coverage_line, title, verdict
from watchman.report.words import clock, duration, kwh, long_day, money, percent, price, short_day

CHART_NAME = "day.png"
PUSH_LIMIT = 1000
_MOST_ALERTS = 5
_MOST_URGENT = 3
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:%|kWh|kW|W|h|min)(?!\w))")
CALM = (NOTHING_TO_DO, "just begun", "not begun")


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
    details: list[str]
    rows: list[Row]
    mean_days: int
    compared: bool
    has_previous: bool
    events: list[tuple[str, str]]
    bars: list[Bar]
    alerts: list[AlertLine]
    more_alerts: int
    urgent: list[str]
    told: list[str]
    noisy: list[str]
    coverage: str
    tariff: str
    warnings: list[str]
    sections: tuple[str, ...]
    external_url: str
    chart_src: str
    chart_alt: str
    caption: str


def view(report: DayReport, chart_src: str = "") -> View:
    """Put a report into words. `chart_src` is the picture's address in the HTML (`cid:day.png`), empty for none."""
    incidents = report.incidents[:_MOST_ALERTS]
    return View(
        site=report.site.title,
        title=title(report),
        verdict=verdict(report),
        calm=verdict(report) in CALM,
        long_day=long_day(report.day),
        opening=opening(report),
        tiles=_tiles(report),
        details=details(report),
        rows=_rows(report),
        mean_days=report.mean.days if report.mean else 0,
        compared=report.period.complete and report.mean is not None,
        has_previous=report.previous is not None,
        events=events(report),
        bars=bars(report.period.energy_wh),
        alerts=[AlertLine(n, _alert_words(report, incident)) for n, incident in enumerate(incidents, start=1)],
        more_alerts=len(report.incidents) - len(incidents),
        urgent=_urgent(report),
        told=_told(report),
        noisy=list(report.noisy),
        coverage=coverage_line(report),
        tariff=_tariff(report),
        # Where nothing is known the opening says all there is to say.
        warnings=list(report.warnings) if report.period.known else [],
        sections=report.site.sections,
        external_url=report.site.external_url,
        chart_src=chart_src if report.period.known else "",
        chart_alt=f"Power over {short_day(report.day)}. " + " ".join(opening(report)),
        caption=_caption(report),
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
    environment.filters["whole"] = _whole
    return environment.get_template(name).render(v=words).strip() + "\n"


def _whole(text: str) -> str:
    """Numbers keep their unit on the same line."""
    return _BEFORE_UNIT.sub("\u00a0", text)


def _caption(report: DayReport) -> str:
    """How to read the chart, as far as it shows what needs reading."""
    energy, parts = report.period.energy_wh, []
    if {Flow.GRID_IMPORT, Flow.BATTERY_CHARGE} & energy.keys():
        stored = "stored or sold" if Flow.BATTERY_CHARGE in energy else "sold"
        parts.append(f"Above zero what the house gets, below zero what is {stored}.")
    if report.site.reserve_percent is not None and report.period.state_of_charge_min is not None:
        parts.append("Dotted: the battery's reserve.")
    if report.incidents:
        parts.append("Numbers: the alerts below.")
    return " ".join(parts)


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
    lasted = duration(incident.duration_s(report.until))
    still = ", still on" if incident.ended is None or incident.ended > report.until else ""
    note = f" (held back: {incident.held})" if incident.held else ""
    start = when(report, incident.started)
    # The figures of a critical alert were for its moment, and its own "since" stands in front.
    words = incident.summary if still or incident.severity != "critical" else brief(incident)
    return f"{start} {words.removesuffix(f' since {start}')}, {lasted}{still}{note}"


def _urgent(report: DayReport) -> list[str]:
    """The alerts for the phone: what rang, worst first, without what the opening tells."""
    told = critical_and_over(report)
    rang = [i for i in report.incidents if i.severity in ("critical", "warning") and not i.held and i not in told]
    first = sorted(rang, key=lambda i: (i.ended is not None, i.severity != "critical"))
    return [_alert_words(report, incident) for incident in first[:_MOST_URGENT]]


def _told(report: DayReport) -> list[str]:
    at = {told: clock(told.at, report.site.zone) for told in report.told}
    titles = list(dict.fromkeys(f"{at[told]} {told.title.removesuffix(f' since {at[told]}')}" for told in report.told))
    more = len(titles) - _MOST_ALERTS
    return [*titles[:_MOST_ALERTS], *([f"and {more} more"] if more > 0 else [])]


def _tariff(report: DayReport) -> str:
    tariff = report.site.tariff
    if tariff is None or report.bought_for is None or report.cost is None or report.cost.imported is None:
        return ""
    parts = [f"{_prices(report.bought_for, tariff.currency)} per kWh bought"]
    if report.sold_for is not None:
        parts.append(f"{_prices(report.sold_for, tariff.currency)} per kWh sold")
    if report.cost.standing:
        parts.append(f"{money(report.cost.standing, tariff.currency)} a day standing charge")
    return ", ".join(parts)


def _prices(span: tuple[float, float], currency: str) -> str:
    low, high = (price(one, currency) for one in span)
    return low if low == high else f"{low} to {high}"
