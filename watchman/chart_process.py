"""The chart of a push, drawn in a process of its own: `python -m watchman.chart_process`.

One JSON job on stdin, `{"png_base64": ...}` on stdout; exit 0, or 1 with one line on stderr. It imports nothing but
what draws, because a message waits for it.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping
from typing import IO, Any
from zoneinfo import ZoneInfo

from watchman.report.push_chart import push_chart, unit_of
from watchman.series import Series


def draw(job: Mapping[str, Any]) -> bytes:
    """`{"series": [[labels, times, values], ...], "expr", "start", "end", "since", "unit", "step_s", "zone"}` as PNG.

    Raises ValueError, KeyError or TypeError for a job that cannot be drawn.
    """
    series = [Series(dict(labels), list(times), list(values)) for labels, times, values in job["series"]]
    unit = job["unit"] or unit_of(job["expr"])
    return push_chart(series, job["start"], job["end"], job["since"], ZoneInfo(job["zone"]), unit, job["step_s"])


def serve(stdin: IO[str], stdout: IO[str], stderr: IO[str]) -> int:
    """Do one job; returns the exit code."""
    try:
        picture = draw(json.loads(stdin.read()))
    except (ValueError, KeyError, TypeError) as error:
        print(f"not drawn: {error}", file=stderr)
        return 1
    json.dump({"png_base64": base64.b64encode(picture).decode()}, stdout)
    return 0


if __name__ == "__main__":
    sys.exit(serve(sys.stdin, sys.stdout, sys.stderr))
