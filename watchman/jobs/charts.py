"""Charts of pushes: drawn late, in a process of their own, when a message is sent; none fails for its chart."""

from __future__ import annotations

import base64
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from watchman.errors import WatchmanError
from watchman.notify.message import Attachment, ChartWish, Message
from watchman.notify.render import CHART_NAME
from watchman.notify.sender import takes_pictures
from watchman.notify.severity import CRITICAL
from watchman.series import Series

log = logging.getLogger(__name__)

LIMIT_S = 10.0
_MOST_BYTES = 200_000
_REMEMBERED = 16
MOST_SERIES = 6

Fetch = Callable[[str, float, float, float], list[Series]]
"""`fetch(expr, start, end, step_s)`; raises QueryError."""
Paint = Callable[[Mapping[str, Any], float], Mapping[str, Any]]
"""`paint(job, limit_s)`, in a process of its own; raises WatchmanError if it fails or takes longer."""


class Charts:
    """Draws each chart once, one at a time, however many addresses a message goes to and however often it is tried.

    One that fails is not tried again. `monotonic` gives seconds. While `is_urgent` says that a critical message is on
    its way, messages go without: it must not wait behind one that waits for its chart.
    """

    def __init__(
        self,
        fetch: Fetch,
        paint: Paint,
        monotonic: Callable[[], float],
        is_urgent: Callable[[], bool] = lambda: False,
    ) -> None:
        self._fetch, self._paint, self._monotonic, self._is_urgent = fetch, paint, monotonic, is_urgent
        self._drawing = threading.Lock()
        self._drawn: dict[ChartWish, bytes] = {}

    def illustrated(self, message: Message, url: str) -> Message:
        """The message with its chart, or without where it is critical, its service shows none or drawing fails."""
        wish = message.chart
        if wish is None or message.severity == CRITICAL or not takes_pictures(url):
            return message
        picture = self._picture(wish)
        if not picture:
            return message
        return replace(message, attachments=(Attachment(CHART_NAME, "image/png", picture), *message.attachments))

    def _picture(self, wish: ChartWish) -> bytes:
        """The PNG; empty if there is none within the time, waiting for others included."""
        deadline = self._monotonic() + LIMIT_S
        if self._is_urgent() or not self._drawing.acquire(timeout=LIMIT_S):
            return b""
        try:
            if wish not in self._drawn:
                self._drawn = dict(list(self._drawn.items())[1 - _REMEMBERED :])
                self._drawn[wish] = self._draw(wish, deadline)
            return self._drawn[wish]
        finally:
            self._drawing.release()

    def _draw(self, wish: ChartWish, deadline: float) -> bytes:
        # One point for every two pixels.
        step_s = max(15.0, (wish.end - wish.start) / 300)
        try:
            found = self._fetch(wish.expr, wish.start, wish.end, step_s)[:MOST_SERIES]
            job = {**asdict(wish), "step_s": step_s, "series": [[one.labels, one.times, one.values] for one in found]}
            left_s = deadline - self._monotonic()
            if left_s <= 0:
                raise WatchmanError("Prometheus took too long to answer")
            picture = base64.b64decode(self._paint(job, left_s)["png_base64"])
        except (WatchmanError, OSError, KeyError, ValueError) as error:
            log.warning("a chart could not be drawn, the message goes without: %s", error)
            return b""
        return picture if len(picture) <= _MOST_BYTES else b""
