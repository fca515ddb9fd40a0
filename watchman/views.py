"""What page, API and /metrics show of the running daemon."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from watchman import __version__
from watchman.alertmanager.model import TheirAlert
from watchman.book import RuleHealth, rules_with_keys
from watchman.config import Config
from watchman.context import Context
from watchman.errors import StoreError
from watchman.jobs.condition import clock_behind_s, free_bytes, watchdog_silent_s
from watchman.jobs.dispatching import active_alerts, merged_alerts
from watchman.jobs.drill import DRILL_REASON
from watchman.jobs.heartbeat import why_silent
from watchman.jobs.identity import listed_there
from watchman.jobs.look import WATCHED_S, look_at_home
from watchman.metrics import GaugeRows
from watchman.notify.message import ActiveAlert
from watchman.notify.severity import rank, severity_of
from watchman.notify.watchdog import without_watchdog
from watchman.rules.alert import AlertState
from watchman.rules.builtin import BUILT_IN_GROUP
from watchman.solar.sun import elevation_degrees
from watchman.store import outbox_views
from watchman.web.api_v1 import RuleStatus
from watchman.web.guard import Access
from watchman.web.page import Delivery, Overview
from watchman.web.shapes_v2 import SPOKEN_VERSION

LATEST_MESSAGES = 10
FEWEST_DAYS = 3
# What rules compare with, and of what it is learned: fact, series, counted by, said as.
_LEARNED = (
    ("usual_peak_production_w", "watchman_solar_usual_peak_watts", "good_days", "days of sun"),
    ("usual_day_production_wh", "watchman_solar_usual_day_watthours", "good_days", "days of sun"),
    ("usual_night_load_w", "watchman_house_usual_night_watts", "full_nights", "nights"),
)


def rule_statuses(context: Context) -> list[RuleStatus]:
    """Every own rule with its alerts and health, in file order, the built-in ones last."""
    return [
        RuleStatus(
            group=group,
            rule=rule,
            alerts=tuple(context.book.alerts(key).values()),
            health=(health := context.book.health(key)).health,
            error=health.error,
            evaluated_at=health.evaluated_at,
            duration_s=health.duration_s,
        )
        for key, group, rule in rules_with_keys((*context.wiring.groups, BUILT_IN_GROUP))
    ]


def overview(context: Context) -> Overview:
    """The page's values; the powers are those of the last look at the home."""
    config, now = context.wiring.config, context.clock.now()
    first_look = now - context.page_asked_at > WATCHED_S
    context.page_asked_at = now
    if first_look and not context.prometheus_error:
        look_at_home(context)
    pending = [alert for alert in context.book.every_alert() if alert.state is AlertState.PENDING]
    firing, latest, store_error = _from_store(context)
    return Overview(
        site=config.site.name,
        zone=config.site.timezone,
        now=now,
        roles=context.home.values,
        data_at=context.home.at,
        firing=sorted(firing, key=lambda alert: (rank(severity_of(alert.labels)), alert.starts_at)),
        pending=[(alert.labels["alertname"], alert.active_at) for alert in pending],
        deliveries=[Delivery(row.finished_at or row.created_at, row.receiver, row.title, _word(row.state), row.answer)
                    for row in latest],
        learning=list(learning(context)),
        held_there=dict(held_there(context, firing)),
        problems=[*store_error, *_problems(context)],
        rules=sum(len(group.rules) for group in context.wiring.groups),
        failing_rules=[(rule.name, health.error) for rule, health in _failing(context)],
    )  # fmt: skip


def held_there(context: Context, firing: Iterable[ActiveAlert]) -> Iterator[tuple[str, str]]:
    """Fingerprint of each alert that an Alertmanager holds back, and why it does."""
    for alert in firing:
        listed = listed_there(context, alert)
        if listed is not None and listed.held:
            yield alert.fingerprint, f"Alertmanager holds it back: {_why_held(context, listed)}"


def _why_held(context: Context, listed: TheirAlert) -> str:
    known = context.cluster.alerts or {}
    names = (known[one].name if one in known else one for one in listed.inhibited_by)
    reasons = (("silenced by", listed.silenced_by), ("inhibited by", names), ("muted by", listed.muted_by))
    said = ((word, ", ".join(dict.fromkeys(by))) for word, by in reasons)
    return "; ".join(f"{word} {by}" for word, by in said if by)


def _from_store(context: Context) -> tuple[list[ActiveAlert], list[outbox_views.OutboxLine], list[str]]:
    """What fires, the newest messages, and what is wrong with the state: the page must say so, not fail."""
    try:
        with context.store.read() as connection:
            alerts, latest = active_alerts(context, connection), outbox_views.lines(connection, limit=LATEST_MESSAGES)
            error = []
    except StoreError as fault:
        alerts, latest, error = merged_alerts(context, (), context.clock.now()), [], [str(fault)]
    shown = without_watchdog(context.wiring.watchdog, alerts)
    return list({alert.fingerprint: alert for alert in shown if alert.firing}.values()), latest, error


def is_ready(context: Context) -> bool:
    """True if the store can be written; whether Prometheus does is another matter."""
    try:
        with context.store.begin():
            return True
    except StoreError:
        return False


def access(config: Config) -> Access:
    """Who may use page and API."""
    web = config.web
    names = [urlsplit(web.external_url).hostname or "" if web.external_url else "", *web.allowed_hosts]
    names.append(web.listen.rpartition(":")[0].strip("[]"))
    auth = web.auth
    return Access(
        hosts=tuple(name.lower() for name in names if name),
        outside=urlsplit(web.external_url).netloc.lower() if web.external_url else "",
        origins=tuple(origin.rstrip("/") for origin in web.allowed_origins),
        username=auth.username if auth else "",
        password=auth.password.get_secret_value() if auth and auth.password else "",
        bearer_token=auth.bearer_token.get_secret_value() if auth and auth.bearer_token else "",
    )


def gauges(context: Context) -> GaugeRows:
    """Values that are read when /metrics is asked."""
    yield from _site_gauges(context)
    yield from _usual_gauges(context)
    yield from _outbox_gauges(context)
    yield from _rule_gauges(context)
    yield from _own_gauges(context)
    yield from _recorded(context)


def _site_gauges(context: Context) -> GaugeRows:
    site, now = context.wiring.config.site, context.clock.now()
    hour = float(datetime.fromtimestamp(now, site.timezone).hour)
    yield "watchman_site_local_hour", "Hour of the day at the site, 0 to 23", {}, hour
    yield "watchman_site_is_away", "1 while nobody is at home", {}, float(context.is_away)
    yield "watchman_site_reserve_percent", "Share of the battery kept for a power cut", {}, site.battery.reserve_percent
    if site.battery.capacity_wh is not None:
        name = "watchman_site_battery_capacity_watthours"
        yield name, "Usable energy of a full battery", {}, site.battery.capacity_wh
    if site.import_limit_watts is not None:
        yield "watchman_site_import_limit_watts", "What may be bought at most", {}, site.import_limit_watts
    if site.latitude is not None and site.longitude is not None:
        height = elevation_degrees(now, site.latitude, site.longitude)
        yield "watchman_solar_elevation_degrees", "Height of the sun, negative at night", {}, height


def _usual_gauges(context: Context) -> GaugeRows:
    known = (
        ("usual_peak_production_w", "watchman_solar_usual_peak_watts", "Median of the daily peaks of good days"),
        ("usual_day_production_wh", "watchman_solar_usual_day_watthours", "Median production of good days"),
        ("usual_night_load_w", "watchman_house_usual_night_watts", "Median load from 0 to 5 o'clock"),
    )
    for fact, name, documentation in known:
        value = context.facts.get(fact)
        if value is not None:
            yield name, documentation, {}, float(value)


def learning(context: Context) -> Iterator[str]:
    """Which rules wait until enough of this home is known, and how far that is; the filling of the energy ledger."""
    if context.ledger_progress:
        yield context.ledger_progress
    waiting: dict[tuple[str, str], list[str]] = {}
    for _, _, rule in rules_with_keys(context.wiring.groups):
        for fact, series, count, noun in _LEARNED:
            if series in rule.query and context.facts.get(fact) is None:
                waiting.setdefault((count, noun), []).append(rule.name)
                break
    needed = context.facts.get("days_needed", FEWEST_DAYS)
    for (count, noun), names in waiting.items():
        have = min(context.facts.get(count, 0), needed)
        yield f"{', '.join(dict.fromkeys(names))}: learning, {have} of {needed} {noun}"


def _outbox_gauges(context: Context) -> GaugeRows:
    now = context.clock.now()
    try:
        with context.store.read() as connection:
            backlogs = {backlog.receiver: backlog for backlog in outbox_views.backlogs(connection, 0.0)}
            accepted = outbox_views.last_accepted(connection)
            drills = outbox_views.drills(connection, DRILL_REASON)
    except StoreError:
        # No value is better than a wrong one, and the other series must not go with it.
        return
    for receiver in sorted({*context.wiring.destinations, *backlogs}):
        backlog = backlogs.get(receiver)
        rows = (("due", backlog.due if backlog else 0), ("dead", backlog.dead if backlog else 0))
        for state, count in rows:
            labels = {"receiver": receiver, "state": state}
            yield "watchman_outbox_rows", "Messages that wait or were given up", labels, float(count)
        oldest_s = now - backlog.oldest_at if backlog and backlog.oldest_at is not None else 0.0
        yield "watchman_outbox_oldest_seconds", "Age of the oldest waiting message", {"receiver": receiver}, oldest_s

    for receiver, at in sorted(accepted.items()):
        name = "watchman_receiver_last_accepted_timestamp_seconds"
        yield name, "When a receiver's services last took a message", {"receiver": receiver}, at
    for receiver, passed in sorted(drills.items()):
        name = "watchman_receiver_drill_passed"
        yield name, "1 if the last monthly test was taken, by all addresses", {"receiver": receiver}, float(passed)


def _own_gauges(context: Context) -> GaugeRows:
    # Clients of an Alertmanager learn from this what they may ask for.
    spoken = {"version": SPOKEN_VERSION, "branch": "watchman", "revision": __version__}
    yield "alertmanager_build_info", "1, labelled by the version of Alertmanager whose API is spoken", spoken, 1.0
    for member in context.wiring.members:
        answers = float(member.url not in context.cluster.errors)
        yield "watchman_alertmanager_up", "1 if this Alertmanager answered last", {"url": member.url}, answers
    behind = "How far the clock is behind a moment that has surely passed"
    yield "watchman_clock_behind_seconds", behind, {}, clock_behind_s(context)
    if context.wiring.watchdog is not None:
        silent_s = watchdog_silent_s(context) or 0.0
        name = "watchman_watchdog_silent_seconds"
        yield name, "How long the expected alert is overdue, 0 while it comes", {}, silent_s
    if context.wiring.config.heartbeat is not None:
        yield "watchman_heartbeat_beats", "1 while the heartbeat's URL is asked", {}, float(not why_silent(context))
    free = free_bytes(context)
    if free is not None:
        yield "watchman_state_free_bytes", "Room on the disk that holds the state", {}, free


def _rule_gauges(context: Context) -> GaugeRows:
    now = context.clock.now()
    failing = {rule.name: now - (health.failing_since or now) for rule, health in _failing(context)}
    for name, seconds in failing.items():
        yield "watchman_rule_failing_seconds", "How long a rule has failed", {"rule": name}, seconds


def _recorded(context: Context) -> GaugeRows:
    for sample in context.book.every_recorded():
        # Empty ones say that there is none: with `honor_labels` Prometheus then puts none of its own in.
        labels = {"instance": "", "job": "", **sample.labels}
        del labels["__name__"]
        yield sample.labels["__name__"], "Recorded by a rule", labels, sample.value


def _failing(context: Context) -> Iterator[tuple[Any, RuleHealth]]:
    for key, _, rule in rules_with_keys(context.wiring.groups):
        health = context.book.health(key)
        if health.failing_since is not None:
            yield rule, health


def _problems(context: Context) -> Iterator[str]:
    if context.prometheus_error:
        yield f"Prometheus does not answer: {context.prometheus_error}"
    if context.scrape_problem:
        yield context.scrape_problem
    if context.forward_error:
        yield f"An Alertmanager cannot be told: {context.forward_error}"
    if context.write_error:
        yield f"Recorded series cannot be written: {context.write_error}"
    for stuck in context.stuck:
        yield f"Messages to {stuck.receiver} do not get through since {stuck.since}: {stuck.error}"
    for given_up in context.given_up:
        yield f"{given_up.count} messages to {given_up.receiver} were given up: {given_up.error}"
    if watchdog_silent_s(context) is not None:
        yield "The alert that Prometheus always fires does not arrive"


def _word(state: str) -> str:
    return {"due": "waiting", "dead": "given up"}.get(state, state)
