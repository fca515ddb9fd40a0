"""Apprise's ntfy service with what it lacks: messages that replace one another, buttons with texts of any language.

Sequence ids need ntfy 2.16; an older server ignores them and shows every message by itself.
"""

from __future__ import annotations

import json
from typing import Any

import requests
from apprise.plugins.ntfy import NotifyNtfy, NtfyAuth, NtfyMode, NtfyPriority

from watchman.notify.destination import scheme_of
from watchman.notify.message import Action, Choices, Message
from watchman.notify.orders import Topic

MOST_BUTTONS = 3
"""ntfy shows no more."""
_HTTP_OK = 200
# Beyond it Apprise makes a file of a text, which is its own business.
_MOST_BYTES = 7000


class Ntfy(NotifyNtfy):  # type: ignore[no-untyped-call]
    """The service of an ntfy URL. What the URL says itself (`click`, `actions`) counts more than the message."""

    def __init__(self, xtags: Any = None, actions: str | None = None, **kwargs: Any) -> None:
        super().__init__(xtags=xtags, actions=actions, **kwargs)  # type: ignore[no-untyped-call]
        self._own_actions = actions
        self._own_tags = xtags if isinstance(xtags, str) else ",".join(xtags or ())
        self._sequence = self._replaces = ""
        self._choices: Choices | None = None

    def prepare(self, message: Message) -> None:
        """Take over what Apprise cannot carry: the name of the message, the one it replaces, what can be done."""
        self._sequence, self._replaces, self._choices = message.sequence, message.replaces, message.choices

    def _send(
        self,
        topic: str,
        body: str | None = None,
        title: str | None = None,
        attach: Any = None,
        image_url: str | None = None,
        **kwargs: Any,
    ) -> tuple[bool, Any]:
        plain = not self._sequence and self._choices is None
        if plain or len(f"{title}{body}".encode("utf-8", "replace")) > _MOST_BYTES:
            return super()._send(topic, body, title, attach, image_url, **kwargs)  # type: ignore[no-any-return, no-untyped-call]
        texts = {name: text for name, text in (("title", title), ("message", body)) if text}
        try:
            answer = self._post(topic, texts, attach)
        except (requests.RequestException, OSError) as error:
            self.logger.warning("A Connection error occurred sending ntfy notification.")
            self.logger.debug(f"Socket Exception: {error!s}")
            return False, None
        if answer.status_code != _HTTP_OK:
            self.logger.warning(f"Failed to send ntfy notification: {_reason(answer)}.")
            return False, None
        self._take_away(topic)
        return True, None

    def _post(self, topic: str, texts: dict[str, str], attach: Any) -> requests.Response:
        headers, auth = self.credentials()
        headers |= self._headers()
        if attach is None:
            fixed = {"attach": self.attach, "filename": self.filename} if self.attach else {}
            return self._request("POST", "/", headers, auth, data=json.dumps({"topic": topic, **texts, **fixed}))
        with attach as file:
            content = file.read()
        headers.pop("Content-Type")
        return self._request(
            "POST", f"/{topic}", headers, auth, data=content, params={**texts, "filename": attach.name}
        )

    def _headers(self) -> dict[str, str]:
        """Header values are ASCII: JSON escapes what is not."""
        choices = self._choices
        buttons = buttons_of(choices) if choices else []
        found = {
            "Content-Type": "application/json",
            "X-Priority": "" if self.priority == NtfyPriority.NORMAL else self.priority,
            "X-Tags": self._own_tags,
            "X-Delay": self.delay,
            "X-Email": self.email,
            "X-Click": requests.utils.requote_uri(self.click) if self.click else choices.menu if choices else "",
            "X-Actions": self._own_actions or (json.dumps(buttons) if buttons else ""),
            "X-Sequence-ID": self._sequence,
        }
        return {name: value for name, value in found.items() if value}

    def credentials(self) -> tuple[dict[str, str], tuple[str, str] | None]:
        """Headers and basic auth of every request."""
        headers: dict[str, str] = {"User-Agent": self.app_id}
        if self.mode != NtfyMode.CLOUD and self.auth == NtfyAuth.TOKEN and self.token:
            return {**headers, "Authorization": f"Bearer {self.token}"}, None
        basic = self.mode != NtfyMode.CLOUD and self.auth == NtfyAuth.BASIC and self.user
        return headers, (str(self.user), str(self.password or "")) if basic else None

    def _request(
        self, method: str, path: str, headers: dict[str, str], auth: tuple[str, str] | None, **what: Any
    ) -> requests.Response:
        return requests.request(
            method,
            f"{base_url(self)}{path}",
            headers=headers,
            auth=auth,
            verify=self.verify_certificate,
            timeout=self.request_timeout,
            allow_redirects=self.redirects,
            **what,
        )

    def _take_away(self, topic: str) -> None:
        """Remove the message that this one follows; the new one has arrived, so nothing depends on it."""
        if not self._replaces or self._replaces == self._sequence:
            return
        headers, auth = self.credentials()
        try:
            self._request("DELETE", f"/{topic}/{self._replaces}", headers, auth)
        except (requests.RequestException, OSError) as error:
            self.logger.debug(f"the earlier message stays: {error!s}")


def base_url(service: Any) -> str:
    """The server of an ntfy service, without a slash at the end."""
    if service.mode == NtfyMode.CLOUD:
        return str(service.cloud_notify_url).rstrip("/")
    port = f":{service.port}" if isinstance(service.port, int) else ""
    return f"{'https' if service.secure else 'http'}://{service.host}{port}"


def topic_of(url: str) -> Topic:
    """The one topic of an ntfy URL; raises ValueError if it is none."""
    if scheme_of(url) not in ("ntfy", "ntfys"):
        raise ValueError("it is no ntfy URL: write ntfys://HOST/TOPIC")
    fields = Ntfy.parse_url(url)  # type: ignore[no-untyped-call]
    service = Ntfy(**fields) if fields else None
    if service is None or len(service.topics) != 1:
        raise ValueError("it must name one topic: write ntfys://HOST/TOPIC")
    headers, auth = service.credentials()
    return Topic(f"{base_url(service)}/{service.topics[0]}", headers, auth, service.verify_certificate)


def buttons_of(choices: Choices) -> list[dict[str, Any]]:
    """The first three actions as ntfy's buttons: each posts, to the command topic or else to the signed link."""
    return [_button(action, choices.topic) for action in choices.actions if choices.topic or action.link][:MOST_BUTTONS]


def _button(action: Action, topic: str) -> dict[str, Any]:
    button = {"action": "http", "label": action.label, "url": topic or action.link, "method": "POST", "clear": True}
    return {**button, "body": action.command} if topic else button


def _reason(answer: requests.Response) -> str:
    """The server's own words and code, in the form Apprise tells them."""
    try:
        said = answer.json()
        return f"{said.get('error', '')}, error={int(said.get('code', answer.status_code))}"
    except (ValueError, AttributeError, TypeError):
        return f"error={answer.status_code}"
