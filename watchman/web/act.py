"""The pages behind the links of messages: GET asks, POST does. The signature in the path is who may."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from flask import Flask, Response, make_response, render_template

from watchman.notify.orders import OrderError
from watchman.web.guard import SIGNED_PATHS


class OfferLike(Protocol):
    """What a link offers, as `watchman.actions.Offer` has it."""

    @property
    def title(self) -> str: ...
    @property
    def alerts(self) -> Sequence[tuple[str, str]]: ...
    @property
    def options(self) -> Sequence[tuple[str, str]]: ...
    @property
    def done(self) -> str: ...


class DoneLike(Protocol):
    """What came of an order, as `watchman.actions.Done` has it."""

    @property
    def text(self) -> str: ...


def add_act(app: Flask, offer: Callable[[str], OfferLike], perform: Callable[[str], DoneLike]) -> None:
    """Serve `/act/TOKEN`. Both callables raise OrderError for a link that is not good."""

    @app.get(f"{SIGNED_PATHS}<token>")
    def ask(token: str) -> Response:
        try:
            found = offer(token)
        except OrderError as error:
            return _refused(error)
        if found.done:
            return _page("Done", found.done)
        return make_response(render_template("act.html", offer=found, title=found.title))

    @app.post(f"{SIGNED_PATHS}<token>")
    def act(token: str) -> Response:
        try:
            done = perform(token)
        except OrderError as error:
            return _refused(error)
        return _page("Done", done.text)


def _refused(error: OrderError) -> Response:
    return _page("Nothing was done", str(error), 410 if error.expired else 403)


def _page(title: str, text: str, status: int = 200) -> Response:
    return make_response(render_template("act.html", offer=None, title=title, text=text), status)
