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
    pieces = body.split(_OPEN)
    frame, sections = [pieces[0]], list[bytes]()
    for piece in pieces[1:]:
        samples, close, rest = piece.partition(_CLOSE)
        if not close:
            raise ValueError("the samples have no end")
        frame.append(b'"values":[%d]' % len(sections) + rest)
        sections.append(samples)
    return b"".join(frame), sections


def _numbers(section: bytes) -> Array:
    """Time, value, time, value, ... of `1435781430.781,"1.5"],[...`."""
    text = section.translate(None, b'[]"') + b","
    found = _decimals(text)
    if found is None or len(found) != 2 * (section.count(b"],[") + 1):
        return _from_json(json.loads(b"[[" + section + b"]]"))
    return found


def _from_json(pairs: list[Any]) -> Array:
    return np.array([number for stamp, text in pairs for number in (float(stamp), read_number(text))], float)


def _decimals(text: bytes) -> Array | None:
    """The numbers before each comma, exactly as float() reads them; None if one is not written in plain digits."""
    if text.translate(None, b"0123456789.-,"):
        return None
    letters = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(letters == _COMMA)
    points, minuses = (np.flatnonzero(letters == mark) for mark in (_POINT, _MINUS))
    pointed, negative = np.searchsorted(ends, points), np.searchsorted(ends, minuses)
    first_letters = np.concatenate(([0], ends[:-1] + 1))
    if (np.diff(pointed) == 0).any() or (first_letters[negative] != minuses).any():
        return None
    scale = np.ones(len(ends))
    scale[pointed] = _TENS[np.minimum(ends[pointed] - points - 1, _MOST_DIGITS)]
    scale[negative] *= -1
    digits = np.empty(len(ends), np.int64)
    numerals = np.frombuffer(text.translate(None, b".-"), np.uint8)
    stops = np.flatnonzero(numerals == _COMMA)
    widths = np.diff(stops, prepend=-1) - 1
    if widths.min() < 1 or widths.max() > _MOST_DIGITS:
        return None
    for every_other in (slice(0, None, 2), slice(1, None, 2)):  # stamps have more digits than values
        digits[every_other] = _whole(numerals, stops[every_other], widths[every_other])
    # Both are whole numbers that a float holds exactly up to 15 digits, so the quotient is the nearest float.
    return digits / scale


def _whole(numerals: NDArray[np.uint8], stops: NDArray[np.int64], widths: NDArray[np.int64]) -> NDArray[np.int64]:
    """The whole numbers of some widths that end before their stops."""
    total = np.zeros(len(stops), np.int64)
    for place in range(int(widths.max(initial=0))):
        digit = numerals[stops - 1 - place] - np.uint8(_ZERO)
        total += np.where(widths > place, digit, np.uint8(0)) * np.int64(10**place)
    return total
