"""Queries: at an instant, over a range, and the raw samples as they were scraped."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prometheus_api_client import PrometheusConnect
from urllib3.util.retry import Retry

from watchman.errors import QueryError
from watchman.prometheus.answer import SHAPE_ERRORS, add_matrix, in_order, read_answer, read_matrix, read_text_map
from watchman.prometheus.failure import query_error
from watchman.prometheus.session import PrometheusSession
from watchman.prometheus.settings import PrometheusSettings
from watchman.series import Answer, LabelKey, Matrix, Series

if TYPE_CHECKING:
    from watchman.prometheus.arrays import Samples

MAX_POINTS = 11_000
"""Prometheus refuses a range query with more steps than this."""
RAW_CHUNK_S = 6 * 3600.0
ARRAYS_CHUNK_S = 26 * 3600.0
"""A day of 25 hours with what lies around its edges; a sample a second makes 2.5 MB of it."""
SAMPLED_STEP_S = 15.0
"""How often `raw` looks at an expression that is more than a selector and so has no samples of its own."""

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_MATCHERS = r"""\{(?:[^{}"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*\}"""
_SELECTOR = re.compile(rf"\s*(?:{_NAME}\s*(?:{_MATCHERS})?|{_MATCHERS})\s*")


class Prometheus:
    """A client for any number of threads. Every failure is one `QueryError` with its reason, at once.

    `query` is a `watchman.series.Query`. Times are unix seconds.
    """

    def __init__(self, settings: PrometheusSettings) -> None:
        self._settings = settings
        self._session = PrometheusSession(settings)
        self._connect = PrometheusConnect(settings.base_url, session=self._session, retry=Retry(total=0))
        self._session.mount_pool()

    def query(self, expr: str, ts: float) -> Answer:
        """The value of `expr` at `ts`, with result type and warnings."""
        with self._readable():
            return read_answer(self._get("/api/v1/query", {"query": expr, "time": f"{ts:.3f}", **self._timeout()}))

    def range(self, expr: str, start: float, end: float, step_s: float) -> list[Series]:
        """`expr` at start, start + step_s, ... up to `end`, in pieces where the limit of points asks for it."""
        if not step_s >= 0.001:
            raise QueryError(f"a range query needs a step of at least 1 ms, not {step_s:g} s", "bad_query")
        found: dict[LabelKey, Series] = {}
        for first, last in _pieces(start, end, length_s=step_s * (MAX_POINTS - 1), gap_s=step_s):
            with self._readable():
                add_matrix(found, self._range(expr, first, last, step_s), start, end)
        return in_order(found)

    def matrix(self, expr: str, start: float, end: float, step_s: float) -> Matrix:
        """One range query of at most MAX_POINTS steps, its samples as they came: nothing is copied or converted."""
        with self._readable():
            return read_matrix(self._range(expr, start, end, step_s))

    def raw(self, selector: str, start: float, end: float) -> list[Series]:
        """The samples in [start, end] of every series the selector finds, each at its own time.

        An expression that is more than a selector has no samples of its own and is read every 15 s instead. There, as
        in any query, a value that vanishes without a staleness marker lasts 5 minutes longer.
        """
        if not _SELECTOR.fullmatch(selector):
            return self.range(selector, start, end, SAMPLED_STEP_S)
        found: dict[LabelKey, Series] = {}
        for first, last in _pieces(start, end, length_s=RAW_CHUNK_S, gap_s=0.0):
            # Prometheus 3 leaves out a range's left edge, Prometheus 2 does not: ask for a bit more, take each once.
            window_ms = math.ceil((last - first) * 1000) + 2
            params = {"time": f"{last:.3f}", **self._timeout()}
            with self._readable():
                result = self._connect.custom_query(f"{selector.strip()}[{window_ms}ms]", params=params)
                add_matrix(found, result, start, end)
        return in_order(found)

    def raw_arrays(self, selector: str, start: float, end: float) -> Sequence[Samples]:
        """As `raw` for a selector, with arrays of numbers: for the worker, which reads months of them."""
        from watchman.prometheus.arrays import join, read_matrix  # numpy has no place in the daemon

        parts = []
        for first, last in _pieces(start, end, length_s=ARRAYS_CHUNK_S, gap_s=0.0):
            query = f"{selector.strip()}[{math.ceil((last - first) * 1000) + 2}ms]"
            params = {"query": query, "time": f"{last:.3f}", **self._timeout()}
            answer = self._session.request("GET", f"{self._settings.base_url}/api/v1/query", params=params)
            with self._readable():
                parts.append(read_matrix(answer.content))
        return join(parts, start, end)

    def has_before(self, selectors: Sequence[str], ts: float) -> bool:
        """Whether any of the selectors finds a series with samples before `ts`; asks the index, reads no samples."""
        params: dict[str, str | list[str]] = {
            "match[]": list(selectors),
            "start": "0",
            "end": f"{ts:.3f}",
            "limit": "1",
        }
        with self._readable():
            return bool(self._get("/api/v1/series", params)["data"])

    def flags(self) -> dict[str, str]:
        """The flags the server runs with."""
        with self._readable():
            return read_text_map(self._get("/api/v1/status/flags", {}))

    def ready(self) -> bool:
        """True if the server says it can answer queries."""
        try:
            self._session.request("GET", f"{self._settings.base_url}/-/ready", as_json=False)
        except QueryError:
            return False
        return True

    def close(self) -> None:
        """Gives the connections back."""
        self._connect.close()

    def _get(self, path: str, params: Mapping[str, str | list[str]]) -> Any:
        # Not by PrometheusConnect's own methods: they drop the result type and the warnings.
        return self._session.request("GET", f"{self._settings.base_url}{path}", params=dict(params)).json()

    def _range(self, expr: str, start: float, end: float, step_s: float) -> Any:
        # The library rounds start and end to whole seconds; its `params` come last and say them exactly.
        exact = {"start": f"{start:.3f}", "end": f"{end:.3f}", **self._timeout()}
        moments = (datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
        return self._connect.custom_query_range(expr, *moments, f"{step_s:.3f}", params=exact)

    def _timeout(self) -> dict[str, str]:
        return {"timeout": f"{self._settings.timeout_s:.3f}"}

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Turns whatever a body of an unexpected shape raises into one QueryError."""
        try:
            yield
        except (*SHAPE_ERRORS, RecursionError) as exc:
            text = f"answered JSON that is not its query API's ({exc!r}): check prometheus.url"
            raise query_error(self._settings, text, "bad_answer") from exc


def _pieces(start: float, end: float, length_s: float, gap_s: float) -> Iterator[tuple[float, float]]:
    """[start, end] cut into pieces of at most `length_s`, each beginning `gap_s` after the one before it ended."""
    first = start
    while first <= end:
        last = min(first + length_s, end)
        yield first, last
        if last >= end:
            return
        first = last + gap_s
