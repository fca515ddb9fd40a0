"""The mailbox of the demo: keeps what the mail server took and shows it on a page, pictures and all."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape

from watchman.demo.web import Answer, Request, page

_KEEP = 200
_CID = re.compile(r"cid:([^\s\"'<>)]+)")


@dataclass(frozen=True, slots=True)
class Picture:
    """An image that the HTML part shows by its Content-ID."""

    content_id: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One received mail, taken apart. `html` is empty where the mail has text only. `at` is unix seconds."""

    number: int
    at: float
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str
    pictures: tuple[Picture, ...]

    def shown(self) -> tuple[Picture, ...]:
        """The pictures that the HTML part really refers to."""
        wanted = set(_CID.findall(self.html))
        return tuple(picture for picture in self.pictures if picture.content_id in wanted)


def parse_mail(number: int, at: float, sender: str, recipients: tuple[str, ...], raw: bytes) -> Mail:
    """Take a message apart; parts that cannot be decoded come as far as they can be."""
    message = message_from_bytes(raw, policy=policy.default)
    return Mail(
        number=number,
        at=at,
        sender=sender,
        recipients=recipients,
        subject=str(message.get("Subject", "")),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        pictures=tuple(_picture(part) for part in message.walk() if part.get_content_maintype() == "image"),
    )


class Mailbox:
    """All mails, and the pages that show them."""

    def __init__(self, now: Callable[[], float], clock: Callable[[float], str]) -> None:
        self._now = now
        self._clock = clock
        self._lock = threading.Lock()
        self._mails: list[Mail] = []
        self._count = 0

    @property
    def mails(self) -> list[Mail]:
        """What has arrived, oldest first; the last 200."""
        with self._lock:
            return list(self._mails)

    def keep(self, sender: str, recipients: tuple[str, ...], raw: bytes) -> None:
        """Take a message from the mail server."""
        with self._lock:
            self._count += 1
            mail = parse_mail(self._count, self._now(), sender, recipients, raw)
            self._mails = [*self._mails[1 - _KEEP :], mail]

    def respond(self, request: Request) -> Answer | None:
        """Pages: `/` the list, `/N` a mail, `/N/html` its HTML part, `/N/part/K` its K-th picture."""
        if request.method != "GET":
            return Answer(b"only to look at\n", 405, "text/plain")
        head, *rest = request.path.strip("/").split("/")
        if not head:
            items = [_line(mail, self._facts(mail)) for mail in reversed(self.mails)]
            return page("Mails", "".join(items) or "<p>No mail has arrived yet.</p>")
        mail = next((mail for mail in self.mails if str(mail.number) == head), None)
        return _show(mail, self._facts(mail), rest) if mail else None

    def _facts(self, mail: Mail) -> str:
        ends = f"from {escape(mail.sender)} to {escape(', '.join(mail.recipients))}"
        return f"<small>{escape(self._clock(mail.at))}, {ends}</small>"


def _show(mail: Mail, facts: str, rest: list[str]) -> Answer | None:
    match rest:
        case []:
            frame = f'<iframe sandbox src="/{mail.number}/html"></iframe>' if mail.html else ""
            return page(mail.subject, f"{facts}{frame}<h2>Text part</h2><p>{escape(mail.text)}</p>", live=False)
        case ["html"] if mail.html:
            places = {picture.content_id: index for index, picture in enumerate(mail.pictures)}
            html = _CID.sub(lambda found: f"/{mail.number}/part/{places.get(found[1], 'missing')}", mail.html)
            return Answer(html.encode())
        case ["part", index] if index.isdecimal() and int(index) < len(mail.pictures):
            picture = mail.pictures[int(index)]
            return Answer(picture.content, content_type=picture.content_type)
        case _:
            return None


def _line(mail: Mail, facts: str) -> str:
    subject = escape(mail.subject or "(no subject)")
    return f'<article><h2><a href="/{mail.number}">{subject}</a></h2>{facts}</article>'


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    charset = part.get_content_charset("utf-8")
    try:
        return content.decode(charset, "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def _picture(part: EmailMessage) -> Picture:
    content = part.get_payload(decode=True)
    content_id = str(part.get("Content-ID", "")).strip().strip("<>")
    return Picture(content_id, part.get_content_type(), content if isinstance(content, bytes) else b"")
