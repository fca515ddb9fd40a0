"""How asking the battery fares, as metric families: what an operator looks at when series are missing."""

from __future__ import annotations

from watchman.sonnen.details import Configurations, Latest
from watchman.sonnen.families import Families, Labels
from watchman.sonnen.plan import EndpointState, State, current, is_offline, is_online
from watchman.sonnen.tally import BUCKETS_S, Tally


def write_health(page: Families, labels: Labels, state: State, now_s: float) -> None:
    """Presence of the battery, and per endpoint availability, age, requests and errors by reason."""
    page.gauge("sonnen_online", "Metric scraping successful", labels, is_online(state, now_s))
    doc = "1 while the battery accepts the token, 0 once it has refused it"
    page.gauge("sonnen_token_ok", doc, labels, state.token_ok if state.system.token else None)
    for endpoint, known in state.endpoints.items():
        _write_endpoint(page, {**labels, "endpoint": endpoint}, known, now_s, offline=is_offline(state))
    for endpoint, tally in state.tallies.items():
        _write_tally(page, {**labels, "endpoint": endpoint}, tally)


def write_info(page: Families, labels: Labels, state: State, now_s: float) -> None:
    """sonnen_info, once all of its labels are known, so that it does not change its identity after the start."""
    if state.known is None or not _settled(state) or current(state, "status", now_s) is None:
        return
    known, latest = _reading(state, "configurations"), _reading(state, "latestdata")
    firmware = known.firmware if isinstance(known, Configurations) else None
    modules = known.modules if isinstance(known, Configurations) else None
    if modules is None and isinstance(latest, Latest):
        modules = latest.modules
    page.gauge(
        "sonnen_info",
        "A metric with a constant '1' value labeled by api, firmware and number of battery modules",
        {
            **labels,
            "api": state.known.api.partition("-")[0],
            "firmware": firmware or "",
            "modules": "" if modules is None else f"{modules:g}",
        },
        1.0,
    )


def _write_endpoint(page: Families, labels: Labels, known: EndpointState, now_s: float, *, offline: bool) -> None:
    if known.received_s is None and not known.reason:
        return
    up = not known.reason and not offline
    page.gauge("sonnen_endpoint_up", "1 if the last request to this endpoint gave an answer", labels, up)
    doc = "0 if this device does not have the endpoint"
    page.gauge("sonnen_endpoint_available", doc, labels, labels["endpoint"] == "status" or not known.gone)
    page.gauge(
        "sonnen_last_success_timestamp_seconds",
        "When this endpoint last gave an answer",
        labels,
        known.received_unix,
    )
    age_s = None if known.received_s is None else now_s - known.received_s
    page.gauge("sonnen_data_age_seconds", "Age of the last answer of this endpoint", labels, age_s)
    missing = None if known.reading is None else known.reading.missing
    doc = "Fields that were expected in the last answer and are absent or null"
    page.gauge("sonnen_missing_fields", doc, labels, missing)


def _write_tally(page: Families, labels: Labels, tally: Tally) -> None:
    page.counter("sonnen_requests_total", "Requests to the battery", labels, tally.requests)
    for reason, count in tally.errors.items():
        doc = "Requests to the battery that gave no usable answer, by reason"
        page.counter("sonnen_request_errors_total", doc, {**labels, "reason": reason}, count)
    buckets = {f"{bound:g}": count for bound, count in zip(BUCKETS_S, tally.within, strict=True)}
    page.histogram(
        "sonnen_request_duration_seconds",
        "How long requests to the battery take",
        labels,
        {**buckets, "+Inf": tally.requests},
        tally.seconds,
    )


def _settled(state: State) -> bool:
    """Whether what sonnen_info is made of has been asked for."""
    parts = [state.endpoints[name] for name in ("configurations", "latestdata") if name in state.endpoints]
    return state.token_ok is False or all(part.received_s is not None or part.reason for part in parts)


def _reading(state: State, endpoint: str) -> object:
    known = state.endpoints.get(endpoint)
    return known.reading if known else None
