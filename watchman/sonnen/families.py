"""Building metric families: a page on which every battery writes its samples under shared names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prometheus_client import Metric

Labels = Mapping[str, str]
Value = float | bool | None


class Families:
    """All families of one scrape, by name. Writing None writes nothing: what is not known is absent, never 0."""

    def __init__(self) -> None:
        self.families: dict[str, Metric] = {}

    def gauge(self, name: str, doc: str, labels: Labels, value: Value) -> None:
        """One sample of a gauge; booleans become 0 and 1."""
        if value is not None:
            self._family(name, doc, "gauge").add_sample(name, dict(labels), float(value))

    def counter(self, name: str, doc: str, labels: Labels, value: Value) -> None:
        """One sample of a counter; `name` ends in `_total`."""
        if value is not None:
            self._family(name.removesuffix("_total"), doc, "counter").add_sample(name, dict(labels), float(value))

    def histogram(self, name: str, doc: str, labels: Labels, buckets: Mapping[str, int], total: float) -> None:
        """One histogram; `buckets` counts by upper bound, cumulated, `+Inf` last."""
        family = self._family(name, doc, "histogram")
        for bound, count in buckets.items():
            family.add_sample(f"{name}_bucket", {**labels, "le": bound}, float(count))
        family.add_sample(f"{name}_sum", dict(labels), total)
        family.add_sample(f"{name}_count", dict(labels), float(buckets["+Inf"]))

    def _family(self, name: str, doc: str, kind: str) -> Metric:
        known = self.families.get(name)
        if known is None:
            known = self.families[name] = Metric(name, doc, kind)
        return known

    def states(
        self, name: str, doc: str, labels: Labels, value: str | None, *, label: str, known: Sequence[str]
    ) -> None:
        """A state set: one series per known state, 1 for the one that holds; a state not known counts as `other`."""
        if value is not None:
            now = value if value in known else "other"
            for state in known:
                self.gauge(name, doc, {**labels, label: state}, state == now)
