"""Raw samples as arrays, for the worker: months of them are read some times faster than as JSON.

Of an answer's JSON only the frame is parsed as such. The samples in it, `[1435781430.781,"1.5"],...`, are almost
always plain decimal numbers and are read digit by digit for all of them at once; where one is not (NaN, +Inf, 1e-7),
that series is read as JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from watchman.prometheus.answer import read_labels, read_number
from watchman.series import LabelKey, Labels, label_key

Array = NDArray[np.float64]

_OPEN, _CLOSE = b'"values":[[', b"]]"
_ZERO, _POINT, _MINUS, _COMMA = b"0.-,"
# More digits do not fit into 64 bits.
_MOST_DIGITS = 18
_TENS = 10.0 ** np.arange(_MOST_DIGITS + 1)


@dataclass(frozen=True, slots=True)
class Samples:
    """As `watchman.series.Series`, in arrays: unix seconds ascending, and values."""

    labels: Labels
    times: Array
    values: Array


def read_matrix(body: bytes) -> list[Samples]:
    """The series of a matrix. What is no answer of the query API raises one of SHAPE_ERRORS."""
    frame, sections = _taken_apart(body)
    document = json.loads(frame)
    if document["status"] != "success":
        raise ValueError("no status success")
    found = []
    for item in document["data"]["result"]:
        values = item.get("values") or []
        # The frame has the number of each section in the section's place.
        numbers = _numbers(sections[values[0]]) if values and isinstance(values[0], int) else _from_json(values)
        found.append(Samples(read_labels(item), numbers[0::2], numbers[1::2]))
    return found


def join(parts: list[list[Samples]], start: float, end: float) -> list[Samples]:
    """Answers to overlapping pieces, in ascending order, as one: samples in [start, end], none twice."""
    found: dict[LabelKey, list[Samples]] = {}
    for part in parts:
        for one in part:
            pieces = found.setdefault(label_key(one.labels), [])
            last = max(start, np.nextafter(pieces[-1].times[-1], np.inf)) if pieces else start
            inside = slice(np.searchsorted(one.times, last), np.searchsorted(one.times, end, "right"))
            if len(one.times[inside]):
                pieces.append(Samples(one.labels, one.times[inside], one.values[inside]))
    return [
        Samples(pieces[0].labels, *(np.concatenate([getattr(p, name) for p in pieces]) for name in ("times", "values")))
        for _, pieces in sorted(found.items())
        if pieces
    ]


def _taken_apart(body: bytes) -> tuple[bytes, list[bytes]]:
    """The JSON with a number instead of each series' samples, and those samples' text."""
    frame, sections, at = list[bytes](), list[bytes](), 0
    while (start := body.find(_OPEN, at)) >= 0:
        end = body.find(_CLOSE, start)
        if end < 0:
            raise ValueError("the samples have no end")
        frame += [body[at:start], b'"values":[%d]' % len(sections)]
        sections.append(body[start + len(_OPEN) : end])
        at = end + len(_CLOSE)
    return b"".join((*frame, body[at:])), sections


def _numbers(section: bytes) -> Array:
    """Time, value, time, value, ... of `1435781430.781,"1.5"],[...`."""
    found = _decimals(section.translate(None, b'[]"') + b",")
    if found is None or len(found) % 2:
        return _from_json(json.loads(b"[[" + section + b"]]"))
    return found


def _from_json(pairs: list[Any]) -> Array:
    return np.array([number for stamp, text in pairs for number in (float(stamp), read_number(text))], float)


def _decimals(text: bytes) -> Array | None:
    """The numbers before each comma, exactly as float() reads them; None if one is not written in plain digits."""
    if text.translate(None, b"0123456789.-,"):
        return None
    letters = np.frombuffer(text, np.uint8)
    marks = np.flatnonzero(letters < _ZERO)
    kinds = letters[marks]
    number = np.cumsum(kinds == _COMMA)  # of a point or a minus: to which number it belongs
    ends, points, minuses = (marks[kinds == kind] for kind in (_COMMA, _POINT, _MINUS))
    pointed, negative = number[kinds == _POINT], number[kinds == _MINUS]
    others = np.bincount(pointed, minlength=len(ends)), np.bincount(negative, minlength=len(ends))
    stops = ends - np.cumsum(others[0]) - np.cumsum(others[1])
    widths = np.diff(stops, prepend=-1) - 1
    well_placed = others[0].max() <= 1 and ((minuses == 0) | (letters[minuses - 1] == _COMMA)).all()
    if not well_placed or widths.min() < 1 or widths.max() > _MOST_DIGITS:
        return None
    scale = np.where(others[1], -1.0, 1.0)
    scale[pointed] *= _TENS[ends[pointed] - points - 1]
    numerals = np.frombuffer(text.translate(None, b".-"), np.uint8) - np.uint8(_ZERO)
    digits = np.empty(len(ends), np.int64)
    for every_other in (slice(0, None, 2), slice(1, None, 2)):  # stamps have more digits than values
        digits[every_other] = _whole(numerals, stops[every_other], widths[every_other])
    # Both are whole numbers that a float holds exactly up to 15 digits, so the quotient is the nearest float.
    return digits / scale


def _whole(numerals: NDArray[np.uint8], stops: NDArray[np.int64], widths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The whole numbers of some widths that end before their stops."""
    total = np.zeros(len(stops), np.int64)
    narrowest, at = int(widths.min(initial=0)), stops.copy()
    for place in range(int(widths.max(initial=0))):
        at -= 1
        digit = numerals.take(at, mode="wrap")
        if place >= narrowest:
            digit *= widths > place
        total += digit * np.int64(10**place)
    return total
