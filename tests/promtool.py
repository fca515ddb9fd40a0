"""Runs promtool on rules with made-up series: the judge of what a rule does over days is the real PromQL engine."""

from __future__ import annotations

import subprocess
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from servers import binary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RULES = Path(__file__).parent.parent / "rules"


def promtool(*arguments: str | Path, limit_s: float = 120.0) -> None:
    """Fails with promtool's own words if it is not content."""
    command = [binary("promtool"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def run_life(
    directory: Path,
    rule_files: Iterable[str],
    series: Mapping[str, Iterable[float | None]],
    *,
    step_s: int,
    evaluation_s: int | None = None,
    expect: Mapping[str, Mapping[str, float]],
) -> None:
    """Lives through `series`: samples every `step_s`, None is a gap; rules run as often, or every `evaluation_s`.

    `expect` says what expressions give at the end: {expression: {labels as text: value}}.
    """
    columns = {name: list(samples) for name, samples in series.items()}
    steps = max(map(len, columns.values()))
    checks = [
        {
            "expr": expr,
            "eval_time": f"{(steps - 1) * step_s}s",
            "exp_samples": [{"labels": labels, "value": value} for labels, value in samples.items()],
        }
        for expr, samples in expect.items()
    ]
    document: dict[str, Any] = {
        "rule_files": [str(RULES / name) for name in rule_files],
        "evaluation_interval": f"{evaluation_s or step_s}s",
        "tests": [
            {
                "interval": f"{step_s}s",
                "input_series": [{"series": name, "values": notation(samples)} for name, samples in columns.items()],
                "promql_expr_test": checks,
            }
        ],
    }
    file = directory / "life_test.yaml"
    file.write_text(yaml.safe_dump(document, width=10_000))
    promtool("test", "rules", file)


def begins(alert: str, days: float, evaluation_s: int) -> str:
    """An expression: how often `alert` (a regular expression) began to fire in the last `days`, per alert."""
    firing = f'ALERTS{{alertname=~"{alert}",alertstate="firing"}}'
    began = f"{firing} unless {firing} offset {evaluation_s}s"
    return f"sum by (alertname) (count_over_time(({began})[{round(days * 86400)}s:{evaluation_s}s]))"


def notation(samples: Iterable[float | None]) -> str:
    """promtool's short form: `400x9` is ten times 400, `_x3` three gaps."""
    words = []
    for value, run in groupby(samples):
        count = len(list(run))
        if value is None:
            words.append(f"_x{count}")
        else:
            words.append(f"{value:g}" if count == 1 else f"{value:g}x{count - 1}")
    return " ".join(words)
