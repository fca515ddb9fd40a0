"""Runs every bench_*.py of this folder in a process of its own and prints their figures as one table."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
TIME_LIMIT_S = 120


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure."""

    bench: str
    name: str
    value: float
    unit: str


def read_figures(bench: str, output: str) -> tuple[list[Figure], list[str]]:
    """The figures in a measurement's output, and the lines that are none."""
    figures, remarks = [], []
    for line in output.splitlines():
        try:
            given = json.loads(line)
            figures.append(Figure(bench, str(given["figure"]), float(given["value"]), str(given["unit"])))
        except (ValueError, TypeError, KeyError):
            remarks.append(line)
    return figures, remarks


def table(figures: list[Figure]) -> str:
    """The figures in columns, numbers aligned at the right."""
    rows = [("measurement", "figure", "value", "unit")]
    rows += [(one.bench, one.name, f"{one.value:.4g}", one.unit) for one in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        f"{bench:<{widths[0]}}  {name:<{widths[1]}}  {value:>{widths[2]}}  {unit}" for bench, name, value, unit in rows
    )


def run(file: Path) -> tuple[list[Figure], bool]:
    """One measurement's figures and whether it succeeded; its remarks and errors go to standard error."""
    command = [sys.executable, str(file)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=TIME_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        print(f"{file.name}: not done after {TIME_LIMIT_S} s", file=sys.stderr)
        return [], False
    figures, remarks = read_figures(file.stem.removeprefix("bench_"), done.stdout)
    for line in remarks:
        print(f"{file.name}: {line}", file=sys.stderr)
    if done.returncode or not figures:
        print(f"{file.name}: exit {done.returncode}, {len(figures)} figures", file=sys.stderr)
    return figures, done.returncode == 0 and bool(figures)


def main(words: list[str]) -> int:
    """Run what the words choose, everything without words."""
    files = [
        file for file in sorted(FOLDER.glob("bench_*.py")) if not words or any(word in file.stem for word in words)
    ]
    if not files:
        print(f"no bench_*.py matches {' '.join(words) or 'in this folder'}", file=sys.stderr)
        return 1
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}\n")
    results = [run(file) for file in files]
    print(table([figure for figures, _ in results for figure in figures]))
    return 0 if all(fine for _, fine in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
