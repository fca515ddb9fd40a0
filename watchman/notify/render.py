"""From a decision to a message: title, at most three lines for one alert, local time, plain text, and HTML for mail.

Templates are Jinja2 (`templates/*.j2`, or a receiver's own). They see `alerts` (firing first, worst first), `firing`
and `resolved`, each element with the fields of `AlertView`; `reason`, `repeated`, `first`, `receiver`, `group_labels`,
`severity`, `site`, `chart` (the picture's Content-ID, or empty) and `choices`. A template of the receiver's that fails
is replaced by the shipped one: a message always goes out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from jinja2 import Template

from watchman.notify.ack import Ack, ack_of
from watchman.notify.dedup import Reason
from watchman.notify.message import ActiveAlert, ChartWish, Choices, Message
from watchman.notify.plan import Notification
from watchman.notify.severity import CRITICAL, severity_of
from watchman.notify.wording import Templates, Wording, explain, own, say, shipped
from watchman.notify.words import clean, cut, duration, first_lines, local_time, one_line, quantity

TITLE_LIMIT = 45
TEXT_LIMIT = 1000
HTML_LIMIT = 200_000
CHART_NAME = "chart.png"
_ALERT_LINES = 3
_LIST_LINES = 12
# A chart shows some hours before the alert began, and never more than a week.
_CHART_BEFORE_S, _CHART_AT_LEAST_S, _CHART_AT_MOST_S = 2 * 3600.0, 6 * 3600.0, 7 * 86400.0


class Renderer(Protocol):
    """`render(notification, choices, acks)`: the message, with what can be done from it and who has seen what."""

    def __call__(
        self, notification: Notification, choices: Choices | None = None, acks: Iterable[Ack] = ()
    ) -> Message: ...


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert in words. `since` and `end` are local times, `end` is empty while it fires; `acknowledged` is who has
    seen it and when, or empty."""

    summary: str
    description: str
    since: str
    end: str
    duration: str
    value: str
    severity: str
    over: bool
    new: bool
    acknowledged: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def make_renderer(
    zone: ZoneInfo,
    templates: Mapping[str, Templates] | None = None,
    *,
    site: str = "",
) -> Renderer:
    """A renderer with the shipped templates, or by receiver's name with its own.

    Raises ValueError for one that does not parse.
    """
    default = shipped()
    wordings = {
        receiver: {part: own(part, source) for part, source in ones.given()}
        for receiver, ones in (templates or {}).items()
    }

    def render(notification: Notification, choices: Choices | None = None, acks: Iterable[Ack] = ()) -> Message:
        page = _Page(
            _context(notification, zone, site, choices, tuple(acks)), default, wordings.get(notification.receiver, {})
        )
        return _message(notification, page, choices)

    return render


def template_faults(templates: Templates, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """What is wrong with a receiver's templates, by part: each is tried on one alert, several, a repeat and an end."""
    for part, source in templates.given():
        try:
            own(part, source)
        except ValueError as error:
            yield part, str(error)
            continue
        render = make_renderer(zone, {"": Templates(**{part: source})})
        fault = next((fault for note in _tries() for fault in render(note).template_faults), None)
        if fault:
            yield part, fault.partition(": ")[2]


class _Page:
    """The parts of one message, each from the receiver's template, or from the shipped one where that fails."""

    def __init__(self, context: Mapping[str, Any], default: Wording, special: Mapping[str, Template]) -> None:
        self.context, self.faults = context, list[str]()
        self._default, self._special = default, special

    def part(self, name: str) -> str:
        """The text of title, text or html."""
        template = self._special.get(name)
        if template is not None:
            try:
                return say(template, self.context) or getattr(self._default, name).render(self.context)
            except Exception as error:
                # A template may raise anything; the message must go out all the same.
                self.faults.append(f"{name}: {explain(error)}")
        return str(getattr(self._default, name).render(self.context))


def _message(notification: Notification, page: _Page, choices: Choices | None) -> Message:
    single = len(notification.firing) + len(notification.resolved) == 1
    title, text, html = page.part("title"), page.part("text"), clean(page.part("html"))
    sequence, replaces = _names(notification)
    return Message(
        title=cut(one_line(title), TITLE_LIMIT) or "alert",
        text=first_lines(text, _ALERT_LINES if single else _LIST_LINES, TEXT_LIMIT),
        html=html if len(html) <= HTML_LIMIT else None,
        severity=notification.severity,
        chart=_chart(notification),
        choices=choices,
        sequence=sequence,
        replaces=replaces,
        template_faults=tuple(page.faults),
    )


def _context(
    notification: Notification, zone: ZoneInfo, site: str, choices: Choices | None, acks: tuple[Ack, ...]
) -> dict[str, Any]:
    firing = [_view(alert, notification, zone, ack_of(acks, alert)) for alert in notification.firing]
    resolved = [_view(alert, notification, zone, None) for alert in notification.resolved]
    return {
        "alerts": firing + resolved,
        "firing": firing,
        "resolved": resolved,
        "reason": notification.reason.value,
        "repeated": notification.reason is Reason.REPEAT,
        "first": notification.reason is Reason.FIRST,
        "receiver": notification.receiver,
        "group_labels": notification.group_labels,
        "severity": notification.severity,
        "site": site,
        "chart": CHART_NAME if _chart(notification) else "",
        "choices": choices,
    }


def _view(alert: ActiveAlert, notification: Notification, zone: ZoneInfo, ack: Ack | None) -> AlertView:
    began = _began(alert)
    over = alert.ends_at is not None and alert.ends_at <= notification.at
    ended = alert.ends_at if over and alert.ends_at is not None else notification.at
    return AlertView(
        summary=one_line(alert.annotations.get("summary", "")) or one_line(alert.name) or "alert",
        description=first_lines(alert.annotations.get("description", ""), _ALERT_LINES, TEXT_LIMIT),
        since=local_time(began, notification.at, zone),
        end=local_time(ended, notification.at, zone) if over else "",
        duration=duration(ended - began),
        value=quantity(alert.value, one_line(alert.annotations.get("unit", ""))),
        severity=severity_of(alert.labels),
        over=over,
        new=alert.fingerprint in notification.new,
        acknowledged=f"acknowledged by {one_line(ack.by)} at {local_time(ack.at, notification.at, zone)}"
        if ack
        else "",
        labels=alert.labels,
        annotations=alert.annotations,
    )


def _began(alert: ActiveAlert) -> float:
    return alert.starts_at if alert.since is None else min(alert.since, alert.starts_at)


def _chart(notification: Notification) -> ChartWish | None:
    """The picture of the worst alert that wants one. What is critical must not wait for a picture and gets none."""
    if notification.severity == CRITICAL:
        return None
    for alert in notification.firing:
        expr = alert.annotations.get("chart", "").strip()
        if expr:
            end, began = notification.at, _began(alert)
            length_s = min(max(end - began + _CHART_BEFORE_S, _CHART_AT_LEAST_S), _CHART_AT_MOST_S)
            return ChartWish(expr, end - length_s, end, began, one_line(alert.annotations.get("unit", "")))
    return None


def _names(notification: Notification) -> tuple[str, str]:
    """The message's own name and that of the one it follows. The end takes the place of what it ends, silently; a
    message that should ring is a new one."""
    previous_at = notification.previous_at
    before = "" if previous_at is None else _sequence(notification, previous_at)
    over = before and not notification.firing
    return before if over else _sequence(notification, notification.at), before


def _sequence(notification: Notification, at: float) -> str:
    """The name of the message a group sent a receiver at an instant."""
    identity = f"{notification.group_key}|{notification.receiver}|{at!r}"
    return f"watchman-{hashlib.sha256(identity.encode('utf-8', 'replace')).hexdigest()[:24]}"


class _AnyText(dict[str, str]):
    """Labels of an alert for trying a template: whatever it asks for is there."""

    def __missing__(self, key: str) -> str:
        return f"some {key}"


def _tries() -> Iterator[Notification]:
    """Messages as they come in a life of an alert, for trying templates."""
    words = _AnyText(alertname="Example", summary="Power cut", description="House on battery.\nBig loads off.")
    one = ActiveAlert("1", words, words, 0.0, value=1.0)
    over = ActiveAlert("2", words, words, 0.0, ends_at=60.0, value=None)
    for reason, firing, resolved in (
        (Reason.FIRST, (one,), ()),
        (Reason.REPEAT, (one,), ()),
        (Reason.SOME_RESOLVED, (one, one), (over,)),
        (Reason.ALL_RESOLVED, (), (over,)),
    ):
        yield Notification("", "{}:{}", words, reason, firing, resolved, frozenset("1"), 120.0)
