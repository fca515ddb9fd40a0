"""Several values of a rule's threshold, `for` and `keep_firing_for` tried at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from watchman.durations import format_duration, parse_duration
from watchman.errors import UsageError
from watchman.replay.piece import Judge, Keep
from watchman.replay.result import Replay
from watchman.replay.run import Ports, Setting, Variant, replay_variants
from watchman.rules.rule import Group, Rule
from watchman.rules.threshold import Threshold, any_comparison, find_threshold
from watchman.series import LabelKey, Labels, label_key

KEYS = ("threshold", "for", "keep_firing_for")
MOST_VARIANTS = 64

Values = Mapping[str, Sequence[float]]
"""What is tried, by key: thresholds as numbers, durations in seconds."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One variant: what it sets, by key, and what it would have given."""

    values: Mapping[str, float]
    replay: Replay

    @property
    def name(self) -> str:
        """`threshold 2000, for 5m`."""
        return ", ".join(f"{key} {value_text(key, value)}" for key, value in self.values.items())


def read_sweeps(texts: Iterable[str]) -> dict[str, list[float]]:
    """`["threshold=2000,3000", "for=1m,5m"]` as values by key; raises UsageError."""
    found: dict[str, list[float]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        if not equals or key not in KEYS:
            raise UsageError(f"--sweep {text}: write KEY=VALUE,VALUE with KEY one of {', '.join(KEYS)}")
        if key in found:
            raise UsageError(f"--sweep {key} is given twice: put all its values into one")
        found[key] = list(dict.fromkeys(_value(key, value.strip(), text) for value in values.split(",")))
    count = 1
    for values_of_key in found.values():
        count *= len(values_of_key)
    if count > MOST_VARIANTS:
        raise UsageError(f"--sweep: {count} variants are more than {MOST_VARIANTS}: give fewer values")
    return found


def sweep(setting: Setting, ports: Ports, values: Values) -> list[Tried]:
    """Every combination of `values` for the rules of `setting`, in their order; raises UsageError, QueryError."""
    combinations = [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]
    if "threshold" not in values:
        return _together(setting, ports, combinations, {})
    thresholds = _thresholds(setting)
    if thresholds is not None:
        return _together(_without_thresholds(setting, thresholds), ports, combinations, thresholds)
    # The compared values are not what the expression gives: each threshold is a query of its own.
    tried: list[Tried] = []
    for threshold in values["threshold"]:
        fixed = [one for one in combinations if one["threshold"] == threshold]
        tried += _together(_with_threshold(setting, threshold), ports, fixed, {})
    return sorted(tried, key=lambda one: combinations.index(dict(one.values)))


def above(threshold: Threshold, value: float) -> Keep:
    """The comparison with another threshold."""

    def judge_of(_labels: Labels) -> Judge:
        return lambda sample: threshold.passes(sample, value)

    return judge_of


def with_return(threshold: Threshold, release: float) -> Keep:
    """A comparison with hysteresis: what has passed the threshold stays until it does not even pass `release`."""
    inside: dict[LabelKey, bool] = {}

    def judge_of(labels: Labels) -> Judge:
        key = label_key(labels)

        def stays(sample: float) -> bool:
            inside[key] = threshold.passes(sample, release if inside.get(key, False) else threshold.value)
            return inside[key]

        return stays

    return judge_of


def value_text(key: str, value: float) -> str:
    """A value as one writes it."""
    return f"{value:g}" if key == "threshold" else format_duration(value)


def without_comparison(rule: Rule, threshold: Threshold) -> Rule:
    """The rule asked without its comparison; what it is called by stays."""
    return replace(rule, asked=threshold.rest)


def _value(key: str, text: str, whole: str) -> float:
    try:
        value = float(text) if key == "threshold" else parse_duration(text)
        if not math.isfinite(value):
            raise ValueError(text)
        return value
    except ValueError:
        kind = "a number" if key == "threshold" else "a duration such as 5m"
        raise UsageError(f"--sweep {whole}: {text!r} is not {kind}") from None


def _together(
    setting: Setting, ports: Ports, combinations: Sequence[Mapping[str, float]], thresholds: Mapping[Any, Threshold]
) -> list[Tried]:
    variants = [
        Variant(
            str(number),
            {place: (_changed(rule, values), _keep(thresholds.get(place), values)) for place, rule in _places(setting)},
        )
        for number, values in enumerate(combinations)
    ]
    results = replay_variants(setting, ports, variants)
    return [Tried(values, result) for values, result in zip(combinations, results, strict=True)]


def _changed(rule: Rule, values: Mapping[str, float]) -> Rule:
    return replace(
        rule,
        for_s=values.get("for", rule.for_s),
        keep_firing_for_s=values.get("keep_firing_for", rule.keep_firing_for_s),
    )


def _keep(threshold: Threshold | None, values: Mapping[str, float]) -> Keep | None:
    return None if threshold is None else above(threshold, values["threshold"])


def _thresholds(setting: Setting) -> dict[tuple[str, int], Threshold] | None:
    """The threshold of every rule; None if one has none that can be taken off."""
    found = {place: find_threshold(rule.query) for place, rule in _places(setting)}
    known = {place: threshold for place, threshold in found.items() if threshold is not None}
    return known if len(known) == len(found) else None


def _without_thresholds(setting: Setting, thresholds: Mapping[tuple[str, int], Threshold]) -> Setting:
    return _mapped(setting, lambda place, rule: without_comparison(rule, thresholds[place]))


def _with_threshold(setting: Setting, value: float) -> Setting:
    def changed(_place: tuple[str, int], rule: Rule) -> Rule:
        text = replaced_number(rule.query, value)
        if text is None:
            raise UsageError(f"{rule.name} compares with no number: there is no threshold to sweep")
        return replace(rule, asked=text)

    return _mapped(setting, changed)


def replaced_number(expr: str, value: float) -> str | None:
    """The expression with the number of its first comparison replaced; None if it compares with none."""
    place = any_comparison(expr)
    return None if place is None else f"{expr[: place[0]]}{value!r}{expr[place[1] :]}"


def _mapped(setting: Setting, change: Callable[[tuple[str, int], Rule], Rule]) -> Setting:
    groups = [_group(group, change) for group in setting.groups]
    return replace(setting, groups=groups)


def _group(group: Group, change: Callable[[tuple[str, int], Rule], Rule]) -> Group:
    rules = (rule if rule.record else change((group.key, index), rule) for index, rule in enumerate(group.rules))
    return replace(group, rules=tuple(rules))


def _places(setting: Setting) -> list[tuple[tuple[str, int], Rule]]:
    return [
        ((group.key, index), rule)
        for group in setting.groups
        for index, rule in enumerate(group.rules)
        if not rule.record
    ]
