"""From a decision to a message: title, at most three lines for one alert, local time, plain text.

Templates are Jinja2 (`templates/title.j2`, `templates/text.j2`). They see `alerts` (firing first, worst first),
`firing` and `resolved`, each element with the fields of `AlertView`; `reason`, `repeated`, `first`, `receiver` and
`group_labels`. A template that fails is replaced by plain text: a message always goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import PackageLoader, StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment

from watchman.notify.dedup import Reason
from watchman.notify.message import ActiveAlert, Message
from watchman.notify.plan import Notification
from watchman.notify.severity import severity_of
from watchman.notify.words import cut, duration, first_lines, local_time, number, one_line

TITLE_LIMIT = 45
TEXT_LIMIT = 1000
_ALERT_LINES = 3
_LIST_LINES = 12

Renderer = Callable[[Notification], Message]


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert in words. `since` and `end` are local times, `end` is empty while it fires."""

    summary: str
    description: str
    since: str
    end: str
    duration: str
    value: str
    severity: str
    over: bool
    new: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def make_renderer(zone: ZoneInfo, title: str | None = None, text: str | None = None) -> Renderer:
    """A renderer with the default templates or with the given sources.

    Raises jinja2.TemplateSyntaxError for a source that does not parse.
    """
    # Plain text goes to the phone: nothing is escaped for HTML.
    environment = ImmutableSandboxedEnvironment(
        loader=PackageLoader("watchman.notify"), autoescape=False, undefined=StrictUndefined
    )
    title_template = environment.from_string(title) if title is not None else environment.get_template("title.j2")
    text_template = environment.from_string(text) if text is not None else environment.get_template("text.j2")
    return lambda notification: _render(notification, zone, title_template, text_template)


def _render(notification: Notification, zone: ZoneInfo, title: Template, text: Template) -> Message:
    context = _context(notification, zone)
    single = len(notification.firing) + len(notification.resolved) == 1
    plain_title = "; ".join(view.summary for view in context["alerts"]) or "alert"
    plain_text = "\n".join(f"{view.summary}: {view.end or view.since}" for view in context["alerts"])
    return Message(
        title=cut(one_line(_expand(title, context, plain_title)), TITLE_LIMIT),
        text=first_lines(_expand(text, context, plain_text), _ALERT_LINES if single else _LIST_LINES, TEXT_LIMIT),
        severity=notification.severity,
    )


def _expand(template: Template, context: Mapping[str, object], plain: str) -> str:
    try:
        return template.render(context) or plain
    except Exception:
        # A template may raise anything; the message must go out all the same.
        return plain


def _context(notification: Notification, zone: ZoneInfo) -> dict[str, Any]:
    firing = [_view(alert, notification, zone) for alert in notification.firing]
    resolved = [_view(alert, notification, zone) for alert in notification.resolved]
    return {
        "alerts": firing + resolved,
        "firing": firing,
        "resolved": resolved,
        "reason": notification.reason.value,
        "repeated": notification.reason is Reason.REPEAT,
        "first": notification.reason is Reason.FIRST,
        "receiver": notification.receiver,
        "group_labels": notification.group_labels,
    }


def _view(alert: ActiveAlert, notification: Notification, zone: ZoneInfo) -> AlertView:
    began = alert.starts_at if alert.since is None else min(alert.since, alert.starts_at)
    over = alert.ends_at is not None and alert.ends_at <= notification.at
    ended = alert.ends_at if over and alert.ends_at is not None else notification.at
    return AlertView(
        summary=one_line(alert.annotations.get("summary", "")) or one_line(alert.name) or "alert",
        description=first_lines(alert.annotations.get("description", ""), _ALERT_LINES, TEXT_LIMIT),
        since=local_time(began, notification.at, zone),
        end=local_time(ended, notification.at, zone) if over else "",
        duration=duration(ended - began),
        value=number(alert.value),
        severity=severity_of(alert.labels),
        over=over,
        new=alert.fingerprint in notification.new,
        labels=alert.labels,
        annotations=alert.annotations,
    )
