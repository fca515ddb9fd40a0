"""Digests: which are due, made by the worker, handed to the outbox together with the mark that they are."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from watchman.config.model import ReportConfig
from watchman.context import Context
from watchman.errors import WatchmanError
from watchman.jobs.query import answers
from watchman.localtime import day_of, local_day, local_moment
from watchman.notify.destination import MAIL_SCHEMES, scheme_of
from watchman.notify.message import Attachment, Message
from watchman.notify.words import cut
from watchman.store import outbox
from watchman.store.facts import set_fact
from watchman.store.reports import claim_report, latest_report, report_exists

log = logging.getLogger(__name__)

HISTORY_WAIT_S = 600.0
CATCH_UP_DAYS = 3
WORKER_LIMIT_S = 900.0
SUBJECT_LIMIT = 120
USUAL = "usual"
FACTS_AGAIN_S = 3600.0
FACTS_EVERY_S = 20 * 3600.0
_POLL_S = 0.5


def make_due_reports(context: Context) -> None:
    """Make every digest whose time has come, of the last days too if watchman was not running then."""
    now = context.clock.now()
    if context.missed and now - context.started_at < HISTORY_WAIT_S:
        return  # what happened while nobody watched is about to be known
    for report in context.wiring.config.reports:
        for day in due_days(context, report, now):
            _make(context, report, day, now)


def due_days(context: Context, report: ReportConfig, now: float) -> list[date]:
    """The days that are over, whose digest is due and was not made: yesterday, and up to two before after downtime."""
    zone = context.wiring.config.site.timezone
    today = day_of(now, zone)
    due = []
    with context.store.begin() as connection:
        known = latest_report(connection, report.name)
        for back in range(CATCH_UP_DAYS, 0, -1):
            day = today - timedelta(days=back)
            start = local_day(day, zone)[0]
            time_has_come = now >= local_moment(day + timedelta(days=1), report.at, zone)
            # At the first start only yesterday is told: what was before watchman nobody waits for.
            wanted = back == 1 or (known is not None and start > known)
            if time_has_come and wanted and not report_exists(connection, report.name, start):
                due.append(day)
    return due


def refresh_facts(context: Context) -> None:
    """Ask the worker once a day what is usual for this home; the daemon shows it as series for the rules."""
    now = context.clock.now()
    if now - context.facts.get("at", 0.0) < FACTS_EVERY_S or now < context.facts_again_at or not answers(context):
        return
    context.facts_again_at = now + FACTS_AGAIN_S
    try:
        facts = run_worker(context, {"kind": "facts"})["facts"]
    except WatchmanError as error:
        log.warning("what is usual for this home could not be worked out, it is tried again in an hour: %s", error)
        return
    context.facts = {**facts, "at": now}
    with context.store.begin() as connection:
        set_fact(connection, USUAL, context.facts, now)


def run_worker(
    context: Context,
    job: Mapping[str, Any],
    limit_s: float = WORKER_LIMIT_S,
    on_line: Callable[[str], None] = lambda _line: None,
) -> dict[str, Any]:
    """Run one job in a worker process. Raises WatchmanError with its last line if it fails, hangs or is stopped."""
    module = "watchman.worker_process", str(context.wiring.config.path)
    return run_child(context, module, job, limit_s, on_line=on_line)


def run_child(
    context: Context,
    module: Sequence[str],
    job: Mapping[str, Any],
    limit_s: float,
    unwanted: Callable[[], bool] = lambda: False,
    on_line: Callable[[str], None] = lambda _line: None,
) -> dict[str, Any]:
    """Run `python -m MODULE ARGUMENTS` with a JSON job; returns its JSON answer. Raises WatchmanError.

    It is also ended when `unwanted` says that nobody waits for it any more. `on_line` hears its last line of progress
    now and then.
    """
    with subprocess.Popen(
        [sys.executable, "-m", *module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        deadline = context.clock.monotonic() + limit_s
        text: str | None = json.dumps(job)
        too_long = False
        while True:
            try:
                output, errors = worker.communicate(text, timeout=_POLL_S)
                break
            except subprocess.TimeoutExpired as expired:
                text = None
                if lines := (expired.stderr or b"").decode(errors="replace").splitlines():
                    on_line(lines[-1])
                too_long = context.clock.monotonic() > deadline
                if context.stopping() or too_long or unwanted():
                    worker.kill()
    if too_long:
        raise WatchmanError(f"the worker was ended after {limit_s:.0f} s")
    if worker.returncode != 0:
        lines = errors.strip().splitlines()
        raise WatchmanError(f"the worker ended with {worker.returncode}: {lines[-1] if lines else 'no word'}")
    return dict(json.loads(output))


def message_for(url: str, made: Mapping[str, Any]) -> Message:
    """The worker's result as one service shows it: a mail with own text part and picture, or a short text for a phone.

    The subject of a mail is the verdict with the first line, so that it tells enough unopened.
    """
    title: str = made["title"]
    if scheme_of(url) not in MAIL_SCHEMES:
        return Message(title, made["push"], severity="info")
    attachments = tuple(
        Attachment(one["name"], one["mimetype"], base64.b64decode(one["content_base64"]))
        for one in made.get("attachments", [])
    )
    first_line = made["push"].strip().partition("\n")[0]
    subject = cut(f"{title}. {first_line}" if first_line else title, SUBJECT_LIMIT)
    return Message(subject, made["text"], made.get("html"), "info", attachments)


def _make(context: Context, report: ReportConfig, day: date, now: float) -> None:
    zone = context.wiring.config.site.timezone
    start = local_day(day, zone)[0]
    first = _is_first(context, report)
    offline = not first and _is_late(context, report, day, now)
    if context.prometheus_error and not offline:
        # It is waited for: a worker a minute would only say so again.
        return
    job = {"kind": "report", "period": "day", "date": day.isoformat(), "formats": ["text", "push", "html"]}
    try:
        made = run_worker(context, {**job, "offline": offline})
    except WatchmanError as error:
        context.metrics.reports.labels(report.name, "failed").inc()
        log.warning("report %s of %s could not be made, it is tried again: %s", report.name, day, error)
        return
    # A new home has no yesterday: nobody wants a first mail that says so.
    empty = first and not made["report"]["coverage"]["overall"]
    _hand_over(context, report, start, made, send=not empty)
    log.info("report %s of %s %s: %s", report.name, day, "has no data" if empty else "is in the outbox", made["title"])


def _is_first(context: Context, report: ReportConfig) -> bool:
    with context.store.begin() as connection:
        return latest_report(connection, report.name) is None


def _hand_over(context: Context, report: ReportConfig, start: float, made: Mapping[str, Any], *, send: bool) -> None:
    now = context.clock.now()
    with context.store.begin() as connection:
        if not claim_report(connection, report.name, start, made["report"], now) or not send:
            return
        outbox.add(connection, _postings(context, report, start, made), now)
    context.metrics.reports.labels(report.name, "made").inc()
    context.want_delivery()


def _postings(
    context: Context, report: ReportConfig, start: float, made: Mapping[str, Any]
) -> Iterator[outbox.Posting]:
    for receiver in report.receivers:
        for destination, url in context.wiring.destinations[receiver].items():
            yield outbox.Posting(
                receiver=receiver,
                destination=destination,
                kind="report",
                dedup_key=f"report|{report.name}|{start:.0f}|{receiver}|{destination}",
                message=message_for(url, made),
                reason="report is due",
            )


def _is_late(context: Context, report: ReportConfig, day: date, now: float) -> bool:
    """Six hours after its time a digest without Prometheus is better than none."""
    due_at = local_moment(day + timedelta(days=1), report.at, context.wiring.config.site.timezone)
    return now > due_at + 6 * 3600
