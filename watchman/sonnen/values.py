"""JSON answers of a battery as plain values. Firmwares disagree on types, so every reader here takes anything.

A number may come as integer, float or text, a switch as boolean or 0/1; what is missing, null or of another kind is
None, never 0 and never an exception.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAX_DEPTH = 16  # the deepest answer known has 4 levels
MAX_LABEL = 64

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
# It matches at every quotation mark and never steps back: an answer made for it would hold up all scrapes otherwise.
_STRING = re.compile(rb'"(?:[^"\\]|\\.?)*+(?:"|\Z)', re.DOTALL)
_SWITCHES = {"0": False, "1": True, "false": False, "true": True}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no usable answer. `reason` is a metric label, `message` one line for a person.

    Reasons: timeout, connect, dns, unauthorized, forbidden, not_found, http_4xx, http_5xx, redirect, bad_json,
    bad_shape, not_ready.
    """

    reason: str
    message: str


REASONS = (
    "timeout", "connect", "dns", "unauthorized", "forbidden", "not_found", "http_4xx", "http_5xx", "redirect",
    "bad_json", "bad_shape", "not_ready",
)  # fmt: skip


def load_json(body: bytes) -> object | Failure:
    """The JSON value in `body`; bytes that are not UTF-8 are replaced, nesting beyond MAX_DEPTH is refused."""
    if _depth(body) > MAX_DEPTH:
        return Failure("bad_json", f"the answer is nested deeper than {MAX_DEPTH} levels")
    try:
        value: object = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return Failure("bad_json", f"the answer is not JSON: {_excerpt(body)}")
    return value


def number(value: object) -> float | None:
    """A finite number from an int, a float or a numeric text; a boolean is not a number."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def switch(value: object) -> bool | None:
    """A boolean from true/false, 0/1 or their text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _SWITCHES.get(value.strip().lower())
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else None


def text(value: object) -> str | None:
    """Printable text of at most MAX_LABEL characters, fit to be a label value; None if nothing is left."""
    if not isinstance(value, str):
        return None
    kept = "".join(letter for letter in value if letter.isprintable()).strip()[:MAX_LABEL]
    return kept or None


def key(value: object) -> str:
    """A name in the manner of label values: lower case, other characters than a-z and 0-9 as one underscore."""
    return re.sub(r"[^a-z0-9]+", "_", str(value).lower()).strip("_")[:MAX_LABEL]


def mapping(value: object) -> Mapping[str, object]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def three(fields: Mapping[str, object], first: str, second: str, third: str) -> tuple[float | None, ...]:
    """Three numbers that belong together: the phases of a quantity."""
    return number(fields.get(first)), number(fields.get(second)), number(fields.get(third))


def flags(value: object, limit: int = 40) -> dict[str, bool]:
    """The true booleans and false booleans of an object by normalised name; numbers and texts among them are passed
    over. At most `limit`, so that a strange device cannot fill Prometheus."""
    found: dict[str, bool] = {}
    for name, state in mapping(value).items():
        label = key(name)
        if isinstance(state, bool) and label and len(found) < limit:
            found.setdefault(label, state)
    return found


def count_missing(fields: Mapping[str, object], expected: Sequence[str]) -> int:
    """How many of the expected fields are absent or null."""
    return sum(fields.get(name) is None for name in expected)


def _depth(body: bytes) -> int:
    depth = deepest = 0
    for byte in _STRING.sub(b"", body):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _excerpt(body: bytes) -> str:
    shown = text(" ".join(body[:200].decode("utf-8", "replace").split()))
    return repr(shown) if shown else "empty"
