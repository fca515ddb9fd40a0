"""The away switch: read from the state, and the sign of life while it is on."""

from __future__ import annotations

import logging

from watchman.context import Context
from watchman.errors import QueryError
from watchman.jobs.dispatching import active_alerts
from watchman.jobs.query import ask
from watchman.localtime import day_of, local_day
from watchman.notify.away import HomeLook, due_moment, sign_of_life
from watchman.notify.severity import rank, severity_of
from watchman.store import outbox
from watchman.store.away import get_away

log = logging.getLogger(__name__)

KIND = "report"
KEEP_S = 6 * 3600.0


def watch_away(context: Context) -> None:
    """See whether somebody turned the switch; send the sign of life when its time has come."""
    with context.store.read() as connection:
        switch = get_away(connection)
    is_away = context.wiring.config.site.away or switch.on
    if is_away != context.is_away:
        context.is_away = is_away
        log.info("nobody is at home" if is_away else "somebody is at home again")
        context.want_dispatch()
    if is_away:
        _send_sign(context, switch.since if switch.on else None)


def _send_sign(context: Context, since: float | None) -> None:
    config, now = context.wiring.config, context.clock.now()
    zone = config.site.timezone
    moment = due_moment(now, config.away.sign_of_life, zone, since)
    if moment is None or moment <= context.sign_of_life_at:
        return
    with context.store.read() as connection:
        firing = [alert for alert in active_alerts(context, connection) if alert.firing]
    firing.sort(key=lambda alert: (rank(severity_of(alert.labels)), alert.starts_at))
    message = sign_of_life(config.site.name, moment, zone, since, _look(context, now), firing)
    receivers = config.away.receivers or [context.wiring.routing.root.receiver]
    postings = [
        outbox.Posting(
            receiver=receiver,
            destination=destination,
            kind=KIND,
            dedup_key=f"sign of life|{moment:.0f}|{receiver}|{destination}",
            message=message,
            reason="sign of life",
            not_after=moment + KEEP_S,
        )
        for receiver in receivers
        for destination in context.wiring.destinations[receiver]
    ]
    with context.store.begin() as connection:
        added = outbox.add(connection, postings, now)
    context.sign_of_life_at = moment
    if added:
        log.info("sign of life: %s", message.title)
        context.want_delivery()


def _look(context: Context, now: float) -> HomeLook:
    roles = context.wiring.config.metrics.roles()
    today_s = now - local_day(day_of(now, context.wiring.config.site.timezone), context.wiring.config.site.timezone)[0]
    try:
        consumption = _total(context, roles.get("consumption"), now)
        charge = _mean(context, roles.get("state_of_charge"), now)
        production = roles.get("production")
        sun = None
        if production is not None and today_s >= 60:
            mean_w = _total(context, f"avg_over_time(({production})[{today_s:.0f}s:1m])", now)
            sun = None if mean_w is None else mean_w * today_s / 3600
    except QueryError as error:
        return HomeLook(problem=f"Prometheus does not answer: {error}")
    if consumption is None and charge is None and sun is None:
        return HomeLook(problem="Prometheus has no values of the house")
    return HomeLook(consumption, charge, sun)


def _total(context: Context, expr: str | None, now: float) -> float | None:
    samples = ask(context, expr, now).samples if expr else []
    return sum(sample.value for sample in samples) if samples else None


def _mean(context: Context, expr: str | None, now: float) -> float | None:
    samples = ask(context, expr, now).samples if expr else []
    return sum(sample.value for sample in samples) / len(samples) if samples else None
