"""Labels, samples and answers of Prometheus, and the identity of a label set."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Labels = dict[str, str]
LabelKey = tuple[tuple[str, str], ...]

_FNV_OFFSET = 14695981039346656037
_FNV_PRIME = 1099511628211
_MASK = (1 << 64) - 1
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Sample:
    """One element of an instant vector. `labels` holds `__name__` where Prometheus sent it."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What an instant query gave: `kind` is vector, scalar, string or matrix.

    A scalar is one sample without labels. For string and matrix `samples` is empty; a rule cannot use them.
    """

    kind: str
    samples: list[Sample]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """Samples of one series by their own time stamps: unix seconds, ascending, and values of equal length."""

    labels: Labels
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


Pair = Sequence[Any]
"""A time (unix seconds) and a value as text, as the JSON of a range query has them."""
Matrix = list[tuple[Labels, Sequence[Pair]]]
"""The answer to a range query as it came: each series' labels and pairs, oldest first."""

Query = Callable[[str, float], Answer]
"""`query(expression, unix seconds)`; raises QueryError."""


def label_key(labels: Mapping[str, str]) -> LabelKey:
    """The hashable identity of a label set."""
    return tuple(sorted(labels.items()))


def writable(text: str) -> str:
    """The text with U+FFFD for every half of a surrogate pair: JSON may hold one, and nothing can write it down."""
    return _SURROGATE.sub("\ufffd", text) if _SURROGATE.search(text) else text


def fingerprint(labels: Mapping[str, str]) -> str:
    """Sixteen hex digits that name a label set, the same as Alertmanager's (FNV-1a, 64 bit, 0xff after each part)."""
    value = _FNV_OFFSET
    for name, text in sorted(labels.items()):
        for byte in name.encode() + b"\xff" + text.encode() + b"\xff":
            value = ((value ^ byte) * _FNV_PRIME) & _MASK
    return f"{value:016x}"
