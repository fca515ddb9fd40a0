"""`POST /webhook/alertmanager[/RECEIVER]`: what an Alertmanager tells, version 4. A 200 means that it is committed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, make_response, request

from watchman.alertmanager.webhook import WebhookError

MAX_BYTES = 4 * 1024 * 1024
"""Some thousand alerts in one group."""

Take = Callable[[str | None, Any], None]
"""`take(receiver or None, document)`: raises WebhookError for what is wrong with the document."""


def install(app: Flask, take: Take) -> None:
    """Add the webhook's paths to `app`."""

    @app.post("/webhook/alertmanager")
    @app.post("/webhook/alertmanager/<receiver>")
    def webhook(receiver: str | None = None) -> Response:
        request.max_content_length = MAX_BYTES
        if request.content_length is not None and request.content_length > MAX_BYTES:
            return _text(f"more than {MAX_BYTES} bytes: set max_alerts in this webhook's config\n", 413)
        try:
            document = json.loads(request.get_data())
        except (ValueError, RecursionError):
            return _text("the body is no JSON: is this an Alertmanager's webhook?\n", 400)
        try:
            take(receiver, document)
        except WebhookError as error:
            return _text(f"{error}\n", error.status)
        return _text("taken\n")


def _text(text: str, status: int = 200) -> Response:
    return make_response(text, status, {"Content-Type": "text/plain; charset=utf-8"})
