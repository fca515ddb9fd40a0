"""What the daemon answers as an Alertmanager: alerts of every source, groups, silences, its routing."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import yaml

from watchman.alertmanager.silencing import expire_silence
from watchman.book import rules_with_keys
from watchman.context import Context
from watchman.jobs.dispatching import memory, merged_alerts
from watchman.jobs.forwarding import generator_url
from watchman.jobs.identity import listed_there, own_labels
from watchman.jobs.silences import read_silences
from watchman.notify.as_alertmanager import alertmanager_config
from watchman.notify.dispatch import dispatch as decide
from watchman.notify.message import ActiveAlert
from watchman.notify.mute import Silence
from watchman.notify.plan import Plan
from watchman.notify.posted import PostedAlert
from watchman.notify.silences import SilenceError, check
from watchman.rules.builtin import BUILT_IN_GROUP
from watchman.rules.sending import ends_at
from watchman.series import fingerprint
from watchman.store import posted, silences
from watchman.store.silences import NoSuchSilenceError
from watchman.web.api_v2 import Companion, RefusedSilenceError, UnknownSilenceError
from watchman.web.shapes_v2 import ListedAlert, ListedGroup, Listing

log = logging.getLogger(__name__)

_Origin = tuple[float, float, str]
"""When an alert would end by itself, when it was told last, and where it comes from."""


def make_companion(context: Context) -> Companion:
    """The API's ports on a running daemon."""
    return Companion(
        now=context.clock.now,
        resolve_timeout_s=lambda: context.wiring.config.resolve_timeout,
        listing=partial(listing, context),
        post=partial(take_alerts, context),
        silences=partial(every_silence, context),
        save=partial(save_silence, context),
        expire=partial(end_silence, context),
        receivers=lambda: list(context.wiring.routing.receivers),
        config_text=partial(config_text, context),
        started_at=context.started_at,
    )


def listing(context: Context) -> Listing:
    """What fires now, what keeps it back, who hears of it and in which groups. Decides as dispatch does, and sends
    nothing."""
    now = context.clock.now()
    with context.store.read() as connection:
        theirs = posted.load(connection)
        known = memory(context, connection, now)
        plan = decide(now, merged_alerts(context, theirs, now), context.wiring.routing, known)
    origins = {**_posted_origins(context, theirs, now), **dict(_own_origins(context, now))}
    alerts = {alert.fingerprint: alert for group in plan.groups for alert in group.alerts}
    return Listing(
        # An own rule may have thrown an alert away since it was read.
        alerts={
            name: _listed(context, alert, origins.get(name, (now, now, "")), plan) for name, alert in alerts.items()
        },
        groups=tuple(
            ListedGroup(group.labels, group.receiver, tuple(alert.fingerprint for alert in group.alerts))
            for group in plan.groups
        ),
    )


def take_alerts(context: Context, alerts: Sequence[PostedAlert], refused: int = 0) -> None:
    """Commit what a source told; dispatch looks if it decides anything. Raises StoreError."""
    now = context.clock.now()
    if alerts:
        with context.store.begin() as connection:
            outcome = posted.put(connection, _under_own_names(context, alerts), now)
        tell(outcome)
        context.metrics.received.labels(alerts[0].source.value, "taken").inc(len(alerts))
        if outcome.news:
            context.want_dispatch()
    if refused:
        context.metrics.received.labels("prometheus", "refused").inc(refused)


def _under_own_names(context: Context, alerts: Sequence[PostedAlert]) -> list[PostedAlert]:
    """An alert of a rule that watchman evaluates too is one with watchman's: without the external labels."""
    here = own_labels(context)
    named = ((alert, here(alert.labels)) for alert in alerts)
    return [
        alert if labels == alert.labels else replace(alert, labels=labels, fingerprint=fingerprint(labels))
        for alert, labels in named
    ]


def tell(outcome: posted.Outcome) -> None:
    """One log line for each posted alert that began or ended, or their number where there are many."""
    for what, alerts in (("fires", outcome.opened), ("is over", outcome.closed)):
        for alert in alerts[:20]:
            labels = ", ".join(f"{name}={value}" for name, value in alert.labels.items() if name != "alertname")
            name = alert.labels.get("alertname", "without a name")
            text = f"{name} {what}" + (f" ({labels})" if labels else "")
            # What a stranger posts must not look like lines of this log.
            log.info("%s says: alert %s", alert.source, " ".join(text.split())[:500])
        if len(alerts) > 20:
            log.info("and %d more of which it %s", len(alerts) - 20, what)


def every_silence(context: Context) -> list[Silence]:
    """Own silences, expired ones too, and those of the Alertmanager that are not over."""
    with context.store.read() as connection:
        return [*silences.load(connection), *context.silences]


def save_silence(context: Context, wanted: Silence) -> str:
    """Make or edit an own silence; returns its id. Raises RefusedSilenceError, UnknownSilenceError."""
    now = context.clock.now()
    if _is_theirs(context, wanted.id):
        # It is known here without the matchers on external labels: sent back, it would silence more than before.
        raise RefusedSilenceError(
            "this silence is the Alertmanager's: change it there, or end it here and make another"
        )
    try:
        check(wanted, now)
        with context.store.begin() as connection:
            made = silences.save(connection, wanted, now).id
    except NoSuchSilenceError as error:
        raise UnknownSilenceError(str(error)) from error
    except SilenceError as error:
        raise RefusedSilenceError(str(error)) from error
    context.want_dispatch()
    return made


def end_silence(context: Context, silence_id: str) -> None:
    """Expire a silence where it lives."""
    if _is_theirs(context, silence_id):
        expire_silence(context.wiring.members, silence_id)
        read_silences(context)
        return
    try:
        with context.store.begin() as connection:
            silences.expire(connection, silence_id, context.clock.now())
    except NoSuchSilenceError as error:
        raise UnknownSilenceError(str(error)) from error
    context.want_dispatch()


def config_text(context: Context) -> str:
    """The routing as an alertmanager.yml."""
    wiring = context.wiring
    intervals = {one.name: one.time_intervals for one in wiring.config.time_intervals}
    config = alertmanager_config(wiring.routing, intervals, wiring.config.resolve_timeout)
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=200)


def _listed(context: Context, alert: ActiveAlert, origin: _Origin, plan: Plan) -> ListedAlert:
    end, updated_at, url = origin
    status, there = plan.statuses[alert.fingerprint], listed_there(context, alert)
    if there is not None:
        # Their silences are known here already; their inhibit rules and mute times only hold back there.
        status = replace(
            status,
            inhibited_by=tuple(dict.fromkeys((*status.inhibited_by, *there.inhibited_by))),
            muted_by=tuple(dict.fromkeys((*status.muted_by, *there.muted_by))),
        )
    return ListedAlert(alert, end, updated_at, status, url)


def _posted_origins(context: Context, theirs: Sequence[PostedAlert], now: float) -> dict[str, _Origin]:
    """Of two sources the one that is told last counts."""
    open_end = now + context.wiring.config.resolve_timeout
    ordered = sorted((alert for alert in theirs if alert.fires(now)), key=lambda alert: alert.updated_at)
    return {
        alert.fingerprint: (
            open_end if alert.ends_at is None else alert.ends_at,
            alert.updated_at,
            alert.generator_url,
        )
        for alert in ordered
    }


def _own_origins(context: Context, now: float) -> Iterator[tuple[str, _Origin]]:
    config = context.wiring.config
    for key, group, rule in rules_with_keys((*context.wiring.groups, BUILT_IN_GROUP)):
        for alert in context.book.alerts(key).values():
            updated_at = context.book.health(key).evaluated_at or alert.active_at
            url = generator_url(config.prometheus.url, rule.expr)
            yield fingerprint(alert.labels), (ends_at(now, group.interval_s, config.resend_delay), updated_at, url)


def _is_theirs(context: Context, silence_id: str) -> bool:
    return bool(silence_id) and any(silence.id == silence_id for silence in context.silences)
