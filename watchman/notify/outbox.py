"""Rows of the outbox, what becomes of them, and messages and log entries as JSON text for the store."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from watchman.notify.dedup import LogEntry
from watchman.notify.message import Action, ActiveAlert, Attachment, ChartWish, Choices, Message, Source
from watchman.notify.severity import severity_of
from watchman.notify.words import one_line


@dataclass(frozen=True, slots=True)
class Subject:
    """An alert that a message tells of, in words. `since` began its condition; `ended` is None while it fires."""

    fingerprint: str
    summary: str
    severity: str
    since: float
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message for one destination (`url_key` of its URL), as the store hands it out. Times in unix seconds.

    `kind` is alert, report or test; `attempts` counts those that failed. After `not_after` the message is worth
    nothing any more and is dropped unsent. Rows of one `thread` tell of one alert group.
    """

    id: int
    receiver: str
    destination: str
    kind: str
    message: bytes
    reason: str
    created_at: float
    attempts: int = 0
    not_after: float | None = None
    thread: str = ""
    subjects: tuple[Subject, ...] = ()
    retried_at: float | None = None

    @property
    def first_at(self) -> float:
        """When its retry schedule began."""
        return self.created_at if self.retried_at is None else self.retried_at


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row. `due_at` None with an error: a dead letter, or dropped as too late.

    `tried` is False where no attempt was made for it.
    """

    row: OutboxRow
    at: float
    answer: str
    error: str | None = None
    due_at: float | None = None
    dropped: bool = False
    tried: bool = True


def subjects_of(alerts: Iterable[ActiveAlert], at: float) -> tuple[Subject, ...]:
    """What a message of `at` about alerts is about."""
    return tuple(
        Subject(
            fingerprint=alert.fingerprint,
            summary=one_line(alert.annotations.get("summary", "")) or one_line(alert.name) or "alert",
            severity=severity_of(alert.labels),
            since=alert.starts_at if alert.since is None else min(alert.since, alert.starts_at),
            ended=alert.ends_at if alert.ends_at is not None and alert.ends_at <= at else None,
        )
        for alert in alerts
    )


def subjects_to_json(subjects: Iterable[Subject]) -> str:
    """Subjects as JSON; empty if there are none."""
    fields = [[one.fingerprint, one.summary, one.severity, one.since, one.ended] for one in subjects]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")) if fields else ""


def subjects_from_json(text: str) -> tuple[Subject, ...]:
    """The subjects again; a text that holds none gives none, for the message itself still tells."""
    try:
        return tuple(Subject(*fields) for fields in json.loads(text or "[]"))
    except (TypeError, ValueError):
        return ()


def message_to_json(message: Message) -> bytes:
    """The message as UTF-8 JSON, attachments in base64."""
    fields: dict[str, Any] = {"title": message.title, "text": message.text, "severity": message.severity}
    if message.html is not None:
        fields["html"] = message.html
    if message.attachments:
        fields["attachments"] = [
            {"name": one.name, "mimetype": one.mimetype, "content": base64.b64encode(one.content).decode()}
            for one in message.attachments
        ]
    fields |= {name: asdict(part) for name in ("chart", "choices") if (part := getattr(message, name)) is not None}
    fields |= {name: text for name in ("sequence", "replaces") if (text := getattr(message, name))}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def message_from_json(data: bytes) -> Message:
    """The message again; raises ValueError if the bytes are not one."""
    try:
        fields = json.loads(data)
        attachments = tuple(
            Attachment(one["name"], one["mimetype"], base64.b64decode(one["content"]))
            for one in fields.get("attachments", ())
        )
        return Message(
            title=fields["title"],
            text=fields["text"],
            html=fields.get("html"),
            severity=fields["severity"],
            attachments=attachments,
            chart=ChartWish(**fields["chart"]) if "chart" in fields else None,
            choices=_choices(fields["choices"]) if "choices" in fields else None,
            sequence=fields.get("sequence", ""),
            replaces=fields.get("replaces", ""),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a stored message: {error!r}") from error


def _choices(fields: Mapping[str, Any]) -> Choices:
    return Choices(tuple(Action(**one) for one in fields["actions"]), fields["menu"], fields["topic"])


def log_entry_to_json(entry: LogEntry) -> str:
    """A notification log entry as JSON."""
    told = [
        {
            "fingerprint": alert.fingerprint,
            "labels": dict(alert.labels),
            "annotations": dict(alert.annotations),
            "starts_at": alert.starts_at,
            "ends_at": alert.ends_at,
            "value": alert.value,
            "source": alert.source.value,
            "since": alert.since,
        }
        for alert in entry.told
    ]
    fields: dict[str, Any] = {"told": told, "sent_at": entry.sent_at, "repeats": entry.repeats}
    if entry.told_at:
        fields["told_at"] = dict(entry.told_at)
    if entry.flapping:
        fields["flapping"] = sorted(entry.flapping)
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def log_entry_from_json(text: str) -> LogEntry:
    """The entry again; raises ValueError if the text is not one."""
    try:
        fields = json.loads(text)
        told = tuple(ActiveAlert(**{**one, "source": Source(one["source"])}) for one in fields["told"])
        told_at = {name: float(at) for name, at in fields.get("told_at", {}).items()}
        flapping = frozenset(fields.get("flapping", ()))
        return LogEntry(told, float(fields["sent_at"]), int(fields["repeats"]), told_at, flapping)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a notification log entry: {error!r}") from error
