"""How long one evaluation of the state machine takes: `python bench/bench_engine.py [elements]` prints a table.

The query itself is not in it. Each figure is the best of five runs in processor time: other work does not count.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

from watchman.rules.engine import Alerts, evaluate
from watchman.rules.rule import Group, Rule
from watchman.rules.template import make_expander
from watchman.series import Answer, Sample

RUNS = 5
PLAIN = Rule(name="T", expr="m > 0", for_s=60, labels={"severity": "warning"}, annotations={"summary": "too much"})
TEMPLATED = Rule(
    name="T",
    expr="m > 0",
    for_s=60,
    labels={"severity": "warning"},
    annotations={"summary": "{{ $labels.instance }} is at {{ $value | humanize }}"},
)
expand = make_expander(lambda _expr, _ts: Answer("vector", []), {}, "http://localhost:9424")


def answer(count: int, value: float) -> Answer:
    """`count` elements with four labels each; new objects, as a parsed answer has."""
    labels = (
        {"__name__": "m", "instance": f"host{n}:9100", "job": "node", "device": f"d{n % 7}"} for n in range(count)
    )
    return Answer("vector", [Sample(one, value) for one in labels])


def best_ms(rule: Rule, before: Alerts, make: Callable[[], Answer], ts: float) -> tuple[float, Alerts]:
    """The shortest of some evaluations in milliseconds, and the alerts after it."""
    group, best, after = Group("g", "f.yaml", (rule,)), float("inf"), before
    for _ in range(RUNS):
        given = make()
        started = time.process_time()
        after = evaluate(rule, group, before, given, ts, expand, absent).alerts
        best = min(best, time.process_time() - started)
    return best * 1000, after


def absent(_labels: Mapping[str, str], _since: float, _ts: float) -> bool:
    """Never asked: the rules resolve what vanishes."""
    return True


def rows(rule: Rule, count: int) -> list[tuple[str, float]]:
    """The life of `count` alerts of one rule, evaluation by evaluation."""
    new, pending = best_ms(rule, {}, lambda: answer(count, 1.0), 0.0)
    fires, firing = best_ms(rule, pending, lambda: answer(count, 1.0), 60.0)
    same, _ = best_ms(rule, firing, lambda: answer(count, 1.0), 120.0)
    other, _ = best_ms(rule, firing, lambda: answer(count, 2.0), 120.0)
    over, resolved = best_ms(rule, firing, lambda: answer(0, 1.0), 120.0)
    idle, _ = best_ms(rule, resolved, lambda: answer(0, 1.0), 180.0)
    return [
        ("all new", new),
        ("all begin firing", fires),
        ("nothing changed", same),
        ("every value changed", other),
        ("all resolved", over),
        ("all remembered", idle),
    ]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"{count} elements, ms per evaluation")
    print(f"{'':24}{'plain texts':>14}{'one template':>14}")
    for (name, plain), (_, templated) in zip(rows(PLAIN, count), rows(TEMPLATED, count // 100), strict=True):
        print(f"{name:24}{plain:14.0f}{templated * 100:14.0f}")
    print("(one template: measured with a hundredth of the elements)")


if __name__ == "__main__":
    main()
