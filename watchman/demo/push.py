"""The phone of the demo: takes pushes as an ntfy server does and shows them on a page."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from watchman.demo.web import Answer, Request, page

_KEEP = 200
_PRIORITIES = {"min": 1, "low": 2, "default": 3, "high": 4, "max": 5, "urgent": 5}


@dataclass(frozen=True, slots=True)
class Push:
    """One message as a phone would show it. `at` is unix seconds, priority 1 (min) to 5 (max).

    A later push of the same `sequence` takes its place; `buttons` are labels with the address each asks.
    """

    number: int
    at: float
    topic: str
    title: str
    message: str
    priority: int
    tags: tuple[str, ...]
    filename: str = ""
    attachment: bytes = b""
    sequence: str = ""
    click: str = ""
    buttons: tuple[tuple[str, str], ...] = ()


class Phone:
    """Receives by POST or PUT: JSON at `/`, or a message or file at `/topic` with the rest in headers or query."""

    def __init__(self, now: Callable[[], float], clock: Callable[[float], str]) -> None:
        self._now = now
        self._clock = clock
        self._lock = threading.Lock()
        self._pushes: list[Push] = []
        self._count = 0

    @property
    def pushes(self) -> list[Push]:
        """What has arrived, oldest first; the last 200."""
        with self._lock:
            return list(self._pushes)

    def respond(self, request: Request) -> Answer | None:
        """The HTTP side: pages for GET, pushes for everything else."""
        if request.method == "GET":
            return self._show(request.path)
        if request.method == "DELETE":
            return self._take_away(request.path.rpartition("/")[2])
        try:
            push = replace(self._read(request), **_extras(request))
        except ValueError as error:
            return _refusal(str(error))
        with self._lock:
            kept = [one for one in self._pushes if not push.sequence or one.sequence != push.sequence]
            self._pushes = [*kept[1 - _KEEP :], push]
        return _accepted(push)

    def _take_away(self, sequence: str) -> Answer:
        with self._lock:
            self._pushes = [one for one in self._pushes if one.sequence != sequence]
        return Answer(
            json.dumps({"event": "message_delete", "sequence_id": sequence}).encode(), 200, "application/json"
        )

    def _read(self, request: Request) -> Push:
        if request.path in ("", "/"):
            return self._from_json(request)
        return self._from_topic(request)

    def _from_json(self, request: Request) -> Push:
        given = json.loads(request.body)
        if not isinstance(given, dict) or not given.get("topic"):
            raise ValueError("topic missing")
        tags = given.get("tags") or _split(_option(request, "tags"))
        if not isinstance(tags, (list, tuple)):
            raise ValueError("tags is not a list")
        priority = given.get("priority") or _option(request, "priority")
        return self._push(given, str(priority or ""), tuple(str(tag) for tag in tags))

    def _from_topic(self, request: Request) -> Push:
        given = {name: _option(request, name) for name in ("title", "message", "filename")}
        given["topic"] = request.path.strip("/")
        if given["filename"]:
            attachment = request.body
        else:
            attachment, given["message"] = b"", request.body.decode(errors="replace") or given["message"]
        return self._push(given, _option(request, "priority"), _split(_option(request, "tags")), attachment)

    def _push(self, given: Mapping[str, object], priority: str, tags: tuple[str, ...], attachment: bytes = b"") -> Push:
        with self._lock:
            self._count += 1
            number = self._count
        return Push(
            number=number,
            at=self._now(),
            topic=str(given["topic"]),
            title=str(given.get("title") or ""),
            message=str(given.get("message") or ""),
            priority=_priority(priority),
            tags=tags,
            filename=str(given.get("filename") or ""),
            attachment=attachment,
        )

    def _show(self, path: str) -> Answer | None:
        if path in ("", "/"):
            body = (
                "".join(_article(push, self._clock(push.at)) for push in reversed(self.pushes))
                or "<p>No push has arrived yet.</p>"
            )
            return page("Pushes on the phone", body)
        found = [push for push in self.pushes if path == f"/file/{push.number}" and push.attachment]
        return Answer(found[0].attachment, content_type=_kind(found[0].attachment)) if found else None


def _extras(request: Request) -> dict[str, Any]:
    """What a message brings beside its text. Buttons are read as JSON; ntfy's short form of them is not shown."""
    try:
        buttons = tuple((str(one["label"]), str(one["url"])) for one in json.loads(_option(request, "actions") or "[]"))
    except (ValueError, TypeError, KeyError, AttributeError):
        buttons = ()
    return {"sequence": _option(request, "sequence-id"), "click": _option(request, "click"), "buttons": buttons}


def _option(request: Request, name: str) -> str:
    """A setting of the message: header X-Name, header Name, or the query."""
    return request.headers.get(f"x-{name}") or request.headers.get(name) or request.query.get(name, "")


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _priority(text: str) -> int:
    number = _PRIORITIES.get(text, text or 3)
    try:
        value = int(number)
    except ValueError:
        value = 0
    if not 1 <= value <= 5:
        raise ValueError(f"priority {text!r} is not 1 to 5")
    return value


def _article(push: Push, at: str) -> str:
    picture = f'<p><img src="/file/{push.number}" alt=""></p>' if push.attachment else ""
    # A phone posts; a page may only ask, so its links open the page that asks first.
    links = [*push.buttons, *([("Open", push.click)] if push.click else [])]
    shown = [(label, url) for label, url in links if url.startswith(("http://", "https://"))]
    row = " &middot; ".join(f'<a href="{escape(url)}">{escape(label)}</a>' for label, url in shown)
    choices = f"<p>{row}</p>" if row else ""
    facts = [at, push.topic, f"priority {push.priority}"]
    return (
        f"<article><h2>{escape(push.title or push.topic)}</h2><p>{escape(push.message)}</p>{picture}{choices}"
        f"<small>{escape(', '.join([*facts, *push.tags, push.filename]).rstrip(', '))}</small></article>"
    )


def _kind(content: bytes) -> str:
    """The type by its first bytes: what is no known picture is only offered as a file."""
    starts = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
    return next((kind for start, kind in starts.items() if content.startswith(start)), "application/octet-stream")


def _accepted(push: Push) -> Answer:
    said = {"id": f"demo{push.number}", "time": int(push.at), "event": "message", "topic": push.topic}
    said |= {"title": push.title, "message": push.message, "priority": push.priority, "tags": list(push.tags)}
    return Answer(json.dumps(said).encode(), content_type="application/json")


def _refusal(reason: str) -> Answer:
    said = {"code": 40001, "http": 400, "error": f"invalid request: {reason}", "link": "https://ntfy.sh/docs/publish/"}
    return Answer(json.dumps(said).encode(), 400, "application/json")
