"""What a person may do about alerts, from a link, a button, the command topic, the API or the page.

An order (`watchman.notify.orders`) is carried out once, in one transaction with the note that it was; a second time it
only tells what came of it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from watchman.context import Context
from watchman.notify.message import Choices
from watchman.notify.mute import Silence
from watchman.notify.orders import (
    ACKNOWLEDGE,
    GOOD_FOR_S,
    LABELS,
    MENU,
    SILENCES,
    Case,
    CaseAlert,
    Order,
    OrderError,
    make_case,
    make_choices,
    sign,
    silence_matchers,
    verify,
)
from watchman.notify.plan import Notification
from watchman.notify.silences import SilenceError
from watchman.notify.until import parse_until
from watchman.notify.words import local_time
from watchman.store import cases, silences
from watchman.store.acks import add_ack

log = logging.getLogger(__name__)

KEEP_CASES_S = GOOD_FOR_S + 86400.0


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link offers. `options` are orders with what each does, one for a plain link; `done` tells what came of it
    if it was used before. `alerts` are summaries with their local times."""

    title: str
    alerts: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str], ...]
    done: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an order. `again`: it was carried out before, nothing happened now."""

    text: str
    again: bool = False


def acknowledge(connection: Connection, alerts: Iterable[CaseAlert], by: str, now: float) -> int:
    """Stop repeats of these incidents; returns how many nobody had acknowledged before. Run a dispatch afterwards."""
    return sum(add_ack(connection, alert.fingerprint, alert.starts_at, by, now) for alert in alerts)


def silence_for(
    connection: Connection, alerts: Iterable[CaseAlert], ends_at: float, by: str, now: float
) -> list[Silence]:
    """Silence alerts like these until a moment; returns the silences. Run a dispatch afterwards."""
    wanted = (Silence("", matchers, now, ends_at, "from a message", by) for matchers in silence_matchers(alerts))
    return [silences.save(connection, one, now) for one in wanted if one.matchers]


def choices_for(context: Context, notification: Notification) -> tuple[Case, Choices] | None:
    """What can be done from a message, and the case its orders are about, which must be kept with the message."""
    config = context.wiring.config
    case = make_case(notification.receiver, notification.firing)
    choices = make_choices(
        context.order_key,
        case.id,
        notification.at,
        address=config.web.external_url or "",
        topic=context.wiring.command_topic,
        wanted=config.commands.actions(),
    )
    return (case, choices) if choices is not None and case.alerts else None


def offer(context: Context, token: str) -> Offer:
    """What the page of a link asks; changes nothing. Raises OrderError for a link that is not good."""
    now, zone = context.clock.now(), context.wiring.config.site.timezone
    order = verify(context.order_key, token, now)
    with context.store.read() as connection:
        case = _case(connection, order)
        before = cases.find_order(connection, token)
    actions = tuple(LABELS) if order.action == MENU else (order.action,)
    options = tuple((_option(context, order, action), _effect(context, action, now)) for action in actions)
    alerts = tuple((alert.summary, f"since {local_time(alert.starts_at, now, zone)}") for alert in case.alerts)
    title = "What shall be done?" if order.action == MENU else f"{LABELS[order.action]}?"
    return Offer(title, alerts, options, _said_before(context, before))


def perform(context: Context, token: str, way: str) -> Done:
    """Carry an order out, once; `way` (link, topic) is for log and metric. Raises OrderError."""
    now = context.clock.now()
    try:
        order = verify(context.order_key, token, now)
        if order.action == MENU:
            raise OrderError("choose one of the actions")
        with context.store.begin() as connection:
            case, before = _case(connection, order), cases.find_order(connection, token)
            text = "" if before is not None else _carry_out(context, connection, order, case, now)
    except OrderError:
        context.metrics.orders.labels(way, "refused").inc()
        raise
    context.metrics.orders.labels(way, "again" if before is not None else "done").inc()
    if before is not None:
        return Done(_said_before(context, before), again=True)
    log.info("by %s from a message to %s: %s", way, case.receiver, text)
    context.want_dispatch()
    return Done(text)


def _carry_out(context: Context, connection: Connection, order: Order, case: Case, now: float) -> str:
    zone = context.wiring.config.site.timezone
    if order.action == ACKNOWLEDGE:
        acknowledge(connection, case.alerts, case.receiver, now)
        text = "Acknowledged: it is not repeated until it is over."
    else:
        ends_at = parse_until(SILENCES[order.action], now, zone)
        try:
            made = silence_for(connection, case.alerts, ends_at, case.receiver, now)
        except SilenceError as error:
            raise OrderError(str(error)) from error
        if not made:
            raise OrderError("these alerts have no label that a silence could name")
        text = f"Silenced until {local_time(ends_at, now, zone)}."
    cases.note_order(connection, order.token, text, now)
    return text


def _case(connection: Connection, order: Order) -> Case:
    case = cases.find_case(connection, order.case)
    if case is None:
        raise OrderError("watchman has forgotten what this message was about; use a newer message", expired=True)
    return case


def _option(context: Context, order: Order, action: str) -> str:
    return sign(context.order_key, action, order.case, order.expires_at)


def _effect(context: Context, action: str, now: float) -> str:
    if action == ACKNOWLEDGE:
        return f"{LABELS[action]}: no repeats until it is over"
    zone = context.wiring.config.site.timezone
    return f"{LABELS[action]}: nothing before {local_time(parse_until(SILENCES[action], now, zone), now, zone)}"


def _said_before(context: Context, before: tuple[float, str] | None) -> str:
    if before is None:
        return ""
    at = local_time(before[0], context.clock.now(), context.wiring.config.site.timezone)
    return f"This was done already, at {at}. {before[1]}"
