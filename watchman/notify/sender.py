"""Deliver a message to one destination: one Apprise URL, within a time limit, whatever the service does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from copy import copy
from typing import Any

from watchman.errors import DeliveryError
from watchman.notify import apprise_port, mail
from watchman.notify.destination import MAIL_SCHEMES, redact, scheme_of, scrub, url_key
from watchman.notify.message import Message

__all__ = ["Sender", "check_url", "redact", "split_url", "url_key"]

# A plugin that hangs cannot be stopped, only left behind; so many may hang for one destination.
_MAX_HANGING = 3


class Sender:
    """Delivers, each attempt in a thread of its own. `now` gives unix seconds for the date of a mail."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._hanging: dict[str, list[threading.Thread]] = {}

    def deliver(self, url: str, message: Message, timeout_s: float, identity: str = "") -> str:
        """Deliver; returns the service's answer. Raises DeliveryError, whose text shows no secret.

        `identity` names the message over retries (a mail's Message-ID).
        """
        key = url_key(url)
        alive = [thread for thread in self._hanging.get(key, ()) if thread.is_alive()]
        self._hanging[key] = alive
        if len(alive) >= _MAX_HANGING:
            raise DeliveryError(f"{redact(url)}: {len(alive)} earlier attempts still hang")
        attempt = _Attempt(lambda: _deliver(url, message, timeout_s, self._now(), identity))
        thread = threading.Thread(target=attempt.run, name=f"deliver-{key}", daemon=True)
        thread.start()
        thread.join(timeout_s)
        if thread.is_alive():
            self._hanging[key] = [*alive, thread]
            raise DeliveryError(f"{redact(url)}: no answer within {timeout_s:.0f} s")
        return attempt.answer_for(url)


def check_url(url: str) -> str | None:
    """Why the URL cannot be used, without its secrets; None if it can."""
    try:
        apprise_port.open_service(url)
    except ValueError as error:
        return str(error)
    return None


def takes_pictures(url: str) -> bool:
    """True if the service behind a URL shows a picture that comes with a message."""
    try:
        return bool(apprise_port.open_service(url).attachment_support)
    except ValueError:
        return False


def split_url(url: str) -> list[str]:
    """One URL per recipient or topic, so that a retry never repeats a message to those who have it.

    Copies (cc, bcc) go with the first. A URL of another kind, or one that cannot be read, stays as it is.
    """
    attribute = "targets" if scheme_of(url) in MAIL_SCHEMES else "topics"
    if scheme_of(url) not in (*MAIL_SCHEMES, "ntfy", "ntfys"):
        return [url]
    try:
        service = apprise_port.open_service(url)
    except ValueError:
        return [url]
    targets = getattr(service, attribute)
    return [_for_one(service, attribute, number) for number in range(len(targets))] if len(targets) > 1 else [url]


def _for_one(service: Any, attribute: str, number: int) -> str:
    one = copy(service)
    setattr(one, attribute, [getattr(service, attribute)[number]])
    if number and attribute == "targets":
        one.cc, one.bcc = set(), set()
    for timeout in ("socket_read_timeout", "socket_connect_timeout"):
        # Ours, set while opening; written into the URL it would count as the user's.
        setattr(one, timeout, getattr(type(service), timeout))
    return str(one.url(privacy=False))


def _deliver(url: str, message: Message, timeout_s: float, now: float, identity: str) -> str:
    try:
        service = apprise_port.open_service(url, message.severity, timeout_s)
    except ValueError as error:
        raise DeliveryError(str(error), permanent=True) from None
    if scheme_of(url) in MAIL_SCHEMES and not mail.wants_pgp(service):
        return mail.send_mail(message, service, now, timeout_s, identity)
    return apprise_port.send(service, url, message)


class _Attempt:
    """Runs a delivery in its thread and keeps what became of it."""

    def __init__(self, work: Callable[[], str]) -> None:
        self._work = work
        self._answer = ""
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._answer = self._work()
        except BaseException as error:  # handed to the waiting thread, which knows what it means
            self._error = error

    def answer_for(self, url: str) -> str:
        """The answer, or the failure as a DeliveryError without secrets."""
        error = self._error
        if error is None:
            return scrub(self._answer, url)
        if isinstance(error, DeliveryError):
            raise DeliveryError(scrub(str(error), url), permanent=error.permanent, retry_after_s=error.retry_after_s)
        raise DeliveryError(f"{redact(url)}: the service's plugin failed ({type(error).__name__})")
