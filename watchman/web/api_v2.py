"""Alertmanager's API version 2: alerts are posted and listed, silences made and ended, status told.

A 200 to a post means that it is committed. What is wrong with a request is told with Alertmanager's status and code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import re2
from flask import Flask, Response, jsonify, make_response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from watchman import __version__
from watchman.errors import WatchmanError
from watchman.notify.matchers import Matcher, MatcherError, parse_matchers
from watchman.notify.message import Source
from watchman.notify.mute import Silence
from watchman.notify.posted import PostedAlert
from watchman.notify.silences import covers, in_order
from watchman.web import guard
from watchman.web.openapi import document
from watchman.web.read_v2 import BodyError, check_id, read_alerts, read_silence
from watchman.web.shapes_v2 import (
    SPOKEN_VERSION,
    Listing,
    Wanted,
    alerts_list,
    groups_list,
    receivers_list,
    rfc3339_ms,
    silence_object,
)

PREFIX = "/api/v2"
# Any other word is "no" to Alertmanager.
_YES = ("true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled")


class UnknownSilenceError(WatchmanError):
    """Nobody has a silence of that id."""


class RefusedSilenceError(WatchmanError):
    """What was asked for cannot be a silence."""


@dataclass(frozen=True, slots=True)
class Companion:
    """What the API may read and do. `post` commits and gives nothing; `save` gives the id.

    `save` and `expire` raise UnknownSilenceError, RefusedSilenceError, or WatchmanError if nothing could be done.
    """

    now: Callable[[], float] = lambda: 0.0
    resolve_timeout_s: Callable[[], float] = lambda: 300.0
    listing: Callable[[], Listing] = Listing
    post: Callable[[Sequence[PostedAlert], int], None] = lambda _alerts, _refused: None
    silences: Callable[[], Sequence[Silence]] = tuple
    save: Callable[[Silence], str] = lambda silence: silence.id
    expire: Callable[[str], None] = lambda _silence_id: None
    receivers: Callable[[], Sequence[str]] = tuple
    config_text: Callable[[], str] = str
    started_at: float = field(default=0.0)


def add_api_v2(app: Flask, ports: Companion) -> None:
    """Put the API's paths into the application."""
    _add_alerts(app, ports)
    _add_silences(app, ports)
    _add_status(app, ports)
    app.register_error_handler(BodyError, _body_error)


def http_error(error: HTTPException) -> Response:
    """An error of HTTP itself in the words Alertmanager's clients read."""
    message = error.description or error.name
    if isinstance(error, NotFound):
        message = f"path {request.path} was not found"
    if isinstance(error, MethodNotAllowed):
        allowed = ",".join(sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"}))
        message = f"method {request.method} is not allowed, but [{allowed}] are"
    if isinstance(error, RequestEntityTooLarge):
        message = f"the body is larger than {request.max_content_length} bytes; send it in smaller parts"
    status = error.code or 500
    return make_response(jsonify({"code": status, "message": message}), status)


def sentence(text: str, status: int) -> Response:
    """A plain sentence as JSON."""
    return make_response(jsonify(text), status)


def _add_alerts(app: Flask, ports: Companion) -> None:
    @app.get(f"{PREFIX}/alerts")
    def list_alerts() -> Response:
        return jsonify(alerts_list(ports.listing(), _wanted()))

    @app.post(f"{PREFIX}/alerts")
    def post_alerts() -> Response:
        guard.allow_large_body()
        batch = read_alerts(_json_body(), Source.PROMETHEUS, ports.now(), ports.resolve_timeout_s())
        ports.post(batch.alerts, len(batch.errors))
        return sentence("; ".join(batch.errors), 400) if batch.errors else _done()

    @app.get(f"{PREFIX}/alerts/groups")
    def list_groups() -> Response:
        return jsonify(groups_list(ports.listing(), _wanted()))


def _add_silences(app: Flask, ports: Companion) -> None:
    @app.get(f"{PREFIX}/silences")
    def list_silences() -> Response:
        filters, now = _filters(), ports.now()
        found = [silence for silence in ports.silences() if covers(silence, filters)]
        return jsonify([silence_object(silence, now) for silence in in_order(found, now)])

    @app.post(f"{PREFIX}/silences")
    def post_silence() -> Response:
        wanted = read_silence(_json_body())
        try:
            return jsonify({"silenceID": ports.save(wanted)})
        except UnknownSilenceError as error:
            return sentence(str(error), 404)
        except RefusedSilenceError as error:
            return sentence(str(error), 400)

    @app.get(f"{PREFIX}/silence/<silence_id>")
    def get_silence(silence_id: str) -> Response:
        wanted = check_id(silence_id)
        found = next((silence for silence in ports.silences() if silence.id == wanted), None)
        return sentence("silence not found", 404) if found is None else jsonify(silence_object(found, ports.now()))

    @app.delete(f"{PREFIX}/silence/<silence_id>")
    def delete_silence(silence_id: str) -> Response:
        try:
            ports.expire(check_id(silence_id))
        except UnknownSilenceError as error:
            return sentence(str(error), 404)
        return _done()


def _add_status(app: Flask, ports: Companion) -> None:
    @app.get(f"{PREFIX}/status")
    def status() -> Response:
        return jsonify(
            {
                "cluster": {"peers": [], "status": "disabled"},
                "config": {"original": ports.config_text()},
                "uptime": rfc3339_ms(ports.started_at),
                "versionInfo": {
                    "branch": "watchman",
                    "buildDate": "",
                    "buildUser": "",
                    "goVersion": "",
                    "revision": __version__,
                    "version": SPOKEN_VERSION,
                },
            }
        )

    @app.get(f"{PREFIX}/receivers")
    def receivers() -> Response:
        return jsonify(receivers_list(ports.receivers()))

    @app.get(f"{PREFIX}/openapi.json")
    def openapi() -> Response:
        return jsonify(document())


def _done() -> Response:
    """An empty 200, which is of no type."""
    answer = make_response("", 200)
    del answer.headers["Content-Type"]
    return answer


def _json_body() -> bytes:
    if request.mimetype != "application/json":
        text = f'unsupported media type "{request.mimetype[:100]}", only [application/json] are allowed'
        raise BodyError(415, text, 415)
    return request.get_data(cache=False)


def _wanted() -> Wanted:
    return Wanted(
        **{name: _flag(name) for name in ("active", "silenced", "inhibited", "muted")},
        filters=_filters(),
        receiver=_receiver(),
    )


def _flag(name: str) -> bool:
    text = request.args.get(name, "").lower()
    return text in _YES or not text


def _filters() -> tuple[Matcher, ...]:
    found: list[Matcher] = []
    for text in request.args.getlist("filter"):
        try:
            matchers = parse_matchers(text)
        except MatcherError as error:
            raise BodyError(400, f"bad matcher format: {text[:200]} ({error})") from error
        if not matchers:
            raise BodyError(400, f"bad matcher format: {text[:200]}")
        found += matchers
    return tuple(found)


def _receiver() -> Any:
    text = request.args.get("receiver", "")
    if not text:
        return None
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise BodyError(400, f"failed to parse receiver param: {reason}") from error


def _body_error(error: BodyError) -> Response:
    if error.code is None:
        return sentence(str(error), error.status)
    return make_response(jsonify({"code": error.code, "message": str(error)}), error.status)
