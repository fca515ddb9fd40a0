"""Rules and series made at random, small enough that their answers can be worked out without a PromQL engine."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from watchman.rules.rule import Group, Rule
from watchman.series import Answer, Sample

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_BACK_S = 300
STALE = "stale"
Value = float | str | None
"""A sample, a staleness marker, or a scrape that was missed."""
Element = tuple[tuple[str, ...], float]
"""The values of the labels i and j, and the sample's value."""

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
LABELS = [
    {},
    {"severity": "page"},
    {"j": ""},
    {"j": "same"},
    {"v": "{{ $value }}"},
    {"i": "{{ $labels.j }}!"},
    {"level": '{{ if gt $value 4.0 }}high{{ else }}low{{ end }}', "team": "a"},
    {"alertname": "other", "name": "x{{ $labels.__name__ }}"},
]  # fmt: skip
ANNOTATIONS = [
    {},
    {"summary": "{{ $labels.i }} is {{ $value }}"},
    {"summary": '{{ printf "%.1f" $value }} {{ $value | humanize }}', "fixed": "text", "none": "{{ $labels.k }}"},
    {"summary": "{{ $labels.i | toUpper }}{{ if lt $value 3.0 }} low{{ end }}", "bad": "{{ gt $value 1 }}"},
]
DURATIONS_S = [0, 0, 30, 60, 90, 120, 180, 360]


@dataclass(frozen=True)
class Made:
    """One combination. `form` and `limit` make the expression; `series` has the samples of one minute each by i, j."""

    form: str
    op: str
    bound: float
    labels: dict[str, str]
    annotations: dict[str, str]
    for_s: int
    keep_s: int
    limit: int
    series: tuple[tuple[tuple[str, str], tuple[Value, ...]], ...]

    def expr(self, metric: str) -> str:
        bound = f"{self.bound:g}"
        return {
            "plain": metric,
            "compare": f"{metric} {self.op} {bound}",
            "turned": f"{bound} {self.op} {metric}",
            "bool": f"{metric} {self.op} bool {bound}",
            "one": f'{metric}{{i="a"}} {self.op} {bound}',
            "absent": f'absent({metric}{{i="a"}})',
            "unless": f"{metric} unless {metric} {self.op} {bound}",
            "or": f"{metric} {self.op} {bound} or {metric} < 2",
            "count": f"count({metric}) {self.op} {bound}",
        }[self.form]

    def answer(self, metric: str, ts: int) -> Answer:
        """What Prometheus answers to `expr` at a whole minute."""
        now = [((i, j), value) for (i, j), values in self.series if (value := at(values, ts)) is not None]
        compare = COMPARISONS[self.op]

        def kept(elements: list[Element], *, swap: bool = False) -> list[Element]:
            pairs = ((self.bound, v) if swap else (v, self.bound) for _, v in elements)
            return [one for one, pair in zip(elements, pairs, strict=True) if compare(*pair)]

        def named(elements: list[Element]) -> Answer:
            samples = (Sample({"__name__": metric, "i": i, "j": j}, value) for (i, j), value in elements)
            return Answer("vector", list(samples))

        if self.form == "bool":
            return Answer("vector", [Sample({"i": i, "j": j}, float(compare(v, self.bound))) for (i, j), v in now])
        if self.form == "absent":
            return Answer("vector", [] if any(i == "a" for (i, _), _ in now) else [Sample({"i": "a"}, 1.0)])
        if self.form == "count":
            count = float(len(now))
            return Answer("vector", [Sample({}, count)] if now and compare(count, self.bound) else [])
        over = kept(now)
        return named(
            {
                "plain": now,
                "compare": over,
                "turned": kept(now, swap=True),
                "one": [one for one in over if one[0][0] == "a"],
                "unless": [one for one in now if one not in over],
                "or": over + [one for one in now if one not in over and one[1] < 2],
            }[self.form]
        )

    def rule(self, number: int) -> tuple[Rule, Group]:
        rule = Rule(
            name=f"A{number}",
            expr=self.expr(f"m{number}"),
            labels=self.labels,
            annotations=self.annotations,
            for_s=self.for_s,
            keep_firing_for_s=self.keep_s,
        )
        return rule, Group(f"g{number}", "rules.yaml", (rule,), limit=self.limit)

    def group_document(self, number: int) -> dict[str, Any]:
        rule: dict[str, Any] = {"alert": f"A{number}", "expr": self.expr(f"m{number}")}
        rule |= {"for": f"{self.for_s}s", "keep_firing_for": f"{self.keep_s}s"}
        rule |= {"labels": self.labels, "annotations": self.annotations}
        return {"name": f"g{number}", "limit": self.limit, "rules": [rule]}

    def series_documents(self, number: int) -> list[dict[str, str]]:
        return [
            {"series": f'm{number}{{i="{i}",j="{j}"}}', "values": " ".join(map(word, values))}
            for (i, j), values in self.series
        ]


def at(values: tuple[Value, ...], ts: int) -> float | None:
    """The last sample at or before `ts`: at most five minutes old (as Prometheus 2 counts), no stale marker since."""
    for minute in range(min(ts // 60, len(values) - 1), -1, -1):
        if ts - minute * 60 > LOOK_BACK_S or values[minute] == STALE:
            return None
        value = values[minute]
        if value is not None:
            return float(value)
    return None


def word(value: Value) -> str:
    """A sample in promtool's notation."""
    if value is None:
        return "_"
    if isinstance(value, str):
        return value
    return "NaN" if math.isnan(value) else f"{value:g}"


_SAMPLES = st.sampled_from([0.0, 1.0, 3.0, 3.0, 5.0, 5.0, 7.0, None, None, STALE, math.nan])
_NAMES = [("a", "x"), ("a", "y"), ("b", "x"), ("c", "y")]


@st.composite
def _series(draw: Any) -> tuple[tuple[tuple[str, str], tuple[Value, ...]], ...]:
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3, unique=True))
    return tuple((name, tuple(draw(st.lists(_SAMPLES, min_size=1, max_size=12)))) for name in names)


MADE = st.builds(
    Made,
    form=st.sampled_from(["compare", "plain", "turned", "bool", "one", "absent", "unless", "or", "count"]),
    op=st.sampled_from(sorted(COMPARISONS)),
    bound=st.sampled_from([0.0, 2.0, 4.0, 5.0]),
    labels=st.sampled_from(LABELS),
    annotations=st.sampled_from(ANNOTATIONS),
    for_s=st.sampled_from(DURATIONS_S),
    keep_s=st.sampled_from(DURATIONS_S),
    limit=st.sampled_from([0, 0, 0, 0, 1, 2]),
    series=_series(),
)
