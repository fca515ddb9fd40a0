"""The worker: heavy work in a process of its own, so that the daemon stays small.

One JSON job on stdin, progress lines on stderr, one JSON result on stdout; exit 0, or 1 with one line on stderr that
names the cause. pandas and matplotlib are imported where a job needs them: a text report draws nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import IO, Any

from watchman.energy.beside import settle_beside
from watchman.energy.curve import MINUTE_S, Curve, curve_of
from watchman.energy.figures import figures
from watchman.energy.settle import (
    FetchRaw,
    OnProgress,
    Settled,
    Source,
    fetch_curve,
    house_moves,
    settle,
)
from watchman.energy.slots import Flow
from watchman.energy.tracks import Sampled
from watchman.errors import QueryError, UsageError, WatchmanError
from watchman.localtime import day_of, local_day
from watchman.ports import Ports
from watchman.report.day import Comparison, DayReport, build_day, comparison, to_json
from watchman.report.happened import events
from watchman.report.opening import opening
from watchman.report.render import CHART_NAME, render_html, render_push, render_text
from watchman.report.site import Site
from watchman.report.verdict import title

COMPARED_DAYS = 7
# The afternoon before belongs to the story: the load that emptied the battery at night began there.
_EVENING_BEFORE_S = 12 * 3600.0
# If the ledger knows this much more than the samples that are left, Prometheus has begun to forget the day.
_FORGOTTEN_S = 3600.0
# Enough rows for thirty good days even after a month of fault.
_USUAL_HISTORY_DAYS = 120
_USUAL_FLOWS = (Flow.PRODUCTION, Flow.CONSUMPTION)
# Prometheus keeps nothing for ever; who asks for more names a date.
OLDEST_DAYS = 3660
FORMATS = ("text", "push", "html", "page")


def serve(
    make_ports: Callable[[Callable[[str], None]], Ports], stdin: IO[str], stdout: IO[str], stderr: IO[str]
) -> int:
    """Do one job: read it, run it with the ports made for it, print the result. Returns the exit code."""

    def progress(line: str) -> None:
        print(line, file=stderr, flush=True)

    try:
        job = json.loads(stdin.read())
        if not isinstance(job, dict):
            raise UsageError("a job is one JSON object")
        result = run_job(job, make_ports(progress))
    except json.JSONDecodeError as error:
        progress(f"the job is not JSON: {error}")
        return 1
    except WatchmanError as error:
        progress(str(error))
        return 1
    json.dump(result, stdout)
    stdout.write("\n")
    stdout.flush()
    return 0


def run_job(job: Mapping[str, Any], ports: Ports) -> dict[str, Any]:
    """Run a job by its `kind`. Raises UsageError for a wrong job, QueryError from a fetch."""
    kinds = {"report": _report, "settle": _settle, "backfill": _backfill, "facts": _facts}
    kind = job.get("kind")
    if kind not in kinds:
        raise UsageError(f"unknown job {kind!r}: use one of {', '.join(kinds)}")
    return kinds[kind](job, ports)


def _report(job: Mapping[str, Any], ports: Ports) -> dict[str, Any]:
    """`{"kind": "report", "period": "day", "date": "2026-11-21", "formats": ["text", ...], "offline": false}`.

    `offline` reports from the ledger alone if Prometheus does not answer, and says so in the warnings.
    """
    if job.get("period", "day") != "day":
        raise UsageError(f"unknown period {job.get('period')!r}: use day")
    formats = job.get("formats", ["text", "push", "html"])
    if not isinstance(formats, list) or not set(formats) <= set(FORMATS):
        raise UsageError(f"unknown formats {formats!r}: use some of {', '.join(FORMATS)}")
    report = day_report(_date(job.get("date")), ports, offline=bool(job.get("offline")))
    return rendered(report, formats)


def day_report(day: date, ports: Ports, *, offline: bool = False) -> DayReport:
    """Settle what the ledger lacks for a local day and the week before it, and build the day's report."""
    site, now = ports.site, ports.now()
    start, end = local_day(day, site.zone)
    earlier = local_day(day - timedelta(days=COMPARED_DAYS), site.zone)[0]
    source = _source(ports, remember=True)
    warnings: list[str] = []
    try:
        _settled(ports, source, earlier, start, now)
        # Its samples are asked for in any case, so whatever came late is told.
        _settled(ports, source, start, end, now, again=True)
        warnings += settled_beside(ports, earlier, end, now)
    except QueryError as error:
        if not offline:
            raise
        warnings.append(f"Prometheus did not answer ({error}): the figures are what was known before")
    slots = ports.read_slots(earlier, end)
    curve = _curve(ports, source, start, min(end, max(start, now)))
    if curve.step_s > MINUTE_S:
        warnings.append("the samples were not there: times and chart come from the ledger's quarters of an hour")
    previous, mean = _comparisons(ports, day)
    return build_day(
        site,
        day,
        now,
        slots=slots,
        curve=curve,
        previous=previous,
        mean=mean,
        incidents=ports.incidents(start, end),
        told=ports.told(start, end),
        warnings=warnings,
        values=ports.values(start, end),
        meters=ports.deviations(start, end),
        noisy=_noisy_of_month(ports, day, end),
    )


def _noisy_of_month(ports: Ports, day: date, end: float) -> list[str]:
    """On the last day of a month: which rules alerted most in it."""
    if (day + timedelta(days=1)).day != 1:
        return []
    return ports.noisy(local_day(day.replace(day=1), ports.site.zone)[0], end)


def rendered(report: DayReport, formats: list[str]) -> dict[str, Any]:
    """The result of a report job: the JSON object, the title, and the formats asked for.

    `html` refers to the picture by Content-ID and comes with it in `attachments`; `page` holds it inside itself.
    """
    words = {"title": title(report), "story": [*opening(report), *(f"{at} {what}" for at, what in events(report))]}
    result: dict[str, Any] = {"title": title(report), "report": to_json(report) | words}
    if "text" in formats:
        result["text"] = render_text(report)
    if "push" in formats:
        result["push"] = render_push(report)
    if {"html", "page"} & set(formats):
        picture = _picture(report)
        encoded = base64.b64encode(picture).decode()
        if "html" in formats:
            result["html"] = render_html(report, f"cid:{CHART_NAME}" if picture else "")
            attachment = {"name": CHART_NAME, "mimetype": "image/png", "content_base64": encoded}
            result["attachments"] = [attachment] if picture else []
        if "page" in formats:
            result["page"] = render_html(report, f"data:image/png;base64,{encoded}" if picture else "")
    return result


def _picture(report: DayReport) -> bytes:
    """The chart, or nothing where nothing was measured or the chart is switched off."""
    if not report.period.known or "chart" not in report.site.sections:
        return b""
    from watchman.report.chart import day_chart  # matplotlib costs half a second

    return day_chart(report)


def _comparisons(ports: Ports, day: date) -> tuple[Comparison | None, Comparison | None]:
    """The day before, and the mean of the complete ones of the seven days before."""
    from watchman.energy.ledger import mean_of_days  # pandas costs a third of a second

    site = ports.site
    before = day - timedelta(days=1)
    slots = ports.read_slots(*_days_before(day, COMPARED_DAYS, site))
    start, end = local_day(before, site.zone)
    previous = comparison(figures([s for s in slots if s.start >= start], start, end, site.roles))
    mean = mean_of_days(slots, day, COMPARED_DAYS, site.zone, site.roles)
    if mean is None:
        return previous, None
    peak = mean.figures.peaks.get(Flow.PRODUCTION)
    ratios = mean.figures.self_consumption, mean.figures.self_sufficiency
    return previous, Comparison(mean.days, mean.energy_wh, *ratios, peak.value if peak else None)


def _days_before(day: date, count: int, site: Site) -> tuple[float, float]:
    return local_day(day - timedelta(days=count), site.zone)[0], local_day(day, site.zone)[0]


def _curve(ports: Ports, source: Source, start: float, end: float) -> Curve:
    """The minutes from noon before the day; from the ledger's quarters where Prometheus has no samples any more."""
    end = end // 60 * 60
    early = start - _EVENING_BEFORE_S
    try:
        # The day first: settling has just asked for the same samples.
        moves = partial(house_moves, ports.read_slots, start)
        of_day = fetch_curve(source, start, end, moves=moves)
        fine = _joined(fetch_curve(source, early, start, moves=moves), of_day)
    except QueryError:
        fine = None
    coarse = curve_of(ports.read_slots(early, end), source.all_roles, early, end)
    return coarse if fine is None or _covered_s(coarse) > _covered_s(fine) + _FORGOTTEN_S else fine


def _covered_s(curve: Curve) -> float:
    return float(sum(bins.covered_s.sum() for bins in curve.roles.values()))


def _joined(first: Curve, second: Curve) -> Curve:
    roles = {role: first.roles[role].then(bins) for role, bins in second.roles.items()}
    return Curve(first.start, second.end, roles, (*first.frozen, *second.frozen))


def _settle(job: Mapping[str, Any], ports: Ports) -> dict[str, Any]:
    """`{"kind": "settle", "start": unix s, "end": unix s}`; gives the number of rows written."""
    try:
        start, end = float(job["start"]), float(job["end"])
    except (KeyError, TypeError, ValueError):
        raise UsageError("a settle job needs start and end in unix seconds") from None
    for fault in settled_beside(ports, start, end, ports.now()):
        ports.progress(fault)
    return {"written": _settled(ports, _source(ports), start, end, ports.now()).written}


def _backfill(job: Mapping[str, Any], ports: Ports) -> dict[str, Any]:
    """`{"kind": "backfill", "since": "2026-01-31", "again": false}`: all that Prometheus has, or from a date on.

    Gives the first day (None: there are no samples), the days asked for and the rows written. One line of progress per
    day: `settled 3 of 15 days`.
    """
    since = _date(job["since"]) if job.get("since") is not None else None
    first, done = backfill(ports, since, again=bool(job.get("again")))
    return {"first": first.isoformat() if first else None, "days": done.days, "written": done.written}


def backfill(
    ports: Ports, since: date | None = None, *, again: bool = False, on_progress: OnProgress | None = None
) -> tuple[date | None, Settled]:
    """Settle from a local day on, or from the first one Prometheus has samples of. Raises QueryError."""
    source, now, zone = _source(ports), ports.now(), ports.site.zone
    first = since or first_day(ports, now)
    if first is None:
        return None, Settled(0, 0)
    start = local_day(first, zone)[0]
    done = _settled(ports, source, start, now, now, again=again, on_progress=on_progress)
    for fault in settled_beside(ports, start, now, now):
        ports.progress(fault)
    return first, done


def first_day(ports: Ports, now: float) -> date | None:
    """The first local day with a sample of any role, None without any; found by halving, in a dozen small questions."""
    exprs = [*ports.roles.values(), *(counter.selector for counter in ports.counters.values())]
    today = day_of(now, ports.site.zone)
    if not ports.has_before(exprs, now):
        return None
    newest, oldest = 0, OLDEST_DAYS
    while newest < oldest:
        middle = (newest + oldest) // 2
        if ports.has_before(exprs, local_day(today - timedelta(days=middle), ports.site.zone)[0]):
            newest = middle + 1
        else:
            oldest = middle
    return today - timedelta(days=newest)


def _facts(_job: Mapping[str, Any], ports: Ports) -> dict[str, Any]:
    """`{"kind": "facts"}`: what is usual for this home, None where the ledger is too young; settles yesterday first."""
    from watchman.energy.ledger import FEWEST_DAYS, usual

    now, site = ports.now(), ports.site
    today = day_of(now, site.zone)
    start, end = _days_before(today, _USUAL_HISTORY_DAYS, site)
    yesterday = _days_before(today, 1, site)[0]
    _settled(ports, _source(ports), yesterday, end, now)
    for fault in settled_beside(ports, yesterday, end, now):
        ports.progress(fault)
    known = usual(ports.read_slots(start, end, _USUAL_FLOWS), site.zone)
    return {
        "facts": {
            "usual_peak_production_w": known.peak_production_w,
            "usual_day_production_wh": known.day_production_wh,
            "usual_night_load_w": known.night_load_w,
            "good_days": known.good_days,
            "full_nights": known.full_nights,
            "days_needed": FEWEST_DAYS,
        }
    }


def _settled(
    ports: Ports,
    source: Source,
    start: float,
    end: float,
    now: float,
    *,
    again: bool = False,
    on_progress: OnProgress | None = None,
) -> Settled:
    def tell(done: int, total: int) -> None:
        if total > 1:
            ports.progress(f"settled {done} of {total} days")

    return settle(
        start,
        end,
        now,
        source,
        read_slots=ports.read_slots,
        write_slots=ports.write_slots,
        memory=ports.memory,
        again=again,
        on_progress=on_progress or tell,
    )


def settled_beside(ports: Ports, start: float, end: float, now: float) -> list[str]:
    """Keep the prices and the like of [start, end) that are lacking; gives what is wrong with them, in words."""
    return settle_beside(
        ports.wanted,
        start,
        end,
        now,
        ports.site.zone,
        fetch_range=ports.fetch_range,
        read_values=ports.read_values,
        add_values=ports.add_values,
    )


def _source(ports: Ports, *, remember: bool = False) -> Source:
    fetch = _remembering(ports.fetch_raw) if remember else ports.fetch_raw
    site = ports.site
    return Source(site.name, site.zone, ports.roles, site.reserve_percent, fetch, ports.fetch_range, ports.counters)


def _remembering(fetch: FetchRaw) -> FetchRaw:
    """The last day's answers are kept: settling and drawing ask for the same samples."""
    answers: dict[tuple[str, float, float], Sequence[Sampled]] = {}

    def remembered(selector: str, start: float, end: float) -> Sequence[Sampled]:
        key = (selector, start, end)
        if key not in answers:
            for old in [known for known in answers if known[1:] != (start, end)]:
                del answers[old]
            answers[key] = fetch(selector, start, end)
        return answers[key]

    return remembered


def _date(text: Any) -> date:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise UsageError(f"{text!r} is not a date: write it as 2026-11-21") from None
