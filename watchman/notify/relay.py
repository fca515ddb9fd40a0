"""Passing on what an Alertmanager tells: pure. It groups and repeats; here is found what a reader does not know.

An Alertmanager lists the whole group every time: to say something new, to repeat itself, because our answer got lost,
because a second member does not know that the first one told, or because it was killed and has forgotten. So what
changed is worked out for each alert, and a list without a change is a repeat only a good while after the last message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from watchman.notify.dedup import Reason, wants_over
from watchman.notify.message import ActiveAlert
from watchman.notify.plan import Notification
from watchman.notify.severity import rank, severity_of

REPLAY_S = 900.0
"""An unchanged list within so long of the last message is a replay. Alertmanager writes down what it told every
15 minutes, so one that is killed forgets no more."""


@dataclass(frozen=True, slots=True)
class GroupKey:
    """Names a group: the route and labels in Alertmanager's words, its receiver there, and the receiver here."""

    group: str
    theirs: str
    receiver: str


@dataclass(frozen=True, slots=True)
class GroupMemory:
    """What is remembered of a group. `told`: alerts the receiver knows of; one with an end waits for its "over".

    `waiting`: alerts that fire and are held back (a silence, an inhibition). `sent_at` in unix seconds, of the last
    message; `repeats` since the last new alert.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    told: tuple[ActiveAlert, ...] = ()
    waiting: tuple[ActiveAlert, ...] = ()
    sent_at: float = 0.0
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Post:
    """What was heard now: alerts that fire, and alerts with an end."""

    firing: tuple[ActiveAlert, ...] = ()
    over: tuple[ActiveAlert, ...] = ()


@dataclass(frozen=True, slots=True)
class Doors:
    """What keeps a message back: `untold` and `told` say whether the first and every further word on an alert wait.

    An acknowledged alert is not repeated.
    """

    untold: Callable[[ActiveAlert], bool]
    told: Callable[[ActiveAlert], bool]
    acknowledged: Callable[[ActiveAlert], bool] = lambda _alert: False
    send_resolved: bool = True


def relay(
    now: float, key: GroupKey, memory: GroupMemory, post: Post | None, doors: Doors
) -> tuple[GroupMemory, Notification | None]:
    """What to tell at `now` and what to remember then. `post` None: nobody spoke, a hold may have ended."""
    told, waiting = _heard(memory, post or Post())
    new = {name: alert for name, alert in waiting.items() if not doors.untold(alert)}
    ended = {name: alert for name, alert in told.items() if alert.ends_at is not None}
    unwanted = [name for name, alert in ended.items() if not wants_over(alert, doors.send_resolved)]
    over = {name: alert for name, alert in ended.items() if name not in unwanted and not doors.told(alert)}
    going_on = {name: alert for name, alert in told.items() if name not in ended and not doors.told(alert)}
    reason = Reason.NOTHING
    if new:
        reason = Reason.NEW_ALERTS if memory.told else Reason.FIRST
    elif over:
        reason = Reason.SOME_RESOLVED if len(told) > len(ended) else Reason.ALL_RESOLVED
    elif post is not None and _is_repeat(now, memory) and not all(map(doors.acknowledged, going_on.values())):
        reason = Reason.REPEAT
    kept = {name: alert for name, alert in told.items() if name not in over and name not in unwanted}
    left = tuple(alert for name, alert in waiting.items() if name not in new)
    if reason is Reason.NOTHING:
        return replace(memory, told=tuple(kept.values()), waiting=left), None
    repeats = {Reason.REPEAT: memory.repeats + 1, Reason.SOME_RESOLVED: memory.repeats}.get(reason, 0)
    after = GroupMemory(memory.labels, (*kept.values(), *new.values()), left, now, repeats)
    notification = Notification(
        receiver=key.receiver,
        group_key=f"{key.theirs}|{key.group}",
        group_labels=memory.labels,
        reason=reason,
        firing=_worst_first((*going_on.values(), *new.values())),
        resolved=tuple(over.values()),
        new=frozenset(new),
        at=now,
        repeats=repeats,
    )
    return after, notification


def _heard(memory: GroupMemory, post: Post) -> tuple[dict[str, ActiveAlert], dict[str, ActiveAlert]]:
    """The told and the waiting alerts, by fingerprint, with what was heard now. An end is that of a told alert."""
    told = {alert.fingerprint: alert for alert in memory.told}
    waiting = {alert.fingerprint: alert for alert in memory.waiting}
    for alert in post.firing:
        if alert.fingerprint in told:
            # Fired again before its end was told: to its reader the same story.
            known = told[alert.fingerprint]
            told[alert.fingerprint] = replace(alert, starts_at=known.starts_at, since=known.since, ends_at=None)
        else:
            waiting[alert.fingerprint] = alert
    for alert in post.over:
        waiting.pop(alert.fingerprint, None)
        before = told.get(alert.fingerprint)
        # An end from before its start is that of an earlier story.
        if before is not None and (alert.ends_at or 0.0) >= before.starts_at:
            told[alert.fingerprint] = replace(alert, starts_at=before.starts_at, since=before.since)
    return told, waiting


def _is_repeat(now: float, memory: GroupMemory) -> bool:
    """True if what is told again is meant to be. A message from the future was sent before the clock was set back."""
    return not 0 <= now - memory.sent_at < REPLAY_S


def _worst_first(alerts: Iterable[ActiveAlert]) -> tuple[ActiveAlert, ...]:
    return tuple(sorted(alerts, key=lambda alert: (rank(severity_of(alert.labels)), alert.starts_at)))
