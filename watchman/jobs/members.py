"""A look at the Alertmanagers: do they answer, what do they hold back, what do they not tell."""

from __future__ import annotations

import logging

from watchman.alertmanager.cluster import look
from watchman.book import as_active
from watchman.context import Context
from watchman.jobs.closing import close_what_is_gone
from watchman.jobs.identity import listed_there
from watchman.jobs.relaying import relay_again
from watchman.jobs.tellers import is_for_alertmanager
from watchman.modes import Mode
from watchman.notify.message import ActiveAlert, Source
from watchman.notify.takeover import Watched, takeover_reason
from watchman.series import label_key
from watchman.store import notices, relayed

log = logging.getLogger(__name__)


def look_at_members(context: Context) -> None:
    """Ask the members what they hold; take over what they do not tell, close what they never close."""
    context.cluster = look(context.wiring.members, context.cluster, context.clock.now())
    if context.wiring.mode is Mode.BEFORE:
        _take_over(context)
    else:
        context.taken_over, context.silent_reason = frozenset(), ""
    close_what_is_gone(context)
    relay_again(context)


def _take_over(context: Context) -> None:
    """Which alerts of own rules are told from here: once taken over an alert stays so until it ends."""
    now, settings = context.clock.now(), context.wiring.config.alertmanager
    assert settings is not None, "mode before has a section"
    found = (as_active(alert, Source.RULES) for alert in context.book.every_alert())
    firing = {one.fingerprint: one for one in found if one is not None and one.firing and is_for_alertmanager(one)}
    with context.store.read() as connection:
        by_dispatch = notices.told(connection)
        by_webhook = relayed.known(connection)
    # Told from here by the process before: whether a webhook has come meanwhile is not known.
    context.brought |= (by_dispatch & firing.keys()) - context.taken_over
    reasons = {
        name: takeover_reason(_watched(context, alert), context.cluster.down_since, now, settings.webhook_within)
        for name, alert in firing.items()
        if name not in by_webhook
    }
    taken = {name for name, why in reasons.items() if why or name in by_dispatch or name in context.taken_over}
    new = taken - context.taken_over
    context.taken_over, context.brought = frozenset(taken), context.brought & firing.keys()
    context.silent_reason = next((why for why in reasons.values() if why), "")
    if new:
        names = ", ".join(sorted({firing[name].name for name in new}))
        log.warning("told from here and not by Alertmanager: %s (%s)", names, context.silent_reason or "told before")
        context.want_dispatch()


def _watched(context: Context, alert: ActiveAlert) -> Watched:
    heard = (context.told or {}).get(label_key(alert.labels))
    listed, posting = listed_there(context, alert), context.cluster.webhook_receivers
    return Watched(
        fires_since=alert.starts_at,
        accepted=heard is not None and heard.resolved_at is None,
        refused=alert.fingerprint in context.refused,
        held=listed is not None and listed.held,
        elsewhere=bool(listed and posting and posting.isdisjoint(listed.receivers)),
        brought=alert.fingerprint in context.brought,
    )
