"""Metric families as Prometheus' text format 0.0.4, printed the way the Rust exporter prints.

Families, samples and labels are sorted, and whole numbers have no ".0": 64, not 64.0. Diffs between the two exporters
then show only what differs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prometheus_client import Metric

if TYPE_CHECKING:
    from prometheus_client.samples import Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_LONGEST_INTEGER = 1e15  # beyond it floats are not exact integers any more


def render(families: Iterable[Metric]) -> str:
    """The text of all families that have samples. The second of two samples with equal labels is dropped: one such
    pair would make Prometheus refuse the whole scrape."""
    lines: list[str] = []
    for family in sorted(families, key=lambda family: family.name):
        if family.samples:
            lines += _family(family)
    return "".join(f"{line}\n" for line in lines)


def _family(family: Metric) -> list[str]:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    samples: dict[str, str] = {}
    # The buckets of a histogram have an order of their own, which the collector keeps.
    ordered = family.samples if family.type == "histogram" else sorted(family.samples, key=_order)
    for sample in ordered:
        samples.setdefault(sample.name + _labels(sample), format_value(sample.value))
    head = [f"# HELP {name} {_escape_help(family.documentation)}", f"# TYPE {name} {family.type}"]
    return head + [f"{series} {value}" for series, value in samples.items()]


def format_value(value: float) -> str:
    """A sample value: whole numbers without a fraction, others as short as they can be read back."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if abs(value) < _LONGEST_INTEGER and value == int(value) else repr(float(value))


def _order(sample: Sample) -> tuple[str, ...]:
    return (sample.name, *(sample.labels[name] for name in sorted(sample.labels)))


def _labels(sample: Sample) -> str:
    pairs = ",".join(f'{name}="{_escape(sample.labels[name])}"' for name in sorted(sample.labels))
    return f"{{{pairs}}}" if pairs else ""


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _escape_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
