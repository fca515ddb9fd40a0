"""A CSV as people's spreadsheets write it: commas, semicolons or tabs, with or without a byte order mark."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO

Cells = Mapping[str, str]


def read_table(text: str, columns: Sequence[str]) -> Iterator[tuple[int, Cells]]:
    """The number of each row's last line, and its cells by column in lower case, "" where there is none.

    Raises ValueError with the line where a column is lacking or the rows cannot be told apart.
    """
    text = text.lstrip("\ufeff")
    rows = csv.reader(StringIO(text), delimiter=_delimiter(text))
    try:
        names = [name.strip().lower() for name in next(rows, [])]
        if not set(columns) <= set(names):
            raise ValueError(f"line 1: the first line must name the columns {', '.join(columns)}")
        for row in rows:
            if row:
                yield rows.line_num, dict.fromkeys(names, "") | dict(zip(names, map(str.strip, row), strict=False))
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num}: {error}; is a quotation mark not closed?") from None


def number(cell: str, *, decimal_comma: bool) -> float:
    """The number in a cell; raises ValueError for anything else."""
    return float(cell.replace(",", ".") if decimal_comma else cell)


def has_decimal_comma(text: str) -> bool:
    """Whether a CSV leaves the comma to its numbers: semicolons or tabs are between its columns."""
    return _delimiter(text) != ","


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return ";" if ";" in first else "\t" if "\t" in first else ","
