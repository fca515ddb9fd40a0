"""The daemon's own series for /metrics. docs/metrics.md lists every name; a test holds the two together."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.process_collector import ProcessCollector

from watchman import __version__
from watchman.rules.alert import Alert, AlertState

GaugeRows = Iterable[tuple[str, str, Mapping[str, str], float]]
"""Rows of (name, help, labels, value): values that are read when /metrics is asked."""


class Metrics:
    """Counters that the jobs move, and gauges that are read at exposition from what is handed in."""

    def __init__(self, read_alerts: Callable[[], list[Alert]], read_gauges: Callable[[], GaugeRows]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        make = _Maker(self.registry)
        make.gauge("build_info", "1, labelled by version", "version", "pythonversion").labels(
            __version__, platform.python_version()
        ).set(1)
        self.reload_ok = make.gauge("config_last_reload_successful", "1 if the last load of the config worked")
        self.reload_time = make.gauge(
            "config_last_reload_success_timestamp_seconds", "When a config was last loaded without a fault"
        )
        self.prometheus_up = make.gauge("prometheus_up", "1 if the last query was answered")
        self.queries = make.counter("queries", "Queries sent to Prometheus")
        self.query_errors = make.counter("query_errors", "Queries without a usable answer", "reason")
        self.query_seconds = make.histogram("query_duration_seconds", "How long queries take")
        self.iterations = make.counter("group_iterations", "Evaluations of a rule group", "rule_group")
        self.missed = make.counter("group_iterations_missed", "Slots in which a group was not evaluated", "rule_group")
        self.group_seconds = make.gauge("group_last_duration_seconds", "Length of the last evaluation", "rule_group")
        self.rule_failures = make.counter("rule_evaluation_failures", "Evaluations that failed", "rule_group")
        self.notifications = make.counter("notifications", "Messages decided on", "receiver", "reason")
        self.held = make.counter("notifications_held", "Alerts kept back for the digest", "receiver", "reason")
        self.template_failures = make.counter(
            "template_failures", "Messages for which a receiver's own template failed", "receiver", "part"
        )
        self.orders = make.counter("orders", "Links and buttons of messages, by outcome", "way", "outcome")
        self.deliveries = make.counter("deliveries", "Attempts to deliver, by outcome", "receiver", "outcome")
        self.fallbacks = make.counter("fallbacks", "Messages handed to a fallback", "receiver", "fallback")
        self.forwards = make.counter("alertmanager_posts", "Posts to an Alertmanager, by outcome", "outcome")
        self.received = make.counter("alerts_received", "Alerts that others sent, by outcome", "source", "outcome")
        self.webhooks = make.counter("webhooks", "Webhooks of an Alertmanager, by what became of them", "outcome")
        self.reports = make.counter("reports", "Reports made, by outcome", "report", "outcome")
        self.registry.register(_Live(read_alerts, read_gauges))

    def render(self) -> bytes:
        """The text for Prometheus, format 0.0.4."""
        return generate_latest(self.registry)


class _Maker:
    """Prefixes every name and puts it into one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(f"watchman_{name}", documentation, labels, registry=self._registry)

    def counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(f"watchman_{name}", documentation, labels, registry=self._registry)

    def histogram(self, name: str, documentation: str) -> Histogram:
        buckets = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0)
        return Histogram(f"watchman_{name}", documentation, registry=self._registry, buckets=buckets)


class _Live:
    """Series that are made when they are asked for: ALERTS as Prometheus would record them, and plain gauges."""

    def __init__(self, read_alerts: Callable[[], list[Alert]], read_gauges: Callable[[], GaugeRows]) -> None:
        self._read_alerts = read_alerts
        self._read_gauges = read_gauges

    def describe(self) -> Iterator[Metric]:
        """Nothing: names depend on what is there, and prometheus_client need not know them ahead."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every live family."""
        yield from alert_families(self._read_alerts())
        families: dict[str, Any] = {}
        for name, documentation, labels, value in self._read_gauges():
            if name not in families:
                families[name] = GaugeMetricFamily(name, documentation)
            families[name].add_sample(name, dict(labels), value)
        yield from families.values()


def alert_families(alerts: Iterable[Alert]) -> Iterator[Metric]:
    """ALERTS and ALERTS_FOR_STATE of pending and firing alerts, and their number by state."""
    active = [alert for alert in alerts if alert.state is not AlertState.INACTIVE]
    series = GaugeMetricFamily("ALERTS", "Pending and firing alerts of own rules")
    for_state = GaugeMetricFamily("ALERTS_FOR_STATE", "Unix time since when an alert is active")
    count = GaugeMetricFamily("watchman_alerts", "Alerts of own rules by state")
    for alert in active:
        series.add_sample("ALERTS", {**alert.labels, "alertstate": alert.state.value}, 1.0)
        for_state.add_sample("ALERTS_FOR_STATE", dict(alert.labels), alert.active_at)
    for state in (AlertState.PENDING, AlertState.FIRING):
        number = sum(1 for alert in active if alert.state is state)
        count.add_sample("watchman_alerts", {"state": state.value}, float(number))
    yield from (series, for_state, count)
