"""The measured series behind a rule, coarse enough for a picture: the extremes of each stretch, so no peak is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watchman.errors import QueryError
from watchman.replay.result import Replay, RuleReplay
from watchman.replay.run import Ports
from watchman.rules.threshold import Threshold, find_threshold

STRETCHES = 480
_MOST_SERIES = 3
_MOST_RULES = 12
_LOOKS_PER_STRETCH = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One series: what tells it from the others, and its (unix seconds, value) points."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a rule looks at. `threshold` is the value it is compared with, None if there is none."""

    expr: str
    threshold: Threshold | None
    step_s: float
    lines: Sequence[Line]


def measure(replay: Replay, ports: Ports) -> Mapping[int, Measured]:
    """The series of every rule that fired, by its place in the replay; what cannot be read is left out."""
    fired = [index for index, rule in enumerate(replay.rules) if rule.incidents][:_MOST_RULES]
    found = {index: _measured(replay.rules[index], replay, ports) for index in fired}
    return {index: measured for index, measured in found.items() if measured is not None}


def _measured(one: RuleReplay, replay: Replay, ports: Ports) -> Measured | None:
    threshold = find_threshold(one.rule.query)
    expr = threshold.rest if threshold else next(iter(one.rule.selectors), None)
    if expr is None:
        return None
    step_s = max(one.group.interval_s, (replay.reached - replay.start) / STRETCHES)
    function = "min_over_time" if threshold and threshold.op in ("<", "<=") else "max_over_time"
    look_s = max(one.group.interval_s, step_s / _LOOKS_PER_STRETCH)
    # A comment at its end would swallow what follows.
    asked = f"{function}(({expr}\n)[{step_s * 1000:.0f}ms:{look_s * 1000:.0f}ms])"
    try:
        matrix = ports.range_query(asked, replay.start, replay.reached, step_s)
    except QueryError:
        return None
    lines = [Line(_name(labels), [(float(ts), float(text)) for ts, text in pairs]) for labels, pairs in matrix]
    return Measured(expr, threshold, step_s, lines[:_MOST_SERIES]) if lines else None


def _name(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={text}" for name, text in labels.items() if name != "__name__")
