"""The table that `make bench` prints."""

from __future__ import annotations

import runpy
from pathlib import Path

BENCH = runpy.run_path(str(Path(__file__).parent.parent / "bench" / "run.py"))


def test_a_line_that_is_no_figure_is_a_remark() -> None:
    output = 'warming up\n{"figure": "ticks", "value": 12, "unit": "1/s"}\n{"value": 1}\n17\n'
    figures, remarks = BENCH["read_figures"]("engine", output)
    assert figures == [BENCH["Figure"]("engine", "ticks", 12.0, "1/s")]
    assert remarks == ["warming up", '{"value": 1}', "17"]


def test_the_table_has_a_column_for_each_part() -> None:
    figures = [BENCH["Figure"]("engine", "ticks", 1234.5, "1/s"), BENCH["Figure"]("store", "commit", 0.00123, "s")]
    assert BENCH["table"](figures).splitlines() == [
        "measurement  figure    value  unit",
        "engine       ticks      1234  1/s",
        "store        commit  0.00123  s",
    ]
