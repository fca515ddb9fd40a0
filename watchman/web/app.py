"""The daemon's HTTP: page, metrics, health, reload, and Prometheus' API for rules and alerts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from watchman.errors import WatchmanError
from watchman.web import api_v2, guard, page, webhook
from watchman.web.act import DoneLike, OfferLike, add_act
from watchman.web.api_v1 import RuleStatus, alerts_data, rules_data
from watchman.web.api_v2 import Companion, add_api_v2
from watchman.web.page import Overview


@dataclass(frozen=True, slots=True)
class Ports:
    """What the web side may read and do."""

    overview: Callable[[], Overview]
    rules: Callable[[], list[RuleStatus]]
    metrics: Callable[[], bytes]
    is_ready: Callable[[], bool]
    reload: Callable[[], None]
    access: Callable[[], guard.Access]
    take_webhook: webhook.Take
    offer: Callable[[str], OfferLike]
    perform: Callable[[str], DoneLike]
    companion: Companion = field(default_factory=Companion)


def create_app(ports: Ports) -> Flask:
    """A WSGI application over the ports."""
    app = Flask("watchman.web")
    app.json.sort_keys = False  # type: ignore[attr-defined] # in the order in which Prometheus writes them
    guard.install(app, ports.access)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(WatchmanError, _cannot)
    _add_page(app, ports)
    add_act(app, ports.offer, ports.perform)
    _add_api(app, ports)
    add_api_v2(app, ports.companion)
    _add_health(app, ports)
    webhook.install(app, ports.take_webhook)
    return app


def _add_page(app: Flask, ports: Ports) -> None:
    @app.get("/")
    def home() -> str:
        return render_template("page.html", **_page_values(ports.overview()))

    @app.get("/live")
    def live() -> str:
        return render_template("live.html", **_page_values(ports.overview()))


def _add_api(app: Flask, ports: Ports) -> None:
    @app.get("/api/v1/rules")
    def rules() -> Response:
        kind = request.args.get("type", "")
        if kind not in ("", "alert", "record"):
            return _bad_data(f'invalid parameter "type": not supported value "{kind[:100]}"')
        return _success(rules_data(ports.rules(), kind))

    @app.get("/api/v1/alerts")
    def alerts() -> Response:
        return _success(alerts_data(ports.rules()))


def _add_health(app: Flask, ports: Ports) -> None:
    @app.get("/metrics")
    def metrics() -> Response:
        return make_response(ports.metrics(), 200, {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    @app.get("/-/healthy")
    def healthy() -> Response:
        return _text("watchman is healthy.\n")

    @app.get("/-/ready")
    def ready() -> Response:
        return _text("watchman is ready.\n") if ports.is_ready() else _text("watchman is starting.\n", 503)

    @app.post("/-/reload")
    def reload() -> Response:
        try:
            ports.reload()
        except WatchmanError as error:
            return _text(f"the old configuration stays in force:\n{error}\n", 500)
        return _text("reloaded\n")


def _page_values(view: Overview) -> dict[str, Any]:
    return {
        "view": view,
        "verdict": page.verdict(view),
        "flows": page.flows(view),
        "age": page.data_age(view),
        "stale": page.is_stale(view),
        "clock": partial(page.local_clock, view),
    }


def _success(data: dict[str, Any]) -> Response:
    return jsonify({"status": "success", "data": data})


def _bad_data(error: str) -> Response:
    return make_response(jsonify({"status": "error", "errorType": "bad_data", "error": error}), 400)


def _text(text: str, status: int = 200) -> Response:
    return make_response(text, status, {"Content-Type": "text/plain; charset=utf-8"})


def _cannot(error: WatchmanError) -> Response:
    if request.path.startswith(api_v2.PREFIX):
        return api_v2.sentence(str(error), 503)
    return _text(f"{error}\n", 503)


def _http_error(error: HTTPException) -> Response:
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    if request.path.startswith(api_v2.PREFIX):
        answer = api_v2.http_error(error)
    else:
        answer = _text(f"{error.code} {error.name}: {error.description}\n", error.code or 500)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        answer.headers["Allow"] = ", ".join(error.valid_methods)
    return answer
